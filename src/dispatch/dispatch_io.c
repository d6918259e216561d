/*
 * A leg's road, event by event:
 *
 *   dispatch_add (arrivals_io.c) -> dispatch_on_alarm (due) -> the router
 *   (asking_io.c) -> its channel's line -> lines_io.c (a lane takes it) ->
 *   lanes_io.c (brings it back) -> dispatch_settle (recorded, told) -> the next
 *   time, or the end
 *
 * The cores decide (leg.c, message.c); here is done what they need.
 */
#include "lanes_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "spool/spool.h"

enum {
	WAKES_A_TURN = 500,
	PAUSE_MS = 1000,
	HEALTH_MS = 50,
	ROWS_AT_HAND = 8,
	HISTORY_BYTES = 4 << 20,
};

/* Opened when the loop has nothing else to do in this turn. */
struct end_of_turn {
	struct parcel parcel;
	struct dispatch *dispatch; /* borrowed; NULL: it is gone */
};

static void
set_options(struct dispatch *d, const struct conf *conf)
{
	d->leg_options = (struct leg_options){
		.backoff = { conf->retry, conf->nretry },
		.expire = (uint64_t)conf->expire * 1000,
	};
	d->message_options = (struct message_options){
		.expire = (uint64_t)conf->expire * 1000,
		.delay_warning = (uint64_t)conf->delay_warning * 1000,
		.started = d->started,
	};
	d->lanes_most = lanes_most(conf);
}

static struct reason *
bounced_by_operator(void)
{
	static const struct words w = { .status = { "5.0.0", 5 },
		.what = { "returned by the operator", 24 } };

	return reason_new(&w);
}

struct dispatch *
dispatch_new(struct loop *loop, const struct conf *conf, struct err *err)
{
	struct dispatch *d = MEM_NEW(struct dispatch);
	uint64_t seed[2];

	d->loop = loop;
	d->router = router_new(loop, conf, asking_on_routed, d, err);
	if (d->router == NULL) {
		free(d);
		return NULL;
	}
	d->conf = conf_ref(conf);
	d->started = loop_now(loop);
	set_options(d, conf);
	d->queue = queue_new();
	rest_init(d);
	d->history = history_new(HISTORY_BYTES);
	d->bounced = bounced_by_operator();
	list_init(&d->serve);
	list_init(&d->idle);
	list_init(&d->busy);
	list_init(&d->crowded);
	list_init(&d->waits);
	list_init(&d->curious);
	turns_init(&d->all);
	random_fill(seed, sizeof seed);
	map_init(&d->addresses, seed);
	d->alarm = deadline_new(loop, dispatch_on_alarm, d);
	budget_init(d);
	filters_init(d);
	list_init(&d->walks);
	mistrust_init(d);
	return d;
}

void
dispatch_set_road(
    struct dispatch *d, struct spool *spool, const struct dispatch_lanes *lanes)
{
	d->spool = spool;
	d->out = *lanes;
}

void
dispatch_set_budget(struct dispatch *d, const struct dispatch_budget *budget)
{
	d->budget = *budget;
}

void
dispatch_on_failed(struct dispatch *d,
    void (*failed)(const struct envelope *env, struct span rcpt,
	const struct words *words, void *arg),
    void *arg)
{
	d->failed = failed;
	d->failed_arg = arg;
}

struct router_next *
dispatch_prepare(
    const struct dispatch *d, const struct conf *conf, struct err *err)
{
	return router_prepare(d->router, conf, err);
}

void
dispatch_discard(struct router_next *next)
{
	router_discard(next);
}

void
dispatch_take(
    struct dispatch *d, const struct conf *conf, struct router_next *next)
{
	bool has_new_times = d->conf->expire != conf->expire ||
			     d->conf->delay_warning != conf->delay_warning;

	router_take(d->router, next);
	d->era++;
	d->walk = queue_first_awake(d->queue);
	conf_unref(d->conf);
	d->conf = conf_ref(conf);
	set_options(d, conf);
	lines_mark_all(d);
	budget_ask_all(d);
	filters_ask_all(d);
	if (has_new_times)
		times_are_new(d);
	dispatch_end_turn(d);
}

void
dispatch_start(struct dispatch *d)
{
	d->running = true;
	budget_ask_all(d);
	dispatch_end_turn(d);
}

