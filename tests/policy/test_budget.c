#include "tests/lib/suite.h"

#include "policy/budget.h"

#define S INT64_C(1000)
#define H (3600 * S)

static const struct conf_rates none = { .n = 0 };
static const struct conf_rates small = { .list = { { 5, 60 } }, .n = 1 };
static const struct conf_rates two = { .list = { { 5, 60 }, { 8, 3600 } },
	.n = 2 };
static struct budget b;
static struct budget_state why;

static void
setup(void)
{
	b = (struct budget){ 0 };
}

static void
teardown(void)
{
	budget_clear(&b);
}

static bool
reserve(const struct conf_rates *rates, uint32_t n, int64_t now)
{
	return budget_reserve(&b, CONF_MESSAGES, rates, n, now, &why);
}

static void
send(const struct conf_rates *rates, uint32_t n, int64_t now)
{
	ck_assert(reserve(rates, n, now));
	budget_release(&b, CONF_MESSAGES, n);
	budget_use(&b, CONF_MESSAGES, rates, n, now);
}

START_TEST(none_has_no_bound)
{
	send(&none, 4000000000, 0);
	send(&none, 4000000000, 0);
	ck_assert(reserve(&none, 1, 0));
}
END_TEST

START_TEST(what_is_over_says_which_how_much_and_when)
{
	for (int i = 0; i < 5; i++)
		send(&two, 1, i * 2 * S);
	ck_assert(!reserve(&two, 1, 10 * S));
	ck_assert_int_eq(why.counter, CONF_MESSAGES);
	ck_assert_uint_eq(why.rate.most, 5);
	ck_assert_uint_eq(why.rate.seconds, 60);
	ck_assert_uint_eq(why.used, 5);
	ck_assert_int_eq(why.frees, 50 * S);
	for (int i = 0; i < 3; i++)
		send(&two, 1, 65 * S);
	/* Of two that are in the way, the one that is it for longer. */
	ck_assert(!reserve(&two, 3, 66 * S));
	ck_assert_uint_eq(why.rate.seconds, 3600);
	ck_assert_int_eq(why.frees, H + 8 * S - 66 * S);
	ck_assert(!reserve(&two, 9, 66 * S));
	ck_assert_int_eq(why.frees, -1);
}
END_TEST

/* RSET, a refusal, a lost connection: as if it had not been. */
START_TEST(open_ones_together_never_exceed)
{
	for (int i = 0; i < 5; i++)
		ck_assert(reserve(&small, 1, 0));
	ck_assert(!reserve(&small, 1, 0));
	ck_assert_uint_eq(why.used, 5);
	ck_assert_int_eq(why.frees, 60 * S);
	budget_release(&b, CONF_MESSAGES, 1);
	ck_assert(reserve(&small, 1, 0));
	ck_assert(!reserve(&small, 1, 0));
	/* They last longer than the window: what is not over is still open. */
	ck_assert(!reserve(&small, 1, 1000 * S));
	budget_release(&b, CONF_MESSAGES, 5);
	budget_use(&b, CONF_MESSAGES, &small, 5, 1000 * S);
	ck_assert(!reserve(&small, 1, 1059 * S));
	ck_assert(reserve(&small, 1, 1060 * S));
}
END_TEST

START_TEST(counters_are_apart)
{
	send(&small, 5, 0);
	ck_assert(budget_reserve(&b, CONF_RECIPIENTS, &small, 5, 0, &why));
	ck_assert(!budget_reserve(&b, CONF_RECIPIENTS, &small, 1, 0, &why));
	ck_assert_int_eq(why.counter, CONF_RECIPIENTS);
	ck_assert(budget_reserve(&b, CONF_NEW_RECIPIENTS, &small, 5, 0, &why));
}
END_TEST

START_TEST(a_reload_gives_no_second_helping)
{
	static const struct conf_rates other = { .list = { { 6, 120 } },
		.n = 1 };
	struct conf_rates one = { .n = 1 };

	send(&two, 5, 0);
	send(&other, 1, 0);
	ck_assert(!reserve(&other, 1, S));
	/* Each reload has another length: none is kept for ever. */
	for (uint32_t i = 0; i < 3 * BUDGET_WINDOWS; i++) {
		one.list[0] = (struct conf_rate){ 6, 200 + i };
		ck_assert(!reserve(&one, 1, S));
		ck_assert_uint_le(b.counters[CONF_MESSAGES].n, BUDGET_WINDOWS);
	}
	/* The old session has its old configuration. */
	ck_assert(!reserve(&two, 3, S));
}
END_TEST

