#include "mail/reason.h"

#include <string.h>

#include "base/mem.h"
#include "tests/lib/suite.h"

static const struct words words = { .stage = STAGE_RCPT,
	.status = { "4.7.1", 5 },
	.host = { "mx.test [192.0.2.1]:25", 22 },
	.what = { "greylisted", 10 },
	.said = { "451 4.7.1 a\n451 4.7.1 b", 23 } };

START_TEST(it_holds_copies_of_all_fields)
{
	char host[] = "mx.test";
	struct words w = words, got;
	struct reason *r;

	w.host = span_text(host);
	r = reason_new(&w);
	host[0] = 'X';
	got = reason_words(r);
	ck_assert_int_eq(got.stage, STAGE_RCPT);
	ck_assert(span_equal(got.status, SPAN("4.7.1")));
	ck_assert(span_equal(got.host, SPAN("mx.test")));
	ck_assert(span_equal(got.what, SPAN("greylisted")));
	ck_assert(span_equal(got.said, SPAN("451 4.7.1 a\n451 4.7.1 b")));
	reason_unref(r);
}
END_TEST

START_TEST(no_reason_has_no_words)
{
	struct words got = reason_words(NULL);

	ck_assert_int_eq(got.stage, STAGE_NONE);
	ck_assert(span_is_empty(got.status) && span_is_empty(got.host));
	ck_assert(span_is_empty(got.what) && span_is_empty(got.said));
	ck_assert_ptr_null(reason_ref(NULL));
	ck_assert_uint_eq(reason_memory(NULL), 0);
	reason_unref(NULL);
}
END_TEST

START_TEST(control_bytes_become_blanks)
{
	struct words w = { .host = SPAN("a\tb\nc"),
		.what = SPAN("d\r\ne"),
		.said = SPAN("f\rg\nh\x7f\x01") };
	struct reason *r = reason_new(&w);
	struct words got = reason_words(r);

	ck_assert(span_equal(got.host, SPAN("a b c")));
	ck_assert(span_equal(got.what, SPAN("d  e")));
	ck_assert(span_equal(got.said, SPAN("f g\nh  ")));
	reason_unref(r);
}
END_TEST

START_TEST(what_is_too_long_is_cut)
{
	char big[WORDS_SAID_MAX + 100];
	struct words w, got;
	struct reason *r;

	memset(big, 'x', sizeof big);
	w = (struct words){ .status = span_make(big, sizeof big),
		.host = span_make(big, sizeof big),
		.what = span_make(big, sizeof big),
		.said = span_make(big, sizeof big) };
	r = reason_new(&w);
	got = reason_words(r);
	ck_assert_uint_eq(got.status.len, WORDS_STATUS_MAX - 1);
	ck_assert_uint_eq(got.host.len, REASON_FIELD_MAX);
	ck_assert_uint_eq(got.what.len, REASON_FIELD_MAX);
	ck_assert_uint_eq(got.said.len, WORDS_SAID_MAX);
	ck_assert_uint_gt(reason_memory(r), WORDS_SAID_MAX);
	reason_unref(r);
}
END_TEST

START_TEST(the_last_reference_frees)
{
	struct reason *r = reason_new(&words);

	ck_assert_ptr_eq(reason_ref(r), r);
	reason_unref(r);
	ck_assert(span_equal(reason_words(r).status, SPAN("4.7.1")));
	reason_unref(r); /* a sanitizer sees it if not */
}
END_TEST

/* Two that differ in one field are not equal, though their texts join alike. */
START_TEST(equal_ones_have_equal_fields)
{
	struct words others[] = { words, words, words, words, words };
	struct reason *r = reason_new(&words), *same = reason_new(&words);

	others[0].stage = STAGE_MAIL;
	others[1].status = SPAN("4.7.");
	others[1].host = SPAN("1mx.test [192.0.2.1]:25");
	others[2].what = SPAN("greylistem");
	others[3].said = SPAN("451 4.7.1 a");
	others[4].host = SPAN("mx.test [192.0.2.1]:25g");
	others[4].what = SPAN("reylisted");
	ck_assert(reason_equal(r, same));
	ck_assert(reason_equal(NULL, NULL));
	ck_assert(!reason_equal(r, NULL) && !reason_equal(NULL, r));
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct reason *o = reason_new(&others[i]);

		ck_assert_msg(!reason_equal(r, o), "field %zu", i);
		reason_unref(o);
	}
	reason_unref(r);
	reason_unref(same);
}
END_TEST

START_TEST(each_stage_has_a_name)
{
	ck_assert_str_eq(stage_name(STAGE_NONE), "");
	for (unsigned i = STAGE_NONE + 1; i < STAGE_COUNT; i++)
		ck_assert_str_ne(stage_name(i), "");
	ck_assert_str_eq(stage_name(STAGE_COUNT), "");
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, it_holds_copies_of_all_fields);
	tcase_add_test(tc, no_reason_has_no_words);
	tcase_add_test(tc, control_bytes_become_blanks);
	tcase_add_test(tc, what_is_too_long_is_cut);
	tcase_add_test(tc, the_last_reference_frees);
	tcase_add_test(tc, equal_ones_have_equal_fields);
	tcase_add_test(tc, each_stage_has_a_name);
}

SUITE_MAIN("reason", fill)
