/*
 * What a filter is told, in this order, and what it may leave out or not answer:
 *
 *   OPTIONS -> CONNECT -> HELO -> MAIL -> RCPT (each) -> DATA -> HEADER (each)
 *     -> HEADER_END -> BODY (pieces) -> END -> OVER
 *
 * An answer other than "continue" ends it early, wherever it comes. Changes are
 * taken at END alone, and its last word there ends it.
 */
#include "milter_priv.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "mail/header.h"

enum { VERSION = 6, VERSION_LEAST = 2 };

/* clang-format off: a table is read by its columns */
static const struct row {
	const char *name;
	char letter;
	uint32_t absent,
	    mute; /* enum packet_protocol: not said, not answered */
	uint32_t least; /* the first version that has it */
	enum macro_stage macros;
	enum milter_patience patience;
} rows[] = {
	[STATE_OPTIONS] = { "options", PACKET_OPTIONS, 0, 0, 0, MACROS_NONE,
	    MILTER_FOR_COMMAND },
	[STATE_CONNECT] = { "connect", PACKET_CONNECT, PROTOCOL_NO_CONNECT,
	    PROTOCOL_MUTE_CONNECT, 0, MACROS_CONNECT, MILTER_FOR_COMMAND },
	[STATE_HELO] = { "helo", PACKET_HELO, PROTOCOL_NO_HELO,
	    PROTOCOL_MUTE_HELO, 0, MACROS_HELO, MILTER_FOR_COMMAND },
	[STATE_MAIL] = { "mail", PACKET_MAIL, PROTOCOL_NO_MAIL,
	    PROTOCOL_MUTE_MAIL, 0, MACROS_MAIL, MILTER_FOR_COMMAND },
	[STATE_RCPT] = { "rcpt", PACKET_RCPT, PROTOCOL_NO_RCPT,
	    PROTOCOL_MUTE_RCPT, 0, MACROS_RCPT, MILTER_FOR_COMMAND },
	[STATE_DATA] = { "data", PACKET_DATA, PROTOCOL_NO_DATA,
	    PROTOCOL_MUTE_DATA, 4, MACROS_DATA, MILTER_FOR_COMMAND },
	[STATE_HEADER] = { "header", PACKET_HEADER, PROTOCOL_NO_HEADERS,
	    PROTOCOL_MUTE_HEADER, 0, MACROS_NONE, MILTER_FOR_CONTENT },
	[STATE_HEADER_END] = { "header-end", PACKET_HEADER_END,
	    PROTOCOL_NO_HEADER_END, PROTOCOL_MUTE_HEADER_END, 0,
	    MACROS_HEADER_END, MILTER_FOR_CONTENT },
	[STATE_BODY] = { "body", PACKET_BODY, PROTOCOL_NO_BODY,
	    PROTOCOL_MUTE_BODY, 0, MACROS_NONE, MILTER_FOR_CONTENT },
	[STATE_END] = { "end", PACKET_END, 0, 0, 0, MACROS_END,
	    MILTER_FOR_END },
	[STATE_OVER] = { "over", PACKET_QUIT, 0, 0, 0, MACROS_NONE,
	    MILTER_FOR_COMMAND },
};
/* clang-format on */

struct milter *
milter_new(
    const struct milter_message *message, const struct milter_limits *limits)
{
	struct milter *m = MEM_NEW(struct milter);

	m->message = message;
	m->limits = *limits;
	m->in.max = PACKET_HEAD + PACKET_MOST + PACKET_BODY_MOST + 1;
	m->fields = message->header;
	return m;
}

void
milter_free(struct milter *m)
{
	if (m == NULL)
		return;
	for (int i = 0; i < MACROS_STAGES; i++)
		free(m->lists[i]);
	buf_clear(&m->in);
	buf_clear(&m->header);
	buf_clear(&m->body);
	buf_clear(&m->texts);
	buf_clear(&m->reply);
	buf_clear(&m->why);
	buf_clear(&m->quarantine);
	free(m->changes);
	free(m);
}

/* The one place where the state changes. */
static void
enter(struct milter *m, enum milter_state to)
{
	m->state = to;
	m->is_done = false;
}

/* --- its end --- */

static void
end(struct milter *m, enum milter_verdict verdict, struct buf *out)
{
	enter(m, STATE_OVER);
	m->outcome.verdict = verdict;
	m->waits = false;
	packet_write(out, PACKET_QUIT, SPAN(""));
}

