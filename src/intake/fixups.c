/*
 * What a submission server does to a header (RFC 6409 section 8): an odd one is
 * written anew (mail/mend.h), Bcc and Return-Path go, and in the head stand our
 * Received line and what is missing.
 */
#include "draft_priv.h"

#include <string.h>

#include "conf/conf.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/trace.h"
#include "smtp/address.h"

static const char too_long[] = "552 5.3.4 Header section too long";

/* --- the header becomes one --- */

static bool
insert_blank(struct draft *d, size_t at)
{
	char *data;

	if (!buf_append(&d->body, "\r\n", 2))
		return false;
	data = d->body.data + d->body.head;
	memmove(data + at + 2, data + at, buf_len(&d->body) - at - 2);
	memcpy(data + at, "\r\n", 2);
	return true;
}

/* Writes an odd header anew; `*end` is its end, before and after. */
static bool
mend_header(struct draft *d, size_t *end)
{
	struct buf mended = { .max = d->body.max };
	struct span all = buf_span(&d->body);
	size_t len;

	mend_write(span_to(all, *end), &mended);
	len = buf_len(&mended);
	(void)buf_append_span(&mended, span_from(all, *end));
	if (buf_is_over(&mended)) {
		buf_clear(&mended);
		return false;
	}
	/* A line may begin with a dot that stood behind a byte order mark. */
	d->has_new_dots = true;
	buf_clear(&d->body);
	d->body = buf_take(&mended);
	*end = len;
	return true;
}

/* Whoever did not say SMTPUTF8 wrote mere 8-bit content. */
void
draft_note_letters(struct draft *d, struct span header)
{
	if ((d->flags & ENVELOPE_UTF8) == 0 || span_is_ascii(header))
		return;
	d->flags |= ENVELOPE_UTF8_HEADER;
	d->needs_utf8 = true;
}

void
draft_note_written(struct draft *d)
{
	size_t scanned = 0, end = 0;
	struct header_facts facts;

	if (header_find_end(buf_span(&d->body), &scanned, &end) == HEADER_MORE)
		return;
	header_review(span_to(buf_span(&d->body), end), &facts);
	if (facts.has_message_id)
		d->message_id =
		    span_dup(span_to(span_trim(facts.message_id), ID_KEPT));
}

void
fixups_begin(struct draft *d, size_t end, bool needs_blank)
{
	d->header_done = true;
	if (end > d->conf->limits.header ||
	    (d->scan.is_odd && !mend_header(d, &end)) ||
	    (needs_blank && !insert_blank(d, end))) {
		draft_refuse(d, too_long);
		return;
	}
	d->header_end = end;
	/* A blank line that was missing is the header's. */
	d->behind_header = buf_len(&d->body) - end - (needs_blank ? 2 : 0);
	draft_note_letters(d, span_to(buf_span(&d->body), end));
	header_review(span_to(buf_span(&d->body), end), &d->header);
	if (d->header.has_message_id)
		d->message_id =
		    span_dup(span_to(span_trim(d->header.message_id), ID_KEPT));
}

/* --- steps --- */

enum draft_need
fixup_loop(struct draft *d)
{
	if (d->header.received > d->conf->limits.received)
		draft_refuse(
		    d, "554 5.4.6 Too many Received lines: a mail loop");
	return DRAFT_NOTHING;
}

static void
remove_field(struct draft *d, struct span name)
{
	char *data = d->body.data + d->body.head;

	buf_truncate(&d->body, header_remove(data, buf_len(&d->body), name));
}

/* What is for the sender's eyes only, and what only the last host writes. */
enum draft_need
fixup_private(struct draft *d)
{
	if (d->header.has_bcc) {
		remove_field(d, SPAN("bcc"));
		remove_field(d, SPAN("resent-bcc"));
	}
	if (d->header.has_return_path) /* RFC 5321 4.4 */
		remove_field(d, SPAN("return-path"));
	return DRAFT_NOTHING;
}

/* One that is there but empty would stand beside ours. */
enum draft_need
fixup_empty(struct draft *d)
{
	if (d->header.has_empty)
		buf_truncate(
		    &d->body, header_remove_empty(d->body.data + d->body.head,
				  buf_len(&d->body)));
	return DRAFT_NOTHING;
}

