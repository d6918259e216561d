/*
 * Content: DATA, what follows it or BDAT, and the answer to its end.
 *
 * What comes is unstuffed into the draft, which looks for the header and does the
 * rest (intake/draft.h): what grows large is taken to disk while the rest arrives.
 * A message that will be refused is read to its true end, and nothing of it is
 * kept.
 */
#include "session_priv.h"

#include "mail/convert.h"
#include "mail/envelope.h"
#include "mail/qid.h"

enum {
	TAKE_MAX = DRAFT_TAKE_MAX / 2, /* of input, which mending may double */
};

const char *
do_data(struct session *s, struct span args, struct buf *out)
{
	(void)out;
	if (!span_is_empty(args))
		return "501 5.5.4 DATA takes no argument";
	if (s->tx.lacks_chunk)
		return chunk_is_lacking;
	if ((s->tx.draft.flags & ENVELOPE_BINARY) != 0)
		return "503 5.5.1 Content under BODY=BINARYMIME comes by BDAT "
		       "(RFC 3030)";
	session_want(s, draft_run(&s->tx.draft, DRAFT_BEGINS));
	return NULL; /* begin_content() replies */
}

/* It stays as it was: the client may try DATA again. */
static void
begin_content(struct session *s, struct buf *out)
{
	struct draft *d = &s->tx.draft;

	if (draft_is_refused(d)) {
		if (s->tx.chunk > 0) {
			s->swallow = s->tx.chunk;
			s->swallow_reply = session_textf(s, "%s", d->refusal);
			session_time_content(s);
			if (!s->tx.is_last_chunk)
				chunk_lose(s);
		} else {
			session_say(out, d->refusal);
		}
		s->tx.is_chunked = false;
		draft_forgive(d);
		return;
	}
	if (s->tx.is_chunked) {
		chunk_begins(s, out);
		return;
	}
	s->tx.dot.mends = s->conf->line_endings == LINE_ENDINGS_MEND;
	session_enter(s, STATE_DATA);
	session_time_content(s);
	session_say(out, "354 End data with <CR><LF>.<CR><LF>");
}

/* Content may have any octet: only its header is lines (intake/draft.c). */
static bool
is_binary(const struct session *s)
{
	return s->tx.dot.is_binary;
}

static void
check_content(struct session *s)
{
	const struct dot_reader *dot = &s->tx.dot;
	struct draft *d = &s->tx.draft;

	if (s->tx.size > s->conf->max_message)
		draft_refuse(d, "552 5.3.4 Message too big");
	else if (is_binary(s))
		return;
	else if (dot->bare)
		draft_refuse(d,
		    "550 5.6.0 Bare CR or LF in the message; lines must end in "
		    "CRLF");
	else if (dot->nul)
		draft_refuse(d, "550 5.6.0 NUL byte in the message");
	else if (s->tx.has_long_line)
		draft_refuse_with(d, NULL,
		    "550 5.6.0 A line of the message is too long; at most %u "
		    "octets are taken",
		    s->conf->limits.line);
}

static void
tell_refused(const struct session *s)
{
	const struct draft *d = &s->tx.draft;

	FACT(REFUSED_INFO, session_sid(s), session_client(s),
	    fact_string("user", s->login), fact_any("key", span_text(s->key)),
	    fact_address("from", span_text(d->sender)),
	    fact_number("size", s->tx.size), fact_string("reply", d->refusal));
}

static void
refuse_at_end(struct session *s, struct buf *out)
{
	const struct draft *d = &s->tx.draft;

	tell_refused(s);
	s->has_forged |= d->is_forged;
	session_say(out, d->refusal);
	session_forget(s);
	session_enter(s, STATE_READY);
	session_time_command(s);
}

/* All of it is here; the last look at the account before it counts as taken. */
static void
end_content(struct session *s, struct buf *out)
{
	struct draft *d = &s->tx.draft;

	if (draft_is_refused(d)) {
		refuse_at_end(s, out);
		return;
	}
	session_enter(s, STATE_STORING);
	if (s->login_ended) {
		session_end_account(s, out);
		return;
	}
	if (s->tx.dot.has_8bit)
		d->flags |= ENVELOPE_8BIT;
	/* What nothing but the word for it is binary goes on as what it is. */
	if (!s->tx.dot.bare && !s->tx.dot.nul && !s->tx.has_long_line)
		d->flags &= ~(uint32_t)ENVELOPE_BINARY;
	if (!s->tx.dot.has_dots && !d->has_new_dots)
		d->flags |= ENVELOPE_NO_DOTS;
	session_want(s, draft_run(d, DRAFT_ENDS));
}

