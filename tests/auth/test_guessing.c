/* What guessing costs, with a clock that is moved by hand. */
#include "tests/lib/suite.h"

#include <stdio.h>

#include "base/span.h"
#include "src/auth/guessing.h"

#define MINUTE UINT64_C(60000)

static const uint64_t seed[2] = { 1, 2 };
static struct guessing g;
static uint64_t now;
static uint64_t next_password;

static void
setup(void)
{
	guessing_init(&g, seed);
	now = 100000;
	next_password = 1;
}

static void
teardown(void)
{
	guessing_clear(&g);
}

static struct guess
from(const char *address, const char *name)
{
	return (struct guess){ .peer = peer_of(address),
		.name = guessing_name(&g, span_text(name)),
		.tried = next_password++ };
}

/* A wrong password, after its wait. Returns how long that was. */
static uint32_t
guess(const char *address, const char *name)
{
	struct guess who = from(address, name);
	uint32_t wait = guessing_wait(&g, &who, now);

	if (wait == GUESSING_NEVER)
		return wait;
	now += wait;
	guessing_failed(&g, &who, now);
	return wait;
}

static uint32_t
log_in(const char *address, const char *name)
{
	struct guess who = from(address, name);
	uint32_t wait = guessing_wait(&g, &who, now);

	ck_assert_uint_ne(wait, GUESSING_NEVER);
	now += wait;
	guessing_succeeded(&g, &who, now);
	return wait;
}

START_TEST(delays_of_an_address_grow)
{
	static const uint32_t want[] = { 0, 0, 0, 0, 250, 500, 1000, 2000, 4000,
		8000, 15000, 15000 };

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		char name[16];

		/* Each time another account, so that only the address counts */
		(void)snprintf(name, sizeof name, "ann%zu", i);
		ck_assert_uint_eq(guess("192.0.2.1", name), want[i]);
	}
	/* A neighbour is not meant. */
	ck_assert_uint_eq(guess("192.0.2.2", "new"), 0);
}
END_TEST

START_TEST(an_address_waits_one_by_one)
{
	struct guess who[8];
	uint32_t wait = 0, last = 0;

	for (int i = 0; i < 8; i++)
		(void)guess("192.0.2.1", "ann");
	for (int i = 0; i < 3; i++) {
		who[i] = from("192.0.2.1", "bob");
		wait = guessing_wait(&g, &who[i], now);
		ck_assert_uint_ge(wait, last + 4000);
		last = wait;
	}
	/* Not for ever: then it is refused. */
	for (int i = 0; i < 100 && wait != GUESSING_NEVER; i++) {
		who[3] = from("192.0.2.1", "bob");
		wait = guessing_wait(&g, &who[3], now);
		ck_assert(wait == GUESSING_NEVER || wait <= GUESSING_WAIT_MOST);
	}
	ck_assert_uint_eq(wait, GUESSING_NEVER);
	/* Elsewhere nobody waits for them. */
	ck_assert_uint_eq(log_in("198.51.100.1", "bob"), 0);
}
END_TEST

START_TEST(a_name_costs_three_seconds_at_the_most)
{
	char address[32];
	uint32_t wait = 0;

	/* From everywhere, so that it is nobody's own fault. */
	for (int i = 0; i < 200; i++) {
		(void)snprintf(address, sizeof address, "10.%d.%d.1", i, i);
		wait = guess(address, i % 2 == 0 ? "ann@a.test" : "ANN@A.test");
	}
	ck_assert_uint_eq(wait, 3000);
	ck_assert_uint_eq(log_in("192.0.2.1", "ann@a.test"), 3000);
	/* Names that are not there, alike: nothing here knows which are. */
	ck_assert_uint_eq(guess("192.0.2.2", "bob"), 0);
}
END_TEST

START_TEST(home_does_not_wait)
{
	char address[32];

	ck_assert_uint_eq(log_in("192.0.2.1", "ann"), 0);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(address, sizeof address, "192.0.2.%d", i + 2);
		(void)guess(address, "ann");
	}
	ck_assert_uint_eq(log_in("192.0.2.1", "ann"), 0);
	/* Another account's home it is not, and another place is none. */
	ck_assert_uint_gt(guess("192.0.2.1", "bob"), 0);
	ck_assert_uint_eq(log_in("198.51.100.1", "ann"), 3000);
	ck_assert_uint_eq(log_in("198.51.100.1", "ann"), 0);
	/* For a month. */
	now += 31 * 24 * 60 * MINUTE;
	for (int i = 0; i < 40; i++)
		(void)guess("203.0.113.1", "ann");
	ck_assert_uint_gt(log_in("192.0.2.1", "ann"), 0);
}
END_TEST

