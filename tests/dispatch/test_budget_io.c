/*
 * Messages that their account's budget holds, with a clock that moves when a test says
 * so. Whether there is room is said by the test, too.
 */
#include "clock.h"
#include "world.h"

#include "mail/reason.h"
#include "src/dispatch/dispatch_priv.h"

enum { BEGIN = 1000000, MINUTE = 60000, MOST = 100 };

/* --- the accounts' budgets --- */

static uint64_t asked[MOST];
static unsigned nasked, nheld, nunheld, ncounted;
static unsigned room; /* so many may go */
static uint64_t wait_ms;
static const char *why;

static bool
let_go(const struct message *m, uint64_t *wait, struct buf *say, void *arg)
{
	ck_assert_ptr_eq(arg, &room);
	ck_assert_uint_lt(nasked, MOST);
	asked[nasked++] = m->env->id;
	if (room > 0) {
		room--;
		return true;
	}
	*wait = wait_ms;
	(void)buf_append_text(say, why);
	return false;
}

static void
held(const struct message *m, void *arg)
{
	(void)m, (void)arg;
	nheld++;
}

static void
unheld(const struct message *m, bool counts, void *arg)
{
	(void)m, (void)arg;
	nunheld++;
	ncounted += counts;
}

static void
begin(void)
{
	struct dispatch_budget budget = {
		.let_go = let_go, .held = held, .unheld = unheld, .arg = &room
	};

	now = BEGIN;
	nasked = nheld = nunheld = ncounted = room = 0;
	wait_ms = 5000;
	why = "no room";
	setup();
	dispatch_set_budget(dispatch, &budget);
	dispatch_start(dispatch);
}

static void
end(void)
{
	dispatch_stop(dispatch);
	teardown();
}

/* One that was held before the start. */
static void
hold(uint64_t id, const char *account)
{
	struct progress row = { 0 };
	struct span rcpt = SPAN("a@there.test");
	struct envelope_parts parts = { .id = id,
		.arrived = wall_now(),
		.account = span_text(account),
		.sender = SPAN("ann@here.test"),
		.rcpt = &rcpt,
		.nrcpt = 1 };

	dispatch_load(
	    envelope_new(&parts), &row, MESSAGE_OVER_BUDGET, dispatch);
}

/* So many ms later somebody asks, if it is time. */
static void
pass(uint64_t ms)
{
	now += ms;
	budget_on_alarm(dispatch);
}

static bool
is_asked(const bool *done)
{
	(void)done;
	return nasked > 0;
}

/* The clock moves by a ms a turn. */
static void
live_until(bool (*is_over)(const bool *done))
{
	for (unsigned n = 0; n < 1000 && !is_over(NULL); n++, now++)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert(is_over(NULL));
}

static void
expect_asked(unsigned n, const uint64_t *ids)
{
	ck_assert_uint_eq(nasked, n);
	for (unsigned i = 0; i < n; i++)
		ck_assert_uint_eq(asked[i], ids[i]);
	nasked = 0;
}
#define EXPECT_ASKED(...)                                                      \
	expect_asked(sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),   \
	    (uint64_t[]){ __VA_ARGS__ })

static struct message *
find(uint64_t id)
{
	return queue_find(dispatch_queue(dispatch), id);
}

static bool
waits_for(uint64_t id, const char *what)
{
	struct words w = reason_words(find(id)->rcpts[0].reason);

	return span_equal(w.what, span_text(what));
}

static const char others_wait[] =
    "its account's budget has no room, and others wait before it";

START_TEST(the_oldest_of_each_account_goes_first)
{
	hold(9, "ann");
	hold(5, "ann");
	hold(7, "bob");
	ck_assert_uint_eq(nheld, 3);
	ck_assert(waits_for(5, others_wait));
	ck_assert_uint_eq(find(5)->legs[0].state, LEG_HELD);
	room = 2;
	pass(0);
	EXPECT_ASKED(5, 9, 7);
	ck_assert_uint_eq(find(5)->flags, 0);
	ck_assert_uint_ne(find(5)->legs[0].state, LEG_HELD);
	ck_assert_ptr_null(find(5)->rcpts[0].reason);
	ck_assert_uint_eq(find(7)->flags, MESSAGE_OVER_BUDGET);
	ck_assert(waits_for(7, "no room"));
	/* It counts: whoever keeps the books has heard so when it was asked. */
	ck_assert_uint_eq(nunheld, 0);
}
END_TEST

START_TEST(what_was_let_go_leaves_and_is_held_no_more)
{
	hold(5, "ann");
	room = 1;
	pass(0);
	EXPECT_ASKED(5);
	live_until(has_lane);
	ck_assert_uint_eq(attempt->env->id, 5);
	dispatch_ended(
	    dispatch, lane, attempt, &(struct lane_end){ .withdrawn = true });
	order(5, ORDER_REMOVE);
	ck_assert_ptr_null(find(5));
	ck_assert_uint_eq(nunheld, 0);
	/* Its line went with it; another one of the account begins anew. */
	hold(11, "ann");
	pass(0);
	EXPECT_ASKED(11);
}
END_TEST

