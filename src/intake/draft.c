/* The envelope in the making, and where the header of the content ends. */
#include "draft_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "mail/envelope.h"
#include "sign/body.h"
#include "smtp/address.h"

static const char too_long[] = "552 5.3.4 Header section too long";

static void
free_filtered(struct draft_filtered *f)
{
	if (f == NULL)
		return;
	buf_clear(&f->said);
	buf_clear(&f->trace);
	buf_clear(&f->fields);
	buf_clear(&f->new_body);
	buf_clear(&f->held_by);
	free(f);
}

enum conf_when
draft_when(const struct draft *d)
{
	return d->origin == DRAFT_FILTERED ? WHEN_AFTER : WHEN_BEFORE;
}

struct draft_filtered *
draft_filtered(struct draft *d)
{
	if (d->filtered == NULL)
		d->filtered = MEM_NEW(struct draft_filtered);
	return d->filtered;
}

void
draft_clear(struct draft *d)
{
	free(d->sender);
	free(d->named);
	free(d->message_id);
	free(d->words);
	body_hash_free(d->hash);
	buf_clear(&d->attrs);
	buf_clear(&d->rcpts);
	buf_clear(&d->head);
	buf_clear(&d->body);
	free_filtered(d->filtered);
	*d = (struct draft){ 0 };
}

/* --- the envelope --- */

void
draft_set_sender(struct draft *d, const struct address *from)
{
	struct buf written = { 0 };

	address_write(from, &written);
	draft_set_written_sender(d, buf_span(&written));
	buf_clear(&written);
}

void
draft_set_written_sender(struct draft *d, struct span from)
{
	free(d->sender);
	d->sender = span_dup(from);
	d->needs_utf8 |= !span_is_ascii(from);
}

/* Domains are alike in any case; what is before the @ is the next host's. */
static uint64_t
address_hash(struct span rcpt)
{
	static const uint64_t key[2] = { 0x506f737465726e31, 0x52435054 };
	char low[ADDRESS_WRITTEN_MAX];
	size_t at = span_find_last(rcpt, '@');

	for (size_t i = 0; i < rcpt.len; i++)
		low[i] = i < at ? rcpt.ptr[i] : ascii_lower(rcpt.ptr[i]);
	return siphash24(key, low, rcpt.len);
}

struct span
draft_rcpt(const struct draft *d, uint32_t i)
{
	const struct draft_rcpt *n = &d->named[i];

	return span_to(span_from(buf_span(&d->rcpts), n->at), n->address);
}

static struct span
rcpt_attrs(const struct draft *d, uint32_t i)
{
	const struct draft_rcpt *n = &d->named[i];

	return span_to(
	    span_from(buf_span(&d->rcpts), n->at + n->address), n->attrs);
}

/* Named twice is answered twice and sent once. */
static bool
is_named_already(const struct draft *d, uint64_t hash, struct span rcpt)
{
	for (uint32_t i = 0; i < d->nrcpt; i++)
		if (d->named[i].hash == hash &&
		    span_equal_nocase(draft_rcpt(d, i), rcpt))
			return true;
	return false;
}

/* The address stands at the end of d->rcpts, from `at` on. */
static void
keep_rcpt(struct draft *d, size_t at, uint64_t hash, struct span attrs)
{
	struct span rcpt = span_from(buf_span(&d->rcpts), at);

	if (d->nrcpt == d->named_cap) {
		d->named_cap = d->named_cap == 0 ? 4 : d->named_cap * 2;
		d->named =
		    mem_realloc(d->named, d->named_cap * sizeof *d->named);
	}
	d->asked = d->nrcpt;
	d->named[d->nrcpt++] = (struct draft_rcpt){ .hash = hash,
		.at = (uint32_t)at,
		.address = (uint16_t)rcpt.len,
		.attrs = (uint16_t)attrs.len };
	d->needs_utf8 |= !span_is_ascii(rcpt);
	(void)buf_append_span(&d->rcpts, attrs);
}

