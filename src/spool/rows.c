/*
 * First rows in memory, then the writing, then the reading. A tagged value is
 *
 *   u16 tag, u16 length, the value
 *
 * Numbers are written without their high zero bytes, and not at all when they
 * are 0. Reading trusts no length further than what is left.
 */
#include "rows_priv.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "le_priv.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "mail/words.h"
#include "spool/spool.h"

/* Numbers on disk: append only, never renumber. */
enum row_tag {
	ROW_ADDRESS = 1,
	ROW_RCPT = 2,
	ROW_STATE = 3,
	ROW_HELD = 4,
	ROW_TRIES = 5,
	ROW_STEP = 6,
	ROW_LAST = 7,
	ROW_DUE = 8,
	ROW_WORDS = 9, /* which of the record's words, from 1 on */
	ROW_WORDS_AS_BEFORE = 10, /* 1: those of the row's news before */
	ROW_STOOD = 11,
	ROW_ATTRS = 12, /* of a message's recipient (mail/attrs.h) */
	ROW_MISTRUSTED = 13,
	ROW_LAST_KNOWN = ROW_MISTRUSTED,
};
enum words_tag {
	WORDS_STATUS = 1,
	WORDS_HOST = 2,
	WORDS_WHAT = 3,
	WORDS_SAID = 4,
	WORDS_STAGE = 5,
};

enum { TAG_HEAD = 4, NUMBER_MAX = 8 };

/* Tags as they lie, one behind the other. */
struct tags {
	uint32_t len;
	char bytes[];
};

/* One tagged value. */
struct tagged {
	uint16_t tag;
	struct span value, whole; /* borrowed */
};

/* The numbers of a row, and where they are in memory. */
static const struct number {
	uint16_t tag;
	uint8_t at, size;
	uint64_t most;
} numbers[] = {
#define NUMBER(tag, member, most)                                              \
	{                                                                      \
		tag, offsetof(struct progress, member),                        \
		    sizeof((struct progress *)0)->member, most                 \
	}
	NUMBER(ROW_RCPT, rcpt, UINT32_MAX),
	NUMBER(ROW_STATE, state, RCPT_STATE_COUNT - 1),
	NUMBER(ROW_HELD, held, 1),
	NUMBER(ROW_MISTRUSTED, is_mistrusted, 1),
	NUMBER(ROW_TRIES, tries, UINT32_MAX),
	NUMBER(ROW_STEP, step, UINT32_MAX),
	NUMBER(ROW_LAST, last, UINT64_MAX),
	NUMBER(ROW_DUE, due, UINT64_MAX),
	NUMBER(ROW_STOOD, stood, UINT32_MAX),
	NUMBER(ROW_WORDS_AS_BEFORE, is_reason_as_before, 1),
#undef NUMBER
};

bool
rows_take(struct span *at, size_t len, struct span *out)
{
	if (len > at->len)
		return false;
	*out = (struct span){ at->ptr, len };
	at->ptr += len;
	at->len -= len;
	return true;
}

bool
rows_take_text(struct span *at, size_t len, struct span *out)
{
	return rows_take(at, len, out) &&
	       (len == 0 || memchr(out->ptr, '\0', len) == NULL);
}

static bool
take_u32(struct span *at, uint32_t *out)
{
	struct span raw;

	if (!rows_take(at, 4, &raw))
		return false;
	*out = le_get32((const uint8_t *)raw.ptr);
	return true;
}

static bool
take_tag(struct span *at, struct tagged *out)
{
	struct span head;
	uint32_t both;

	out->whole = *at;
	if (!rows_take(at, TAG_HEAD, &head))
		return false;
	both = le_get32((const uint8_t *)head.ptr);
	out->tag = (uint16_t)both;
	out->whole = span_to(out->whole, TAG_HEAD + (both >> 16));
	return rows_take(at, both >> 16, &out->value);
}

/* --- in memory --- */

static uint16_t
small(uint32_t n)
{
	return n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

static uint32_t
seconds(int64_t ms)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	return s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
}

static bool
has_tag(struct span tags, uint16_t tag)
{
	struct tagged t;

	while (take_tag(&tags, &t))
		if (t.tag == tag)
			return true;
	return false;
}

