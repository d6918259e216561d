/*
 * One segment's records, in order. Groups were written one after the other, and
 * each only when the one before was synced. So what cannot be read was
 *
 *   damaged  when a record of a group that began later can be read, or when the
 *            next segment's header says that all was well up to behind it;
 *   torn     otherwise: the last group, cut short. Nobody was told it is safe.
 *
 * What can be read counts in both cases.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "le_priv.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "content_file_priv.h"
#include "damaged_priv.h"
#include "group_priv.h"
#include "home_priv.h"
#include "index_priv.h"
#include "record_priv.h"
#include "recover_priv.h"
#include "segments_priv.h"
#include "whole_priv.h"

enum {
	READ_SIZE = 4 * 1024 * 1024,
	BLOCK = 4096, /* what one bad sector may cost */
};

/* A range that could not be read. */
struct bad {
	uint64_t from, to;
	uint64_t id; /* when the header could be read */
	uint8_t type; /* 0: it could not */
};

struct reader {
	struct recovery *r;
	struct segment *segment;
	const struct link *link;
	struct record_area area;
	struct bad *bad; /* owned; not judged yet */
	size_t nbad, bad_cap;
	uint64_t end; /* of the last good record */
};

/* --- the bytes --- */

static void
load_blocks(
    struct recovery *r, int fd, uint64_t number, uint64_t at, size_t len)
{
	for (size_t done = 0; done < len; done += BLOCK) {
		size_t some = len - done < BLOCK ? len - done : BLOCK;
		uint8_t *to = r->bytes + at + done;
		int64_t n = disk_read(r->home->disk, fd, to, some, at + done);

		if (n < 0)
			FACT(SPOOL_UNREADABLE, fact_number("segment", number),
			    fact_number("offset", ((at + done))),
			    fact_string("reason", strerror((int)-n)));
		n = n < 0 ? 0 : n;
		memset(to + n, 0, some - (size_t)n);
	}
}

void
replay_load(struct recovery *r, int fd, uint64_t number, uint64_t size)
{
	if (size > r->cap) {
		free(r->bytes);
		r->bytes = mem_alloc(size);
		r->cap = size;
	}
	(void)posix_fadvise(fd, 0, (off_t)size, POSIX_FADV_SEQUENTIAL);
	for (uint64_t at = 0; at < size; at += READ_SIZE) {
		size_t len =
		    size - at < READ_SIZE ? (size_t)(size - at) : READ_SIZE;
		int64_t n =
		    disk_read(r->home->disk, fd, r->bytes + at, len, at);

		if (n != (int64_t)len)
			load_blocks(r, fd, number, at, len);
	}
}

/* --- what cannot be read --- */

static void
wound(struct reader *in, const struct bad *b)
{
	struct recovery *r = in->r;
	struct wound *w = MEM_NEW(struct wound);

	*w = (struct wound){ b->id, in->segment, b->from, b->to };
	free(map_put_u64(&r->wounds, b->id, w));
}

/* Only a message's loss waits for the end: it may be done by then. */
static void
damaged(struct reader *in, const struct bad *b)
{
	if (in->r->is_probe)
		return;
	if (b->type == RECORD_MESSAGE) {
		wound(in, b);
		return;
	}
	FACT(SPOOL_DAMAGED, fact_number("segment", in->segment->number),
	    fact_number("offset", b->from),
	    fact_number("length", ((b->to - b->from))),
	    fact_word("record", record_type_name(b->type)),
	    fact_word("qid", b->id == 0 ? "unknown" : qid_format(b->id).text));
	(*in->r->set_aside)++;
	damaged_keep(in->r->home, in->segment, b->from, b->to);
}

static void
torn(const struct reader *in, const struct bad *b)
{
	if (in->r->is_probe)
		return;
	FACT(SPOOL_TORN, fact_number("segment", in->segment->number),
	    fact_number("offset", b->from),
	    fact_number("length", ((b->to - b->from))));
}

static void
found_bad(struct reader *in, const struct bad *b)
{
	if (in->link->limited) {
		if (b->from < in->link->limit.sure)
			damaged(in, b);
		return; /* else torn, and told at an earlier start */
	}
	if (in->nbad == in->bad_cap) {
		in->bad_cap = in->bad_cap * 2 + 16;
		in->bad = mem_realloc(in->bad, in->bad_cap * sizeof *in->bad);
	}
	in->bad[in->nbad++] = *b;
}

/* A good record of a group that began at `group` speaks for what is before. */
static void
judge(struct reader *in, uint64_t group)
{
	size_t kept = 0;

	for (size_t i = 0; i < in->nbad; i++)
		if (in->bad[i].from < group)
			damaged(in, &in->bad[i]);
		else
			in->bad[kept++] = in->bad[i];
	in->nbad = kept;
}

/* --- what can --- */

static void
forget(struct recovery *r, uint64_t id)
{
	struct live *live = index_get(r->index, id);

	free(map_remove_u64(&r->wounds, id));
	spool_id_seen(r->ids, id);
	if (live == NULL)
		return;
	free(live->env);
	live->env = NULL;
	content_file_unref(index_remove(r->index, live));
}

static bool
apply_message(struct reader *in, const struct record *rec)
{
	struct message_found found;
	struct live *live;

	if (!record_message_decode(rec, &found))
		return false;
	forget(in->r, rec->head.id); /* a copy replaces its original */
	live = live_new_take(rec->head.id, found.env->nrcpt, found.rows);
	live->segment = in->segment;
	live->env = found.env;
	live->offset = (uint32_t)rec->offset;
	live->length = (uint32_t)group_record_size(rec->head.length);
	live->flags = (uint8_t)found.flags;
	if (found.stored.file != 0)
		live->file = content_file_found(&found.stored);
	/* Of a client that went away it may be newer than every message. */
	spool_id_seen(in->r->ids, found.stored.file);
	index_add_take(in->r->index, live);
	/* Its rows were made without a place. */
	index_settle_rows(
	    in->r->index, live, 0, place_of(in->segment, live->offset));
	return true;
}