/* RFC 3848, RFC 6531 3.7.3. Without TLS there was no login: a device. */
static struct span
protocol_of(const struct draft *d)
{
	if (span_is_empty(d->tls_version))
		return (d->flags & ENVELOPE_UTF8) != 0 ? SPAN("UTF8SMTP")
						       : SPAN("ESMTP");
	return (d->flags & ENVELOPE_UTF8) != 0 ? SPAN("UTF8SMTPSA")
					       : SPAN("ESMTPSA");
}

enum draft_need
fixup_received(struct draft *d)
{
	struct qid qid = qid_format(d->id);
	struct trace t = {
		.helo = d->helo,
		.client = d->client,
		.hostname = span_text(d->conf->hostname),
		.protocol = protocol_of(d),
		.tls = d->tls_version,
		.cipher = d->tls_cipher,
		.priority = attrs_get(buf_span(&d->attrs), ATTR_PRIORITY),
		.qid = span_text(qid.text),
		.when = d->now,
	};

	/* Where somebody sits is nobody's business, unless the operator says so. */
	if (!d->conf->received_client)
		t.helo = t.client = SPAN("");
	if (d->nrcpt == 1 && span_is_ascii(draft_rcpt(d, 0)))
		t.rcpt = draft_rcpt(d, 0);
	trace_write_received(&d->head, &t);
	return DRAFT_NOTHING;
}

enum draft_need
fixup_date(struct draft *d)
{
	if (!d->header.has_date)
		trace_write_date(&d->head, d->now);
	return DRAFT_NOTHING;
}

enum draft_need
fixup_message_id(struct draft *d)
{
	struct qid qid = qid_format(d->id);
	size_t at = buf_len(&d->head);
	struct span line;

	if (d->header.has_message_id)
		return DRAFT_NOTHING; /* fixups_begin() has kept it */
	trace_write_message_id(&d->head, span_text(qid.text), d->random,
	    span_text(d->conf->hostname));
	line = span_from(buf_span(&d->head), at);
	line = span_from(line, span_find(line, '<'));
	d->message_id = span_dup(span_to(line, span_find(line, '\r')));
	return DRAFT_NOTHING;
}

/* A name that is no address becomes one here, quoted where it must be. */
static bool
write_local(struct span name, struct span hostname, struct buf *out)
{
	struct buf text = { 0 };
	struct address a;
	bool fine;

	(void)buf_append_char(&text, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"' || name.ptr[i] == '\\')
			(void)buf_append_char(&text, '\\');
		(void)buf_append_char(&text, name.ptr[i]);
	}
	(void)buf_printf(&text, "\"@%.*s", SPAN_ARG(hostname));
	fine = address_parse(buf_span(&text), &a) == ADDRESS_OK;
	if (fine)
		address_write(&a, out);
	buf_clear(&text);
	return fine;
}

/* The address that the account is called by, if it is one and its own. */
static bool
write_login(const struct draft *d, struct buf *out)
{
	const struct identity who = draft_identity(d);
	struct address a;

	if (address_parse(d->account, &a) != ADDRESS_OK ||
	    !identity_owns(&who, &a) ||
	    (a.is_utf8 && (d->flags & ENVELOPE_UTF8) == 0))
		return false;
	address_write(&a, out);
	return true;
}

/* Null path and a name without a domain, and the like. */
bool
draft_write_own(const struct draft *d, struct buf *out)
{
	if (write_login(d, out))
		return true;
	if (d->sender[0] != '\0')
		return buf_append_text(out, d->sender);
	return span_is_empty(d->send_as) &&
	       span_find(d->account, '@') == d->account.len &&
	       write_local(d->account, span_text(d->conf->hostname), out);
}

/* Whose a message without From is. */
static bool
write_author(const struct draft *d, struct buf *out)
{
	if (d->sender[0] != '\0')
		return buf_append_text(out, d->sender);
	return draft_write_own(d, out);
}

/* RFC 5322 3.6 wants a From, and large providers refuse mail without one. */
enum draft_need
fixup_from(struct draft *d)
{
	struct buf author = { 0 };

	if (d->header.has_from)
		return DRAFT_NOTHING;
	if (write_author(d, &author)) {
		trace_write_from(&d->head, buf_span(&author));
		draft_note_letters(d, buf_span(&author));
	} else {
		draft_refuse(d,
		    "550 5.6.0 The message has no From, and the account's "
		    "name makes none");
	}
	buf_clear(&author);
	return DRAFT_NOTHING;
}