START_TEST(four_fifths_are_told_once_a_window)
{
	send(&two, 3, 0);
	ck_assert(!budget_warns(&b, CONF_MESSAGES, &two, 0, &why));
	send(&two, 1, 0);
	ck_assert(budget_warns(&b, CONF_MESSAGES, &two, 0, &why));
	ck_assert_uint_eq(why.rate.seconds, 60);
	ck_assert_uint_eq(why.used, 4);
	ck_assert(!budget_warns(&b, CONF_MESSAGES, &two, 0, &why));
	send(&two, 1, S);
	ck_assert(!budget_warns(&b, CONF_MESSAGES, &two, S, &why));
	send(&two, 2, 61 * S);
	ck_assert(budget_warns(&b, CONF_MESSAGES, &two, 61 * S, &why));
	ck_assert_uint_eq(why.rate.seconds, 3600);
	ck_assert_uint_eq(why.used, 7);
	ck_assert(!budget_warns(&b, CONF_MESSAGES, &two, 61 * S, &why));
}
END_TEST

START_TEST(it_is_shown_as_it_stands)
{
	send(&small, 4, 0);
	budget_look(&b, CONF_MESSAGES, small.list[0], S, &why);
	ck_assert_uint_eq(why.used, 4);
	ck_assert_int_eq(why.frees, 0);
	send(&small, 1, 2 * S);
	budget_look(&b, CONF_MESSAGES, small.list[0], 3 * S, &why);
	ck_assert_int_eq(why.frees, 57 * S);
}
END_TEST

/* A restart in the middle of a window, with the clock that it has then. */
static const struct {
	const char *name;
	int64_t passed; /* by what is known */
	uint32_t used, later; /* then, and 30 s on */
} restarts[] = {
	{ "at_once", 0, 4, 4 },
	{ "in_the_middle", 20 * S, 4, 2 },
	{ "at_its_end", 60 * S, 0, 0 },
	{ "the_clock_jumped_ahead", 4000 * H, 0, 0 },
	{ "the_clock_jumped_back", -4000 * H, 4, 4 },
};

START_TEST(a_restart_keeps_what_counts)
{
	struct buf bytes = { 0 };
	struct budget back = { 0 };
	int64_t now = 100 * S; /* of another boot */

	send(&small, 2, 7 * H);
	send(&small, 2, 7 * H + 20 * S);
	ck_assert(
	    reserve(&small, 1, 7 * H + 20 * S)); /* is lost: was not sent */
	budget_write(&b, 7 * H + 20 * S, &bytes);
	ck_assert(
	    budget_read(&back, buf_span(&bytes), restarts[_i].passed, now));
	budget_look(&back, CONF_MESSAGES, small.list[0], now, &why);
	ck_assert_msg(why.used == restarts[_i].used, "%s: %u",
	    restarts[_i].name, why.used);
	budget_look(&back, CONF_MESSAGES, small.list[0], now + 30 * S, &why);
	ck_assert_msg(why.used == restarts[_i].later, "%s: later %u",
	    restarts[_i].name, why.used);
	/* And never for longer than the window is. */
	budget_look(&back, CONF_MESSAGES, small.list[0], now + 60 * S, &why);
	ck_assert_uint_eq(why.used, 0);
	budget_clear(&back);
	buf_clear(&bytes);
}
END_TEST

START_TEST(damaged_bytes_are_nothing)
{
	struct buf bytes = { 0 };
	struct budget back = { 0 };
	struct span all;

	send(&two, 5, 0);
	budget_write(&b, 0, &bytes);
	all = buf_span(&bytes);
	for (size_t n = 0; n < all.len; n++) {
		ck_assert(!budget_read(&back, span_to(all, n), 0, 0));
		ck_assert_uint_eq(back.counters[CONF_MESSAGES].n, 0);
	}
	ck_assert(budget_read(&back, all, 0, 0));
	budget_clear(&back);
	(void)buf_append_char(&bytes, 'x');
	ck_assert(!budget_read(&back, buf_span(&bytes), 0, 0));
	buf_clear(&bytes);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, none_has_no_bound);
	tcase_add_test(tc, what_is_over_says_which_how_much_and_when);
	tcase_add_test(tc, open_ones_together_never_exceed);
	tcase_add_test(tc, counters_are_apart);
	tcase_add_test(tc, a_reload_gives_no_second_helping);
	tcase_add_test(tc, four_fifths_are_told_once_a_window);
	tcase_add_test(tc, it_is_shown_as_it_stands);
	tcase_add_loop_test(
	    tc, a_restart_keeps_what_counts, 0, ARRAY_LEN(restarts));
	tcase_add_test(tc, damaged_bytes_are_nothing);
}

SUITE_MAIN("budget", fill)
