/*
 *   CONNECTING -> [SECURING] -> TALKING ... -> IDLE -> [FETCHING] -> TALKING
 *        ^                        |  ^                     (READING, SENDING)
 *        +------- CLOSING <-------+  +-- each reply ...
 *                    |
 *                    +-> the end
 *
 * The good path, callback by callback, and how each may fail:
 *
 *   on_won        TCP; an address that fails leaves the race to the others, and
 *                 when none is left the lane ends (on_lost)
 *   on_secured    TLS (implicit, or after STARTTLS); a failure of optional TLS
 *                 connects again without; else as above
 *   on_input      replies; the end or an error ends the connection, when the
 *                 replies that came before it are read
 *   on_content    content fetched from the spool; or the attempt is put off
 *   (content_io.c: content leaves)
 *   on_deadline   no whole reply in its time, or no work
 *   on_limit      the attempt took too long altogether
 *   on_closed     the connection is gone: the next address, or the end
 *
 * A lane ends in on_closed() only, and so never inside of a call to it.
 */
#include "lane_parts_io.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "deliver/attempt.h"
#include "deliver/peers.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "race_io.h"
#include "sched/target.h"
#include "spool/spool.h"

static void on_won(struct stream *s, uint32_t address, void *arg);
static void on_failed(uint32_t address, const char *why, void *arg);
static void on_lost(bool no_descriptor, void *arg);
static void on_secured(enum stream_status status, void *arg);
static void on_input(enum stream_status status, void *arg);
static void
on_content(enum spool_status status, struct content *content, void *arg);
static void on_deadline(void *arg);
static void on_limit(void *arg);
static void on_closed(void *arg);

void
lane_enter(struct lane_io *io, enum lane_state to)
{
	static const char *const names[] = {
		[LANE_CONNECTING] = "connecting",
		[LANE_SECURING] = "securing",
		[LANE_TALKING] = "talking",
		[LANE_IDLE] = "idle",
		[LANE_FETCHING] = "fetching",
		[LANE_READING] = "reading",
		[LANE_SENDING] = "sending",
		[LANE_CLOSING] = "closing",
	};

	if (io->state != to)
		log_debug("lane host=%s from=%s to=%s",
		    log_quote_text(io->target->hosts[io->host].name),
		    names[io->state], names[to]);
	io->state = to;
}

static const struct target_address *
address_now(const struct lane_io *io)
{
	return &io->target->addresses[io->address];
}

void
peer_key(const struct target_address *a, char out[PEER_KEY_MAX])
{
	char ip[TARGET_ADDRESS_TEXT];

	target_address_text(&a->to.sa, ip);
	(void)snprintf(
	    out, PEER_KEY_MAX, "%s:%u", ip, ntohs(a->to.in.sin_port));
}

static void
remember(struct lane_io *io, uint32_t address, bool failed)
{
	char key[PEER_KEY_MAX];

	peer_key(&io->target->addresses[address], key);
	peers_set_failed(
	    io->worker->peers, key, failed, loop_now(io->worker->loop));
}

/* --- time --- */

void
lane_set_deadline(struct lane_io *io, uint64_t more_ms)
{
	deadline_set(io->deadline,
	    (uint64_t)client_timeout(io->client) * 1000 + more_ms);
}

/* Of what the client is at: the beginning, or an attempt. */
static void
set_limit(struct lane_io *io)
{
	uint64_t ms = client_limit(io->client) * 1000;

	deadline_set(io->limit, ms);
	if (io->attempt != NULL)
		io->attempt->limit_ms += ms;
}

/* --- why --- */

static void
set_end(struct lane_io *io, uint32_t address, enum blame blame, struct words w)
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
	set_end(io, io->address, end->blame,
	    (struct words){ .status = span_text(end->status),
		.what = span_text(end->what),
		.said = span_text(end->said),
		.stage = end->stage });
	io->end.login_failed = end->login_failed;
	/* A connection without work may end at any time. */
	if (io->attempt == NULL && io->was_ready)
		io->end.blame = BLAME_NONE;
}

static void
log_failed(const struct lane_io *io)
{
	struct words w = reason_words(io->end.reason);
	struct buf line = { 0 };

	words_join(&line, &w);
	log_info("lane_failed host=%s reason=%s", log_quote(w.host),
	    log_quote(buf_span(&line)));
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
static void
shut(struct lane_io *io, enum lane_then then)
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
	stream_close(io->stream, on_closed, io);
}

