#include "tests/lib/suite.h"

#include "base/span.h"
#include "sched/backoff.h"

static const uint32_t waits[] = { 60, 300, 900, 14400 };
static const struct backoff usual = { waits, ARRAY_LEN(waits) };

static const struct {
	unsigned tries;
	uint64_t s;
} cases[] = {
	{ 0, 60 },
	{ 1, 60 },
	{ 2, 300 },
	{ 3, 900 },
	{ 4, 14400 },
	{ 5, 14400 },
	{ 40, 14400 },
	{ 65535, 14400 },
	{ UINT32_MAX, 14400 },
};

START_TEST(the_wait_follows_the_list_and_its_last_repeats)
{
	uint64_t ms = cases[_i].s * 1000;

	ck_assert_uint_eq(backoff_delay(&usual, cases[_i].tries, 0), ms);
}
END_TEST

START_TEST(chance_makes_it_at_most_a_tenth_earlier)
{
	uint64_t ms = cases[_i].s * 1000, least = ms;
	uint32_t random = 1;

	for (int i = 0; i < 5000; i++) {
		uint64_t got;

		random = random * 1664525 + 1013904223;
		got = backoff_delay(&usual, cases[_i].tries, random);
		ck_assert_uint_le(got, ms);
		ck_assert_uint_ge(got, ms - ms / 10);
		least = got < least ? got : least;
	}
	ck_assert_uint_lt(least, ms - ms / 11); /* it does spread */
}
END_TEST

START_TEST(without_a_list_there_is_still_a_wait)
{
	struct backoff none = { NULL, 0 };

	ck_assert_uint_gt(backoff_delay(&none, 40, 4711), 0);
}
END_TEST

START_TEST(the_longest_wait_does_not_overflow)
{
	static const uint32_t longest[] = { UINT32_MAX };
	struct backoff b = { longest, 1 };

	ck_assert_uint_eq(
	    backoff_delay(&b, 40, 0), (uint64_t)UINT32_MAX * 1000);
}
END_TEST

static void
fill(TCase *tc)
{
	int n = (int)ARRAY_LEN(cases);

	tcase_add_loop_test(
	    tc, the_wait_follows_the_list_and_its_last_repeats, 0, n);
	tcase_add_loop_test(tc, chance_makes_it_at_most_a_tenth_earlier, 0, n);
	tcase_add_test(tc, without_a_list_there_is_still_a_wait);
	tcase_add_test(tc, the_longest_wait_does_not_overflow);
}

SUITE_MAIN("backoff", fill)
