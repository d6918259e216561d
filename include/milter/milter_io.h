/*
 * milter_io: one message at one filter, with the connection: does what the core
 * (milter.h) says it needs, within time-outs. A filter has so many connections; who
 * needs one more stands in turns of accounts, and no longer than an answer may
 * take. On one loop.
 */
#ifndef MILTER_MILTER_IO_H
#define MILTER_MILTER_IO_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct conf_filter;
struct loop;
struct milter_call;
struct milter_limits;
struct milter_message;
struct milter_outcome;
struct milter_ways;

/*
 * The ways to filters, of one loop: of so many that share a filter's connections
 * evenly. Counted by reference: calls have one each, until they are closed.
 */
struct milter_ways *milter_ways_new(struct loop *loop, uint32_t sharers);
/* NULL is allowed. */
void milter_ways_unref(struct milter_ways *w);

/* Never inside of a call to it. */
struct milter_events {
	/* Answered by milter_call_piece(). */
	void (*wants_piece)(void *arg);
	/* A piece of the new body, to be taken; then milter_call_taken(). */
	void (*new_body)(struct buf *piece, void *arg);
	/* The last one: see milter_call_outcome(). */
	void (*over)(void *arg);
	void *arg;
};

/*
 * Begins. All is borrowed until milter_call_close(). It ends by `ends` (monotonic
 * ms), answered or not.
 */
struct milter_call *milter_call_start(struct milter_ways *w,
    const struct conf_filter *filter, struct span account,
    const struct milter_message *message, const struct milter_limits *limits,
    uint64_t ends, const struct milter_events *events);
/* Of the body; empty: it is at its end. Copied. */
void milter_call_piece(struct milter_call *c, struct span piece);
void milter_call_taken(struct milter_call *c);
/* When it is over, until it is closed. */
const struct milter_outcome *milter_call_outcome(const struct milter_call *c);
/* The same: when the outcome has a new header; the caller may take the memory. */
struct buf *milter_call_new_header(struct milter_call *c);
/* At any time, once; no event comes any more. */
void milter_call_close(struct milter_call *c);

#endif
