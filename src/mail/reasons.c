/*
 * Nobody says when words are forgotten: now and then all that nobody else holds
 * is dropped. That happens after as many new ones as there were left the last
 * time, so that each costs a few steps, and no more are forgotten late than are
 * in use.
 *
 * Long words are kept folded. Those that are whole stand in a line, in the order
 * in which they came; when there is no room for new ones, the first of the line
 * are cut: a dozen or so for the longest words that come.
 */
#include "mail/reasons.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/reason_set.h"

enum { LOOK_LEAST = 64 };

/* A reference each. */
struct line {
	struct reason **list; /* owned */
	size_t first, end, cap;
};

struct reasons {
	struct reason_set set; /* with a reference each */
	struct line whole; /* of these the folded ones that are not cut */
	size_t bytes, most;
	size_t until; /* so many new ones until it looks through them */
};

static void
line_add_take(struct line *l, struct reason *r)
{
	size_t n = l->end - l->first;

	if (l->end == l->cap && l->first > l->cap / 2) {
		memmove(l->list, l->list + l->first, n * sizeof *l->list);
		l->first = 0;
		l->end = n;
	} else if (l->end == l->cap) {
		l->cap = l->cap == 0 ? LOOK_LEAST : l->cap * 2;
		l->list = mem_realloc(l->list, l->cap * sizeof *l->list);
	}
	l->list[l->end++] = r;
}

struct reasons *
reasons_new(size_t most, const uint64_t seed[2])
{
	struct reasons *t = MEM_NEW(struct reasons);

	t->most = most;
	reason_set_init(&t->set, seed);
	t->until = LOOK_LEAST;
	return t;
}

void
reasons_free(struct reasons *t)
{
	struct reason *r;
	size_t at = 0;

	while ((r = reason_set_next(&t->set, &at)) != NULL)
		reason_unref(r);
	reason_set_clear(&t->set);
	for (size_t i = t->whole.first; i < t->whole.end; i++)
		reason_unref(t->whole.list[i]);
	free(t->whole.list);
	free(t);
}

static size_t
weight(struct reason *r)
{
	return reason_is_cut(r) ? 0 : reason_memory(r);
}

/* Takes the reference. */
static void
put_take(struct reasons *t, struct reason *r)
{
	reason_set_add(&t->set, r);
	t->bytes += weight(r);
}

/* Those stay in line that more than the set and the line hold. */
static void
look_through_line(struct line *l)
{
	size_t to = 0;

	for (size_t i = l->first; i < l->end; i++) {
		if (reason_has_more(l->list[i], 2))
			l->list[to++] = l->list[i];
		else
			reason_unref(l->list[i]);
	}
	l->first = 0;
	l->end = to;
}

static void
look_through(struct reasons *t)
{
	struct reason_set old = t->set;
	struct reason *r;
	size_t at = 0;

	look_through_line(&t->whole);
	reason_set_init(&t->set, old.seed);
	t->bytes = 0;
	while ((r = reason_set_next(&old, &at)) != NULL) {
		if (reason_has_more(r, 1))
			put_take(t, r);
		else
			reason_unref(r);
	}
	reason_set_clear(&old);
	t->until =
	    t->set.count > LOOK_LEAST ? t->set.count : (size_t)LOOK_LEAST;
}

/* By what is left of it, it may be another's equal: that one is found then. */
static void
cut_first(struct reasons *t)
{
	struct reason *r = t->whole.list[t->whole.first++];

	reason_set_remove(&t->set, r);
	t->bytes -= weight(r);
	reason_cut(r);
	if (reason_set_find(&t->set, r) == NULL)
		put_take(t, reason_ref(r));
	reason_unref(r); /* the set's */
	reason_unref(r); /* the line's */
}

static bool
make_room(struct reasons *t, size_t size)
{
	while (t->bytes + size > t->most && t->whole.first < t->whole.end)
		cut_first(t);
	return t->bytes + size <= t->most;
}

/* Takes words that are new; one reference to what is kept of them. */
static struct reason *
add(struct reasons *t, struct reason *r)
{
	struct reason *mine = reason_fold(r), *kept;

	if (!make_room(t, reason_memory(mine)) && reason_is_folded(mine)) {
		reason_cut(mine);
		kept = reason_set_find(&t->set, mine);
		if (kept != NULL) {
			reason_unref(mine);
			return reason_ref(kept);
		}
	} else if (reason_is_folded(mine)) {
		line_add_take(&t->whole, reason_ref(mine));
	}
	put_take(t, reason_ref(mine));
	return mine;
}

struct reason *
reasons_keep(struct reasons *t, struct reason *r)
{
	struct reason *kept;

	/* One that is folded comes from here. */
	if (r == NULL || reason_is_folded(r))
		return reason_ref(r);
	kept = reason_set_find(&t->set, r);
	if (kept != NULL)
		return reason_ref(kept);
	if (t->until-- == 0)
		look_through(t);
	return add(t, r);
}

size_t
reasons_count(const struct reasons *t)
{
	return t->set.count;
}

size_t
reasons_bytes(const struct reasons *t)
{
	return t->bytes;
}