static bool
apply_progress(struct reader *in, const struct record *rec)
{
	struct recovery *r = in->r;
	uint64_t place = place_of(in->segment, (uint32_t)rec->offset);
	struct live *live = index_get(r->index, rec->head.id);
	struct rows_reader rows;
	struct progress row;
	bool ok = record_progress_open(rec, &rows);

	while (ok && rows_next(&rows, &row, NULL))
		if (live != NULL)
			live_apply(live, &row, 1, place);
	ok = ok && rows.at.len == 0;
	if (live != NULL)
		index_settle_rows(r->index, live, place, place);
	rows_close(&rows);
	return ok;
}

static bool
apply_flags(struct recovery *r, const struct record *rec)
{
	struct live *live = index_get(r->index, rec->head.id);

	if (rec->payload.len != 4)
		return false;
	if (live != NULL)
		live->flags =
		    (uint8_t)(le_get32((const uint8_t *)rec->payload.ptr));
	return true;
}

static bool
apply_cancel(struct recovery *r, const struct record *rec)
{
	const uint8_t *p = (const uint8_t *)rec->payload.ptr;

	for (size_t i = 0; i + 8 <= rec->payload.len; i += 8)
		forget(r, le_get64(p + i));
	return rec->payload.len % 8 == 0;
}

static bool
apply_locked(struct reader *in, const struct record *rec)
{
	switch ((enum record_type)rec->head.type) {
	case RECORD_MESSAGE: return apply_message(in, rec);
	case RECORD_PROGRESS: return apply_progress(in, rec);
	case RECORD_FLAGS: return apply_flags(in->r, rec);
	case RECORD_DONE: forget(in->r, rec->head.id); return true;
	case RECORD_CANCEL: return apply_cancel(in->r, rec);
	}
	return false;
}

/* Others may use the index by now. */
static bool
apply(struct reader *in, const struct record *rec)
{
	bool ok;

	if (in->r->is_probe)
		return true;
	(void)pthread_mutex_lock(in->r->lock);
	ok = apply_locked(in, rec);
	(void)pthread_mutex_unlock(in->r->lock);
	return ok;
}

/* --- the walk --- */

static uint64_t
good_record(struct reader *in, const struct record *rec)
{
	judge(in, rec->head.group);
	spool_id_seen(in->r->ids, rec->head.id);
	if (!apply(in, rec))
		/* Its checksum holds: not the disk's fault, but ours. */
		damaged(in, &(struct bad){ rec->offset, rec->end, rec->head.id,
				rec->head.type });
	in->end = rec->end;
	return rec->end;
}

static uint64_t
bad_payload(struct reader *in, const struct record *rec)
{
	uint64_t to = rec->end < in->area.size ? rec->end : in->area.size;

	judge(in, rec->head.group);
	spool_id_seen(in->r->ids, rec->head.id);
	found_bad(
	    in, &(struct bad){ rec->offset, to, rec->head.id, rec->head.type });
	return rec->end;
}

/* Behind the last record nothing is missing, unless somebody says so. */
static uint64_t
bad_header(struct reader *in, uint64_t at)
{
	uint64_t to = record_seek(&in->area, (size_t)at + RECORD_ALIGN);

	if (to < in->area.size || in->link->limited)
		found_bad(in, &(struct bad){ .from = at, .to = to });
	return to;
}

static int
walk(struct reader *in)
{
	uint64_t at = SEGMENT_FIRST;
	struct record rec;

	while (at < in->area.size) {
		switch (record_read(&in->area, (size_t)at, &rec)) {
		case RECORD_OK: at = good_record(in, &rec); break;
		case RECORD_BAD_PAYLOAD: at = bad_payload(in, &rec); break;
		case RECORD_BAD_HEADER: at = bad_header(in, at); break;
		case RECORD_NEWER:
			return err_set(in->r->err, -EPROTO,
			    "journal/%08llu was written by a newer Postern",
			    (unsigned long long)in->segment->number);
		}
	}
	return 0;
}

/* How far the segment reaches, and what of that is missing at its end. */
static uint64_t
reach(struct reader *in)
{
	const struct link *l = in->link;
	uint64_t end = l->limited ? l->limit.end : l->size;

	if (end > l->size) {
		damaged(in, &(struct bad){ .from = l->size, .to = end });
		end = l->size;
	}
	return end;
}

int
replay(struct recovery *r, struct segment *s, const struct link *link,
    struct tail *end)
{
	struct reader in = {
		.r = r, .segment = s, .link = link, .end = SEGMENT_FIRST
	};
	uint64_t size = reach(&in);
	int rc;

	replay_load(r, s->fd, s->number, size);
	in.area = (struct record_area){ .bytes = r->bytes,
		.size = (size_t)size,
		.salt = r->segments->salt,
		.segment = s->number };
	rc = walk(&in);
	if (!r->is_probe)
		s->end = in.end;
	*end = (struct tail){ s->number, in.end, in.end };
	for (size_t i = 0; i < in.nbad; i++)
		torn(&in, &in.bad[i]);
	if (in.nbad > 0 && in.bad[0].from < in.end)
		end->sure = in.bad[0].from;
	free(in.bad);
	return rc;
}
