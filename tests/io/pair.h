/*
 * pair: two streams that talk to each other on one loop, in clear or through
 * TLS, and what each was answered. For the tests of stream and tls.
 */
#ifndef TESTS_IO_PAIR_H
#define TESTS_IO_PAIR_H

#include "tests/lib/suite.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "conf/conf.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "tests/lib/cert.h"

enum { PATIENCE_MS = 20000 };

struct end {
	struct stream *stream;
	int fd; /* the stream's; borrowed */
	bool asks, is_closed;
	unsigned answers;
	enum stream_status status; /* of the last answer */
	struct buf got;
	bool reads_on; /* asks again, until the end */
};

static struct loop *loop;
static struct deadline *patience;
static bool is_late;
static struct cert cert;
static struct tls_server *server;
static struct tls_client *client;
static struct end a, b; /* a: the client's, b: the server's */

static inline void
on_late(void *arg)
{
	(void)arg;
	is_late = true;
}

/* One turn of the loop; fails when it takes too long. */
static inline void
turn(void)
{
	(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_msg(!is_late, "nothing happens any more");
}

static inline void
on_answer(enum stream_status status, void *arg)
{
	struct end *e = arg;

	ck_assert(e->asks);
	e->asks = false;
	e->answers++;
	e->status = status;
}

static inline void
on_more(enum stream_status status, void *arg)
{
	struct end *e = arg;
	struct span in;

	on_answer(status, e);
	in = stream_input(e->stream);
	(void)buf_append_span(&e->got, in);
	stream_consume(e->stream, in.len);
	if (status != STREAM_OK || !e->reads_on)
		return;
	e->asks = true;
	stream_read(e->stream, on_more, e);
	ck_assert(e->asks);
}

static inline void
on_gone(void *arg)
{
	struct end *e = arg;

	ck_assert(!e->is_closed);
	e->is_closed = true;
	e->stream = NULL;
}

static inline void
end_ask(struct end *e)
{
	e->asks = true;
	stream_read(e->stream, on_more, e);
	ck_assert_msg(e->asks, "answered before the call returned");
}

static inline void
end_read_all(struct end *e)
{
	e->reads_on = true;
	end_ask(e);
}

static inline void
end_close(struct end *e)
{
	e->asks = false;
	stream_close(e->stream, on_gone, e);
	ck_assert(!e->is_closed);
}

static inline void
end_put(struct end *e, const char *text)
{
	stream_put(e->stream, span_text(text));
	stream_flush(e->stream);
}

static inline enum stream_status
end_wait(struct end *e)
{
	while (e->asks)
		turn();
	return e->status;
}

static inline void
end_wait_closed(struct end *e)
{
	while (!e->is_closed)
		turn();
}

static inline void
end_wait_bytes(struct end *e, size_t n)
{
	while (buf_len(&e->got) < n && (e->asks || e->stream != NULL))
		turn();
}

static inline void
connect_pair(void)
{
	int fds[2];

	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	a = (struct end){ .fd = fds[0], .got.max = 64 << 20 };
	b = (struct end){ .fd = fds[1], .got.max = 64 << 20 };
	a.stream = stream_new(loop, fds[0]);
	b.stream = stream_new(loop, fds[1]);
}

static inline void
start_tls(struct end *e, SSL *ssl)
{
	e->asks = true;
	stream_start_tls(e->stream, ssl, on_answer, e);
	ck_assert(e->asks);
}

static inline SSL *
client_session(const char *host, bool verify, const char *key)
{
	return tls_client_session(
	    client, &(struct tls_client_options){
			.host = host, .verify = verify, .key = key });
}

static inline void
shake_hands(SSL *ssl)
{
	start_tls(&b, tls_server_session(server));
	start_tls(&a, ssl);
	while (a.asks || b.asks)
		turn();
}

/* A pair, with TLS or without. */
static inline void
begin(bool tls)
{
	connect_pair();
	if (!tls)
		return;
	shake_hands(client_session("relay.test", false, NULL));
	ck_assert(a.status == STREAM_OK && b.status == STREAM_OK);
	a.answers = b.answers = 0;
}

static inline void
finish(void)
{
	if (a.stream != NULL && !a.is_closed)
		end_close(&a);
	if (b.stream != NULL && !b.is_closed)
		end_close(&b);
	end_wait_closed(&a);
	end_wait_closed(&b);
	buf_clear(&a.got);
	buf_clear(&b.got);
}

static inline struct tls_server *
make_server(const struct cert *certs, size_t n)
{
	struct conf_certificate list[2];
	struct conf conf = { .certificates = list, .ncertificates = n };
	struct tls_server *t;
	struct err err;

	for (size_t i = 0; i < n; i++)
		list[i] = (struct conf_certificate){
			.certificate = (char *)(uintptr_t)certs[i].certificate,
			.key = (char *)(uintptr_t)certs[i].key,
		};
	t = tls_server_new(&conf, &err);
	ck_assert_msg(t != NULL, "%s", err.text);
	return t;
}

static inline void
pair_setup(void)
{
	struct err err;

	(void)signal(SIGPIPE, SIG_IGN); /* as the relay does */
	loop = loop_new();
	is_late = false;
	patience = deadline_new(loop, on_late, NULL);
	deadline_set(patience, PATIENCE_MS);
	cert_make(&cert, "relay.test", 90);
	/* Where a client looks for whom it trusts. */
	ck_assert_int_eq(setenv("SSL_CERT_FILE", cert.certificate, 1), 0);
	server = make_server(&cert, 1);
	client = tls_client_new(NULL, &err);
	ck_assert_ptr_nonnull(client);
}

static inline void
pair_teardown(void)
{
	tls_server_unref(server);
	tls_client_free(client);
	deadline_close(patience);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	cert_remove(&cert);
}

#endif
