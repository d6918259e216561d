/*
 * The good path, callback by callback, and how each may fail:
 *
 *   on_connected  TCP; or the next address is tried, after the last the lane
 *                 ends as failed
 *   on_secured    TLS (implicit, or after STARTTLS); a failure of optional TLS
 *                 connects again without; else as above
 *   on_input      replies; the end or an error ends the connection, when the
 *                 replies that came before it are read
 *   on_content    content fetched from the spool; or the attempt is put off
 *   on_read       the next piece of a large content
 *   on_drained    the host took what was sent
 *   on_deadline   the host was silent too long, or there was no work
 *   on_closed     the connection is gone: the next address, or the end
 */
#include "deliver/lane_io.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "deliver/attempt.h"
#include "deliver/client.h"
#include "sched/target.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "io/work.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "piece_io.h"
#include "smtp/dot.h"
#include "spool/content.h"
#include "spool/spool.h"

struct lane_io {
	struct list node; /* in worker->lanes */
	struct deliver_worker *worker; /* borrowed: outlives its lanes */
	struct target *target; /* owned reference */
	void *token;
	struct attempt *attempt; /* owned; NULL: none */
	struct client *client; /* owned; NULL between connections */
	struct stream *stream; /* owned; NULL between connections */
	struct deadline *deadline; /* owned */
	struct buf out;
	uint32_t host; /* of the target */
	uint32_t address; /* the one in use */
	uint32_t messages; /* answered so far */
	bool without_tls; /* this address, this time */
	bool is_ready; /* was, on this connection */
	bool is_given; /* the client has the attempt */
	bool is_chunk; /* content leaves as it is, not stuffed (RFC 3030) */
	bool is_idle, reading, busy, closing, quit_asked;
	bool try_again; /* when the stream is closed: connect */
	bool ends; /* at the deadline, which comes at once */
	struct content_reader reader; /* how much of it was sent */
	struct dot_writer dot;
	struct lane_end end; /* of this connection */
	struct lane_end kept; /* of the addresses before */
};

static void on_connected(enum stream_status status, void *arg);
static void on_secured(enum stream_status status, void *arg);
static void on_input(enum stream_status status, void *arg);
static void
on_content(enum spool_status status, struct content *content, void *arg);
static void on_read(void *arg);
static void on_drained(enum stream_status status, void *arg);
static void on_deadline(void *arg);
static void on_closed(void *arg);

static void run(struct lane_io *io, struct client_event *ev);
static void send_content(struct lane_io *io);

static const struct target_address *
address_now(const struct lane_io *io)
{
	return &io->target->addresses[io->address];
}

static void
host_text(const struct lane_io *io, char out[ATTEMPT_HOST_MAX])
{
	target_host_text(address_now(io), out, ATTEMPT_HOST_MAX);
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
	deadline_close(io->deadline);
	target_unref(io->target);
	buf_clear(&io->out);
	free(io);
	metric_add(METRIC_LANES, -1);
	w->ended(token, a, &end, w->arg);
}

/* --- why --- */

static void
set_end(struct lane_io *io, struct words w)
{
	char host[ATTEMPT_HOST_MAX];

	host_text(io, host);
	w.host = span_text(host);
	lane_end_clear(&io->end);
	io->end.reason = reason_new(&w);
}