void
dispatch_stop(struct dispatch *d)
{
	if (!d->running)
		return;
	d->running = false;
	deadline_cancel(d->alarm);
	deadline_cancel(d->held_alarm);
	router_stop(d->router);
}

bool
dispatch_is_idle(const struct dispatch *d)
{
	return d->lanes == 0 && d->reports == 0 && d->filters_asked == 0;
}

void
dispatch_on_idle(struct dispatch *d, void (*idle)(void *arg), void *arg)
{
	d->idle_cb = idle;
	d->idle_arg = arg;
}

/* Nothing is counted: what stood in line is due still at the next start. */
static void
stop_legs(struct dispatch *d)
{
	struct leg_event ev = dispatch_event(d, LEG_STOP);

	for (struct message *m = queue_first_awake(d->queue); m != NULL;
	     m = queue_next_awake(d->queue, m))
		for (uint32_t i = 0; i < m->env->ngroups; i++)
			dispatch_step(d, &m->legs[i], &ev);
}

void
dispatch_free(struct dispatch *d)
{
	if (d == NULL)
		return;
	if (d->turn != NULL)
		d->turn->dispatch = NULL;
	stop_legs(d);
	operator_forget(d);
	asking_forget_curious(d);
	budget_clear_lines(d);
	filters_clear(d);
	walks_forget(d);
	mistrust_clear(d);
	lines_forget(d);
	deadline_close(d->alarm);
	queue_free(d->queue);
	history_free(d->history);
	router_free(d->router);
	turns_clear(&d->all);
	heap_clear(&d->heap);
	map_clear(&d->addresses);
	leg_facts_clear(&d->facts);
	reason_unref(d->bounced);
	conf_unref(d->conf);
	free(d);
}

struct queue *
dispatch_queue(struct dispatch *d)
{
	return d->queue;
}

struct history *
dispatch_history(struct dispatch *d)
{
	return d->history;
}

struct router *
dispatch_router(struct dispatch *d)
{
	return d->router;
}

/* --- steps of legs --- */

struct leg_event
dispatch_event(const struct dispatch *d, enum leg_event_type type)
{
	return (struct leg_event){
		.type = type,
		.now = loop_now(d->loop),
		.wall = wall_now(),
		.random = random_u32(),
	};
}

static void
join(struct dispatch *d, struct leg *leg)
{
	turns_join(&leg->channel->line, &leg->turn, dispatch_account(leg),
	    leg_rank(leg));
	lines_mark(d, leg->channel);
	if (!leg->is_next && !channel_is_open(leg->channel, loop_now(d->loop)))
		facts_log_in_line(leg, loop_now(d->loop));
}

/* What the leg stood in before. */
struct stand {
	struct asking *asks;
	struct channel *channel;
};

static struct stand
stand_of(const struct leg *leg)
{
	return (struct stand){
		.asks = leg->state == LEG_ROUTING ? leg->asks : NULL,
		.channel = leg->state == LEG_LINE ? leg->channel : NULL,
	};
}

static void
leave(struct dispatch *d, struct leg *leg, const struct stand *before)
{
	asking_stop(d, before->asks);
	if (before->channel != NULL && turn_is_waiting(&leg->turn))
		turns_leave(&before->channel->line, &leg->turn);
}

void
dispatch_step(struct dispatch *d, struct leg *leg, const struct leg_event *ev)
{
	struct stand before = stand_of(leg);
	enum leg_need need = leg_step(leg, ev, &d->leg_options, &d->facts);

	if (need == LEG_NOTHING)
		return;
	leave(d, leg, &before);
	if (need == LEG_REST || need == LEG_END || need == LEG_WITHDRAW)
		heap_drop(&d->heap, &leg->due);
	else
		heap_set(&d->heap, &leg->due, leg->due.at);
	switch (need) {
	case LEG_ROUTE: asking_start(d, leg); break;
	case LEG_JOIN: join(d, leg); break;
	case LEG_WITHDRAW: d->out.withdraw(leg->lane, d->out.arg); break;
	case LEG_NOTHING:
	case LEG_WAIT:
	case LEG_REST:
	case LEG_CARRY:
	case LEG_END: break;
	}
}

/* --- what is recorded and told --- */

