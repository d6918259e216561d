/* What both users do: the reclaimer, and who asks (words.c). */
#include "whole_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "home_priv.h"
#include "index_priv.h"
#include "le_priv.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "segments_priv.h"

static struct segment *
find_segment(const struct segments *all, uint64_t number)
{
	LIST_FOREACH (it, &all->all) {
		struct segment *s = LIST_ENTRY(it, struct segment, node);

		if (s->number == number)
			return s;
	}
	return NULL;
}

uint32_t
cut_find(const struct segments *all, const struct live *live, struct cut **out)
{
	uint32_t n = 0;

	*out = NULL;
	for (uint32_t i = 0; i < live->nrcpt; i++) {
		const struct row *row = &live->rows[i];
		struct segment *s;

		if (!reason_is_cut(row->reason))
			continue;
		s = find_segment(all, row->place >> 32);
		if (s == NULL)
			continue;
		if (*out == NULL)
			*out = mem_zalloc(live->nrcpt, sizeof **out);
		(*out)[n++] = (struct cut){ .rcpt = i,
			.offset = (uint32_t)row->place,
			.segment = segment_ref(s) };
	}
	return n;
}

void
cut_free(struct cut *cut, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		segment_unref(cut[i].segment);
		reason_unref(cut[i].whole);
	}
	free(cut);
}

static bool
is_in_same(const struct cut *a, const struct cut *b)
{
	return a->segment == b->segment && a->offset == b->offset;
}

static void
set_whole(struct cut *c, struct reason *whole)
{
	reason_unref(c->whole);
	c->whole = reason_ref(whole);
}

/* Of a record that all of the `n` from the first on may share. */
static bool
take_from_message(const struct record *rec, struct cut *cut, uint32_t n)
{
	struct message_found found;

	if (!record_message_decode(rec, &found))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (is_in_same(&cut[0], &cut[i]) && found.rows != NULL &&
		    cut[i].rcpt < found.env->nrcpt)
			set_whole(&cut[i], found.rows[cut[i].rcpt].reason);
	message_found_clear(&found);
	return true;
}

static bool
take_from_progress(const struct record *rec, struct cut *cut, uint32_t n)
{
	struct rows_reader rows;
	struct progress p;
	bool ok = record_progress_open(rec, &rows);

	while (ok && rows_next(&rows, &p, NULL))
		for (uint32_t i = 0; i < n; i++)
			if (cut[i].rcpt == p.rcpt &&
			    is_in_same(&cut[0], &cut[i]))
				set_whole(&cut[i], p.reason);
	ok = ok && rows.at.len == 0;
	rows_close(&rows);
	return ok;
}

/* How long the record is that begins there, as its header says, or -errno. */
static int64_t
record_length(const struct segments *all, const struct cut *c)
{
	uint8_t head[RECORD_HEADER];
	int64_t n = disk_read(
	    all->home->disk, c->segment->fd, head, sizeof head, c->offset);
	uint64_t length;

	if (n < 0)
		return n;
	length = (uint64_t)RECORD_HEADER + le_get32(head + 8);
	if (n < RECORD_HEADER || length > c->segment->size - c->offset)
		return -EBADMSG;
	return (int64_t)length;
}

/* The first's, and of the others what is in the same record. */
static int
read_one(const struct segments *all, uint64_t id, struct cut *cut, uint32_t n)
{
	int64_t length = record_length(all, &cut[0]);
	struct record rec;
	uint8_t *bytes;
	bool ok;
	int rc;

	if (length < 0)
		return (int)length;
	if (segments_read(all, cut[0].segment, cut[0].offset, (uint32_t)length,
		&bytes, &rec, &rc) != RECORD_OK)
		return rc < 0 ? rc : -EBADMSG;
	ok = rec.head.id == id &&
	     (rec.head.type == RECORD_MESSAGE
		     ? take_from_message(&rec, cut, n)
		     : rec.head.type == RECORD_PROGRESS &&
			   take_from_progress(&rec, cut, n));
	free(bytes);
	return ok && cut[0].whole != NULL ? 0 : -EBADMSG;
}

int
cut_read(const struct segments *all, uint64_t id, struct cut *cut, uint32_t n)
{
	int rc, worst = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (cut[i].whole != NULL)
			continue;
		rc = read_one(all, id, &cut[i], n - i);
		if (rc < 0 && rc != -EBADMSG)
			return rc;
		if (rc < 0)
			worst = rc;
	}
	return worst;
}
