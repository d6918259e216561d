#include "tests/lib/suite.h"

#include "base/mem.h"
#include "deliver/lane_end.h"

static struct lane_end kept, end;

static void
setup(void)
{
	kept = end = (struct lane_end){ 0 };
}

static void
teardown(void)
{
	lane_end_clear(&kept);
	lane_end_clear(&end);
}

static void
fails(const char *host, const char *status)
{
	lane_end_keep(&kept, &end);
	lane_end_set(&end, host, status, host);
	end.said = mem_strdup(host);
	end.failed = true;
}

/* The words of which address are told, when they failed in that order. */
static const struct {
	const char *first, *second, *third;
	int want;
} cases[] = {
	{ "4.4.1", "4.4.1", "4.4.1", 3 },
	{ "4.7.5", "4.4.1", "4.4.1", 1 },
	{ "4.4.1", "4.7.5", "4.4.1", 2 },
	{ "4.4.1", "4.4.1", "4.7.5", 3 },
	{ "4.7.5", "4.7.8", "4.4.1", 2 },
	{ "4.7.5", "4.4.1", "4.7.8", 3 },
};

START_TEST(the_address_that_says_most_is_told)
{
	static const char *const names[] = { "", "one", "two", "three" };
	struct words w;

	fails("one", cases[_i].first);
	end.login_failed = cases[_i].want == 1;
	fails("two", cases[_i].second);
	end.login_failed = cases[_i].want == 2;
	fails("three", cases[_i].third);
	end.login_failed = cases[_i].want == 3;
	end.untouched = true;
	lane_end_settle(&end, &kept);
	w = lane_end_words(&end);
	ck_assert(span_equal(w.host, span_text(names[cases[_i].want])));
	ck_assert(span_equal(w.what, w.host));
	ck_assert(span_equal(w.said, w.host));
	ck_assert(end.failed);
	ck_assert(end.untouched);
	ck_assert(end.login_failed);
	ck_assert_str_eq(kept.what, "");
	ck_assert_ptr_null(kept.said);
}
END_TEST

/* What ends without a failure has nothing to do with the addresses before. */
START_TEST(an_end_that_is_no_failure_keeps_its_words)
{
	fails("one", "4.7.5");
	lane_end_keep(&kept, &end);
	lane_end_set(&end, "two", "4.4.1", "it stops");
	lane_end_settle(&end, &kept);
	ck_assert_str_eq(end.what, "it stops");
	ck_assert(!end.failed);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, the_address_that_says_most_is_told, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, an_end_that_is_no_failure_keeps_its_words);
}

SUITE_MAIN("lane_end", fill)
