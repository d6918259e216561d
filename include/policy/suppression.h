/*
 * suppression: recipients that a host refused for good, by account: to write to
 * them again costs a sender's good name and reaches nobody. A set of values, in
 * the order of account and address; no clock of its own: times are ms since 1970.
 */
#ifndef POLICY_SUPPRESSION_H
#define POLICY_SUPPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct suppression;
struct words;

enum {
	SUPPRESSION_MOST = 500000, /* of all accounts */
	SUPPRESSION_REPLY_MAX = 300, /* octets of a reply that are kept */
};
#define SUPPRESSION_MS (INT64_C(30) * 24 * 60 * 60 * 1000)

/* One of them. Text is borrowed. */
struct suppressed {
	struct span account; /* lower case */
	struct span address; /* smtp/mailbox_key.h */
	int64_t since, until;
	struct span status; /* "5.1.1"; empty: by hand */
	struct span reply; /* of the host, on one line */
};

/*
 * Whether the words are a host's own, and say that the address is none: 5.1.1,
 * 5.1.2, 5.1.3, 5.1.6, 5.1.10 or 5.2.1 (RFC 3463, RFC 7505). Block lists and
 * policies (5.7.x), and what we found ourselves, are no fault of the address.
 */
bool suppression_is_cause(const struct words *w);

struct suppression *suppression_new(void);
void suppression_free(struct suppression *s);
size_t suppression_count(const struct suppression *s);
/*
 * Adds it, or takes the place of the one that is there; copied. False: there are
 * as many as may be.
 */
bool suppression_put(struct suppression *s, const struct suppressed *one);
/* NULL: it is not there, or its time is over. Until the set is changed. */
const struct suppressed *suppression_find(const struct suppression *s,
    struct span account, struct span address, int64_t now);
/* False: it was not there. */
bool suppression_remove(
    struct suppression *s, struct span account, struct span address);
/*
 * The first behind that one, in order (both empty: the first of all); NULL: there
 * is none.
 */
const struct suppressed *suppression_next(
    const struct suppression *s, struct span account, struct span address);

#endif
