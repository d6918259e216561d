/* What a filter wants changed, one packet each; held until its last word. */
#include "milter_priv.h"

#include "base/mem.h"
#include "milter/fields.h"

struct change {
	char letter;
	uint32_t action; /* that was agreed on; one of these bits */
	const char *(*take)(struct milter *m, struct span data);
};

static const char cut_short[] = "a change is cut short";

static struct buf *
header_of(struct milter *m)
{
	if (!m->outcome.is_header_changed) {
		m->header.max = m->limits.header;
		(void)buf_append_span(&m->header, m->message->header);
		m->outcome.is_header_changed = true;
	}
	return &m->header;
}

/* Name and value, and nothing behind them. */
static const char *
take_field(struct milter *m, struct span data, struct field_text *f)
{
	*f = (struct field_text){
		.has_space = (m->protocol & PROTOCOL_LEADING_SPACE) != 0,
	};
	if (!packet_take_text(&data, &f->name) ||
	    !packet_take_text(&data, &f->value) || !span_is_empty(data))
		return cut_short;
	return field_wrong(f, m->limits.line);
}

static const char *
fitted(bool fits)
{
	return fits ? NULL : "the header grows too long";
}

static const char *
add_header(struct milter *m, struct span data)
{
	struct field_text f;
	const char *wrong = take_field(m, data, &f);

	return wrong != NULL ? wrong : fitted(fields_add(header_of(m), &f));
}

/* At a place, or in the place of one: `put` says which. */
static const char *
put_header(struct milter *m, struct span data,
    bool (*put)(struct buf *header, uint32_t index, const struct field_text *f))
{
	struct field_text f;
	const char *wrong;
	uint32_t index;

	if (!packet_take_number(&data, &index))
		return cut_short;
	wrong = take_field(m, data, &f);
	return wrong != NULL ? wrong : fitted(put(header_of(m), index, &f));
}

static const char *
insert_header(struct milter *m, struct span data)
{
	return put_header(m, data, fields_insert);
}

static const char *
change_header(struct milter *m, struct span data)
{
	return put_header(m, data, fields_change);
}

/* --- the body --- */

static const char *
add_to_body(struct milter *m, struct span data)
{
	size_t before = buf_len(&m->body);
	struct span in = data;

	if (!m->outcome.is_body_changed) {
		m->lines =
		    (struct dot_reader){ .mends = true, .is_counted = true };
		m->outcome.is_body_changed = true;
	}
	m->body.max = before + 2 * data.len + 2;
	if (!dot_read(&m->lines, &in, &m->body))
		return "the new body is too long";
	m->body_size += buf_len(&m->body) - before;
	m->outcome.body_has_8bit |= m->lines.has_8bit;
	if (m->lines.bare || m->lines.nul)
		return "the new body has a bare CR or a NUL in it";
	if (m->body_size > m->limits.body)
		return "the new body is too long";
	if (!line_meter_take(&m->meter, span_from(buf_span(&m->body), before),
		m->limits.line))
		return "a line of the new body is too long";
	return NULL;
}

const char *
change_end_body(struct milter *m)
{
	if (!m->outcome.is_body_changed)
		return NULL;
	if (m->lines.state == DOT_LINE_START ||
	    m->lines.state == DOT_BEHIND_LF || m->body_size == 0)
		return NULL;
	if (m->lines.state == DOT_CR || m->lines.state == DOT_LF_DOT_CR)
		return "the new body ends in a bare CR";
	return add_to_body(m, SPAN("\r\n"));
}

/* --- the envelope --- */

static struct span
keep(struct milter *m, struct span text)
{
	size_t at = buf_len(&m->texts);

	(void)buf_append_span(&m->texts, text);
	return span_from(buf_span(&m->texts), at);
}