START_TEST(somebody_asks_by_himself)
{
	wait_ms = 1;
	hold(1, "ann");
	hold(2, "ann");
	live_until(is_asked);
	EXPECT_ASKED(1);
	now += 1;
	live_until(is_asked);
	EXPECT_ASKED(1);
	budget_ask_all(dispatch);
	live_until(is_asked);
	EXPECT_ASKED(1);
	wait_ms = MINUTE;
	now += 1;
	live_until(is_asked);
	EXPECT_ASKED(1);
	order(1, ORDER_REMOVE);
	live_until(is_asked);
	EXPECT_ASKED(2);
}
END_TEST

static const struct {
	uint64_t told, asks; /* ms */
	const char *why;
} waits[] = {
	{ 5000, 5000, "no room" },
	{ 59999, 59999, "no room" },
	/* It may have room sooner than anybody could say. */
	{ 10 * MINUTE, MINUTE, "no room" },
	/* It is not known yet. */
	{ 10 * MINUTE, 20, "" },
};

START_TEST(nobody_asks_before_there_may_be_room)
{
	wait_ms = waits[_i].told;
	why = waits[_i].why;
	hold(1, "ann");
	hold(2, "ann");
	pass(0);
	EXPECT_ASKED(1);
	ck_assert(waits_for(1, why[0] == '\0' ? others_wait : why));
	ck_assert(waits_for(2, others_wait));
	pass(waits[_i].asks - 1);
	ck_assert_uint_eq(nasked, 0);
	pass(1);
	EXPECT_ASKED(1);
	/* Unless something has changed. */
	budget_ask_all(dispatch);
	pass(0);
	EXPECT_ASKED(1);
}
END_TEST

START_TEST(what_the_operator_holds_is_passed_by_others)
{
	hold(1, "ann");
	hold(2, "ann");
	order(1, ORDER_HOLD);
	room = 1;
	pass(0);
	EXPECT_ASKED(2);
	pass(MINUTE - 1);
	ck_assert_uint_eq(nasked, 0);
	ck_assert_uint_eq(
	    find(1)->flags & MESSAGE_OVER_BUDGET, MESSAGE_OVER_BUDGET);
}
END_TEST

START_TEST(who_is_removed_waits_no_more_and_counts_for_nothing)
{
	hold(1, "ann");
	hold(2, "ann");
	pass(0);
	EXPECT_ASKED(1);
	order(1, ORDER_REMOVE);
	ck_assert_ptr_null(find(1));
	ck_assert_uint_eq(nunheld, 1);
	ck_assert_uint_eq(ncounted, 0);
	/* There may be room for the next one now. */
	room = 1;
	pass(0);
	EXPECT_ASKED(2);
	pass(10 * MINUTE);
	ck_assert_uint_eq(nasked, 0);
}
END_TEST

START_TEST(who_is_let_go_by_hand_counts)
{
	hold(1, "ann");
	hold(2, "ann");
	order(1, ORDER_RELEASE);
	ck_assert_uint_eq(nunheld, 1);
	ck_assert_uint_eq(ncounted, 1);
	ck_assert_uint_eq(find(1)->flags, 0);
	ck_assert_ptr_null(find(1)->rcpts[0].reason);
	pass(0);
	EXPECT_ASKED(2);
}
END_TEST

START_TEST(fifty_go_in_a_turn)
{
	for (uint64_t id = 1; id <= 60; id++)
		hold(id, id % 2 == 0 ? "ann" : "bob");
	room = 60;
	pass(0);
	ck_assert_uint_eq(nasked, 50);
	pass(1);
	ck_assert_uint_eq(nasked, 60);
}
END_TEST

START_TEST(one_that_comes_over_budget_is_held)
{
	struct dispatch_origin from = {
		.sid = "", .message_id = "", .is_over = true
	};

	dispatch_add(dispatch, make(1), &from);
	/* Who says so has counted it. */
	ck_assert_uint_eq(nheld, 0);
	ck_assert(waits_for(1, others_wait));
	ck_assert_uint_eq(find(1)->legs[0].state, LEG_HELD);
	room = 1;
	pass(0);
	EXPECT_ASKED(1);
	ck_assert_uint_eq(find(1)->flags, 0);
}
END_TEST

START_TEST(nobody_asks_behind_the_stop)
{
	hold(1, "ann");
	room = 1;
	dispatch_stop(dispatch);
	pass(0);
	ck_assert_uint_eq(nasked, 0);
}
END_TEST

START_TEST(without_budgets_all_go)
{
	dispatch_set_budget(dispatch, &(struct dispatch_budget){ 0 });
	hold(1, "ann");
	hold(2, "ann");
	pass(0);
	ck_assert_uint_eq(find(1)->flags, 0);
	ck_assert_uint_eq(find(2)->flags, 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, the_oldest_of_each_account_goes_first);
	tcase_add_test(tc, what_was_let_go_leaves_and_is_held_no_more);
	tcase_add_test(tc, somebody_asks_by_himself);
	tcase_add_loop_test(
	    tc, nobody_asks_before_there_may_be_room, 0, (int)ARRAY_LEN(waits));
	tcase_add_test(tc, what_the_operator_holds_is_passed_by_others);
	tcase_add_test(tc, who_is_removed_waits_no_more_and_counts_for_nothing);
	tcase_add_test(tc, who_is_let_go_by_hand_counts);
	tcase_add_test(tc, fifty_go_in_a_turn);
	tcase_add_test(tc, one_that_comes_over_budget_is_held);
	tcase_add_test(tc, nobody_asks_behind_the_stop);
	tcase_add_test(tc, without_budgets_all_go);
}

SUITE_MAIN("budget_io", fill)
