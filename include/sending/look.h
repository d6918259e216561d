/*
 * look: one look at a domain: all questions that lead to a verdict, one after the
 * other. A pure core, as SPF is.
 */
#ifndef SENDING_LOOK_H
#define SENDING_LOOK_H

#include "sending/verdict.h"

struct key;
struct look;

enum { LOOK_ADDRESSES_MOST = 16, LOOK_KEYS_MOST = 2 };

/* All is copied, or a reference taken. */
struct look_of {
	struct span domain; /* of From; lower case, A-labels, as the next */
	struct span mail_from;
	struct span hostname; /* ours */
	const union dns_address *addresses; /* ours; none: not known */
	unsigned naddresses;
	struct key *const *keys; /* that sign for the domain */
	unsigned nkeys;
};

struct look *look_new(const struct look_of *of);
void look_free(struct look *l);
/* As spf_step() does. */
bool look_step(
    struct look *l, const struct dns_answer *answer, struct spf_question *next);
/* When no question is left. */
const struct sending *look_verdict(const struct look *l);

#endif
