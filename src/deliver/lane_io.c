/*
 *   CONNECTING -> [SECURING] -> TALKING ... -> IDLE -> [FETCHING] -> [CONVERTING]
 *        ^                        |  ^        -> [SIGNING]
 *        |                        |  |        -> TALKING (READING, SENDING)
 *        +------- CLOSING <-------+  +-- each reply ...
 *                    |
 *                    +-> the end
 *
 * The good path, callback by callback, and how each may fail:
 *
 *   (lane_connect_io.c: a connection, secured as it has to be)
 *   on_input      replies; the end or an error ends the connection, when the
 *                 replies that came before it are read
 *   on_content    content fetched from the spool; or the attempt is put off
 *   (convert_io.c: content as the host takes it)
 *   on_signed     signed, or it leaves without
 *   (content_io.c: content leaves)
 *   on_deadline   no whole reply in its time, or no work
 *   on_limit      the attempt took too long altogether
 *   (lane_close_io.c: the connection is gone: the next address, or the end)
 */
#include "lane_parts_io.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "deliver/attempt.h"
#include "deliver/signer_io.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/stream.h"
#include "mail/envelope.h"
#include "sched/target.h"
#include "sign/signature.h"
#include "spool/spool.h"

static void on_input(enum stream_status status, void *arg);
static void
on_content(enum spool_status status, struct content *content, void *arg);
static void on_signed(struct signature *signature, void *arg);
static void on_deadline(void *arg);
static void on_limit(void *arg);

void
lane_enter(struct lane_io *io, enum lane_state to)
{
	static const char *const names[] = {
		[LANE_CONNECTING] = "connecting",
		[LANE_SECURING] = "securing",
		[LANE_TALKING] = "talking",
		[LANE_IDLE] = "idle",
		[LANE_FETCHING] = "fetching",
		[LANE_CONVERTING] = "converting",
		[LANE_SIGNING] = "signing",
		[LANE_READING] = "reading",
		[LANE_SENDING] = "sending",
		[LANE_CLOSING] = "closing",
	};

	if (io->state != to)
		FACT(LANE,
		    fact_string("host", io->target->hosts[io->host].name),
		    fact_word("from", names[io->state]),
		    fact_word("to", names[to]));
	io->state = to;
}

/* --- time --- */

void
lane_set_deadline(struct lane_io *io, uint64_t more_ms)
{
	deadline_set(io->deadline,
	    (uint64_t)client_timeout(io->client) * 1000 + more_ms);
}

/* Of what the client is at: the beginning, or an attempt. */
void
lane_set_limit(struct lane_io *io)
{
	uint64_t ms = client_limit(io->client) * 1000;

	deadline_set(io->limit, ms);
	if (io->attempt != NULL)
		io->attempt->limit_ms += ms;
}

/* --- beginning --- */

struct lane_io *
lane_io_start(struct deliver_worker *w, struct target *target, uint32_t host,
    struct attempt *a, void *token)
{
	struct lane_io *io = MEM_NEW(struct lane_io);

	assert(host < target->nhosts && target->hosts[host].naddresses > 0);
	io->worker = w;
	io->target = target;
	io->host = host;
	io->address = target->hosts[host].first;
	io->attempt = a;
	io->token = token;
	list_append(&w->lanes, &io->node);
	lane_make_race(io);
	io->deadline = deadline_new(w->loop, on_deadline, io);
	io->limit = deadline_new(w->loop, on_limit, io);
	io->out.max = 4 << 20;
	metric_add(METRIC_LANES, 1);
	metric_add(METRIC_LANES_OPENED, 1);
	lane_connect(io);
	return io;
}

/* --- work --- */

static void
read_more(struct lane_io *io)
{
	if (io->is_reading)
		return;
	io->is_reading = true;
	stream_read(io->stream, on_input, io);
}

static void
be_idle(struct lane_io *io)
{
	lane_enter(io, LANE_IDLE);
	deadline_cancel(io->limit);
	deadline_set(io->deadline, (uint64_t)io->target->idle * 1000);
	read_more(io);
}

static void
quit(struct lane_io *io)
{
	struct client_event ev = { .type = CLIENT_QUIT };

	io->quit_asked = true;
	deadline_cancel(io->limit);
	lane_run(io, &ev);
}

