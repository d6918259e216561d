/*
 * What moves a recipient from state to state (anything else is a bug):
 *
 *   from      event       to
 *   queued    delivered   delivered
 *   queued    temporary   queued, one try more, later
 *   queued    postponed   queued, later
 *   queued    failed      failed
 *   queued    too old     expired
 *   failed    reported    reported
 *   expired   reported    reported
 *   (any but the final)   removed -> removed
 *
 * Messages wait in a heap by the time of what comes first: an attempt, the
 * delay warning, or the end of their time. A message that is in a round, held,
 * or being reported is not in the heap.
 */
#include "sched/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "base/mem.h"
#include "mail/reason.h"

static const struct rule {
	enum rcpt_state from;
	enum rcpt_event event;
	enum rcpt_state to;
} rules[] = {
	{ RCPT_QUEUED, RCPT_EVENT_DELIVERED, RCPT_DELIVERED },
	{ RCPT_QUEUED, RCPT_EVENT_TEMPORARY, RCPT_QUEUED },
	{ RCPT_QUEUED, RCPT_EVENT_POSTPONED, RCPT_QUEUED },
	{ RCPT_QUEUED, RCPT_EVENT_FAILED, RCPT_FAILED },
	{ RCPT_QUEUED, RCPT_EVENT_TOO_OLD, RCPT_EXPIRED },
	{ RCPT_FAILED, RCPT_EVENT_REPORTED, RCPT_REPORTED },
	{ RCPT_EXPIRED, RCPT_EVENT_REPORTED, RCPT_REPORTED },
	{ RCPT_QUEUED, RCPT_EVENT_REMOVED, RCPT_REMOVED },
	{ RCPT_FAILED, RCPT_EVENT_REMOVED, RCPT_REMOVED },
	{ RCPT_EXPIRED, RCPT_EVENT_REMOVED, RCPT_REMOVED },
};

struct queue {
	struct queue_options options;
	struct idmap by_id;
	struct list order;
	struct queued **heap; /* owned array of borrowed messages */
	size_t heap_len, heap_cap;
};

/* --- the heap --- */

static void
place(struct queue *q, size_t at, struct queued *m)
{
	q->heap[at] = m;
	m->heap_at = (uint32_t)at;
}

static void
sift_up(struct queue *q, struct queued *m)
{
	size_t at = m->heap_at;

	while (at > 0 && q->heap[(at - 1) / 2]->due > m->due) {
		place(q, at, q->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(q, at, m);
}

static void
sift_down(struct queue *q, struct queued *m)
{
	size_t at = m->heap_at;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= q->heap_len)
			break;
		if (child + 1 < q->heap_len &&
		    q->heap[child + 1]->due < q->heap[child]->due)
			child++;
		if (q->heap[child]->due >= m->due)
			break;
		place(q, at, q->heap[child]);
		at = child;
	}
	place(q, at, m);
}

static void
heap_insert(struct queue *q, struct queued *m)
{
	assert(!m->in_heap);
	if (q->heap_len == q->heap_cap) {
		q->heap_cap = q->heap_cap == 0 ? 64 : q->heap_cap * 2;
		q->heap = mem_realloc(q->heap, q->heap_cap * sizeof *q->heap);
	}
	m->in_heap = true;
	m->heap_at = (uint32_t)q->heap_len++;
	sift_up(q, m);
}

static void
heap_remove(struct queue *q, struct queued *m)
{
	struct queued *last;

	if (!m->in_heap)
		return;
	m->in_heap = false;
	last = q->heap[--q->heap_len];
	if (last == m)
		return;
	place(q, m->heap_at, last);
	sift_up(q, last);
	sift_down(q, last);
}

/* --- making and finding --- */

static uint64_t
id_of(const void *value)
{
	return ((const struct queued *)value)->env->id;
}

struct queue *
queue_new(const struct queue_options *options)
{
	struct queue *q = MEM_NEW(struct queue);

	q->options = *options;
	idmap_init(&q->by_id, id_of);
	list_init(&q->order);
	return q;
}

void
queue_set_options(struct queue *q, const struct queue_options *options)
{
	q->options = *options;
}

static void
queued_free(struct queued *m)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		reason_unref(m->rcpts[i].reason);
	free(m->env);
	free(m);
}

void
queue_free(struct queue *q)
{
	LIST_FOREACH_SAFE (node, next, &q->order)
		queued_free(LIST_ENTRY(node, struct queued, order));
	idmap_clear(&q->by_id);
	free(q->heap);
	free(q);
}

size_t
queue_count(const struct queue *q)
{
	return q->by_id.count;
}

struct queued *
queue_find(const struct queue *q, uint64_t id)
{
	return idmap_get(&q->by_id, id);
}

