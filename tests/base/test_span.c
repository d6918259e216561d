#include "tests/lib/suite.h"

#include <string.h>

#include "base/span.h"

static void
expect(struct span got, const char *want)
{
	ck_assert_msg(span_equal(got, span_text(want)), "%.*s is not %s",
	    SPAN_ARG(got), want);
}

START_TEST(cutting_takes_up_to_the_separator)
{
	struct span s = SPAN("one,two,,four");

	expect(span_cut(&s, ','), "one");
	expect(span_cut(&s, ','), "two");
	expect(span_cut(&s, ','), "");
	expect(s, "four");
	expect(span_cut(&s, ','), "four");
	ck_assert(span_is_empty(s));
	expect(span_cut(&s, ','), "");
}
END_TEST

START_TEST(a_separator_at_the_end_leaves_nothing)
{
	struct span s = SPAN("one,");

	expect(span_cut(&s, ','), "one");
	ck_assert(span_is_empty(s));
}
END_TEST

START_TEST(an_empty_span_answers_everything)
{
	struct span none = span_text(NULL);

	ck_assert(span_is_empty(none));
	ck_assert(span_equal(none, SPAN("")));
	ck_assert(span_equal_nocase(none, SPAN("")));
	ck_assert(span_starts(none, none));
	ck_assert(!span_starts(none, SPAN("a")));
	ck_assert_uint_eq(span_find(none, 'a'), 0);
	ck_assert_uint_eq(span_find_last(none, 'a'), 0);
	ck_assert(span_is_empty(span_from(none, 3)));
	ck_assert(span_is_empty(span_to(none, 3)));
	ck_assert(span_is_empty(span_trim(none)));
	ck_assert(span_is_empty(span_cut(&none, ',')));
}
END_TEST

static const struct {
	const char *text;
	uint64_t most;
	bool fine;
	uint64_t value;
} numbers[] = {
	{ "0", 0, true, 0 },
	{ "1", 0, false, 0 },
	{ "", UINT64_MAX, false, 0 },
	{ "007", 10, true, 7 },
	{ "10", 10, true, 10 },
	{ "11", 10, false, 0 },
	{ "100", 10, false, 0 },
	{ "7", 6, false, 0 },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, false, 0 },
	{ "99999999999999999999999", UINT64_MAX, false, 0 },
	{ "000000000000000000000000000001", 9, true, 1 },
	{ "+1", 10, false, 0 },
	{ "-1", 10, false, 0 },
	{ " 1", 10, false, 0 },
	{ "1 ", 10, false, 0 },
	{ "0x1", 100, false, 0 },
	{ "1\xb2", 100, false, 0 },
};

START_TEST(numbers_are_digits_within_their_limit)
{
	uint64_t got = 4711;
	bool fine =
	    span_to_u64(span_text(numbers[_i].text), numbers[_i].most, &got);

	ck_assert_msg(fine == numbers[_i].fine, "\"%s\"", numbers[_i].text);
	ck_assert_uint_eq(got, fine ? numbers[_i].value : 4711);
}
END_TEST

START_TEST(only_ascii_letters_have_a_case)
{
	ck_assert(span_equal_nocase(SPAN("MAIL From"), SPAN("mail fROM")));
	ck_assert(!span_equal_nocase(SPAN("mail"), SPAN("mail ")));
	ck_assert(!span_equal_nocase(SPAN("\xc4"), SPAN("\xe4")));
	ck_assert(!span_equal_nocase(SPAN("["), SPAN("{")));
	ck_assert(!span_equal_nocase(SPAN("@"), SPAN("`")));
	for (int c = 0; c < 256; c++) {
		char low = ascii_lower((char)c);

		ck_assert(low == (c >= 'A' && c <= 'Z' ? c + 32 : (char)c));
	}
}
END_TEST

START_TEST(beginnings_and_ends_are_found)
{
	ck_assert(span_starts(SPAN("SMTP"), SPAN("SM")));
	ck_assert(!span_starts(SPAN("SMTP"), SPAN("sm")));
	ck_assert(!span_starts(SPAN("S"), SPAN("SM")));
	ck_assert(span_starts_nocase(SPAN("from:<a>"), SPAN("FROM:")));
	ck_assert(span_ends_nocase(SPAN("SCRAM-SHA-256-plus"), SPAN("-PLUS")));
	ck_assert(!span_ends_nocase(SPAN("PLUS"), SPAN("-PLUS")));
	ck_assert_uint_eq(span_find(SPAN("a@b@c"), '@'), 1);
	ck_assert_uint_eq(span_find_last(SPAN("a@b@c"), '@'), 3);
	ck_assert_uint_eq(span_find_last(SPAN("abc"), '@'), 3);
	ck_assert_uint_eq(span_find(SPAN("a\0b"), '\0'), 1);
}
END_TEST

START_TEST(parts_stay_inside)
{
	expect(span_from(SPAN("abc"), 1), "bc");
	expect(span_from(SPAN("abc"), 3), "");
	expect(span_from(SPAN("abc"), 99), "");
	expect(span_to(SPAN("abc"), 2), "ab");
	expect(span_to(SPAN("abc"), 99), "abc");
	expect(span_trim(SPAN(" \t a b \t")), "a b");
	expect(span_trim(SPAN(" \t ")), "");
	expect(span_trim(SPAN("\r\n")), "\r\n");
}
END_TEST

START_TEST(white_ends_go)
{
	ck_assert(span_equal(
	    span_trim_white(SPAN("\r\n\t a \r\n b\t\r\n ")), SPAN("a \r\n b")));
	ck_assert(span_is_empty(span_trim_white(SPAN(" \r\n\t"))));
	ck_assert(span_is_empty(span_trim_white(SPAN(""))));
	ck_assert(!ascii_is_white('\v') && !ascii_is_white('\0'));
}
END_TEST

START_TEST(a_copy_ends_in_nul)
{
	char *copy = span_dup(span_to(SPAN("abcdef"), 3));

	ck_assert_str_eq(copy, "abc");
	free(copy);
	copy = span_dup(span_make(NULL, 0));
	ck_assert_str_eq(copy, "");
	free(copy);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, cutting_takes_up_to_the_separator);
	tcase_add_test(tc, a_separator_at_the_end_leaves_nothing);
	tcase_add_test(tc, an_empty_span_answers_everything);
	tcase_add_loop_test(tc, numbers_are_digits_within_their_limit, 0,
	    (int)ARRAY_LEN(numbers));
	tcase_add_test(tc, only_ascii_letters_have_a_case);
	tcase_add_test(tc, beginnings_and_ends_are_found);
	tcase_add_test(tc, parts_stay_inside);
	tcase_add_test(tc, white_ends_go);
	tcase_add_test(tc, a_copy_ends_in_nul);
}

SUITE_MAIN("span", fill)
