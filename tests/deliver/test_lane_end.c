#include "tests/lib/suite.h"

#include "deliver/lane_end.h"
#include "mail/reason.h"

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
fails(const char *host, enum stage stage)
{
	struct words w = { .host = span_text(host), .stage = stage };

	lane_end_keep(&kept, &end);
	end.reason = reason_new(&w);
	end.blame = stage == STAGE_CONNECT ? BLAME_HOST : BLAME_CHANNEL;
	end.login_failed = stage == STAGE_AUTH;
}

/* The words of which address are told, when they failed in that order. */
static const struct {
	enum stage first, second, third;
	int want;
} cases[] = {
	{ STAGE_CONNECT, STAGE_CONNECT, STAGE_CONNECT, 3 },
	{ STAGE_STARTTLS, STAGE_CONNECT, STAGE_CONNECT, 1 },
	{ STAGE_CONNECT, STAGE_STARTTLS, STAGE_CONNECT, 2 },
	{ STAGE_CONNECT, STAGE_CONNECT, STAGE_STARTTLS, 3 },
	{ STAGE_STARTTLS, STAGE_AUTH, STAGE_CONNECT, 2 },
	{ STAGE_STARTTLS, STAGE_CONNECT, STAGE_AUTH, 3 },
};

START_TEST(the_address_that_says_most_is_told)
{
	static const char *const names[] = { "", "one", "two", "three" };
	enum stage told[] = { STAGE_NONE, cases[_i].first, cases[_i].second,
		cases[_i].third };
	enum stage stage = told[cases[_i].want];
	struct words w;

	fails("one", cases[_i].first);
	fails("two", cases[_i].second);
	fails("three", cases[_i].third);
	lane_end_settle(&end, &kept);
	w = reason_words(end.reason);
	ck_assert(span_equal(w.host, span_text(names[cases[_i].want])));
	ck_assert_int_eq(w.stage, stage);
	ck_assert_int_eq(
	    end.blame, stage == STAGE_CONNECT ? BLAME_HOST : BLAME_CHANNEL);
	ck_assert(end.login_failed == (stage == STAGE_AUTH));
	ck_assert_ptr_null(kept.reason);
}
END_TEST

/* What ends without a failure has nothing to do with the addresses before. */
START_TEST(an_end_that_is_no_failure_keeps_its_words)
{
	struct words w;

	fails("one", STAGE_STARTTLS);
	fails("two", STAGE_CONNECT);
	end.blame = BLAME_NONE;
	end.no_descriptor = true;
	lane_end_settle(&end, &kept);
	w = reason_words(end.reason);
	ck_assert(span_equal(w.host, SPAN("two")));
	ck_assert(end.no_descriptor);
	ck_assert_int_eq(end.blame, BLAME_NONE);
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