static struct span
tags_span(const struct tags *tags)
{
	return tags == NULL ? SPAN("") : span_make(tags->bytes, tags->len);
}

/* What stays of the old tags, and the new ones. Frees the old. */
static struct tags *
tags_merge(struct tags *old, struct span news)
{
	struct span at = tags_span(old);
	struct buf out = { 0 };
	struct tags *merged;
	struct tagged t;

	while (take_tag(&at, &t))
		if (!has_tag(news, t.tag))
			(void)buf_append_span(&out, t.whole);
	(void)buf_append_span(&out, news);
	merged = mem_alloc(sizeof *merged + buf_len(&out));
	merged->len = (uint32_t)buf_len(&out);
	memcpy(merged->bytes, buf_span(&out).ptr, merged->len);
	buf_clear(&out);
	free(old);
	return merged;
}

void
row_set(struct row *row, const struct progress *news)
{
	if (news->other.len > 0)
		row->other = tags_merge(row->other, news->other);
	row->last = seconds(news->last);
	row->due =
	    seconds(news->due > INT64_MAX - 999 ? news->due : news->due + 999);
	row->stood = news->stood;
	row->tries = small(news->tries);
	row->step = news->step < UINT8_MAX ? (uint8_t)news->step : UINT8_MAX;
	row->state = news->state & 0x3f;
	row->held = news->held;
	row->is_mistrusted = news->is_mistrusted;
	if (news->is_reason_as_before)
		return;
	reason_unref(row->reason);
	/* Nobody can read the rest of it back before it is on disk. */
	row->reason = reason_whole(news->reason);
}

struct progress
row_get(const struct row *row, uint32_t rcpt)
{
	return (struct progress){
		.rcpt = rcpt,
		.state = (enum rcpt_state)row->state,
		.held = row->held,
		.is_mistrusted = row->is_mistrusted,
		.tries = row->tries,
		.step = row->step,
		.last = (int64_t)row->last * 1000,
		.due = (int64_t)row->due * 1000,
		.stood = row->stood,
		.reason = row->reason,
		.other = tags_span(row->other),
	};
}

bool
row_is_fresh(const struct progress *p)
{
	return p->state == RCPT_QUEUED && !p->held && p->tries == 0 &&
	       p->step == 0 && p->last == 0 && p->due == 0 && p->stood == 0 &&
	       p->reason == NULL && p->other.len == 0;
}

struct row *
rows_copy(const struct row *rows, uint32_t n)
{
	struct row *copy = mem_dup(rows, n * sizeof *rows);

	for (uint32_t i = 0; i < n; i++) {
		/* What was not cut by now stays whole for who has the copy. */
		copy[i].reason = reason_whole(copy[i].reason);
		if (copy[i].other != NULL)
			copy[i].other = mem_dup(copy[i].other,
			    sizeof *copy[i].other + copy[i].other->len);
	}
	return copy;
}

void
rows_clear(struct row *rows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		reason_unref(rows[i].reason);
		free(rows[i].other);
	}
}

void
rows_free(struct row *rows, uint32_t n)
{
	if (rows != NULL)
		rows_clear(rows, n);
	free(rows);
}

/* --- writing --- */

static void
put_u32(struct buf *out, uint32_t n)
{
	uint8_t raw[4];

	le_put32(raw, n);
	(void)buf_append(out, raw, sizeof raw);
}

static void
put_tag(struct buf *out, uint16_t tag, struct span value)
{
	assert(value.len <= UINT16_MAX);
	put_u32(out, (uint32_t)value.len << 16 | tag);
	(void)buf_append_span(out, value);
}

static void
put_text(struct buf *out, uint16_t tag, struct span text)
{
	if (text.len > 0)
		put_tag(out, tag, text);
}

static void
put_number(struct buf *out, uint16_t tag, uint64_t n)
{
	uint8_t raw[NUMBER_MAX];
	size_t len = 0;

	if (n == 0)
		return;
	le_put64(raw, n);
	for (; n > 0; n >>= 8)
		len++;
	put_tag(out, tag, span_make((const char *)raw, len));
}

/* Begins what has its length in front; returns where. */
static size_t
begin(struct buf *out)
{
	put_u32(out, 0);
	return buf_len(out);
}

