#include "wire_priv.h"

#include <assert.h>
#include <errno.h>
#include <openssl/bio.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	RECORD_MOST = 17 * 1024, /* a TLS record with all it may carry */
	GATHER_MOST = 64 * 1024, /* then it is sent without being asked */
	LARGE = 8 * 1024, /* of such, more will come: room for all at once */
};

struct wire {
	int fd; /* borrowed: the stream closes it after its SSL */
	struct buf out;
	bool dry; /* the kernel had no more: nothing until it tells */
};

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

/* 0: sent, or the peer takes no more now. */
static int
send_gathered(struct wire *w)
{
	while (buf_len(&w->out) > 0) {
		struct span s = buf_span(&w->out);
		ssize_t n = send(w->fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n == -1) {
			int rc = -errno;

			buf_clear(&w->out);
			return rc;
		}
		buf_consume(&w->out, (size_t)n);
	}
	buf_clear(&w->out); /* an idle connection holds no buffer */
	return 0;
}

static int
on_write(BIO *bio, const char *data, int len)
{
	struct wire *w = BIO_get_data(bio);
	int rc = 0;

	BIO_clear_retry_flags(bio);
	if (buf_len(&w->out) + (size_t)len > GATHER_MOST)
		rc = send_gathered(w);
	if (rc != 0) {
		errno = -rc;
		return -1;
	}
	if (wire_is_full(bio)) {
		BIO_set_retry_write(bio);
		errno = EAGAIN;
		return -1;
	}
	if (len > LARGE && w->out.data == NULL)
		(void)buf_reserve(&w->out, w->out.max);
	/* OpenSSL writes a record, or a flight of 4 KiB pieces, at a time. */
	if (!buf_append(&w->out, data, (size_t)len)) {
		errno = EMSGSIZE;
		return -1;
	}
	return len;
}

/* It reads ahead: `len` is more than the record that it needs now. */
static int
on_read(BIO *bio, char *data, int len)
{
	struct wire *w = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (w->dry) {
		BIO_set_retry_read(bio);
		errno = EAGAIN;
		return -1;
	}
	do {
		n = recv(w->fd, data, (size_t)len, 0);
	} while (n == -1 && errno == EINTR);
	w->dry = n > 0 ? n < len : n == -1 && errno == EAGAIN;
	if (n == -1 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	if (n == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return (int)n;
}

static long
on_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct wire *w = BIO_get_data(bio);

	(void)num, (void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH: return 1; /* wire_flush() does, when it is time */
	case BIO_CTRL_WPENDING: return (long)buf_len(&w->out);
	case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	default: return 0;
	}
}

static int
on_destroy(BIO *bio)
{
	struct wire *w = BIO_get_data(bio);

	buf_clear(&w->out);
	free(w);
	return 1;
}

static void
make_method(void)
{
	method = BIO_meth_new(
	    BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "postern wire");
	assert(method != NULL);
	(void)BIO_meth_set_write(method, on_write);
	(void)BIO_meth_set_read(method, on_read);
	(void)BIO_meth_set_ctrl(method, on_ctrl);
	(void)BIO_meth_set_destroy(method, on_destroy);
}

BIO *
wire_new(int fd)
{
	struct wire *w = MEM_NEW(struct wire);
	BIO *bio;

	(void)pthread_once(&method_once, make_method);
	bio = BIO_new(method);
	assert(bio != NULL);
	w->fd = fd;
	w->out.max = GATHER_MOST + RECORD_MOST;
	BIO_set_data(bio, w);
	BIO_set_init(bio, 1);
	return bio;
}

int
wire_flush(BIO *bio)
{
	struct wire *w = BIO_get_data(bio);

	return buf_len(&w->out) == 0 ? 0 : send_gathered(w);
}

void
wire_look_again(BIO *bio)
{
	struct wire *w = BIO_get_data(bio);

	w->dry = false;
}

bool
wire_is_waiting(BIO *bio)
{
	struct wire *w = BIO_get_data(bio);

	return buf_len(&w->out) > 0;
}

bool
wire_is_full(BIO *bio)
{
	struct wire *w = BIO_get_data(bio);

	return buf_len(&w->out) > GATHER_MOST;
}
