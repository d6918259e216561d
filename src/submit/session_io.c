/*
 * The good path of a connection, callback by callback, and how each may fail:
 *
 *   on_tls       hands shaken (at once on 465, after STARTTLS on 587);
 *                a failure closes
 *   on_input     bytes came; the end or an error ends the session
 *   on_auth      one step of an exchange was answered
 *   on_appended  a piece of large content is on disk; or the spool failed,
 *                and the core refuses the message at its end
 *   on_committed the message is durable; or not, and the core says 4xx
 *   on_deadline  the client was silent too long
 *   on_closed    the last one: frees
 */
#include "submit/session_io.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "intake/draft.h"
#include "intake/intake_io.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "io/tls_peer.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "place_io.h"
#include "sign/keys.h"
#include "submit/session.h"

struct session_io {
	struct list node; /* in worker->sessions */
	struct submit_worker *worker; /* borrowed: outlives its sessions */
	const struct conf *conf; /* owned reference */
	struct tls_server *tls; /* owned reference */
	struct stream *stream; /* owned */
	struct session *session; /* owned */
	struct deadline *deadline; /* owned */
	struct auth_exchange *exchange; /* owned; NULL: none */
	struct intake intake; /* of the message under way */
	struct place place; /* for filters, if there are any */
	struct buf out;
	enum session_need need;
	bool implicit_tls, closing, shutdown_asked, is_dismissed;
	bool look_asked; /* at its login, when it is waited for input */
	uint64_t number, since; /* monotonic ms */
	uint32_t messages; /* accepted */
	bool has_ticket; /* to be resumed by: see stream_send_ticket() */
	bool is_check; /* see submit_connection */
	bool is_device; /* the same: its account is known, and it has no TLS */
	bool is_heard; /* the client has said something: it is in the log */
	bool is_trying; /* the exchange has not ended */
	bool is_reading; /* on_input() comes */
	uint64_t began; /* what is under way for the client, us */
	struct auth_ticket ticket; /* what its login stands on */
	const atomic_bool *is_crowded; /* borrowed: see submit_connection */
	void *token;
	char client[64];
	char sid[20];
};

static void on_tls(enum stream_status status, void *arg);
static void on_input(enum stream_status status, void *arg);
static void on_auth(const struct auth_answer *answer, void *arg);
static void on_intake(const struct intake_answer *answer, void *arg);
static void on_deadline(void *arg);
static void on_closed(void *arg);

static void run(struct session_io *io, struct session_event *ev);

/* A balancer's probe that comes and goes is worth no line of its own. */
static void
note_heard(struct session_io *io)
{
	if (io->is_heard || io->is_check)
		return;
	io->is_heard = true;
	FACT(CONNECTED, fact_word("sid", io->sid),
	    fact_word("client", io->client),
	    fact_word("tls", io->is_device	? "none"
			     : io->implicit_tls ? "implicit"
						: "starttls"));
}

/* One that the client broke off tells who tried, too. */
static void
end_exchange(struct session_io *io)
{
	if (io->exchange == NULL)
		return;
	if (io->is_trying)
		FACT(LOGIN_CANCELLED, fact_word("sid", io->sid),
		    fact_word("client", io->client),
		    fact_string("user", auth_name(io->exchange)),
		    fact_word("mech", auth_mechanism(io->exchange)));
	io->is_trying = false;
	auth_close(io->exchange);
	io->exchange = NULL;
}

static void
close_session(struct session_io *io, const char *reason)
{
	if (io->closing)
		return;
	io->closing = true;
	if (io->is_heard)
		FACT(CLOSED, fact_word("sid", io->sid),
		    fact_word("client", io->client),
		    fact_string("reason", reason));
	else
		FACT(PROBED, fact_word("sid", io->sid),
		    fact_word("client", io->client),
		    fact_string("reason", reason));
	deadline_cancel(io->deadline);
	end_exchange(io);
	/* What the spool is doing is finished first: on_intake(). */
	if (io->intake.is_busy) {
		intake_hurry(&io->intake);
		return;
	}
	intake_drop(&io->intake);
	stream_close(io->stream, on_closed, io);
}