static void
end(struct buf *out, size_t began)
{
	le_put32((uint8_t *)out->data + out->head + began - 4,
	    (uint32_t)(buf_len(out) - began));
}

static void
put_words(struct buf *out, const struct reason *r)
{
	struct words w = reason_words(r);
	size_t began = begin(out);

	put_text(out, WORDS_STATUS, w.status);
	put_text(out, WORDS_HOST, w.host);
	put_text(out, WORDS_WHAT, w.what);
	put_text(out, WORDS_SAID, w.said);
	put_number(out, WORDS_STAGE, w.stage);
	end(out, began);
}

static uint64_t
number_get(const struct number *n, const struct progress *p)
{
	const char *from = (const char *)p + n->at;
	uint64_t wide = 0;
	uint32_t narrow;
	bool flag;

	if (n->size == sizeof wide) {
		memcpy(&wide, from, sizeof wide);
		return wide;
	}
	if (n->size == sizeof narrow) {
		memcpy(&narrow, from, sizeof narrow);
		return narrow;
	}
	memcpy(&flag, from, sizeof flag);
	return flag;
}

/* `words`: which of the record's; 0: none. `who`: NULL in news. */
static void
put_row(struct buf *out, const struct progress *p, const struct row_who *who,
    uint32_t words)
{
	size_t began = begin(out);

	if (who != NULL) {
		put_text(out, ROW_ADDRESS, who->address);
		put_text(out, ROW_ATTRS, who->attrs);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (who == NULL || numbers[i].tag != ROW_RCPT)
			put_number(
			    out, numbers[i].tag, number_get(&numbers[i], p));
	if (!p->is_reason_as_before)
		put_number(out, ROW_WORDS, words);
	(void)buf_append_span(out, p->other);
	end(out, began);
}

/* The words that the rows have, each once; `which` of them, from 1 on. */
static uint32_t
collect(const struct progress *rows, uint32_t n, const struct reason **words,
    uint32_t *which)
{
	uint32_t found = 0, k;

	for (uint32_t i = 0; i < n; i++) {
		which[i] = 0;
		if (rows[i].reason == NULL || rows[i].is_reason_as_before)
			continue;
		/* Neighbours are likely to have got the same. */
		for (k = found; k > 0; k--)
			if (reason_equal(words[k - 1], rows[i].reason))
				break;
		if (k == 0) {
			words[found++] = rows[i].reason;
			k = found;
		}
		which[i] = k;
	}
	return found;
}

void
rows_encode(const struct progress *rows, uint32_t n, const struct envelope *env,
    struct buf *out)
{
	const struct reason *few_words[8], **words = few_words;
	uint32_t few[8], *which = few, nwords;

	if (n > ARRAY_LEN(few)) {
		words = mem_alloc(n * sizeof *words);
		which = mem_alloc(n * sizeof *which);
	}
	nwords = collect(rows, n, words, which);
	put_u32(out, nwords);
	for (uint32_t i = 0; i < nwords; i++)
		put_words(out, words[i]);
	for (uint32_t i = 0; i < n; i++) {
		struct row_who who;

		if (env != NULL)
			who = (struct row_who){
				span_text(env->rcpts[i].address),
				envelope_rcpt_attrs(env, i),
			};
		put_row(out, &rows[i], env == NULL ? NULL : &who, which[i]);
	}
	if (which != few) {
		free((void *)words);
		free(which);
	}
}

/* --- reading --- */

static bool
read_number(struct span value, uint64_t most, uint64_t *out)
{
	uint8_t raw[NUMBER_MAX] = { 0 };

	if (value.len > sizeof raw)
		return false;
	memcpy(raw, value.ptr, value.len);
	*out = le_get64(raw);
	return *out <= most;
}

static void
number_set(const struct number *n, uint64_t value, struct progress *p)
{
	char *to = (char *)p + n->at;
	uint32_t narrow = (uint32_t)value;
	bool flag = value != 0;

	if (n->size == sizeof value)
		memcpy(to, &value, sizeof value);
	else if (n->size == sizeof narrow)
		memcpy(to, &narrow, sizeof narrow);
	else
		memcpy(to, &flag, sizeof flag);
}

/* One reference; NULL: they are none. Tags of a newer version are left out. */
static struct reason *
read_words(struct span at)
{
	struct words w = { 0 };
	struct tagged t;
	uint64_t stage;

	while (!span_is_empty(at)) {
		if (!take_tag(&at, &t))
			return NULL;
		switch (t.tag) {
		case WORDS_STATUS: w.status = t.value; break;
		case WORDS_HOST: w.host = t.value; break;
		case WORDS_WHAT: w.what = t.value; break;
		case WORDS_SAID: w.said = t.value; break;
		case WORDS_STAGE:
			if (!read_number(t.value, UINT8_MAX, &stage))
				return NULL;
			w.stage = (enum stage)stage;
			break;
		default: break;
		}
	}
	return reason_new(&w);
}

bool
rows_open(struct rows_reader *r, struct span at, uint8_t version)
{
	struct span raw;
	uint32_t n, len;

	*r = (struct rows_reader){ .at = at, .version = version };
	if (version < 3)
		return true;
	/* No more than fit, so that a number alone cannot ask for memory. */
	if (!take_u32(&r->at, &n) || n > r->at.len / 4)
		return false;
	r->words = mem_zalloc(n, sizeof(struct reason *));
	for (; r->nwords < n; r->nwords++) {
		if (!take_u32(&r->at, &len) || !rows_take(&r->at, len, &raw))
			return false;
		r->words[r->nwords] = read_words(raw);
		if (r->words[r->nwords] == NULL)
			return false;
	}
	return true;
}

static bool
next_older(struct rows_reader *r, struct progress *out, struct row_who *who)
{
	struct span detail;
	struct words w;

	if (who != NULL)
		who->attrs = SPAN("");
	if (!older_next(
		&r->at, out, who == NULL ? NULL : &who->address, &detail))
		return false;
	if (r->nwords == 1)
		reason_unref(r->words[0]);
	r->nwords = 0;
	if (detail.len == 0)
		return true;
	if (r->words == NULL)
		r->words = mem_zalloc(1, sizeof(struct reason *));
	w = words_read(detail);
	r->words[r->nwords++] = out->reason = reason_new(&w);
	return true;
}

static bool
read_tag(struct rows_reader *r, const struct tagged *t, struct progress *out,
    struct row_who *who)
{
	struct span text = t->value;
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (numbers[i].tag != t->tag)
			continue;
		if (!read_number(t->value, numbers[i].most, &n))
			return false;
		number_set(&numbers[i], n, out);
		return true;
	}
	switch (t->tag) {
	case ROW_ADDRESS:
		return who != NULL &&
		       rows_take_text(&text, text.len, &who->address);
	case ROW_ATTRS:
		if (who == NULL || !attrs_are_valid(text))
			return false;
		who->attrs = text;
		return true;
	case ROW_WORDS:
		if (!read_number(t->value, r->nwords, &n) || n == 0)
			return false;
		out->reason = r->words[n - 1];
		return true;
	default: return buf_append_span(&r->other, t->whole);
	}
}

