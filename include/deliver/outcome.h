/*
 * outcome: what a next host's answer, or its silence, means for a recipient.
 * Decided here and nowhere else.
 */
#ifndef DELIVER_OUTCOME_H
#define DELIVER_OUTCOME_H

#include "smtp/reply.h"

enum outcome {
	OUTCOME_NONE, /* nothing was said about it */
	OUTCOME_DELIVERED,
	OUTCOME_DEFERRED, /* try again later */
	OUTCOME_FAILED, /* for good */
};

/* What the reply answered. */
enum stage {
	STAGE_GREETING,
	STAGE_EHLO,
	STAGE_STARTTLS,
	STAGE_AUTH,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_CONTENT, /* the answer to the final dot */
};

enum outcome outcome_of_reply(enum stage stage, const struct reply *reply);
/* The status code of RFC 3463 for a reply that carries none. */
const char *outcome_status(enum stage stage, enum outcome outcome);

#endif
