/* Calls on a real loop, to a filter in a thread of its own. */
#include "tests/lib/suite.h"

#include <string.h>
#include <uv.h>

#include "conf/conf.h"
#include "io/loop.h"
#include "milter/milter.h"
#include "milter/milter_io.h"
#include "tests/milter/fake_filter.h"

enum { CALLS = 6, LONG = 60000, SOON = 30 };

static struct loop *loop;
static struct milter_ways *ways;
static struct conf_filter filter;
static struct milter_message message;
static struct milter_limits limits = { 1000, 998, 1 << 20, 5 };

static void
setup(void)
{
	fake_filter_start();
	loop = loop_new();
	ways = milter_ways_new(loop, 2);
	filter = (struct conf_filter){ .name = "f",
		.socket = path,
		.path = path,
		.timeout = 30,
		.connections = 4 };
	message = (struct milter_message){ .client = SPAN("192.0.2.1"),
		.account = SPAN("ann") };
}

static void
teardown(void)
{
	milter_ways_unref(ways);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	fake_filter_stop();
}

/* --- a call --- */

struct asking {
	struct milter_call *call;
	unsigned pieces; /* to be given */
	size_t given, new_body;
	bool is_inside; /* of a call of ours */
	unsigned overs;
	unsigned turn; /* at which it was over, of all */
};
static unsigned turns;

static void
on_wants_piece(void *arg)
{
	static const char piece[PACKET_BODY_MOST];
	struct asking *a = arg;
	size_t n = a->pieces > 0 ? sizeof piece : 0;

	a->pieces -= n > 0;
	a->given += n;
	ck_assert(!a->is_inside);
	a->is_inside = true;
	milter_call_piece(a->call, span_make(piece, n));
	a->is_inside = false;
}

static void
on_new_body(struct buf *piece, void *arg)
{
	struct asking *a = arg;

	a->new_body += buf_len(piece);
	ck_assert(!a->is_inside);
	a->is_inside = true;
	milter_call_taken(a->call);
	a->is_inside = false;
}

static void
on_over(void *arg)
{
	struct asking *a = arg;

	ck_assert(!a->is_inside);
	a->overs++;
	a->turn = turns++;
}

static void
start(struct asking *a, const char *account, unsigned pieces, uint64_t ms)
{
	struct milter_events events = { on_wants_piece, on_new_body, on_over,
		a };

	*a = (struct asking){ .pieces = pieces, .is_inside = true };
	a->call = milter_call_start(ways, &filter, span_text(account), &message,
	    &limits, loop_now(loop) + ms, &events);
	a->is_inside = false;
}

