#include "tests/lib/suite.h"

#include <string.h>

#include "base/mem.h"
#include "mail/envelope.h"
#include "sched/queue.h"
#include "sched/site.h"

static const uint32_t waits[] = { 10, 60, 600, 3600 };
static const struct backoff backoff = { waits, ARRAY_LEN(waits) };
static struct site *site;

static void
setup(void)
{
	site = site_new("key", "name");
}

static void
drop(struct job *job)
{
	free(job->message->env);
	free(job->message);
	free(job);
}

static void
teardown(void)
{
	struct job *job;

	while ((job = site_pop(site)) != NULL)
		drop(job);
	site->lanes = 0;
	site_free(site);
}

static void
fails(const char *what, uint64_t now)
{
	struct words why = { .status = SPAN("4.4.1"), .what = span_text(what) };

	site_failed(site, &why, &backoff, now, 0);
}

static struct job *
job_of(const char *account, uint64_t id)
{
	struct envelope_parts parts = { .id = id,
		.account = span_text(account) };
	struct job *job = MEM_NEW(struct job);

	job->message = MEM_NEW(struct queued);
	job->message->env = envelope_new(&parts);
	job->site = site;
	return job;
}

/* Takes the next job and checks whose it is. */
static void
expect(const char *account, uint64_t id)
{
	struct job *job = site_pop(site);

	ck_assert_ptr_nonnull(job);
	ck_assert_str_eq(job->message->env->account, account);
	ck_assert_uint_eq(job->message->env->id, id);
	drop(job);
}

START_TEST(accounts_take_turns)
{
	for (uint64_t i = 0; i < 5; i++)
		site_push(site, job_of("bulk", i));
	site_push(site, job_of("code", 10));
	site_push(site, job_of("ann", 20));
	site_push(site, job_of("ann", 21));
	ck_assert_uint_eq(site->waiting, 8);
	expect("bulk", 0);
	expect("code", 10);
	expect("ann", 20);
	expect("bulk", 1);
	expect("ann", 21);
	expect("bulk", 2);
	site_push(site, job_of("code", 11));
	expect("bulk", 3);
	expect("code", 11);
	expect("bulk", 4);
	ck_assert_ptr_null(site_pop(site));
	ck_assert_uint_eq(site->waiting, 0);
}
END_TEST

START_TEST(a_job_that_was_not_tried_comes_back_first)
{
	struct job *job;

	site_push(site, job_of("ann", 1));
	site_push(site, job_of("ann", 2));
	job = site_pop(site);
	site_push_first(site, job);
	ck_assert_uint_eq(site->waiting, 2);
	expect("ann", 1);
	expect("ann", 2);
	site_push_first(site, job_of("ann", 3));
	expect("ann", 3);
}
END_TEST

START_TEST(many_accounts_are_served_evenly)
{
	char name[] = "aa";
	int got[100] = { 0 };

	for (int i = 0; i < 1000; i++) {
		name[0] = (char)('a' + i % 10);
		name[1] = (char)('a' + i / 10 % 10);
		site_push(site, job_of(name, (uint64_t)(i % 100)));
	}
	for (int i = 0; i < 500; i++) {
		struct job *job = site_pop(site);

		got[job->message->env->id]++;
		drop(job);
	}
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(got[i], 5);
}
END_TEST

START_TEST(lanes_are_wanted_for_jobs_that_wait)
{
	ck_assert(!site_wants_lane(site, 0));
	site_push(site, job_of("ann", 1));
	ck_assert(site_wants_lane(site, 0));
	site->lanes = 1;
	ck_assert(!site_wants_lane(site, 0)); /* it will take the one */
	site_push(site, job_of("ann", 2));
	ck_assert(site_wants_lane(site, 0));
	site->idle = 1;
	ck_assert(!site_wants_lane(site, 0));
	site->idle = 0;
	site->lanes = 2;
	for (uint64_t i = 3; i < 10; i++)
		site_push(site, job_of("ann", i));
	ck_assert(!site_wants_lane(site, 0)); /* not earned yet */
}
END_TEST

START_TEST(success_earns_lanes_up_to_the_most)
{
	uint32_t before = site->lanes_max;
	unsigned n = 0;

	ck_assert_uint_eq(before, SITE_LANES_FIRST);
	while (site->lanes_max == before) {
		site_succeeded(site, 5);
		ck_assert_uint_lt(++n, 100);
	}
	ck_assert_uint_eq(n, before); /* as many as there may be lanes */
	ck_assert_uint_eq(site->lanes_max, before + 1);
	for (int i = 0; i < 1000; i++)
		site_succeeded(site, 5);
	ck_assert_uint_eq(site->lanes_max, 5);
}
END_TEST

