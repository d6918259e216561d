/*
 * A filter sees the message as it would be stored, but for our Received line, which
 * stays in front whatever a filter does. What it changes goes through the same steps
 * as what a client writes: a filter's From gets round no rule of the account, and
 * what the relay notes of a message is of its final content.
 *
 * Content that has gone to disk already is written anew when it changes: the head in
 * d->head and the header in d->body as ever, then the rest (DRAFT_REWRITE).
 */
#include "draft_priv.h"

#include <stdlib.h>

#include "conf/conf.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "sign/body.h"

static bool
has_filters(const struct draft *d)
{
	return d->conf != NULL && conf_has_filter(d->conf, draft_when(d));
}

/* Octets of a field that begins the text. */
static size_t
first_field(struct span text)
{
	struct span rest = text;
	struct header_field f;

	return header_next(&rest, &f) ? text.len - rest.len : 0;
}

enum draft_need
filters_keep(struct draft *d)
{
	struct span head = buf_span(&d->head), body = buf_span(&d->body);
	size_t header = body.len - d->behind_header, ours;
	struct draft_filtered *f;

	if (!has_filters(d))
		return DRAFT_NOTHING;
	f = draft_filtered(d);
	ours = first_field(head); /* fixup_received() is the first to write */
	(void)buf_append_span(&f->trace, span_to(head, ours));
	f->fields.max = d->head.max + d->body.max;
	(void)buf_append_span(&f->fields, span_from(head, ours));
	/* Without the blank line, which ends it in any case. */
	(void)buf_append_span(&f->fields, span_to(body, header - 2));
	f->body_at = header;
	return DRAFT_NOTHING;
}

enum draft_need
filters_ask(struct draft *d)
{
	if (!has_filters(d))
		return DRAFT_NOTHING;
	(void)hash_piece(d); /* before the body may move */
	return DRAFT_FILTER;
}

/* The body that is at hand; empty, where the rest has it. */
static void
take_body(struct draft *d, struct buf *out)
{
	struct draft_filtered *f = d->filtered;

	if (f->is_body_changed) {
		*out = buf_take(&f->new_body);
	} else if (d->passed == 0 && d->given == NULL) {
		buf_consume(&d->body, (size_t)f->body_at);
		*out = buf_take(&d->body);
	}
}

static void
rebuild(struct draft *d)
{
	const struct draft_filtered *f = d->filtered;
	struct buf body = { 0 };

	take_body(d, &body);
	d->given = NULL; /* it is that no more */
	buf_clear(&d->body);
	d->body.max = f->fields.max + body.max + 2;
	(void)buf_append_span(&d->body, buf_span(&f->fields));
	(void)buf_append_text(&d->body, "\r\n");
	d->behind_header = buf_len(&body);
	(void)buf_append_span(&d->body, buf_span(&body));
	buf_clear(&body);
	buf_clear(&d->head);
	d->head.max = 16384;
	(void)buf_append_span(&d->head, buf_span(&f->trace));
}

/* What follows from the bytes of the header. */
static void
note_bytes(struct draft *d)
{
	struct span header = buf_span(&d->filtered->fields);

	d->flags &= ~(uint32_t)(ENVELOPE_NO_DOTS | ENVELOPE_UTF8_HEADER);
	d->needs_utf8 = draft_has_utf8_address(d);
	if (!span_is_ascii(header))
		d->flags |= ENVELOPE_8BIT;
	draft_note_letters(d, header);
	header_review(header, &d->header);
	free(d->message_id);
	d->message_id = NULL;
	if (d->header.has_message_id)
		d->message_id =
		    span_dup(span_to(span_trim(d->header.message_id), ID_KEPT));
}

static void
forget_attr(struct draft *d, uint16_t tag)
{
	struct span rest = buf_span(&d->attrs);
	struct buf kept = { .max = d->attrs.max };
	struct attr a;

	while (attrs_next(&rest, &a))
		if (a.tag != tag)
			attrs_put(&kept, a.tag, a.value);
	buf_clear(&d->attrs);
	d->attrs = buf_take(&kept);
}

enum draft_need
filters_review(struct draft *d)
{
	static enum draft_need (*const again[])(struct draft * d) = {
		admit_sender,
		fixup_private,
		fixup_empty,
		fixup_authors,
		fixup_date,
		fixup_message_id,
		fixup_from,
		note_author,
	};
	const struct draft_filtered *f = d->filtered;

	if (f == NULL)
		return DRAFT_NOTHING;
	if (buf_len(&f->held_by) > 0) {
		forget_attr(d, ATTR_HELD_BY);
		attrs_put(&d->attrs, ATTR_HELD_BY, buf_span(&f->held_by));
	}
	if (!f->is_changed || f->is_discarded)
		return DRAFT_NOTHING;
	rebuild(d);
	note_bytes(d);
	forget_attr(d, ATTR_AUTHOR);
	if (f->is_body_changed) {
		forget_attr(d, ATTR_BODY_HASH);
		/* It is taken anew when the message leaves. */
		body_hash_free(d->hash);
		d->hash = NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(again) && d->refusal == NULL; i++)
		(void)again[i](d);
	d->hashed = buf_len(&d->body);
	/* What is on disk already is not what it is to be. */
	return d->refusal == NULL && (d->passed > 0 || f->rest != NULL)
		   ? DRAFT_REWRITE
		   : DRAFT_NOTHING;
}
