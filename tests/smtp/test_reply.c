#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "smtp/reply.h"

static const struct {
	const char *name, *in;
	enum reply_status want;
	int code;
	const char *enhanced, *rest;
} cases[] = {
	{ "one_line", "250 ok\r\n", REPLY_OK, 250, "", "" },
	{ "code_only", "354\r\n", REPLY_OK, 354, "", "" },
	{ "code_and_blank", "354 \r\n", REPLY_OK, 354, "", "" },
	{ "more_behind", "250 a\r\n251 b\r\n", REPLY_OK, 250, "", "251 b\r\n" },
	{ "several_lines", "250-a\r\n250-b\r\n250 c\r\nx", REPLY_OK, 250, "",
	    "x" },
	{ "last_line_bare", "250-a\r\n250\r\n", REPLY_OK, 250, "", "" },
	{ "lf_alone_ends_a_line", "250-a\n250 b\n", REPLY_OK, 250, "", "" },
	{ "enhanced", "550 5.1.1 no\r\n", REPLY_OK, 550, "5.1.1", "" },
	{ "enhanced_alone", "550 5.1.1\r\n", REPLY_OK, 550, "5.1.1", "" },
	{ "enhanced_long", "550 5.123.456 no\r\n", REPLY_OK, 550, "5.123.456",
	    "" },
	{ "enhanced_of_last_line", "550-5.1.1 a\r\n550 5.7.1 b\r\n", REPLY_OK,
	    550, "5.7.1", "" },
	{ "enhanced_of_the_last_that_has_one",
	    "550-5.7.1 a\r\n550 https://why.test\r\n", REPLY_OK, 550, "5.7.1",
	    "" },
	{ "enhanced_too_long", "550 5.1234.1 no\r\n", REPLY_OK, 550, "", "" },
	{ "not_enhanced_word", "550 5.1.1x no\r\n", REPLY_OK, 550, "", "" },
	{ "not_enhanced_two", "550 5.1 no way\r\n", REPLY_OK, 550, "", "" },
	{ "not_enhanced_class", "550 6.1.1 no\r\n", REPLY_OK, 550, "", "" },
	{ "not_enhanced_dots", "550 5..1 no way\r\n", REPLY_OK, 550, "", "" },
	{ "nothing_yet", "", REPLY_MORE, 0, "", "" },
	{ "half_a_line", "250 o", REPLY_MORE, 0, "", "250 o" },
	{ "cr_without_lf", "250 ok\r", REPLY_MORE, 0, "", "250 ok\r" },
	{ "half_a_reply", "250-a\r\n250-b\r\n", REPLY_MORE, 0, "",
	    "250-a\r\n250-b\r\n" },
	{ "no_code", "hello\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "empty_line", "\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "two_digits", "25 ok\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "four_digits", "2500 ok\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "class_1", "100 wait\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "class_6", "600 ok\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "no_blank_behind_code", "250ok\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "tab_behind_code", "250\tok\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "bad_second_line", "250-a\r\nfoo\r\n", REPLY_BAD_CODE, 0, "", NULL },
	{ "mixed_codes", "250-a\r\n550 b\r\n", REPLY_MIXED_CODES, 0, "", NULL },
	{ "mixed_codes_2", "250-a\r\n251-b\r\n250 c\r\n", REPLY_MIXED_CODES, 0,
	    "", NULL },
};

START_TEST(reply_is_parsed)
{
	struct span in = span_text(cases[_i].in);
	struct reply r = { 0 };
	enum reply_status status = reply_parse(&in, &r);

	ck_assert_msg(
	    status == cases[_i].want, "%s: %d", cases[_i].name, (int)status);
	if (cases[_i].rest != NULL)
		ck_assert_msg(span_equal(in, span_text(cases[_i].rest)), "%s",
		    cases[_i].name);
	if (status != REPLY_OK)
		return;
	ck_assert_int_eq(r.code, cases[_i].code);
	ck_assert_msg(span_equal(r.enhanced, span_text(cases[_i].enhanced)),
	    "%s", cases[_i].name);
	ck_assert_uint_eq(r.text.len + in.len, strlen(cases[_i].in));
}
END_TEST

START_TEST(every_beginning_of_a_reply_wants_more)
{
	struct span whole = SPAN("250-one\r\n250-two\r\n250 three\r\n");

	for (size_t n = 0; n < whole.len; n++) {
		struct span in = span_to(whole, n);
		struct reply r;

		ck_assert(reply_parse(&in, &r) == REPLY_MORE);
		ck_assert_uint_eq(in.len, n);
	}
}
END_TEST

START_TEST(the_lines_come_one_by_one)
{
	struct span in = SPAN("250-mx.test hi\r\n250-SIZE 10\r\n250\r\n");
	struct span line;
	struct reply r;

	ck_assert(reply_parse(&in, &r) == REPLY_OK);
	ck_assert(reply_next_line(&r.text, &line));
	ck_assert(span_equal(line, SPAN("mx.test hi")));
	ck_assert(reply_next_line(&r.text, &line));
	ck_assert(span_equal(line, SPAN("SIZE 10")));
	ck_assert(reply_next_line(&r.text, &line));
	ck_assert(span_equal(line, SPAN("")));
	ck_assert(!reply_next_line(&r.text, &line));
}
END_TEST

START_TEST(a_line_without_end_is_too_long)
{
	static char text[REPLY_LINE_MAX + 10];
	struct span in;
	struct reply r;

	memset(text, 'a', sizeof text);
	memcpy(text, "250 ", 4);
	in = span_make(text, REPLY_LINE_MAX);
	ck_assert(reply_parse(&in, &r) == REPLY_MORE);
	in = span_make(text, REPLY_LINE_MAX + 1);
	ck_assert(reply_parse(&in, &r) == REPLY_TOO_LONG);
	text[REPLY_LINE_MAX] = '\n';
	in = span_make(text, sizeof text);
	ck_assert(reply_parse(&in, &r) == REPLY_OK);
}
END_TEST

START_TEST(a_reply_without_end_is_too_long)
{
	static char text[REPLY_MAX + 2000];
	enum reply_status status = REPLY_MORE;
	size_t n = 0;

	while (n + 10 < sizeof text)
		n += (size_t)sprintf(text + n, "250-abc\r\n");
	for (size_t i = 0; i < n && status == REPLY_MORE; i++) {
		struct span in = span_make(text, i);
		struct reply r;

		status = reply_parse(&in, &r);
		ck_assert(status == REPLY_MORE || i > REPLY_MAX - 20);
	}
	ck_assert(status == REPLY_TOO_LONG);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, reply_is_parsed, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, every_beginning_of_a_reply_wants_more);
	tcase_add_test(tc, the_lines_come_one_by_one);
	tcase_add_test(tc, a_line_without_end_is_too_long);
	tcase_add_test(tc, a_reply_without_end_is_too_long);
}

SUITE_MAIN("reply", fill)
