#include "policy/window.h"

#include <stdlib.h>

#include "base/mem.h"

enum { SLOTS_AT_FIRST = 4, SECONDS_MOST = 366 * 86400 };

static int64_t
length(const struct window *w)
{
	return (int64_t)w->seconds * 1000;
}

static struct window_slot *
slot(const struct window *w, unsigned i)
{
	return &w->slots[(w->head + i) & (w->cap - 1u)];
}

void
window_init(struct window *w, uint32_t seconds)
{
	*w = (struct window){ .seconds = seconds };
}

void
window_clear(struct window *w)
{
	free(w->slots);
	*w = (struct window){ 0 };
}

uint32_t
window_used(struct window *w, int64_t now)
{
	while (w->n > 0 && slot(w, 0)->last + length(w) <= now) {
		w->used -= slot(w, 0)->n;
		w->head = (uint8_t)((w->head + 1u) & (w->cap - 1u));
		w->n--;
	}
	return w->used;
}

static void
grow(struct window *w)
{
	unsigned cap = w->cap == 0 ? SLOTS_AT_FIRST : w->cap * 2u;
	struct window_slot *slots = mem_zalloc(cap, sizeof *slots);

	for (unsigned i = 0; i < w->n; i++)
		slots[i] = *slot(w, i);
	free(w->slots);
	w->slots = slots;
	w->cap = (uint8_t)cap;
	w->head = 0;
}

/* Whether what happens now is one with what happened last. */
static bool
joins(const struct window *w, int64_t now)
{
	const struct window_slot *tail;

	if (w->n == 0)
		return false;
	tail = slot(w, w->n - 1u);
	return w->n == WINDOW_SLOTS ||
	       now - (tail->last - tail->span) <= length(w) / WINDOW_GRAINS;
}

void
window_add(struct window *w, int64_t now, uint32_t n)
{
	struct window_slot *tail;

	(void)window_used(w, now);
	if (n > UINT32_MAX - w->used)
		n = UINT32_MAX - w->used;
	if (n == 0)
		return;
	w->used += n;
	if (joins(w, now)) {
		tail = slot(w, w->n - 1u);
		if (now > tail->last) {
			tail->span += (uint32_t)(now - tail->last);
			tail->last = now;
		}
		tail->n += n;
		return;
	}
	if (w->n == w->cap)
		grow(w);
	w->n++;
	*slot(w, w->n - 1u) = (struct window_slot){ now, 0, n };
}

void
window_take_over(struct window *w, const struct window *from, int64_t now)
{
	for (unsigned i = 0; i < from->n; i++) {
		const struct window_slot *s = slot(from, i);

		if (s->last + length(w) > now)
			window_add(w, s->last, s->n);
	}
	(void)window_used(w, now);
}

int64_t
window_frees(const struct window *w, int64_t now, uint32_t n)
{
	int64_t at = now;

	for (unsigned i = 0; i < w->n && n > 0; i++) {
		const struct window_slot *s = slot(w, i);

		at = s->last + length(w);
		n -= n < s->n ? n : s->n;
	}
	return at > now ? at - now : 0;
}

/* --- as bytes --- */

static void
put(struct buf *out, uint64_t n)
{
	while (n >= 0x80) {
		(void)buf_append_char(out, (char)(n | 0x80));
		n >>= 7;
	}
	(void)buf_append_char(out, (char)n);
}

static bool
get(struct span *in, uint64_t most, uint64_t *n)
{
	*n = 0;
	for (unsigned shift = 0; shift < 63 && in->len > 0; shift += 7) {
		unsigned char c = (unsigned char)in->ptr[0];

		*in = span_from(*in, 1);
		*n |= (uint64_t)(c & 0x7f) << shift;
		if ((c & 0x80) == 0)
			return *n <= most;
	}
	return false;
}

static uint64_t
between(int64_t from, int64_t to)
{
	return to > from ? (uint64_t)(to - from) : 0;
}

void
window_write(const struct window *w, int64_t now, struct buf *out)
{
	unsigned first = 0;

	while (first < w->n && slot(w, first)->last + length(w) <= now)
		first++;
	put(out, w->seconds);
	put(out, between(now, w->warned));
	put(out, w->n - first);
	for (unsigned i = first; i < w->n; i++) {
		const struct window_slot *s = slot(w, i);

		put(out, between(s->last, now));
		put(out, s->span);
		put(out, s->n);
	}
}

/* A slot of the past; what is over by now is none. */
static bool
read_slot(struct window *w, struct span *in, int64_t passed, int64_t now)
{
	int64_t before = w->n == 0 ? INT64_MIN : slot(w, w->n - 1u)->last;
	uint64_t age, span, n;
	struct window_slot s;

	if (!get(in, (uint64_t)length(w), &age) ||
	    !get(in, UINT32_MAX, &span) || !get(in, UINT32_MAX, &n) || n == 0)
		return false;
	s = (struct window_slot){ now - passed - (int64_t)age, (uint32_t)span,
		(uint32_t)n };
	if (s.last < before || s.n > UINT32_MAX - w->used)
		return false;
	if (s.last + length(w) <= now)
		return true;
	if (w->n == w->cap)
		grow(w);
	w->n++;
	*slot(w, w->n - 1u) = s;
	w->used += s.n;
	return true;
}

bool
window_read(struct window *w, struct span *in, int64_t passed, int64_t now)
{
	uint64_t seconds, warned, n;

	window_init(w, 0);
	if (!get(in, SECONDS_MOST, &seconds) || seconds == 0 ||
	    !get(in, seconds * 1000, &warned) || !get(in, WINDOW_SLOTS, &n))
		return false;
	w->seconds = (uint32_t)seconds;
	passed = passed < 0 ? 0 : passed;
	if (passed > length(w))
		passed = length(w);
	if ((int64_t)warned > passed)
		w->warned = now + (int64_t)warned - passed;
	while (n-- > 0)
		if (!read_slot(w, in, passed, now)) {
			window_clear(w);
			return false;
		}
	return true;
}
