/*
 * Content: DATA, what follows it, and the answer to its end.
 *
 * The header is kept until it is whole; then it is mended, Bcc and Return-Path
 * go, and our own lines are written in `head`. From then on content passes: what grows beyond SMALL_MAX is
 * taken to disk while the rest arrives. A message that will be refused is read
 * to its true end, and nothing of it is kept.
 */
#include "session_priv.h"

#include <string.h>

#include "base/log.h"
#include "mail/header.h"
#include "mail/mend.h"
#include "mail/qid.h"
#include "mail/trace.h"
#include "smtp/address.h"

enum {
	SMALL_MAX = 96 * 1024, /* beyond it content leaves memory, */
	CHUNK = 224 * 1024, /* and then goes on in such pieces; */
	ENDLESS = 2, /* times the largest message: it is read no further */
	TAKE_MAX = 16 * 1024, /* of input, which mending may double; */
	MENDED_MAX = 2 * TAKE_MAX, /* with one of these: SPOOL_CHUNK */
};

const char *
do_data(struct session *s, struct span args, struct buf *out)
{
	(void)out;
	if (!span_is_empty(args))
		return "501 5.5.4 DATA takes no argument";
	s->store = STORE_OPEN;
	s->need = SESSION_STORE;
	return NULL; /* data_opened() answers */
}

static const char *
stored_text(enum session_stored stored)
{
	switch (stored) {
	case STORED_OK: break;
	case STORED_FULL: return "452 4.3.1 Not enough space; try again later";
	case STORED_FAULT:
		return "451 4.3.0 Message could not be stored; try again later";
	}
	return NULL;
}

static void
refuse(struct session *s, const char *reply)
{
	if (s->tx.refusal == NULL)
		s->tx.refusal = reply;
	s->tx.drops_input = true;
	buf_clear(&s->tx.body);
	buf_clear(&s->tx.head);
}

