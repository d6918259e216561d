/*
 * fields: which fields of a header a signature covers (RFC 6376 5.4), in one table,
 * and their canonical form. Those that mail clients show are named once more often
 * than they are there, so that none can be added on the way. Pure.
 */
#ifndef SIGN_FIELDS_H
#define SIGN_FIELDS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

/* More fields than that are nobody's mail. */
enum { FIELDS_MAX = 1000 };

struct fields {
	struct buf names; /* owned: h=, without folds */
	struct buf canonical; /* owned: what is hashed, with line ends */
	struct span from; /* the value of the first From; in the header */
};

/*
 * Reads a header section, up to its blank line. False: it has no From, or too many
 * fields to be covered.
 */
bool fields_read(struct span header, struct fields *out);
void fields_clear(struct fields *f);

#endif
