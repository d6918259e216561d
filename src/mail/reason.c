/* One block: the struct, and the texts of the fields behind it. */
#include "mail/reason.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct reason {
	atomic_uint refs;
	uint16_t host, what, said; /* how long each is */
	uint8_t stage;
	uint8_t status : 7, is_cut : 1;
	/* From `host` on equal ones have the same bytes, without gaps. */
	char text[]; /* status, host, what, said */
};

static bool
is_kept(char c)
{
	return (unsigned char)c >= ' ' && c != 0x7f;
}

/* Control bytes become blanks; `keep` is one that does not. */
static size_t
put(char *at, struct span s, char keep)
{
	for (size_t i = 0; i < s.len; i++)
		at[i] = is_kept(s.ptr[i]) || s.ptr[i] == keep ? s.ptr[i] : ' ';
	return s.len;
}

static size_t
text_size(const struct reason *r)
{
	return (size_t)r->status + r->host + r->what + r->said;
}

static struct reason *
make(const struct words *w, bool is_cut)
{
	struct span status = span_to(w->status, WORDS_STATUS_MAX - 1),
		    host = span_to(w->host, REASON_FIELD_MAX),
		    what = span_to(w->what, REASON_FIELD_MAX),
		    said = span_to(w->said, WORDS_SAID_MAX);
	struct reason *r =
	    mem_alloc(sizeof *r + status.len + host.len + what.len + said.len);
	char *at = r->text;

	atomic_init(&r->refs, 1);
	r->stage = (uint8_t)w->stage;
	r->is_cut = is_cut;
	r->status = put(at, status, ' ') & 0x7f;
	at += r->status;
	r->host = (uint16_t)put(at, host, ' ');
	at += r->host;
	r->what = (uint16_t)put(at, what, ' ');
	at += r->what;
	r->said = (uint16_t)put(at, said, '\n');
	return r;
}

struct reason *
reason_new(const struct words *w)
{
	return make(w, false);
}

static size_t
cut(struct span *s, size_t room)
{
	*s = span_to(*s, room);
	return room - s->len;
}

struct reason *
reason_cut(struct reason *r)
{
	struct words w = reason_words(r);
	size_t room = REASON_CUT;

	if (r == NULL || text_size(r) <= REASON_CUT)
		return reason_ref(r);
	room = cut(&w.status, room);
	room = cut(&w.host, room);
	room = cut(&w.what, room);
	(void)cut(&w.said, room);
	return make(&w, true);
}

bool
reason_is_cut(const struct reason *r)
{
	return r != NULL && r->is_cut;
}

bool
reason_is_shared(const struct reason *r)
{
	return atomic_load_explicit(&r->refs, memory_order_acquire) > 1;
}

struct span
reason_key(const struct reason *r)
{
	size_t from = offsetof(struct reason, host);

	return span_make((const char *)r + from,
	    offsetof(struct reason, text) - from + text_size(r));
}

struct reason *
reason_ref(struct reason *r)
{
	if (r != NULL)
		(void)atomic_fetch_add_explicit(
		    &r->refs, 1, memory_order_relaxed);
	return r;
}

void
reason_unref(struct reason *r)
{
	/* What others read before they let go happens before the free. */
	if (r != NULL &&
	    atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
		free(r);
}

struct words
reason_words(const struct reason *r)
{
	struct words w = { 0 };
	const char *at;

	if (r == NULL)
		return w;
	at = r->text;
	w.stage = (enum stage)r->stage;
	w.status = span_make(at, r->status);
	at += r->status;
	w.host = span_make(at, r->host);
	at += r->host;
	w.what = span_make(at, r->what);
	at += r->what;
	w.said = span_make(at, r->said);
	return w;
}

bool
reason_equal(const struct reason *a, const struct reason *b)
{
	if (a == b || a == NULL || b == NULL)
		return a == b;
	return span_equal(reason_key(a), reason_key(b));
}

size_t
reason_memory(const struct reason *r)
{
	return r == NULL ? 0 : sizeof *r + text_size(r);
}
