/*
 * dmarc: what a DMARC record says (RFC 7489 6.3), and what aligns with the domain of
 * a From (3.1). Pure.
 */
#ifndef SENDING_DMARC_H
#define SENDING_DMARC_H

#include <stdbool.h>

#include "base/span.h"

struct dns_answer;

/* What a domain wants done with mail that passes neither way. */
enum dmarc_policy { DMARC_NOTHING, DMARC_QUARANTINE, DMARC_REJECT };
enum { DMARC_POLICIES = DMARC_REJECT + 1, DMARC_WHY_SIZE = 160 };
/* "quarantine"; DMARC_NOTHING is "none". */
const char *dmarc_policy_name(enum dmarc_policy p);

struct dmarc {
	enum dmarc_policy policy, sub_policy; /* p; sp, or what p says */
	bool is_dkim_strict, is_spf_strict; /* adkim=s, aspf=s */
	bool has_reports; /* rua= */
};

enum dmarc_status {
	DMARC_FOUND,
	DMARC_MISSING,
	DMARC_WRONG, /* there is something, and receivers take it for none */
	DMARC_UNANSWERED,
};

/* Of one record. False: it is none, and `why` says what is wrong with it. */
bool dmarc_read(struct span text, struct dmarc *out, char why[DMARC_WHY_SIZE]);
/* Of the TXT records at _dmarc.DOMAIN. */
enum dmarc_status dmarc_find(const struct dns_answer *answer, struct dmarc *out,
    char why[DMARC_WHY_SIZE]);
/*
 * Whether `domain` (which signed, or is that of MAIL FROM) speaks for the From of
 * `author`: both in lower case, by A-labels.
 */
bool dmarc_aligns(const char *author, const char *domain, bool is_strict);

#endif
