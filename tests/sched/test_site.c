#include "tests/lib/suite.h"

#include <string.h>

#include "base/span.h"
#include "mail/reason.h"
#include "sched/site.h"
#include "sched/target.h"

enum { NOW = 1000000, MINUTE = 60000, HOUR = 3600000 };

static const uint32_t waits[] = { 60, 300, 3600 };
static const struct backoff backoff = { waits, ARRAY_LEN(waits) };

static struct site *site;
static struct reason *why;

static void
setup(void)
{
	struct words w = { .what = SPAN("it failed") };

	site = site_new("key", "b.test");
	why = reason_new(&w);
}

static void
teardown(void)
{
	site->lanes = 0;
	LIST_FOREACH (node, &site->channels)
		LIST_ENTRY(node, struct channel, node)->lanes = 0;
	site_free(site);
	reason_unref(why);
}

static struct site_failure
failure(uint64_t now)
{
	return (struct site_failure){ &backoff, why, now, 0 };
}

/* A digit for each host: its preference. The hosts are h0.test, h1.test ... */
static struct channel *
channel_of(const char *key, const char *groups)
{
	struct target *t = target_new();
	char name[] = "h0.test";

	for (; *groups != '\0'; groups++) {
		target_add_host(t, span_text(name), (uint16_t)(*groups - '0'));
		name[1]++;
	}
	return site_channel_take(site, key, t);
}

/* --- lanes --- */

static void
succeed(struct channel *c, unsigned times)
{
	while (times-- > 0)
		channel_succeeded(c, 0, SPAN("ann"));
}

START_TEST(a_site_earns_lanes_by_success)
{
	struct channel *c = channel_of("plan", "0");

	site_set_most(site, 4);
	ck_assert_uint_eq(site->lanes_max, SITE_LANES_FIRST);
	succeed(c, 1);
	ck_assert_uint_eq(site->lanes_max, 2);
	succeed(c, 1); /* as many as it has lanes: one more */
	ck_assert_uint_eq(site->lanes_max, 3);
	succeed(c, 2);
	ck_assert_uint_eq(site->lanes_max, 3);
	succeed(c, 1);
	ck_assert_uint_eq(site->lanes_max, 4);
	succeed(c, 50);
	ck_assert_uint_eq(site->lanes_max, 4);
}
END_TEST

START_TEST(the_configuration_bounds_what_is_earned)
{
	struct channel *c = channel_of("plan", "0");

	site_set_most(site, 10);
	succeed(c, 100);
	ck_assert_uint_eq(site->lanes_max, 10);
	site_set_most(site, 3);
	ck_assert_uint_eq(site->lanes_max, 3);
	site_set_most(site, 1);
	ck_assert_uint_eq(site->lanes_max, 1);
	site_set_most(site, 0);
	ck_assert_uint_eq(site->lanes_max, 1);
	site_set_most(site, 5);
	/* As a new one; more is to be earned again. */
	ck_assert_uint_eq(site->lanes_max, SITE_LANES_FIRST);
}
END_TEST

START_TEST(a_failed_connection_takes_half_of_the_lanes_and_the_credit)
{
	struct channel *c = channel_of("plan", "01");
	struct site_failure f = failure(NOW);

	site_set_most(site, 10);
	succeed(c, 100);
	site->lanes = 9;
	channel_host_failed(c, 0, &f);
	ck_assert_uint_eq(site->lanes_max, 5);
	succeed(c, 4);
	channel_host_failed(c, 0, &f);
	ck_assert_uint_eq(site->lanes_max, 2);
	succeed(c, 1);
	ck_assert_uint_eq(site->lanes_max, 2);
	for (int i = 0; i < 3; i++)
		channel_host_failed(c, 0, &f);
	ck_assert_uint_eq(site->lanes_max, 1);
}
END_TEST

