/*
 * filter: which of the waiting messages, and which of their recipients, a request is
 * about. Conditions are "and". Those of a message: "account", "from", "older";
 * those of its recipients that wait: "to", "domain", "site", "reason", "held".
 * Addresses, domains and texts are compared without regard to (ASCII) case; in
 * "from", "to", "domain", "site" and "account" a "*" is any number of characters.
 */
#ifndef DESK_FILTER_H
#define DESK_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct leg;
struct message;
struct reason;
struct router;

struct filter {
	/* Borrowed from the request; ptr NULL: any. */
	struct span account, from, to, domain, site, reason;
	uint64_t older; /* ms; 0: any */
	bool held, all;
	const struct router *router; /* borrowed, for "site"; NULL: none */
};

/* What of a message is meant. */
enum filter_part {
	FILTER_NONE,
	FILTER_SOME, /* some of those that wait, not all */
	FILTER_WHOLE,
};

/* False: a condition makes no sense, and `wrong` says so. Zero is a valid start. */
bool filter_read(struct filter *f, const json_t *request, const char **wrong);
/* Whether it leaves anything out, or says "all": else nothing was chosen. */
bool filter_chooses(const struct filter *f);
/*
 * `only`, room for each recipient, gets whom it is about, when it is FILTER_SOME.
 * A message of whom nobody waits any more is FILTER_WHOLE or FILTER_NONE.
 */
enum filter_part filter_match(
    const struct filter *f, const struct message *m, uint64_t now, bool *only);
/* "account=ann older=2h": for the log; nothing: it says "all", or is empty. */
void filter_say(const json_t *request, struct buf *out);
/* Where a leg goes, as far as that is known now; else empty. */
struct span filter_site(const struct filter *f, const struct leg *leg);
/* Why that recipient of it waits: the line of what is closed, or the last words. */
struct reason *filter_why(const struct leg *leg, uint32_t rcpt, uint64_t now);
bool filter_matches_text(struct span pattern, struct span text);

#endif