/* What the client says of its end, or what it makes of `why`. */
static void
take_end(struct lane_io *io, const char *why)
{
	const struct client_end *end = client_end(io->client);

	client_lost(io->client, span_text(why));
	io->is_given = false;
	set_end(io, (struct words){ .status = span_text(end->status),
			.what = span_text(end->what),
			.said = span_text(end->said),
			.stage = end->stage });
	io->end.blame = end->blame;
	io->end.login_failed = end->login_failed;
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

/* For the reason that stands in io->end. */
static void
close_now(struct lane_io *io)
{
	const struct target_host *host = &io->target->hosts[io->host];

	io->closing = true;
	deadline_cancel(io->deadline);
	/* An idle connection that the host closes is nobody's failure. */
	if (io->attempt == NULL && io->is_ready)
		io->end.blame = BLAME_NONE;
	if (io->end.blame != BLAME_NONE && !io->is_ready && !io->try_again) {
		log_failed(io);
		/* A wrong password is as wrong at the next address. */
		io->try_again = !io->end.login_failed &&
				++io->address < host->first + host->naddresses;
		io->without_tls = false;
	}
	if (io->quit_asked && io->attempt == NULL)
		io->try_again = false;
	stream_close(io->stream, on_closed, io);
}

/* The host is to blame for what the lane saw. */
static void
close_failed(struct lane_io *io, const char *why)
{
	if (io->closing)
		return;
	take_end(io, why);
	close_now(io);
}

/* There is no client yet that could say more. */
static void
close_unreached(struct lane_io *io, enum blame blame, struct words w)
{
	if (io->closing)
		return;
	set_end(io, w);
	io->end.blame = blame;
	close_now(io);
}

/* A reason of ours; what was not answered stays so. */
static void
close_by_us(struct lane_io *io, const char *status, const char *why)
{
	if (io->closing)
		return;
	if (io->client != NULL)
		client_forget(io->client);
	io->is_given = false;
	io->try_again = false;
	set_end(io, (struct words){
			.status = span_text(status), .what = span_text(why) });
	close_now(io);
}

static void
connect_now(struct lane_io *io)
{
	const struct target_address *a = address_now(io);

	io->closing = io->reading = io->is_ready = io->is_given = false;
	lane_end_keep(&io->kept, &io->end);
	io->stream = stream_connect(io->worker->loop, &a->to.sa,
	    a->to.sa.sa_family == AF_INET6 ? sizeof a->to.in6 : sizeof a->to.in,
	    on_connected, io);
	if (io->stream == NULL) {
		set_end(
		    io, (struct words){ .status = SPAN("4.3.0"),
			    .what = SPAN("no descriptor left for a connection"),
			    .stage = STAGE_CONNECT });
		io->end.no_descriptor = true;
		io->closing = io->ends = true;
		deadline_set(io->deadline, 0);
		return;
	}
	deadline_set(io->deadline, (uint64_t)io->target->timeout * 1000);
}

static void
on_closed(void *arg)
{
	struct lane_io *io = arg;

	client_free(io->client);
	io->client = NULL;
	io->stream = NULL;
	if (io->busy)
		return; /* on_read() or on_content() ends it */
	if (io->try_again) {
		io->try_again = false;
		connect_now(io);
		return;
	}
	end_lane(io);
}

/* --- beginning --- */

struct lane_io *
lane_io_start(struct deliver_worker *w, struct target *target, uint32_t host,
    struct attempt *a, void *token)
{
	struct lane_io *io = MEM_NEW(struct lane_io);

	assert(host < target->nhosts && target->hosts[host].naddresses > 0);
	io->host = host;
	io->address = target->hosts[host].first;
	io->worker = w;
	io->target = target;
	io->attempt = a;
	io->token = token;
	list_append(&w->lanes, &io->node);
	io->deadline = deadline_new(w->loop, on_deadline, io);
	io->out.max = 4 << 20;
	metric_add(METRIC_LANES, 1);
	metric_add(METRIC_LANES_OPENED, 1);
	connect_now(io);
	return io;
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
	host_text(io, host);
	(void)snprintf(key, sizeof key, "%d %s", (int)io->target->tls, host);
	return tls_client_session(io->worker->tls, &o);
}

static void
on_connected(enum stream_status status, void *arg)
{
	struct lane_io *io = arg;
	struct client_event ev = { .type = CLIENT_CONNECTED };

	if (status != STREAM_OK) {
		close_unreached(io, BLAME_HOST,
		    (struct words){ .status = SPAN("4.4.1"),
			.what = span_text(stream_error(io->stream)),
			.stage = STAGE_CONNECT });
		return;
	}
	io->client = client_new(io->target, !io->without_tls);
	if (io->target->tls == TARGET_TLS_IMPLICIT)
		stream_start_tls(io->stream, tls_session(io), on_secured, io);
	else
		run(io, &ev);
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
		run(io, &ev);
		return;
	}
	(void)snprintf(why, sizeof why, "TLS: %s%s%s%s",
	    stream_error(io->stream), because == NULL ? "" : " (required by ",
	    because == NULL ? "" : because, because == NULL ? "" : ")");
	if (io->target->tls == TARGET_TLS_OPPORTUNISTIC) {
		log_info("tls_failed host=%s reason=%s next=clear",
		    log_quote_text(address_now(io)->host), log_quote_text(why));
		io->without_tls = true;
		io->try_again = true;
	}
	close_unreached(io,
	    io->target->tls == TARGET_TLS_OPPORTUNISTIC ? BLAME_HOST
							: BLAME_CHANNEL,
	    (struct words){ .status = SPAN("4.7.5"),
		.what = span_text(why),
		.stage = STAGE_STARTTLS });
}

