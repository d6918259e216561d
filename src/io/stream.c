/*
 * A stream polls its descriptor and talks to it (or to OpenSSL, which does)
 * itself, so that plaintext is copied once: from the record into `in`. Output
 * is gathered in `out` in clear and, behind OpenSSL, in `wire`.
 *
 *   CONNECTING -> OPEN -> HANDSHAKE -> OPEN -> CLOSING -> (freed)
 *
 * One asker at a time: `cb` is what the owner waits for, `want` says what for.
 * update_poll() derives from this what to poll for; it is the only place that
 * does.
 */
#include "io/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/tls.h"
#include "io/tls_peer.h"
#include "wire_priv.h"

enum {
	READ_SIZE = 16 * 1024,
	READ_ENOUGH = 4 * 1024, /* room that is worth a read */
	IN_MAX = 64 * 1024,
	GATHER_MAX = 16 * 1024, /* output held back before it is sent */
	OUT_MAX = 4 * 1024 * 1024,
	CLOSE_WAIT_MS = 5000,
	SMALL = 1024,
};

enum phase { CONNECTING, OPEN, HANDSHAKE, CLOSING };
enum want { WANT_NOTHING, WANT_INPUT, WANT_DRAIN, WANT_CONNECT, WANT_TLS };

struct stream {
	uv_poll_t poll;
	struct loop *loop; /* borrowed: streams close before their loop */
	int fd;
	enum phase phase;
	enum want want;
	int polled; /* events the poll is set to */
	bool tls_is_dry; /* what it holds is no whole record */
	bool tls_wants_write; /* a TLS read or handshake waits for room */
	bool broken;
	bool has_heard;
	bool is_stranger;
	bool kick; /* `idle` runs: call back from the loop */
	bool settles; /* `idle` runs: look what to poll for */
	SSL *ssl; /* owned */
	BIO *wire; /* borrowed: the SSL has it; NULL: no TLS */
	struct buf in, out;
	stream_cb cb;
	void *arg;
	uv_idle_t idle; /* for answers that are there already */
	struct deadline *close_limit; /* owned */
	void (*closed)(void *arg);
	void *closed_arg;
	int handles; /* still to be closed */
	char error[160];
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_idle(uv_idle_t *idle);
static void send_last(struct stream *s);
static void finish_close(struct stream *s);

static bool
has_output(const struct stream *s)
{
	return buf_len(&s->out) > 0 ||
	       (s->wire != NULL && wire_is_waiting(s->wire));
}

static void
update_poll(struct stream *s)
{
	int events = 0;
	int rc;

	if (s->phase == CONNECTING || has_output(s) || s->tls_wants_write)
		events |= UV_WRITABLE;
	if (s->phase == HANDSHAKE && !s->tls_wants_write)
		events |= UV_READABLE;
	if (s->phase == OPEN && !has_output(s) &&
	    (s->want == WANT_INPUT || (s->polled & UV_READABLE)))
		events |= UV_READABLE;
	if (s->broken)
		events = 0;
	if (events == s->polled)
		return;
	s->polled = events;
	rc = events == 0 ? uv_poll_stop(&s->poll)
			 : uv_poll_start(&s->poll, events, on_poll);
	assert(rc == 0);
}

static void
answer(struct stream *s, enum stream_status status)
{
	stream_cb cb = s->cb;

	s->has_heard |= status == STREAM_OK && s->want != WANT_CONNECT;
	s->want = WANT_NOTHING;
	s->cb = NULL;
	if (cb != NULL)
		cb(status, s->arg);
}

static void
answer_later(struct stream *s)
{
	if (s->kick)
		return;
	s->kick = true;
	(void)uv_idle_start(&s->idle, on_idle);
}

static void
break_stream(struct stream *s, const char *why)
{
	if (!s->broken)
		(void)snprintf(s->error, sizeof s->error, "%s", why);
	s->broken = true;
	buf_clear(&s->out);
	update_poll(s);
	/* A write may fail while somebody waits for input. */
	if (s->want != WANT_NOTHING)
		answer_later(s);
}

static void
break_tls(struct stream *s, int rc)
{
	char why[160];

	tls_error_text(s->ssl, rc, why, sizeof why);
	break_stream(s, why);
}

/* --- output --- */

/* Sends from `bytes`; returns how many went, 0 when the peer takes none. */
static size_t
send_some(struct stream *s, struct span bytes)
{
	ssize_t n;
	int rc;

	if (s->ssl == NULL || s->phase == CONNECTING) {
		n = send(s->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		if (n >= 0)
			return (size_t)n;
		if (errno != EAGAIN && errno != EINTR)
			break_stream(s, strerror(errno));
		return 0;
	}
	ERR_clear_error();
	rc = SSL_write(s->ssl, bytes.ptr,
	    bytes.len > INT32_MAX ? INT32_MAX : (int)bytes.len);
	if (rc > 0)
		return (size_t)rc;
	if (SSL_get_error(s->ssl, rc) != SSL_ERROR_WANT_WRITE &&
	    SSL_get_error(s->ssl, rc) != SSL_ERROR_WANT_READ)
		break_tls(s, rc);
	return 0;
}

/* Sends what OpenSSL wrote. */
static void
send_records(struct stream *s)
{
	int rc = s->wire == NULL ? 0 : wire_flush(s->wire);

	if (rc != 0)
		break_stream(s, strerror(-rc));
}

/* From `out` to the peer, or with TLS as far as the wire. */
static void
write_out(struct stream *s)
{
	while (!s->broken && buf_len(&s->out) > 0) {
		size_t n = send_some(s, buf_span(&s->out));

		if (n == 0)
			break;
		buf_consume(&s->out, n);
	}
	if (buf_len(&s->out) == 0)
		buf_clear(&s->out);
}

static void
send_out(struct stream *s)
{
	write_out(s);
	send_records(s);
}

void
stream_put(struct stream *s, struct span bytes)
{
	if (s->broken)
		return;
	if (buf_len(&s->out) + bytes.len > GATHER_MAX && s->phase == OPEN) {
		write_out(s);
		while (!s->broken && buf_len(&s->out) == 0 &&
		       bytes.len >= GATHER_MAX) {
			size_t n = send_some(s, bytes);

			if (n == 0)
				break;
			bytes = span_from(bytes, n);
		}
	}
	if (!s->broken && !buf_append_span(&s->out, bytes))
		break_stream(s, "peer does not take what is sent");
}

void
stream_flush(struct stream *s)
{
	if (s->phase == OPEN)
		send_out(s);
	update_poll(s);
}

/* --- input --- */

/*
 * Room for input; a second look, which mostly finds nothing, takes what is left
 * of the first one's. NULL: full, the owner must take some first.
 */
static char *
input_room(struct stream *s, size_t *len)
{
	*len = s->in.cap - s->in.tail;
	if (*len < READ_ENOUGH || buf_len(&s->in) + *len > s->in.max) {
		*len = READ_SIZE;
		return buf_reserve(&s->in, READ_SIZE);
	}
	if (*len > READ_SIZE)
		*len = READ_SIZE;
	return s->in.data + s->in.tail;
}

/* 1 bytes came, 0 nothing yet, -1 end, -2 broken. */
static int
read_some(struct stream *s)
{
	size_t len;
	char *room = input_room(s, &len);
	ssize_t n;
	int rc;

	if (room == NULL)
		return 1;
	if (s->ssl == NULL) {
		n = recv(s->fd, room, len, 0);
		if (n > 0) {
			buf_added(&s->in, (size_t)n);
			return 1;
		}
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n == -1)
			break_stream(s, strerror(errno));
		return n == 0 ? -1 : -2;
	}
	ERR_clear_error();
	rc = SSL_read(s->ssl, room, (int)len);
	if (rc > 0) {
		s->tls_is_dry = false;
		buf_added(&s->in, (size_t)rc);
		return 1;
	}
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ: s->tls_is_dry = true; return 0;
	case SSL_ERROR_WANT_WRITE: s->tls_wants_write = true; return 0;
	case SSL_ERROR_ZERO_RETURN: return -1;
	default: break_tls(s, rc); return -2;
	}
}

