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

enum { ATTEMPT_HOST_MAX = 320 };

struct attempt_rcpt {
	uint32_t index; /* into the envelope */
	enum outcome outcome;
	char status[WORDS_STATUS_MAX];
	char *what; /* owned; in our words, why; NULL: nothing to add */
	char *said; /* owned; the host's lines (words.h); NULL: it said none */
};

struct attempt {
	const struct envelope *env; /* borrowed: the queue keeps it while a
				       lane has it */
	struct content *content; /* owned reference; NULL: fetch it */
	void *token; /* the queue's */
	char host[ATTEMPT_HOST_MAX]; /* "mx.test [192.0.2.1]" */
	char tls[16]; /* "TLSv1.3", or empty */
	bool said_anything; /* the host answered, or may have taken it */
	uint32_t nrcpt;
	struct attempt_rcpt rcpts[];
};

/* `rcpts`: indices. The reference to content is taken. */
struct attempt *attempt_new(const struct envelope *env, struct content *content,
    const uint32_t *rcpts, uint32_t nrcpt);
void attempt_free(struct attempt *a);
void attempt_set(struct attempt_rcpt *r, const struct verdict *v);
/* For every recipient without an outcome. */
void attempt_set_rest(struct attempt *a, const struct verdict *v);

#endif
