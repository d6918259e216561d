#include "spool/content.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "content_file_priv.h"

enum { VERIFY_CHUNK = 256 * 1024 };

struct content_budget {
	atomic_uint refs;
	_Atomic uint64_t bytes;
};

struct content {
	atomic_uint refs;
	struct buf head, body; /* in memory */
	int fd; /* owned; has what follows the head; -1: the body does */
	uint64_t offset, size; /* offset: in the file; size: of all */
	struct content_file *file; /* a reference; NULL: of nobody's */
	struct content_budget *budget; /* a reference; NULL: not counted */
};

struct content *
content_new_take(struct buf *head, struct buf *body)
{
	struct content *c = MEM_NEW(struct content);

	atomic_init(&c->refs, 1);
	c->fd = -1;
	buf_fit(head);
	buf_fit(body);
	c->head = buf_take(head);
	c->body = buf_take(body);
	c->size = buf_len(&c->head) + buf_len(&c->body);
	metric_add(METRIC_CONTENT_HELD, (int64_t)c->size);
	return c;
}

struct content *
content_new_file(int fd, uint64_t offset, uint64_t size)
{
	struct content *c = MEM_NEW(struct content);

	assert(fd >= 0);
	atomic_init(&c->refs, 1);
	c->fd = fd;
	c->offset = offset;
	c->size = size;
	return c;
}

struct content *
content_new_stored(int fd, struct content_file *file, struct span head)
{
	struct content *c =
	    content_new_file(fd, 0, head.len + file->stored.size);

	buf_init(&c->head, head.len);
	(void)buf_append_span(&c->head, head);
	c->file = file;
	return c;
}