/* What has been read already, the poll will not tell of. */
static bool
tls_holds_input(const struct stream *s)
{
	return s->ssl != NULL && !s->tls_is_dry &&
	       (SSL_has_pending(s->ssl) == 1 ||
		   (SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
}

/* Reads what one call to the kernel brings, or until the buffer is full. */
static int
fill(struct stream *s)
{
	size_t before = buf_len(&s->in);
	bool more;
	int rc;

	do {
		rc = read_some(s);
		more = rc == 1 && tls_holds_input(s) &&
		       buf_len(&s->in) + READ_SIZE <= IN_MAX;
		/* Behind a full record are others: room for all at once. */
		if (more && buf_len(&s->in) >= READ_SIZE)
			(void)buf_reserve(&s->in, IN_MAX - buf_len(&s->in));
	} while (more);
	send_records(s); /* an alert, an answer to a change of keys */
	if (buf_len(&s->in) > before)
		return 1;
	if (buf_len(&s->in) == 0)
		buf_clear(&s->in);
	return rc;
}

static void
read_and_answer(struct stream *s)
{
	int rc = fill(s);

	update_poll(s);
	if (rc == 1)
		answer(s, STREAM_OK);
	else if (rc == -1)
		answer(s, STREAM_END);
	else if (rc == -2)
		answer(s, STREAM_BROKEN);
}

void
stream_read(struct stream *s, stream_cb cb, void *arg)
{
	assert(s->want == WANT_NOTHING && s->phase == OPEN);
	s->want = WANT_INPUT;
	s->cb = cb;
	s->arg = arg;
	/* Half a command keeps no more than it needs. */
	if (buf_len(&s->in) == 0)
		buf_clear(&s->in);
	else if (buf_len(&s->in) < SMALL)
		buf_fit(&s->in);
	send_out(s);
	update_poll(s);
	if (s->broken || (!has_output(s) && tls_holds_input(s)))
		answer_later(s);
}

struct span
stream_input(const struct stream *s)
{
	return buf_span(&s->in);
}

void
stream_consume(struct stream *s, size_t len)
{
	buf_consume(&s->in, len);
}

void
stream_drain(struct stream *s, stream_cb cb, void *arg)
{
	assert(s->want == WANT_NOTHING && s->phase == OPEN);
	s->want = WANT_DRAIN;
	s->cb = cb;
	s->arg = arg;
	send_out(s);
	update_poll(s);
	if (s->broken || !has_output(s))
		answer_later(s);
}

bool
stream_last_words(struct stream *s)
{
	size_t before = buf_len(&s->in);

	assert(s->want == WANT_NOTHING);
	if (!s->broken || s->phase != OPEN)
		return false;
	if (s->wire != NULL)
		wire_look_again(s->wire);
	(void)fill(s);
	return buf_len(&s->in) > before;
}

/* --- TLS --- */

/*
 * OpenSSL keeps what it reads ahead into, 33 KiB, until a read finds nothing.
 * Who only shakes hands would hold it for as long as he may stay.
 */
static void
let_go_of_buffers(struct stream *s)
{
	char first;

	if (!SSL_is_server(s->ssl))
		return; /* it reads the greeting next */
	ERR_clear_error();
	(void)SSL_peek(s->ssl, &first, 1);
	ERR_clear_error(); /* what is wrong, the next read says again */
}

static void
shake_hands(struct stream *s)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(s->ssl);
	s->tls_wants_write = false;
	if (rc == 1) {
		/*
		 * What ends it leaves with the first words behind it, which
		 * its owner has now, or else on_idle() sees to it.
		 */
		s->phase = OPEN;
		let_go_of_buffers(s);
		s->settles = true;
		(void)uv_idle_start(&s->idle, on_idle);
		answer(s, STREAM_OK);
		return;
	}
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ: break;
	case SSL_ERROR_WANT_WRITE: s->tls_wants_write = true; break;
	default: break_tls(s, rc); break;
	}
	send_records(s);
	update_poll(s);
	if (s->broken)
		answer(s, STREAM_BROKEN);
}

