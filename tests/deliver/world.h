/*
 * world: what a lane stands on, made up: a clock, streams that end in buffers, a
 * spool with one content. Nothing waits; time passes when a test says so. Replaces
 * the functions of the same names in the library.
 */
#ifndef TESTS_DELIVER_WORLD_H
#define TESTS_DELIVER_WORLD_H

#include "tests/lib/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "deliver/lane_io.h"
#include "deliver/peers.h"
#include "deliver/signer_io.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "io/work.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "sched/target.h"
#include "sign/signature.h"
#include "spool/content.h"
#include "spool/spool.h"

enum { STREAMS_MAX = 8, DEADLINES_MAX = 32 };

struct deadline {
	uint64_t due; /* 0: not set */
	deadline_cb cb;
	void *arg;
	bool is_open;
};

struct stream {
	uint16_t port; /* where it goes to */
	bool is_up, is_closing, is_gone, has_tls;
	stream_cb cb; /* what its owner waits for; NULL: nothing */
	void *arg;
	void (*closed)(void *arg);
	void *closed_arg;
	struct buf in, out;
	struct buf last; /* what it said before it broke */
};

static uint64_t now;
static struct deadline deadlines[DEADLINES_MAX];
static struct stream streams[STREAMS_MAX];
static int nstreams, ndeadlines;
static bool no_descriptors;
static spool_fetch_cb fetch_cb; /* somebody waits for content */
static void *fetch_arg;
static work_cb work_done; /* a piece of content is being read */
static void *work_arg;
static unsigned contents; /* references held */

/* --- time --- */

uint64_t
loop_now(const struct loop *loop)
{
	(void)loop;
	return now;
}

struct deadline *
deadline_new(struct loop *loop, deadline_cb cb, void *arg)
{
	struct deadline *d = &deadlines[ndeadlines++];

	(void)loop;
	ck_assert_int_le(ndeadlines, DEADLINES_MAX);
	*d = (struct deadline){ .cb = cb, .arg = arg, .is_open = true };
	return d;
}

void
deadline_set(struct deadline *d, uint64_t ms)
{
	ck_assert(d->is_open);
	d->due = now + (ms == 0 ? 1 : ms);
}

void
deadline_cancel(struct deadline *d)
{
	d->due = 0;
}

void
deadline_close(struct deadline *d)
{
	d->due = 0;
	d->is_open = false;
}

static inline struct deadline *
next_due(uint64_t until)
{
	struct deadline *next = NULL;

	for (int i = 0; i < ndeadlines; i++)
		if (deadlines[i].due != 0 && deadlines[i].due <= until &&
		    (next == NULL || deadlines[i].due < next->due))
			next = &deadlines[i];
	return next;
}

/* What is due meanwhile happens. */
static inline void
pass(uint64_t ms)
{
	uint64_t until = now + ms;
	struct deadline *d;

	while ((d = next_due(until)) != NULL) {
		now = d->due;
		d->due = 0;
		d->cb(d->arg);
	}
	now = until;
}

/* --- streams, as their owner calls them --- */

struct stream *
stream_connect(struct loop *loop, const struct sockaddr *to, socklen_t len,
    stream_cb cb, void *arg)
{
	struct stream *s = &streams[nstreams];

	(void)loop;
	ck_assert_uint_eq(len, to->sa_family == AF_INET6
				   ? sizeof(struct sockaddr_in6)
				   : sizeof(struct sockaddr_in));
	if (no_descriptors)
		return NULL;
	nstreams++;
	ck_assert_int_le(nstreams, STREAMS_MAX);
	*s = (struct stream){ .port = ntohs(
				  ((const struct sockaddr_in *)to)->sin_port),
		.cb = cb,
		.arg = arg,
		.in.max = 1 << 20,
		.out.max = 1 << 20 };
	return s;
}

void
stream_read(struct stream *s, stream_cb cb, void *arg)
{
	ck_assert(s->cb == NULL && s->is_up && !s->is_closing);
	s->cb = cb;
	s->arg = arg;
}

void
stream_drain(struct stream *s, stream_cb cb, void *arg)
{
	stream_read(s, cb, arg);
}

