/* Which orders can be done, of which legs; and what is done to some of a leg. */
#include "dispatch/order.h"
#include "tests/lib/suite.h"

#include "dispatch/leg.h"
#include "dispatch/message.h"

enum { RCPTS = 3 };

static struct message *message;
static struct lane *lane = (struct lane *)&message; /* never looked at */
static const struct leg_options options = { .expire = 1000000 };

/* Two of one domain, one of another. */
static void
setup(void)
{
	static const struct span rcpts[RCPTS] = { { "a@x.test", 8 },
		{ "b@x.test", 8 }, { "c@y.test", 8 } };
	struct envelope_parts parts = { .id = 1,
		.sender = SPAN("s@s.test"),
		.rcpt = rcpts,
		.nrcpt = RCPTS };

	message =
	    message_new(envelope_new(&parts), NULL, 0, &options, 100, 100);
	ck_assert_uint_eq(message->env->ngroups, 2);
}

static void
teardown(void)
{
	message_free(message);
}

#define NO_WISH WISH_NONE
static const bool some[RCPTS] = { true, false, false };
static const bool both[RCPTS] = { true, true, false };
static const bool none[RCPTS] = { false, false, false };

/* What the first leg is asked, and says; the other is over. */
static const struct {
	enum order_verb verb;
	const bool *only;
	enum leg_state state;
	enum leg_wish wish;
	enum order_verdict verdict;
} cases[] = {
	{ ORDER_HOLD, NULL, LEG_WAITING, NO_WISH, ORDER_CAN },
	{ ORDER_HOLD, some, LEG_LINE, NO_WISH, ORDER_CAN },
	{ ORDER_HOLD, some, LEG_LANE, NO_WISH, ORDER_CAN },
	{ ORDER_HOLD, NULL, LEG_HELD, NO_WISH, ORDER_IS_HELD_ALREADY },
	{ ORDER_HOLD, NULL, LEG_LEAVING, WISH_HOLD, ORDER_IS_HELD_ALREADY },
	{ ORDER_HOLD, NULL, LEG_LEAVING, WISH_EXPIRE, ORDER_CAN },
	{ ORDER_RELEASE, NULL, LEG_HELD, NO_WISH, ORDER_CAN },
	{ ORDER_RELEASE, some, LEG_HELD, NO_WISH, ORDER_CAN },
	{ ORDER_RELEASE, NULL, LEG_LEAVING, WISH_HOLD, ORDER_CAN },
	{ ORDER_RELEASE, NULL, LEG_WAITING, NO_WISH, ORDER_IS_NOT_HELD },
	{ ORDER_RELEASE, NULL, LEG_LANE, NO_WISH, ORDER_IS_NOT_HELD },
	{ ORDER_RETRY, NULL, LEG_WAITING, NO_WISH, ORDER_CAN },
	{ ORDER_RETRY, NULL, LEG_LANE, NO_WISH, ORDER_CAN },
	{ ORDER_RETRY, NULL, LEG_HELD, NO_WISH, ORDER_IS_HELD },
	{ ORDER_RETRY, NULL, LEG_LEAVING, WISH_HOLD, ORDER_IS_HELD },
	{ ORDER_BOUNCE, NULL, LEG_HELD, NO_WISH, ORDER_CAN },
	{ ORDER_BOUNCE, NULL, LEG_LANE, NO_WISH, ORDER_CAN },
	{ ORDER_BOUNCE, both, LEG_LANE, NO_WISH, ORDER_CAN },
	{ ORDER_BOUNCE, some, LEG_LANE, NO_WISH, ORDER_IS_AT_HOST },
	{ ORDER_BOUNCE, some, LEG_WAITING, NO_WISH, ORDER_CAN },
	{ ORDER_REMOVE, some, LEG_LEAVING, WISH_HOLD, ORDER_IS_AT_HOST },
	{ ORDER_REMOVE, some, LEG_HELD, NO_WISH, ORDER_CAN },
	{ ORDER_REMOVE, none, LEG_WAITING, NO_WISH, ORDER_IS_OVER },
	{ ORDER_REMOVE, NULL, LEG_OVER, NO_WISH, ORDER_IS_OVER },
};

