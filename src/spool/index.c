#include "index_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content_file_priv.h"
#include "io/loop.h"
#include "mail/reason.h"
#include "mail/reasons.h"
#include "record_priv.h"
#include "segment_priv.h"
#include "spool/content.h"

enum { HELD_FIRST_CAP = 64 };

static uint64_t
id_of(const void *value)
{
	return ((const struct live *)value)->id;
}

void
index_init(struct index *ix, uint64_t held_max, uint64_t words_max)
{
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	*ix = (struct index){ .held_max = held_max,
		.budget = content_budget_new(),
		.reasons = reasons_new(words_max, seed) };
	idmap_init(&ix->map, id_of);
}

void
live_free(struct live *live)
{
	if (live == NULL)
		return;
	rows_clear(live->rows, live->nrcpt);
	free(live);
}

void
index_clear(struct index *ix)
{
	size_t at = 0;
	struct live *live;

	while ((live = idmap_next(&ix->map, &at)) != NULL) {
		content_unref(live->held);
		content_file_unref(live->file);
		live_free(live);
	}
	idmap_clear(&ix->map);
	free(ix->held);
	content_budget_unref(ix->budget);
	reasons_free(ix->reasons);
	*ix = (struct index){ 0 };
}

struct live *
live_new_take(uint64_t id, uint32_t nrcpt, struct row *rows)
{
	struct live *live =
	    mem_zalloc(1, sizeof *live + nrcpt * sizeof live->rows[0]);

	live->id = id;
	live->nrcpt = nrcpt;
	if (rows != NULL)
		memcpy(live->rows, rows, nrcpt * sizeof *rows);
	free(rows);
	return live;
}

struct live *
index_get(const struct index *ix, uint64_t id)
{
	return idmap_get(&ix->map, id);
}

static uint64_t
file_size(const struct live *live)
{
	return live->file == NULL ? 0 : live->file->stored.size;
}

static void
enter(struct live *live)
{
	live->segment->count++;
	list_append(&live->segment->live, &live->node);
}

static void
leave(struct live *live)
{
	if (live->segment != NULL)
		live->segment->count--;
	list_remove(&live->node);
}

void
index_add_take(struct index *ix, struct live *live)
{
	idmap_add(&ix->map, live);
	list_init(&live->node);
	enter(live);
	ix->waiting++;
	ix->live_bytes += live->length;
	ix->file_bytes += file_size(live);
}

void
index_move(struct index *ix, struct live *live, struct segment *to,
    uint32_t offset, uint32_t length)
{
	leave(live);
	ix->live_bytes = ix->live_bytes - live->length + length;
	live->segment = to;
	live->offset = offset;
	live->length = length;
	enter(live);
	if (live->done)
		list_remove(&live->node);
}

void
index_detach(struct index *ix, struct live *live)
{
	leave(live);
	ix->live_bytes -= live->length;
	live->length = 0;
	live->segment = NULL;
}

void
index_mark_done(struct index *ix, struct live *live)
{
	if (live->done)
		return;
	live->done = true;
	list_remove(&live->node);
	ix->waiting--;
	index_let_go(live);
}

struct content_file *
index_remove(struct index *ix, struct live *live)
{
	struct content_file *file = live->file;

	index_let_go(live);
	leave(live);
	if (!live->done)
		ix->waiting--;
	ix->live_bytes -= live->length;
	ix->file_bytes -= file_size(live);
	(void)idmap_remove(&ix->map, live->id);
	live_free(live);
	return file;
}

void
index_keep_warm(struct index *ix, const struct live *live)
{
	struct live *oldest = index_get(ix, ix->warm[ix->warm_next]);

	/* All is synced, so that closing waits for no disk. */
	if (oldest != NULL && oldest->file != NULL)
		content_file_cool(oldest->file);
	ix->warm[ix->warm_next] = live->id;
	ix->warm_next = (ix->warm_next + 1) % WARM_MOST;
}

void
index_let_go(struct live *live)
{
	if (live->held == NULL)
		return;
	content_unref(live->held);
	live->held = NULL;
}

static uint64_t
oldest_held(struct index *ix)
{
	uint64_t id = ix->held[ix->held_first];

	ix->held_first = (ix->held_first + 1) % ix->held_cap;
	ix->held_count--;
	return id;
}

/* Ids at the front whose content is gone take no room. */
static void
skip_gone(struct index *ix)
{
	while (ix->held_count > 0) {
		struct live *live = index_get(ix, ix->held[ix->held_first]);

		if (live != NULL && live->held != NULL)
			return;
		(void)oldest_held(ix);
	}
}

static void
remember_held(struct index *ix, uint64_t id)
{
	if (ix->held_count == ix->held_cap) {
		size_t cap =
		    ix->held_cap == 0 ? HELD_FIRST_CAP : ix->held_cap * 2;
		uint64_t *ring = mem_zalloc(cap, sizeof *ring);

		for (size_t i = 0; i < ix->held_count; i++)
			ring[i] = ix->held[(ix->held_first + i) % ix->held_cap];
		free(ix->held);
		ix->held = ring;
		ix->held_first = 0;
		ix->held_cap = cap;
	}
	ix->held[(ix->held_first + ix->held_count) % ix->held_cap] = id;
	ix->held_count++;
}

/* Lets the oldest go; what others use of them stays, and counts. */
static bool
make_room(struct index *ix, uint64_t size)
{
	skip_gone(ix);
	while (content_budget_bytes(ix->budget) + size > ix->held_max &&
	       ix->held_count > 0) {
		struct live *old = index_get(ix, oldest_held(ix));

		if (old != NULL)
			index_let_go(old);
	}
	return content_budget_bytes(ix->budget) + size <= ix->held_max;
}

void
index_count(struct index *ix, struct content *content)
{
	content_count(content, ix->budget);
	(void)make_room(ix, 0);
}

void
index_hold(struct index *ix, struct live *live, struct content *content)
{
	uint64_t size = content_size(content);

	if (size > ix->held_max || live->held != NULL || !make_room(ix, size))
		return;
	live->held = content_ref(content);
	content_count(content, ix->budget);
	remember_held(ix, live->id);
}

void
live_apply(
    struct live *live, const struct progress *rcpts, uint32_t n, uint64_t place)
{
	for (uint32_t i = 0; i < n; i++) {
		if (rcpts[i].rcpt >= live->nrcpt)
			continue;
		row_set(&live->rows[rcpts[i].rcpt], &rcpts[i]);
		if (!rcpts[i].is_reason_as_before)
			live->rows[rcpts[i].rcpt].place = place;
	}
}

void
index_settle_rows(
    struct index *ix, struct live *live, uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i < live->nrcpt; i++) {
		struct row *row = &live->rows[i];
		struct reason *all = row->reason;

		if (row->place != from)
			continue;
		row->place = to;
		row->reason = reasons_keep(ix->reasons, all);
		reason_unref(all);
	}
}