START_TEST(who_guesses_at_home_waits)
{
	uint32_t wait = 0;

	(void)log_in("192.0.2.1", "ann");
	for (int i = 0; i < 12; i++)
		wait = guess("192.0.2.1", "ann");
	ck_assert_uint_ge(wait, 2000);
	/* But where people log in, not longer than they bear. */
	ck_assert_uint_le(wait, 4000);
	ck_assert_uint_le(log_in("192.0.2.1", "ann"), 4000);
}
END_TEST

START_TEST(a_network_has_a_higher_mark)
{
	char address[32];
	uint32_t wait = 0;

	for (int i = 0; i < 30; i++) {
		(void)snprintf(address, sizeof address, "192.0.2.%d", i);
		ck_assert_uint_eq(guess(address, address), 0);
	}
	for (int i = 30; i < 60; i++) {
		(void)snprintf(address, sizeof address, "192.0.2.%d", i);
		wait = guess(address, address);
	}
	ck_assert_uint_eq(wait, 3000);
	ck_assert_uint_eq(guess("192.0.3.1", "other"), 0);
}
END_TEST

START_TEST(the_same_password_again_counts_half)
{
	struct guess who = from("192.0.2.1", "ann");

	for (int i = 0; i < 7; i++) {
		ck_assert_uint_eq(guessing_wait(&g, &who, now), 0);
		guessing_failed(&g, &who, now);
		now += 1000;
	}
	ck_assert_uint_eq(guessing_wait(&g, &who, now), 0);
	ck_assert_uint_eq(guessing_wait(&g, &who, now), 500);
}
END_TEST

START_TEST(what_is_not_known_counts_each_time)
{
	struct guess who = { .peer = peer_of("192.0.2.1") };

	for (int i = 0; i < 6; i++)
		guessing_failed(&g, &who, now);
	(void)guessing_wait(&g, &who, now);
	ck_assert_uint_gt(guessing_wait(&g, &who, now), 0);
}
END_TEST

START_TEST(failures_are_forgotten_by_half)
{
	for (int i = 0; i < 8; i++)
		(void)guess("192.0.2.1", "ann");
	/* 8, 4, 2: less than what is free. */
	now += 20 * MINUTE;
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(guess("192.0.2.1", "ann"), 0);
}
END_TEST

START_TEST(an_own_password_does_not_buy_guesses)
{
	uint32_t sum = 0;

	for (int i = 0; i < 12; i++)
		(void)guess("192.0.2.1", "ann");
	for (int i = 0; i < 10; i++) {
		(void)log_in("192.0.2.1", "mallory");
		sum += guess("192.0.2.1", "ann");
	}
	ck_assert_uint_ge(sum, 20000);
}
END_TEST

START_TEST(clocks_that_differ_a_little_do_no_harm)
{
	for (int i = 0; i < 8; i++)
		(void)guess("192.0.2.1", "ann");
	now -= 3;
	ck_assert_uint_gt(guess("192.0.2.1", "ann"), 1000);
}
END_TEST

START_TEST(what_is_counted_is_bounded)
{
	char address[32];

	for (uint32_t i = 0; i < 70000; i++) {
		(void)snprintf(address, sizeof address, "10.%u.%u.%u",
		    i >> 16 & 255, i >> 8 & 255, i & 255);
		(void)guess(address, address);
	}
	ck_assert_uint_eq(g.hosts.map.count, 65536);
	ck_assert_uint_eq(g.names.map.count, 65536);
}
END_TEST

/* Others guess at ann's password, from everywhere; ann logs in at home. */
START_TEST(a_login_at_home_forgives_others_nothing)
{
	uint32_t host = 0, name = 0;
	char address[32];

	(void)log_in("192.0.2.1", "ann");
	for (int i = 0; i < 12; i++)
		host = guess("203.0.113.1", "ann");
	for (int i = 0; i < 40; i++) {
		(void)snprintf(address, sizeof address, "10.%d.%d.1", i, i);
		name = guess(address, "ann");
	}
	ck_assert_uint_eq(host, 15000);
	ck_assert_uint_eq(name, 3000);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(log_in("192.0.2.1", "ann"), 0);
		ck_assert_uint_eq(guess("198.51.100.7", "ann"), 3000);
		/* One after the other. */
		(void)guess("203.0.113.1", "ann");
		ck_assert_uint_ge(guess("203.0.113.1", "ann"), 12000);
	}
}
END_TEST

