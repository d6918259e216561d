#include "tests/lib/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "dispatch/message.h"
#include "dispatch/rest.h"
#include "mail/reason.h"

enum { RCPTS_TRIED = REST_RCPTS_MOST + 1 };

static const struct leg_options options = { .expire = 1000 };

/* Two domains in turns, so that recipients of a leg are not neighbours. */
static struct message *
make(uint32_t nrcpt, int64_t arrived, struct span sender)
{
	static char names[RCPTS_TRIED][32];
	struct span rcpts[RCPTS_TRIED], attrs[RCPTS_TRIED];
	struct envelope_parts parts = { .id = 0xfedcba9876543210,
		.size = 123456789012,
		.arrived = arrived,
		.flags = ENVELOPE_8BIT | ENVELOPE_BINARY,
		.account = SPAN("ann@example.com"),
		.sender = sender,
		.attrs = span_make("m\0tail", 6),
		.rcpt = rcpts,
		.rcpt_attrs = attrs,
		.nrcpt = nrcpt };

	for (uint32_t i = 0; i < nrcpt; i++) {
		(void)snprintf(names[i], sizeof names[i], "r%u@d%u.test", i,
		    (unsigned)(i % 2));
		rcpts[i] = span_text(names[i]);
		attrs[i] = i % 2 == 0 ? SPAN("") : SPAN("attributes");
	}
	return message_new(envelope_new(&parts), NULL, 0, &options, 1, 1);
}

/* Each number another one, and as large as its field allows. */
static void
fill(struct message *m, struct reason *reason)
{
	m->flags = MESSAGE_WARNED | MESSAGE_HELD;
	m->born = -123456789;
	m->due.at = 0x123456789abcdef0;
	m->report_at = 0x23456789abcdef01;
	m->reported = UINT32_MAX - 1;
	m->release = UINT32_MAX - 2;
	m->by = INT32_MAX;
	m->by_returns = 1;
	m->urgency = URGENCY_LOW;
	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		struct leg *leg = &m->legs[i];

		leg->due.at = UINT64_MAX - i;
		leg->stood = UINT64_MAX - 10 - i;
		leg->era = UINT32_MAX - 20 - i;
		leg->tried = UINT32_MAX - 30 - i;
		leg->answered = (uint8_t)(255 - i);
		leg->returned = (100 - i) & 127;
		leg->is_next = 1;
		leg->may_wait = i == 0;
		leg->by_hand = i == 1;
		leg->is_mistrusted = i == 0;
		leg->is_let = i == 1;
	}
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct recipient *r = &m->rcpts[i];

		r->due = (uint64_t)i << 60;
		r->last = UINT32_MAX - i;
		r->tries = (uint16_t)(UINT16_MAX - i);
		r->step = (127 - i) & 127;
		if (i % 2 == 0)
			recipient_set_reason(r, reason);
	}
}

static void
expect_same_envelope(const struct envelope *a, const struct envelope *b)
{
	ck_assert_uint_eq(envelope_memory(a), envelope_memory(b));
	ck_assert_uint_eq(a->id, b->id);
	ck_assert_uint_eq(a->size, b->size);
	ck_assert_int_eq(a->arrived, b->arrived);
	ck_assert_uint_eq(a->flags, b->flags);
	ck_assert_uint_eq(a->ngroups, b->ngroups);
	ck_assert_str_eq(a->account, b->account);
	ck_assert_str_eq(a->sender, b->sender);
	ck_assert(span_equal(envelope_attrs(a), envelope_attrs(b)));
	for (uint32_t i = 0; i < a->nrcpt; i++) {
		ck_assert_str_eq(a->rcpts[i].address, b->rcpts[i].address);
		ck_assert_uint_eq(a->rcpts[i].next, b->rcpts[i].next);
		ck_assert(span_equal(
		    envelope_rcpt_attrs(a, i), envelope_rcpt_attrs(b, i)));
	}
}

static void
expect_same_legs(const struct message *a, const struct message *b)
{
	for (uint32_t i = 0; i < a->env->ngroups; i++) {
		const struct leg *x = &a->legs[i], *y = &b->legs[i];

		ck_assert_ptr_eq(x->message, a);
		ck_assert_uint_eq(x->due.at, y->due.at);
		ck_assert_uint_eq(x->stood, y->stood);
		ck_assert_uint_eq(x->first, y->first);
		ck_assert_uint_eq(x->era, y->era);
		ck_assert_uint_eq(x->tried, y->tried);
		ck_assert_uint_eq(x->state, y->state);
		ck_assert_uint_eq(x->answered, y->answered);
		ck_assert_uint_eq(x->returned, y->returned);
		ck_assert_uint_eq(x->is_next, y->is_next);
		ck_assert_uint_eq(x->may_wait, y->may_wait);
		ck_assert_uint_eq(x->by_hand, y->by_hand);
		ck_assert_uint_eq(x->is_mistrusted, y->is_mistrusted);
		ck_assert_uint_eq(x->is_let, y->is_let);
	}
}

static void
expect_same(const struct message *a, const struct message *b)
{
	expect_same_envelope(a->env, b->env);
	expect_same_legs(a, b);
	ck_assert_uint_eq(a->flags, b->flags);
	ck_assert_int_eq(a->born, b->born);
	ck_assert_uint_eq(a->due.at, b->due.at);
	ck_assert_uint_eq(a->report_at, b->report_at);
	ck_assert_uint_eq(a->reported, b->reported);
	ck_assert_uint_eq(a->release, b->release);
	ck_assert_uint_eq(a->by, b->by);
	ck_assert_uint_eq(a->by_returns, b->by_returns);
	ck_assert_uint_eq(a->urgency, b->urgency);
	ck_assert_uint_eq(a->open, b->open);
	ck_assert_uint_eq(a->state, b->state);
	for (uint32_t i = 0; i < a->env->nrcpt; i++) {
		const struct recipient *r = &a->rcpts[i], *s = &b->rcpts[i];

		ck_assert_uint_eq(r->due, s->due);
		ck_assert_uint_eq(r->last, s->last);
		ck_assert_uint_eq(r->tries, s->tries);
		ck_assert_uint_eq(r->state, s->state);
		ck_assert_uint_eq(r->step, s->step);
		ck_assert_ptr_eq(r->reason, s->reason);
	}
}