static void
stand_in_line(struct channel *c, struct turn *turns, unsigned n)
{
	memset(turns, 0, n * sizeof *turns);
	for (unsigned i = 0; i < n; i++)
		turns_join(&c->line, &turns[i], SPAN("ann"), TURN_FIRST);
}

static void
leave_line(struct channel *c, struct turn *turns, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		turns_leave(&c->line, &turns[i]);
}

START_TEST(who_waits_gets_a_lane_when_there_is_none)
{
	struct channel *c = channel_of("plan", "0");
	struct turn turns[1];
	uint64_t again = 7;

	ck_assert(!channel_wants_lane(c, NOW, &again));
	ck_assert_uint_eq(again, 0);
	stand_in_line(c, turns, 1);
	ck_assert_uint_eq(site_waiting(site), 1);
	ck_assert(channel_wants_lane(c, NOW, &again));
	/* An idle lane that did not take it may not go where it must. */
	c->lanes = site->lanes = c->nidle = 1;
	site->progress = NOW;
	ck_assert(channel_wants_lane(c, NOW, &again));
	c->lanes = site->lanes = c->nidle = 0;
	site->lanes = site->lanes_max;
	ck_assert(!channel_wants_lane(c, NOW, &again));
	site->lanes = site->lanes_max - 1;
	ck_assert(channel_wants_lane(c, NOW, &again));
	site->closed_until = NOW + 1;
	ck_assert(!channel_wants_lane(c, NOW, &again));
	ck_assert(channel_wants_lane(c, NOW + 1, &again));
	leave_line(c, turns, 1);
}
END_TEST

START_TEST(lanes_that_are_busy_for_a_moment_get_company)
{
	struct channel *c = channel_of("plan", "0");
	struct turn turns[2];
	uint64_t again = 0;

	stand_in_line(c, turns, 1);
	c->lanes = site->lanes = 1;
	site->progress = NOW;
	ck_assert(!channel_wants_lane(c, NOW + SITE_MOMENT_MS - 1, &again));
	ck_assert_uint_eq(again, NOW + SITE_MOMENT_MS);
	ck_assert(channel_wants_lane(c, NOW + SITE_MOMENT_MS, &again));
	ck_assert_uint_eq(again, 0);
	leave_line(c, turns, 1);
	stand_in_line(c, turns, 2); /* more than there are lanes: at once */
	ck_assert(channel_wants_lane(c, NOW, &again));
	leave_line(c, turns, 2);
}
END_TEST

/* --- hosts --- */

/* All hosts that chance may give, a letter each in their order. */
static void
expect_choice(
    const struct channel *c, uint32_t tried, uint64_t now, const char *hosts)
{
	char got[33] = "";
	size_t n = 0;

	for (uint32_t random = 0; random < 8; random++) {
		int host = channel_choose(c, tried, now, random);
		char letter = (char)('0' + host);

		ck_assert_int_ge(host, 0);
		ck_assert(channel_allows(c, tried, (uint32_t)host, now));
		if (memchr(got, letter, n) == NULL)
			got[n++] = letter;
	}
	ck_assert_str_eq(got, hosts);
	for (uint32_t i = 0; i < c->target->nhosts; i++)
		ck_assert_int_eq(channel_allows(c, tried, i, now),
		    strchr(hosts, (char)('0' + i)) != NULL);
}

START_TEST(the_most_preferred_host_comes_first)
{
	struct channel *c = channel_of("plan", "0012");

	ck_assert_uint_eq(channel_hosts(c), 15);
	expect_choice(c, 0, NOW, "01"); /* by lot among equal ones */
	expect_choice(c, 1, NOW, "1");
	expect_choice(c, 3, NOW, "2");
	expect_choice(c, 7, NOW, "3");
	expect_choice(c, 15, NOW, "01"); /* all were tried: again */
	ck_assert(!channel_allows(c, 0, 31, NOW));
	ck_assert(!channel_allows(c, 0, 32, NOW));
}
END_TEST