void
stream_start_tls(struct stream *s, SSL *ssl, stream_cb cb, void *arg)
{
	assert(s->want == WANT_NOTHING && s->phase == OPEN && s->ssl == NULL);
	send_out(s); /* in clear: our "220 go ahead" fits any send buffer */
	buf_clear(&s->in);
	s->want = WANT_TLS;
	s->cb = cb;
	s->arg = arg;
	s->ssl = ssl;
	s->wire = wire_new(s->fd);
	SSL_set_bio(ssl, s->wire, s->wire);
	if (buf_len(&s->out) > 0)
		break_stream(s, "peer does not take what is sent");
	s->phase = HANDSHAKE;
	update_poll(s);
	/* A server begins when there is something: the poll tells. */
	if (!SSL_is_server(ssl))
		answer_later(s);
}

bool
stream_has_tls(const struct stream *s)
{
	return s->ssl != NULL;
}

void
stream_peer(const struct stream *s, struct tls_peer *out)
{
	*out = (struct tls_peer){ .is_there = false };
	if (s->ssl != NULL)
		tls_peer_get(s->ssl, out);
}

bool
stream_has_heard(const struct stream *s)
{
	return s->has_heard ||
	       (s->wire != NULL && BIO_number_read(s->wire) > 0);
}

void
stream_set_stranger(struct stream *s, bool is_stranger)
{
	s->is_stranger = is_stranger;
}

void
stream_send_ticket(struct stream *s)
{
	if (s->ssl == NULL || s->broken || SSL_version(s->ssl) < TLS1_3_VERSION)
		return;
	ERR_clear_error();
	(void)SSL_new_session_ticket(s->ssl);
}

