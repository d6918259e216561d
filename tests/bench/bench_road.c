/*
 * Work on the hot road in one process and one thread where it can be, the same
 * each time, for a tool that counts instructions (contrib/bench-instructions).
 * Times nothing itself.
 *
 *   receive MESSAGES [SIZE]   the receiving core: MAIL to 250, one session
 *   session MESSAGES [SIZE]   the same with a session (EHLO, AUTH) for each
 *   send MESSAGES [SIZE]      the sending core, one connection, and the dots
 *   chunk MESSAGES [SIZE]     the same to a host that takes BDAT
 *   journal MESSAGES [SIZE]   committed, then done, one at a time; in a folder
 *   queue MESSAGES            taken when due, put off, 10,000 domains
 *   shake HANDSHAKES          TLS over a socket pair, resumed; both ends
 *   pass RECORDS [SIZE]       that much through TLS, answered by a line
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "deliver/attempt.h"
#include "deliver/client.h"
#include "sched/target.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "smtp/dot.h"
#include "spool/content.h"
#include "spool/spool.h"
#include "intake/draft.h"
#include "submit/session.h"

#define ACCOUNT "ann@example.com"
#define WALL 1700000000000 /* ms; some day */

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench_road: %s\n", what);
	exit(1);
}

/* A header and lines of 60, as text mail has them; some begin with a dot. */
static struct buf
make_message(size_t size, bool for_wire)
{
	struct buf b = { .max = 2 * size + 4096 };

	(void)buf_append_text(&b,
	    "From: Ann <" ACCOUNT ">\r\nTo: bob@example.net\r\n"
	    "Subject: How we count\r\n"
	    "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
	    "Message-ID: <1@example.com>\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n");
	for (unsigned i = 0; buf_len(&b) < size; i++) {
		if (i % 50 == 49)
			(void)buf_append_text(&b, for_wire ? ".." : ".");
		(void)buf_append_text(&b, "The quick brown fox jumps over the "
					  "lazy dog, and again.\r\n");
	}
	if (for_wire)
		(void)buf_append_text(&b, ".\r\n");
	return b;
}

static struct conf *
make_conf(void)
{
	struct err err;
	struct conf *conf =
	    conf_parse(SPAN("hostname = relay.example.com\n"
			    "tls {\n certificate = /c\n key = /k\n}\n"
			    "spool {\n max-message = 100mb\n}\n"),
		"bench", "relay.example.com", NULL, &err);

	must(conf != NULL, conf == NULL ? err.text : "");
	return conf;
}

/* --- receiving --- */

struct receiving {
	struct conf *conf;
	struct session *session;
	struct buf out;
	uint64_t id, accepted;
};

static enum session_need
take_in(struct receiving *r, struct span *in)
{
	struct session_event ev = {
		.type = EVENT_INTAKE, .in = in, .now = WALL
	};
	struct draft *d = session_draft(r->session);

	if (d->need == DRAFT_OPEN) {
		d->id = ++r->id;
		d->is_open = true;
	} else if (d->need != DRAFT_RESERVE) {
		if (d->need == DRAFT_COMMIT)
			free(draft_envelope(d, draft_size(d)));
		buf_clear(&d->head);
		buf_clear(&d->body);
	}
	r->accepted += d->need == DRAFT_COMMIT;
	return session_step(r->session, &ev, &r->out);
}

static void
step(struct receiving *r, struct session_event *ev, struct span in)
{
	enum session_need need;

	ev->in = &in;
	ev->now = WALL;
	need = session_step(r->session, ev, &r->out);
	if (need == SESSION_AUTH) {
		struct session_event ok = { .type = EVENT_AUTH,
			.auth = AUTHED_OK,
			.login = SPAN(ACCOUNT),
			.in = &in,
			.now = WALL };

		need = session_step(r->session, &ok, &r->out);
	}
	while (need == SESSION_INTAKE)
		need = take_in(r, &in);
	buf_reset(&r->out);
}

static void
say(struct receiving *r, struct span bytes)
{
	struct session_event ev = { .type = EVENT_INPUT };

	step(r, &ev, bytes);
}

static void
open_session(struct receiving *r)
{
	struct session_options o = {
		.conf = r->conf,
		.mechanisms = (const char *const *)r->conf->mechanisms,
		.nmechanisms = r->conf->nmechanisms,
		.client = "192.0.2.9",
		.sid = "1",
	};
	struct session_event ev = { .type = EVENT_OPEN,
		.tls_version = SPAN("TLSv1.3"),
		.tls_cipher = SPAN("TLS_AES_128_GCM_SHA256"),
		.has_binding = true };

	r->session = session_new(&o);
	step(r, &ev, SPAN(""));
	say(r, SPAN("EHLO client.example.com\r\n"));
	say(r, SPAN("AUTH PLAIN AGFubkBleGFtcGxlLmNvbQBzZWNyZXQ=\r\n"));
}

