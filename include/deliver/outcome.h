/*
 * outcome: what a next host's answer, or its silence, means for a recipient, and
 * where its message may go next. Decided here and nowhere else.
 */
#ifndef DELIVER_OUTCOME_H
#define DELIVER_OUTCOME_H

#include <stdbool.h>

#include "mail/words.h"
#include "smtp/reply.h"

enum outcome {
	OUTCOME_NONE, /* nothing was said about it; it costs no try */
	OUTCOME_DELIVERED,
	OUTCOME_NEXT_TRANSACTION, /* the host takes only so many at a time */
	OUTCOME_NEXT_CONNECTION, /* only so many messages a connection */
	OUTCOME_NEXT_HOST, /* put off, but another host may take it now */
	OUTCOME_ELSEWHERE, /* this host cannot, for good; another one may */
	OUTCOME_LATER, /* put off */
	OUTCOME_MISTRUSTED, /* its author's domain is not believed: that is ours
			       to mend, and it is held until then */
	OUTCOME_FAILED, /* for good */
};
enum { OUTCOME_COUNT = OUTCOME_FAILED + 1 };
/* "next host" */
const char *outcome_name(enum outcome o);

/* Where the transaction was when the host answered, or was lost. */
struct outcome_at {
	enum stage stage;
	bool took_some; /* recipients before this one were taken */
	bool carried; /* the connection had carried a message before */
	/*
	 * The end of the content has left and is not answered: the host may have
	 * the message, and no other one must get it at once.
	 */
	bool may_have_it;
	bool has_origin; /* its author's domain is known (mail/origin.h) */
	bool asks_tls; /* it asks for REQUIRETLS (RFC 8689) */
};

enum outcome
outcome_of_reply(const struct outcome_at *at, const struct reply *reply);
/* The connection was lost, or the host silent for too long. */
enum outcome outcome_of_loss(const struct outcome_at *at);

/* An outcome, and why. */
struct verdict {
	enum outcome outcome;
	enum stage stage;
	char status[WORDS_STATUS_MAX]; /* RFC 3463; OUTCOME_NONE has none */
	struct span what; /* in our words; may be empty */
	struct span said; /* the host's reply; may be empty; borrowed */
};

struct verdict
verdict_of_reply(const struct outcome_at *at, const struct reply *reply);
/* The reply makes no sense here: the connection is as good as lost. */
struct verdict
verdict_of_nonsense(const struct outcome_at *at, const struct reply *reply);
struct verdict verdict_of_loss(
    const struct outcome_at *at, const char *status, struct span what);
/* Put off, for a reason of ours: no host is to blame. */
struct verdict
verdict_of_us(enum stage stage, const char *status, struct span what);

#endif
