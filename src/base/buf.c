#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SMALLEST = 256 };

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void
buf_reset(struct buf *b)
{
	b->head = b->tail = 0;
	b->over = false;
}

static size_t
most(const struct buf *b)
{
	return b->max == 0 ? BUF_MAX_DEFAULT : b->max;
}

char *
buf_reserve(struct buf *b, size_t len)
{
	size_t used = buf_len(b), cap;

	if (len > most(b) || used > most(b) - len) {
		b->over = true;
		return NULL;
	}
	if (b->cap - b->tail >= len && b->data != NULL)
		return b->data + b->tail;
	if (b->head > 0 && b->cap - used >= len) {
		memmove(b->data, b->data + b->head, used);
		b->head = 0;
		b->tail = used;
		return b->data + b->tail;
	}
	cap = b->cap < SMALLEST ? SMALLEST : b->cap;
	while (cap < used + len)
		cap *= 2;
	if (b->head > 0) {
		memmove(b->data, b->data + b->head, used);
		b->head = 0;
		b->tail = used;
	}
	b->data = mem_realloc(b->data, cap);
	b->cap = cap;
	return b->data + b->tail;
}

void
buf_added(struct buf *b, size_t len)
{
	assert(len <= b->cap - b->tail);
	b->tail += len;
}

bool
buf_append(struct buf *b, const void *data, size_t len)
{
	char *room;

	if (len == 0)
		return true;
	room = buf_reserve(b, len);
	if (room == NULL)
		return false;
	memcpy(room, data, len);
	b->tail += len;
	return true;
}

bool
buf_append_span(struct buf *b, struct span s)
{
	return buf_append(b, s.ptr, s.len);
}

bool
buf_append_text(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

bool
buf_append_char(struct buf *b, char c)
{
	return buf_append(b, &c, 1);
}

bool
buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	char small[256], *large;
	bool fits;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof small, format, ap);
	assert(n >= 0);
	if ((size_t)n < sizeof small) {
		va_end(again);
		return buf_append(b, small, (size_t)n);
	}
	/* Not in place: the NUL needs room that the maximum may not give. */
	large = mem_alloc((size_t)n + 1);
	(void)vsnprintf(large, (size_t)n + 1, format, again);
	va_end(again);
	fits = buf_append(b, large, (size_t)n);
	free(large);
	return fits;
}

bool
buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	bool ok;

	va_start(ap, format);
	ok = buf_vprintf(b, format, ap);
	va_end(ap);
	return ok;
}

void
buf_consume(struct buf *b, size_t len)
{
	if (len > buf_len(b))
		len = buf_len(b);
	b->head += len;
	if (b->head == b->tail)
		b->head = b->tail = 0;
}

void
buf_truncate(struct buf *b, size_t len)
{
	if (len < buf_len(b))
		b->tail = b->head + len;
}

void
buf_fit(struct buf *b)
{
	if (b->data == NULL || b->cap < 2 * SMALLEST ||
	    b->tail > b->cap - b->cap / 4)
		return;
	b->cap = b->tail;
	b->data = mem_realloc(b->data, b->cap);
}

struct buf
buf_take(struct buf *b)
{
	struct buf taken = *b;

	*b = (struct buf){ .max = b->max };
	return taken;
}
