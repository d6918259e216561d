/*
 * A whole receiving session: the bytes are the client's, cut into pieces; the
 * first byte says how, the second what logging in and storing answer. Whatever
 * comes, replies are lines, and what is stored is as long as the envelope says.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include "mail/envelope.h"
#include "intake/draft.h"
#include "submit/session.h"
#include "tests/fuzz/one_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is long is not cut at every byte: that made a run twice as dear. */
enum { PIECES_MOST = 64 };

struct world {
	struct session *session;
	enum session_need need;
	uint8_t answers;
	uint64_t appended;
};

static const struct conf *
conf(void)
{
	return one_conf("hostname = relay.test\n"
			"limits { header = 1kb }\n"
			"spool { max-message = 8kb }\n"
			"account default { send-as = { \"*@b.test\" } }");
}

static void
step(struct world *w, struct session_event *ev, struct span *in)
{
	struct buf out = { .max = 16 << 20 };
	struct span all;

	ev->in = in;
	ev->now = 1000000000000;
	w->need = session_step(w->session, ev, &out);
	all = buf_span(&out);
	assert(all.len == 0 || (all.len >= 2 && all.ptr[all.len - 1] == '\n' &&
				   all.ptr[all.len - 2] == '\r'));
	buf_clear(&out);
}

static void
take_pieces(struct world *w)
{
	struct draft *d = session_draft(w->session);

	w->appended += buf_len(&d->body);
	buf_clear(&d->body);
}

static void
take_in(struct world *w, struct session_event *ev)
{
	struct draft *d = session_draft(w->session);
	struct envelope *env;

	ev->type = EVENT_INTAKE;
	if ((w->answers & 1) != 0)
		ev->refusal = "451 4.3.0 no";
	assert(d->need <= DRAFT_OPEN || d->is_open);
	switch (d->need) {
	case DRAFT_NOTHING: assert(false); break;
	case DRAFT_SUPPRESSED: break;
	case DRAFT_RESERVE: d->is_reserved = ev->refusal == NULL; break;
	case DRAFT_OPEN:
		w->appended = 0;
		d->id = 7;
		d->is_open = ev->refusal == NULL;
		break;
	case DRAFT_PASS: take_pieces(w); break;
	case DRAFT_FILTER: /* no configuration of it has any */
	case DRAFT_REWRITE:
	case DRAFT_COMMIT:
		env = draft_envelope(d, draft_size(d));
		take_pieces(w);
		assert(env->size == buf_len(&d->head) + w->appended);
		assert(env->nrcpt > 0);
		free(env);
		break;
	}
	w->answers = (uint8_t)(w->answers >> 1 | w->answers << 7);
}

/* Does what is needed until input is. False: it is over. */
static bool
settle(struct world *w, struct span *in)
{
	while (w->need != SESSION_INPUT) {
		struct session_event ev = { 0 };

		switch (w->need) {
		case SESSION_CLOSE: return false;
		case SESSION_INPUT: break;
		case SESSION_TLS:
			ev.type = EVENT_TLS;
			ev.tls_version = SPAN("TLSv1.3");
			break;
		case SESSION_AUTH:
			ev.type = EVENT_AUTH;
			ev.auth = w->answers % 5;
			ev.login = SPAN("ann@b.test");
			w->answers = (uint8_t)(w->answers * 5 + 1);
			break;
		case SESSION_INTAKE: take_in(w, &ev); break;
		}
		step(w, &ev, in);
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_options o = {
		.conf = conf(), .client = "192.0.2.9", .sid = "1"
	};
	struct session_event ev = { .type = EVENT_OPEN };
	struct world w = { 0 };
	struct span in = { "", 0 };
	struct buf pending = { .max = 16 << 20 };
	size_t piece, at = 2;

	if (size < 2)
		return 0;
	piece = data[0] / 2 + 1u;
	if (piece < size / PIECES_MOST)
		piece = size / PIECES_MOST;
	w.answers = data[1];
	o.mechanisms = (const char *const *)conf()->mechanisms;
	o.nmechanisms = conf()->nmechanisms;
	w.session = session_new(&o);
	if (data[0] & 1)
		ev.tls_version = SPAN("TLSv1.3");
	step(&w, &ev, &in);
	while (at < size && settle(&w, &in)) {
		size_t n = size - at < piece ? size - at : piece;

		(void)buf_append(&pending, data + at, n);
		at += n;
		in = buf_span(&pending);
		ev = (struct session_event){ .type = EVENT_INPUT };
		step(&w, &ev, &in);
		if (w.need != SESSION_CLOSE)
			(void)settle(&w, &in);
		buf_consume(&pending, buf_len(&pending) - in.len);
		in = buf_span(&pending);
	}
	session_free(w.session);
	buf_clear(&pending);
	return 0;
}
