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
	uint8_t stage, status;
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

struct reason *
reason_new(const struct words *w)
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
	r->status = (uint8_t)put(at, status, ' ');
	at += r->status;
	r->host = (uint16_t)put(at, host, ' ');
	at += r->host;
	r->what = (uint16_t)put(at, what, ' ');
	at += r->what;
	r->said = (uint16_t)put(at, said, '\n');
	return r;
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
	return a->stage == b->stage && a->status == b->status &&
	       a->host == b->host && a->what == b->what && a->said == b->said &&
	       memcmp(a->text, b->text,
		   (size_t)a->status + a->host + a->what + a->said) == 0;
}

size_t
reason_memory(const struct reason *r)
{
	return r == NULL ? 0
			 : sizeof *r + r->status + r->host + r->what + r->said;
}
