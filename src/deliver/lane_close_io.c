/*
 * The end of a connection, and why: as the client says it, or as the lane saw it.
 * A lane ends in lane_on_closed() only, and so never inside of a call to it.
 */
#include "lane_parts_io.h"

#include <stdlib.h>

#include "base/metrics.h"
#include "deliver/attempt.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/stream.h"
#include "mail/reason.h"
#include "race_io.h"
#include "sched/target.h"

/* --- why --- */

void
lane_set_end(
    struct lane_io *io, uint32_t address, enum blame blame, struct words w)
{
	char host[ATTEMPT_HOST_MAX];

	target_host_text(&io->target->addresses[address], host, sizeof host);
	w.host = span_text(host);
	lane_end_clear(&io->end);
	io->end.reason = reason_new(&w);
	io->end.blame = blame;
}

/* What the client says of its end, or what it makes of `why`. */
static void
take_end(struct lane_io *io, const char *why)
{
	const struct client_end *end = client_end(io->client);

	client_lost(io->client, span_text(why));
	lane_set_end(io, io->address, end->blame,
	    (struct words){ .status = span_text(end->status),
		.what = span_text(end->what),
		.said = span_text(end->said),
		.stage = end->stage });
	io->end.login_failed = end->login_failed;
	/* A connection without work may end at any time. */
	if (io->attempt == NULL && io->was_ready)
		io->end.blame = BLAME_NONE;
}

void
lane_log_failed(const struct lane_io *io)
{
	struct words w = reason_words(io->end.reason);
	struct buf line = { 0 };

	words_join(&line, &w);
	FACT(LANE_FAILED, fact_text("host", w.host),
	    fact_text("reason", buf_span(&line)));
	buf_clear(&line);
}

/* --- the end of a connection, and of the lane --- */

static void
end_lane(struct lane_io *io)
{
	struct deliver_worker *w = io->worker;
	struct attempt *a = io->attempt;
	struct lane_end end;
	void *token = io->token;

	lane_end_settle(&io->end, &io->kept);
	end = io->end;
	lane_forget_made(io);
	list_remove(&io->node);
	race_free(io->race);
	deadline_close(io->deadline);
	deadline_close(io->limit);
	target_unref(io->target);
	buf_clear(&io->out);
	free(io);
	metric_add(METRIC_LANES, -1);
	w->ended(token, a, &end, w->arg);
}

/* For the reason that stands in io->end. */
void
lane_shut(struct lane_io *io, enum lane_then then)
{
	lane_enter(io, LANE_CLOSING);
	io->then = then;
	deadline_cancel(io->limit);
	race_stop(io->race);
	if (io->stream == NULL) {
		deadline_set(io->deadline, 0);
		return;
	}
	deadline_cancel(io->deadline);
	stream_close(io->stream, lane_on_closed, io);
}

/* The connection came to nothing: another address may do better. */
void
lane_leave_address(struct lane_io *io)
{
	bool wanted = io->attempt != NULL || !io->quit_asked;

	lane_log_failed(io);
	lane_remember(io, io->address, true);
	/* A wrong password is as wrong at the next address. */
	lane_shut(io, wanted && !io->end.login_failed && race_may_go(io->race)
			  ? THEN_CONNECT
			  : THEN_END);
}

void
lane_lost(struct lane_io *io, const char *why)
{
	lane_learn(io);
	take_end(io, why);
	/* The next attempt begins at another address, if there is one. */
	if (io->end.blame == BLAME_MESSAGE)
		lane_remember(io, io->address, true);
	if (io->end.blame != BLAME_NONE && !io->was_ready)
		lane_leave_address(io);
	else
		lane_shut(io, THEN_END);
}

void
lane_break_off(struct lane_io *io, const char *status, const char *why)
{
	if (io->client != NULL)
		client_forget(io->client);
	lane_set_end(io, io->address, BLAME_NONE,
	    (struct words){
		.status = span_text(status), .what = span_text(why) });
	lane_shut(io, THEN_END);
}

void
lane_on_closed(void *arg)
{
	struct lane_io *io = arg;

	client_free(io->client);
	io->client = NULL;
	io->stream = NULL;
	if (io->pool_is_busy)
		return; /* lane_pool_is_done() */
	if (io->then == THEN_END)
		end_lane(io);
	else
		lane_connect(io);
}

void
lane_pool_is_done(struct lane_io *io)
{
	if (io->stream == NULL)
		lane_on_closed(io);
}