struct content *
lane_content(const struct lane_io *io)
{
	return io->made != NULL ? io->made : io->attempt->content;
}

static void
give(struct lane_io *io)
{
	struct attempt *a = io->attempt;
	const struct content *content = lane_content(io);
	struct client_event ev = { .type = CLIENT_GIVEN,
		.attempt = a,
		.size =
		    content_size(content) + signature_text(io->signature).len,
		.at_hand = content_is_in_memory(content) };

	(void)snprintf(
	    a->tls, sizeof a->tls, "%s", stream_tls_version(io->stream));
	lane_run(io, &ev);
}

void
lane_sign(struct lane_io *io)
{
	struct signer_request r = { .env = io->attempt->env,
		.content = lane_content(io),
		.is_converted = io->made != NULL };
	struct signature *now;

	if (signer_ask(io->worker->signer, &r, io->worker->loop, on_signed, io,
		&now)) {
		io->signature = now;
		give(io);
		return;
	}
	lane_enter(io, LANE_SIGNING);
	io->pool_is_busy = true;
	deadline_cancel(io->deadline);
}

static void
on_signed(struct signature *signature, void *arg)
{
	struct lane_io *io = arg;

	io->pool_is_busy = false;
	io->signature = signature;
	if (io->state == LANE_CLOSING)
		lane_pool_is_done(io);
	else
		give(io);
}

/* The content is here: it becomes what the host takes. */
static void
prepare(struct lane_io *io)
{
	struct attempt *a = io->attempt;
	enum client_form form;

	target_host_text(lane_address(io), a->host, sizeof a->host);
	form = client_form(io->client, a->env);
	if (form == FORM_AS_IT_IS) {
		lane_sign(io);
		return;
	}
	lane_enter(io, LANE_CONVERTING);
	io->pool_is_busy = true;
	deadline_cancel(io->deadline);
	lane_convert(io, form);
}

static void
begin(struct lane_io *io)
{
	lane_forget_made(io);
	if (io->attempt->content != NULL) {
		prepare(io);
		return;
	}
	lane_enter(io, LANE_FETCHING);
	io->pool_is_busy = true;
	deadline_cancel(io->deadline);
	spool_fetch_to_send(io->worker->spool, io->attempt->env->id,
	    io->worker->loop, on_content, io);
}

static bool
may_have_more(const struct lane_io *io)
{
	uint32_t most = client_mails_most(io->client);

	return !io->quit_asked && io->messages < io->target->messages &&
	       (most == 0 || io->messages < most);
}

void
lane_forget_made(struct lane_io *io)
{
	content_unref(io->made);
	signature_unref(io->signature);
	io->made = NULL;
	io->signature = NULL;
}

/* Hands the answered attempt back; the lane is ready for the next. */
static void
answer(struct lane_io *io)
{
	struct deliver_worker *w = io->worker;
	struct attempt *a = io->attempt;
	void *token = io->token;
	bool more;

	io->attempt = NULL;
	lane_forget_made(io);
	io->messages++;
	more = may_have_more(io);
	if (more)
		be_idle(io);
	else
		quit(io);
	w->answered(token, a, more, w->arg);
}

static void
on_content(enum spool_status status, struct content *content, void *arg)
{
	struct lane_io *io = arg;
	struct verdict v;

	io->pool_is_busy = false;
	if (io->state == LANE_CLOSING) {
		content_unref(content);
		lane_pool_is_done(io);
		return;
	}
	if (status == SPOOL_OK) {
		io->attempt->content = content;
		prepare(io);
		return;
	}
	v = verdict_of_us(STAGE_NONE, "4.3.0",
	    status == SPOOL_DAMAGED
		? SPAN("the content is damaged in the spool (postern spool "
		       "check)")
		: SPAN("the content could not be read from the spool"));
	lane_answer_with(io, &v);
}

void
lane_answer_with(struct lane_io *io, const struct verdict *v)
{
	attempt_set_rest(io->attempt, v);
	answer(io);
}

/* A lane begins with an attempt: the first time, it has that one to give. */
static void
on_ready(struct lane_io *io, bool is_answer)
{
	assert(io->attempt != NULL);
	if (!io->was_ready)
		lane_remember(io, io->address, false);
	io->was_ready = true;
	lane_learn(io);
	if (is_answer)
		answer(io);
	else
		begin(io);
}

