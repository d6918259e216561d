/*
 * Content by BDAT (RFC 3030 section 2): the input is a list of chunks, each with two
 * bytes of length (the upper three bits say: LAST; a new transaction in front of it;
 * that one without MAIL) and as many octets.
 * However the bytes are cut, each BDAT gets one reply, nothing of a chunk is taken for
 * a command, what is stored is what the chunks had, and no message is stored that
 * lacks one of them.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "intake/draft.h"
#include "mail/envelope.h"
#include "submit/session.h"
#include "tests/fuzz/one_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IS_LAST = 0x80, RSET_BEFORE = 0x40, NO_MAIL = 0x20 };

struct world {
	struct session *session;
	uint64_t appended, committed;
	unsigned replies; /* lines that end one */
	bool is_refused; /* the last of them was */
	bool lacks_chunk; /* since RSET one was refused that was not the last */
	bool is_over;
};

static const struct conf *
conf(void)
{
	return one_conf("hostname = relay.test\n"
			"limits { header = 1kb errors = 1000 }\n"
			"spool { max-message = 8kb }\n"
			"account default { send-as = { \"*@b.test\" } }");
}

static void
count_replies(struct world *w, struct span out)
{
	while (out.len > 0) {
		size_t end = span_find(out, '\n');

		assert(end >= 4 && out.ptr[end - 1] == '\r');
		w->replies += out.ptr[3] == ' ';
		w->is_refused = out.ptr[0] != '2';
		out = span_from(out, end + 1);
	}
}

static void
take_pieces(struct world *w, struct draft *d)
{
	w->appended += buf_len(&d->body);
	buf_clear(&d->body);
}

static void
take_in(struct world *w, struct session_event *ev)
{
	struct draft *d = session_draft(w->session);
	struct envelope *env;

	ev->type = EVENT_INTAKE;
	switch (d->need) {
	case DRAFT_NOTHING: assert(false); break;
	case DRAFT_SUPPRESSED: break;
	case DRAFT_RESERVE: d->is_reserved = true; break;
	case DRAFT_OPEN:
		w->appended = 0;
		d->id = 7;
		d->is_open = true;
		break;
	case DRAFT_PASS: take_pieces(w, d); break;
	case DRAFT_FILTER:
	case DRAFT_REWRITE:
	case DRAFT_COMMIT:
		env = draft_envelope(d, draft_size(d));
		take_pieces(w, d);
		assert(env->size == buf_len(&d->head) + w->appended);
		assert(!w->lacks_chunk);
		w->committed++;
		free(env);
		break;
	}
}

/* All of it, and what it needs. */
static void
give(struct world *w, const struct session_event *first, struct span in)
{
	struct session_event ev = *first;

	for (;;) {
		struct buf out = { .max = 1 << 20 };
		enum session_need need;

		ev.in = &in;
		ev.now = INT64_C(1000000000000);
		need = session_step(w->session, &ev, &out);
		count_replies(w, buf_span(&out));
		buf_clear(&out);
		ev = (struct session_event){ 0 };
		switch (need) {
		case SESSION_INPUT: assert(in.len == 0); return;
		case SESSION_CLOSE: w->is_over = true; return;
		case SESSION_INTAKE: take_in(w, &ev); break;
		case SESSION_AUTH:
			ev.type = EVENT_AUTH;
			ev.auth = AUTHED_OK;
			ev.login = SPAN("ann@b.test");
			break;
		case SESSION_TLS: assert(false); break;
		}
	}
}

static void
say(struct world *w, struct span bytes)
{
	static const struct session_event more = { .type = EVENT_INPUT };

	if (!w->is_over)
		give(w, &more, bytes);
}

/* In pieces; the session takes all of each. */
static void
say_cut(struct world *w, struct span bytes, size_t piece)
{
	while (bytes.len > 0 && !w->is_over) {
		say(w, span_to(bytes, piece));
		bytes = span_from(bytes, piece < bytes.len ? piece : bytes.len);
	}
}

static void
one_chunk(struct world *w, uint8_t how, struct span octets, size_t piece)
{
	char command[40];
	unsigned before;

	if ((how & RSET_BEFORE) != 0) {
		say(w, SPAN("RSET\r\n"));
		w->lacks_chunk = false;
		if ((how & NO_MAIL) == 0) {
			say(w,
			    SPAN("MAIL FROM:<ann@b.test> BODY=8BITMIME\r\n"));
			say(w, SPAN("RCPT TO:<x@c.test>\r\n"));
		}
	}
	before = w->replies;
	(void)snprintf(command, sizeof command, "BDAT %zu%s\r\n", octets.len,
	    (how & IS_LAST) != 0 ? " LAST" : "");
	say(w, span_text(command));
	say_cut(w, octets, piece);
	assert(w->is_over || w->replies == before + 1);
	w->lacks_chunk |=
	    w->is_refused && (how & IS_LAST) == 0 && octets.len > 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const plain[] = { "PLAIN" };
	struct session_options o = { .conf = conf(),
		.client = "192.0.2.9",
		.sid = "1",
		.mechanisms = plain,
		.nmechanisms = 1 };
	struct session_event ev = { .type = EVENT_OPEN,
		.tls_version = SPAN("TLSv1.3") };
	struct world w = { 0 };
	struct span rest;
	size_t piece;

	if (size == 0)
		return 0;
	piece = data[0] + 1u;
	rest = span_make((const char *)data + 1, size - 1);
	w.session = session_new(&o);
	give(&w, &ev, SPAN(""));
	say(&w, SPAN("EHLO c.test\r\n"));
	say(&w, SPAN("AUTH PLAIN AGEAYg==\r\n"));
	say(&w, SPAN("MAIL FROM:<ann@b.test>\r\n"));
	say(&w, SPAN("RCPT TO:<x@c.test>\r\n"));
	assert(w.replies == 5 && !w.is_over);
	while (rest.len >= 2 && !w.is_over) {
		uint8_t how = (uint8_t)rest.ptr[0];
		size_t n = (how & 0x1fu) * 256u + (uint8_t)rest.ptr[1];

		rest = span_from(rest, 2);
		n = n < rest.len ? n : rest.len;
		one_chunk(&w, how, span_to(rest, n), piece);
		rest = span_from(rest, n);
	}
	session_free(w.session);
	return 0;
}