/* The first failure stands. */
static void
fail(struct milter *m, const char *why, struct buf *out)
{
	buf_clear(&m->body);
	buf_reset(&m->why);
	(void)buf_append_text(&m->why, why);
	(void)buf_append_char(&m->why, '\0');
	m->outcome.why = buf_span(&m->why).ptr;
	end(m, MILTER_FAILED, out);
}

/*
 * The client has had its answers to all RCPTs when filters are asked: who refuses
 * one recipient refuses the message, and the reply says whom it is about.
 */
static void
name_rcpt(struct milter *m, const char *reply)
{
	struct span text = span_text(reply);
	struct span code = span_cut(&text, ' '), status = span_cut(&text, ' ');
	struct buf named = { 0 };

	(void)buf_printf(
	    &named, "%.*s %.*s <", SPAN_ARG(code), SPAN_ARG(status));
	answer_clean(
	    m->message->rcpts[m->rcpt - 1].address, REPLY_MOST / 2, &named);
	(void)buf_printf(&named, ">: %.*s",
	    SPAN_ARG(span_to(text, REPLY_MOST - buf_len(&named))));
	(void)buf_append_char(&named, '\0');
	buf_clear(&m->reply);
	m->reply = buf_take(&named);
}

static void
refuse(struct milter *m, const char *reply, struct buf *out)
{
	if (m->state == STATE_RCPT) {
		name_rcpt(m, reply);
		reply = buf_span(&m->reply).ptr;
	}
	m->outcome.reply = reply;
	end(m, MILTER_REFUSED, out);
}

static void
pass(struct milter *m, struct buf *out)
{
	const char *wrong = change_end_body(m);

	if (wrong != NULL)
		fail(m, wrong, out);
	else
		end(m, MILTER_PASSED, out);
}

/* --- what it is told --- */

static void
say_options(struct milter *m, struct buf *out)
{
	size_t at = packet_begin(out, PACKET_OPTIONS);

	packet_put_number(out, VERSION);
	packet_put_number(out, ACTIONS);
	packet_put_number(out, PROTOCOLS);
	packet_end(out, at);
	m->waits = true;
}

static void
say_connect(const struct milter *m, struct buf *out)
{
	const struct milter_message *t = m->message;
	bool is_v6 = span_find(t->client, ':') < t->client.len;
	size_t at = packet_begin(out, PACKET_CONNECT);

	packet_put_text(out, SPAN("unknown")); /* no name is asked for */
	(void)buf_append_char(out, is_v6 ? '6' : '4');
	(void)buf_append_char(out, (char)(t->client_port >> 8));
	(void)buf_append_char(out, (char)(t->client_port & 0xff));
	packet_put_text(out, t->client);
	packet_end(out, at);
}

/* An address in its brackets, and each of its parameters. */
static void
say_path(char letter, struct span address, struct span params, struct buf *out)
{
	size_t at = packet_begin(out, letter);

	(void)buf_append_char(out, '<');
	(void)buf_append_span(out, address);
	(void)buf_append_char(out, '>');
	(void)buf_append_char(out, '\0');
	while (!span_is_empty(params)) {
		struct span one = span_cut(&params, ' ');

		if (!span_is_empty(one))
			packet_put_text(out, one);
	}
	packet_end(out, at);
}

/*
 * Folded lines are parted by LF alone. One blank behind the colon is no part of the
 * value, unless the filter wants all that is there.
 */
static void
say_field(struct milter *m, const struct header_field *f, struct buf *out)
{
	size_t at = packet_begin(out, PACKET_HEADER);
	struct span value = span_from(f->raw, span_find(f->raw, ':') + 1);

	if ((m->protocol & PROTOCOL_LEADING_SPACE) == 0 && value.len > 0 &&
	    value.ptr[0] == ' ')
		value = span_from(value, 1);
	while (value.len > 0 && (value.ptr[value.len - 1] == '\n' ||
				    value.ptr[value.len - 1] == '\r'))
		value.len--;
	packet_put_text(out, f->name);
	while (!span_is_empty(value)) {
		struct span line = span_cut(&value, '\r');

		(void)buf_append_span(out, line);
	}
	(void)buf_append_char(out, '\0');
	packet_end(out, at);
}

