/*
 * mailboxes: the addresses of a field such as From (RFC 5322 3.4), one by one, and
 * what stands around them. Text from a client, and what decides who a message is
 * said to be from: what programs are known to read in different ways is not read
 * at all.
 */
#ifndef MAIL_MAILBOXES_H
#define MAIL_MAILBOXES_H

#include <stdbool.h>

#include "base/span.h"

/* Spans into the field's value, folds and all. */
struct mailbox {
	struct span address; /* without brackets; empty: a group's name alone */
	struct span before, after; /* names and comments, as they are written */
	struct span bare; /* of `before`: an address without quotes; or empty */
	bool has_brackets;
};

struct mailboxes {
	struct span rest;
	bool in_group;
	const char *unclear; /* why reading ended early (static), or NULL */
};

/* Of a field's value. */
struct mailboxes mailboxes_of(struct span value);
/*
 * The next one; a group (3.4) counts as its members, behind its name. False at the
 * end, and where `unclear` says why it is read no further. Addresses are not
 * checked, but that no blank, comment or route (4.4) is in them.
 */
bool mailboxes_next(struct mailboxes *m, struct mailbox *out);

#endif
