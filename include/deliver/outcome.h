/*
 * outcome: what a next host's answer, or its silence, means for a recipient.
 * Decided here and nowhere else.
 */
#ifndef DELIVER_OUTCOME_H
#define DELIVER_OUTCOME_H

#include <stdbool.h>

#include "mail/words.h"
#include "smtp/reply.h"

enum outcome {
	OUTCOME_NONE, /* nothing was said about it */
	OUTCOME_DELIVERED,
	OUTCOME_DEFERRED, /* try again later */
	OUTCOME_FAILED, /* for good */
};

enum outcome outcome_of_reply(enum stage stage, const struct reply *reply);

/* An outcome, and why. */
struct verdict {
	enum outcome outcome;
	char status[WORDS_STATUS_MAX]; /* RFC 3463; OUTCOME_NONE has none */
	struct span what; /* in our words; may be empty */
	struct span said; /* the host's reply; may be empty; borrowed */
};

struct verdict verdict_of_reply(enum stage stage, const struct reply *reply);
/* Whatever the reply says, it is only put off: we had another reason. */
struct verdict verdict_put_off(const struct reply *reply);
/* Put off, and no reply says why. */
struct verdict verdict_of_us(const char *status, struct span what);

#endif
