/*
 * The good path of a call, and how each step may fail:
 *
 *   join          it stands in line for a connection; its time ends it
 *   on_connected  or not, and it is over
 *   on_input      the filter answers; an end or an error is a lost one
 *   on_written    what was to be sent has left
 *   milter_call_piece(), milter_call_taken()
 *                 what the owner had to do is done
 *   on_deadline   the filter was silent too long; or the call begins to fail
 *   on_closed     the last one: its place is free, and it is freed
 */
#include "milter/milter_io.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/list.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/stream.h"
#include "milter/milter.h"
#include "sched/turns.h"

enum {
	END_TIMES = 5, /* so much longer may the answer to the end take, */
	END_MOST_MS = 300 * 1000, /* and no longer than that */
	OUT_MOST = 8 * 1024 * 1024,
};

/* To one filter: as long as somebody is there, or wants to be. */
struct way {
	struct list node; /* in ways->list */
	char *socket; /* owned: which filter it is */
	struct turns turns;
	uint32_t calls; /* there, and in line */
	uint32_t open, most; /* connections */
};

struct milter_ways {
	struct loop *loop; /* borrowed: outlives all calls */
	struct list list; /* struct way */
	uint32_t sharers, refs;
};

struct milter_call {
	struct turn turn;
	struct milter_ways *ways; /* a reference */
	struct way *way; /* counted there */
	char *account; /* owned: whose turn it was */
	uint64_t timeout; /* ms */
	uint64_t ends; /* monotonic ms */
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to;
	socklen_t to_len;
	struct milter *core; /* owned */
	enum milter_need need; /* of the last step */
	struct stream *stream; /* owned; NULL: none yet, or closed */
	struct deadline *deadline; /* owned */
	struct buf out;
	struct milter_events events;
	char why[160]; /* room for a text of ours */
	bool has_place, is_closed;
	bool is_asked; /* inside of a call of the owner's */
	bool is_told_later; /* the need is the deadline's to see to */
};

static void on_connected(enum stream_status status, void *arg);
static void on_input(enum stream_status status, void *arg);
static void on_written(enum stream_status status, void *arg);
static void on_deadline(void *arg);
static void on_closed(void *arg);

static void run(struct milter_call *c, struct milter_event *ev);

/* --- ways --- */

struct milter_ways *
milter_ways_new(struct loop *loop, uint32_t sharers)
{
	struct milter_ways *w = MEM_NEW(struct milter_ways);

	w->loop = loop;
	w->sharers = sharers;
	w->refs = 1;
	list_init(&w->list);
	return w;
}

void
milter_ways_unref(struct milter_ways *w)
{
	if (w == NULL || --w->refs > 0)
		return;
	assert(list_is_empty(&w->list));
	free(w);
}

static struct way *
way_to(struct milter_ways *w, const struct conf_filter *f)
{
	struct way *way = NULL;

	LIST_FOREACH (node, &w->list)
		if (strcmp(LIST_ENTRY(node, struct way, node)->socket,
			f->socket) == 0)
			way = LIST_ENTRY(node, struct way, node);
	if (way == NULL) {
		way = MEM_NEW(struct way);
		way->socket = mem_strdup(f->socket);
		turns_init(&way->turns);
		list_append(&w->list, &way->node);
	}
	/* As the newest configuration that is used has it. */
	way->most = f->connections / w->sharers;
	if (way->most == 0)
		way->most = 1;
	way->calls++;
	return way;
}

static void
leave_way(struct way *way)
{
	if (--way->calls > 0)
		return;
	turns_clear(&way->turns);
	list_remove(&way->node);
	free(way->socket);
	free(way);
}

static uint64_t
now_of(const struct milter_call *c)
{
	return loop_now(c->ways->loop);
}

/* No later than the end of all. */
static void
arm(struct milter_call *c, uint64_t ms)
{
	uint64_t now = now_of(c), left = c->ends > now ? c->ends - now : 0;

	deadline_set(c->deadline, ms < left ? ms : left);
}