START_TEST(all_hosts_of_a_long_plan_have_their_bit)
{
	struct channel *c =
	    channel_of("plan", "00000000000000000000000000000000");

	ck_assert_uint_eq(channel_hosts(c), UINT32_MAX);
	ck_assert_int_eq(channel_choose(c, UINT32_MAX >> 1, NOW, 5), 31);
}
END_TEST

/* Without hosts there is none. */
START_TEST(a_plan_without_hosts_has_none)
{
	struct channel *c = channel_of("plan", "");

	ck_assert_int_eq(channel_choose(c, 0, NOW, 5), CHANNEL_NO_HOST);
	ck_assert(!channel_has_other(c, 0, NOW));
}
END_TEST

START_TEST(a_host_that_failed_is_left_out_for_a_while)
{
	struct channel *c = channel_of("plan", "01");
	struct site_failure f = failure(NOW);

	channel_host_failed(c, 0, &f);
	expect_choice(c, 0, NOW, "1");
	expect_choice(c, 2, NOW, "1"); /* even for who has tried that one */
	ck_assert(!channel_has_other(c, 2, NOW));
	ck_assert(!site_is_closed(site, NOW)); /* the other one is left */
	ck_assert(site_remembers(site, NOW));
	expect_choice(c, 0, NOW + MINUTE - 1, "1");
	expect_choice(c, 0, NOW + MINUTE, "0");
	ck_assert(channel_has_other(c, 2, NOW + MINUTE));
	f.now = NOW + MINUTE;
	channel_host_failed(c, 0, &f); /* again: longer */
	expect_choice(c, 0, NOW + 6 * MINUTE - 1, "1");
	channel_succeeded(c, 0, SPAN("ann"));
	expect_choice(c, 0, NOW + MINUTE, "0");
	f.now = NOW + 10 * MINUTE;
	channel_host_failed(c, 0, &f); /* the first in a row */
	expect_choice(c, 0, NOW + 11 * MINUTE, "0");
}
END_TEST

START_TEST(a_leg_is_told_of_hosts_that_it_has_not_tried)
{
	struct channel *c = channel_of("plan", "01");

	ck_assert(channel_has_other(c, 0, NOW));
	ck_assert(channel_has_other(c, 1, NOW));
	ck_assert(!channel_has_other(c, 3, NOW));
}
END_TEST

/* Two plans with the same hosts in opposite order. */
START_TEST(the_order_belongs_to_the_plan_and_the_failure_to_the_site)
{
	struct channel *a = channel_of("a", "01"), *b = channel_of("b", "00");
	struct site_failure f = failure(NOW);

	ck_assert_ptr_ne(a, b);
	ck_assert_ptr_eq(channel_of("a", "01"), a);
	expect_choice(a, 0, NOW, "0");
	expect_choice(b, 0, NOW, "01");
	channel_host_failed(a, 0, &f);
	expect_choice(b, 0, NOW, "1");
}
END_TEST

/* --- closing --- */

START_TEST(a_site_without_a_host_closes_longer_each_time)
{
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW);

	ck_assert(channel_is_open(c, NOW));
	ck_assert_ptr_null(channel_why(c, NOW));
	channel_host_failed(c, 0, &f);
	ck_assert(site_is_closed(site, NOW + MINUTE - 1));
	ck_assert(!channel_is_open(c, NOW + MINUTE - 1));
	ck_assert_uint_eq(channel_opens_at(c, NOW), NOW + MINUTE);
	ck_assert_ptr_eq(channel_why(c, NOW), why);
	ck_assert(site_remembers(site, NOW));
	ck_assert(!site_is_closed(site, NOW + MINUTE));
	ck_assert_uint_eq(channel_opens_at(c, NOW + MINUTE), NOW + MINUTE);
	ck_assert_uint_eq(site->lanes_max, 1); /* one tries it first */
	expect_choice(c, 0, NOW + MINUTE, "0");
	f.now = NOW + MINUTE;
	channel_host_failed(c, 0, &f);
	ck_assert_uint_eq(channel_opens_at(c, f.now), f.now + 5 * MINUTE);
	f.now = NOW + 6 * MINUTE;
	channel_host_failed(c, 0, &f); /* an hour by the back-off */
	ck_assert_uint_eq(
	    channel_opens_at(c, f.now), f.now + SITE_CLOSED_MAX_S * 1000);
	channel_succeeded(c, 0, SPAN("ann"));
	ck_assert(channel_is_open(c, f.now));
	channel_host_failed(c, 0, &f); /* the first in a row */
	ck_assert_uint_eq(channel_opens_at(c, f.now), f.now + MINUTE);
}
END_TEST

