#include "tests/lib/suite.h"

#include <string.h>

#include "mail/qid.h"

static const struct {
	uint64_t id;
	const char *text;
} pairs[] = {
	{ 0, "0" },
	{ 1, "1" },
	{ 31, "z" },
	{ 32, "10" },
	{ 1023, "zz" },
	{ 0x8c01, "1301" },
	{ UINT64_MAX, "fzzzzzzzzzzzz" },
};

START_TEST(a_number_has_one_text)
{
	uint64_t back = 1;

	ck_assert_str_eq(qid_format(pairs[_i].id).text, pairs[_i].text);
	ck_assert(qid_parse(span_text(pairs[_i].text), &back));
	ck_assert_uint_eq(back, pairs[_i].id);
}
END_TEST

START_TEST(all_numbers_go_both_ways)
{
	uint64_t id = 1, back;

	for (int i = 0; i < 20000; i++) {
		struct qid qid = qid_format(id);

		ck_assert_uint_lt(strlen(qid.text), QID_SIZE);
		ck_assert(qid_parse(span_text(qid.text), &back));
		ck_assert_uint_eq(back, id);
		id = id * 6364136223846793005 + 1442695040888963407;
		if (i % 3 == 0)
			id >>= i % 64;
	}
}
END_TEST

START_TEST(case_does_not_matter)
{
	uint64_t small, large;

	ck_assert(qid_parse(SPAN("8cxyz"), &small));
	ck_assert(qid_parse(SPAN("8CXyZ"), &large));
	ck_assert_uint_eq(small, large);
}
END_TEST

static const struct span bad[] = {
	{ "", 0 },
	{ "i", 1 },
	{ "l", 1 },
	{ "o", 1 },
	{ "u", 1 },
	{ "8c-01", 5 },
	{ " 8c", 3 },
	{ "8c ", 3 },
	{ "8c\0", 3 },
	{ "\xc3\xa4", 2 },
	{ "01", 2 },
	{ "00", 2 },
	{ "g000000000000", 13 },
	{ "zzzzzzzzzzzzz", 13 },
	{ "10000000000000", 14 },
	{ "fzzzzzzzzzzzzz", 14 },
	{ "../../etc", 9 },
};

START_TEST(other_texts_are_refused)
{
	uint64_t id = 5;

	ck_assert_msg(!qid_parse(bad[_i], &id), "%.*s", SPAN_ARG(bad[_i]));
	ck_assert_uint_eq(id, 5);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_number_has_one_text, 0, (int)ARRAY_LEN(pairs));
	tcase_add_test(tc, all_numbers_go_both_ways);
	tcase_add_test(tc, case_does_not_matter);
	tcase_add_loop_test(
	    tc, other_texts_are_refused, 0, (int)ARRAY_LEN(bad));
}

SUITE_MAIN("qid", fill)