bool
stream_is_resumed(const struct stream *s)
{
	return s->ssl != NULL && SSL_session_reused(s->ssl);
}

const char *
stream_tls_version(const struct stream *s)
{
	return s->ssl == NULL ? "" : SSL_get_version(s->ssl);
}

const char *
stream_tls_cipher(const struct stream *s)
{
	const SSL_CIPHER *c =
	    s->ssl == NULL ? NULL : SSL_get_current_cipher(s->ssl);
	const char *name = c == NULL ? NULL : SSL_CIPHER_standard_name(c);

	return name == NULL ? "" : name;
}

bool
stream_can_bind(const struct stream *s)
{
	return s->ssl != NULL && tls_can_bind(s->ssl);
}

const char *
stream_tls_binding(const struct stream *s, unsigned char out[64], size_t *len)
{
	*len = 0;
	return stream_can_bind(s) ? tls_binding(s->ssl, out, len) : NULL;
}

size_t
stream_tls_end_point(const struct stream *s, unsigned char out[64])
{
	return stream_can_bind(s) ? tls_end_point(s->ssl, out) : 0;
}

const char *
stream_error(const struct stream *s)
{
	return s->error[0] == '\0' ? "connection closed" : s->error;
}

/* --- events --- */

static void
on_connected(struct stream *s)
{
	socklen_t len = sizeof(int);
	int why = 0;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &why, &len) == -1)
		why = errno;
	if (why == EINPROGRESS)
		return;
	s->phase = OPEN;
	if (why != 0)
		break_stream(s, strerror(why));
	update_poll(s);
	answer(s, why == 0 ? STREAM_OK : STREAM_BROKEN);
}

static void
on_writable(struct stream *s)
{
	s->tls_wants_write = false;
	if (s->phase == CLOSING)
		send_last(s);
	else
		send_out(s);
	update_poll(s);
	if (s->phase == CLOSING) {
		if (s->broken || !has_output(s))
			finish_close(s);
		return;
	}
	if (s->want == WANT_DRAIN && (s->broken || !has_output(s)))
		answer(s, s->broken ? STREAM_BROKEN : STREAM_OK);
	else if (s->want == WANT_INPUT && s->broken)
		answer(s, STREAM_BROKEN);
	else if (s->want == WANT_INPUT && !has_output(s) && tls_holds_input(s))
		read_and_answer(s);
}

static void
on_readable(struct stream *s)
{
	s->tls_is_dry = false;
	if (s->want == WANT_INPUT && !has_output(s)) {
		read_and_answer(s);
		return;
	}
	/* Nobody asks for it now: stop looking until somebody does. */
	s->polled &= ~UV_READABLE;
	(void)uv_poll_stop(&s->poll);
	if (s->polled != 0)
		(void)uv_poll_start(&s->poll, s->polled, on_poll);
}

static void
take_events(struct stream *s, int status, int events)
{
	/*
	 * An error on the socket shows in a call that is made next: perhaps
	 * not the first, which still gets what came before it. libuv has
	 * stopped the poll.
	 */
	if (status < 0) {
		events = s->polled;
		s->polled = 0;
	}
	if (s->wire != NULL && (events & UV_READABLE) != 0)
		wire_look_again(s->wire);
	if (s->phase == CONNECTING)
		on_connected(s);
	else if (s->phase == HANDSHAKE)
		shake_hands(s);
	else if (events & UV_WRITABLE)
		on_writable(s);
	else if (events & UV_READABLE)
		on_readable(s);
}

/* The poll tells of it again as long as it is not done. */
static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct stream *s = poll->data;
	struct loop *loop = s->loop;
	uint64_t began;

	loop_awake(loop);
	if (!s->is_stranger || status < 0) {
		take_events(s, status, events);
		return;
	}
	if (!loop_has_time_for_strangers(loop))
		return;
	began = loop_clock();
	take_events(s, status, events);
	loop_used_by_stranger(loop, began);
}

static void
on_idle(uv_idle_t *idle)
{
	struct stream *s = idle->data;

	if (s->is_stranger && !loop_has_time_for_strangers(s->loop))
		return;
	(void)uv_idle_stop(idle);
	if (s->settles) {
		s->settles = false;
		update_poll(s);
	}
	if (!s->kick)
		return;
	s->kick = false;
	switch (s->want) {
	case WANT_NOTHING: return;
	case WANT_TLS:
		if (s->broken)
			answer(s, STREAM_BROKEN);
		else
			shake_hands(s);
		return;
	case WANT_CONNECT: answer(s, STREAM_BROKEN); return;
	case WANT_DRAIN:
		/* It may have been started for a read: on_writable() answers. */
		if (s->broken || !has_output(s))
			answer(s, s->broken ? STREAM_BROKEN : STREAM_OK);
		return;
	case WANT_INPUT:
		if (s->broken)
			answer(s, STREAM_BROKEN);
		else
			read_and_answer(s);
		return;
	}
}