void
data_opened(struct session *s, const struct session_event *ev, struct buf *out)
{
	if (ev->stored != STORED_OK) {
		session_say(out, stored_text(ev->stored));
		return;
	}
	s->tx.id = ev->id;
	s->tx.is_open = true;
	s->tx.body.max = CHUNK + 2 * MENDED_MAX +
			 2 * (size_t)s->conf->limits.header + MEND_LOOK_MAX;
	s->tx.head.max = 16384;
	s->tx.dot.mends = s->conf->line_endings == LINE_ENDINGS_MEND;
	session_enter(s, STATE_DATA);
	session_say(out, "354 End data with <CR><LF>.<CR><LF>");
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

/* Whose a message without From is. False: the account's name makes no address. */
static bool
write_author(const struct session *s, struct buf *out)
{
	struct span login = span_text(s->login);
	struct address a;

	if (s->tx.sender[0] != '\0')
		return buf_append_text(out, s->tx.sender);
	if (span_find(login, '@') == login.len)
		return write_local(login, span_text(s->conf->hostname), out);
	if (address_parse(login, &a) != ADDRESS_OK)
		return false;
	address_write(&a, out);
	return true;
}

/* RFC 5322 3.6 wants a From, and large providers refuse mail without one. */
static void
add_from(struct session *s)
{
	struct buf author = { 0 };

	if (write_author(s, &author))
		trace_write_from(&s->tx.head, buf_span(&author));
	else
		refuse(s,
		    "550 5.6.0 The message has no From, and the account's "
		    "name makes none");
	buf_clear(&author);
}

static void
write_head(struct session *s, const struct header_facts *facts)
{
	struct transaction *tx = &s->tx;
	struct qid qid = qid_format(tx->id);
	struct trace t = {
		.helo = span_text(s->helo),
		.client = span_text(s->client),
		.hostname = span_text(s->conf->hostname),
		.protocol = SPAN("ESMTPSA"), /* RFC 3848 */
		.tls = span_text(s->tls_version),
		.cipher = span_text(s->tls_cipher),
		.qid = span_text(qid.text),
		.when = s->now,
	};

	if (tx->nrcpt == 1)
		t.rcpt = session_rcpt(tx, 0);
	trace_write_received(&tx->head, &t);
	if (!facts->has_date)
		trace_write_date(&tx->head, s->now);
	if (!facts->has_message_id)
		trace_write_message_id(&tx->head, t.qid, s->random, t.hostname);
	if (!facts->has_from)
		add_from(s);
}

static void
remove_field(struct transaction *tx, struct span name)
{
	char *data = tx->body.data + tx->body.head;

	buf_truncate(&tx->body, header_remove(data, buf_len(&tx->body), name));
}

static const char too_long[] = "552 5.3.4 Header section too long";

static bool
insert_blank(struct transaction *tx, size_t at)
{
	char *data;

	if (!buf_append(&tx->body, "\r\n", 2))
		return false;
	data = tx->body.data + tx->body.head;
	memmove(data + at + 2, data + at, buf_len(&tx->body) - at - 2);
	memcpy(data + at, "\r\n", 2);
	return true;
}

/* Writes an odd header anew; `*end` is its end, before and after. */
static bool
mend_header(struct transaction *tx, size_t *end)
{
	struct buf mended = { .max = tx->body.max };
	struct span all = buf_span(&tx->body);
	size_t len;

	mend_write(span_to(all, *end), &mended);
	len = buf_len(&mended);
	(void)buf_append_span(&mended, span_from(all, *end));
	if (buf_is_over(&mended)) {
		buf_clear(&mended);
		return false;
	}
	/* A line may begin with a dot that stood behind a byte order mark. */
	tx->dot.has_dots = true;
	buf_clear(&tx->body);
	tx->body = buf_take(&mended);
	*end = len;
	return true;
}

/* Kept of a Message-ID: more than any sane one has. */
enum { MESSAGE_ID_MOST = 300 };

/* Without blanks and folds at both ends. */
static struct span
trim_folds(struct span s)
{
	static const char blanks[] = " \t\r\n";

	while (s.len > 0 && memchr(blanks, s.ptr[0], 4) != NULL)
		s = span_from(s, 1);
	while (s.len > 0 && memchr(blanks, s.ptr[s.len - 1], 4) != NULL)
		s = span_to(s, s.len - 1);
	return s;
}

/* The client's, or the one that we wrote: for who looks for the message by it. */
static void
note_message_id(struct transaction *tx)
{
	struct span parts[] = { buf_span(&tx->head), buf_span(&tx->body) };
	struct header_field field;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		while (tx->message_id == NULL && header_next(&parts[i], &field))
			if (span_equal_nocase(field.name, SPAN("message-id")))
				tx->message_id = span_dup(span_to(
				    trim_folds(field.value), MESSAGE_ID_MOST));
}

/* The header is body[0 .. end). `needs_blank`: none ends it yet. */
static void
finish_header(struct session *s, size_t end, bool needs_blank)
{
	struct transaction *tx = &s->tx;
	struct header_facts facts;

	tx->header_done = true;
	if (end > s->conf->limits.header ||
	    (tx->header.is_odd && !mend_header(tx, &end)) ||
	    (needs_blank && !insert_blank(tx, end))) {
		refuse(s, too_long);
		return;
	}
	header_review(span_to(buf_span(&tx->body), end), &facts);
	if (facts.received > s->conf->limits.received) {
		refuse(s, "554 5.4.6 Too many Received lines: a mail loop");
		return;
	}
	if (facts.has_bcc) {
		remove_field(tx, SPAN("bcc"));
		remove_field(tx, SPAN("resent-bcc"));
	}
	/* Only the last host writes one (RFC 5321 4.4). */
	if (facts.has_return_path)
		remove_field(tx, SPAN("return-path"));
	/* One that is there but empty would stand beside ours. */
	if (facts.has_empty)
		buf_truncate(&tx->body,
		    header_remove_empty(
			tx->body.data + tx->body.head, buf_len(&tx->body)));
	write_head(s, &facts);
	note_message_id(tx);
}

static void
look_for_header(struct session *s)
{
	struct transaction *tx = &s->tx;
	bool is_all = tx->dot.state == DOT_END;
	size_t end = 0;

	switch (mend_find_end(buf_span(&tx->body), is_all, &tx->header, &end)) {
	case MEND_BLANK: finish_header(s, end, false); return;
	case MEND_NO_BLANK: finish_header(s, end, true); return;
	case MEND_INDENTED:
		refuse(s, "550 5.6.0 White space in front of the message's "
			  "header; it must begin with the first line's first "
			  "letter");
		return;
	case MEND_MORE: break;
	}
	/* What was not judged yet may be the body's: it has its own limit. */
	if (tx->header.at > s->conf->limits.header ||
	    buf_len(&tx->body) - tx->header.at >
		s->conf->limits.header + MEND_LOOK_MAX)
		refuse(s, too_long);
}

static void
check_content(struct session *s)
{
	const struct transaction *tx = &s->tx;

	if (tx->size > s->conf->max_message)
		refuse(s, "552 5.3.4 Message too big");
	else if (tx->dot.bare)
		refuse(s, "550 5.6.0 Bare CR or LF in the message; lines must "
			  "end in CRLF");
	else if (tx->dot.nul)
		refuse(s, "550 5.6.0 NUL byte in the message");
}

static void
refuse_at_end(struct session *s, struct buf *out)
{
	(void)buf_printf(&s->facts,
	    "info refused user=%s from=%s size=%llu reply=%s\n",
	    log_quote_text(s->login), log_quote_text(s->tx.sender),
	    (unsigned long long)s->tx.size, log_quote_text(s->tx.refusal));
	session_say(out, s->tx.refusal);
	session_forget(s);
	session_enter(s, STATE_READY);
}

void
data_input(struct session *s, struct span *in, struct buf *out)
{
	struct transaction *tx = &s->tx;
	struct span some = span_to(*in, TAKE_MAX);
	size_t before = buf_len(&tx->body);
	bool fits;

	/* Where chunks went to disk, another will: not grown step by step. */
	if (tx->stored > 0 && before == 0)
		(void)buf_reserve(&tx->body, CHUNK + MENDED_MAX);
	fits = dot_read(&tx->dot, &some, &tx->body);
	tx->size += buf_len(&tx->body) - before;
	if (!fits)
		refuse(s, too_long);
	*in = span_from(*in, (size_t)(some.ptr - in->ptr));
	check_content(s);
	if (!tx->drops_input && !tx->header_done)
		look_for_header(s);
	if (tx->drops_input)
		buf_reset(&tx->body);
	if (tx->dot.state != DOT_END &&
	    tx->size > ENDLESS * s->conf->max_message) {
		/* It was to be read to its end; it seems to have none. */
		session_drop(s, "552 5.3.4 Message too big",
		    "content without an end", out);
		return;
	}
	if (tx->dot.state == DOT_END) {
		if (tx->drops_input) {
			refuse_at_end(s, out);
			return;
		}
		s->store = STORE_COMMIT;
		s->need = SESSION_STORE;
		session_enter(s, STATE_STORING);
	} else if (tx->header_done &&
		   buf_len(&tx->body) >= (tx->stored > 0 ? CHUNK : SMALL_MAX)) {
		tx->stored += buf_len(&tx->head) + buf_len(&tx->body);
		s->store = STORE_APPEND;
		s->need = SESSION_STORE;
	}
}

const char *
data_timeout_text(const struct session *s)
{
	if (s->tx.dot.looks_ended)
		return "421 4.4.2 The message was not ended by "
		       "<CR><LF>.<CR><LF>";
	return "421 4.4.2 The content comes too slowly";
}

void
data_stored(struct session *s, const struct session_event *ev, struct buf *out)
{
	struct qid qid = qid_format(s->tx.id);

	if (s->store == STORE_APPEND) {
		/* A fault shows at the end; the rest is read and dropped. */
		if (ev->stored != STORED_OK)
			refuse(s, stored_text(ev->stored));
		return;
	}
	if (ev->stored == STORED_OK)
		s->errors = 0; /* who sends mail well may err again */
	session_say(
	    out, ev->stored != STORED_OK
		     ? stored_text(ev->stored)
		     : session_textf(s, "250 2.0.0 queued as %s", qid.text));
	session_forget(s);
	session_enter(s, STATE_READY);
}

enum session_store
session_store(const struct session *s)
{
	return s->store;
}

struct buf *
session_head(struct session *s)
{
	return &s->tx.head;
}

struct buf *
session_body(struct session *s)
{
	return &s->tx.body;
}

bool
session_has_message(const struct session *s)
{
	return s->tx.is_open;
}