static void
on_closed(void *arg)
{
	struct session_io *io = arg;

	list_remove(&io->node);
	deadline_close(io->deadline);
	session_free(io->session);
	buf_clear(&io->out);
	tls_server_unref(io->tls);
	conf_unref(io->conf);
	metric_add(METRIC_SESSIONS, -1);
	io->worker->closed(io->token, io->worker->arg);
	free(io);
}

/* --- what the core may need --- */

/*
 * EXTERNAL: the certificate has shown who it is, and the client may say as whom it
 * acts, which can be nobody else (RFC 4422 appendix A).
 */
static void
answer_external(struct session_io *io, const struct session_auth *a)
{
	struct span account = session_vouched(io->session);
	struct auth_answer answer = { .result = AUTH_CONTINUE };
	struct buf name = { 0 };

	io->is_trying = true;
	if (a->is_start)
		io->began = clock_us();
	if (a->is_start && !a->has_initial) {
		on_auth(&answer, io);
		return;
	}
	answer.result = AUTH_BAD;
	answer.name = span_is_empty(a->data) ? account : a->data;
	if (!span_is_empty(a->data) && !span_equal_nocase(a->data, account))
		answer.detail = "the certificate is another account's";
	else if (!auth_vouch(io->worker->auth, account, &name, &answer.ticket,
		     loop_now(io->worker->loop)))
		answer.detail = "no such account, or it is suspended";
	else
		answer.result = AUTH_OK;
	answer.login = buf_span(&name);
	on_auth(&answer, io);
	buf_clear(&name);
}

static void
start_auth(struct session_io *io)
{
	const struct session_auth *a = session_auth(io->session);
	unsigned char binding[64], end_point[64];
	struct auth_options o = {
		.mechanism = span_text(a->mechanism),
		.has_initial = a->has_initial,
		.initial = a->data,
		.remote_ip = io->client,
	};
	size_t len = 0;

	if (strcmp(a->mechanism, "EXTERNAL") == 0) {
		end_exchange(io);
		answer_external(io, a);
		return;
	}
	if (!a->is_start && io->exchange != NULL) {
		auth_step(io->exchange, a->data);
		return;
	}
	io->began = clock_us();
	/* The core may have ended one and begun the next in the same step. */
	end_exchange(io);
	io->is_trying = true;
	assert(io->exchange == NULL);
	/* Deriving it costs as much as the rest of a login with PLAIN. */
	if (span_starts(o.mechanism, SPAN("SCRAM-")))
		o.binding_name = stream_tls_binding(io->stream, binding, &len);
	o.binding = span_make((char *)binding, len);
	/* A hash of a certificate: only for who may name it. */
	len = 0;
	if (span_ends_nocase(o.mechanism, SPAN("-PLUS")))
		len = stream_tls_end_point(io->stream, end_point);
	o.end_point = span_make((char *)end_point, len);
	io->exchange =
	    auth_start(io->worker->auth, io->worker->loop, &o, on_auth, io);
}

static void
tell_accepted(const struct session_io *io, const struct envelope *env)
{
	const struct draft *d = session_draft(io->session);

	metric_add(METRIC_ACCEPTED, 1);
	metric_add(METRIC_ACCEPTED_BYTES, (int64_t)env->size);
	FACT(ACCEPTED, fact_word("sid", io->sid), fact_id("qid", env->id),
	    fact_string("user", env->account),
	    fact_any("key", session_key(io->session)),
	    fact_address("from", span_text(env->sender)),
	    fact_address("to", span_text(env->rcpts[0].address)),
	    fact_number("nrcpt", env->nrcpt), fact_number("size", env->size),
	    fact_string("message_id", d->message_id));
}

static void
tell_over(const struct session_io *io, const struct ledger_why *why)
{
	const struct budget_state *s = &why->state;

	FACT(BUDGET_REFUSED, fact_word("sid", io->sid),
	    fact_text("user", session_login(io->session)),
	    fact_any("key", session_key(io->session)),
	    fact_word("budget", why->is_stopped ? "stopped"
				: why->is_full	? "held-messages"
						: conf_budget_name(s->counter)),
	    fact_s("window", s->rate.seconds), fact_number("used", s->used),
	    fact_number("most", s->rate.most),
	    fact_ms("frees", s->frees < 0 ? 0 : (uint64_t)s->frees));
}

static struct span
asked_rcpt(const struct session_io *io)
{
	const struct draft *d = session_draft(io->session);

	return draft_rcpt(d, d->asked);
}