START_TEST(a_site_that_closes_begins_with_one_lane)
{
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW);

	site_set_most(site, 10);
	succeed(c, 100);
	channel_host_failed(c, 0, &f);
	ck_assert(site_is_closed(site, NOW));
	ck_assert_uint_eq(site->lanes_max, 1);
}
END_TEST

START_TEST(while_a_lane_works_the_site_stays_open)
{
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW);

	site->lanes = 1;
	channel_host_failed(c, 0, &f);
	ck_assert(!site_is_closed(site, NOW));
	expect_choice(c, 0, NOW, "0"); /* there is no better one */
	site->lanes = 0;
	channel_host_failed(c, 0, &f);
	ck_assert(site_is_closed(site, NOW));
}
END_TEST

/* Only when the last one failed; then the most preferred one comes first. */
START_TEST(a_site_closes_with_its_last_host)
{
	struct channel *c = channel_of("plan", "01");
	struct site_failure f = failure(NOW);

	channel_host_failed(c, 0, &f);
	ck_assert(!site_is_closed(site, NOW));
	channel_host_failed(c, 0, &f); /* five minutes */
	channel_host_failed(c, 1, &f);
	ck_assert(site_is_closed(site, NOW));
	ck_assert_uint_eq(channel_opens_at(c, NOW), NOW + MINUTE);
	expect_choice(c, 0, NOW + MINUTE, "0");
	ck_assert(channel_has_other(c, 2, NOW + MINUTE));
}
END_TEST

START_TEST(the_operator_opens_a_site)
{
	struct channel *c = channel_of("plan", "01");
	struct site_failure f = failure(NOW);
	struct reason *got = NULL;

	channel_host_failed(c, 0, &f);
	site_open(site);
	expect_choice(c, 0, NOW, "0");
	channel_host_failed(c, 0, &f);
	channel_host_failed(c, 1, &f);
	channel_failed(c, 0, &f);
	for (uint64_t i = 0; i < SITE_DEATHS; i++)
		channel_died(c, 0, SPAN("ann"), i, &f);
	ck_assert(!site_admits(site, SPAN("ann"), NOW, &got));
	site_open(site);
	ck_assert(!site_is_closed(site, NOW));
	ck_assert(channel_is_open(c, NOW));
	ck_assert(site_admits(site, SPAN("ann"), NOW, &got));
}
END_TEST

START_TEST(a_rule_that_is_not_met_closes_its_channel_alone)
{
	struct channel *a = channel_of("a", "0"), *b = channel_of("b", "0");
	struct site_failure f = failure(NOW);

	channel_failed(a, 0, &f);
	ck_assert(!channel_is_open(a, NOW));
	ck_assert_ptr_eq(channel_why(a, NOW), why);
	ck_assert(channel_is_open(b, NOW));
	ck_assert_ptr_null(channel_why(b, NOW));
	ck_assert(!site_is_closed(site, NOW));
	ck_assert(site_remembers(site, NOW));
	ck_assert_uint_eq(channel_opens_at(a, NOW), NOW + MINUTE);
	f.now = NOW + MINUTE;
	channel_failed(a, 0, &f); /* longer each time */
	ck_assert_uint_eq(channel_opens_at(a, f.now), f.now + 5 * MINUTE);
	channel_succeeded(b, 0, SPAN("ann"));
	ck_assert(!channel_is_open(a, f.now)); /* that is another rule */
	channel_succeeded(a, 0, SPAN("ann"));
	ck_assert(channel_is_open(a, f.now));
	channel_failed(a, 0, &f);
	ck_assert_uint_eq(channel_opens_at(a, f.now), f.now + MINUTE);
}
END_TEST

