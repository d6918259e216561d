/*
 * First the header and its checksums, then what each kind carries. Decoding
 * trusts a payload no further than its checksum goes: every length is compared
 * with what is left, so that a payload made by somebody else does no harm.
 */
#include "record_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "mail/envelope.h"
#include "le_priv.h"
#include "mail/reason.h"
#include "mail/words.h"

enum {
	MAGIC = 0x63526f50, /* "PoRc" */
	HEAD_CRC_AT = 36,
	MESSAGE_FIXED = 48,
	MESSAGE_FILE = 8, /* the file's name, when it is not the message's */
	RCPT_FIXED = 32,
	RCPTS_ON_STACK = 16,
	DETAIL_MAX = 4096,
};

uint32_t
record_seed(uint64_t salt, uint64_t segment, uint64_t offset)
{
	uint8_t place[24];

	le_put64(place, salt);
	le_put64(place + 8, segment);
	le_put64(place + 16, offset);
	return crc32c(0, place, sizeof place);
}

void
record_head_encode(
    uint8_t out[RECORD_HEADER], const struct record_head *h, uint32_t seed)
{
	memset(out, 0, RECORD_HEADER);
	le_put32(out, MAGIC);
	out[4] = h->type;
	out[5] = RECORD_VERSION;
	le_put32(out + 8, h->length);
	le_put32(out + 12, h->group);
	le_put32(out + 16, h->left);
	le_put64(out + 24, h->id);
	le_put32(out + 32, h->payload_crc);
	le_put32(out + HEAD_CRC_AT, crc32c(seed, out, HEAD_CRC_AT));
}

static bool
has_valid_head(const struct record_area *a, size_t offset)
{
	const uint8_t *p = a->bytes + offset;
	uint32_t seed;

	if (offset > a->size || a->size - offset < RECORD_HEADER ||
	    le_get32(p) != MAGIC)
		return false;
	seed = record_seed(a->salt, a->segment, a->base + offset);
	return le_get32(p + HEAD_CRC_AT) == crc32c(seed, p, HEAD_CRC_AT);
}

static bool
is_known(const uint8_t *p)
{
	return p[5] <= RECORD_VERSION && p[4] >= RECORD_MESSAGE &&
	       p[4] <= RECORD_CANCEL;
}

enum record_status
record_read(const struct record_area *a, size_t offset, struct record *out)
{
	const uint8_t *p = a->bytes + offset;
	size_t room;
	uint32_t seed;

	if (!has_valid_head(a, offset))
		return RECORD_BAD_HEADER;
	if (!is_known(p))
		return RECORD_NEWER;
	out->head = (struct record_head){
		.type = p[4],
		.length = le_get32(p + 8),
		.group = le_get32(p + 12),
		.left = le_get32(p + 16),
		.id = le_get64(p + 24),
		.payload_crc = le_get32(p + 32),
	};
	out->offset = offset;
	out->end = round_up(offset + RECORD_HEADER + out->head.length,
	    out->head.left == 0 ? GROUP_ALIGN : RECORD_ALIGN);
	room = a->size - offset - RECORD_HEADER;
	if (out->head.length > room) {
		out->payload = (struct span){ "", 0 };
		return RECORD_BAD_PAYLOAD;
	}
	out->payload =
	    (struct span){ (const char *)p + RECORD_HEADER, out->head.length };
	seed = record_seed(a->salt, a->segment, a->base + offset);
	if (crc32c(seed, out->payload.ptr, out->payload.len) !=
	    out->head.payload_crc)
		return RECORD_BAD_PAYLOAD;
	return RECORD_OK;
}

size_t
record_seek(const struct record_area *a, size_t offset)
{
	for (size_t at = round_up(offset, RECORD_ALIGN); at < a->size;
	     at += RECORD_ALIGN)
		if (has_valid_head(a, at))
			return at;
	return a->size;
}

const char *
record_type_name(uint8_t type)
{
	static const char *const names[] = { "unknown", "message", "progress",
		"flags", "done", "cancel" };

	return type < ARRAY_LEN(names) ? names[type] : names[0];
}

/* --- rows --- */

