/*
 * attempt: one message's recipients at one host, and what became of each. It
 * is handed to a lane and comes back with the answers.
 */
#ifndef DELIVER_ATTEMPT_H
#define DELIVER_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "deliver/outcome.h"

struct content;
struct envelope;
struct reason;

enum { ATTEMPT_HOST_MAX = 320 };

struct attempt_rcpt {
	uint32_t index; /* into the envelope */
	enum outcome outcome;
	struct reason *reason; /* owned reference; NULL: none */
	bool is_asked; /* the client's: a RCPT of this transaction names it */
};

struct attempt {
	const struct envelope *env; /* borrowed: the queue keeps it while a
				       lane has it */
	struct content *content; /* owned reference; NULL: fetch it */
	void *token; /* the queue's */
	char host[ATTEMPT_HOST_MAX]; /* "mx.test [192.0.2.1]" */
	char tls[16]; /* "TLSv1.3", or empty */
	bool has_dsn; /* the host took the wishes for reports (RFC 3461) */
	bool has_by; /* and the time to deliver by (RFC 2852) */
	bool content_ended; /* the end of the content was handed to the socket:
			       the host may have the message */
	uint32_t rcpts_most; /* in one transaction, as the host's EHLO said
				(LIMITS RCPTMAX, RFC 9422); 0: it said nothing */
	int64_t
	    age; /* s: how long the message has been on its way (RFC 2852) */
	uint64_t limit_ms; /* how long all of it may take at this host */
	uint32_t nrcpt;
	struct attempt_rcpt rcpts[];
};

/* `rcpts`: indices. The reference to content is taken. */
struct attempt *attempt_new(const struct envelope *env, struct content *content,
    const uint32_t *rcpts, uint32_t nrcpt);
/* Not the content, which is the owner's to give back. */
void attempt_free(struct attempt *a);
/* One recipient's outcome. The verdict becomes a reason, of the host in `a`. */
void
attempt_set(struct attempt *a, struct attempt_rcpt *r, const struct verdict *v);
/* For every recipient without an outcome; they share one reason. */
void attempt_set_rest(struct attempt *a, const struct verdict *v);
/* The same, but only for those that the transaction asked for. */
void attempt_set_asked(struct attempt *a, const struct verdict *v);
/* Whether nothing was said about any of them. */
bool attempt_is_untouched(const struct attempt *a);

#endif