START_TEST(an_order_is_judged_by_the_leg)
{
	struct order order = { cases[_i].verb, cases[_i].only };

	message->legs[0].state = (uint8_t)cases[_i].state;
	message->legs[0].wish = cases[_i].wish & 7;
	message->legs[1].state = LEG_OVER;
	ck_assert_int_eq(order_judge(&order, message), cases[_i].verdict);
	ck_assert_int_eq(order_is_for(&order, &message->legs[0]),
	    cases[_i].verdict == ORDER_CAN);
	ck_assert(!order_is_for(&order, &message->legs[1]));
	ck_assert_ptr_nonnull(order_verdict_name(cases[_i].verdict));
	ck_assert_ptr_nonnull(order_verdict_text(cases[_i].verdict));
}
END_TEST

/* One leg that can is enough, whatever the others say. */
START_TEST(one_leg_is_enough)
{
	struct order order = { ORDER_RETRY, NULL };

	message->legs[0].state = LEG_HELD;
	ck_assert_int_eq(order_judge(&order, message), ORDER_CAN);
	ck_assert(!order_is_for(&order, &message->legs[0]));
	ck_assert(order_is_for(&order, &message->legs[1]));
}
END_TEST

START_TEST(a_failure_that_is_to_be_told_can_be_removed_with_the_whole)
{
	struct order order = { ORDER_REMOVE, NULL };

	message->legs[0].state = message->legs[1].state = LEG_OVER;
	ck_assert_int_eq(order_judge(&order, message), ORDER_IS_OVER);
	message_set_state(message, 0, RCPT_FAILED);
	ck_assert_int_eq(order_judge(&order, message), ORDER_CAN);
	order.verb = ORDER_BOUNCE;
	ck_assert_int_eq(order_judge(&order, message), ORDER_IS_OVER);
	order = (struct order){ ORDER_REMOVE, some };
	ck_assert_int_eq(order_judge(&order, message), ORDER_IS_OVER);
}
END_TEST

/* --- some of a leg --- */

static enum leg_need
step(enum leg_event_type type, const bool *only, struct leg_facts *facts)
{
	struct leg_event ev = { .type = type,
		.now = 200,
		.wall = 200,
		.only = only,
		.lane = lane };

	return leg_step(&message->legs[0], &ev, &options, facts);
}

START_TEST(some_of_a_leg_are_removed_and_the_rest_stays)
{
	static const enum leg_state stays[] = { LEG_WAITING, LEG_HELD,
		LEG_ROUTING };
	struct leg_facts facts = { 0 };
	struct leg *leg = &message->legs[0];

	leg->state = (uint8_t)stays[_i];
	if (leg->state == LEG_ROUTING)
		message->in_hand++;
	(void)step(LEG_REMOVE, some, &facts);
	ck_assert_int_eq(leg->state, stays[_i]);
	ck_assert_int_eq(message->rcpts[0].state, RCPT_REMOVED);
	ck_assert_int_eq(message->rcpts[1].state, RCPT_QUEUED);
	ck_assert_uint_eq(facts.n, 1);
	ck_assert_int_eq(facts.list[0].type, LEG_FACT_REMOVED);
	ck_assert_int_eq(step(LEG_REMOVE, both, &facts), LEG_END);
	ck_assert_int_eq(leg->state, LEG_OVER);
	leg_facts_clear(&facts);
}
END_TEST

/* Those that were due are gone: no lane may take it for nobody. */
START_TEST(a_leg_whose_due_ones_are_removed_waits_again)
{
	struct leg_facts facts = { 0 };
	struct leg *leg = &message->legs[0];

	leg->state = LEG_ROUTING;
	message->in_hand++;
	message->rcpts[1].due = 5000;
	ck_assert_int_eq(step(LEG_BOUNCE, some, &facts), LEG_WAIT);
	ck_assert_int_eq(leg->state, LEG_WAITING);
	ck_assert_uint_eq(leg->due.at, 5000);
	ck_assert_uint_eq(message->in_hand, 0);
	ck_assert_int_eq(message->rcpts[0].state, RCPT_FAILED);
	leg_facts_clear(&facts);
}
END_TEST