/* The connection came to nothing: another address may do better. */
static void
leave_address(struct lane_io *io)
{
	bool wanted = io->attempt != NULL || !io->quit_asked;

	log_failed(io);
	remember(io, io->address, true);
	/* A wrong password is as wrong at the next address. */
	shut(io, wanted && !io->end.login_failed && race_may_go(io->race)
		     ? THEN_CONNECT
		     : THEN_END);
}

static void
learn(struct lane_io *io)
{
	enum chunking what = client_chunking(io->client);
	char key[PEER_KEY_MAX];

	if (what == CHUNKING_UNKNOWN)
		return;
	peer_key(address_now(io), key);
	peers_learn_chunking(
	    io->worker->peers, key, what, loop_now(io->worker->loop));
}

void
lane_lost(struct lane_io *io, const char *why)
{
	learn(io);
	take_end(io, why);
	if (io->end.blame != BLAME_NONE && !io->was_ready)
		leave_address(io);
	else
		shut(io, THEN_END);
}

void
lane_break_off(struct lane_io *io, const char *status, const char *why)
{
	if (io->client != NULL)
		client_forget(io->client);
	set_end(io, io->address, BLAME_NONE,
	    (struct words){
		.status = span_text(status), .what = span_text(why) });
	shut(io, THEN_END);
}

static void
connect_now(struct lane_io *io)
{
	lane_enter(io, LANE_CONNECTING);
	lane_end_keep(&io->kept, &io->end);
	io->is_reading = io->was_ready = false;
	if (io->then == THEN_WITHOUT_TLS)
		race_go_again(io->race, io->address);
	else
		race_go(io->race);
}

static void
on_closed(void *arg)
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
		connect_now(io);
}

void
lane_pool_is_done(struct lane_io *io)
{
	if (io->stream == NULL)
		on_closed(io);
}

/* --- beginning --- */

struct lane_io *
lane_io_start(struct deliver_worker *w, struct target *target, uint32_t host,
    struct attempt *a, void *token)
{
	struct lane_io *io = MEM_NEW(struct lane_io);
	struct race_events events = {
		.won = on_won, .failed = on_failed, .lost = on_lost, .arg = io
	};

	assert(host < target->nhosts && target->hosts[host].naddresses > 0);
	io->worker = w;
	io->target = target;
	io->host = host;
	io->address = target->hosts[host].first;
	io->attempt = a;
	io->token = token;
	list_append(&w->lanes, &io->node);
	io->race = race_new(w->loop, target, host, w->peers, &events);
	io->deadline = deadline_new(w->loop, on_deadline, io);
	io->limit = deadline_new(w->loop, on_limit, io);
	io->out.max = 4 << 20;
	metric_add(METRIC_LANES, 1);
	metric_add(METRIC_LANES_OPENED, 1);
	connect_now(io);
	return io;
}

static void
on_failed(uint32_t address, const char *why, void *arg)
{
	struct lane_io *io = arg;

	lane_end_keep(&io->kept, &io->end);
	set_end(io, address, BLAME_HOST,
	    (struct words){ .status = SPAN("4.4.1"),
		.what = span_text(why),
		.stage = STAGE_CONNECT });
	log_failed(io);
	remember(io, address, true);
}

static void
on_lost(bool no_descriptor, void *arg)
{
	struct lane_io *io = arg;

	if (no_descriptor) {
		set_end(io, io->address, BLAME_NONE,
		    (struct words){ .status = SPAN("4.3.0"),
			.what = SPAN("no descriptor left for a connection"),
			.stage = STAGE_CONNECT });
		io->end.no_descriptor = true;
	}
	shut(io, THEN_END);
}

static struct ssl_st *
tls_session(struct lane_io *io)
{
	char key[400], host[ATTEMPT_HOST_MAX], name[ATTEMPT_HOST_MAX];
	bool verify = io->target->tls != TARGET_TLS_OPPORTUNISTIC;
	struct tls_client_options o = {
		.host = verify ? name : address_now(io)->host,
		.verify = verify,
		.key = key,
	};

	target_certificate_name(address_now(io)->host, name, sizeof name);
	target_host_text(address_now(io), host, sizeof host);
	(void)snprintf(key, sizeof key, "%d %s", (int)io->target->tls, host);
	return tls_client_session(io->worker->tls, &o);
}

static void
start_tls(struct lane_io *io)
{
	stream_flush(io->stream);
	lane_enter(io, LANE_SECURING);
	lane_set_deadline(io, 0);
	stream_start_tls(io->stream, tls_session(io), on_secured, io);
}