struct queued *
queue_next(const struct queue *q, const struct queued *m)
{
	if (m->order.next == &q->order)
		return NULL;
	return LIST_ENTRY(m->order.next, struct queued, order);
}

struct queued *
queue_after(const struct queue *q, uint64_t after)
{
	struct queued *m = queue_find(q, after);

	if (m != NULL)
		return queue_next(q, m);
	LIST_FOREACH (node, &q->order) {
		m = LIST_ENTRY(node, struct queued, order);
		if (m->env->id > after)
			return m;
	}
	return NULL;
}

/* Ids grow, so the place is nearly always the end. */
static void
insert_in_order(struct queue *q, struct queued *m)
{
	struct list *before = q->order.prev;

	while (before != &q->order &&
	       LIST_ENTRY(before, struct queued, order)->env->id > m->env->id)
		before = before->prev;
	list_prepend(before, &m->order);
}

/* --- times --- */

uint64_t
queued_age(const struct queued *m, uint64_t now)
{
	int64_t age = (int64_t)now - m->born;

	return age < 0 ? 0 : (uint64_t)age;
}

static uint64_t
moment(const struct queued *m, uint64_t age)
{
	int64_t at = m->born + (int64_t)age;

	return at < 0 ? 0 : (uint64_t)at;
}

static bool
wants_warning(const struct queue *q, const struct queued *m)
{
	return q->options.delay_warning != 0 &&
	       q->options.delay_warning < q->options.expire &&
	       (m->flags & MESSAGE_WARNED) == 0 && m->env->sender[0] != '\0';
}

static bool
is_waiting(const struct queued_rcpt *r)
{
	return r->state == RCPT_QUEUED;
}

/* The time of its next event, among what can still happen to it. */
static uint64_t
next_event(const struct queue *q, const struct queued *m)
{
	uint64_t due = UINT64_MAX, warning, end;
	bool waiting = false;

	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		const struct queued_rcpt *r = &m->rcpts[i];

		waiting |= is_waiting(r);
		if (!rcpt_state_is_final(r->state) && r->due < due)
			due = r->due;
	}
	if (!waiting) /* a report is due, or nothing: then it is done now */
		return due == UINT64_MAX ? 0 : due;
	end = moment(m, q->options.expire);
	warning = moment(m, q->options.delay_warning);
	if (wants_warning(q, m) && warning < due)
		due = warning;
	return end < due ? end : due;
}

static void
schedule(struct queue *q, struct queued *m)
{
	heap_remove(q, m);
	if ((m->flags & MESSAGE_HELD) != 0 || m->busy > 0 || m->is_reporting)
		return;
	m->due = next_event(q, m);
	heap_insert(q, m);
}

/* --- coming in --- */

/* How old it was when the spool last knew, as far as clocks can be trusted. */
static uint64_t
age_at_start(const struct queue *q, int64_t arrived, int64_t wall)
{
	uint64_t age = wall > arrived ? (uint64_t)(wall - arrived) : 0;
	uint64_t grace =
	    q->options.expire / 2 < 60000 ? q->options.expire / 2 : 60000;

	/*
	 * A clock that jumped ahead makes everything old. So nothing expires
	 * right at a start; there is time for one more attempt.
	 */
	if (age > q->options.expire - grace)
		age = q->options.expire - grace;
	return age;
}

static uint32_t
seconds_of(int64_t wall)
{
	return wall <= 0 ? 0 : (uint32_t)(wall / 1000);
}

int64_t
queued_last(const struct queued_rcpt *r)
{
	return (int64_t)r->last * 1000;
}

static void
resume_rcpt(const struct queue *q, struct queued_rcpt *r,
    const struct progress *row, uint64_t now, int64_t wall)
{
	int64_t wait = row->due - wall;
	uint64_t longest = backoff_delay(&q->options.backoff, UINT16_MAX, 0);

	r->state = (uint8_t)row->state;
	r->tries = row->tries > UINT16_MAX ? UINT16_MAX : (uint16_t)row->tries;
	r->last = seconds_of(row->last);
	r->step = row->step > UINT16_MAX ? UINT16_MAX : (uint16_t)row->step;
	r->reason = reason_ref(row->reason);
	if (wait < 0)
		wait = 0;
	r->due = now + ((uint64_t)wait > longest ? longest : (uint64_t)wait);
}

struct queued *
queue_add(struct queue *q, struct envelope *env, const struct progress *rows,
    uint32_t flags, uint64_t now, int64_t wall)
{
	struct queued *m =
	    mem_zalloc(1, sizeof *m + env->nrcpt * sizeof m->rcpts[0]);

	m->env = env;
	m->flags = (uint8_t)flags;
	m->born =
	    (int64_t)now -
	    (int64_t)(rows == NULL ? 0 : age_at_start(q, env->arrived, wall));
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		m->rcpts[i].due = now;
		if (rows != NULL)
			resume_rcpt(q, &m->rcpts[i], &rows[i], now, wall);
	}
	idmap_add(&q->by_id, m);
	insert_in_order(q, m);
	schedule(q, m);
	return m;
}