START_TEST(a_host_that_does_not_meet_the_rule_is_left_out_by_that_channel)
{
	struct channel *a = channel_of("a", "01"), *b = channel_of("b", "01");
	struct site_failure f = failure(NOW);

	channel_failed(a, 0, &f);
	ck_assert(channel_is_open(a, NOW));
	expect_choice(a, 0, NOW, "1");
	expect_choice(b, 0, NOW, "0");
	ck_assert(!channel_has_other(a, 1u << 1, NOW));
	ck_assert(site_remembers(site, NOW));
	expect_choice(a, 0, NOW + MINUTE, "0");
	f.now = NOW + MINUTE;
	channel_failed(a, 0, &f); /* longer each time */
	expect_choice(a, 0, f.now + 5 * MINUTE - 1, "1");
	channel_succeeded(a, 0, SPAN("ann"));
	expect_choice(a, 0, f.now, "0");
	channel_failed(a, 0, &f);
	expect_choice(a, 0, f.now + MINUTE - 1, "1");
	expect_choice(a, 0, f.now + MINUTE, "0");
	channel_failed(a, 1, &f); /* and now none is left */
	ck_assert_uint_eq(channel_opens_at(a, f.now), f.now + MINUTE);
	ck_assert(channel_is_open(b, f.now));
	/* It begins with the most preferred one again. */
	expect_choice(a, 0, f.now + MINUTE - 1, "0");
	channel_failed(a, 0, &f);
	site_open(site);
	ck_assert(channel_is_open(a, f.now));
	expect_choice(a, 0, f.now, "0");
}
END_TEST

START_TEST(hosts_that_are_down_and_hosts_that_do_not_meet_it_close_the_channel)
{
	struct channel *a = channel_of("a", "01"), *b = channel_of("b", "01");
	struct site_failure f = failure(NOW);

	channel_failed(a, 0, &f);
	channel_host_failed(a, 1, &f);
	ck_assert(!channel_is_open(a, NOW));
	ck_assert(channel_is_open(b, NOW));
	expect_choice(b, 0, NOW, "0");
	site_open(site);
	channel_host_failed(a, 1, &f);
	channel_failed(a, 0, &f);
	ck_assert(!channel_is_open(a, NOW));
	ck_assert(channel_is_open(b, NOW));
}
END_TEST

START_TEST(a_success_of_an_account_opens_the_site_for_it_for_good)
{
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW);
	struct reason *got = NULL;

	for (uint64_t i = 0; i < SITE_DEATHS; i++)
		channel_died(c, 0, SPAN("ann"), i, &f);
	ck_assert(!site_admits(site, SPAN("ann"), NOW, &got));
	channel_succeeded(c, 0, SPAN("bob"));
	ck_assert(!site_admits(site, SPAN("ann"), NOW, &got));
	channel_succeeded(c, 0, SPAN("ann"));
	ck_assert(site_admits(site, SPAN("ann"), NOW, &got));
	for (uint64_t i = 0; i < SITE_DEATHS; i++)
		channel_died(c, 0, SPAN("ann"), i, &f);
	/* It is the first time again. */
	ck_assert_uint_eq(site_ban_ends(site, NOW), NOW + MINUTE);
}
END_TEST

