/*
 * All of dispatch, with a spool in memory and lanes that only note what they get.
 */
#ifndef TESTS_DISPATCH_WORLD_H
#define TESTS_DISPATCH_WORLD_H

#include "tests/lib/suite.h"

#include <string.h>
#include <uv.h>

#include "conf/conf.h"
#include "deliver/attempt.h"
#include "deliver/lane_end.h"
#include "dispatch/dispatch.h"
#include "dispatch/message.h"
#include "dispatch/order.h"
#include "dispatch/queue.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "spool/content.h"
#include "spool/spool.h"

static struct loop *loop;
static struct conf *conf;
static struct spool *spool;
static struct dispatch *dispatch;
static struct lane *lane; /* that was opened or given to last */
static struct attempt *attempt; /* that it has; owned */
static unsigned withdrawn, quits;

static inline void
on_open(struct lane *l, struct target *target, uint32_t host, struct attempt *a,
    void *arg)
{
	(void)target, (void)host, (void)arg;
	lane = l;
	attempt = a;
}

static inline void
on_give(struct lane *l, struct attempt *a, void *arg)
{
	(void)arg;
	lane = l;
	attempt = a;
}

static inline void
on_withdraw(struct lane *l, void *arg)
{
	(void)arg;
	ck_assert_ptr_eq(l, lane);
	withdrawn++;
}

static inline void
on_quit(struct lane *l, void *arg)
{
	(void)l, (void)arg;
	quits++;
}

static inline void
on_lost(uint64_t id, void *arg)
{
	(void)arg;
	dispatch_lost(dispatch, id);
}

static inline struct conf *
read_conf(const char *text)
{
	struct buf warnings = { 0 };
	struct err err = { .text = "" };
	struct conf *read =
	    conf_parse(span_text(text), "test.conf", NULL, &warnings, &err);

	ck_assert_msg(read != NULL, "%s", err.text);
	buf_clear(&warnings);
	return read;
}

static inline void
setup_with(const char *text)
{
	struct spool_options o = { .kind = SPOOL_MEMORY };
	struct spool_events on = { .message = dispatch_load, .lost = on_lost };
	struct dispatch_lanes lanes = { .open = on_open,
		.give = on_give,
		.withdraw = on_withdraw,
		.quit = on_quit };
	struct err err = { .text = "" };

	loop = loop_new();
	conf = read_conf(text);
	dispatch = dispatch_new(loop, conf, &err);
	ck_assert_msg(dispatch != NULL, "%s", err.text);
	o.loop = loop;
	spool = spool_open(&o, &on, &err);
	dispatch_set_road(dispatch, spool, &lanes);
	withdrawn = quits = 0;
	lane = NULL;
	attempt = NULL;
}

static inline void
setup(void)
{
	setup_with("hostname = relay.test\n"
		   "route default { relay = \"smtp://192.0.2.1:26\" }\n");
}

/* It has that configuration from now on. */
static inline void
reload(const char *text)
{
	struct conf *next = read_conf(text);
	struct router_next *router;
	struct err err = { .text = "" };

	router = dispatch_prepare(dispatch, next, &err);
	ck_assert_msg(router != NULL, "%s", err.text);
	dispatch_take(dispatch, next, router);
	conf_unref(conf);
	conf = next;
}

static inline void
teardown(void)
{
	dispatch_free(dispatch);
	spool_close(spool);
	conf_unref(conf);
	loop_free(loop);
}

static inline bool
is_told(const bool *done)
{
	return *done;
}

static inline void
on_stored(enum spool_status status, void *arg)
{
	ck_assert_int_eq(status, SPOOL_OK);
	*(bool *)arg = true;
}

static inline void
turn_until(bool (*is_over)(const bool *done), const bool *done)
{
	for (unsigned n = 0; n < 1000 && !is_over(done); n++)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert(is_over(done));
}

static inline struct envelope *
make_for(uint64_t id, uint32_t nrcpt)
{
	static const struct span rcpts[] = { SPAN("a@there.test"),
		SPAN("b@there.test"), SPAN("c@there.test"),
		SPAN("d@there.test") };
	struct envelope_parts parts = { .id = id,
		.size = 2,
		.arrived = wall_now(),
		.account = SPAN("ann"),
		.sender = SPAN("ann@here.test"),
		.rcpt = rcpts,
		.nrcpt = nrcpt };

	ck_assert_uint_le(nrcpt, ARRAY_LEN(rcpts));
	return envelope_new(&parts);
}

static inline struct envelope *
make(uint64_t id)
{
	return make_for(id, 1);
}

/* A message that the spool has. */
static inline uint64_t
store(void)
{
	struct spool_entry *e = spool_entry_open(spool, loop);
	struct buf head = { 0 }, body = { 0 };
	uint64_t id = spool_entry_id(e);
	struct envelope *env = make(id);
	struct content *content;
	bool done = false;

	(void)buf_append_text(&body, "\r\n");
	content = content_new_take(&head, &body);
	spool_commit(e, env, content, on_stored, &done);
	turn_until(is_told, &done);
	content_unref(content);
	free(env);
	return id;
}

static inline void
add(uint64_t id)
{
	struct dispatch_origin from = { .sid = "", .message_id = "" };

	dispatch_add(dispatch, make(id), &from);
}

/* One that was put off for an hour. */
static inline void
load(uint64_t id)
{
	struct progress row = { .state = RCPT_QUEUED,
		.tries = 1,
		.last = wall_now(),
		.due = wall_now() + 3600000 };

	dispatch_load(make(id), &row, 0, dispatch);
}

static inline size_t
waiting(void)
{
	return queue_count(dispatch_queue(dispatch));
}

static inline bool
has_lane(const bool *done)
{
	(void)done;
	return attempt != NULL;
}

static inline bool
is_empty(const bool *done)
{
	(void)done;
	return waiting() == 0;
}

static inline void
on_done(const struct dispatch_done *done, void *arg)
{
	(void)done;
	*(bool *)arg = true;
}

static inline void
order(uint64_t id, enum order_verb verb)
{
	struct order o = { .verb = verb };
	bool done = false;

	dispatch_do(dispatch, queue_find(dispatch_queue(dispatch), id), &o,
	    on_done, &done);
	turn_until(is_told, &done);
}

/* It takes so many of what the lane has, and wants the others once more. */
static inline void
answer(uint32_t takes)
{
	struct attempt *a = attempt;

	attempt = NULL;
	for (uint32_t i = 0; i < a->nrcpt; i++)
		a->rcpts[i].outcome =
		    i < takes ? OUTCOME_DELIVERED : OUTCOME_NEXT_TRANSACTION;
	dispatch_answered(dispatch, lane, a, true);
}

#endif
