/*
 * BDAT (RFC 3030 section 2): content in chunks of announced length.
 *
 *   RCPT -- BDAT n --> CHUNK -- n octets, 250 --> CHUNKS -- BDAT n --> CHUNK ...
 *                        |
 *                        +-- of BDAT n LAST --> STORING
 *
 * The octets of a chunk follow its command whatever is answered: those of one that
 * is refused are read over, and are never taken for commands. Where no length can be
 * read, nobody can tell what follows, and the connection ends.
 */
#include "session_priv.h"

#include "mail/envelope.h"

enum {
	/* Of somebody who has not logged in. */
	STRANGE_CHUNK_MOST = 64 * 1024,
};

struct chunk {
	uint64_t octets;
	bool is_last;
};

static bool
parse(struct span args, struct chunk *out)
{
	struct span size = span_cut(&args, ' ');

	*out = (struct chunk){ 0 };
	if (!span_to_u64(size, INT64_MAX, &out->octets))
		return false;
	if (span_is_empty(args))
		return true;
	out->is_last = span_equal_nocase(args, SPAN("LAST"));
	return out->is_last;
}

/* More than a message may have, even one that is refused; or a stranger's. */
static bool
is_too_much(const struct session *s, uint64_t octets)
{
	return octets > (s->login == NULL
				? STRANGE_CHUNK_MOST
				: CONTENT_ENDLESS * s->conf->max_message);
}

static void
drop(struct session *s, struct span args, struct buf *out)
{
	struct chunk chunk;

	if (parse(args, &chunk))
		session_drop(s, "552 5.3.4 Message too big",
		    "a chunk beyond all bounds", out);
	else
		session_drop(s,
		    "501 5.5.4 Write BDAT octets, or BDAT octets LAST",
		    "a chunk without a length", out);
}

bool
chunk_is_meant(struct span line)
{
	return span_starts_nocase(line, SPAN("BDAT "));
}

void
chunk_misread(struct session *s, struct buf *out)
{
	drop(s, SPAN(""), out);
}

const char *
chunk_refuse(
    struct session *s, struct span args, const char *reply, struct buf *out)
{
	struct chunk chunk;

	if (!parse(args, &chunk) || is_too_much(s, chunk.octets)) {
		drop(s, args, out);
		return NULL;
	}
	if (chunk.octets == 0)
		return reply;
	s->swallow = chunk.octets;
	s->swallow_reply = reply;
	session_time_content(s);
	return NULL;
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

const char *
do_bdat(struct session *s, struct span args, struct buf *out)
{
	struct transaction *tx = &s->tx;
	struct chunk chunk;

	/* It ends the connection: what comes behind is no part of it. */
	if (!parse(args, &chunk) || is_too_much(s, tx->size + chunk.octets)) {
		drop(s, args, out);
		return NULL;
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
