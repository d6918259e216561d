/*
 * buf: bytes that grow at the end and are taken from the front, up to a
 * maximum. An append beyond the maximum adds nothing and leaves a mark that
 * buf_is_over() shows, so that a text may be built without a check a line.
 * `{0}` is an empty buffer with the default maximum.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum { BUF_MAX_DEFAULT = 1 << 20 };

struct buf {
	char *data; /* owned */
	size_t head, tail; /* data[head .. tail) is the content */
	size_t cap;
	size_t max; /* of tail - head; 0: BUF_MAX_DEFAULT */
	bool over; /* an append was refused */
};

void buf_init(struct buf *b, size_t max);
/* Frees the memory; the maximum stays. Works on {0}. */
void buf_clear(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);

static inline size_t
buf_len(const struct buf *b)
{
	return b->tail - b->head;
}

static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){ b->data == NULL ? "" : b->data + b->head,
		b->tail - b->head };
}

static inline bool
buf_is_over(const struct buf *b)
{
	return b->over;
}

/* These return false, and set the mark, when the maximum forbids it. */
bool buf_append(struct buf *b, const void *data, size_t len);
bool buf_append_span(struct buf *b, struct span s);
bool buf_append_text(struct buf *b, const char *text);
bool buf_append_char(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/*
 * Room for at least `len` more bytes at the end, to be filled by the caller
 * and counted with buf_added(). NULL when the maximum forbids it.
 */
char *buf_reserve(struct buf *b, size_t len);
void buf_added(struct buf *b, size_t len);
/* Drops `len` bytes (at most all) from the front. */
void buf_consume(struct buf *b, size_t len);
/* Cuts the content to `len` bytes. */
void buf_truncate(struct buf *b, size_t len);
/* Gives back memory that the content does not need, when it is a good deal. */
void buf_fit(struct buf *b);
/* Moves memory and content to a new owner; `b` is empty then. */
struct buf buf_take(struct buf *b);

#endif