/* --- making and closing --- */

struct stream *
stream_new(struct loop *loop, int fd)
{
	struct stream *s = MEM_NEW(struct stream);
	int one = 1, rc;

	s->loop = loop;
	s->fd = fd;
	s->phase = OPEN;
	s->in.max = IN_MAX + READ_SIZE;
	s->out.max = OUT_MAX;
	/* Replies are small and waited for. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	rc = uv_poll_init(loop_uv(loop), &s->poll, fd);
	assert(rc == 0);
	s->poll.data = s;
	(void)uv_idle_init(loop_uv(loop), &s->idle);
	s->idle.data = s;
	s->handles = 2;
	return s;
}

struct stream *
stream_connect(struct loop *loop, const struct sockaddr *to, socklen_t len,
    stream_cb cb, void *arg)
{
	int fd = socket(
	    to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int why = fd == -1 ? errno : 0;
	struct stream *s;

	if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM)
		return NULL;
	if (fd == -1) {
		/* No such family: a pair of our own lets it fail like others. */
		int pair[2];

		if (socketpair(AF_UNIX,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			pair) == -1)
			return NULL;
		(void)close(pair[1]);
		fd = pair[0];
	}
	s = stream_new(loop, fd);
	s->want = WANT_CONNECT;
	s->cb = cb;
	s->arg = arg;
	s->phase = CONNECTING;
	if (why == 0 && connect(fd, to, len) == -1 && errno != EINPROGRESS)
		why = errno;
	if (why != 0) {
		break_stream(s, strerror(why));
		answer_later(s);
	}
	update_poll(s);
	return s;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct stream *s = handle->data;
	void (*closed)(void *arg) = s->closed;
	void *arg = s->closed_arg;

	if (--s->handles > 0)
		return;
	SSL_free(s->ssl);
	(void)close(s->fd);
	buf_clear(&s->in);
	buf_clear(&s->out);
	free(s);
	closed(arg);
}

/*
 * Unread input at close() makes the kernel send a reset, which can destroy our
 * last reply on its way; so some of it is read away.
 */
static void
read_away(struct stream *s)
{
	char waste[4096];

	for (int i = 0; i < 16; i++)
		if (recv(s->fd, waste, sizeof waste, 0) <= 0)
			return;
}

/* What waits, and behind it TLS's own word of the end, in one call. */
static void
send_last(struct stream *s)
{
	write_out(s);
	/* Refused by a full wire, it would not be written a second time. */
	if (s->wire != NULL && wire_is_full(s->wire))
		send_records(s);
	if (s->ssl != NULL && !s->broken && buf_len(&s->out) == 0 &&
	    SSL_is_init_finished(s->ssl) && !wire_is_full(s->wire) &&
	    (SSL_get_shutdown(s->ssl) & SSL_SENT_SHUTDOWN) == 0) {
		ERR_clear_error();
		(void)SSL_shutdown(s->ssl);
		ERR_clear_error();
	}
	send_records(s);
}

static void
finish_close(struct stream *s)
{
	deadline_close(s->close_limit);
	s->close_limit = NULL;
	(void)shutdown(s->fd, SHUT_WR);
	read_away(s);
	uv_close((uv_handle_t *)&s->poll, on_handle_closed);
	uv_close((uv_handle_t *)&s->idle, on_handle_closed);
}

static void
on_close_limit(void *arg)
{
	struct stream *s = arg;

	break_stream(s, "peer does not take what is sent");
	finish_close(s);
}

void
stream_close(struct stream *s, void (*closed)(void *arg), void *arg)
{
	assert(s->phase != CLOSING);
	if (s->phase != OPEN)
		s->broken = true; /* nothing that could still be sent */
	s->phase = CLOSING;
	s->want = WANT_NOTHING;
	s->cb = NULL;
	send_last(s);
	s->closed = closed;
	s->closed_arg = arg;
	(void)uv_idle_stop(&s->idle);
	update_poll(s);
	if (s->broken || !has_output(s)) {
		finish_close(s);
		return;
	}
	s->close_limit = deadline_new(s->loop, on_close_limit, s);
	deadline_set(s->close_limit, CLOSE_WAIT_MS);
}