bool
rows_next(struct rows_reader *r, struct progress *out, struct row_who *who)
{
	struct span row;
	struct tagged t;
	uint32_t len;

	if (r->version < 3)
		return next_older(r, out, who);
	*out = (struct progress){ 0 };
	if (who != NULL)
		*who = (struct row_who){ SPAN(""), SPAN("") };
	buf_reset(&r->other);
	if (!take_u32(&r->at, &len) || !rows_take(&r->at, len, &row))
		return false;
	while (!span_is_empty(row))
		if (!take_tag(&row, &t) || !read_tag(r, &t, out, who))
			return false;
	/* An older version has kept the tag, and told new words beside it. */
	if (out->reason != NULL || who != NULL)
		out->is_reason_as_before = false;
	out->other = buf_span(&r->other);
	return true;
}

void
rows_close(struct rows_reader *r)
{
	for (uint32_t i = 0; i < r->nwords; i++)
		reason_unref(r->words[i]);
	free(r->words);
	buf_clear(&r->other);
}

/* It would read tags that it knows, too. */
bool
spool_tags_fit(struct span tags)
{
	struct tagged t;

	while (!span_is_empty(tags))
		if (!take_tag(&tags, &t) || t.tag <= ROW_LAST_KNOWN)
			return false;
	return true;
}
