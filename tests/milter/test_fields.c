/* A header as a filter changes it. */
#include "tests/lib/suite.h"

#include <string.h>

#include "mail/header.h"
#include "milter/fields.h"

#define OLD "A: 1\r\nB: 2\r\n 3\r\nA: 4\r\n"

enum how { ADD, INSERT, CHANGE };

static const struct {
	const char *test;
	enum how how;
	uint32_t index;
	const char *name, *value, *want;
} cases[] = {
	{ "added behind all", ADD, 0, "C", "x", OLD "C: x\r\n" },
	{ "put in front by 0", INSERT, 0, "C", "x", "C: x\r\n" OLD },
	{ "put in front by 1", INSERT, 1, "C", "x", "C: x\r\n" OLD },
	{ "put in as the second", INSERT, 2, "C", "x",
	    "A: 1\r\nC: x\r\nB: 2\r\n 3\r\nA: 4\r\n" },
	{ "put in as the third", INSERT, 3, "C", "x",
	    "A: 1\r\nB: 2\r\n 3\r\nC: x\r\nA: 4\r\n" },
	{ "put in beyond the last", INSERT, 99, "C", "x", OLD "C: x\r\n" },
	{ "the first is changed by 0", CHANGE, 0, "a", "x",
	    "a: x\r\nB: 2\r\n 3\r\nA: 4\r\n" },
	{ "the first is changed", CHANGE, 1, "A", "x",
	    "A: x\r\nB: 2\r\n 3\r\nA: 4\r\n" },
	{ "the second is changed", CHANGE, 2, "A", "xyz",
	    "A: 1\r\nB: 2\r\n 3\r\nA: xyz\r\n" },
	{ "a folded one is changed", CHANGE, 1, "B", "", "A: 1\r\nA: 4\r\n" },
	{ "one of blanks is none", CHANGE, 1, "B", " \n ", "A: 1\r\nA: 4\r\n" },
	{ "the third, which is not there, is added", CHANGE, 3, "A", "x",
	    OLD "A: x\r\n" },
	{ "what is not there need not go", CHANGE, 1, "C", "", OLD },
	{ "the last goes", CHANGE, 2, "A", "", "A: 1\r\nB: 2\r\n 3\r\n" },
	{ "folds by LF", ADD, 0, "C", "x\n y\n\tz",
	    OLD "C: x\r\n y\r\n\tz\r\n" },
	{ "folds by CRLF", ADD, 0, "C", "x\r\n y", OLD "C: x\r\n y\r\n" },
	{ "a bare CR is a fold", ADD, 0, "C", "x\ry", OLD "C: x\r\n\ty\r\n" },
	{ "no line of its own", ADD, 0, "C", "x\nD: y",
	    OLD "C: x\r\n\tD: y\r\n" },
	{ "no blank line", ADD, 0, "C", "x\n\n \n\r\n y",
	    OLD "C: x\r\n y\r\n" },
	{ "an end is no fold", ADD, 0, "C", "x\r\n", OLD "C: x\r\n" },
	{ "a value may be empty", ADD, 0, "C", "", OLD "C: \r\n" },
};

static bool
apply(struct buf *header, enum how how, uint32_t index,
    const struct field_text *f)
{
	switch (how) {
	case ADD: return fields_add(header, f);
	case INSERT: return fields_insert(header, index, f);
	case CHANGE: break;
	}
	return fields_change(header, index, f);
}

START_TEST(a_header_is_changed)
{
	struct field_text f = { span_text(cases[_i].name),
		span_text(cases[_i].value), false };
	struct buf header = { .max = 1000 };

	(void)buf_append_text(&header, OLD);
	ck_assert_ptr_null(field_wrong(&f, 998));
	ck_assert(apply(&header, cases[_i].how, cases[_i].index, &f));
	ck_assert_msg(span_equal(buf_span(&header), span_text(cases[_i].want)),
	    "%s: %.*s", cases[_i].test, SPAN_ARG(buf_span(&header)));
	buf_clear(&header);
}
END_TEST

START_TEST(a_leading_space_is_the_filter_s)
{
	struct field_text f = { SPAN("C"), SPAN("\tx"), true };
	struct buf header = { 0 };

	ck_assert(fields_add(&header, &f));
	ck_assert(span_equal(buf_span(&header), SPAN("C:\tx\r\n")));
	buf_clear(&header);
}
END_TEST

static const struct {
	const char *test;
	struct span name, value;
} wrong[] = {
	{ "no name", { "", 0 }, { "x", 1 } },
	{ "a blank", { "A B", 3 }, { "x", 1 } },
	{ "a colon", { "A:", 2 }, { "x", 1 } },
	{ "a line's end", { "A\r\nB", 4 }, { "x", 1 } },
	{ "beyond ASCII", { "\xc3\xa4", 2 }, { "x", 1 } },
	{ "a NUL", { "A", 1 }, { "a\0b", 3 } },
	{ "a long line", { "A", 1 }, { "1234567890", 10 } },
	{ "a long fold", { "A", 1 }, { "1\n 12345678901", 14 } },
};

START_TEST(what_cannot_stand_there_is_told)
{
	struct field_text f = { wrong[_i].name, wrong[_i].value, false };

	ck_assert_msg(field_wrong(&f, 12) != NULL, "%s", wrong[_i].test);
}
END_TEST

START_TEST(a_line_may_be_so_long)
{
	struct field_text f = { SPAN("A"), SPAN("123456789\n 12345678"),
		false };

	ck_assert_ptr_null(field_wrong(&f, 12));
}
END_TEST

/* At every size: it fits as a whole, or nothing changes. */
START_TEST(it_grows_to_its_bound)
{
	struct field_text f = { SPAN("A"), SPAN("123456"), false };

	for (int how = ADD; how <= CHANGE; how++)
		for (size_t max = sizeof OLD - 1; max < 60; max++) {
			struct buf header = { .max = max };
			size_t want =
			    sizeof OLD - 1 + 11 - (how == CHANGE ? 6 : 0);

			(void)buf_append_text(&header, OLD);
			if (apply(&header, (enum how)how, 1, &f))
				ck_assert_uint_eq(buf_len(&header), want);
			else
				ck_assert(
				    span_equal(buf_span(&header), SPAN(OLD)));
			ck_assert((buf_len(&header) == want) == (max >= want));
			buf_clear(&header);
		}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_header_is_changed, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, a_leading_space_is_the_filter_s);
	tcase_add_loop_test(
	    tc, what_cannot_stand_there_is_told, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, a_line_may_be_so_long);
	tcase_add_test(tc, it_grows_to_its_bound);
}

SUITE_MAIN("fields", fill)
