/*
 * record: whether what the DNS says at a key's name is that key (RFC 6376 3.6.1).
 * Pure.
 */
#ifndef SIGN_RECORD_H
#define SIGN_RECORD_H

#include "base/span.h"

struct dns_answer;
struct key;

enum record_verdict {
	RECORD_RIGHT,
	RECORD_MISSING, /* there is none */
	RECORD_DIFFERENT, /* a verifier would not take our signature for good */
	RECORD_UNANSWERED, /* the name servers say nothing */
};
enum { RECORD_VERDICTS = 4, RECORD_WHY_MAX = 200 };

/* "right" */
const char *record_verdict_name(enum record_verdict v);
/* The texts that stand there; `why` says what is wrong, and what to do. */
enum record_verdict record_judge(const struct key *k, const struct span *texts,
    size_t n, char why[RECORD_WHY_MAX]);
enum record_verdict record_judge_answer(const struct key *k,
    const struct dns_answer *answer, char why[RECORD_WHY_MAX]);

#endif
