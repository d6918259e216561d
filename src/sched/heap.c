#include "sched/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

static void
place(struct heap *h, size_t at, struct due *d)
{
	h->items[at] = d;
	d->place = (uint32_t)at + 1;
}

static void
sift_up(struct heap *h, size_t at, struct due *d)
{
	while (at > 0 && h->items[(at - 1) / 2]->at > d->at) {
		place(h, at, h->items[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(h, at, d);
}

static void
sift_down(struct heap *h, size_t at, struct due *d)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n &&
		    h->items[child + 1]->at < h->items[child]->at)
			child++;
		if (h->items[child]->at >= d->at)
			break;
		place(h, at, h->items[child]);
		at = child;
	}
	place(h, at, d);
}

void
heap_clear(struct heap *h)
{
	free(h->items);
	*h = (struct heap){ 0 };
}

void
heap_set(struct heap *h, struct due *d, uint64_t at)
{
	if (d->place == 0) {
		if (h->n == h->cap) {
			h->cap = h->cap == 0 ? 64 : h->cap * 2;
			h->items =
			    mem_realloc(h->items, h->cap * sizeof *h->items);
		}
		place(h, h->n++, d);
	}
	assert(h->items[d->place - 1] == d);
	d->at = at;
	sift_up(h, d->place - 1, d);
	sift_down(h, d->place - 1, d);
}

void
heap_drop(struct heap *h, struct due *d)
{
	size_t at = d->place - 1;
	struct due *last;

	if (d->place == 0)
		return;
	assert(h->items[at] == d);
	d->place = 0;
	last = h->items[--h->n];
	if (last == d)
		return;
	place(h, at, last);
	sift_up(h, at, last);
	sift_down(h, last->place - 1, last);
}

struct due *
heap_first(const struct heap *h)
{
	return h->n == 0 ? NULL : h->items[0];
}
