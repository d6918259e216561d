/* Facts as lines, as text and as JSON. */
#include "tests/lib/suite.h"

#include <jansson.h>
#include <string.h>

#include "facts/fact.h"
#include "facts/write.h"

#define S(lit)                                                                 \
	{                                                                      \
		(lit), sizeof(lit) - 1                                         \
	}

static struct buf out;

static void
setup(void)
{
	buf_init(&out, 0);
}

static void
teardown(void)
{
	buf_clear(&out);
}

static void
write_one(const struct fact_field *f, bool json)
{
	const struct fact_field fields[] = { *f, fact_number("n", 1) };
	const struct fact fact = { FACT_DONE, fields, 2 };

	if (json)
		fact_write_json(&fact, "now", &out);
	else
		fact_write_text(&fact, &out);
}

static json_t *
read_back(void)
{
	json_error_t why;
	json_t *o =
	    json_loadb(buf_span(&out).ptr, buf_len(&out), JSON_ALLOW_NUL, &why);

	ck_assert_msg(
	    o != NULL, "%s: %.*s", why.text, SPAN_ARG(buf_span(&out)));
	return o;
}

/* `json`: NULL: the text as it is. */
static const struct {
	struct span in;
	const char *text, *json;
} texts[] = {
	{ S(""), "\"\"", NULL },
	{ S("two words"), "\"two words\"", NULL },
	{ S("say \"no\""), "\"say \\\"no\\\"\"", NULL },
	{ S("back\\"), "\"back\\\\\"", NULL },
	{ S("a\r\nb\x1b"), "\"a\\x0d\\x0ab\\x1b\"", NULL },
	{ S("\xc3\xa4"), "\"\\xc3\\xa4\"", NULL },
	{ S("\xff\xfe"), "\"\\xff\\xfe\"", "\\xff\\xfe" },
	{ S("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"", "\\xed\\xa0\\x80" },
	{ S("\x7f"), "\"\\x7f\"", NULL },
};

START_TEST(a_text_is_one_value)
{
	struct fact_field f = fact_text("what", texts[_i].in);
	char want[200];
	json_t *o;

	write_one(&f, false);
	(void)snprintf(want, sizeof want, "done what=%s n=1", texts[_i].text);
	ck_assert_msg(span_equal(buf_span(&out), span_text(want)), "%.*s",
	    SPAN_ARG(buf_span(&out)));
	buf_reset(&out);
	write_one(&f, true);
	o = read_back();
	ck_assert_str_eq(json_string_value(json_object_get(o, "what")),
	    texts[_i].json == NULL ? texts[_i].in.ptr : texts[_i].json);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "n")), 1);
	json_decref(o);
}
END_TEST

static const struct {
	struct span address;
	const char *want;
} addresses[] = {
	{ S(""), "<>" },
	{ S("ann@a.test"), "<ann@a.test>" },
	{ S("ann@[IPv6:2001:db8::1]"), "<ann@[IPv6:2001:db8::1]>" },
	{ S("\"bob b\"@d.test"), "\"<\\\"bob b\\\"@d.test>\"" },
	{ S("x qid=1 user=boss"), "\"<x qid=1 user=boss>\"" },
	{ S("a>b"), "\"<a>b>\"" },
	{ S("a\\b@c"), "\"<a\\\\b@c>\"" },
	{ S("a\0b\n"), "\"<a\\x00b\\x0a>\"" },
};

START_TEST(an_address_forges_no_field)
{
	struct fact_field f = fact_address("to", addresses[_i].address);
	char want[200];
	json_t *o;

	write_one(&f, false);
	(void)snprintf(want, sizeof want, "done to=%s n=1", addresses[_i].want);
	ck_assert_msg(span_equal(buf_span(&out), span_text(want)), "%.*s",
	    SPAN_ARG(buf_span(&out)));
	buf_reset(&out);
	write_one(&f, true);
	o = read_back();
	ck_assert_uint_eq(json_string_length(json_object_get(o, "to")),
	    addresses[_i].address.len + 2);
	json_decref(o);
}
END_TEST

START_TEST(numbers_are_numbers_and_show_their_unit)
{
	const struct fact_field fields[] = {
		fact_number("size", UINT64_MAX >> 1),
		fact_ms("delay", 3),
		fact_s("next", 60),
		fact_word("next_word", "later"),
		fact_id("qid", 7),
		fact_word("odd", "a b"),
	};
	const struct fact fact = { FACT_SPOOL_DAMAGED, fields, 6 };
	json_t *o;

	fact_write_text(&fact, &out);
	ck_assert_msg(span_equal(buf_span(&out),
			  SPAN("spool_damaged size=9223372036854775807 "
			       "delay=3ms next=60s next_word=later qid=7 "
			       "odd=\"a b\"")),
	    "%.*s", SPAN_ARG(buf_span(&out)));
	buf_reset(&out);
	fact_write_json(&fact, "2026-01-02T03:04:05Z", &out);
	o = read_back();
	ck_assert_str_eq(json_string_value(json_object_get(o, "time")),
	    "2026-01-02T03:04:05Z");
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "level")), "error");
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "event")), "spool_damaged");
	ck_assert(json_is_integer(json_object_get(o, "size")));
	ck_assert_int_eq(json_integer_value(json_object_get(o, "delay")), 3);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "next")), 60);
	ck_assert_str_eq(json_string_value(json_object_get(o, "qid")), "7");
	json_decref(o);
}
END_TEST

START_TEST(what_is_long_is_cut)
{
	static const unsigned char fill[] = { 'a', 1, 0xff, '"' };
	char text[4000];

	memset(text, fill[_i % 4], sizeof text);
	for (int json = 0; json < 2; json++) {
		struct span all = span_make(text, sizeof text);
		struct fact_field f = _i < 4   ? fact_text("what", all)
				      : _i < 8 ? fact_words("what", all)
					       : fact_address("what", all);

		buf_reset(&out);
		write_one(&f, json != 0);
		ck_assert_uint_gt(buf_len(&out), _i < 4 || _i > 7 ? 380 : 880);
		ck_assert_uint_lt(buf_len(&out), _i < 4 || _i > 7 ? 500 : 1000);
		ck_assert(memmem(buf_span(&out).ptr, buf_len(&out), "...", 3) !=
			  NULL);
		if (json)
			json_decref(read_back());
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_text_is_one_value, 0, (int)ARRAY_LEN(texts));
	tcase_add_loop_test(
	    tc, an_address_forges_no_field, 0, (int)ARRAY_LEN(addresses));
	tcase_add_test(tc, numbers_are_numbers_and_show_their_unit);
	tcase_add_loop_test(tc, what_is_long_is_cut, 0, 12);
}

SUITE_MAIN("write", fill)
