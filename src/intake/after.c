/*
 * A message that is stored becomes a draft again, for filters that are asked after
 * acceptance: as it was when filters before acceptance would have seen it, with the
 * recipients that are still to get it. How it came is an attribute of the message,
 * for the filter may be asked after a restart.
 */
#include "draft_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/param.h"
#include "mail/progress.h"
#include "smtp/address.h"

enum { VALUE_MOST = 1000, CAME_SIZE = 13 * VALUE_MOST };

/* --- how it came: values in this order, each ended by a NUL --- */

static void
put(struct buf *out, struct span value)
{
	(void)buf_append_span(out, span_to(value, VALUE_MOST));
	(void)buf_append_char(out, '\0');
}

/* Words; of too many the first, whole. */
static void
put_words(struct buf *out, struct span words)
{
	struct span some = span_to(words, VALUE_MOST);
	size_t end = span_find_last(some, ' ');

	if (words.len > VALUE_MOST)
		some = span_to(some, end < some.len ? end : 0);
	put(out, some);
}

static void
put_number(struct buf *out, unsigned n)
{
	(void)buf_printf(out, "%u", n);
	(void)buf_append_char(out, '\0');
}

enum draft_need
after_note(struct draft *d)
{
	const struct draft_filtered *f = d->filtered;
	struct buf came = { .max = CAME_SIZE };

	if (d->conf == NULL || !conf_has_filter(d->conf, WHEN_AFTER) ||
	    (f != NULL && f->is_discarded))
		return DRAFT_NOTHING;
	f = draft_filtered(d);
	put(&came, f->place.listener);
	put(&came, f->place.address);
	put_number(&came, f->place.port);
	put(&came, d->client);
	put_number(&came, f->place.client_port);
	put(&came, d->helo);
	put(&came, d->tls_version);
	put(&came, d->tls_cipher);
	put(&came, f->place.mechanism);
	put(&came, d->key);
	put(&came, d->send_as);
	put_number(&came, d->is_anybody);
	put_words(&came, draft_params(d, DRAFT_MAIL));
	attrs_put(&d->attrs, ATTR_CAME, buf_span(&came));
	buf_clear(&came);
	d->message_flags |= MESSAGE_UNFILTERED;
	return DRAFT_NOTHING;
}

static unsigned
take_number(struct span *rest)
{
	struct span text = span_cut(rest, '\0');
	unsigned n = 0;

	for (size_t i = 0; i < text.len && i < 5; i++)
		if (text.ptr[i] >= '0' && text.ptr[i] <= '9')
			n = n * 10 + (unsigned)(text.ptr[i] - '0');
	return n;
}

/* What is missing is empty: a message that was imported has none of it. */
static void
take_came(struct draft *d, struct span came)
{
	struct draft_place *p = &draft_filtered(d)->place;

	p->listener = span_cut(&came, '\0');
	p->address = span_cut(&came, '\0');
	p->port = (uint16_t)take_number(&came);
	d->client = span_cut(&came, '\0');
	p->client_port = (uint16_t)take_number(&came);
	d->helo = span_cut(&came, '\0');
	d->tls_version = span_cut(&came, '\0');
	d->tls_cipher = span_cut(&came, '\0');
	p->mechanism = span_cut(&came, '\0');
	d->key = span_cut(&came, '\0');
	d->send_as = span_cut(&came, '\0');
	d->is_anybody = take_number(&came) != 0;
	draft_said(d, span_cut(&came, '\0'));
}

/* --- the message --- */

static void
take_attrs(struct draft *d, struct span attrs)
{
	struct attr a;

	while (attrs_next(&attrs, &a))
		if (a.tag != ATTR_CAME)
			attrs_put(&d->attrs, a.tag, a.value);
}

/* As its client said them: all that RCPT may have are kept. */
static void
say_rcpt_params(struct draft *d, struct span attrs)
{
	struct buf said = { .max = VALUE_MOST };
	struct param_text one;

	while (params_next(&attrs, &one))
		if (one.keyword != NULL)
			(void)buf_printf(&said, "%s%s=%.*s",
			    buf_len(&said) > 0 ? " " : "", one.keyword,
			    SPAN_ARG(one.value));
	draft_said(d, buf_span(&said));
	buf_clear(&said);
}