static void
take_answer(
    struct session_io *io, enum draft_need need, const struct intake_answer *a)
{
	struct submit_origin from = { .sid = io->sid };

	if (need == DRAFT_OPEN && a->refusal != NULL)
		FACT(REFUSED, fact_word("sid", io->sid),
		    fact_string(
			"reason", a->status == SPOOL_FULL
				      ? "not enough space in the spool"
				      : "the spool does not accept mail"));
	if (a->over != NULL)
		tell_over(io, a->over);
	if (a->is_suppressed)
		FACT(RECIPIENT_SUPPRESSED, fact_word("sid", io->sid),
		    fact_text("user", session_login(io->session)),
		    fact_any("key", session_key(io->session)),
		    fact_address("to", asked_rcpt(io)));
	if (need != DRAFT_COMMIT)
		return;
	histogram_add(HISTOGRAM_ACCEPT, clock_us() - io->began);
	if (a->env == NULL) {
		metric_add(METRIC_REFUSED, 1);
		return;
	}
	from.message_id = session_draft(io->session)->message_id;
	from.is_over = a->is_over;
	tell_accepted(io, a->env);
	io->messages++;
	io->worker->accepted(a->env, &from, io->worker->arg);
}

/* True: it is done at once, and `ev` has what came of it. */
static bool
start_intake(struct session_io *io, struct session_event *ev)
{
	struct draft *d = session_draft(io->session);
	struct intake_answer now;

	if (d->need == DRAFT_OPEN)
		d->wants_hash = keys_are_any(io->worker->keys);
	if (d->need == DRAFT_OPEN && d->filtered != NULL)
		place_tell(&io->place, &d->filtered->place);
	/* What filters and the disk need. */
	if (d->need == DRAFT_FILTER ||
	    (d->need == DRAFT_COMMIT &&
		!conf_has_filter(io->conf, WHEN_BEFORE)))
		io->began = clock_us();
	if (!intake_do(&io->intake, d, &now))
		return false;
	take_answer(io, d->need, &now);
	ev->type = EVENT_INTAKE;
	ev->refusal = now.refusal;
	return true;
}

static void
watch_the_clock(struct session_io *io)
{
	uint64_t now = loop_now(io->worker->loop);
	uint64_t due = session_due(io->session);

	deadline_set(io->deadline, due > now ? due - now : 1);
}

static bool
login_holds(struct session_io *io, uint64_t now)
{
	struct span login = session_login(io->session);

	if (io->worker->ledger != NULL && !span_is_empty(login) &&
	    ledger_standing(io->worker->ledger, login) == LEDGER_STOPPED)
		return false;
	if (io->is_device)
		return auth_standing(io->worker->auth, login) !=
		       AUTH_IS_SUSPENDED;
	return span_is_empty(login) ||
	       auth_still_holds(io->worker->auth, login, &io->ticket, now);
}

/* Its login holds no more, and nothing is coming whose end would be waited for. */
static bool
is_to_end(struct session_io *io)
{
	return session_awaits_command(io->session) &&
	       !login_holds(io, loop_now(io->worker->loop));
}

static void
wait_for_input(struct session_io *io)
{
	struct session_event ev = { .type = EVENT_SHUTDOWN,
		.is_dismissed = io->is_dismissed };

	if (io->shutdown_asked) {
		io->shutdown_asked = false;
		run(io, &ev);
		return;
	}
	if (io->look_asked) {
		io->look_asked = false;
		if (is_to_end(io)) {
			ev.type = EVENT_LOOK;
			run(io, &ev);
			return;
		}
	}
	watch_the_clock(io);
	/* Content that comes fast enough may go on when its minute is over. */
	if (io->is_reading)
		return;
	io->is_reading = true;
	stream_read(io->stream, on_input, io);
}

/* Both end with the step that needs them no more. */
static void
drop_what_is_over(struct session_io *io)
{
	if (!session_is_authenticating(io->session))
		end_exchange(io);
	intake_settle(&io->intake, session_draft(io->session));
}

/* Each adds to what the account's brake counts. */
static void
note_forged(struct session_io *io)
{
	struct span login = session_login(io->session);

	if (session_take_forged(io->session) && io->worker->ledger != NULL)
		ledger_note(io->worker->ledger, login,
		    conf_account(io->conf, login), BRAKE_FORGED, 1,
		    (int64_t)loop_now(io->worker->loop));
}

