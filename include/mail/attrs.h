/*
 * attrs: what a message or a recipient carries beyond its addresses, as bytes:
 * tagged values one behind the other. Who stores them does not read them, and
 * keeps those of a newer version. Pure.
 */
#ifndef MAIL_ATTRS_H
#define MAIL_ATTRS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/* Numbers on disk: append only, never renumber. */
enum attr_tag {
	ATTR_RET = 1, /* RFC 3461 4.3: FULL or HDRS */
	ATTR_ENVID = 2, /* 4.4: xtext */
	ATTR_NOTIFY = 3, /* 4.1: NEVER, or a list of the others */
	ATTR_ORCPT = 4, /* 4.2: type;xtext */
	ATTR_PRIORITY = 5, /* RFC 6710: -9 to 9 */
	ATTR_BY = 6, /* RFC 2852: seconds;mode, as the client wrote it */
	ATTR_HOLDUNTIL = 7, /* RFC 4865: an RFC 3339 date and time */
	ATTR_REQUIRETLS = 8, /* RFC 8689: "yes" */
	ATTR_BODY_HASH = 16, /* of the body as it came in (sign/body.h); no
				parameter: the relay takes it */
	ATTR_AUTHOR = 17, /* the domain of From, where it is not that of the
			     sender (mail/origin.h); the same */
	ATTR_HELD_BY = 18, /* "NAME: why": the filter that held it as it came */
	ATTR_CAME = 19, /* how its client came, for filters that are asked after
			   acceptance (src/intake/after.c) */
};

enum { ATTRS_MAX = UINT16_MAX };

struct attr {
	uint16_t tag; /* enum attr_tag, or a newer one */
	struct span value; /* borrowed */
};

void attrs_put(struct buf *out, uint16_t tag, struct span value);
/* Takes the next one from the front; false at the end, and for what is none. */
bool attrs_next(struct span *at, struct attr *out);
/* The value of that tag; empty: there is none. */
struct span attrs_get(struct span attrs, uint16_t tag);
/* Whether the bytes are attributes up to their end. */
bool attrs_are_valid(struct span attrs);

#endif