/* The next one of its state; false: all of it is said. */
static bool
say_one(struct milter *m, struct buf *out)
{
	const struct milter_message *t = m->message;
	const struct row *row = &rows[m->state];
	struct header_field f;

	if (m->state == STATE_RCPT && m->rcpt == t->nrcpts)
		return false;
	if (m->state == STATE_HEADER && !header_next(&m->fields, &f))
		return false;
	if (m->state == STATE_RCPT)
		m->rcpt++;
	if (row->macros != MACROS_NONE)
		macros_write(m, row->macros, row->letter, out);
	switch (m->state) {
	case STATE_CONNECT: say_connect(m, out); break;
	case STATE_HELO: {
		size_t at = packet_begin(out, PACKET_HELO);

		packet_put_text(out, t->helo);
		packet_end(out, at);
		break;
	}
	case STATE_MAIL:
		say_path(PACKET_MAIL, t->sender, t->sender_params, out);
		break;
	case STATE_RCPT:
		say_path(PACKET_RCPT, t->rcpts[m->rcpt - 1].address,
		    t->rcpts[m->rcpt - 1].params, out);
		break;
	case STATE_HEADER: say_field(m, &f, out); break;
	case STATE_OPTIONS:
	case STATE_DATA:
	case STATE_HEADER_END:
	case STATE_BODY:
	case STATE_END:
	case STATE_OVER: packet_write(out, row->letter, SPAN("")); break;
	}
	return true;
}

static bool
is_absent(const struct milter *m)
{
	const struct row *row = &rows[m->state];

	return (m->protocol & row->absent) != 0 || m->version < row->least ||
	       (m->state == STATE_BODY && m->skips);
}

/* Until an answer, or a piece of the body, is wanted, or enough is said. */
static void
go_on(struct milter *m, struct buf *out)
{
	while (!m->waits && !m->wants_piece && m->state != STATE_OVER) {
		m->is_full = buf_len(out) >= OUT_ENOUGH;
		if (m->is_full)
			return;
		if (m->is_done || is_absent(m)) {
			assert(m->state != STATE_END);
			enter(m, m->state + 1);
			continue;
		}
		if (m->state == STATE_BODY) {
			m->wants_piece = true;
			return;
		}
		if (!say_one(m, out)) {
			m->is_done = true;
			continue;
		}
		m->is_done = m->state != STATE_RCPT && m->state != STATE_HEADER;
		m->waits = (m->protocol & rows[m->state].mute) == 0;
	}
}

static void
say_piece(struct milter *m, struct span piece, struct buf *out)
{
	assert(m->wants_piece && piece.len <= PACKET_BODY_MOST);
	m->wants_piece = false;
	if (span_is_empty(piece)) {
		m->is_done = true;
		return;
	}
	packet_write(out, PACKET_BODY, piece);
	m->waits = (m->protocol & PROTOCOL_MUTE_BODY) == 0;
}

/* --- what it answers --- */

/* Behind the numbers, for some stages: which macros it wants. */
static bool
take_lists(struct milter *m, struct span data)
{
	while (!span_is_empty(data)) {
		struct span list;
		uint32_t stage;

		if (!packet_take_number(&data, &stage) ||
		    !packet_take_text(&data, &list) ||
		    list.len > MACRO_LIST_MOST)
			return false;
		if (stage >= MACROS_STAGES)
			continue;
		free(m->lists[stage]);
		m->lists[stage] = span_dup(list);
		m->has_list[stage] = true;
	}
	return true;
}

static const char *
take_options(struct milter *m, struct span data)
{
	if (!packet_take_number(&data, &m->version) ||
	    !packet_take_number(&data, &m->actions) ||
	    !packet_take_number(&data, &m->protocol))
		return "its first answer is cut short";
	if (m->version < VERSION_LEAST || m->version > VERSION)
		return "it speaks a version of the protocol that is none of "
		       "2 to 6";
	if ((m->actions & ~(uint32_t)ACTIONS) != 0 ||
	    (m->protocol & ~(uint32_t)PROTOCOLS) != 0)
		return "it wants to do what it was not offered";
	return take_lists(m, data) ? NULL : "it names macros unclearly";
}

static void
take_reply(struct milter *m, struct span data, struct buf *out)
{
	struct span text;

	if (!packet_take_text(&data, &text) ||
	    !answer_read_reply(text, &m->reply))
		fail(m, "its reply to the client is no reply", out);
	else
		refuse(m, buf_span(&m->reply).ptr, out);
}