static void
take_rcpts(struct draft *d, const struct envelope *env, const bool *open)
{
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		if (!open[i])
			continue;
		draft_add_stored(d, span_text(env->rcpts[i].address),
		    envelope_rcpt_attrs(env, i), i);
		say_rcpt_params(d, envelope_rcpt_attrs(env, i));
	}
}

void
after_begin(struct draft *d, const struct envelope *env, const bool *open)
{
	d->origin = DRAFT_FILTERED;
	d->stored = env;
	d->open = open;
	d->account = span_text(env->account);
	d->id = env->id;
	d->arrived = env->arrived;
	d->flags = env->flags;
	d->attrs.max = ATTRS_MAX;
	draft_set_written_sender(d, span_text(env->sender));
	take_attrs(d, envelope_attrs(env));
	d->rcpts.max = (size_t)d->conf->limits.recipients * 2 *
			   (ADDRESS_WRITTEN_MAX + ATTRS_MAX / 16) +
		       envelope_memory(env);
	/* MAIL's parameters are said before those of any RCPT. */
	take_came(d, attrs_get(envelope_attrs(env), ATTR_CAME));
	take_rcpts(d, env, open);
	d->needs_utf8 = draft_has_utf8_address(d) ||
			(env->flags & ENVELOPE_UTF8_HEADER) != 0;
	d->is_open = d->header_done = true;
}

bool
after_take_content(
    struct draft *d, struct content *content, struct span text, bool is_all)
{
	struct draft_filtered *f = d->filtered;
	size_t scanned = 0, end = 0, ours;
	struct span rest = text;
	struct header_field first;

	if (header_find_end(text, &scanned, &end) != HEADER_BLANK ||
	    !header_next(&rest, &first))
		return false;
	ours = text.len - rest.len;
	f->trace.max = f->fields.max = d->head.max = d->body.max =
	    text.len + DRAFT_TAKE_MAX;
	(void)buf_append_span(&f->trace, span_to(text, ours));
	/* Without the blank line, which ends it in any case. */
	(void)buf_append_span(
	    &f->fields, span_from(span_to(text, end - 2), ours));
	header_review(buf_span(&f->fields), &d->header);
	if (!is_all) {
		f->body_at = end;
		d->given = content;
		return true;
	}
	f->body_at = end - ours;
	(void)buf_append_span(&d->head, span_to(text, ours));
	(void)buf_append_span(&d->body, span_from(text, ours));
	d->behind_header = text.len - end;
	return true;
}

/* --- what came of it --- */

size_t
after_news(const struct draft *d, struct progress *news)
{
	uint32_t most = d->stored->nrcpt;
	bool *gone = mem_dup(d->open, most * sizeof *gone);
	size_t n = 0;

	for (uint32_t i = 0; i < d->nrcpt; i++)
		if (d->named[i].stored != 0)
			gone[d->named[i].stored - 1] = false;
	for (uint32_t i = 0; i < most; i++)
		if (gone[i])
			news[n++] = (struct progress){ .rcpt = i,
				.state = RCPT_REMOVED };
	free(gone);
	return n;
}

static uint32_t
count_open(const struct draft *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->stored->nrcpt; i++)
		n += d->open[i];
	return n;
}

bool
after_has_changes(const struct draft *d)
{
	uint32_t stay = 0;

	for (uint32_t i = 0; i < d->nrcpt; i++)
		stay += d->named[i].stored != 0;
	return stay < d->nrcpt || stay < count_open(d) ||
	       d->filtered->is_changed || buf_len(&d->filtered->held_by) > 0;
}

struct envelope *
after_envelope(const struct draft *d, struct envelope_parts *parts)
{
	const struct envelope *env = d->stored;
	size_t most = (size_t)env->nrcpt + d->nrcpt;
	struct span *rcpts = mem_zalloc(2 * most, sizeof *rcpts);
	struct span *attrs = rcpts + most;
	struct envelope *out;
	uint32_t n = 0;

	for (; n < env->nrcpt; n++) {
		rcpts[n] = span_text(env->rcpts[n].address);
		attrs[n] = envelope_rcpt_attrs(env, n);
	}
	for (uint32_t i = 0; i < d->nrcpt; i++)
		if (d->named[i].stored == 0)
			rcpts[n++] = draft_rcpt(d, i);
	parts->rcpt = rcpts;
	parts->rcpt_attrs = attrs;
	parts->nrcpt = n;
	out = envelope_new(parts);
	free(rcpts);
	return out;
}