static struct client_options
options_of(const struct lane_io *io)
{
	char key[PEER_KEY_MAX];

	peer_key(address_now(io), key);
	return (struct client_options){
		.without_tls = io->then == THEN_WITHOUT_TLS,
		.chunking = peers_chunking(
		    io->worker->peers, key, loop_now(io->worker->loop)),
	};
}

static void
on_won(struct stream *s, uint32_t address, void *arg)
{
	struct lane_io *io = arg;
	struct client_event ev = { .type = CLIENT_CONNECTED };
	struct client_options options;

	io->stream = s;
	/* What failed without TLS may have been another address. */
	if (io->then == THEN_WITHOUT_TLS && address != io->address)
		io->then = THEN_CONNECT;
	io->address = address;
	options = options_of(io);
	io->client = client_new(io->target, &options);
	set_limit(io);
	if (io->target->tls == TARGET_TLS_IMPLICIT)
		start_tls(io);
	else
		lane_run(io, &ev);
}

/* The handshake failed; where TLS is optional, the lane does without. */
static void
miss_tls(struct lane_io *io, const char *why)
{
	bool is_optional = io->target->tls == TARGET_TLS_OPPORTUNISTIC;

	set_end(io, io->address, is_optional ? BLAME_HOST : BLAME_CHANNEL,
	    (struct words){ .status = SPAN("4.7.5"),
		.what = span_text(why),
		.stage = STAGE_STARTTLS });
	if (!is_optional) {
		leave_address(io);
		return;
	}
	log_info("tls_failed host=%s reason=%s next=clear",
	    log_quote_text(address_now(io)->host), log_quote_text(why));
	shut(io, THEN_WITHOUT_TLS);
}

static void
on_secured(enum stream_status status, void *arg)
{
	struct lane_io *io = arg;
	bool implicit = io->target->tls == TARGET_TLS_IMPLICIT;
	struct client_event ev = { .type = implicit ? CLIENT_CONNECTED
						    : CLIENT_SECURED };
	const char *because = io->target->because;
	char why[300];

	if (status == STREAM_OK) {
		lane_run(io, &ev);
		return;
	}
	(void)snprintf(why, sizeof why, "TLS: %s%s%s%s",
	    stream_error(io->stream), because == NULL ? "" : " (required by ",
	    because == NULL ? "" : because, because == NULL ? "" : ")");
	miss_tls(io, why);
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

static void
give(struct lane_io *io)
{
	struct attempt *a = io->attempt;
	struct client_event ev = { .type = CLIENT_GIVEN,
		.attempt = a,
		.size = content_size(a->content),
		.at_hand = content_is_in_memory(a->content) };

	target_host_text(address_now(io), a->host, sizeof a->host);
	(void)snprintf(
	    a->tls, sizeof a->tls, "%s", stream_tls_version(io->stream));
	lane_run(io, &ev);
}

static void
begin(struct lane_io *io)
{
	if (io->attempt->content != NULL) {
		give(io);
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

/* Hands the answered attempt back; the lane is ready for the next. */
static void
answer(struct lane_io *io)
{
	struct deliver_worker *w = io->worker;
	struct attempt *a = io->attempt;
	void *token = io->token;
	bool more;

	io->attempt = NULL;
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
		give(io);
		return;
	}
	v = verdict_of_us(STAGE_NONE, "4.3.0",
	    status == SPOOL_DAMAGED
		? SPAN("the content is damaged in the spool (postern spool "
		       "check)")
		: SPAN("the content could not be read from the spool"));
	attempt_set_rest(io->attempt, &v);
	answer(io);
}

static void
on_ready(struct lane_io *io, bool is_answer)
{
	if (!io->was_ready)
		remember(io, io->address, false);
	io->was_ready = true;
	lane_end_clear(&io->kept);
	learn(io);
	if (is_answer)
		answer(io);
	else if (io->attempt != NULL)
		begin(io);
	else if (io->quit_asked)
		quit(io);
	else
		be_idle(io);
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
		set_limit(io);
	switch (need) {
	case CLIENT_INPUT:
		wait_for_input(
		    io, ev->type != CLIENT_GOT || before != input.len);
		break;
	case CLIENT_TLS: start_tls(io); break;
	case CLIENT_CONTENT: lane_start_content(io, false); break;
	case CLIENT_CHUNK: lane_start_content(io, true); break;
	case CLIENT_READY: on_ready(io, had_attempt); break;
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
	case LANE_CLOSING: on_closed(io); break;
	case LANE_SECURING: miss_tls(io, "TLS: no answer in time"); break;
	case LANE_CONNECTING:
	case LANE_TALKING:
	case LANE_FETCHING:
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