static void
open_connection(struct milter_call *c)
{
	arm(c, c->timeout);
	c->stream = stream_connect(
	    c->ways->loop, &c->to.sa, c->to_len, on_connected, c);
	if (c->stream == NULL) {
		(void)snprintf(
		    c->why, sizeof c->why, "no descriptor is left for it");
		deadline_set(c->deadline, 0);
	}
}

/* An account gets no further place while it holds more than are free. */
static void
serve(struct way *way)
{
	while (way->open < way->most) {
		struct turns_place place = { .held_most =
						 way->most - way->open };
		struct turn *turn = turns_take(&way->turns, &place);
		struct milter_call *c;

		if (turn == NULL)
			return;
		c = LIST_ENTRY(turn, struct milter_call, turn);
		way->open++;
		c->has_place = true;
		turns_hold(&way->turns, span_text(c->account));
		open_connection(c);
	}
}

static void
give_back(struct milter_call *c)
{
	if (!c->has_place)
		return;
	c->has_place = false;
	c->way->open--;
	turns_give_back(&c->way->turns, span_text(c->account));
	serve(c->way);
}

/* --- a call --- */

static void
set_address(struct milter_call *c, const struct conf_filter *f)
{
	memset(&c->to, 0, sizeof c->to);
	if (f->path != NULL) {
		c->to.un.sun_family = AF_UNIX;
		(void)snprintf(
		    c->to.un.sun_path, sizeof c->to.un.sun_path, "%s", f->path);
		c->to_len = sizeof c->to.un;
	} else if (inet_pton(AF_INET, f->host, &c->to.in.sin_addr) == 1) {
		c->to.in.sin_family = AF_INET;
		c->to.in.sin_port = htons(f->port);
		c->to_len = sizeof c->to.in;
	} else {
		c->to.in6.sin6_family = AF_INET6;
		c->to.in6.sin6_port = htons(f->port);
		(void)inet_pton(AF_INET6, f->host, &c->to.in6.sin6_addr);
		c->to_len = sizeof c->to.in6;
	}
}

struct milter_call *
milter_call_start(struct milter_ways *w, const struct conf_filter *filter,
    struct span account, const struct milter_message *message,
    const struct milter_limits *limits, uint64_t ends,
    const struct milter_events *events)
{
	struct milter_call *c = MEM_NEW(struct milter_call);

	c->ways = w;
	w->refs++;
	c->way = way_to(w, filter);
	c->account = span_dup(account);
	c->timeout = (uint64_t)filter->timeout * 1000;
	c->ends = ends;
	c->core = milter_new(message, limits);
	c->events = *events;
	c->out.max = OUT_MOST;
	c->deadline = deadline_new(w->loop, on_deadline, c);
	set_address(c, filter);
	(void)snprintf(c->why, sizeof c->why,
	    "its connections are all taken (%u for each worker)", c->way->most);
	arm(c, c->timeout);
	turns_join(&c->way->turns, &c->turn, account, TURN_FIRST);
	serve(c->way);
	return c;
}

static uint64_t
patience_of(const struct milter_call *c)
{
	uint64_t end = END_TIMES * c->timeout;

	if (milter_patience(c->core) != MILTER_FOR_END)
		return c->timeout;
	return end < END_MOST_MS ? end : END_MOST_MS;
}

static void
close_stream(struct milter_call *c)
{
	struct stream *s = c->stream;

	c->stream = NULL;
	stream_close(s, on_closed, c);
}

/* The owner is not called inside of its own call: the loop comes back for it. */
static bool
waits_for_loop(struct milter_call *c)
{
	c->is_told_later = c->is_asked;
	if (c->is_told_later)
		deadline_set(c->deadline, 0);
	return c->is_told_later;
}