/*
 * What the draft needs is mostly done at once: then the session goes on with what
 * is in its input, and all replies leave together.
 */
static void
step(struct session_io *io, struct session_event *ev)
{
	do {
		io->need = session_step(io->session, ev, &io->out);
		note_forged(io);
		drop_what_is_over(io);
	} while (io->need == SESSION_INTAKE && start_intake(io, ev));
}

static void
run(struct session_io *io, struct session_event *ev)
{
	struct span input = stream_input(io->stream);
	size_t before = input.len;

	ev->in = &input;
	ev->now = wall_now();
	ev->tick = loop_now(io->worker->loop);
	ev->is_crowded =
	    atomic_load_explicit(io->is_crowded, memory_order_relaxed);
	ev->login_ended = !login_holds(io, ev->tick);
	ev->aliases = io->worker->aliases;
	if (ev->random == 0)
		ev->random = random_u64();
	step(io, ev);
	stream_consume(io->stream, before - input.len);
	if (!io->has_ticket && stream_has_tls(io->stream) &&
	    session_has_helo(io->session)) {
		io->has_ticket = true;
		stream_send_ticket(io->stream);
	}
	if (buf_len(&io->out) > 0)
		stream_put(io->stream, buf_span(&io->out));
	buf_clear(&io->out);
	deadline_cancel(io->deadline);
	switch (io->need) {
	case SESSION_INPUT: wait_for_input(io); break;
	case SESSION_TLS:
		watch_the_clock(io);
		stream_start_tls(
		    io->stream, tls_server_session(io->tls), on_tls, io);
		break;
	case SESSION_AUTH:
		stream_flush(io->stream);
		start_auth(io);
		break;
	case SESSION_INTAKE: break; /* on_intake() */
	case SESSION_CLOSE: close_session(io, "session ended"); break;
	}
}

/* --- events --- */

/* The account that the client's certificate is of; `peer` is room for it. */
static struct span
vouched_by(const struct session_io *io, struct tls_peer *peer)
{
	const struct conf_account *a;

	stream_peer(io->stream, peer);
	if (!peer->is_there)
		return SPAN("");
	a = conf_account_of(io->conf, peer->sha256);
	if (a != NULL)
		return span_text(a->name);
	return peer->is_verified ? span_text(peer->address) : SPAN("");
}

static void
on_tls(enum stream_status status, void *arg)
{
	struct session_io *io = arg;
	struct session_event ev = { .type = io->implicit_tls ? EVENT_OPEN
							     : EVENT_TLS };
	struct tls_peer peer;

	if (status != STREAM_OK) {
		if (stream_has_heard(io->stream)) {
			note_heard(io);
			FACT(TLS_FAILED, fact_word("sid", io->sid),
			    fact_word("client", io->client),
			    fact_string("what", stream_error(io->stream)));
		}
		close_session(io, "TLS handshake failed");
		return;
	}
	note_heard(io);
	ev.tls_version = span_text(stream_tls_version(io->stream));
	ev.tls_cipher = span_text(stream_tls_cipher(io->stream));
	ev.has_binding = stream_can_bind(io->stream);
	ev.vouched = vouched_by(io, &peer);
	run(io, &ev);
}

static void
on_input(enum stream_status status, void *arg)
{
	struct session_io *io = arg;
	struct session_event ev = { .type = EVENT_INPUT };

	io->is_reading = false;
	if (status != STREAM_OK) {
		close_session(io, status == STREAM_END
				      ? "client closed"
				      : stream_error(io->stream));
		return;
	}
	note_heard(io);
	run(io, &ev);
}

static void
tell_login(struct session_io *io, const struct auth_answer *a)
{
	struct fact_field sid = fact_word("sid", io->sid);
	struct fact_field client = fact_word("client", io->client);
	struct fact_field mech =
	    fact_word("mech", session_auth(io->session)->mechanism);
	struct fact_field user = fact_text("user", a->name);
	struct fact_field waited = fact_ms("waited", a->waited);
	struct fact_field reason = fact_string("reason", a->detail);

	if (a->result == AUTH_OK)
		FACT(LOGIN, sid, client, fact_text("user", a->login),
		    fact_any("key", a->key), mech,
		    fact_word("tls", stream_tls_version(io->stream)));
	else if (a->result == AUTH_TEMPORARY)
		FACT(LOGIN_FAILED_ERROR, sid, client, user, mech, waited,
		    reason);
	else
		FACT(LOGIN_FAILED, sid, client, user, fact_any("key", a->key),
		    mech, waited, reason);
}