START_TEST(a_channel_stays_open_while_a_lane_of_it_works)
{
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW);

	c->lanes = 1;
	channel_failed(c, 0, &f);
	ck_assert(channel_is_open(c, NOW));
	ck_assert_ptr_eq(channel_why(c, NOW), why);
	ck_assert(!site_remembers(site, NOW));
	c->lanes = 0;
	channel_failed(c, 0, &f);
	ck_assert(site_remembers(site, NOW));
	ck_assert(!site_remembers(site, NOW + MINUTE));
}
END_TEST

START_TEST(why_is_the_channels_while_it_is_closed_and_else_the_sites)
{
	struct words w = { .what = SPAN("no TLS") };
	struct reason *mine = reason_new(&w);
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW), g = failure(NOW);

	g.why = mine;
	channel_failed(c, 0, &g);
	channel_host_failed(c, 0, &f);
	ck_assert_ptr_eq(channel_why(c, NOW), mine);
	ck_assert_ptr_eq(channel_why(c, NOW + MINUTE), why);
	ck_assert_uint_eq(channel_opens_at(c, NOW), NOW + MINUTE);
	f.now = NOW + MINUTE;
	channel_host_failed(c, 0, &f); /* the later of the two counts */
	ck_assert_uint_eq(channel_opens_at(c, f.now), f.now + 5 * MINUTE);
	f.why = NULL; /* nothing new is said */
	channel_host_failed(c, 0, &f);
	ck_assert_ptr_eq(channel_why(c, f.now), why);
	reason_unref(mine);
}
END_TEST

/* --- deaths inside a transaction --- */

START_TEST(two_accounts_that_meet_it_close_the_site)
{
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW);

	channel_died(c, 0, SPAN("ann"), 1, &f);
	ck_assert(!site_is_closed(site, NOW));
	channel_died(c, 0, SPAN("bob"), 2, &f);
	ck_assert(site_is_closed(site, NOW));
	site_open(site);
	channel_died(c, 0, SPAN("bob"), 3, &f); /* it is counted anew */
	ck_assert(!site_is_closed(site, NOW));
}
END_TEST

START_TEST(a_success_between_them_says_it_was_the_message)
{
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW);
	struct reason *got = NULL;

	channel_died(c, 0, SPAN("ann"), 1, &f);
	channel_succeeded(c, 0, SPAN("ann"));
	channel_died(c, 0, SPAN("bob"), 2, &f);
	ck_assert(!site_is_closed(site, NOW));
	channel_died(c, 0, SPAN("bob"), 3, &f);
	channel_succeeded(c, 0, SPAN("ann"));
	channel_died(c, 0, SPAN("bob"), 4, &f);
	ck_assert(site_admits(site, SPAN("bob"), NOW, &got));
}
END_TEST

START_TEST(three_messages_of_one_account_close_it_for_that_one)
{
	struct channel *c = channel_of("plan", "0");
	struct site_failure f = failure(NOW);
	struct reason *got = NULL;

	channel_died(c, 0, SPAN("ann"), 1, &f);
	channel_died(c, 0, SPAN("ann"), 2, &f);
	channel_died(c, 0, SPAN("ann"), 1, &f); /* the same message is one */
	channel_died(c, 0, SPAN("ann"), 2, &f);
	ck_assert(site_admits(site, SPAN("ann"), NOW, &got));
	ck_assert_uint_eq(site_ban_ends(site, NOW), UINT64_MAX);
	channel_died(c, 0, SPAN("ann"), 3, &f);
	ck_assert(!site_admits(site, SPAN("ann"), NOW, &got));
	ck_assert_ptr_eq(got, why);
	ck_assert(site_admits(site, SPAN("bob"), NOW, &got));
	ck_assert(!site_is_closed(site, NOW));
	ck_assert_uint_eq(site_ban_ends(site, NOW), NOW + MINUTE);
	ck_assert(site_remembers(site, NOW));
	ck_assert(!site_admits(site, SPAN("ann"), NOW + MINUTE - 1, &got));
	ck_assert(site_admits(site, SPAN("ann"), NOW + MINUTE, &got));
	ck_assert_uint_eq(site_ban_ends(site, NOW + MINUTE), UINT64_MAX);
}
END_TEST