static void
act(struct milter_call *c)
{
	if (c->stream != NULL && buf_len(&c->out) > 0)
		stream_put(c->stream, buf_span(&c->out));
	buf_clear(&c->out);
	deadline_cancel(c->deadline);
	switch (c->need) {
	case MILTER_INPUT:
		arm(c, patience_of(c));
		stream_read(c->stream, on_input, c);
		break;
	case MILTER_BODY:
	case MILTER_ROOM:
		arm(c, patience_of(c));
		stream_drain(c->stream, on_written, c);
		break;
	case MILTER_TAKE:
		if (!waits_for_loop(c))
			c->events.new_body(
			    milter_new_body(c->core), c->events.arg);
		break;
	case MILTER_OVER:
		if (!waits_for_loop(c))
			c->events.over(c->events.arg);
		break;
	}
}

static void
run(struct milter_call *c, struct milter_event *ev)
{
	c->need = milter_step(c->core, ev, &c->out);
	act(c);
}

static void
lose(struct milter_call *c, enum stream_status status)
{
	struct milter_event ev = { .type = MILTER_LOST };

	ev.why = status == STREAM_END ? "it closed the connection"
				      : stream_error(c->stream);
	run(c, &ev);
}

static void
on_connected(enum stream_status status, void *arg)
{
	struct milter_call *c = arg;
	struct milter_event ev = { .type = MILTER_OPENED };

	if (status == STREAM_OK)
		run(c, &ev);
	else
		lose(c, status);
}

static void
on_input(enum stream_status status, void *arg)
{
	struct milter_call *c = arg;
	struct span in = stream_input(c->stream);
	size_t before = in.len;
	struct milter_event ev = { .type = MILTER_HEARD, .in = &in };

	if (status != STREAM_OK) {
		lose(c, status);
		return;
	}
	c->need = milter_step(c->core, &ev, &c->out);
	stream_consume(c->stream, before - in.len);
	act(c);
}

static void
on_written(enum stream_status status, void *arg)
{
	struct milter_call *c = arg;
	struct milter_event ev = { .type = MILTER_WRITTEN };

	if (status != STREAM_OK) {
		lose(c, status);
		return;
	}
	if (c->need == MILTER_ROOM) {
		run(c, &ev);
		return;
	}
	deadline_cancel(c->deadline); /* it is our disk that is waited for */
	c->events.wants_piece(c->events.arg);
}

static void
on_deadline(void *arg)
{
	struct milter_call *c = arg;
	struct milter_event ev = { .type = MILTER_SILENT };

	if (c->is_told_later) {
		c->is_told_later = false;
		act(c);
		return;
	}
	if (turn_is_waiting(&c->turn))
		turns_leave(&c->way->turns, &c->turn);
	if (c->stream == NULL) {
		ev.type = MILTER_LOST;
		ev.why = c->why;
	}
	run(c, &ev);
}

void
milter_call_piece(struct milter_call *c, struct span piece)
{
	struct milter_event ev = { .type = MILTER_PIECE, .piece = piece };

	c->is_asked = true;
	run(c, &ev);
	c->is_asked = false;
}

void
milter_call_taken(struct milter_call *c)
{
	struct milter_event ev = { .type = MILTER_TAKEN };

	c->is_asked = true;
	run(c, &ev);
	c->is_asked = false;
}

const struct milter_outcome *
milter_call_outcome(const struct milter_call *c)
{
	return milter_outcome(c->core);
}

struct buf *
milter_call_new_header(struct milter_call *c)
{
	return milter_new_header(c->core);
}

static void
call_free(struct milter_call *c)
{
	struct milter_ways *w = c->ways;

	give_back(c);
	leave_way(c->way);
	deadline_close(c->deadline);
	milter_free(c->core);
	buf_clear(&c->out);
	free(c->account);
	free(c);
	milter_ways_unref(w);
}

static void
on_closed(void *arg)
{
	call_free(arg);
}

void
milter_call_close(struct milter_call *c)
{
	assert(!c->is_closed);
	c->is_closed = true;
	deadline_cancel(c->deadline);
	if (turn_is_waiting(&c->turn))
		turns_leave(&c->way->turns, &c->turn);
	if (c->stream != NULL)
		close_stream(c);
	else
		call_free(c);
}