bool
draft_add_rcpt(struct draft *d, const struct address *to, struct span attrs)
{
	size_t at = buf_len(&d->rcpts);
	struct span rcpt;
	uint64_t hash;

	address_write(to, &d->rcpts);
	rcpt = span_from(buf_span(&d->rcpts), at);
	hash = address_hash(rcpt);
	if (is_named_already(d, hash, rcpt)) {
		buf_truncate(&d->rcpts, at);
		return false;
	}
	keep_rcpt(d, at, hash, attrs);
	return true;
}

bool
draft_has_utf8_address(const struct draft *d)
{
	bool has = d->sender != NULL && !span_is_ascii(span_text(d->sender));

	for (uint32_t i = 0; i < d->nrcpt && !has; i++)
		has = !span_is_ascii(draft_rcpt(d, i));
	return has;
}

void
draft_drop_rcpt(struct draft *d)
{
	bool was_ascii;

	assert(d->nrcpt > 0);
	was_ascii = span_is_ascii(draft_rcpt(d, d->nrcpt - 1));
	buf_truncate(&d->rcpts, d->named[--d->nrcpt].at);
	if (d->named[d->nrcpt].said > 0)
		buf_truncate(&d->filtered->said, d->named[d->nrcpt].said);
	if (!was_ascii)
		d->needs_utf8 = draft_has_utf8_address(d);
}

void
draft_add_written(struct draft *d, struct span to, struct span attrs)
{
	size_t at = buf_len(&d->rcpts);

	(void)buf_append_span(&d->rcpts, to);
	keep_rcpt(d, at, 0, attrs);
}

void
draft_add_stored(
    struct draft *d, struct span to, struct span attrs, uint32_t which)
{
	draft_add_written(d, to, attrs);
	d->named[d->nrcpt - 1].hash = address_hash(to);
	d->named[d->nrcpt - 1].stored = which + 1;
}

/* The texts stay where they are; nothing is looked for behind them. */
void
draft_remove_rcpt(struct draft *d, uint32_t i)
{
	assert(i < d->nrcpt);
	d->nrcpt--;
	memmove(
	    &d->named[i], &d->named[i + 1], (d->nrcpt - i) * sizeof *d->named);
}

void
draft_said(struct draft *d, struct span params)
{
	struct buf *said;
	uint32_t at;

	if (d->conf->nfilters == 0)
		return;
	said = &draft_filtered(d)->said;
	at = (uint32_t)buf_len(said);
	said->max = d->rcpts.max;
	(void)buf_append_span(said, params);
	(void)buf_append_char(said, '\0');
	if (d->nrcpt > 0)
		d->named[d->nrcpt - 1].said = at;
}

struct span
draft_params(const struct draft *d, uint32_t rcpt)
{
	uint32_t at = rcpt == DRAFT_MAIL ? 0 : d->named[rcpt].said;
	struct span text = span_from(buf_span(&d->filtered->said), at);

	/* One that a filter added has none. */
	if (rcpt != DRAFT_MAIL && at == 0)
		return SPAN("");
	return span_to(text, span_find(text, '\0'));
}

struct envelope *
draft_envelope(const struct draft *d, uint64_t size)
{
	struct span *rcpts = mem_zalloc(2 * (size_t)d->nrcpt, sizeof *rcpts);
	struct envelope_parts parts = {
		.id = d->id,
		.size = size,
		.arrived = d->arrived != 0 ? d->arrived : d->now,
		.flags = d->flags,
		.account = d->account,
		.sender = span_text(d->sender),
		.attrs = buf_span(&d->attrs),
		.rcpt = rcpts,
		.rcpt_attrs = rcpts + d->nrcpt,
		.nrcpt = d->nrcpt,
	};
	struct envelope *env;

	for (uint32_t i = 0; i < d->nrcpt; i++) {
		rcpts[i] = draft_rcpt(d, i);
		rcpts[d->nrcpt + i] = rcpt_attrs(d, i);
	}
	if (!d->needs_utf8)
		parts.flags &= ~(uint32_t)ENVELOPE_UTF8;
	if (d->stored != NULL) {
		free(rcpts);
		return after_envelope(d, &parts);
	}
	env = envelope_new(&parts);
	free(rcpts);
	return env;
}

uint64_t
draft_size(const struct draft *d)
{
	return d->passed + buf_len(&d->head) + buf_len(&d->body);
}