static void
die_three_times(struct channel *c, struct span account, uint64_t now)
{
	struct site_failure f = failure(now);

	for (uint64_t i = 0; i < SITE_DEATHS; i++)
		channel_died(c, 0, account, i, &f);
}

START_TEST(a_ban_is_longer_each_time)
{
	struct channel *c = channel_of("plan", "0");

	die_three_times(c, SPAN("ann"), NOW);
	die_three_times(c, SPAN("ann"), NOW + MINUTE);
	ck_assert_uint_eq(site_ban_ends(site, NOW + MINUTE), NOW + 6 * MINUTE);
	die_three_times(c, SPAN("bob"), NOW + MINUTE); /* the first of bob's */
	ck_assert_uint_eq(site_ban_ends(site, NOW + MINUTE), NOW + 2 * MINUTE);
	ck_assert_uint_eq(
	    site_ban_ends(site, NOW + 2 * MINUTE), NOW + 6 * MINUTE);
	die_three_times(c, SPAN("cid"), NOW + MINUTE + 1);
	ck_assert_uint_eq(site_ban_ends(site, NOW + MINUTE), NOW + 2 * MINUTE);
}
END_TEST

/* --- numbers --- */

START_TEST(a_number_is_believed_when_it_is_met_twice)
{
	struct site_number n = { 0 };

	ck_assert_uint_eq(site_number_get(&n, 100, NOW), 100);
	site_number_met(&n, 10, NOW);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW), 100);
	site_number_met(&n, 10, NOW + 1);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW + 1), 10);
	ck_assert_uint_eq(site_number_get(&n, 5, NOW + 1), 5);
	ck_assert_uint_eq(site_number_get(&n, 10, NOW + 1), 10);
}
END_TEST

START_TEST(a_number_is_kept_for_an_hour)
{
	struct site_number n = { 0 };

	site_number_met(&n, 10, NOW);
	site_number_met(&n, 10, NOW);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW + HOUR - 1), 10);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW + HOUR), 100);
	site_number_met(&n, 10, NOW + HOUR); /* and is to be met twice again */
	ck_assert_uint_eq(site_number_get(&n, 100, NOW + HOUR), 100);
	site_number_met(&n, 10, NOW + HOUR);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW + HOUR), 10);
}
END_TEST

START_TEST(a_number_that_was_met_long_ago_is_not_the_first_time)
{
	struct site_number n = { 0 };

	site_number_met(&n, 10, NOW);
	site_number_met(&n, 10, NOW + HOUR);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW + HOUR), 100);
}
END_TEST

START_TEST(a_number_grows_by_success)
{
	struct site_number n = { 0 };

	site_number_passed(&n, 10, NOW); /* none is known */
	ck_assert_uint_eq(site_number_get(&n, 100, NOW), 100);
	site_number_met(&n, 10, NOW);
	site_number_passed(&n, 5, NOW); /* it is not believed yet */
	ck_assert_uint_eq(site_number_get(&n, 100, NOW), 100);
	site_number_met(&n, 10, NOW);
	site_number_passed(&n, 9, NOW);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW), 10);
	site_number_passed(&n, 10, NOW);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW), 11);
	site_number_passed(&n, 10, NOW);
	ck_assert_uint_eq(site_number_get(&n, 100, NOW), 11);
	site_number_met(&n, 10, NOW); /* it does not take more */
	ck_assert_uint_eq(site_number_get(&n, 100, NOW), 10);
}
END_TEST

START_TEST(a_site_is_remembered_as_long_as_its_numbers)
{
	ck_assert(!site_remembers(site, NOW));
	site_number_met(&site->rcpts, 10, NOW);
	ck_assert(site_remembers(site, NOW + HOUR - 1));
	ck_assert(!site_remembers(site, NOW + HOUR));
	site_number_met(&site->messages, 3, NOW + HOUR);
	ck_assert(site_remembers(site, NOW + 2 * HOUR - 1));
	ck_assert(!site_remembers(site, NOW + 2 * HOUR));
}
END_TEST

