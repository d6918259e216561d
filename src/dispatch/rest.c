/*
 * The struct has what is looked at while it rests; behind it stand the numbers, in
 * LEB128 (signed ones in zigzag, so that small ones are short), and the texts, each
 * behind its length. These bytes never leave the process.
 */
#include "dispatch/rest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "dispatch/message.h"
#include "mail/attrs.h"
#include "mail/reason.h"

enum {
	MEMORY_MOST = 16384, /* of an envelope; numbers take 2,500 at most */
	BYTES_BITS = 15,
	ARRIVED_BITS = 44,
};
#define ARRIVED_MOST ((int64_t)1 << (ARRIVED_BITS - 1)) /* in the year 2248 */

struct resting {
	uint64_t id;
	uint64_t arrived : ARRIVED_BITS; /* wall ms, from -ARRIVED_MOST on */
	uint64_t nrcpt : 5;
	uint64_t nbytes : BYTES_BITS;
	struct reason *reasons[]; /* nrcpt references; then the bytes */
};

uint64_t
resting_id(const struct resting *r)
{
	return r->id;
}

int64_t
resting_arrived(const struct resting *r)
{
	return (int64_t)r->arrived - ARRIVED_MOST;
}

void
resting_free(struct resting *r)
{
	for (unsigned i = 0; i < r->nrcpt; i++)
		reason_unref(r->reasons[i]);
	free(r);
}

static bool
rests(const struct leg *leg)
{
	return (leg->state == LEG_WAITING || leg->state == LEG_HELD ||
		   leg->state == LEG_OVER) &&
	       leg->wish == WISH_NONE;
}

bool
message_can_rest(const struct message *m)
{
	if (m->state != MESSAGE_QUIET || m->in_hand > 0 || m->untold > 0 ||
	    m->pins > 0 || m->env->nrcpt > REST_RCPTS_MOST ||
	    m->env->arrived <= -ARRIVED_MOST ||
	    m->env->arrived >= ARRIVED_MOST ||
	    envelope_memory(m->env) > MEMORY_MOST)
		return false;
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if (!rests(&m->legs[i]))
			return false;
	return true;
}

/* --- numbers and texts --- */

static void
put(struct buf *out, uint64_t n)
{
	char bytes[10];
	size_t len = 0;

	for (; n > 0x7f; n >>= 7)
		bytes[len++] = (char)(n | 0x80);
	bytes[len++] = (char)n;
	(void)buf_append(out, bytes, len);
}

static uint64_t
take(struct span *at)
{
	uint64_t n = 0;
	unsigned shift = 0;
	unsigned char byte;

	do {
		assert(at->len > 0 && shift < 64);
		byte = (unsigned char)at->ptr[0];
		*at = span_from(*at, 1);
		n |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) != 0);
	return n;
}

static void
put_signed(struct buf *out, int64_t n)
{
	put(out, (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0));
}

static int64_t
take_signed(struct span *at)
{
	uint64_t n = take(at);

	return (int64_t)(n >> 1 ^ ((n & 1) != 0 ? UINT64_MAX : 0));
}

static void
put_text(struct buf *out, struct span s)
{
	put(out, s.len);
	(void)buf_append_span(out, s);
}

static struct span
take_text(struct span *at)
{
	size_t len = (size_t)take(at);
	struct span s = span_to(*at, len);

	assert(s.len == len);
	*at = span_from(*at, len);
	return s;
}

/* --- to rest --- */

static void
put_envelope(struct buf *out, const struct envelope *env)
{
	put(out, env->size);
	put(out, env->flags);
	put_text(out, span_text(env->account));
	put(out, env->sender == env->account); /* most send as themselves */
	if (env->sender != env->account)
		put_text(out, span_text(env->sender));
	put_text(out, envelope_attrs(env));
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		put_text(out, span_text(env->rcpts[i].address));
		put_text(out, envelope_rcpt_attrs(env, i));
	}
}

static void
put_leg(struct buf *out, const struct leg *leg)
{
	put(out, leg->due.at);
	put(out, leg->stood);
	put(out, leg->era);
	put(out, leg->tried);
	put(out, leg->state);
	put(out, leg->answered);
	put(out, leg->returned);
	put(out, leg->is_next | (unsigned)leg->may_wait << 1 |
		     (unsigned)leg->by_hand << 2 |
		     (unsigned)leg->is_mistrusted << 3 |
		     (unsigned)leg->is_let << 4);
}

