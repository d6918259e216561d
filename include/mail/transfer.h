/*
 * transfer: octets in an encoding that every host passes (RFC 2045 6.7, 6.8),
 * written while they come, in pieces of any length. Pure.
 */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

enum transfer_way {
	TRANSFER_AS_IT_IS,
	TRANSFER_QUOTED_PRINTABLE, /* of text: CRLF stays a line's end */
	TRANSFER_BASE64,
	/* What is quoted-printable already, and has octets that it may not have. */
	TRANSFER_MEND_QUOTED,
	/* The same of base64: a reader ignores them (RFC 2045 6.8), so they go. */
	TRANSFER_MEND_BASE64,
};

/* `{ .way = ... }` is the beginning. */
struct transfer {
	enum transfer_way way;
	char kept[3]; /* octets whose end is not known */
	size_t nkept;
	size_t column; /* characters in the line so far */
	size_t nescape; /* letters to come of an escape that was there */
};

enum { TRANSFER_GROWTH = 4 }; /* times as long, at the most, and a few */

/* Appends what is known of it. The buffer has room. */
void transfer_add(struct transfer *t, struct span octets, struct buf *out);
/* All of it has come. */
void transfer_end(struct transfer *t, struct buf *out);

#endif