/*
 * A whole reply, or something of ours, gives the host a new deadline; a part of a
 * reply does not, or the host could hold the lane by a byte now and then.
 */
static void
wait_for_input(struct lane_io *io, bool went_on)
{
	if (went_on) {
		lane_enter(io, LANE_TALKING);
		lane_set_deadline(io, 0);
	}
	stream_flush(io->stream);
	read_more(io);
}

void
lane_run(struct lane_io *io, struct client_event *ev)
{
	struct span input = stream_input(io->stream);
	size_t before = input.len;
	bool had_attempt = client_has_attempt(io->client);
	enum client_need need;

	ev->in = &input;
	need = client_step(io->client, ev, &io->out);
	stream_consume(io->stream, before - input.len);
	if (buf_len(&io->out) > 0)
		stream_put(io->stream, buf_span(&io->out));
	buf_clear(&io->out);
	if (!had_attempt && client_has_attempt(io->client))
		lane_set_limit(io);
	switch (need) {
	case CLIENT_INPUT:
		wait_for_input(
		    io, ev->type != CLIENT_GOT || before != input.len);
		break;
	case CLIENT_TLS: lane_start_tls(io); break;
	case CLIENT_CONTENT: lane_start_content(io, false); break;
	case CLIENT_CHUNK: lane_start_content(io, true); break;
	case CLIENT_READY:
		on_ready(io, had_attempt || ev->type == CLIENT_GIVEN);
		break;
	case CLIENT_CLOSE: lane_lost(io, "the connection was closed"); break;
	}
}

static void
on_input(enum stream_status status, void *arg)
{
	struct lane_io *io = arg;
	struct client_event ev = { .type = CLIENT_GOT };

	io->is_reading = false;
	if (status == STREAM_OK || stream_last_words(io->stream))
		lane_run(io, &ev);
	else
		lane_lost(io, status == STREAM_END
				  ? "host closed the connection"
				  : stream_error(io->stream));
}

/* --- time, and the end of work --- */

static void
on_deadline(void *arg)
{
	struct lane_io *io = arg;

	switch (io->state) {
	case LANE_IDLE: quit(io); break;
	case LANE_CLOSING: lane_on_closed(io); break;
	case LANE_SECURING: lane_miss_tls(io, "TLS: no answer in time"); break;
	case LANE_CONNECTING:
	case LANE_TALKING:
	case LANE_FETCHING:
	case LANE_CONVERTING:
	case LANE_SIGNING:
	case LANE_READING:
	case LANE_SENDING: lane_lost(io, "no answer in time"); break;
	}
}

static void
on_limit(void *arg)
{
	struct lane_io *io = arg;

	lane_lost(io, "the host took too long over all");
}

void
lane_io_give(struct lane_io *io, struct attempt *a)
{
	assert(io->attempt == NULL);
	io->attempt = a;
	if (io->state == LANE_IDLE)
		begin(io);
	else if (io->state != LANE_CLOSING)
		/* It says goodbye; the attempt goes back as it came. */
		lane_break_off(io, "4.4.2", "the connection was closed");
	else
		io->end.blame = BLAME_NONE;
}

void
lane_io_withdraw(struct lane_io *io)
{
	if (io->attempt == NULL || io->state == LANE_CLOSING)
		return;
	if (io->attempt->content_ended) {
		io->worker->too_late(io->token, io->worker->arg);
		return;
	}
	lane_break_off(io, "4.3.2", "withdrawn");
	io->end.withdrawn = true;
}

void
lane_io_quit(struct lane_io *io)
{
	io->quit_asked = true;
	if (io->state == LANE_IDLE)
		quit(io);
}

void
lane_io_quit_all(struct deliver_worker *w)
{
	LIST_FOREACH_SAFE (node, next, &w->lanes)
		lane_io_quit(LIST_ENTRY(node, struct lane_io, node));
}

void
lane_io_abort_all(struct deliver_worker *w)
{
	LIST_FOREACH_SAFE (node, next, &w->lanes) {
		struct lane_io *io = LIST_ENTRY(node, struct lane_io, node);

		io->quit_asked = true;
		if (io->state == LANE_CLOSING)
			io->then = THEN_END;
		else
			lane_break_off(io, "4.3.2", "the relay stops");
	}
}