static void
one_message(struct receiving *r, struct span message)
{
	say(r, SPAN("MAIL FROM:<" ACCOUNT "> SIZE=4096 BODY=8BITMIME\r\n"));
	say(r, SPAN("RCPT TO:<somebody@example.net>\r\n"));
	say(r, SPAN("DATA\r\n"));
	say(r, message);
}

static void
receive(unsigned n, size_t size, bool session_each)
{
	struct buf message = make_message(size, true);
	struct receiving r = { .conf = make_conf() };

	for (unsigned i = 0; i < n; i++) {
		if (r.session == NULL)
			open_session(&r);
		one_message(&r, buf_span(&message));
		if (!session_each)
			continue;
		say(&r, SPAN("QUIT\r\n"));
		session_free(r.session);
		r.session = NULL;
	}
	must(r.accepted == n, "not all messages were accepted");
	session_free(r.session);
	conf_unref(r.conf);
	buf_clear(&r.out);
	buf_clear(&message);
}

/* --- sending --- */

static enum client_need
host_says(struct client *c, const char *reply, struct buf *out)
{
	struct span in = span_text(reply);
	struct client_event ev = { .type = CLIENT_GOT, .in = &in };
	enum client_need need = client_step(c, &ev, out);

	buf_reset(out);
	return need;
}

static struct envelope *
make_envelope(uint64_t id, uint64_t size, unsigned which)
{
	char *to = mem_printf("somebody@domain%u.example", which % 10000);
	struct span rcpt = span_text(to);
	struct envelope_parts parts = {
		.id = id,
		.size = size,
		.arrived = WALL,
		.account = SPAN(ACCOUNT),
		.sender = SPAN(ACCOUNT),
		.rcpt = &rcpt,
		.nrcpt = 1,
	};
	struct envelope *env = envelope_new(&parts);

	free(to);
	return env;
}

static void
send_one(struct client *c, const struct envelope *env, struct span message,
    bool by_chunk, struct buf *out)
{
	static const uint32_t first = 0;
	struct attempt *a = attempt_new(env, NULL, &first, 1);
	struct span none = SPAN("");
	struct client_event given = {
		.type = CLIENT_GIVEN,
		.in = &none,
		.attempt = a,
		.size = message.len,
		.at_hand = true,
	};
	struct client_event sent = { .type = CLIENT_SENT, .in = &none };
	struct dot_writer dot = { 0 };

	enum client_need need = client_step(c, &given, out);
	bool along = need == CLIENT_CHUNK;

	buf_reset(out);
	if (!along)
		need = host_says(c,
		    by_chunk ? "250 ok\r\n250 ok\r\n250 ok\r\n"
			     : "250 ok\r\n250 ok\r\n354 go\r\n",
		    out);
	if (need == CLIENT_CHUNK) {
		(void)buf_append(out, message.ptr, message.len);
	} else {
		must(need == CLIENT_CONTENT, "no content is sent");
		(void)dot_write(&dot, message, out);
		(void)dot_write_end(&dot, out);
	}
	buf_reset(out);
	(void)client_step(c, &sent, out);
	must(
	    !along || host_says(c, "250 ok\r\n250 ok\r\n", out) == CLIENT_INPUT,
	    "MAIL or RCPT is refused");
	must(host_says(c, "250 2.0.0 ok\r\n", out) == CLIENT_READY &&
		 a->rcpts[0].outcome == OUTCOME_DELIVERED,
	    "the message was not delivered");
	attempt_free(a);
}

static void
send_all(unsigned n, size_t size, bool by_chunk)
{
	struct buf message = make_message(size, false);
	struct buf out = { .max = 4 * size + 65536 };
	struct envelope *env = make_envelope(1, size, 1);
	struct target *target = target_new();
	struct client *c;
	struct span none = SPAN("");
	struct client_event up = { .type = CLIENT_CONNECTED, .in = &none };

	target->hostname = mem_strdup("relay.example.com");
	target->chunking = by_chunk;
	c = client_new(target, &(struct client_options){ .without_tls = true });
	(void)client_step(c, &up, &out);
	(void)host_says(c, "220 hello\r\n", &out);
	must(host_says(c,
		 "250-host\r\n250-PIPELINING\r\n250-CHUNKING\r\n"
		 "250 8BITMIME\r\n",
		 &out) == CLIENT_READY,
	    "the host is not ready");
	for (unsigned i = 0; i < n; i++)
		send_one(c, env, buf_span(&message), by_chunk, &out);
	client_free(c);
	target_unref(target);
	free(env);
	buf_clear(&out);
	buf_clear(&message);
}

