/*
 * One block: the struct, and the texts of the fields behind it. A folded one has
 * the text that stays when it is cut, and in front of the struct a pointer to the
 * whole, which alone ever changes. Who reads the pointer or changes it takes it
 * out of its place for a few instructions; what it points to never changes, and
 * whoever got a reference keeps it.
 */
#include "mail/reason.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* There may be a million: nine bytes beside the text. */
struct reason {
	atomic_uint refs;
	/* From here on equal ones have the same bytes, without gaps. */
	uint32_t host : 9, what : 9, said : 12; /* how long each is */
	uint32_t is_folded : 1;
	uint32_t : 1;
	uint8_t stage : 4, status : 4; /* that one's length, too */
	char text[]; /* status, host, what, said */
};
_Static_assert(REASON_FIELD_MAX < 1 << 9 && WORDS_SAID_MAX < 1 << 12 &&
		   STAGE_COUNT <= 1 << 4 && WORDS_STATUS_MAX <= 1 << 4,
    "a length of words does not fit");

enum {
	KEY_AT = sizeof(atomic_uint),
	TEXT_AT = offsetof(struct reason, text),
};

struct front {
	_Atomic(struct reason *) whole; /* a reference; NULL: it was cut */
};

/* What stands in the front while somebody has the pointer out. */
#define TAKEN ((struct reason *)(uintptr_t)1)

static struct front *
front_of(const struct reason *r)
{
	return (struct front *)(void *)((char *)(uintptr_t)r -
					sizeof(struct front));
}

static struct reason *
front_take(struct front *f)
{
	struct reason *whole;

	for (;;) {
		whole = atomic_exchange_explicit(
		    &f->whole, TAKEN, memory_order_acquire);
		if (whole != TAKEN)
			return whole;
		(void)sched_yield(); /* the other has a few steps to go */
	}
}

static void
front_put(struct front *f, struct reason *whole)
{
	atomic_store_explicit(&f->whole, whole, memory_order_release);
}

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

/* With room for a front, if it is to be folded. */
static struct reason *
make(const struct words *w, bool is_folded)
{
	struct span status = span_to(w->status, WORDS_STATUS_MAX - 1),
		    host = span_to(w->host, REASON_FIELD_MAX),
		    what = span_to(w->what, REASON_FIELD_MAX),
		    said = span_to(w->said, WORDS_SAID_MAX);
	size_t before = is_folded ? sizeof(struct front) : 0;
	char *block = mem_alloc(
	    before + TEXT_AT + status.len + host.len + what.len + said.len);
	struct reason *r = (struct reason *)(void *)(block + before);
	char *at = r->text;

	memset(block + before, 0, TEXT_AT); /* the bits that nobody has, too */
	atomic_init(&r->refs, 1);
	r->stage = w->stage & 0xf;
	r->is_folded = is_folded;
	r->status = put(at, status, ' ') & 0xf;
	at += r->status;
	r->host = put(at, host, ' ') & 0x1ff;
	at += r->host;
	r->what = put(at, what, ' ') & 0x1ff;
	at += r->what;
	r->said = put(at, said, '\n') & 0xfff;
	return r;
}

struct reason *
reason_new(const struct words *w)
{
	return make(w, false);
}

/* --- folded --- */

static size_t
cut(struct span *s, size_t room)
{
	*s = span_to(*s, room);
	return room - s->len;
}

struct reason *
reason_fold(struct reason *r)
{
	struct words w = reason_words(r);
	size_t room = REASON_CUT;
	struct reason *folded;

	if (r == NULL || r->is_folded || text_size(r) <= REASON_CUT)
		return reason_ref(r);
	room = cut(&w.status, room);
	room = cut(&w.host, room);
	room = cut(&w.what, room);
	(void)cut(&w.said, room);
	folded = make(&w, true);
	atomic_init(&front_of(folded)->whole, reason_ref(r));
	return folded;
}

bool
reason_is_folded(const struct reason *r)
{
	return r != NULL && r->is_folded;
}

void
reason_cut(struct reason *r)
{
	struct reason *whole;

	assert(r->is_folded);
	whole = front_take(front_of(r));
	front_put(front_of(r), NULL);
	reason_unref(whole);
}

bool
reason_is_cut(const struct reason *r)
{
	return reason_is_folded(r) && atomic_load_explicit(&front_of(r)->whole,
					  memory_order_acquire) == NULL;
}

struct reason *
reason_whole(struct reason *r)
{
	struct reason *whole;

	if (!reason_is_folded(r))
		return reason_ref(r);
	whole = front_take(front_of(r));
	(void)reason_ref(whole);
	front_put(front_of(r), whole);
	return whole == NULL ? reason_ref(r) : whole;
}

/* --- counted --- */

bool
reason_has_more(const struct reason *r, unsigned than)
{
	return atomic_load_explicit(&r->refs, memory_order_acquire) > than;
}

struct span
reason_key(const struct reason *r)
{
	return span_make(
	    (const char *)r + KEY_AT, TEXT_AT - KEY_AT + text_size(r));
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
	if (r == NULL ||
	    atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (!r->is_folded) {
		free(r);
		return;
	}
	reason_unref(front_take(front_of(r)));
	free(front_of(r));
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
reason_memory(struct reason *r)
{
	struct reason *whole;
	size_t own;

	if (r == NULL)
		return 0;
	own = TEXT_AT + text_size(r);
	if (!r->is_folded)
		return own;
	whole = reason_whole(r);
	own += sizeof(struct front) + (whole == r ? 0 : reason_memory(whole));
	reason_unref(whole);
	return own;
}
