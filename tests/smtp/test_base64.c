#include "tests/lib/suite.h"

#include <string.h>

#include "smtp/base64.h"

/* RFC 4648 section 10, and bytes that use the whole alphabet. */
static const struct {
	const char *plain;
	size_t len;
	const char *coded;
} pairs[] = {
	{ "", 0, "" },
	{ "f", 1, "Zg==" },
	{ "fo", 2, "Zm8=" },
	{ "foo", 3, "Zm9v" },
	{ "foob", 4, "Zm9vYg==" },
	{ "fooba", 5, "Zm9vYmE=" },
	{ "foobar", 6, "Zm9vYmFy" },
	{ "\0ann\0secret", 11, "AGFubgBzZWNyZXQ=" },
	{ "\xfb\xff\xbf", 3, "+/+/" },
	{ "\0\0\0", 3, "AAAA" },
};

START_TEST(bytes_go_both_ways)
{
	struct span plain = span_make(pairs[_i].plain, pairs[_i].len);
	struct span coded = span_text(pairs[_i].coded);
	struct buf there = { 0 }, back = { 0 };

	ck_assert(base64_encode(plain, &there));
	ck_assert(span_equal(buf_span(&there), coded));
	ck_assert(base64_decode(coded, &back));
	ck_assert(span_equal(buf_span(&back), plain));
	buf_clear(&there);
	buf_clear(&back);
}
END_TEST

static const char *const bad[] = {
	"Z",
	"Zg",
	"Zg=",
	"Zg===",
	"=",
	"==",
	"===",
	"====",
	"Z===",
	"Zm9v\n",
	"Zm9v ",
	" Zm9v",
	"Zm9\n",
	"Zm 9",
	"Zg==Zg==",
	"Zm8=Zm8=",
	"Z=8=",
	"Zm=v",
	"Zh==", /* bits behind the content */
	"Zm9=",
	"Zm9-",
	"Zm9_",
	"Zm9\xff",
	"Zm9*",
};

START_TEST(other_forms_are_refused)
{
	struct buf out = { 0 };
	char into[64];
	size_t len;

	ck_assert_msg(!base64_decode(span_text(bad[_i]), &out), "%s", bad[_i]);
	ck_assert_uint_eq(buf_len(&out), 0);
	ck_assert(
	    !base64_decode_into(span_text(bad[_i]), into, sizeof into, &len));
	buf_clear(&out);
}
END_TEST

START_TEST(a_nul_is_no_letter)
{
	struct buf out = { 0 };

	ck_assert(!base64_decode(SPAN("Zm\0v"), &out));
	buf_clear(&out);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	struct buf out = { .max = 4 };
	char into[3];
	size_t len;

	ck_assert(!base64_encode(SPAN("four"), &out));
	ck_assert_uint_eq(buf_len(&out), 0);
	ck_assert(base64_encode(SPAN("fo"), &out));
	buf_clear(&out);
	ck_assert(!base64_decode(SPAN("Zm9vYmE="), &out));
	ck_assert_uint_eq(buf_len(&out), 0);
	ck_assert(base64_decode(SPAN("Zm9vYg=="), &out));
	ck_assert_uint_eq(buf_len(&out), 4);
	buf_clear(&out);
	ck_assert(
	    !base64_decode_into(SPAN("Zm9vYg=="), into, sizeof into, &len));
	ck_assert(base64_decode_into(SPAN("Zm9v"), into, sizeof into, &len));
	ck_assert_uint_eq(len, 3);
	ck_assert(base64_decode_into(SPAN("Zm8="), into, 2, &len));
	ck_assert_uint_eq(len, 2);
}
END_TEST

START_TEST(every_length_goes_both_ways)
{
	char bytes[256];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	for (size_t n = 0; n <= sizeof bytes; n++) {
		struct buf there = { 0 }, back = { 0 };

		ck_assert(base64_encode(span_make(bytes, n), &there));
		ck_assert_uint_eq(buf_len(&there), BASE64_ENCODED_LEN(n));
		ck_assert(base64_decode(buf_span(&there), &back));
		ck_assert(span_equal(buf_span(&back), span_make(bytes, n)));
		buf_clear(&there);
		buf_clear(&back);
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, bytes_go_both_ways, 0, ARRAY_LEN(pairs));
	tcase_add_loop_test(tc, other_forms_are_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, a_nul_is_no_letter);
	tcase_add_test(tc, what_does_not_fit_is_refused);
	tcase_add_test(tc, every_length_goes_both_ways);
}

SUITE_MAIN("base64", fill)