/* "<a@b.test>", or without the brackets. */
static struct span
bare_address(struct span text)
{
	text = span_trim(text);
	if (text.len >= 2 && text.ptr[0] == '<' &&
	    text.ptr[text.len - 1] == '>')
		return span_make(text.ptr + 1, text.len - 2);
	return text;
}

static const char *
add_change(struct milter *m, struct milter_change change)
{
	struct milter_outcome *o = &m->outcome;

	if (m->texts.data == NULL) {
		/* All at once: changes point into it, and it may not move. */
		m->texts.max = CHANGES_MOST;
		(void)buf_reserve(&m->texts, CHANGES_MOST);
	}
	if (change.address.len + change.params.len >
		CHANGES_MOST - buf_len(&m->texts) ||
	    o->nchanges >= m->limits.rcpts)
		return "it changes the envelope too often";
	if (o->nchanges == m->changes_cap) {
		m->changes_cap = m->changes_cap == 0 ? 4 : 2 * m->changes_cap;
		m->changes = mem_realloc(
		    m->changes, m->changes_cap * sizeof *m->changes);
		o->changes = m->changes;
	}
	m->changes[o->nchanges++] = (struct milter_change){
		.what = change.what,
		.address = keep(m, change.address),
		.params = keep(m, change.params),
	};
	return NULL;
}

/* An address, and where there are parameters, those. */
static const char *
take_change(struct milter *m, enum milter_what what, struct span data)
{
	struct milter_change c = { .what = what };

	if (!packet_take_text(&data, &c.address))
		return cut_short;
	if (what != MILTER_DELETE_RCPT && !span_is_empty(data) &&
	    !packet_take_text(&data, &c.params))
		return cut_short;
	c.address = bare_address(c.address);
	return add_change(m, c);
}

static const char *
add_rcpt(struct milter *m, struct span data)
{
	return take_change(m, MILTER_ADD_RCPT, data);
}

static const char *
delete_rcpt(struct milter *m, struct span data)
{
	return take_change(m, MILTER_DELETE_RCPT, data);
}

static const char *
change_from(struct milter *m, struct span data)
{
	return take_change(m, MILTER_SENDER, data);
}

static const char *
quarantine(struct milter *m, struct span data)
{
	struct span why;

	if (!packet_take_text(&data, &why))
		return cut_short;
	buf_reset(&m->quarantine);
	answer_clean(why, 200, &m->quarantine);
	(void)buf_append_char(&m->quarantine, '\0');
	m->outcome.quarantine = buf_span(&m->quarantine).ptr;
	return NULL;
}

static const struct change changes[] = {
	{ PACKET_ADD_HEADER, ACTION_ADD_HEADERS, add_header },
	{ PACKET_INSERT_HEADER, ACTION_ADD_HEADERS | ACTION_CHANGE_HEADERS,
	    insert_header },
	{ PACKET_CHANGE_HEADER, ACTION_CHANGE_HEADERS, change_header },
	{ PACKET_REPLACE_BODY, ACTION_CHANGE_BODY, add_to_body },
	{ PACKET_ADD_RCPT, ACTION_ADD_RCPT, add_rcpt },
	{ PACKET_ADD_RCPT_WITH, ACTION_ADD_RCPT_WITH, add_rcpt },
	{ PACKET_DELETE_RCPT, ACTION_DELETE_RCPT, delete_rcpt },
	{ PACKET_CHANGE_FROM, ACTION_CHANGE_FROM, change_from },
	{ PACKET_QUARANTINE, ACTION_QUARANTINE, quarantine },
};

static const struct change *
find(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		if (changes[i].letter == letter)
			return &changes[i];
	return NULL;
}

bool
change_is_one(char letter)
{
	return find(letter) != NULL;
}

const char *
change_take(struct milter *m, const struct packet *p)
{
	const struct change *c = find(p->letter);

	if (m->state != STATE_END)
		return "it changes the message before all of it was said";
	if ((c->action & m->actions) == 0)
		return "it changes what it said that it would not";
	return c->take(m, p->data);
}