START_TEST(some_of_a_leg_are_retried)
{
	struct leg_facts facts = { 0 };

	message->rcpts[0].due = message->rcpts[1].due = 5000;
	ck_assert_int_eq(step(LEG_RETRY, some, &facts), LEG_ROUTE);
	ck_assert_uint_eq(message->rcpts[0].due, 200);
	ck_assert_uint_eq(message->rcpts[1].due, 5000);
	leg_facts_clear(&facts);
}
END_TEST

START_TEST(what_is_stopped_waits_for_undo)
{
	struct order order = { .verb = ORDER_UNDO };

	ck_assert_int_eq(order_judge(&order, message), ORDER_IS_NOT_HELD);
	order.verb = ORDER_STOP;
	ck_assert_int_eq(order_judge(&order, message), ORDER_CAN);
	message->flags = MESSAGE_STOPPED;
	ck_assert_int_eq(order_judge(&order, message), ORDER_IS_HELD_ALREADY);
	order.verb = ORDER_RELEASE;
	ck_assert_int_eq(order_judge(&order, message), ORDER_IS_STOPPED);
	order.verb = ORDER_UNDO;
	ck_assert_int_eq(order_judge(&order, message), ORDER_CAN);
}
END_TEST

/* No word of the operator's lets it go unseen. */
START_TEST(what_a_filter_is_to_see_is_not_released)
{
	struct order order = { .verb = ORDER_RELEASE };

	message->legs[0].state = LEG_HELD;
	message->legs[1].state = LEG_HELD;
	message->flags = MESSAGE_UNFILTERED;
	ck_assert_int_eq(order_judge(&order, message), ORDER_IS_UNFILTERED);
	/* His own hold goes; the filter's stays. */
	message->flags = MESSAGE_UNFILTERED | MESSAGE_HELD;
	ck_assert_int_eq(order_judge(&order, message), ORDER_CAN);
	order.verb = ORDER_RETRY;
	ck_assert_int_eq(order_judge(&order, message), ORDER_CAN);
	message->flags = MESSAGE_HELD;
	ck_assert_int_eq(order_judge(&order, message), ORDER_IS_HELD);
	order.verb = ORDER_REMOVE;
	message->flags = MESSAGE_UNFILTERED;
	ck_assert_int_eq(order_judge(&order, message), ORDER_CAN);
	message->legs[0].state = LEG_WAITING;
	message->legs[1].state = LEG_WAITING;
}
END_TEST

/* No word of the operator's: he may say it himself, of all of it. */
START_TEST(what_a_budget_holds_the_operator_may_hold_too)
{
	struct order hold = { .verb = ORDER_HOLD };

	message->legs[0].state = LEG_HELD;
	message->legs[1].state = LEG_HELD;
	message->flags = MESSAGE_OVER_BUDGET;
	ck_assert_int_eq(order_judge(&hold, message), ORDER_CAN);
	hold.only = some;
	ck_assert_int_eq(order_judge(&hold, message), ORDER_IS_HELD_ALREADY);
	hold.only = NULL;
	message->flags = MESSAGE_OVER_BUDGET | MESSAGE_HELD;
	ck_assert_int_eq(order_judge(&hold, message), ORDER_IS_HELD_ALREADY);
	message->legs[0].state = LEG_WAITING;
	message->legs[1].state = LEG_WAITING;
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, an_order_is_judged_by_the_leg, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, one_leg_is_enough);
	tcase_add_test(
	    tc, a_failure_that_is_to_be_told_can_be_removed_with_the_whole);
	tcase_add_loop_test(
	    tc, some_of_a_leg_are_removed_and_the_rest_stays, 0, 3);
	tcase_add_test(tc, a_leg_whose_due_ones_are_removed_waits_again);
	tcase_add_test(tc, some_of_a_leg_are_retried);
	tcase_add_test(tc, what_is_stopped_waits_for_undo);
	tcase_add_test(tc, what_a_filter_is_to_see_is_not_released);
	tcase_add_test(tc, what_a_budget_holds_the_operator_may_hold_too);
}

SUITE_MAIN("order", fill)
