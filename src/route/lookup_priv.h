/*
 * lookup_io: does what a lookup needs: asks the resolver, and hands the answers
 * to the core. All lookups of a router share its resolver.
 */
#ifndef ROUTE_LOOKUP_PRIV_H
#define ROUTE_LOOKUP_PRIV_H

#include <stdbool.h>

#include "base/span.h"

struct lookup_answer;
struct lookup_io;
struct lookups;
struct loop;
struct resolver;

/* The lookup is over; `answer` is borrowed for the call. */
typedef void (*lookup_cb)(const struct lookup_answer *answer, void *arg);
/* It goes on: so many of its questions are under way now. */
typedef void (*lookup_open_cb)(unsigned open, void *arg);

/* Owns the resolver from now on. */
struct lookups *lookups_new_take(struct loop *loop, struct resolver *resolver);
/* Each of its lookups is over or was cancelled. NULL is allowed. */
void lookups_close(struct lookups *all);

struct lookup_request {
	struct span name;
	bool is_mail; /* the domain's MX first; else the one host */
	lookup_cb cb;
	lookup_open_cb on_open;
	void *arg;
};

/*
 * One of both callbacks comes for each answer, later; never two. It is gone once
 * `cb` was called.
 */
struct lookup_io *
lookup_io_start(struct lookups *all, const struct lookup_request *request);
/* No callback comes any more. */
void lookup_io_cancel(struct lookup_io *l);
/* Questions of it that are under way. */
unsigned lookup_io_open(const struct lookup_io *l);

#endif