START_TEST(failure_takes_lanes_and_closes_when_none_is_left)
{
	for (int i = 0; i < 1000; i++)
		site_succeeded(site, 8);
	site->lanes = 3;
	fails("refused", 1000);
	ck_assert_uint_eq(site->lanes_max, 4);
	ck_assert(!site_is_closed(site, 1000));
	ck_assert_str_eq(site->why, "refused");
	site->lanes = 0;
	fails("refused again", 1000);
	ck_assert_uint_eq(site->lanes_max, 1);
	ck_assert(site_is_closed(site, 1000));
	ck_assert(site_is_closed(site, 10999));
	ck_assert(!site_is_closed(site, 11000));
	ck_assert_str_eq(site->why, "refused again");
	site_push(site, job_of("ann", 1));
	ck_assert(!site_wants_lane(site, 1000));
	ck_assert(site_wants_lane(site, 11000));
}
END_TEST

START_TEST(it_stays_closed_longer_each_time_within_a_limit)
{
	static const uint64_t want[] = { 10, 60, 600, SITE_CLOSED_MAX_S,
		SITE_CLOSED_MAX_S };

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		fails("no", 5000);
		ck_assert_uint_eq(site->closed_until, 5000 + want[i] * 1000);
	}
	site_succeeded(site, 5);
	ck_assert(!site_is_closed(site, 0));
	fails("no", 0);
	ck_assert_uint_eq(site->closed_until, 10000);
}
END_TEST

START_TEST(a_long_reason_is_cut)
{
	char why[1000];

	memset(why, 'x', sizeof why - 1);
	why[sizeof why - 1] = '\0';
	fails(why, 0);
	ck_assert_uint_eq(strlen(site->why), SITE_WHY_MAX - 1);
}
END_TEST

/* What is put off because of it says the same, field by field. */
START_TEST(the_reason_is_kept_in_its_fields)
{
	struct words why = { .status = SPAN("4.7.8"),
		.host = SPAN("smtp.test [192.0.2.1]:587"),
		.what = SPAN("login refused"),
		.said = SPAN("535-5.7.8 no\n535 5.7.8 https://why.test") };
	struct words got;

	site_failed(site, &why, &backoff, 0, 0);
	got = words_read(span_text(site->detail));
	ck_assert(span_equal(got.status, why.status));
	ck_assert(span_equal(got.host, why.host));
	ck_assert(span_equal(got.what, why.what));
	ck_assert(span_equal(got.said, why.said));
	ck_assert_str_eq(site->why,
	    "smtp.test [192.0.2.1]:587: login refused: 535-5.7.8 no / "
	    "535 5.7.8 https://why.test");
}
END_TEST

START_TEST(a_failed_login_is_told_once_an_hour)
{
	ck_assert(!site_remembers(site, 1000));
	ck_assert(site_tells_login(site, 1000));
	ck_assert(!site_tells_login(site, 1001));
	site_succeeded(site, 5);
	ck_assert(!site_tells_login(site, 1000 + SITE_LOGIN_TOLD_MS - 1));
	ck_assert(site_remembers(site, 1000 + SITE_LOGIN_TOLD_MS - 1));
	ck_assert(!site_remembers(site, 1000 + SITE_LOGIN_TOLD_MS));
	ck_assert(site_tells_login(site, 1000 + SITE_LOGIN_TOLD_MS));
	ck_assert(!site_tells_login(site, 1000 + SITE_LOGIN_TOLD_MS));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, accounts_take_turns);
	tcase_add_test(tc, a_job_that_was_not_tried_comes_back_first);
	tcase_add_test(tc, many_accounts_are_served_evenly);
	tcase_add_test(tc, lanes_are_wanted_for_jobs_that_wait);
	tcase_add_test(tc, success_earns_lanes_up_to_the_most);
	tcase_add_test(tc, failure_takes_lanes_and_closes_when_none_is_left);
	tcase_add_test(tc, it_stays_closed_longer_each_time_within_a_limit);
	tcase_add_test(tc, a_long_reason_is_cut);
	tcase_add_test(tc, the_reason_is_kept_in_its_fields);
	tcase_add_test(tc, a_failed_login_is_told_once_an_hour);
}

SUITE_MAIN("site", fill)
