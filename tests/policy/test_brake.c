#include "tests/lib/suite.h"

#include "policy/brake.h"

#define H INT64_C(3600000)

static struct brake b;

static void
setup(void)
{
	b = (struct brake){ 0 };
}

static void
teardown(void)
{
	brake_clear(&b);
}

START_TEST(below_the_floor_nothing_brakes)
{
	for (int i = 0; i < 99; i++)
		ck_assert(!brake_note(&b, BRAKE_NEW, 1, i));
	for (int i = 0; i < 29; i++)
		ck_assert(!brake_note(&b, BRAKE_UNKNOWN, 1, 100 + i));
}
END_TEST

START_TEST(one_sign_above_it_is_enough)
{
	ck_assert(!brake_note(&b, BRAKE_NEW, 100, 0));
	ck_assert(brake_note(&b, BRAKE_NEW, 1, 0));
	brake_clear(&b);
	ck_assert(!brake_note(&b, BRAKE_UNKNOWN, 30, 0));
	ck_assert(brake_note(&b, BRAKE_UNKNOWN, 1, 0));
}
END_TEST

START_TEST(both_together_brake_earlier)
{
	ck_assert(!brake_note(&b, BRAKE_NEW, 100, 0));
	ck_assert(!brake_note(&b, BRAKE_UNKNOWN, 14, 0));
	ck_assert(brake_note(&b, BRAKE_UNKNOWN, 1, 0));
}
END_TEST

/* A program that is set up wrong makes thousands of them, and is no thief. */
START_TEST(foreign_headers_only_add_to_others)
{
	ck_assert(!brake_note(&b, BRAKE_FORGED, 5000, 0));
	ck_assert(!brake_note(&b, BRAKE_NEW, 99, 0));
	ck_assert(!brake_note(&b, BRAKE_UNKNOWN, 15, 0));
	ck_assert(brake_note(&b, BRAKE_NEW, 1, 0));
	brake_clear(&b);
	ck_assert(!brake_note(&b, BRAKE_NEW, 100, 0));
	ck_assert(!brake_note(&b, BRAKE_FORGED, 14, 0));
	ck_assert(brake_note(&b, BRAKE_FORGED, 1, 0));
}
END_TEST

/* Whose habit is large is braked below four times it, if more than one says so. */
START_TEST(together_they_brake_below_a_large_habit)
{
	for (int i = 0; i < 24 * 28; i++)
		(void)brake_note(&b, BRAKE_NEW, 60, i * H);
	ck_assert(!brake_note(&b, BRAKE_FORGED, 30, 24 * 28 * H));
	ck_assert(!brake_note(&b, BRAKE_NEW, 90, 24 * 28 * H));
	ck_assert(brake_note(&b, BRAKE_NEW, 30, 24 * 28 * H));
}
END_TEST

/* They are capped together: neither a traveller nor a mailing is a thief. */
START_TEST(places_and_pace_only_add_to_others)
{
	ck_assert(!brake_note(&b, BRAKE_PLACES, 50, 0));
	ck_assert(!brake_note(&b, BRAKE_PACE, 5000, 0));
	ck_assert(!brake_note(&b, BRAKE_FORGED, 5000, 0));
	ck_assert(!brake_note(&b, BRAKE_NEW, 99, 0));
	ck_assert(brake_note(&b, BRAKE_NEW, 1, 0));
	brake_clear(&b);
	/* A fast one from where it always is. */
	ck_assert(!brake_note(&b, BRAKE_PACE, 5000, 0));
	ck_assert(!brake_note(&b, BRAKE_NEW, 100, 0));
	brake_clear(&b);
	/* From a country where it never was: they count for a day. */
	ck_assert(!brake_note(&b, BRAKE_PLACES, 1 + BRAKE_COUNTRY, 0));
	ck_assert(!brake_note(&b, BRAKE_NEW, 99, 23 * H));
	ck_assert(brake_note(&b, BRAKE_NEW, 1, 23 * H));
	brake_clear(&b);
	ck_assert(!brake_note(&b, BRAKE_PLACES, 1 + BRAKE_COUNTRY, 0));
	ck_assert(!brake_note(&b, BRAKE_NEW, 100, 24 * H));
}
END_TEST

