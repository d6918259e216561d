/*
 * Records lie one behind the other in a ring of bytes, none across its end: what is
 * left there is a filler. Places are counted from the beginning of time, so that one
 * that has been overwritten is known by its number.
 */
#include "dispatch/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ALIGN = 8 };

/* In front of a record's texts. */
struct record {
	uint32_t len; /* of all of it */
	uint8_t kind; /* TRACE_KINDS: a filler */
	uint16_t texts[TRACE_TEXTS]; /* bytes of each */
	uint32_t nrcpt, tries;
	uint64_t id, size, delay, next;
	int64_t at;
};

struct history {
	char *ring; /* owned */
	size_t bytes;
	uint64_t first,
	    end; /* places: the oldest record, and behind the newest */
	size_t count;
};

const char *
trace_kind_name(enum trace_kind kind)
{
	static const char *const names[TRACE_KINDS] = { "accepted", "delivered",
		"deferred", "failed", "expired", "removed", "operator" };

	return names[kind];
}

const char *
trace_text_name(enum trace_text text)
{
	static const char *const names[TRACE_TEXTS] = { "sid", "account",
		"sender", "recipient", "message_id", "host", "tls", "status",
		"reply", "user", "did" };

	return names[text];
}

struct history *
history_new(size_t bytes)
{
	struct history *h = MEM_NEW(struct history);

	/* The longest record finds room, with a filler before it. */
	assert(bytes >= 2 * (sizeof(struct record) + ALIGN +
				(size_t)TRACE_TEXTS * TRACE_TEXT_MAX));
	h->bytes = bytes / ALIGN * ALIGN;
	h->ring = mem_alloc(h->bytes);
	return h;
}

void
history_free(struct history *h)
{
	if (h == NULL)
		return;
	free(h->ring);
	free(h);
}

static char *
at_place(const struct history *h, uint64_t place)
{
	return h->ring + place % h->bytes;
}

/* Less than a record's head may be left at the ring's end: a filler's length. */
static uint32_t
length_at(const struct history *h, uint64_t place)
{
	uint32_t len;

	memcpy(&len, at_place(h, place), sizeof len);
	return len;
}

static bool
is_filler(const struct history *h, uint64_t place)
{
	uint32_t len = length_at(h, place);
	const struct record *r = (const void *)at_place(h, place);

	return len < sizeof *r || r->kind == TRACE_KINDS;
}

static void
drop_first(struct history *h)
{
	h->count -= !is_filler(h, h->first);
	h->first += length_at(h, h->first);
}

/* Room for so many bytes in one piece; older records go for it. */
static char *
make_room(struct history *h, uint32_t len)
{
	size_t left = h->bytes - h->end % h->bytes;
	size_t wanted = left < len ? left + len : len;

	while (h->end + wanted - h->first > h->bytes)
		drop_first(h);
	if (left < len) {
		uint32_t filler = (uint32_t)left;

		memcpy(at_place(h, h->end), &filler, sizeof filler);
		if (left >= sizeof(struct record))
			((struct record *)(void *)at_place(h, h->end))->kind =
			    TRACE_KINDS;
		h->end += left;
	}
	return at_place(h, h->end);
}

void
history_add(struct history *h, const struct trace_entry *e)
{
	struct record r = {
		.kind = (uint8_t)e->kind,
		.nrcpt = e->nrcpt,
		.tries = e->tries,
		.id = e->id,
		.size = e->size,
		.delay = e->delay,
		.next = e->next,
		.at = e->at,
	};
	size_t len = sizeof r;
	char *to;

	for (int i = 0; i < TRACE_TEXTS; i++) {
		r.texts[i] = (uint16_t)span_to(e->text[i], TRACE_TEXT_MAX).len;
		len += r.texts[i];
	}
	r.len = (uint32_t)((len + ALIGN - 1) / ALIGN * ALIGN);
	to = make_room(h, r.len);
	memcpy(to, &r, sizeof r);
	to += sizeof r;
	for (int i = 0; i < TRACE_TEXTS; i++) {
		if (r.texts[i] > 0)
			memcpy(to, e->text[i].ptr, r.texts[i]);
		to += r.texts[i];
	}
	h->end += r.len;
	h->count++;
}

static void
read_record(const char *from, struct trace_entry *out)
{
	const struct record *r = (const void *)from;

	*out = (struct trace_entry){
		.kind = (enum trace_kind)r->kind,
		.nrcpt = r->nrcpt,
		.tries = r->tries,
		.id = r->id,
		.size = r->size,
		.delay = r->delay,
		.next = r->next,
		.at = r->at,
	};
	from += sizeof *r;
	for (int i = 0; i < TRACE_TEXTS; i++) {
		out->text[i] = span_make(from, r->texts[i]);
		from += r->texts[i];
	}
}

bool
history_next(const struct history *h, uint64_t *at, struct trace_entry *out)
{
	if (*at < h->first)
		*at = h->first;
	while (*at < h->end && is_filler(h, *at))
		*at += length_at(h, *at);
	if (*at >= h->end)
		return false;
	read_record(at_place(h, *at), out);
	*at += length_at(h, *at);
	return true;
}

int64_t
history_since(const struct history *h)
{
	struct trace_entry oldest;
	uint64_t at = 0;

	return history_next(h, &at, &oldest) ? oldest.at : 0;
}

size_t
history_count(const struct history *h)
{
	return h->count;
}
