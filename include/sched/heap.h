/*
 * heap: what happens at which time, the earliest first. Holds nothing of its own
 * but an array: who waits has a `struct due` in itself. Pure.
 */
#ifndef SCHED_HEAP_H
#define SCHED_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* `{0}` is one that is in no heap. */
struct due {
	uint64_t at; /* monotonic ms */
	uint32_t place; /* the heap's: one more than the index; 0: not in it */
	uint8_t kind; /* the owner's: what it is part of */
	uint8_t note; /* the owner's, as it likes */
};

/* `{0}` is an empty one. */
struct heap {
	struct due **items; /* owned array of borrowed ones */
	size_t n, cap;
};

/* What is in it stays as it is, and must not be used with a heap again. */
void heap_clear(struct heap *h);
/* Puts it in, or moves it to that time. */
void heap_set(struct heap *h, struct due *d, uint64_t at);
/* Takes it out, if it is in. */
void heap_drop(struct heap *h, struct due *d);
/* The earliest; NULL: none. */
struct due *heap_first(const struct heap *h);

#endif