/* A mailing once a week makes its own pace the habit, when its hour is over. */
START_TEST(the_highest_pace_is_the_habit)
{
	struct brake_view view;

	for (int i = 0; i < 200; i++)
		(void)brake_note(&b, BRAKE_PACE, 1, i * 100);
	brake_look(&b, 20000, &view);
	ck_assert_uint_eq(view.now[BRAKE_PACE], 200);
	ck_assert_uint_eq(view.limit[BRAKE_PACE], 30);
	(void)brake_note(&b, BRAKE_PACE, 1, 2 * H);
	brake_look(&b, 2 * H, &view);
	ck_assert_uint_eq(view.now[BRAKE_PACE], 1);
	ck_assert_uint_eq(view.limit[BRAKE_PACE], 800);
	brake_look(&b, 2 * H + 7 * 24 * H, &view);
	ck_assert_uint_ge(view.limit[BRAKE_PACE], 290);
	ck_assert_uint_le(view.limit[BRAKE_PACE], 300);
}
END_TEST

START_TEST(an_hour_later_it_begins_again)
{
	ck_assert(!brake_note(&b, BRAKE_NEW, 100, 0));
	ck_assert(!brake_note(&b, BRAKE_NEW, 100, H));
}
END_TEST

START_TEST(what_it_always_does_is_its_habit)
{
	struct brake_view view;

	for (int i = 0; i < 24 * 28; i++)
		(void)brake_note(&b, BRAKE_NEW, 60, i * H);
	brake_look(&b, 24 * 28 * H, &view);
	ck_assert_uint_ge(view.limit[BRAKE_NEW], 200);
	ck_assert_uint_le(view.limit[BRAKE_NEW], 240);
	ck_assert_uint_eq(view.limit[BRAKE_UNKNOWN], 30);
	ck_assert(!brake_note(&b, BRAKE_NEW, 200, 24 * 28 * H));
	ck_assert(brake_note(&b, BRAKE_NEW, 50, 24 * 28 * H));
	/* After two months of silence it is a new account. */
	brake_look(&b, 24 * 90 * H, &view);
	ck_assert_uint_eq(view.limit[BRAKE_NEW], 100);
}
END_TEST

START_TEST(what_was_forgiven_may_happen_again)
{
	ck_assert(brake_note(&b, BRAKE_NEW, 300, 0));
	brake_forgive(&b, 0);
	ck_assert(!brake_note(&b, BRAKE_NEW, 300, 2 * H));
	ck_assert(brake_note(&b, BRAKE_NEW, 1000, 2 * H));
}
END_TEST

START_TEST(a_habit_outlives_a_restart)
{
	struct brake_view before, after;
	struct brake back = { 0 };
	struct buf bytes = { 0 };
	struct span in;

	for (int i = 0; i < 24 * 28; i++)
		(void)brake_note(&b, BRAKE_NEW, 60, i * H);
	(void)brake_note(&b, BRAKE_UNKNOWN, 7, 24 * 28 * H);
	brake_write(&b, 24 * 28 * H, &bytes);
	brake_look(&b, 24 * 28 * H + H / 2, &before);
	in = buf_span(&bytes);
	ck_assert(brake_read(&back, &in, H / 2, 5 * H));
	ck_assert_uint_eq(in.len, 0);
	brake_look(&back, 5 * H, &after);
	ck_assert_mem_eq(&before, &after, sizeof after);
	brake_clear(&back);
	for (size_t n = 0; n < buf_len(&bytes); n++) {
		in = span_to(buf_span(&bytes), n);
		ck_assert(!brake_read(&back, &in, 0, 0));
	}
	buf_clear(&bytes);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, below_the_floor_nothing_brakes);
	tcase_add_test(tc, one_sign_above_it_is_enough);
	tcase_add_test(tc, both_together_brake_earlier);
	tcase_add_test(tc, foreign_headers_only_add_to_others);
	tcase_add_test(tc, together_they_brake_below_a_large_habit);
	tcase_add_test(tc, places_and_pace_only_add_to_others);
	tcase_add_test(tc, the_highest_pace_is_the_habit);
	tcase_add_test(tc, an_hour_later_it_begins_again);
	tcase_add_test(tc, what_it_always_does_is_its_habit);
	tcase_add_test(tc, a_habit_outlives_a_restart);
	tcase_add_test(tc, what_was_forgiven_may_happen_again);
}

SUITE_MAIN("brake", fill)