/* --- rounds --- */

uint64_t
queue_next_due(const struct queue *q)
{
	return q->heap_len == 0 ? UINT64_MAX : q->heap[0]->due;
}

struct queued *
queue_take_due(struct queue *q, uint64_t now)
{
	struct queued *m;

	if (queue_next_due(q) > now)
		return NULL;
	m = q->heap[0];
	heap_remove(q, m);
	m->busy = 1;
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		if (is_waiting(&m->rcpts[i]) && m->rcpts[i].due <= now)
			m->rcpts[i].phase = PHASE_ROUTING;
	return m;
}

static enum rcpt_state
apply(enum rcpt_state from, enum rcpt_event event)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].from == from && rules[i].event == event)
			return rules[i].to;
	abort(); /* a bug: this event cannot happen in this state */
}

static void
set_reason(struct queued_rcpt *r, struct reason *reason)
{
	if (reason == NULL)
		return;
	(void)reason_ref(reason);
	reason_unref(r->reason);
	r->reason = reason;
}

void
queue_tell(struct queue *q, struct queued *m, const struct rcpt_news *news,
    struct progress *out)
{
	struct queued_rcpt *r = &m->rcpts[news->rcpt];
	enum rcpt_event event = news->event;

	if ((event == RCPT_EVENT_TEMPORARY || event == RCPT_EVENT_POSTPONED) &&
	    queued_age(m, news->now) >= q->options.expire)
		event = RCPT_EVENT_TOO_OLD;
	if (news->event != RCPT_EVENT_POSTPONED &&
	    news->event != RCPT_EVENT_REPORTED &&
	    news->event != RCPT_EVENT_REMOVED &&
	    news->event != RCPT_EVENT_TOO_OLD) {
		r->last = seconds_of(news->wall);
		if (r->tries < UINT16_MAX)
			r->tries++;
		if (r->step < UINT16_MAX)
			r->step++;
	}
	r->state = (uint8_t)apply(r->state, event);
	r->phase = PHASE_WAITING;
	r->site = NULL;
	set_reason(r, news->reason);
	r->due = news->now;
	if (event == RCPT_EVENT_TEMPORARY)
		r->due = news->now + backoff_delay(&q->options.backoff, r->step,
					 news->random);
	else if (event == RCPT_EVENT_POSTPONED)
		r->due = news->not_before;
	*out = (struct progress){
		.rcpt = news->rcpt,
		.state = r->state,
		.tries = r->tries,
		.step = r->step,
		.last = queued_last(r),
		.due = r->state == RCPT_QUEUED
			   ? news->wall + (int64_t)(r->due - news->now)
			   : 0,
		.reason = r->reason,
	};
}

void
queue_put_back(struct queued *m, uint32_t rcpt)
{
	struct queued_rcpt *r = &m->rcpts[rcpt];

	assert(r->state == RCPT_QUEUED && r->phase == PHASE_IN_LINE);
	r->phase = PHASE_WAITING;
	r->site = NULL;
}

unsigned
queue_review(struct queue *q, struct queued *m, uint64_t now)
{
	bool unreported = false, waiting = false;
	unsigned todo = 0;

	assert(m->busy == 0);
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		enum rcpt_state state = m->rcpts[i].state;

		unreported |= state == RCPT_FAILED || state == RCPT_EXPIRED;
		waiting |= state == RCPT_QUEUED;
	}
	if (unreported && !m->is_reporting)
		todo |= QUEUE_REPORT;
	if (waiting && wants_warning(q, m) &&
	    queued_age(m, now) >= q->options.delay_warning)
		todo |= QUEUE_WARN;
	if (!unreported && !waiting && !m->is_reporting)
		return QUEUE_DONE;
	schedule(q, m);
	return todo;
}

unsigned
queue_release(struct queue *q, struct queued *m, uint64_t now)
{
	assert(m->busy > 0);
	if (--m->busy > 0)
		return 0;
	return queue_review(q, m, now);
}

void
queue_set_flags(struct queue *q, struct queued *m, uint32_t flags)
{
	m->flags = (uint8_t)flags;
	schedule(q, m);
}

void
queue_hurry(struct queue *q, struct queued *m, uint64_t now)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		if (is_waiting(&m->rcpts[i]) &&
		    m->rcpts[i].phase == PHASE_WAITING)
			m->rcpts[i].due = now;
	schedule(q, m);
}

void
queue_remove(struct queue *q, struct queued *m)
{
	assert(m->busy == 0);
	heap_remove(q, m);
	list_remove(&m->order);
	(void)idmap_remove(&q->by_id, m->env->id);
	queued_free(m);
}