/* On disk the words are whole now; in memory all who got the same share one. */
static void
share_reason(struct dispatch *d, struct message *m, uint32_t rcpt)
{
	struct recipient *r = &m->rcpts[rcpt];

	r->reason = spool_keep_reason_take(d->spool, r->reason);
}

static void
record(struct dispatch *d, struct message *m)
{
	struct progress few[ROWS_AT_HAND], *rows = few;
	uint64_t now = loop_now(d->loop);
	int64_t wall = wall_now();

	if (d->facts.n == 0)
		return;
	if (d->facts.n > ROWS_AT_HAND)
		rows = mem_zalloc(d->facts.n, sizeof *rows);
	for (uint32_t i = 0; i < d->facts.n; i++)
		rows[i] = leg_row(
		    d->facts.list[i].leg, d->facts.list[i].rcpt, now, wall);
	spool_progress(d->spool, m->env->id, rows, d->facts.n);
	for (uint32_t i = 0; i < d->facts.n; i++)
		share_reason(d, m, d->facts.list[i].rcpt);
	if (rows != few)
		free(rows);
}

static void
finish(struct dispatch *d, struct message *m)
{
	FACT(DONE, fact_id("qid", m->env->id),
	    fact_ms("delay", (message_age(m, loop_now(d->loop)))));
	budget_unheld(d, m, false);
	filters_gone(d, m);
	rest_disarm(d, m);
	spool_done(d->spool, m->env->id);
	queue_remove(d->queue, m);
	message_free(m);
}

/* Its time has come; what else holds it holds it still. */
static void
release(struct dispatch *d, struct message *m)
{
	struct leg_event ev = dispatch_event(d, LEG_RELEASE);

	FACT(RELEASED, fact_id("qid", m->env->id),
	    fact_string("user", m->env->account));
	spool_set_flags(d->spool, m->env->id, m->flags);
	if ((m->flags & MESSAGE_HOLDS) != 0)
		return;
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		dispatch_step(d, &m->legs[i], &ev);
	dispatch_settle(d, m, NULL);
}

static void
do_need(struct dispatch *d, struct message *m, enum message_need need)
{
	if (m->due.at == MESSAGE_NEVER)
		heap_drop(&d->heap, &m->due);
	else
		heap_set(&d->heap, &m->due, m->due.at);
	if (need != MESSAGE_DONE)
		rest_note(d, m);
	switch (need) {
	case MESSAGE_NOTHING: break;
	case MESSAGE_REPORT: reports_send(d, m); break;
	case MESSAGE_DROP: reports_drop(d, m); break;
	case MESSAGE_WARN: reports_warn(d, m); break;
	case MESSAGE_RELEASE: release(d, m); break;
	case MESSAGE_DONE: finish(d, m); break;
	}
}

void
dispatch_message_event(
    struct dispatch *d, struct message *m, const struct message_event *ev)
{
	do_need(d, m, message_step(m, ev, &d->message_options));
}

void
dispatch_settle(
    struct dispatch *d, struct message *m, const struct leg_fact_more *words)
{
	struct message_event ev = { .type = MESSAGE_MOVED,
		.now = loop_now(d->loop) };
	enum message_need need = message_step(m, &ev, &d->message_options);

	for (uint32_t i = 0; i < d->facts.n; i++) {
		facts_log(&d->facts.list[i], words, ev.now);
		facts_tell_failed(d, &d->facts.list[i]);
		facts_keep(
		    d->history, &d->facts.list[i], words, ev.now, wall_now());
	}
	brake_note_facts(d, m);
	/* What ends the message is recorded by that alone. */
	if (need != MESSAGE_DONE)
		record(d, m);
	d->facts.n = 0;
	operator_back(d, m, need == MESSAGE_DONE);
	if (m->in_hand == 0 && need != MESSAGE_DONE)
		spool_rest(d->spool, m->env->id);
	do_need(d, m, need);
}

/* --- times --- */

bool
dispatch_may_deliver(struct dispatch *d)
{
	uint64_t now = loop_now(d->loop);
	struct spool_health health;

	/* Asked for each leg; a change shows soon enough. */
	if (!d->is_paused && now - d->health_at < HEALTH_MS)
		return true;
	d->health_at = now;
	spool_health(d->spool, &health);
	if (health.recording == d->is_paused) {
		d->is_paused = !health.recording;
		if (d->is_paused)
			FACT(
			    DELIVERY_PAUSED, fact_string("reason", health.why));
		else
			FACT(DELIVERY_RESUMED);
	}
	return !d->is_paused;
}

