/*
 * BDAT (RFC 3030 section 2): content in chunks of announced length.
 *
 *   RCPT -- BDAT n --> CHUNK -- n octets, 250 --> CHUNKS -- BDAT n --> CHUNK ...
 *                        |
 *                        +-- of BDAT n LAST --> STORING
 *
 * The octets of a chunk follow its command whatever is answered: those of one that
 * is refused are read over, however many were announced, and are never taken for
 * commands; the clocks of content end who does not send them. Where no length can be
 * read, nobody can tell what follows, and the connection ends.
 *
 * A message that lacks a chunk is none: what a client that did not wait for the
 * replies has sent behind a refused one is refused up to RSET (RFC 3030 section 2).
 */
#include "session_priv.h"

#include "mail/envelope.h"

enum {
	/* Of somebody who has not logged in. */
	STRANGE_CHUNK_MOST = 64 * 1024,
};

const char chunk_is_lacking[] =
    "503 5.5.1 A chunk of this message was refused; RSET, and send all of it";

struct chunk {
	uint64_t octets;
	bool is_last;
	bool is_clear; /* nothing but LAST stands behind the number */
};

static const char bad_chunk[] =
    "501 5.5.4 Write BDAT octets, or BDAT octets LAST";

/* False: there is no length. */
static bool
parse(struct span args, struct chunk *out)
{
	struct span size = span_cut(&args, ' ');

	*out = (struct chunk){ 0 };
	if (!span_to_u64(size, INT64_MAX, &out->octets))
		return false;
	out->is_last = span_equal_nocase(args, SPAN("LAST"));
	out->is_clear = out->is_last || span_is_empty(args);
	return true;
}

static void
drop(struct session *s, struct buf *out)
{
	session_drop(s, bad_chunk, "a chunk without a length", out);
}

bool
chunk_is_meant(struct span line)
{
	return span_starts_nocase(line, SPAN("BDAT "));
}

void
chunk_misread(struct session *s, struct buf *out)
{
	drop(s, out);
}

void
chunk_lose(struct session *s)
{
	struct transaction *tx = &s->tx;

	if (s->state == STATE_MAIL || s->state == STATE_RCPT)
		tx->lacks_chunk = true;
}

static const char *
refuse(struct session *s, const struct chunk *chunk, const char *reply)
{
	if (chunk->octets == 0)
		return reply; /* nothing is lost */
	if (!chunk->is_last)
		chunk_lose(s);
	s->swallow = chunk->octets;
	s->swallow_reply = reply;
	session_time_content(s);
	return NULL;
}

const char *
chunk_refuse(
    struct session *s, struct span args, const char *reply, struct buf *out)
{
	struct chunk chunk;

	if (!parse(args, &chunk)) {
		drop(s, out);
		return NULL;
	}
	if (s->login == NULL && chunk.octets > STRANGE_CHUNK_MOST) {
		session_drop(s, "552 5.3.4 Message too big",
		    "a stranger's chunk beyond all bounds", out);
		return NULL;
	}
	return refuse(s, &chunk, chunk.is_clear ? reply : bad_chunk);
}

void
chunk_swallow(struct session *s, struct span *in, struct buf *out)
{
	size_t n = s->swallow < in->len ? (size_t)s->swallow : in->len;

	*in = span_from(*in, n);
	s->swallow -= n;
	session_time_octets(s, n);
	if (s->swallow > 0)
		return;
	session_time_command(s);
	session_reply(s, s->swallow_reply, out);
}

/* NULL: it may come. */
static const char *
why_not(const struct session *s, const struct chunk *chunk)
{
	if (s->tx.lacks_chunk)
		return chunk_is_lacking;
	if (!chunk->is_clear)
		return bad_chunk;
	/* What is little too big is read as content, as by DATA. */
	if (s->tx.size + chunk->octets > CONTENT_ENDLESS * s->conf->max_message)
		return "552 5.3.4 Message too big";
	return NULL;
}

/* A message that has begun is refused with that, and is over with its last chunk. */
static void
spoil(struct session *s, const struct chunk *chunk, const char *reply)
{
	if (s->state != STATE_CHUNKS)
		return;
	draft_refuse(&s->tx.draft, reply);
	if (!chunk->is_last)
		return;
	session_forget(s);
	session_enter(s, STATE_READY);
}

const char *
do_bdat(struct session *s, struct span args, struct buf *out)
{
	struct transaction *tx = &s->tx;
	struct chunk chunk;
	const char *wrong;

	if (!parse(args, &chunk)) {
		drop(s, out);
		return NULL;
	}
	wrong = why_not(s, &chunk);
	if (wrong != NULL) {
		spoil(s, &chunk, wrong);
		return refuse(s, &chunk, wrong);
	}
	tx->chunk = chunk.octets;
	tx->chunk_size = chunk.octets;
	tx->is_last_chunk = chunk.is_last;
	tx->is_chunked = true;
	if (s->state == STATE_CHUNKS)
		chunk_begins(s, out);
	else
		session_want(s, draft_run(&tx->draft, DRAFT_BEGINS));
	return NULL;
}

void
chunk_begins(struct session *s, struct buf *out)
{
	struct transaction *tx = &s->tx;

	if (s->state == STATE_RCPT) {
		tx->dot.mends = s->conf->line_endings == LINE_ENDINGS_MEND;
		tx->dot.is_counted = true;
		tx->dot.is_binary = (tx->draft.flags & ENVELOPE_BINARY) != 0;
	}
	session_enter(s, STATE_CHUNK);
	session_time_content(s);
	if (tx->chunk > 0)
		return;
	draft_reserve(&tx->draft);
	data_look(s, out);
}

/* It is there, and the draft needs nothing: the next one may come. */
void
chunk_ends(struct session *s, struct buf *out)
{
	const struct draft *d = &s->tx.draft;

	if (s->state != STATE_CHUNK || s->tx.chunk > 0 || s->wants_close)
		return;
	session_enter(s, STATE_CHUNKS);
	session_time_command(s);
	session_reply(s,
	    draft_is_refused(d) ? d->refusal
				: session_textf(s, "250 2.0.0 %llu octets",
				      (unsigned long long)s->tx.chunk_size),
	    out);
}
