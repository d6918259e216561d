/* A lane as the queue thread knows it, for the files that fill and empty it. */
#ifndef DISPATCH_LANES_PRIV_H
#define DISPATCH_LANES_PRIV_H

#include "deliver/lane.h"
#include "dispatch_priv.h"

/* What a lane has in hand: legs of one message. */
struct load {
	struct message *message; /* borrowed: lives until its legs are back */
	uint32_t nlegs;
	struct leg *legs[];
};

struct outgoing {
	struct lane lane; /* the handle that its worker knows */
	struct list idle; /* in its channel's */
	struct list all; /* in the dispatch's `idle`, or `busy` */
	struct list at_address; /* in its address's idle ones */
	struct channel *channel; /* borrowed: sites outlive their lanes */
	struct address *address; /* borrowed: lives while lanes go there */
	struct load *load; /* owned; NULL: none */
	char *holder; /* owned; whose place it has; NULL: nobody's */
	uint32_t host, carried;
	bool has_ended; /* an attempt is on its way back from it */
	bool
	    is_too_late; /* what it has in hand cannot be called back any more */
	bool is_retiring; /* asked to end, since it was idle */
};

/* How many there may be, by the configuration and the system. */
uint32_t lanes_most(const struct conf *conf);
/* A lane to that host, with nothing to do yet. */
struct outgoing *
lanes_new(struct dispatch *d, struct channel *c, uint32_t host);
/*
 * Hands over what it is to deliver; the first time, that opens it. Takes the load
 * and the attempt, which is what the load comes to.
 */
void lanes_give(struct dispatch *d, struct outgoing *o, struct load *load,
    struct attempt *a);
/* The leg's lane was asked for it, and has not said that it is too late. */
bool lanes_may_give_back(const struct leg *leg);
/* Closes one that is idle. */
void lanes_retire(struct dispatch *d, struct outgoing *o);

#endif