struct content *
content_ref(struct content *c)
{
	(void)atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
content_unref(struct content *c)
{
	/* What others wrote before they let go happens before the free. */
	if (c == NULL ||
	    atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (c->fd == -1)
		metric_add(METRIC_CONTENT_HELD, -(int64_t)c->size);
	else
		(void)close(c->fd); /* only read */
	if (c->budget != NULL) {
		(void)atomic_fetch_sub(&c->budget->bytes, c->size);
		content_budget_unref(c->budget);
	}
	content_file_unref(c->file);
	buf_clear(&c->head);
	buf_clear(&c->body);
	free(c);
}

struct content_budget *
content_budget_new(void)
{
	struct content_budget *b = MEM_NEW(struct content_budget);

	atomic_init(&b->refs, 1);
	return b;
}

void
content_budget_unref(struct content_budget *b)
{
	if (atomic_fetch_sub(&b->refs, 1) == 1)
		free(b);
}

uint64_t
content_budget_bytes(const struct content_budget *b)
{
	return atomic_load(&b->bytes);
}

void
content_count(struct content *c, struct content_budget *b)
{
	assert(content_is_in_memory(c));
	if (c->budget != NULL)
		return;
	(void)atomic_fetch_add(&b->refs, 1);
	(void)atomic_fetch_add(&b->bytes, c->size);
	c->budget = b;
}

uint64_t
content_size(const struct content *c)
{
	return c->size;
}

bool
content_is_in_memory(const struct content *c)
{
	return c->fd == -1;
}

struct span
content_head(const struct content *c)
{
	return buf_span(&c->head);
}

int
content_pieces(const struct content *c, uint64_t offset, struct span out[2])
{
	const struct buf *parts[2] = { &c->head, &c->body };
	int n = 0;

	assert(content_is_in_memory(c));
	for (int i = 0; i < 2; i++) {
		struct span s = buf_span(parts[i]);

		if (offset >= s.len) {
			offset -= s.len;
			continue;
		}
		out[n++] = span_from(s, (size_t)offset);
		offset = 0;
	}
	return n;
}

static int64_t
read_memory(const struct content *c, uint64_t offset, char *dst, size_t len)
{
	struct span piece[2];
	size_t done = 0;
	int n = content_pieces(c, offset, piece);

	for (int i = 0; i < n; i++) {
		struct span s = span_to(piece[i], len - done);

		if (s.len > 0)
			memcpy(dst + done, s.ptr, s.len);
		done += s.len;
	}
	return (int64_t)done;
}

/*
 * From `at` in what the file has. With `now` only from the page cache: -EAGAIN when
 * it is not there.
 */
static int64_t
read_file(const struct content *c, uint64_t at, void *dst, size_t len, bool now,
    struct err *err)
{
	struct iovec to = { dst, len };
	ssize_t n = preadv2(
	    c->fd, &to, 1, (off_t)(c->offset + at), now ? RWF_NOWAIT : 0);

	/* EOPNOTSUPP: a file system where one cannot ask. */
	if (n < 0 && now && (errno == EAGAIN || errno == EOPNOTSUPP))
		return -EAGAIN;
	/* Linux 5.9 and 5.10 say 0 where they mean EAGAIN (preadv2(2)). */
	if (n == 0 && now)
		return -EAGAIN;
	if (n < 0)
		return err_errno(err, "read content");
	if (n == 0)
		return err_set(err, -1, "content file is shorter than it was");
	return n;
}

/* The head, and the file behind it as far as it goes. */
static int64_t
read_stored(const struct content *c, uint64_t offset, char *dst, size_t len,
    bool now, struct err *err)
{
	struct span head = content_head(c);
	uint64_t at = offset > head.len ? offset - head.len : 0;
	int64_t n;

	head = span_to(span_from(head, (size_t)(offset - at)), len);
	if (head.len > 0)
		memcpy(dst, head.ptr, head.len);
	if (head.len == len)
		return (int64_t)len;
	n = read_file(c, at, dst + head.len, len - head.len, now, err);
	if (n == -EAGAIN && head.len > 0)
		return (int64_t)head.len;
	return n < 0 ? n : n + (int64_t)head.len;
}

static int64_t
read_some(const struct content *c, uint64_t offset, void *dst, size_t len,
    bool now, struct err *err)
{

	if (offset >= c->size || len == 0)
		return 0;
	if (len > c->size - offset)
		len = (size_t)(c->size - offset);
	if (content_is_in_memory(c))
		return read_memory(c, offset, dst, len);
	return read_stored(c, offset, dst, len, now, err);
}

/* The checksum of what the file has, when `n` bytes from r->at on are read. */
static uint32_t
checksum(const struct content_reader *r, const struct content *c,
    const void *bytes, size_t n)
{
	struct span s = span_make(bytes, n);
	size_t head = content_head(c).len;

	if (r->at < head)
		s = span_from(s, (size_t)(head - r->at));
	return crc32c(r->crc, s.ptr, s.len);
}

int64_t
content_read(const struct content *c, uint64_t offset, void *dst, size_t len,
    struct err *err)
{
	return read_some(c, offset, dst, len, false, err);
}

int64_t
content_next(struct content_reader *r, const struct content *c, void *dst,
    size_t len, struct err *err)
{
	int64_t n = read_some(c, r->at, dst, len, r->now, err);

	if (n <= 0)
		return n;
	if (c->file != NULL)
		r->crc = checksum(r, c, dst, (size_t)n);
	if (c->file != NULL && r->at + (uint64_t)n == c->size &&
	    r->crc != c->file->stored.crc)
		return err_set(err, -EBADMSG,
		    "the content is damaged in the spool (postern spool "
		    "check)");
	r->at += (uint64_t)n;
	return n;
}

int
content_verify(const struct content *c, struct err *err)
{
	struct content_reader r = { 0 };
	char *chunk;
	int64_t n;

	if (c->file == NULL)
		return 0;
	if (c->file->stored.size == 0 && c->file->stored.crc != 0)
		return err_set(err, -EBADMSG, "the content is damaged");
	chunk = mem_alloc(VERIFY_CHUNK);
	do {
		n = content_next(&r, c, chunk, VERIFY_CHUNK, err);
	} while (n > 0);
	free(chunk);
	return (int)n;
}
