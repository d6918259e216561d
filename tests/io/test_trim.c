/* When memory is given back, as a crowd comes and goes. */
#include "io/trim.h"

#include "io/loop.h"
#include "tests/lib/suite.h"

#define MB ((uint64_t)1024 * 1024)
enum { PAUSE = TRIM_PAUSE_MS };

/* Looks in order: MB in use at a time, what is decided, and MB held beyond. */
static const struct {
	const char *name;
	struct {
		uint64_t ms, mb;
		bool due;
		uint64_t beyond;
	} looks[8];
} cases[] = {
	{ "a_crowd_that_left_is_cleaned_up_after_once",
	    { { 1, 0, false, 0 }, { 2, 100, false, 0 }, { 3, 10, false, 0 },
		{ 4, 10, true, 0 }, { 5, 10, false, 0 },
		{ PAUSE * 2, 10, false, 0 } } },
	{ "little_is_left_as_it_is",
	    { { 1, 100, false, 0 }, { 2, 97, false, 0 }, { 3, 97, false, 0 },
		{ PAUSE * 2, 97, false, 0 } } },
	{ "four_are_worth_it",
	    { { 1, 100, false, 0 }, { 2, 96, false, 0 }, { 3, 96, true, 0 } } },
	{ "a_slow_fall_does_not_put_it_off_for_ever",
	    { { 1, 100, false, 0 }, { 2, 96, false, 0 }, { 3, 92, false, 0 },
		{ 4, 91, true, 0 } } },
	{ "who_comes_again_at_once_needs_what_is_free",
	    { { 1, 100, false, 0 }, { 2, 10, false, 0 }, { 3, 100, false, 0 },
		{ 4, 100, false, 0 } } },
	{ "not_more_often_than_the_pause",
	    { { 1, 100, false, 0 }, { 2, 0, false, 0 }, { 3, 0, true, 0 },
		{ 4, 100, false, 0 }, { 5, 0, false, 0 }, { 6, 0, false, 0 },
		{ PAUSE + 2, 0, false, 0 }, { PAUSE + 3, 0, true, 0 } } },
	{ "a_crowd_between_two_looks_is_seen_by_what_it_left",
	    { { 1, 0, false, 9 }, { 2, 0, false, 12 }, { 3, 0, true, 100 },
		{ 4, 0, false, 10 }, { PAUSE * 2, 0, false, 13 },
		{ PAUSE * 2 + 1, 0, true, 14 } } },
	{ "what_did_not_help_is_not_tried_again",
	    { { 1, 0, false, 9 }, { 2, 0, true, 100 }, { 3, 0, false, 100 },
		{ PAUSE * 2, 0, false, 103 },
		{ PAUSE * 2 + 1, 0, true, 104 } } },
	{ "what_falls_by_itself_counts_from_there",
	    { { 1, 0, false, 100 }, { 2, 0, false, 20 }, { 3, 0, true, 24 } } },
};

START_TEST(it_is_due_when_it_is_worth_it)
{
	struct trim t = { 0 };

	for (size_t i = 0; i < 8 && cases[_i].looks[i].ms != 0; i++)
		ck_assert_msg(
		    trim_is_due(&t, cases[_i].looks[i].mb * MB,
			(cases[_i].looks[i].mb + cases[_i].looks[i].beyond) *
			    MB,
			cases[_i].looks[i].ms) == cases[_i].looks[i].due,
		    "%s: look %zu", cases[_i].name, i + 1);
}
END_TEST

START_TEST(one_runs_at_a_time_and_says_when_it_is_over)
{
	struct loop *loop = loop_new();
	struct trim t = { 0 };

	trim_look(&t, loop, 100 * MB);
	trim_look(&t, loop, 0);
	ck_assert(!t.runs);
	trim_look(&t, loop, 0);
	ck_assert(t.runs);
	loop_stop(loop);
	loop_run(loop);
	ck_assert(!t.runs);
	loop_free(loop);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, it_is_due_when_it_is_worth_it, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tc, one_runs_at_a_time_and_says_when_it_is_over);
}

SUITE_MAIN("trim", fill)