/* --- the journal --- */

struct committing {
	struct loop *loop;
	struct spool *spool;
	struct buf message;
	struct envelope *env;
	struct content *content;
	unsigned left;
};

static void commit_next(struct committing *c);

static void
on_committed(enum spool_status status, void *arg)
{
	struct committing *c = arg;

	must(status == SPOOL_OK, "a commit failed");
	spool_done(c->spool, c->env->id);
	free(c->env);
	content_unref(c->content);
	if (--c->left > 0)
		commit_next(c);
	else
		loop_stop(c->loop);
}

static void
commit_next(struct committing *c)
{
	struct spool_entry *e = spool_entry_open(c->spool, c->loop);
	struct buf head = { 0 }, body = { .max = buf_len(&c->message) };

	(void)buf_append_span(&body, buf_span(&c->message));
	c->content = content_new_take(&head, &body);
	c->env = make_envelope(spool_entry_id(e), content_size(c->content), 1);
	spool_commit(e, c->env, c->content, on_committed, c);
}

static void
load_nothing(struct envelope *env, const struct progress *rows, uint32_t flags,
    void *arg)
{
	(void)rows, (void)flags, (void)arg;
	free(env);
}

static void
journal(unsigned n, size_t size)
{
	char folder[] = "/tmp/bench_road-XXXXXX", *clean;
	struct spool_options o = { .directory = folder };
	struct spool_events on = { .message = load_nothing };
	struct committing c = { .message = make_message(size, false),
		.left = n };
	struct err err;

	must(mkdtemp(folder) != NULL, "no folder can be made");
	c.loop = loop_new();
	c.spool = spool_open(&o, &on, &err);
	must(c.spool != NULL, c.spool == NULL ? err.text : "");
	commit_next(&c);
	loop_run(c.loop);
	spool_close(c.spool);
	loop_free(c.loop);
	buf_clear(&c.message);
	clean = mem_printf("rm -r %s", folder);
	must(system(clean) == 0, "the folder cannot be removed");
	free(clean);
}

/* --- the queue --- */

/* A leg's first attempt, without its router and lane: it ends in vain. */
static void
put_off(struct heap *heap, struct leg *leg, const struct leg_options *o,
    struct reason *why, struct leg_facts *facts)
{
	struct leg_event ev = { .type = LEG_DUE,
		.now = 1000,
		.wall = WALL + 1000,
		.random = leg->first * 2654435761u,
		.outcome = LEG_LATER,
		.reason = why };
	struct message_event moved = { .type = MESSAGE_MOVED, .now = 1000 };
	struct message_options mo = { .expire = o->expire };

	must(leg_step(leg, &ev, o, facts) == LEG_ROUTE, "a leg is not due");
	ev.type = LEG_UNROUTED;
	must(leg_step(leg, &ev, o, facts) == LEG_WAIT, "it does not wait");
	facts->n = 0;
	(void)message_step(leg->message, &moved, &mo);
	heap_set(heap, &leg->due, leg->due.at);
}

static void
schedule(unsigned n)
{
	static const uint32_t waits[] = { 60, 300, 900 };
	static const struct words words = { .stage = STAGE_CONNECT,
		.status = { "4.4.1", 5 },
		.host = { "127.0.0.2", 9 },
		.what = { "connection refused", 18 } };
	struct leg_options o = {
		.backoff = { .waits = waits, .count = 3 },
		.expire = 432000000,
	};
	struct queue *q = queue_new();
	struct reason *why = reason_new(&words);
	struct leg_facts facts = { 0 };
	struct heap heap = { 0 };

	for (unsigned i = 0; i < n; i++) {
		struct message *m = message_new(
		    make_envelope(i + 1, 4096, i), NULL, 0, &o, 1, WALL);

		queue_add_take(q, m);
		heap_set(&heap, &m->legs[0].due, m->legs[0].due.at);
	}
	for (unsigned i = 0; i < n; i++)
		put_off(&heap, LIST_ENTRY(heap_first(&heap), struct leg, due),
		    &o, why, &facts);
	leg_facts_clear(&facts);
	reason_unref(why);
	heap_clear(&heap);
	queue_free(q);
}

/* --- TLS --- */

static struct loop *loop;
static unsigned shaken, passed, wanted;
static size_t record;

struct end {
	struct stream *stream;
	bool is_open;
};

static struct end ends[2]; /* ours as a client, and as a server */
static char *cert_file, *key_file;

static void
make_certificate(char folder[])
{
	char *command;

	must(mkdtemp(folder) != NULL, "no folder can be made");
	cert_file = mem_printf("%s/cert.pem", folder);
	key_file = mem_printf("%s/key.pem", folder);
	command = mem_printf("openssl req -x509 -newkey ec -pkeyopt "
			     "ec_paramgen_curve:P-256 -nodes -keyout %s "
			     "-out %s -days 30 -subj /CN=localhost 2>/dev/null",
	    key_file, cert_file);
	must(system(command) == 0, "openssl made no certificate");
	free(command);
}