static void
on_auth(const struct auth_answer *answer, void *arg)
{
	static const enum session_authed as[] = {
		[AUTH_CONTINUE] = AUTHED_CONTINUE,
		[AUTH_OK] = AUTHED_OK,
		[AUTH_BAD] = AUTHED_BAD,
		[AUTH_MALFORMED] = AUTHED_MALFORMED,
		[AUTH_TEMPORARY] = AUTHED_TEMPORARY,
	};
	struct auth_answer refused;
	struct session_io *io = arg;
	struct session_event ev = { .type = EVENT_AUTH,
		.auth = as[answer->result],
		.data = answer->challenge,
		.login = answer->login,
		.key = answer->key,
		.send_as = answer->send_as,
		.tried = answer->tried };

	if (answer->result == AUTH_OK && io->worker->ledger != NULL &&
	    ledger_standing(io->worker->ledger, answer->login) ==
		LEDGER_STOPPED) {
		refused = *answer;
		refused.result = AUTH_BAD;
		refused.detail = "the account is stopped";
		refused.tried = 0;
		answer = &refused;
		ev.auth = AUTHED_BAD;
		ev.login = ev.key = ev.send_as = SPAN("");
	}
	if (answer->result != AUTH_CONTINUE) {
		io->is_trying = false;
		histogram_add(HISTOGRAM_LOGIN, clock_us() - io->began);
		tell_login(io, answer);
	}
	if (answer->result == AUTH_OK) {
		(void)snprintf(io->place.mechanism, sizeof io->place.mechanism,
		    "%s", session_auth(io->session)->mechanism);
		io->ticket = answer->ticket;
		stream_set_stranger(io->stream, false);
		io->worker->logged_in(io->token, io->worker->arg);
		if (io->worker->ledger != NULL)
			ledger_came(io->worker->ledger, answer->login,
			    io->client, (int64_t)loop_now(io->worker->loop));
	}
	run(io, &ev);
}

static void
on_intake(const struct intake_answer *answer, void *arg)
{
	struct session_io *io = arg;
	struct session_event ev = { .type = EVENT_INTAKE,
		.refusal = answer->refusal };

	take_answer(io, session_draft(io->session)->need, answer);
	if (io->closing) {
		intake_drop(&io->intake);
		stream_close(io->stream, on_closed, io);
		return;
	}
	run(io, &ev);
}

static void
on_deadline(void *arg)
{
	struct session_io *io = arg;
	struct session_event ev = { .type = EVENT_TIMEOUT };

	if (io->closing)
		return;
	if (io->need == SESSION_INPUT)
		run(io, &ev);
	else
		close_session(io, "handshake took too long");
}

/* --- start and stop --- */

void
session_io_start(struct submit_worker *w, const struct submit_connection *c)
{
	struct session_io *io = MEM_NEW(struct session_io);
	struct session_options o = {
		.conf = c->conf,
		.mechanisms = c->mechanisms,
		.nmechanisms = c->nmechanisms,
		.client = c->client,
		.sid = io->sid,
		.opened = loop_now(w->loop),
		.is_refused = c->is_refused,
		.account = c->account,
		.is_local = c->is_local,
		.is_anybody = c->is_anybody,
	};
	struct session_event ev = { .type = EVENT_OPEN };

	io->worker = w;
	io->conf = c->conf;
	io->tls = c->tls;
	io->implicit_tls = c->implicit_tls;
	io->is_check = c->is_check;
	io->is_device = c->account != NULL;
	io->token = c->token;
	io->number = c->number;
	io->since = o.opened;
	io->is_crowded = c->is_crowded;
	(void)snprintf(io->client, sizeof io->client, "%s", c->client);
	(void)snprintf(io->sid, sizeof io->sid, "%" PRIx64, c->number);
	intake_init(&io->intake, w->spool, w->loop, on_intake, io);
	io->intake.ways = w->ways;
	if (c->conf->nfilters > 0)
		place_of(c->fd, io->client, &io->place);
	io->place.listener = c->listener;
	io->intake.ledger = w->ledger;
	io->intake.suppressor = w->suppressor;
	list_append(&w->sessions, &io->node);
	metric_add(METRIC_SESSIONS, 1);
	io->session = session_new(&o);
	io->deadline = deadline_new(w->loop, on_deadline, io);
	io->stream = stream_new(w->loop, c->fd);
	stream_set_stranger(io->stream, !io->is_device);
	if (io->is_device)
		w->logged_in(io->token, w->arg);
	if (!c->implicit_tls) {
		run(io, &ev);
		return;
	}
	watch_the_clock(io);
	io->need = SESSION_TLS;
	stream_start_tls(io->stream, tls_server_session(io->tls), on_tls, io);
}

