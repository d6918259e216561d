#include "spool/content.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/metrics.h"

struct content {
	atomic_uint refs;
	struct buf head, body; /* in memory */
	int fd; /* owned; -1: in memory */
	uint64_t offset, size;
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
	buf_clear(&c->head);
	buf_clear(&c->body);
	free(c);
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

int64_t
content_read(const struct content *c, uint64_t offset, void *dst, size_t len,
    struct err *err)
{
	ssize_t n;

	if (offset >= c->size || len == 0)
		return 0;
	if (len > c->size - offset)
		len = (size_t)(c->size - offset);
	if (content_is_in_memory(c))
		return read_memory(c, offset, dst, len);
	n = pread(c->fd, dst, len, (off_t)(c->offset + offset));
	if (n < 0)
		return err_errno(err, "read content");
	if (n == 0)
		return err_set(err, -1, "content file is shorter than it was");
	return n;
}