/* What is neither a change nor the first answer. */
static void
take_answer(struct milter *m, const struct packet *p, struct buf *out)
{
	m->waits = false;
	switch (p->letter) {
	case PACKET_CONTINUE:
		if (m->state == STATE_END)
			pass(m, out);
		break;
	case PACKET_ACCEPT: pass(m, out); break;
	case PACKET_DISCARD: end(m, MILTER_DISCARDED, out); break;
	case PACKET_REJECT:
		refuse(m, "550 5.7.1 The message is refused by a filter", out);
		break;
	case PACKET_TEMPFAIL:
		refuse(m,
		    "451 4.7.1 A filter does not let the message through now; "
		    "try again later",
		    out);
		break;
	case PACKET_REPLY: take_reply(m, p->data, out); break;
	case PACKET_SKIP:
		if (m->state != STATE_BODY)
			fail(m, "it skips what is no body", out);
		m->skips = true;
		break;
	case PACKET_SHUTDOWN:
	case PACKET_CONNECTION_FAILS: fail(m, "it shuts down", out); break;
	case PACKET_OPTIONS: fail(m, "it answers out of order", out); break;
	default: fail(m, "it answers what is none of the protocol", out);
	}
}

static void
take_packet(struct milter *m, const struct packet *p, struct buf *out)
{
	const char *wrong = NULL;

	if (m->state == STATE_OPTIONS) {
		wrong = p->letter == PACKET_OPTIONS
			    ? take_options(m, p->data)
			    : "it does not speak the milter protocol";
		m->waits = false;
		m->is_done = true;
	} else if (change_is_one(p->letter)) {
		wrong = change_take(m, p);
	} else if (p->letter != PACKET_PROGRESS) {
		take_answer(m, p, out);
	}
	if (wrong != NULL)
		fail(m, wrong, out);
}

/* Takes whole packets, as long as answers are awaited. */
static void
read_answers(struct milter *m, struct buf *out)
{
	while (m->state != STATE_OVER && buf_len(&m->body) == 0) {
		struct span in = buf_span(&m->in);
		struct packet p;

		go_on(m, out);
		if (!m->waits) {
			if (m->wants_piece && in.len > 0)
				fail(m, "it answers what was not asked", out);
			return;
		}
		switch (packet_read(&in, &p)) {
		case PACKET_MORE: return;
		case PACKET_EMPTY:
		case PACKET_TOO_LONG:
			fail(m,
			    m->state == STATE_OPTIONS
				? "it does not speak the milter protocol"
				: "a packet of it has a wrong length",
			    out);
			return;
		case PACKET_OK: take_packet(m, &p, out); break;
		}
		buf_consume(&m->in, buf_len(&m->in) - in.len);
	}
}

enum milter_need
milter_step(struct milter *m, const struct milter_event *ev, struct buf *out)
{
	if (m->state == STATE_OVER && ev->type != MILTER_TAKEN)
		return MILTER_OVER;
	switch (ev->type) {
	case MILTER_OPENED: say_options(m, out); break;
	case MILTER_HEARD:
		if (!buf_append_span(&m->in, *ev->in))
			fail(m, "it says more than it was asked for", out);
		*ev->in = span_from(*ev->in, ev->in->len);
		break;
	case MILTER_PIECE: say_piece(m, ev->piece, out); break;
	case MILTER_WRITTEN: m->is_full = false; break;
	case MILTER_TAKEN: buf_clear(&m->body); break;
	case MILTER_SILENT: fail(m, "it did not answer in time", out); break;
	case MILTER_LOST: fail(m, ev->why, out); break;
	}
	read_answers(m, out);
	if (buf_len(&m->body) > 0)
		return MILTER_TAKE;
	if (m->state == STATE_OVER)
		return MILTER_OVER;
	if (m->is_full)
		return MILTER_ROOM;
	return m->wants_piece ? MILTER_BODY : MILTER_INPUT;
}

enum milter_patience
milter_patience(const struct milter *m)
{
	return rows[m->state].patience;
}

struct buf *
milter_new_body(struct milter *m)
{
	return &m->body;
}

const struct milter_outcome *
milter_outcome(const struct milter *m)
{
	assert(m->state == STATE_OVER);
	return &m->outcome;
}

struct buf *
milter_new_header(struct milter *m)
{
	return &m->header;
}

const char *
milter_state_name(const struct milter *m)
{
	return rows[m->state].name;
}