/* --- work --- */

static void
be_idle(struct lane_io *io)
{
	io->is_idle = true;
	deadline_set(io->deadline, (uint64_t)io->target->idle * 1000);
	if (!io->reading) {
		io->reading = true;
		stream_read(io->stream, on_input, io);
	}
}

static void
quit(struct lane_io *io)
{
	struct client_event ev = { .type = CLIENT_QUIT };

	io->is_idle = false;
	io->quit_asked = true;
	run(io, &ev);
}

static void
give(struct lane_io *io)
{
	struct client_event ev = { .type = CLIENT_GIVEN,
		.attempt = io->attempt,
		.size = content_size(io->attempt->content),
		.at_hand = content_is_in_memory(io->attempt->content) };

	io->is_given = true;
	io->reader = (struct content_reader){ 0 };
	io->dot = (struct dot_writer){ 0 };
	host_text(io, io->attempt->host);
	(void)snprintf(io->attempt->tls, sizeof io->attempt->tls, "%s",
	    stream_tls_version(io->stream));
	run(io, &ev);
}

static void
begin(struct lane_io *io)
{
	io->is_idle = false;
	if (io->attempt->content != NULL) {
		give(io);
		return;
	}
	io->busy = true;
	deadline_cancel(io->deadline);
	spool_fetch_to_send(io->worker->spool, io->attempt->env->id,
	    io->worker->loop, on_content, io);
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
	io->is_given = false;
	io->messages++;
	more = io->messages < io->target->messages && !io->quit_asked;
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

	io->busy = false;
	if (io->stream == NULL) {
		content_unref(content);
		on_closed(io);
		return;
	}
	if (io->closing) {
		content_unref(content);
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
on_ready(struct lane_io *io)
{
	io->is_ready = true;
	lane_end_clear(&io->kept);
	if (io->is_given)
		answer(io);
	else if (io->attempt != NULL)
		begin(io);
	else if (io->quit_asked)
		quit(io);
	else
		be_idle(io);
}

static void
start_tls(struct lane_io *io)
{
	stream_flush(io->stream);
	deadline_set(io->deadline, (uint64_t)client_timeout(io->client) * 1000);
	stream_start_tls(io->stream, tls_session(io), on_secured, io);
}

static void
run(struct lane_io *io, struct client_event *ev)
{
	struct span input = stream_input(io->stream);
	size_t before = input.len;
	enum client_need need;

	ev->in = &input;
	need = client_step(io->client, ev, &io->out);
	stream_consume(io->stream, before - input.len);
	if (buf_len(&io->out) > 0)
		stream_put(io->stream, buf_span(&io->out));
	buf_clear(&io->out);
	switch (need) {
	case CLIENT_INPUT:
		deadline_set(
		    io->deadline, (uint64_t)client_timeout(io->client) * 1000);
		stream_flush(io->stream);
		if (!io->reading) {
			io->reading = true;
			stream_read(io->stream, on_input, io);
		}
		break;
	case CLIENT_TLS: start_tls(io); break;
	case CLIENT_CONTENT:
	case CLIENT_CHUNK:
		io->is_chunk = need == CLIENT_CHUNK;
		send_content(io);
		break;
	case CLIENT_READY: on_ready(io); break;
	case CLIENT_CLOSE: close_failed(io, "the connection was closed"); break;
	}
}

static void
on_input(enum stream_status status, void *arg)
{
	struct lane_io *io = arg;
	struct client_event ev = { .type = CLIENT_GOT };

	io->reading = false;
	if (status == STREAM_OK || stream_last_words(io->stream)) {
		run(io, &ev);
		return;
	}
	close_failed(io, status == STREAM_END ? "host closed the connection"
					      : stream_error(io->stream));
}

/* --- content --- */

static void
put_content(struct lane_io *io, struct span piece)
{
	struct buf stuffed = { .max = 3 * PIECE };
	struct span part;

	if (io->is_chunk || (io->attempt->env->flags & ENVELOPE_NO_DOTS) != 0) {
		io->dot.in_line =
		    piece.len > 0 && piece.ptr[piece.len - 1] != '\n';
		stream_put(io->stream, piece);
		return;
	}
	while (piece.len > 0) {
		part = span_to(piece, PIECE);
		piece = span_from(piece, part.len);
		(void)dot_write(&io->dot, part, &stuffed);
		stream_put(io->stream, buf_span(&stuffed));
		buf_reset(&stuffed);
	}
	buf_clear(&stuffed);
}

/* In the middle of a transaction: the connection is of no use any more. */
static void
put_off_unreadable(struct lane_io *io, const char *why)
{
	struct verdict v =
	    verdict_of_us(STAGE_CONTENT, "4.3.0", span_text(why));

	attempt_set_rest(io->attempt, &v);
	close_by_us(io, "4.3.0", why);
}

static void
send_piece(struct lane_io *io, struct piece *p)
{
	if (p->len <= 0) {
		log_error("content_unreadable qid=%s what=%s",
		    qid_format(io->attempt->env->id).text,
		    log_quote_text(p->err.text));
		put_off_unreadable(io, p->err.text);
		return;
	}
	io->reader = p->reader;
	put_content(io, span_make(p->data, (size_t)p->len));
	deadline_set(io->deadline, (uint64_t)client_timeout(io->client) * 1000);
	stream_drain(io->stream, on_drained, io);
}

/* What was just written is in memory still: it needs no other thread. */
static void
read_piece(struct lane_io *io)
{
	struct piece *p = piece_new(io, io->attempt->content, &io->reader);

	p->reader.now = true;
	piece_read(p);
	if (p->len != -EAGAIN) {
		send_piece(io, p);
		piece_free(p);
		return;
	}
	p->reader.now = false;
	io->busy = true;
	work_run(io->worker->loop, piece_read, on_read, p);
}

static void
on_read(void *arg)
{
	struct piece *p = arg;
	struct lane_io *io = p->io;

	io->busy = false;
	if (io->stream == NULL)
		on_closed(io);
	else if (!io->closing)
		send_piece(io, p);
	piece_free(p);
}

static void
finish_content(struct lane_io *io)
{
	struct client_event ev = { .type = CLIENT_SENT };
	struct buf end = { 0 };

	if (!io->is_chunk) {
		(void)dot_write_end(&io->dot, &end);
		stream_put(io->stream, buf_span(&end));
		buf_clear(&end);
	}
	run(io, &ev);
}

static void
send_content(struct lane_io *io)
{
	const struct content *c = io->attempt->content;
	struct span pieces[2];
	int n;

	if (!content_is_in_memory(c)) {
		if (io->reader.at < content_size(c))
			read_piece(io);
		else
			finish_content(io);
		return;
	}
	n = content_pieces(c, 0, pieces);
	for (int i = 0; i < n; i++)
		put_content(io, pieces[i]);
	finish_content(io);
}

static void
on_drained(enum stream_status status, void *arg)
{
	struct lane_io *io = arg;
	struct client_event ev = { .type = CLIENT_GOT };

	if (status == STREAM_OK)
		send_content(io);
	else if (stream_last_words(io->stream) ||
		 !span_is_empty(stream_input(io->stream)))
		run(io, &ev);
	else
		close_failed(io, stream_error(io->stream));
}

/* --- time, and the end of work --- */

static void
on_deadline(void *arg)
{
	struct lane_io *io = arg;

	if (io->ends)
		end_lane(io);
	else if (io->closing)
		return;
	else if (io->is_idle)
		quit(io);
	else if (io->client != NULL)
		close_failed(io, "no answer in time");
	else
		close_unreached(io, BLAME_HOST,
		    (struct words){ .status = SPAN("4.4.1"),
			.what = SPAN("no answer in time"),
			.stage = STAGE_CONNECT });
}

void
lane_io_give(struct lane_io *io, struct attempt *a)
{
	assert(io->attempt == NULL);
	io->attempt = a;
	if (io->closing || !io->is_idle) {
		/* It dies just now; the attempt goes back as it came. */
		io->end.blame = BLAME_NONE;
		return;
	}
	begin(io);
}

void
lane_io_withdraw(struct lane_io *io)
{
	if (io->attempt == NULL || io->closing)
		return;
	if (io->attempt->content_ended) {
		io->worker->too_late(io->token, io->worker->arg);
		return;
	}
	close_by_us(io, "4.3.2", "withdrawn");
	io->end.withdrawn = true;
}

void
lane_io_quit(struct lane_io *io)
{
	io->quit_asked = true;
	if (io->is_idle && !io->closing)
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
		io->try_again = false;
		close_by_us(io, "4.3.2", "the relay stops");
	}
}
