/*
 * Segments go oldest first, and only when no message has its record there; so a
 * "done" always outlives its message. When few old messages keep many segments,
 * the oldest segment's messages are written again at the end, some with each
 * group, until it is empty. The newest segment always stays: the numbers and
 * ids go on from it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "damaged_priv.h"
#include "facts/fact.h"
#include "journal_priv.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/reason.h"

enum {
	/* In one group: so that small ones, too, keep up with what comes in. */
	COPY_BYTES = 1024 * 1024,
	COPIES_MAX = 512,
	SLACK = 4, /* segments that are always allowed */
	READ_RETRY = 60 * 1000,
};

static struct segment *
oldest(const struct journal *j)
{
	if (list_is_empty(&j->segments.all) ||
	    j->segments.all.next->next == &j->segments.all)
		return NULL;
	return LIST_ENTRY(j->segments.all.next, struct segment, node);
}

bool
reclaim_is_due(const struct journal *j)
{
	const struct segment *s = oldest(j);

	return s != NULL && !j->is_loading && !list_is_empty(&s->live) &&
	       journal_now() >= j->reclaim_at &&
	       j->segments.used_bytes >
		   2 * j->index.live_bytes + SLACK * j->home.segment_size;
}

static void
choose(const struct journal *j, struct copy *c, const struct live *live)
{
	*c = (struct copy){
		.id = live->id,
		.from = segment_ref(live->segment),
		.offset = live->offset,
		.length = live->length,
		.flags = live->flags,
		.nrcpt = live->nrcpt,
		.rows = rows_copy(live->rows, live->nrcpt),
	};
	c->ncut = cut_find(&j->segments, live, &c->cut);
}

void
reclaim_choose(struct journal *j, struct round *r)
{
	const struct segment *s = oldest(j);
	uint64_t bytes = 0;

	if (!reclaim_is_due(j))
		return;
	r->copies = mem_alloc(COPIES_MAX * sizeof *r->copies);
	LIST_FOREACH (it, &s->live) {
		const struct live *live = LIST_ENTRY(it, struct live, node);

		if (r->ncopies == COPIES_MAX ||
		    (r->ncopies > 0 && bytes + live->length > COPY_BYTES))
			break;
		bytes += live->length;
		choose(j, &r->copies[r->ncopies++], live);
	}
}

static int
set_aside(struct journal *j, struct copy *c)
{
	FACT(SPOOL_DAMAGED, fact_id("qid", c->id),
	    fact_number("segment", c->from->number),
	    fact_number("offset", c->offset), fact_number("length", c->length));
	damaged_keep(&j->home, c->from, c->offset, c->offset + c->length);
	c->damaged = true;
	return -EBADMSG;
}

/* The disk may come round. Nothing is lost by waiting. */
static int
wait(struct journal *j, const struct copy *c, int rc)
{
	FACT(SPOOL_READ_FAILED, fact_id("qid", c->id),
	    fact_number("segment", c->from->number),
	    fact_string("reason", strerror(-rc)));
	j->reclaim_at = journal_now() + READ_RETRY;
	return 0;
}

int
reclaim_read(struct journal *j, struct copy *c, struct message_found *out)
{
	struct record rec;
	int rc = 0;

	if (segments_read(&j->segments, c->from, c->offset, c->length,
		&c->bytes, &rec, &rc) == RECORD_OK &&
	    rec.head.id == c->id && record_message_decode(&rec, out) &&
	    out->env->nrcpt == c->nrcpt)
		return 1;
	if (rc == 0)
		return set_aside(j, c);
	return wait(j, c, rc);
}

int
reclaim_read_words(struct journal *j, struct copy *c)
{
	int rc = cut_read(&j->segments, c->id, c->cut, c->ncut);

	if (rc < 0 && rc != -EBADMSG)
		return wait(j, c, rc);
	if (rc == -EBADMSG)
		FACT(SPOOL_WORDS_DAMAGED, fact_id("qid", c->id));
	for (uint32_t i = 0; i < c->ncut; i++) {
		struct row *row = &c->rows[c->cut[i].rcpt];

		if (c->cut[i].whole == NULL)
			continue;
		reason_unref(row->reason);
		row->reason = reason_ref(c->cut[i].whole);
	}
	return 1;
}

/* Rows that have had no news since are in the copy now. */
static void
move_rows(struct journal *j, const struct copy *c, struct live *live)
{
	uint64_t to = place_of(j->segments.current, c->place.offset);

	for (uint32_t i = 0; i < c->nrcpt; i++)
		if (live->rows[i].place == c->rows[i].place)
			live->rows[i].place = to;
}

void
reclaim_settle(struct journal *j, struct round *r)
{
	for (size_t i = 0; i < r->ncopies; i++) {
		const struct copy *c = &r->copies[i];
		struct live *live = index_get(&j->index, c->id);

		if (live == NULL)
			continue;
		if (c->added) {
			move_rows(j, c, live);
			index_move(&j->index, live, j->segments.current,
			    c->place.offset, c->place.length);
		} else if (c->damaged)
			index_detach(&j->index, live);
	}
}

void
reclaim_drop_empty(struct journal *j)
{
	struct segment *s = j->is_loading ? NULL : oldest(j);

	for (; s != NULL && s->count == 0; s = oldest(j)) {
		list_remove(&s->node);
		j->segments.count--;
		j->segments.used_bytes -= s->size;
		keeper_drop_take(&j->keeper, s, true);
	}
}

void
reclaim_clear(struct round *r)
{
	for (size_t i = 0; i < r->ncopies; i++) {
		struct copy *c = &r->copies[i];

		rows_free(c->rows, c->nrcpt);
		cut_free(c->cut, c->ncut);
		free(c->bytes);
		segment_unref(c->from);
	}
	free(r->copies);
	r->copies = NULL;
	r->ncopies = 0;
}