/* Now, or when the client is waited for again. */
static void
end_soon(struct session_io *io, bool is_dismissed)
{
	struct session_event ev = { .type = EVENT_SHUTDOWN,
		.is_dismissed = is_dismissed };

	if (io->closing)
		return;
	if (io->need == SESSION_INPUT) {
		run(io, &ev);
		return;
	}
	io->shutdown_asked = true;
	io->is_dismissed = is_dismissed;
}

void
session_io_shutdown_all(struct submit_worker *w)
{
	LIST_FOREACH_SAFE (node, next, &w->sessions)
		end_soon(LIST_ENTRY(node, struct session_io, node), false);
}

/* One that is busy is looked at when it is not. */
static void
look(struct session_io *io)
{
	struct session_event ev = { .type = EVENT_LOOK };

	if (io->closing || span_is_empty(session_login(io->session)))
		return;
	if (io->need != SESSION_INPUT)
		io->look_asked = true;
	else if (is_to_end(io))
		run(io, &ev);
}

uint64_t
session_io_look(struct submit_worker *w, uint64_t after, size_t most)
{
	uint64_t last = 0;

	/* They came in the order of their numbers, and stand in it. */
	LIST_FOREACH_SAFE (node, next, &w->sessions) {
		struct session_io *io =
		    LIST_ENTRY(node, struct session_io, node);

		if (io->number <= after)
			continue;
		if (most-- == 0)
			return last;
		last = io->number;
		look(io);
	}
	return 0;
}

/* --- what the operator sees and does --- */

static void
describe(const struct session_io *io, struct session_row *row)
{
	*row = (struct session_row){
		.number = io->number,
		.since = io->since,
		.messages = io->messages,
		.state = session_state_name(io->session),
	};
	(void)snprintf(row->client, sizeof row->client, "%s", io->client);
	(void)snprintf(row->tls, sizeof row->tls, "%.*s",
	    SPAN_ARG(session_tls(io->session)));
	(void)snprintf(row->account, sizeof row->account, "%.*s",
	    SPAN_ARG(session_login(io->session)));
	(void)snprintf(row->key, sizeof row->key, "%.*s",
	    SPAN_ARG(session_key(io->session)));
}

size_t
session_io_list(const struct submit_worker *w, uint64_t after,
    struct session_row *rows, size_t most)
{
	size_t n = 0;

	/* They came in the order of their numbers, and stand in it. */
	LIST_FOREACH (node, &w->sessions) {
		const struct session_io *io =
		    LIST_ENTRY(node, struct session_io, node);

		if (n == most)
			break;
		if (io->number > after && !io->closing)
			describe(io, &rows[n++]);
	}
	return n;
}

size_t
session_io_dismiss(
    struct submit_worker *w, uint64_t number, const char *account)
{
	size_t n = 0;

	LIST_FOREACH_SAFE (node, next, &w->sessions) {
		struct session_io *io =
		    LIST_ENTRY(node, struct session_io, node);

		if (io->closing ||
		    (io->number != number &&
			(account == NULL ||
			    !span_equal_nocase(session_login(io->session),
				span_text(account)))))
			continue;
		end_soon(io, true);
		n++;
	}
	return n;
}

void
session_io_abort_all(struct submit_worker *w)
{
	LIST_FOREACH_SAFE (node, next, &w->sessions)
		close_session(LIST_ENTRY(node, struct session_io, node),
		    "the relay stops");
}