static const struct milter_outcome *
wait_for(struct asking *a)
{
	while (a->overs == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_uint_eq(a->overs, 1);
	return milter_call_outcome(a->call);
}

START_TEST(a_message_passes_with_its_body)
{
	static const struct span words = { "\0\0\0\1c", 5 };
	struct asking a;

	last_words = &words;
	start(&a, "ann", 20, LONG);
	ck_assert_int_eq(wait_for(&a)->verdict, MILTER_PASSED);
	ck_assert_uint_eq(a.given, 20 * (size_t)PACKET_BODY_MOST);
	milter_call_close(a.call);
}
END_TEST

START_TEST(a_new_body_is_taken_piece_by_piece)
{
	static const struct span words = { "\0\0\0\4bab\n\0\0\0\2bc\0\0\0\1c",
		19 };
	struct asking a;

	last_words = &words;
	start(&a, "ann", 0, LONG);
	ck_assert_int_eq(wait_for(&a)->verdict, MILTER_PASSED);
	ck_assert(milter_call_outcome(a.call)->is_body_changed);
	ck_assert_uint_eq(a.new_body, strlen("ab\r\nc\r\n"));
	milter_call_close(a.call);
}
END_TEST

START_TEST(one_that_is_silent_fails_in_time)
{
	struct asking a;

	last_words = NULL;
	start(&a, "ann", 1, SOON);
	ck_assert_int_eq(wait_for(&a)->verdict, MILTER_FAILED);
	ck_assert_str_eq(
	    milter_call_outcome(a.call)->why, "it did not answer in time");
	milter_call_close(a.call);
}
END_TEST

START_TEST(nobody_is_there)
{
	struct asking a;

	filter.path = (char *)(uintptr_t) "/nonexistent/x";
	start(&a, "ann", 1, LONG);
	ck_assert_int_eq(wait_for(&a)->verdict, MILTER_FAILED);
	ck_assert_str_eq(
	    milter_call_outcome(a.call)->why, "No such file or directory");
	milter_call_close(a.call);
}
END_TEST

/* At every stage of it. */
START_TEST(a_call_may_be_closed_at_any_time)
{
	struct asking a;

	last_words = NULL;
	start(&a, "ann", 2, LONG);
	for (int i = 0; i < _i; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert_uint_eq(a.overs, 0);
	milter_call_close(a.call);
}
END_TEST

/* Of its four connections a half is this loop's. */
START_TEST(no_more_connections_than_there_are)
{
	static const struct span words = { "\0\0\0\1c", 5 };
	struct asking a[CALLS];

	atomic_store(&most_open, 0);
	last_words = &words;
	for (int i = 0; i < CALLS; i++)
		start(&a[i], i % 2 == 0 ? "ann" : "bob", 3, LONG);
	for (int i = 0; i < CALLS; i++) {
		ck_assert_int_eq(wait_for(&a[i])->verdict, MILTER_PASSED);
		milter_call_close(a[i].call);
	}
	ck_assert_uint_le(atomic_load(&most_open), 2);
}
END_TEST

START_TEST(a_connection_that_ended_is_to_be_had_again)
{
	static const struct span words = { "\0\0\0\1c", 5 };

	last_words = &words;
	filter.connections = 1;
	for (int i = 0; i < CALLS; i++) {
		struct asking a;

		start(&a, "ann", 1, LONG);
		ck_assert_int_eq(wait_for(&a)->verdict, MILTER_PASSED);
		milter_call_close(a.call);
	}
}
END_TEST

/* Ann has five in line when Bob comes: he waits for two of hers, not for five. */
START_TEST(accounts_take_turns)
{
	static const struct span words = { "\0\0\0\1c", 5 };
	struct asking a[CALLS];

	last_words = &words;
	filter.connections = 2;
	turns = 0;
	for (int i = 0; i < CALLS; i++)
		start(&a[i], i == CALLS - 1 ? "bob" : "ann", 1, LONG);
	while (a[CALLS - 1].overs == 0) {
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
		for (int i = 0; i < CALLS - 1; i++)
			if (a[i].overs > 0 && a[i].call != NULL) {
				milter_call_close(a[i].call);
				a[i].call = NULL;
			}
	}
	ck_assert_uint_le(a[CALLS - 1].turn, 2);
	for (int i = 0; i < CALLS; i++)
		if (a[i].call != NULL)
			milter_call_close(a[i].call);
}
END_TEST

START_TEST(who_waits_for_a_connection_waits_no_longer_than_it_may)
{
	struct asking a, b;

	last_words = NULL;
	filter.connections = 1;
	start(&a, "ann", 1, LONG);
	start(&b, "bob", 1, SOON);
	ck_assert_int_eq(wait_for(&b)->verdict, MILTER_FAILED);
	ck_assert_str_eq(milter_call_outcome(b.call)->why,
	    "its connections are all taken (1 for each worker)");
	ck_assert_uint_eq(a.overs, 0);
	/* What comes free then is not for who has given up. */
	milter_call_close(a.call);
	for (int i = 0; i < 10; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert_uint_eq(b.overs, 1);
	milter_call_close(b.call);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_message_passes_with_its_body);
	tcase_add_test(tc, a_new_body_is_taken_piece_by_piece);
	tcase_add_test(tc, one_that_is_silent_fails_in_time);
	tcase_add_test(tc, nobody_is_there);
	tcase_add_loop_test(tc, a_call_may_be_closed_at_any_time, 0, 12);
	tcase_add_test(tc, no_more_connections_than_there_are);
	tcase_add_test(tc, a_connection_that_ended_is_to_be_had_again);
	tcase_add_test(tc, accounts_take_turns);
	tcase_add_test(
	    tc, who_waits_for_a_connection_waits_no_longer_than_it_may);
}

SUITE_MAIN("milter_io", fill)