/* --- refusing --- */

bool
draft_is_refused(const struct draft *d)
{
	return d->refusal != NULL;
}

void
draft_refuse(struct draft *d, const char *reply)
{
	if (d->refusal == NULL)
		d->refusal = reply;
	buf_clear(&d->body);
	buf_clear(&d->head);
}

void
draft_refuse_with(struct draft *d, const char *why, const char *format, ...)
{
	char text[512];
	va_list ap;

	if (d->refusal != NULL)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	free(d->words);
	d->words = mem_strdup(text);
	d->why = why;
	draft_refuse(d, d->words);
}

void
draft_forgive(struct draft *d)
{
	d->refusal = d->why = NULL;
}

/* --- the content --- */

void
draft_reserve(struct draft *d)
{
	d->body.max = DRAFT_CHUNK + 2 * DRAFT_TAKE_MAX +
		      2 * (size_t)d->conf->limits.header + MEND_LOOK_MAX;
	d->head.max = 16384;
	/* Where chunks went to disk, another will: not grown step by step. */
	if (d->passed > 0 && buf_len(&d->body) == 0)
		(void)buf_reserve(&d->body, DRAFT_CHUNK + DRAFT_TAKE_MAX);
}

/* Content under BODY=BINARYMIME is looked at here alone; other content was. */
static bool
is_of_lines(const struct draft *d, struct span header)
{
	if ((d->flags & ENVELOPE_BINARY) == 0)
		return true;
	while (header.len > 0) {
		struct span line = span_to(header, span_find(header, '\n') + 1);

		header = span_from(header, line.len);
		if (line.len < 2 || line.len - 2 > d->conf->limits.line ||
		    !span_ends_nocase(line, SPAN("\r\n")) ||
		    span_find(line, '\r') != line.len - 2 ||
		    span_find(line, '\0') != line.len)
			return false;
	}
	return true;
}

static void
end_header(struct draft *d, size_t end, bool lacks_blank)
{
	if (is_of_lines(d, span_to(buf_span(&d->body), end)))
		fixups_begin(d, end, lacks_blank);
	else
		draft_refuse(d,
		    "550 5.6.0 The message's header is not lines that end in "
		    "CRLF, without NUL; only what follows it may be binary");
}

/*
 * Content by BDAT may end within a line (RFC 3030 section 2). Where that line is the
 * header's, the line gets its end here: whatever reads a header reads whole lines.
 */
static enum mend_end
find_end(struct draft *d, bool is_all, size_t *end)
{
	enum mend_end found =
	    mend_find_end(buf_span(&d->body), is_all, &d->scan, end);
	struct span all = buf_span(&d->body);

	if (found != MEND_NO_BLANK || *end < all.len || all.len == 0 ||
	    all.ptr[all.len - 1] == '\n' || (d->flags & ENVELOPE_BINARY) != 0)
		return found;
	if (!buf_append(&d->body, "\r\n", 2)) {
		draft_refuse(d, too_long);
		return MEND_MORE;
	}
	found = mend_find_end(buf_span(&d->body), is_all, &d->scan, end);
	if (*end <= all.len) /* text after all, which stays as it came */
		buf_truncate(&d->body, all.len);
	return found;
}

enum draft_need
draft_look(struct draft *d, bool is_all)
{
	size_t most = d->conf->limits.header, end = 0;

	if (d->header_done || draft_is_refused(d))
		return DRAFT_NOTHING;
	switch (find_end(d, is_all, &end)) {
	case MEND_BLANK: end_header(d, end, false); break;
	case MEND_NO_BLANK: end_header(d, end, true); break;
	case MEND_INDENTED:
		draft_refuse(d,
		    "550 5.6.0 White space in front of the message's header; "
		    "it must begin with the first line's first letter");
		break;
	case MEND_MORE:
		/* What was not judged yet may be the body's: it has its own
		   limit. */
		if (d->scan.at > most ||
		    buf_len(&d->body) - d->scan.at > most + MEND_LOOK_MAX)
			draft_refuse(d, too_long);
		return DRAFT_NOTHING;
	}
	return draft_run(d, DRAFT_HEADER);
}
