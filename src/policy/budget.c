#include "policy/budget.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FORM = 1 }; /* of the bytes; another one is not read */

/* Four fifths. */
enum { WARN_PART = 4, WARN_OF = 5 };

void
budget_clear(struct budget *b)
{
	for (unsigned c = 0; c < CONF_BUDGETS; c++) {
		for (uint32_t i = 0; i < b->counters[c].n; i++)
			window_clear(&b->counters[c].windows[i]);
		free(b->counters[c].windows);
	}
	*b = (struct budget){ 0 };
}

/* --- windows --- */

static struct window *
add_window(struct budget_counter *c)
{
	c->windows = mem_realloc(c->windows, (c->n + 1) * sizeof *c->windows);
	return &c->windows[c->n++];
}

static void
remove_window(struct budget_counter *c, uint32_t i)
{
	window_clear(&c->windows[i]);
	memmove(&c->windows[i], &c->windows[i + 1],
	    (c->n - i - 1) * sizeof *c->windows);
	c->n--;
}

/* The rates of before a reload may have left some: those go that are empty. */
static void
make_room(struct budget_counter *c, int64_t now)
{
	for (uint32_t i = c->n; i-- > 0;)
		if (window_used(&c->windows[i], now) == 0)
			remove_window(c, i);
	if (c->n == BUDGET_WINDOWS)
		remove_window(c, 0);
}

/*
 * A window that a new configuration wants begins with what the longest other one
 * knows: a reload gives nobody a second helping.
 */
static struct window *
new_window(struct budget_counter *c, uint32_t seconds, int64_t now)
{
	struct window made, *longest = NULL;

	if (c->n == BUDGET_WINDOWS)
		make_room(c, now);
	window_init(&made, seconds);
	for (uint32_t i = 0; i < c->n; i++)
		if (longest == NULL || c->windows[i].seconds > longest->seconds)
			longest = &c->windows[i];
	if (longest != NULL)
		window_take_over(&made, longest, now);
	*add_window(c) = made;
	return &c->windows[c->n - 1];
}

static struct window *
window_of(struct budget_counter *c, uint32_t seconds, int64_t now)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->windows[i].seconds == seconds)
			return &c->windows[i];
	return new_window(c, seconds, now);
}

/* --- rates --- */

/* How it stands when `n` more are wanted. */
static void
look(struct budget_counter *c, struct conf_rate rate, uint32_t n, int64_t now,
    struct budget_state *out)
{
	struct window *w = window_of(c, rate.seconds, now);
	uint64_t used = (uint64_t)window_used(w, now) + c->reserved;
	uint64_t over = used + n > rate.most ? used + n - rate.most : 0;

	out->rate = rate;
	out->used = used > UINT32_MAX ? UINT32_MAX : (uint32_t)used;
	if (over == 0)
		out->frees = 0;
	else if (n > rate.most)
		out->frees = -1;
	else if (over <= w->used)
		out->frees = window_frees(w, now, (uint32_t)over);
	else /* what is open, if it is taken now, counts so long */
		out->frees = (int64_t)rate.seconds * 1000;
}

/* Which of the two is the longer wait. */
static bool
is_later(int64_t a, int64_t than)
{
	return than >= 0 && (a < 0 || a > than);
}

bool
budget_reserve(struct budget *b, enum conf_budget counter,
    const struct conf_rates *rates, uint32_t n, int64_t now,
    struct budget_state *why)
{
	struct budget_counter *c = &b->counters[counter];
	struct budget_state one = { .counter = counter };
	bool fits = true;

	for (size_t i = 0; i < rates->n; i++) {
		look(c, rates->list[i], n, now, &one);
		if (one.frees == 0)
			continue;
		if (fits || is_later(one.frees, why->frees))
			*why = one;
		fits = false;
	}
	if (fits)
		c->reserved += n;
	return fits;
}

void
budget_release(struct budget *b, enum conf_budget counter, uint32_t n)
{
	assert(b->counters[counter].reserved >= n);
	b->counters[counter].reserved -= n;
}

void
budget_use(struct budget *b, enum conf_budget counter,
    const struct conf_rates *rates, uint32_t n, int64_t now)
{
	struct budget_counter *c = &b->counters[counter];

	/* All are there before the first is used: see new_window(). */
	for (size_t i = 0; i < rates->n; i++)
		(void)window_of(c, rates->list[i].seconds, now);
	for (uint32_t i = 0; i < c->n; i++)
		window_add(&c->windows[i], now, n);
}

void
budget_look(struct budget *b, enum conf_budget counter, struct conf_rate rate,
    int64_t now, struct budget_state *out)
{
	out->counter = counter;
	look(&b->counters[counter], rate, 1, now, out);
}

bool
budget_warns(struct budget *b, enum conf_budget counter,
    const struct conf_rates *rates, int64_t now, struct budget_state *out)
{
	struct budget_counter *c = &b->counters[counter];

	for (size_t i = 0; i < rates->n; i++) {
		struct conf_rate rate = rates->list[i];
		struct window *w = window_of(c, rate.seconds, now);
		uint64_t used = window_used(w, now);

		if (used * WARN_OF < (uint64_t)rate.most * WARN_PART ||
		    used == 0 || now < w->warned)
			continue;
		w->warned = now + (int64_t)rate.seconds * 1000;
		out->counter = counter;
		look(c, rate, 1, now, out);
		out->used = (uint32_t)used;
		return true;
	}
	return false;
}

/* --- as bytes --- */

void
budget_write(struct budget *b, int64_t now, struct buf *out)
{
	(void)buf_append_char(out, FORM);
	for (unsigned i = 0; i < CONF_BUDGETS; i++) {
		struct budget_counter *c = &b->counters[i];

		for (uint32_t k = c->n; k-- > 0;)
			if (window_used(&c->windows[k], now) == 0)
				remove_window(c, k);
		(void)buf_append_char(out, (char)c->n);
		for (uint32_t k = 0; k < c->n; k++)
			window_write(&c->windows[k], now, out);
	}
}

static bool
read_counter(
    struct budget_counter *c, struct span *in, int64_t passed, int64_t now)
{
	unsigned n;

	if (in->len == 0)
		return false;
	n = (unsigned char)in->ptr[0];
	*in = span_from(*in, 1);
	if (n > BUDGET_WINDOWS)
		return false;
	while (n-- > 0) {
		struct window w;

		if (!window_read(&w, in, passed, now))
			return false;
		*add_window(c) = w;
	}
	return true;
}

bool
budget_read(struct budget *b, struct span in, int64_t passed, int64_t now)
{
	bool fine = in.len > 0 && in.ptr[0] == FORM;

	in = span_from(in, 1);
	for (unsigned i = 0; i < CONF_BUDGETS && fine; i++)
		fine = read_counter(&b->counters[i], &in, passed, now);
	if (!fine || in.len > 0) {
		budget_clear(b);
		return false;
	}
	return true;
}