static uint16_t
small(uint32_t n)
{
	return n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

void
row_set(struct row *row, const struct progress *news)
{
	struct reason *old = row->reason;

	*row = (struct row){
		.last = news->last,
		.due = news->due,
		.reason = reason_ref(news->reason),
		.tries = small(news->tries),
		.step = small(news->step),
		.state = (uint8_t)news->state,
		.held = news->held,
	};
	reason_unref(old);
}

struct progress
row_get(const struct row *row, uint32_t rcpt)
{
	return (struct progress){
		.rcpt = rcpt,
		.state = (enum rcpt_state)row->state,
		.held = row->held,
		.tries = row->tries,
		.step = row->step,
		.last = row->last,
		.due = row->due,
		.reason = row->reason,
	};
}

struct row *
rows_copy(const struct row *rows, uint32_t n)
{
	struct row *copy;

	if (rows == NULL)
		return NULL;
	copy = mem_dup(rows, n * sizeof *rows);
	for (uint32_t i = 0; i < n; i++)
		(void)reason_ref(copy[i].reason);
	return copy;
}

void
rows_free(struct row *rows, uint32_t n)
{
	if (rows == NULL)
		return;
	for (uint32_t i = 0; i < n; i++)
		reason_unref(rows[i].reason);
	free(rows);
}

static uint8_t *
put_text(uint8_t *p, const char *text, size_t len)
{
	if (len > 0)
		memcpy(p, text, len);
	return p + len;
}

/* How long the words are as a text. */
static size_t
detail_size(const struct reason *r)
{
	struct words w = reason_words(r);

	return r == NULL
		   ? 0
		   : w.status.len + w.host.len + w.what.len + w.said.len + 3;
}

static uint8_t *
put_detail(uint8_t *p, const struct reason *r)
{
	struct buf text = { .max = SIZE_MAX };
	struct words w = reason_words(r);

	if (r == NULL)
		return p;
	words_write(&text, &w);
	p = put_text(p, buf_span(&text).ptr, buf_len(&text));
	buf_clear(&text);
	return p;
}

/* One reference. */
static struct reason *
detail_reason(struct span detail)
{
	struct words w = words_read(detail);

	return detail.len == 0 ? NULL : reason_new(&w);
}

/* Where the content is, as the record says it. */
enum where { WHERE_HERE, WHERE_OWN_FILE, WHERE_FILE };

static enum where
where_is(const struct stored *s, uint64_t id)
{
	if (s->file == 0)
		return WHERE_HERE;
	return s->file == id ? WHERE_OWN_FILE : WHERE_FILE;
}

/* --- writing --- */

/* The same 32 bytes in a message and in a progress record. */
static uint8_t *
put_row(uint8_t *p, uint32_t first, const struct progress *r)
{
	le_put32(p, first);
	le_put32(p + 4, (uint32_t)r->state);
	le_put32(p + 8, r->tries);
	le_put32(p + 12, (uint32_t)detail_size(r->reason));
	le_put64(p + 16, (uint64_t)r->last);
	le_put64(p + 24, (uint64_t)r->due);
	return p + RCPT_FIXED;
}

size_t
record_message_size(const struct record_message *m)
{
	const struct envelope *env = m->env;
	size_t size =
	    MESSAGE_FIXED + strlen(env->account) + strlen(env->sender);

	if (where_is(&m->stored, env->id) == WHERE_FILE)
		size += MESSAGE_FILE;
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		size += RCPT_FIXED + strlen(env->rcpts[i].address);
		if (m->rows != NULL)
			size += detail_size(m->rows[i].reason);
	}
	return size;
}

void
record_message_encode(const struct record_message *m, uint8_t *p)
{
	static const struct row fresh;
	const struct envelope *env = m->env;
	size_t account = strlen(env->account), sender = strlen(env->sender);
	enum where where = where_is(&m->stored, env->id);

	le_put32(p, m->flags);
	le_put32(p + 4, env->flags);
	le_put64(p + 8, (uint64_t)env->arrived);
	le_put64(p + 16, env->size);
	le_put32(p + 24, env->nrcpt);
	le_put32(p + 28, (uint32_t)where);
	le_put32(p + 32, m->stored.crc);
	le_put32(p + 36, (uint32_t)account);
	le_put32(p + 40, (uint32_t)sender);
	le_put32(p + 44, 0);
	p += MESSAGE_FIXED;
	if (where == WHERE_FILE) {
		le_put64(p, m->stored.file);
		p += MESSAGE_FILE;
	}
	p = put_text(p, env->account, account);
	p = put_text(p, env->sender, sender);
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		const struct row *row = m->rows == NULL ? &fresh : &m->rows[i];
		struct progress r = row_get(row, i);
		size_t len = strlen(env->rcpts[i].address);

		p = put_row(p, (uint32_t)len, &r);
		p = put_text(p, env->rcpts[i].address, len);
		p = put_detail(p, r.reason);
	}
}

size_t
record_progress_size(const struct progress *rcpts, uint32_t n)
{
	size_t size = 0;

	for (uint32_t i = 0; i < n; i++)
		size += RCPT_FIXED + detail_size(rcpts[i].reason);
	return size;
}

void
record_progress_encode(const struct progress *rcpts, uint32_t n, uint8_t *p)
{
	for (uint32_t i = 0; i < n; i++) {
		p = put_row(p, rcpts[i].rcpt, &rcpts[i]);
		p = put_detail(p, rcpts[i].reason);
	}
}

/* --- reading --- */

/* Takes `len` bytes from the front; false when there are fewer. */
static bool
take(struct span *at, size_t len, struct span *out)
{
	if (len > at->len)
		return false;
	*out = (struct span){ at->ptr, len };
	at->ptr += len;
	at->len -= len;
	return true;
}