/* Nearly always it is due when its leg is: nearly always the first one's time. */
static void
put_recipient(struct buf *out, const struct recipient *r, uint64_t usual)
{
	put_signed(out, (int64_t)(r->due - usual));
	put(out, r->last);
	put(out, r->tries);
	put(out, r->state);
	put(out, r->step);
}

static void
put_message(struct buf *out, const struct message *m)
{
	put(out, m->flags);
	put_signed(out, m->born);
	put(out, m->due.at);
	put(out, m->report_at);
	put(out, m->reported);
	put(out, m->release);
	put(out, (uint64_t)m->by << 1 | m->by_returns);
	put(out, m->urgency);
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		put_leg(out, &m->legs[i]);
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		put_recipient(out, &m->rcpts[i], m->legs[0].due.at);
}

struct resting *
message_rest_take(struct message *m)
{
	struct buf bytes = { 0 };
	size_t head;
	struct resting *r;

	assert(message_can_rest(m));
	put_envelope(&bytes, m->env);
	put_message(&bytes, m);
	head = sizeof *r + m->env->nrcpt * sizeof(struct reason *);
	r = mem_alloc(head + buf_len(&bytes));
	r->id = m->env->id;
	r->arrived = (uint64_t)(m->env->arrived + ARRIVED_MOST) &
		     (((uint64_t)1 << ARRIVED_BITS) - 1);
	r->nrcpt = m->env->nrcpt & 0x1f;
	r->nbytes = buf_len(&bytes) & (((size_t)1 << BYTES_BITS) - 1);
	assert(r->nbytes == buf_len(&bytes));
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		r->reasons[i] = m->rcpts[i].reason;
	memcpy((char *)r + head, buf_span(&bytes).ptr, buf_len(&bytes));
	buf_clear(&bytes);
	free(m->env);
	free(m);
	return r;
}

/* --- awake --- */

static struct envelope *
take_envelope(struct span *at, const struct resting *r)
{
	struct span rcpts[REST_RCPTS_MOST], attrs[REST_RCPTS_MOST];
	struct envelope_parts parts = { .id = r->id,
		.arrived = resting_arrived(r),
		.nrcpt = r->nrcpt,
		.rcpt = rcpts,
		.rcpt_attrs = attrs };

	parts.size = take(at);
	parts.flags = (uint32_t)take(at);
	parts.account = take_text(at);
	parts.sender = take(at) != 0 ? parts.account : take_text(at);
	parts.attrs = take_text(at);
	for (uint32_t i = 0; i < parts.nrcpt; i++) {
		rcpts[i] = take_text(at);
		attrs[i] = take_text(at);
	}
	return envelope_new(&parts);
}

static void
take_leg(struct span *at, struct leg *leg)
{
	unsigned bits;

	leg->due.at = take(at);
	leg->stood = take(at);
	leg->era = (uint32_t)take(at);
	leg->tried = (uint32_t)take(at);
	leg->state = (uint8_t)take(at);
	leg->answered = (uint8_t)take(at);
	leg->returned = take(at) & 127;
	bits = (unsigned)take(at);
	leg->is_next = bits & 1;
	leg->may_wait = bits >> 1 & 1;
	leg->by_hand = bits >> 2 & 1;
	leg->is_mistrusted = bits >> 3 & 1;
	leg->is_let = bits >> 4 & 1;
}

static void
take_recipient(struct span *at, struct recipient *r, uint64_t usual)
{
	r->due = usual + (uint64_t)take_signed(at);
	r->last = (uint32_t)take(at);
	r->tries = (uint16_t)take(at);
	r->state = (uint8_t)take(at);
	r->step = take(at) & 0x7f;
}

static void
take_message(struct span *at, struct message *m)
{
	uint64_t by;

	m->flags = take(at) & MESSAGE_FLAGS;
	m->born = take_signed(at);
	m->due.at = take(at);
	m->report_at = take(at);
	m->reported = (uint32_t)take(at);
	m->release = (uint32_t)take(at);
	by = take(at);
	m->by = by >> 1 & INT32_MAX;
	m->by_returns = by & 1;
	m->urgency = take(at) & 3;
	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		take_leg(at, &m->legs[i]);
		m->open += m->legs[i].state != LEG_OVER;
	}
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		take_recipient(at, &m->rcpts[i], m->legs[0].due.at);
}

struct message *
message_wake_take(struct resting *r)
{
	struct span at =
	    span_make((const char *)&r->reasons[r->nrcpt], r->nbytes);
	struct message *m = message_alloc_take(take_envelope(&at, r));

	take_message(&at, m);
	assert(at.len == 0);
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		m->rcpts[i].reason = r->reasons[i];
	free(r);
	return m;
}