/* The last octet of it has come. */
static bool
is_whole(const struct session *s)
{
	return s->state == STATE_CHUNK ? s->tx.is_last_chunk && s->tx.chunk == 0
				       : s->tx.dot.state == DOT_END;
}

/* The header's steps, if it is whole, are done. */
static void
go_on(struct session *s, struct buf *out)
{
	struct draft *d = &s->tx.draft;

	if (draft_is_refused(d))
		buf_reset(&d->body);
	if (is_whole(s))
		end_content(s, out);
	else if (s->tx.size > CONTENT_ENDLESS * s->conf->max_message)
		/* It was to be read to its end; it seems to have none. */
		session_drop(s, "552 5.3.4 Message too big",
		    "content without an end", out);
	else
		session_want(s, draft_run(d, DRAFT_PIECE));
	if (s->need == SESSION_INPUT)
		chunk_ends(s, out);
}

void
data_look(struct session *s, struct buf *out)
{
	struct transaction *tx = &s->tx;
	bool is_all = is_whole(s);

	/* A CR without its LF. */
	if (is_all &&
	    (tx->dot.state == DOT_CR || tx->dot.state == DOT_LF_DOT_CR))
		tx->dot.bare = true;
	check_content(s);
	session_want(s, draft_look(&tx->draft, is_all));
	if (s->need == SESSION_INPUT)
		go_on(s, out);
}

void
data_input(struct session *s, struct span *in, struct buf *out)
{
	struct transaction *tx = &s->tx;
	bool is_chunk = s->state == STATE_CHUNK;
	struct span some = span_to(*in,
	    is_chunk && tx->chunk < TAKE_MAX ? (size_t)tx->chunk : TAKE_MAX);
	size_t before = buf_len(&tx->draft.body), taken;
	bool fits;

	draft_reserve(&tx->draft);
	fits = dot_read(&tx->dot, &some, &tx->draft.body);
	tx->size += buf_len(&tx->draft.body) - before;
	tx->has_long_line |= !line_meter_take(&tx->line,
	    span_from(buf_span(&tx->draft.body), before),
	    is_binary(s) ? CONVERT_LINE_MAX : s->conf->limits.line);
	if (!fits)
		draft_refuse(&tx->draft, "552 5.3.4 Header section too long");
	taken = (size_t)(some.ptr - in->ptr);
	*in = span_from(*in, taken);
	tx->chunk -= is_chunk ? taken : 0;
	data_look(s, out);
}

bool
data_is_coming(const struct session *s)
{
	return s->state == STATE_DATA || s->state == STATE_CHUNK ||
	       s->swallow > 0;
}

const char *
data_timeout_text(const struct session *s)
{
	if (s->tx.dot.looks_ended)
		return "421 4.4.2 The message was not ended by "
		       "<CR><LF>.<CR><LF>";
	return "421 4.4.2 The content comes too slowly";
}

static void
answer_end(struct session *s, struct buf *out)
{
	const struct draft *d = &s->tx.draft;
	struct qid qid = qid_format(d->id);

	if (!draft_is_refused(d))
		s->errors = 0; /* who sends mail well may err again */
	else if (s->conf->nfilters > 0)
		tell_refused(s); /* by one, or for what one changed */
	session_say(
	    out, draft_is_refused(d)
		     ? d->refusal
		     : session_textf(s, "250 2.0.0 queued as %s", qid.text));
	session_forget(s);
	session_enter(s, STATE_READY);
}

void
intake_answered(
    struct session *s, const struct session_event *ev, struct buf *out)
{
	struct draft *d = &s->tx.draft;
	bool was_filtered = d->need == DRAFT_FILTER;

	session_want(s, draft_answered(d, ev->refusal));
	/* Filters may take minutes: a last look at the account is due again. */
	if (was_filtered && s->login_ended) {
		s->need = SESSION_INPUT;
		session_end_account(s, out);
		return;
	}
	if (s->need != SESSION_INPUT)
		return;
	switch (d->stage) {
	case DRAFT_SENDER: session_reply(s, mail_reply(s), out); break;
	case DRAFT_RCPT: session_reply(s, rcpt_reply(s), out); break;
	case DRAFT_BEGINS: begin_content(s, out); break;
	case DRAFT_HEADER: go_on(s, out); break;
	case DRAFT_PIECE: /* a fault shows at the end */
		chunk_ends(s, out);
		break;
	case DRAFT_ENDS: answer_end(s, out); break;
	}
}

bool
session_take_forged(struct session *s)
{
	bool has = s->has_forged;

	s->has_forged = false;
	return has;
}

struct draft *
session_draft(struct session *s)
{
	return &s->tx.draft;
}