void
stream_start_tls(struct stream *s, struct ssl_st *ssl, stream_cb cb, void *arg)
{
	(void)ssl;
	buf_clear(&s->in);
	stream_read(s, cb, arg);
	s->has_tls = true;
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
stream_put(struct stream *s, struct span bytes)
{
	ck_assert(!s->is_closing);
	(void)buf_append_span(&s->out, bytes);
}

void
stream_flush(struct stream *s)
{
	(void)s;
}

bool
stream_last_words(struct stream *s)
{
	bool has_some = buf_len(&s->last) > 0;

	(void)buf_append_span(&s->in, buf_span(&s->last));
	buf_clear(&s->last);
	return has_some;
}

const char *
stream_error(const struct stream *s)
{
	return s->is_up ? "reset by peer" : "connection refused";
}

const char *
stream_tls_version(const struct stream *s)
{
	return s->has_tls ? "TLSv1.3" : "";
}

void
stream_close(struct stream *s, void (*closed)(void *arg), void *arg)
{
	ck_assert(!s->is_closing);
	s->is_closing = true;
	s->cb = NULL;
	s->closed = closed;
	s->closed_arg = arg;
}

struct ssl_st *
tls_client_session(struct tls_client *t, const struct tls_client_options *o)
{
	(void)t;
	(void)o;
	return NULL;
}

/* --- the pool and the spool --- */

static enum spool_status room; /* what spool_room() says */

enum spool_status
spool_room(struct spool *s, uint64_t size)
{
	(void)s;
	(void)size;
	return room;
}

int
spool_scratch(struct spool *s, struct err *err)
{
	(void)s;
	(void)err;
	return memfd_create("scratch", MFD_CLOEXEC);
}

void
work_run(struct loop *loop, work_cb run, work_cb done, void *arg)
{
	(void)loop;
	run(arg);
	work_done = done;
	work_arg = arg;
}

void
spool_fetch_to_send(struct spool *s, uint64_t id, struct loop *loop,
    spool_fetch_cb cb, void *arg)
{
	(void)s;
	(void)id;
	(void)loop;
	fetch_cb = cb;
	fetch_arg = arg;
}

/* --- signatures: there are none, unless a test asks for one, now or later --- */

struct signature {
	unsigned refs;
};
static struct signature the_signature;
static enum { UNSIGNED, SIGNED_NOW, SIGNED_LATER } signing;
static signer_cb signer_waits; /* somebody waits for it */
static void *signer_arg;

bool
signer_ask(struct signer *s, const struct signer_request *r, struct loop *loop,
    signer_cb cb, void *arg, struct signature **out)
{
	(void)s;
	(void)r;
	(void)loop;
	*out = NULL;
	if (signing == SIGNED_NOW) {
		the_signature.refs++;
		*out = &the_signature;
	}
	if (signing == SIGNED_LATER) {
		signer_waits = cb;
		signer_arg = arg;
	}
	return signing != SIGNED_LATER;
}

static inline void
is_signed(void)
{
	signer_cb cb = signer_waits;

	ck_assert_ptr_nonnull(cb);
	signer_waits = NULL;
	the_signature.refs++;
	cb(&the_signature, signer_arg);
}

void
signature_unref(struct signature *s)
{
	if (s != NULL)
		s->refs--;
}

struct span
signature_text(const struct signature *s)
{
	return s == NULL ? SPAN("") : SPAN("DKIM-Signature: x\r\n");
}

/* Some words, in memory or in a file whose pieces have to be waited for. */
struct content {
	unsigned refs;
	bool in_file, is_damaged;
	struct buf text; /* owned */
};
static struct span content_text = { "hello\r\n", 7 }; /* of those to come */

static inline struct content *
content_make(bool in_file)
{
	struct content *c = MEM_NEW(struct content);

	c->text.max = 64 << 20;
	(void)buf_append_span(&c->text, content_text);
	c->in_file = in_file;
	c->refs = 1;
	contents++;
	return c;
}

struct content *
content_new_take(struct buf *head, struct buf *body)
{
	struct content *c = content_make(false);

	ck_assert_uint_eq(buf_len(head), 0);
	buf_clear(&c->text);
	c->text = buf_take(body);
	return c;
}

struct content *
content_new_file(int fd, uint64_t offset, uint64_t size)
{
	struct content *c = content_make(true);

	buf_reset(&c->text);
	buf_added(&c->text, (size_t)pread(fd, buf_reserve(&c->text, size), size,
				(off_t)offset));
	ck_assert_uint_eq(buf_len(&c->text), size);
	(void)close(fd);
	return c;
}

struct content *
content_ref(struct content *c)
{
	c->refs++;
	contents++;
	return c;
}

void
content_unref(struct content *c)
{
	if (c == NULL)
		return;
	contents--;
	if (--c->refs > 0)
		return;
	buf_clear(&c->text);
	free(c);
}

uint64_t
content_size(const struct content *c)
{
	return buf_len(&c->text);
}

bool
content_is_in_memory(const struct content *c)
{
	return !c->in_file;
}

int
content_pieces(const struct content *c, uint64_t offset, struct span out[2])
{
	ck_assert(!c->in_file);
	out[0] = span_from(buf_span(&c->text), offset);
	return 1;
}

/* Of a file, three octets at a time; the first ones have to be waited for. */
int64_t
content_next(struct content_reader *r, const struct content *c, void *dst,
    size_t len, struct err *err)
{
	struct span s = span_from(buf_span(&c->text), r->at);

	ck_assert(len >= 3);
	s = span_to(s, c->in_file ? 3 : len);
	if (r->now && r->at == 0)
		return -EAGAIN;
	if (c->is_damaged && r->at > 0)
		return err_set(err, -EBADMSG, "it is damaged");
	memcpy(dst, s.ptr, s.len);
	r->at += s.len;
	return (int64_t)s.len;
}

/* --- streams, as the other side has them --- */

static inline void
answer_stream(struct stream *s, enum stream_status status)
{
	stream_cb cb = s->cb;

	ck_assert_ptr_nonnull(cb);
	s->cb = NULL;
	cb(status, s->arg);
}

static inline void
comes_up(int i)
{
	streams[i].is_up = true;
	answer_stream(&streams[i], STREAM_OK);
}

static inline void
refuses(int i)
{
	answer_stream(&streams[i], STREAM_BROKEN);
}

/* The host took what was sent. */
static inline void
drains(int i)
{
	answer_stream(&streams[i], STREAM_OK);
}

static inline void
says(int i, const char *text)
{
	(void)buf_append_text(&streams[i].in, text);
	answer_stream(&streams[i], STREAM_OK);
}

static inline void
hangs_up(int i)
{
	answer_stream(&streams[i], STREAM_END);
}

/* All that it was sent since. */
static inline void
heard(int i, const char *want)
{
	ck_assert_msg(span_equal(buf_span(&streams[i].out), span_text(want)),
	    "it heard: %.*s", SPAN_ARG(buf_span(&streams[i].out)));
	buf_clear(&streams[i].out);
}

/* What is closing is closed. */
static inline void
close_all(void)
{
	for (int i = 0; i < nstreams; i++) {
		struct stream *s = &streams[i];

		if (!s->is_closing || s->is_gone)
			continue;
		s->is_gone = true;
		buf_clear(&s->in);
		buf_clear(&s->out);
		s->closed(s->closed_arg);
	}
}

#endif
