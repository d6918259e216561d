/*
 * author: whose domains a From field names (RFC 5322 3.6.2), so that a key may be
 * found. What programs may read in different ways (mail/mailboxes.h) names nobody.
 * Who may send as whom is not asked here. Pure.
 */
#ifndef SIGN_AUTHOR_H
#define SIGN_AUTHOR_H

#include "base/span.h"
#include "smtp/idn.h"

/* A domain in lower case, by its A-labels. */
struct author_domain {
	char text[IDN_SIZE];
};

enum { AUTHORS_MAX = 16 };

/* The value of a From field. Returns how many; each domain once, in order. */
size_t authors_read(struct span value, struct author_domain out[AUTHORS_MAX]);

#endif