/* Text in an envelope ends at its NUL, so there is none inside. */
static bool
take_text(struct span *at, size_t len, struct span *out)
{
	return take(at, len, out) &&
	       (len == 0 || memchr(out->ptr, '\0', len) == NULL);
}

static bool
take_row(struct span *at, uint32_t *first, size_t *detail, struct progress *out)
{
	struct span raw;
	const uint8_t *p;

	if (!take(at, RCPT_FIXED, &raw))
		return false;
	p = (const uint8_t *)raw.ptr;
	*first = le_get32(p);
	*detail = le_get32(p + 12);
	*out = (struct progress){
		.state = (enum rcpt_state)le_get32(p + 4),
		.tries = le_get32(p + 8),
		.step = le_get32(p + 8), /* they were the same */
		.last = (int64_t)le_get64(p + 16),
		.due = (int64_t)le_get64(p + 24),
	};
	return le_get32(p + 4) < RCPT_STATE_COUNT && *detail <= DETAIL_MAX;
}

bool
record_progress_next(struct span *at, struct progress *out)
{
	struct span text;
	uint32_t rcpt;
	size_t detail;

	if (!take_row(at, &rcpt, &detail, out) || !take(at, detail, &text))
		return false;
	out->rcpt = rcpt;
	out->reason = detail_reason(text);
	return true;
}

static bool
is_fresh(const struct progress *r)
{
	return r->state == RCPT_QUEUED && r->tries == 0 && r->last == 0 &&
	       r->due == 0 && r->reason == NULL;
}

/* Rows are made when the first recipient is found that needs one. */
static bool
take_rcpts(struct span *at, struct span *rcpt, uint32_t n, struct row **rows)
{
	for (uint32_t i = 0; i < n; i++) {
		struct progress r;
		struct span text;
		uint32_t len;
		size_t detail;

		if (!take_row(at, &len, &detail, &r) ||
		    !take_text(at, len, &rcpt[i]) || !take(at, detail, &text))
			return false;
		r.reason = detail_reason(text);
		if (is_fresh(&r))
			continue;
		if (*rows == NULL)
			*rows = mem_zalloc(n, sizeof **rows);
		row_set(&(*rows)[i], &r);
		reason_unref(r.reason);
	}
	return true;
}

/* Where the content is: what says so stands in front of the texts. */
static bool
take_stored(
    struct span *at, const uint8_t *fixed, uint64_t id, struct stored *out)
{
	struct span name;

	*out = (struct stored){ .size = le_get64(fixed + 16),
		.crc = le_get32(fixed + 32) };
	switch (le_get32(fixed + 28)) {
	case WHERE_HERE: return true;
	case WHERE_OWN_FILE: out->file = id; return true;
	case WHERE_FILE:
		if (!take(at, MESSAGE_FILE, &name))
			return false;
		out->file = le_get64((const uint8_t *)name.ptr);
		return out->file != 0;
	default: return false;
	}
}

static bool
decode(struct span at, uint64_t id, struct span *rcpt, uint32_t nrcpt,
    struct message_found *out)
{
	struct envelope_parts parts = {
		.id = id, .nrcpt = nrcpt, .rcpt = rcpt
	};
	const uint8_t *p = (const uint8_t *)at.ptr;

	out->flags = le_get32(p);
	parts.flags = le_get32(p + 4);
	parts.arrived = (int64_t)le_get64(p + 8);
	parts.size = le_get64(p + 16);
	at = span_from(at, MESSAGE_FIXED);
	if (!take_stored(&at, p, id, &out->stored) ||
	    !take_text(&at, le_get32(p + 36), &parts.account) ||
	    !take_text(&at, le_get32(p + 40), &parts.sender) ||
	    !take_rcpts(&at, rcpt, nrcpt, &out->rows) ||
	    at.len != (out->stored.file != 0 ? 0 : parts.size)) {
		rows_free(out->rows, nrcpt);
		*out = (struct message_found){ 0 };
		return false;
	}
	out->content = at;
	out->env = envelope_new(&parts);
	return true;
}

bool
record_message_decode(
    struct span payload, uint64_t id, struct message_found *out)
{
	struct span few[RCPTS_ON_STACK], *rcpt = few;
	uint32_t nrcpt;
	bool ok;

	*out = (struct message_found){ 0 };
	if (payload.len < MESSAGE_FIXED)
		return false;
	nrcpt = le_get32((const uint8_t *)payload.ptr + 24);
	/* No more than fit, so that a number alone cannot ask for memory. */
	if (nrcpt > payload.len / RCPT_FIXED)
		return false;
	if (nrcpt > RCPTS_ON_STACK)
		rcpt = mem_zalloc(nrcpt, sizeof *rcpt);
	ok = decode(payload, id, rcpt, nrcpt, out);
	if (rcpt != few)
		free(rcpt);
	return ok;
}

void
message_found_clear(struct message_found *m)
{
	if (m->env != NULL)
		rows_free(m->rows, m->env->nrcpt);
	free(m->env);
	*m = (struct message_found){ 0 };
}