/* --- what is told --- */

START_TEST(a_login_that_failed_is_told_once_an_hour)
{
	ck_assert(site_tells_login(site, 0));
	ck_assert(!site_tells_login(site, HOUR - 1));
	ck_assert(site_remembers(site, HOUR - 1));
	ck_assert(!site_remembers(site, HOUR + 1));
	ck_assert(site_tells_login(site, HOUR + 1));
	ck_assert(!site_tells_login(site, 2 * HOUR));
	ck_assert(site_tells_login(site, 2 * HOUR + 1));
}
END_TEST

START_TEST(a_channel_has_a_name_for_people)
{
	struct channel *c = channel_of("plan", "0");
	struct buf out = { 0 };

	channel_name(c, &out);
	ck_assert(span_equal(buf_span(&out), SPAN("b.test")));
	buf_reset(&out);
	c->target->tls = TARGET_TLS_REQUIRE;
	channel_name(c, &out);
	ck_assert(span_equal(buf_span(&out), SPAN("b.test (TLS required)")));
	buf_clear(&out);
}
END_TEST

START_TEST(all_lines_of_a_site_are_counted)
{
	struct channel *a = channel_of("a", "0"), *b = channel_of("b", "0");
	struct turn in_a[2], in_b[1];

	stand_in_line(a, in_a, 2);
	stand_in_line(b, in_b, 1);
	ck_assert_uint_eq(site_waiting(site), 3);
	leave_line(a, in_a, 2);
	leave_line(b, in_b, 1);
	ck_assert_uint_eq(site_waiting(site), 0);
}
END_TEST

static void
fill(TCase *tc)
{
	const TTest *const tests[] = {
		a_site_earns_lanes_by_success,
		the_configuration_bounds_what_is_earned,
		a_failed_connection_takes_half_of_the_lanes_and_the_credit,
		who_waits_gets_a_lane_when_there_is_none,
		lanes_that_are_busy_for_a_moment_get_company,
		the_most_preferred_host_comes_first,
		all_hosts_of_a_long_plan_have_their_bit,
		a_plan_without_hosts_has_none,
		a_host_that_failed_is_left_out_for_a_while,
		a_leg_is_told_of_hosts_that_it_has_not_tried,
		the_order_belongs_to_the_plan_and_the_failure_to_the_site,
		a_site_without_a_host_closes_longer_each_time,
		a_site_that_closes_begins_with_one_lane,
		while_a_lane_works_the_site_stays_open,
		a_site_closes_with_its_last_host,
		the_operator_opens_a_site,
		a_rule_that_is_not_met_closes_its_channel_alone,
		a_host_that_does_not_meet_the_rule_is_left_out_by_that_channel,
		hosts_that_are_down_and_hosts_that_do_not_meet_it_close_the_channel,
		a_success_of_an_account_opens_the_site_for_it_for_good,
		a_channel_stays_open_while_a_lane_of_it_works,
		why_is_the_channels_while_it_is_closed_and_else_the_sites,
		two_accounts_that_meet_it_close_the_site,
		a_success_between_them_says_it_was_the_message,
		three_messages_of_one_account_close_it_for_that_one,
		a_ban_is_longer_each_time,
		a_number_is_believed_when_it_is_met_twice,
		a_number_is_kept_for_an_hour,
		a_number_that_was_met_long_ago_is_not_the_first_time,
		a_number_grows_by_success,
		a_site_is_remembered_as_long_as_its_numbers,
		a_login_that_failed_is_told_once_an_hour,
		a_channel_has_a_name_for_people,
		all_lines_of_a_site_are_counted,
	};

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tc, tests[i]);
}

SUITE_MAIN("site", fill)