void
dispatch_set_alarm(struct dispatch *d)
{
	const struct due *first = heap_first(&d->heap);
	uint64_t now = loop_now(d->loop);

	if (!d->running)
		return;
	if (d->is_paused)
		deadline_set(d->alarm, PAUSE_MS);
	else if (d->walk != NULL)
		deadline_set(d->alarm, 1);
	else if (first == NULL)
		deadline_cancel(d->alarm);
	else
		deadline_set(d->alarm, first->at > now ? first->at - now : 1);
}

static void
on_end_of_turn(struct parcel *p)
{
	struct end_of_turn *turn = (struct end_of_turn *)(void *)p;
	struct dispatch *d = turn->dispatch;

	free(turn);
	if (d == NULL)
		return;
	d->turn = NULL;
	filters_serve(d);
	lines_serve_marked(d);
	rest_all_idle(d);
	dispatch_set_alarm(d);
}

void
dispatch_end_turn(struct dispatch *d)
{
	if (d->turn != NULL)
		return;
	d->turn = MEM_NEW(struct end_of_turn);
	d->turn->parcel.open = on_end_of_turn;
	d->turn->dispatch = d;
	mailbox_post(d->loop, &d->turn->parcel);
}

static void
wake_leg(struct dispatch *d, struct due *due)
{
	struct leg *leg = LIST_ENTRY(due, struct leg, due);
	struct leg_event ev = dispatch_event(d, LEG_DUE);
	struct message *m = leg->message;

	if (leg->state == LEG_LINE) /* why it stood there, if it expires now */
		ev.reason = channel_why(leg->channel, ev.now);
	/* A leg that is in a lane at the end of its time waits for it. */
	heap_drop(&d->heap, due);
	dispatch_step(d, leg, &ev);
	if (leg_is_in_hand(leg) && leg->state != LEG_LEAVING)
		heap_set(&d->heap, &leg->due, leg->due.at);
	dispatch_settle(d, m, NULL);
}

static void
wake_message(struct dispatch *d, struct due *due)
{
	struct message *m = LIST_ENTRY(due, struct message, due);
	struct message_event ev = { .type = MESSAGE_DUE,
		.now = loop_now(d->loop) };

	heap_drop(&d->heap, due);
	dispatch_message_event(d, m, &ev);
}

static void
wake(struct dispatch *d, struct due *due)
{
	switch ((enum due_kind)due->kind) {
	case DUE_LEG: wake_leg(d, due); break;
	case DUE_MESSAGE: wake_message(d, due); break;
	case DUE_CHANNEL:
		heap_drop(&d->heap, due);
		lines_mark(d, LIST_ENTRY(due, struct channel, due));
		break;
	case DUE_FILTER: filters_due(d, due); break;
	case DUE_RESTING: (void)queue_wake(d->queue, due); break;
	}
}

/* Legs in line go back to routing, by the new configuration; some a turn. */
static void
walk_on(struct dispatch *d)
{
	for (int n = 0; d->walk != NULL && n < WAKES_A_TURN; n++) {
		struct message *m = d->walk;
		struct leg_event ev = dispatch_event(d, LEG_REROUTE);
		bool moved = false;

		d->walk = queue_next_awake(d->queue, m);
		for (uint32_t i = 0; i < m->env->ngroups; i++) {
			if (m->legs[i].state != LEG_LINE ||
			    m->legs[i].era == d->era)
				continue;
			dispatch_step(d, &m->legs[i], &ev);
			moved = true;
		}
		if (moved)
			dispatch_settle(d, m, NULL);
	}
}

void
dispatch_on_alarm(void *arg)
{
	struct dispatch *d = arg;
	uint64_t now = loop_now(d->loop);
	bool was_paused = d->is_paused;

	if (!d->running)
		return;
	if (!dispatch_may_deliver(d)) {
		dispatch_set_alarm(d); /* it looks again soon */
		return;
	}
	if (was_paused)
		lines_mark_all(d);
	walk_on(d);
	for (int i = 0; i < WAKES_A_TURN; i++) {
		struct due *first = heap_first(&d->heap);

		if (first == NULL || first->at > now)
			break;
		wake(d, first);
	}
	dispatch_end_turn(d);
}
