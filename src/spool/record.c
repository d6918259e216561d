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
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "le_priv.h"

enum {
	MAGIC = 0x63526f50, /* "PoRc" */
	HEAD_CRC_AT = 36,
	MESSAGE_FIXED = 48,
	MESSAGE_FILE = 8, /* the file's name, when it is not the message's */
	RCPT_LEAST = 4, /* of a row, its length */
	RCPTS_ON_STACK = 16,
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
		.version = p[5],
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

/* Of every recipient, in order; free() it unless it is `few`. */
static struct progress *
all_rows(const struct record_message *m, struct progress *few)
{
	static const struct row fresh;
	uint32_t n = m->env->nrcpt;
	struct progress *all =
	    n <= RCPTS_ON_STACK ? few : mem_alloc(n * sizeof *all);

	for (uint32_t i = 0; i < n; i++)
		all[i] = row_get(m->rows == NULL ? &fresh : &m->rows[i], i);
	return all;
}

void
record_message_encode(const struct record_message *m, struct buf *out)
{
	const struct envelope *env = m->env;
	struct progress few[RCPTS_ON_STACK], *all = all_rows(m, few);
	size_t account = strlen(env->account), sender = strlen(env->sender);
	struct span attrs = envelope_attrs(env);
	enum where where = where_is(&m->stored, env->id);
	uint8_t fixed[MESSAGE_FIXED + MESSAGE_FILE];

	le_put32(fixed, m->flags);
	le_put32(fixed + 4, env->flags);
	le_put64(fixed + 8, (uint64_t)env->arrived);
	le_put64(fixed + 16, env->size);
	le_put32(fixed + 24, env->nrcpt);
	le_put32(fixed + 28, (uint32_t)where);
	le_put32(fixed + 32, m->stored.crc);
	le_put32(fixed + 36, (uint32_t)account);
	le_put32(fixed + 40, (uint32_t)sender);
	le_put32(fixed + 44, (uint32_t)attrs.len);
	le_put64(fixed + MESSAGE_FIXED, m->stored.file);
	(void)buf_append(out, fixed,
	    where == WHERE_FILE ? sizeof fixed : (size_t)MESSAGE_FIXED);
	(void)buf_append(out, env->account, account);
	(void)buf_append(out, env->sender, sender);
	(void)buf_append_span(out, attrs);
	rows_encode(all, env->nrcpt, env, out);
	if (all != few)
		free(all);
}

void
record_progress_encode(
    const struct progress *rcpts, uint32_t n, struct buf *out)
{
	rows_encode(rcpts, n, NULL, out);
}

/* --- reading --- */

/* Whom the rows of a message are about: spans into the record. */
struct whom {
	struct span *address, *attrs; /* n of each */
	uint32_t n;
};

/* Rows are made when the first recipient is found that needs one. */
static bool
take_rcpts(struct span *at, uint8_t version, struct whom *to, struct row **rows)
{
	struct rows_reader r;
	struct row_who who;
	struct progress p;
	bool ok = rows_open(&r, *at, version);

	for (uint32_t i = 0; ok && i < to->n; i++) {
		ok = rows_next(&r, &p, &who) && who.address.len <= UINT16_MAX;
		if (!ok)
			break;
		to->address[i] = who.address;
		to->attrs[i] = who.attrs;
		if (row_is_fresh(&p))
			continue;
		if (*rows == NULL)
			*rows = mem_zalloc(to->n, sizeof **rows);
		row_set(&(*rows)[i], &p);
	}
	*at = r.at;
	rows_close(&r);
	return ok;
}

/*
 * Where the content is: what says so stands in front of the texts. The size is the
 * whole content's until it is known what of that is here.
 */
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
		if (!rows_take(at, MESSAGE_FILE, &name))
			return false;
		out->file = le_get64((const uint8_t *)name.ptr);
		return out->file != 0;
	default: return false;
	}
}

/* Whether so many octets at the end are what the record is to have of it. */
static bool
has_content(size_t here, uint8_t version, struct stored *s)
{
	if (s->file == 0)
		return here == s->size;
	if (here > s->size || (version < 4 && here > 0))
		return false;
	s->size -= here;
	return true;
}

static bool
decode(const struct record *rec, struct whom *to, struct message_found *out)
{
	uint64_t id = rec->head.id;
	struct envelope_parts parts = { .id = id,
		.nrcpt = to->n,
		.rcpt = to->address,
		.rcpt_attrs = to->attrs };
	struct span at = rec->payload;
	const uint8_t *p = (const uint8_t *)at.ptr;

	out->flags = le_get32(p);
	parts.flags = le_get32(p + 4);
	parts.arrived = (int64_t)le_get64(p + 8);
	parts.size = le_get64(p + 16);
	at = span_from(at, MESSAGE_FIXED);
	if (!take_stored(&at, p, id, &out->stored) ||
	    !rows_take_text(&at, le_get32(p + 36), &parts.account) ||
	    !rows_take_text(&at, le_get32(p + 40), &parts.sender) ||
	    !rows_take(&at, le_get32(p + 44), &parts.attrs) ||
	    parts.attrs.len > ATTRS_MAX || !attrs_are_valid(parts.attrs) ||
	    !take_rcpts(&at, rec->head.version, to, &out->rows) ||
	    !has_content(at.len, rec->head.version, &out->stored)) {
		rows_free(out->rows, to->n);
		*out = (struct message_found){ 0 };
		return false;
	}
	out->content = at;
	out->env = envelope_new(&parts);
	return true;
}

bool
record_message_decode(const struct record *rec, struct message_found *out)
{
	struct span payload = rec->payload;
	struct span few[2 * RCPTS_ON_STACK];
	struct whom to = { .address = few };
	bool ok;

	*out = (struct message_found){ 0 };
	if (rec->head.type != RECORD_MESSAGE || payload.len < MESSAGE_FIXED)
		return false;
	to.n = le_get32((const uint8_t *)payload.ptr + 24);
	/* No more than fit, so that a number alone cannot ask for memory. */
	if (to.n > payload.len / RCPT_LEAST)
		return false;
	if (to.n > RCPTS_ON_STACK)
		to.address = mem_zalloc(2 * (size_t)to.n, sizeof few[0]);
	to.attrs = to.address + to.n;
	ok = decode(rec, &to, out);
	if (to.address != few)
		free(to.address);
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

bool
record_progress_open(const struct record *rec, struct rows_reader *out)
{
	return rows_open(out, rec->payload, rec->head.version);
}