static void
on_closed(void *arg)
{
	((struct end *)arg)->is_open = false;
	if (!ends[0].is_open && !ends[1].is_open)
		loop_stop(loop);
}

static void
close_both(void)
{
	for (size_t i = 0; i < 2; i++)
		stream_close(ends[i].stream, on_closed, &ends[i]);
}

static void on_answer(enum stream_status status, void *arg);

static void
pass_record(void)
{
	static char zeros[1 << 20];

	stream_put(ends[0].stream, span_make(zeros, record));
	stream_read(ends[0].stream, on_answer, NULL);
}

static void
on_answer(enum stream_status status, void *arg)
{
	(void)arg;
	must(status == STREAM_OK, "the answer did not come");
	stream_consume(ends[0].stream, stream_input(ends[0].stream).len);
	if (++passed < wanted)
		pass_record();
	else
		close_both();
}

static void
on_record(enum stream_status status, void *arg)
{
	static size_t got;
	size_t n = stream_input(ends[1].stream).len;

	(void)arg;
	if (status != STREAM_OK)
		return; /* the client has closed */
	stream_consume(ends[1].stream, n);
	got += n;
	if (got >= record) {
		got -= record;
		/* As behind EHLO: the next connection is resumed by it. */
		if (passed == 0)
			stream_send_ticket(ends[1].stream);
		stream_put(ends[1].stream, SPAN("250 ok\r\n"));
	}
	stream_read(ends[1].stream, on_record, NULL);
}

static void
on_shaken(enum stream_status status, void *arg)
{
	(void)arg;
	must(status == STREAM_OK, "a handshake failed");
	if (++shaken % 2 != 0)
		return;
	stream_read(ends[1].stream, on_record, NULL);
	/* One answer at least: the session's ticket comes with it. */
	pass_record();
}

static void
connect_pair(struct tls_server *server, struct tls_client *client)
{
	struct tls_client_options o = { .host = "localhost", .key = "pair" };
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0,
	    "no socket pair");
	loop = loop_new();
	passed = 0;
	for (size_t i = 0; i < 2; i++) {
		ends[i].stream = stream_new(loop, pair[i]);
		ends[i].is_open = true;
	}
	stream_start_tls(
	    ends[0].stream, tls_client_session(client, &o), on_shaken, NULL);
	stream_start_tls(
	    ends[1].stream, tls_server_session(server), on_shaken, NULL);
	loop_run(loop);
	loop_free(loop);
}

static void
tls(unsigned connections, unsigned records, size_t size)
{
	char folder[] = "/tmp/bench_road-XXXXXX", *clean;
	struct conf_certificate certificate = { 0 };
	struct conf conf = { .certificates = &certificate, .ncertificates = 1 };
	struct tls_server *server;
	struct tls_client *client;
	struct err err;

	make_certificate(folder);
	certificate.certificate = cert_file;
	certificate.key = key_file;
	server = tls_server_new(&conf, &err);
	client = tls_client_new(NULL, &err);
	must(server != NULL && client != NULL, "no TLS");
	wanted = records;
	record = size;
	for (unsigned i = 0; i < connections; i++)
		connect_pair(server, client);
	must(shaken == 2 * connections, "not all hands were shaken");
	tls_client_free(client);
	tls_server_unref(server);
	clean = mem_printf("rm -r %s", folder);
	must(system(clean) == 0, "the folder cannot be removed");
	free(clean);
	free(cert_file);
	free(key_file);
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	size_t size = argc > 3 ? strtoul(argv[3], NULL, 10) : 4096;
	const char *what = argc > 1 ? argv[1] : "";

	must(n > 0 && size > 0 && size <= 1 << 20,
	    "usage: bench_road "
	    "receive|session|send|chunk|journal|queue|shake|pass "
	    "COUNT [SIZE]");
	if (strcmp(what, "receive") == 0)
		receive(n, size, false);
	else if (strcmp(what, "session") == 0)
		receive(n, size, true);
	else if (strcmp(what, "send") == 0)
		send_all(n, size, false);
	else if (strcmp(what, "chunk") == 0)
		send_all(n, size, true);
	else if (strcmp(what, "journal") == 0)
		journal(n, size);
	else if (strcmp(what, "queue") == 0)
		schedule(n);
	else if (strcmp(what, "shake") == 0)
		tls(n, 1, 64);
	else if (strcmp(what, "pass") == 0)
		tls(1, n, size);
	else
		must(false, "no such load");
	return 0;
}
