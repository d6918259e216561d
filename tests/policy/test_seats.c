#include "tests/lib/suite.h"

#include <stdlib.h>

#include "base/span.h"
#include "conf/conf.h"
#include "policy/seats.h"

#define MINUTE UINT64_C(60000)

static const uint64_t seed[2] = { 1, 2 };
static struct seats *seats;
static struct conf_limits limits;
static struct seat *held[4096];
static size_t nheld;
static uint64_t now;
static const char *why;

static void
setup(void)
{
	seats = seats_new(seed);
	limits = (struct conf_limits){ .sessions = 80,
		.sessions_per_address = 60,
		.strangers_per_address = 20 };
	nheld = 0;
	now = 1000;
}

static struct seat *
take(uint64_t host)
{
	struct seat *seat = seats_take(seats, &limits, host, now, &why);

	if (seat != NULL)
		held[nheld++] = seat;
	return seat;
}

/* How many of `n` are not refused. */
static unsigned
crowd(uint64_t host, unsigned n)
{
	unsigned good = 0;

	for (unsigned i = 0; i < n; i++) {
		(void)take(host);
		good += why == NULL;
	}
	return good;
}

static void
leave_all(void)
{
	while (nheld > 0)
		seats_leave(seats, held[--nheld], now);
}

static void
teardown(void)
{
	leave_all();
	ck_assert_uint_eq(seats_taken(seats), 0);
	seats_free(seats);
}

START_TEST(a_stranger_has_some_seats)
{
	ck_assert_uint_eq(crowd(1, 25), 20);
	ck_assert_str_eq(why, "limits.strangers-per-address");
	ck_assert_uint_eq(crowd(2, 25), 20);
	leave_all();
	ck_assert_uint_eq(crowd(1, 25), 20);
}
END_TEST

START_TEST(a_fifth_of_them_when_seats_are_scarce)
{
	ck_assert(!seats_are_scarce(seats, &limits));
	ck_assert_uint_eq(crowd(1, 20), 20);
	ck_assert_uint_eq(crowd(2, 20), 20);
	ck_assert(!seats_are_scarce(seats, &limits));
	ck_assert_uint_eq(crowd(3, 10), 4);
	ck_assert(seats_are_scarce(seats, &limits));
	ck_assert_uint_eq(crowd(4, 10), 4);
}
END_TEST

START_TEST(one_is_always_allowed)
{
	limits.strangers_per_address = 1;
	(void)crowd(1, 1);
	limits.sessions = 8;
	for (uint64_t host = 2; host < 7; host++)
		ck_assert_uint_eq(crowd(host, 2), 1);
}
END_TEST

START_TEST(who_logs_in_is_no_stranger)
{
	for (int i = 0; i < 20; i++)
		seats_log_in(seats, take(1), now);
	ck_assert_ptr_null(why);
	/* And the next ones of that address are guests before they do. */
	ck_assert_uint_eq(crowd(1, 50), 40);
	ck_assert_str_eq(why, "limits.sessions-per-address");
}
END_TEST

START_TEST(seats_are_kept_for_guests)
{
	seats_log_in(seats, take(1), now);
	leave_all();
	for (uint64_t host = 100; host < 200; host++)
		(void)crowd(host, 1);
	ck_assert_str_eq(why, "limits.sessions");
	ck_assert_uint_eq(seats_taken(seats), 80 - 80 / SEATS_KEPT_PART + 30);
	ck_assert_uint_eq(crowd(1, 20), 10);
	ck_assert_str_eq(why, "limits.sessions");
}
END_TEST

START_TEST(a_guest_is_one_for_an_hour)
{
	limits.strangers_per_address = 1;
	seats_log_in(seats, take(1), now);
	leave_all();
	now += SEATS_GUEST_MS - 1;
	ck_assert_uint_eq(crowd(1, 3), 3);
	leave_all();
	now += 1;
	ck_assert_uint_eq(crowd(1, 3), 1);
}
END_TEST

START_TEST(a_bounded_number_is_told)
{
	limits.strangers_per_address = 1;
	ck_assert_uint_eq(crowd(1, 1), 1);
	for (int i = 0; i < SEATS_REFUSALS_MOST; i++) {
		ck_assert_ptr_nonnull(take(1));
		ck_assert_ptr_nonnull(why);
		limits.sessions_per_address = 10000;
	}
	ck_assert_ptr_null(take(1));
	ck_assert_ptr_nonnull(why);
	/* Such a seat is none that others could miss. */
	ck_assert_ptr_nonnull(take(2));
	ck_assert_ptr_null(why);
	/* And it may be had again. */
	leave_all();
	ck_assert_uint_eq(crowd(1, 2), 1);
	ck_assert_uint_eq(nheld, 2);
}
END_TEST

START_TEST(refusals_are_told_once_a_minute)
{
	limits.strangers_per_address = 1;
	(void)crowd(1, 1);
	(void)crowd(1, 1);
	ck_assert_uint_eq(seats_refusals(seats, 1, now), 1);
	(void)crowd(1, 9);
	ck_assert_uint_eq(seats_refusals(seats, 1, now), 0);
	now += MINUTE - 1;
	ck_assert_uint_eq(seats_refusals(seats, 1, now), 0);
	now += 1;
	ck_assert_uint_eq(seats_refusals(seats, 1, now), 9);
	ck_assert_uint_eq(seats_refusals(seats, 7, now), 0);
}
END_TEST

START_TEST(hosts_that_are_gone_are_forgotten_in_the_end)
{
	/* Guests of more addresses than are remembered. */
	for (uint64_t host = 1; host <= SEATS_GUESTS_MOST + 10; host++) {
		seats_log_in(seats, take(host), now);
		leave_all();
	}
	limits.strangers_per_address = 1;
	ck_assert_uint_eq(crowd(1, 2), 1);
	ck_assert_uint_eq(crowd(SEATS_GUESTS_MOST + 10, 2), 2);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_stranger_has_some_seats);
	tcase_add_test(tc, a_fifth_of_them_when_seats_are_scarce);
	tcase_add_test(tc, one_is_always_allowed);
	tcase_add_test(tc, who_logs_in_is_no_stranger);
	tcase_add_test(tc, seats_are_kept_for_guests);
	tcase_add_test(tc, a_guest_is_one_for_an_hour);
	tcase_add_test(tc, a_bounded_number_is_told);
	tcase_add_test(tc, refusals_are_told_once_a_minute);
	tcase_add_test(tc, hosts_that_are_gone_are_forgotten_in_the_end);
}

SUITE_MAIN("seats", fill)