/* After a restart: another clock, the same seed. */
static void
restart(uint64_t at)
{
	guessing_clear(&g);
	guessing_init(&g, seed);
	now = at;
}

/* Somebody else has made the account's name wait. */
static void
guess_everywhere(const char *name)
{
	char address[32];

	for (int i = 0; i < 40; i++) {
		(void)snprintf(address, sizeof address, "10.%d.%d.1", i, i);
		(void)guess(address, name);
	}
}

START_TEST(a_home_outlives_a_restart)
{
	const int64_t day = 24 * 3600 * 1000;
	struct guess who = from("192.0.2.1", "ANN");
	uint64_t home = guessing_home(&g, &who);

	ck_assert(guessing_succeeded(&g, &who, now));
	ck_assert_uint_ne(home, 0);
	/* The machine has been up for less than that was ago. */
	restart(1000);
	who = from("192.0.2.1", "ann");
	ck_assert_uint_eq(guessing_home(&g, &who), home);
	guessing_restore_home(&g, home, 29 * day, now);
	guess_everywhere("ann");
	ck_assert_uint_eq(guessing_wait(&g, &who, now), 0);
	/* It ends a day later. */
	now += (uint64_t)day + 1;
	guess_everywhere("ann");
	ck_assert_uint_gt(guessing_wait(&g, &who, now), 0);
	restart(1000);
	guessing_restore_home(&g, home, 30 * day, now);
	guessing_restore_home(&g, home, 31 * day, now);
	guess_everywhere("ann");
	ck_assert_uint_gt(guessing_wait(&g, &who, now), 0);
	/* A clock that jumped back makes no home for longer than it is. */
	restart(1000);
	guessing_restore_home(&g, home, -5 * day, now);
	now += (uint64_t)(30 * day);
	guess_everywhere("ann");
	ck_assert_uint_gt(guessing_wait(&g, &who, now), 0);
}
END_TEST

START_TEST(a_home_is_worth_to_be_kept_once_a_day)
{
	const uint64_t day = UINT64_C(24) * 3600 * 1000;
	struct guess who = from("192.0.2.1", "ann");
	struct guess unknown = { .peer = peer_of("192.0.2.1") };

	ck_assert(guessing_succeeded(&g, &who, now));
	ck_assert(!guessing_succeeded(&g, &who, now + 1000));
	ck_assert(!guessing_succeeded(&g, &who, now + 2000));
	ck_assert(guessing_succeeded(&g, &who, now + 2000 + day));
	ck_assert_uint_eq(guessing_home(&g, &unknown), 0);
	ck_assert(!guessing_succeeded(&g, &unknown, now));
	/* What was read counts as kept. */
	restart(1000);
	guessing_restore_home(
	    &g, guessing_home(&g, &who), (int64_t)day / 2, now);
	ck_assert(!guessing_succeeded(&g, &who, now));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, delays_of_an_address_grow);
	tcase_add_test(tc, an_address_waits_one_by_one);
	tcase_add_test(tc, a_name_costs_three_seconds_at_the_most);
	tcase_add_test(tc, home_does_not_wait);
	tcase_add_test(tc, who_guesses_at_home_waits);
	tcase_add_test(tc, a_network_has_a_higher_mark);
	tcase_add_test(tc, the_same_password_again_counts_half);
	tcase_add_test(tc, what_is_not_known_counts_each_time);
	tcase_add_test(tc, failures_are_forgotten_by_half);
	tcase_add_test(tc, an_own_password_does_not_buy_guesses);
	tcase_add_test(tc, clocks_that_differ_a_little_do_no_harm);
	tcase_add_test(tc, a_login_at_home_forgives_others_nothing);
	tcase_add_test(tc, a_home_outlives_a_restart);
	tcase_add_test(tc, a_home_is_worth_to_be_kept_once_a_day);
	tcase_add_test(tc, what_is_counted_is_bounded);
}

SUITE_MAIN("guessing", fill)
