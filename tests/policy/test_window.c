/* However things come, no span of the window's length holds more than it says. */
#include "tests/lib/suite.h"

#include <stdlib.h>

#include "base/buf.h"
#include "policy/window.h"

#define S INT64_C(1000)
#define H (3600 * S)

static struct window w;

static void
setup(void)
{
	window_init(&w, 3600);
}

static void
teardown(void)
{
	window_clear(&w);
}

START_TEST(what_came_at_once_leaves_to_the_millisecond)
{
	ck_assert_uint_eq(window_used(&w, 0), 0);
	window_add(&w, 5 * S, 3);
	ck_assert_uint_eq(window_used(&w, 5 * S), 3);
	ck_assert_uint_eq(window_used(&w, H + 5 * S - 1), 3);
	ck_assert_int_eq(window_frees(&w, H, 1), 5 * S);
	ck_assert_int_eq(window_frees(&w, H, 3), 5 * S);
	ck_assert_uint_eq(window_used(&w, H + 5 * S), 0);
	ck_assert_int_eq(window_frees(&w, H, 1), 0);
}
END_TEST

START_TEST(what_came_within_a_grain_leaves_with_the_last_of_it)
{
	window_add(&w, 0, 1);
	window_add(&w, 60 * S, 1);
	window_add(&w, 60 * S + 1, 1);
	ck_assert_uint_eq(w.n, 2);
	ck_assert_uint_eq(window_used(&w, H), 3);
	ck_assert_uint_eq(window_used(&w, H + 60 * S - 1), 3);
	ck_assert_uint_eq(window_used(&w, H + 60 * S), 1);
	ck_assert_uint_eq(window_used(&w, H + 60 * S + 1), 0);
}
END_TEST

/* The same events in a plain list: never fewer are counted, and never for long. */
START_TEST(it_counts_all_of_the_time_and_a_sixtieth_more_at_most)
{
	enum { N = 20000 };
	static int64_t at[N];
	int64_t now = 0;
	size_t old = 0, older = 0;

	srand(7);
	for (size_t n = 0; n < N;) {
		uint32_t exact, with_grain, got;

		now +=
		    rand() % 4 == 0 ? rand() % (300 * (int)S) : rand() % 1000;
		at[n++] = now;
		window_add(&w, now, 1);
		while (at[old] + H <= now)
			old++;
		while (at[older] + H + 60 * S <= now)
			older++;
		exact = (uint32_t)(n - old);
		with_grain = (uint32_t)(n - older);
		got = window_used(&w, now);
		ck_assert_uint_ge(got, exact);
		ck_assert_uint_le(got, with_grain);
		ck_assert_uint_le(w.n, 62);
	}
}
END_TEST

START_TEST(it_is_the_same_after_a_restart)
{
	struct buf bytes = { 0 };
	struct window back;
	struct span in;

	for (int i = 0; i < 200; i++)
		window_add(&w, i * 100 * S, (uint32_t)i + 1);
	w.warned = 200 * 100 * S;
	window_write(&w, 199 * 100 * S, &bytes);
	/* Ten minutes later, on another clock. */
	in = buf_span(&bytes);
	ck_assert(window_read(&back, &in, 600 * S, 7 * S));
	ck_assert_uint_eq(in.len, 0);
	ck_assert_uint_eq(back.seconds, 3600);
	ck_assert_int_eq(back.warned, 0);
	for (int64_t later = 0; later < H + 100 * S; later += 50 * S)
		ck_assert_uint_eq(window_used(&back, 7 * S + later),
		    window_used(&w, 199 * 100 * S + 600 * S + later));
	window_clear(&back);
	/* However long, and when a clock went back meanwhile. */
	in = buf_span(&bytes);
	ck_assert(window_read(&back, &in, INT64_MAX, 0));
	ck_assert_uint_eq(window_used(&back, 0), 0);
	window_clear(&back);
	in = buf_span(&bytes);
	window_clear(&w);
	window_init(&w, 3600);
	ck_assert(window_read(&back, &in, -5 * S, 0));
	ck_assert_int_eq(back.warned, 100 * S);
	ck_assert_uint_eq(window_used(&back, H), 0);
	window_clear(&back);
	buf_clear(&bytes);
}
END_TEST

START_TEST(another_length_takes_over_what_counts_in_it)
{
	struct window day, minute;

	window_add(&w, 0, 5);
	window_add(&w, H - 30 * S, 7);
	window_init(&day, 86400);
	window_take_over(&day, &w, H - 1);
	ck_assert_uint_eq(window_used(&day, H - 1), 12);
	ck_assert_uint_eq(window_used(&day, 24 * H - 1), 7 + 5);
	ck_assert_uint_eq(window_used(&day, 25 * H), 0);
	window_init(&minute, 60);
	window_take_over(&minute, &w, H - 1);
	ck_assert_uint_eq(window_used(&minute, H - 1), 7);
	window_clear(&day);
	window_clear(&minute);
}
END_TEST

/* seconds, warned, slots, and for each its age, span and number. */
static const struct {
	const char *name, *bytes;
	size_t len;
	bool is_fine;
} bad[] = {
	{ "empty", "", 0, false },
	{ "no_slots", "\x3c\x00\x00", 3, true },
	{ "no_length", "\x00\x00\x00", 3, false },
	{ "a_slot", "\x3c\x00\x01\x05\x02\x01", 6, true },
	{ "a_slot_of_nothing", "\x3c\x00\x01\x05\x02\x00", 6, false },
	{ "cut_off", "\x3c\x00\x01\x05\x02", 5, false },
	{ "too_many", "\x3c\x00\x41", 3, false },
	{ "out_of_order", "\x3c\x00\x02\x05\x00\x01\x06\x00\x01", 9, false },
	{ "warned_for_longer", "\x3c\xff\xff\xff\x7f\x00", 6, false },
	{ "a_number_without_end",
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11, false },
	{ "more_than_can_be",
	    "\x3c\x00\x02\x06\x00\xff\xff\xff\xff\x0f\x05\x00\x01", 13, false },
};

START_TEST(bytes_of_others_are_not_taken)
{
	struct span in = span_make(bad[_i].bytes, bad[_i].len);
	struct window back;

	ck_assert_msg(window_read(&back, &in, 0, 0) == bad[_i].is_fine, "%s",
	    bad[_i].name);
	window_clear(&back);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_came_at_once_leaves_to_the_millisecond);
	tcase_add_test(tc, what_came_within_a_grain_leaves_with_the_last_of_it);
	tcase_add_test(
	    tc, it_counts_all_of_the_time_and_a_sixtieth_more_at_most);
	tcase_add_test(tc, it_is_the_same_after_a_restart);
	tcase_add_test(tc, another_length_takes_over_what_counts_in_it);
	tcase_add_loop_test(
	    tc, bytes_of_others_are_not_taken, 0, ARRAY_LEN(bad));
}

SUITE_MAIN("window", fill)