static struct reason *
said(void)
{
	struct words w = { .said = SPAN("no") };

	return reason_new(&w);
}

static const struct {
	uint32_t nrcpt;
	int64_t arrived;
	struct span sender;
} kinds[] = {
	{ 1, 1764340000000, SPAN("ann@example.com") },
	{ 1, 0, SPAN("") },
	{ 2, -((int64_t)1 << 43) + 1, SPAN("other@example.com") },
	{ REST_RCPTS_MOST, ((int64_t)1 << 43) - 1, SPAN("ann@example.com") },
};

START_TEST(what_wakes_is_what_was_put_to_rest)
{
	uint32_t n = kinds[_i].nrcpt;
	struct reason *reason = said();
	struct message *was = make(n, kinds[_i].arrived, kinds[_i].sender);
	struct message *m = make(n, kinds[_i].arrived, kinds[_i].sender);
	struct resting *r;

	fill(was, reason);
	fill(m, reason);
	ck_assert(message_can_rest(m));
	r = message_rest_take(m);
	ck_assert_uint_eq(resting_id(r), was->env->id);
	ck_assert_int_eq(resting_arrived(r), was->env->arrived);
	m = message_wake_take(r);
	expect_same(m, was);
	/* Each has its references, and the test has one. */
	message_free(was);
	ck_assert(reason_has_more(reason, (n + 1) / 2));
	message_free(m);
	ck_assert(!reason_has_more(reason, 1));
	reason_unref(reason);
}
END_TEST

START_TEST(legs_that_are_over_or_held_stay_so)
{
	struct message *m = make(4, 1, SPAN("a@b.test"));

	message_set_state(m, 0, RCPT_REMOVED);
	message_set_state(m, 2, RCPT_REMOVED);
	m->legs[0].state = LEG_OVER;
	m->legs[1].state = LEG_HELD;
	m->open = 1;
	m = message_wake_take(message_rest_take(m));
	ck_assert_uint_eq(m->rcpts[2].state, RCPT_REMOVED);
	ck_assert_uint_eq(m->rcpts[1].state, RCPT_QUEUED);
	ck_assert_uint_eq(m->legs[0].state, LEG_OVER);
	ck_assert_uint_eq(m->legs[1].state, LEG_HELD);
	ck_assert_uint_eq(m->open, 1);
	message_free(m);
}
END_TEST

START_TEST(one_that_ends_at_rest_lets_go_of_its_words)
{
	struct reason *reason = said();
	struct message *m = make(3, 1, SPAN("a@b.test"));

	fill(m, reason);
	resting_free(message_rest_take(m));
	ck_assert(!reason_has_more(reason, 1));
	reason_unref(reason);
}
END_TEST

static void
set_state(struct message *m)
{
	m->state = MESSAGE_GATHERING;
}

static void
set_in_hand(struct message *m)
{
	m->in_hand = 1;
}

static void
set_untold(struct message *m)
{
	message_set_state(m, 0, RCPT_FAILED);
}

static void
set_pinned(struct message *m)
{
	m->pins = 1;
}

static void
set_wish(struct message *m)
{
	m->legs[1].wish = WISH_HOLD;
}

static void
set_leg_state(struct message *m)
{
	m->legs[1].state = LEG_LINE;
}

static void (*const awake[])(struct message *m) = { set_state, set_in_hand,
	set_untold, set_pinned, set_wish, set_leg_state };

START_TEST(one_that_is_under_way_stays_awake)
{
	struct message *m = make(2, 1, SPAN("a@b.test"));
	uint8_t state = m->legs[1].state;

	ck_assert(message_can_rest(m));
	awake[_i](m);
	ck_assert(!message_can_rest(m));
	m->legs[1].state = state;
	message_free(m);
}
END_TEST

START_TEST(one_that_does_not_fit_stays_awake)
{
	static char name[20000];
	struct message *many = make(RCPTS_TRIED, 1, SPAN("")),
		       *late = make(1, (int64_t)1 << 43, SPAN("")),
		       *early = make(1, -((int64_t)1 << 43), SPAN("")), *tall;

	memset(name, 'x', sizeof name);
	tall = make(1, 1, span_make(name, sizeof name));
	ck_assert(!message_can_rest(many));
	ck_assert(!message_can_rest(late));
	ck_assert(!message_can_rest(early));
	ck_assert(!message_can_rest(tall));
	message_free(many);
	message_free(late);
	message_free(early);
	message_free(tall);
}
END_TEST

static void
fill_in(TCase *tc)
{
	tcase_add_loop_test(
	    tc, what_wakes_is_what_was_put_to_rest, 0, (int)ARRAY_LEN(kinds));
	tcase_add_test(tc, legs_that_are_over_or_held_stay_so);
	tcase_add_test(tc, one_that_ends_at_rest_lets_go_of_its_words);
	tcase_add_loop_test(
	    tc, one_that_is_under_way_stays_awake, 0, (int)ARRAY_LEN(awake));
	tcase_add_test(tc, one_that_does_not_fit_stays_awake);
}

SUITE_MAIN("rest", fill_in)
