/*
 * convert: content as a next host takes it that lacks 8BITMIME (RFC 6152),
 * BINARYMIME (RFC 3030) or SMTPUTF8 (RFC 6531): each part of it in an encoding that the host passes, headers
 * in ASCII, and nothing else changed. In two walks over the same content: the first
 * finds what must be done with each part, the second writes. Pure.
 */
#ifndef MAIL_CONVERT_H
#define MAIL_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "mail/parts.h"

enum convert_to {
	CONVERT_TO_7BIT,
	CONVERT_TO_8BIT, /* what is binary is encoded, the rest stays */
	CONVERT_TO_ASCII_HEADERS, /* the same, and no header has more than ASCII */
};

enum {
	CONVERT_LINE_MAX = 998, /* RFC 5322 2.1.1; longer ones are binary */
	CONVERT_PARTS_MAX = 100000,
};

enum convert_result {
	CONVERT_MORE, /* the next piece */
	CONVERT_NEEDED, /* the first walk is over, and the second has to come */
	CONVERT_NOT_NEEDED, /* the content may leave as it is */
	CONVERT_DONE, /* the second walk is over */
	CONVERT_IMPOSSIBLE, /* `why` */
};

struct convert_part;

/* `{ .to, .lines_max }` is the beginning. Its own but for `to`, `why`. */
struct convert {
	enum convert_to to;
	/* Octets of a line, without its end, beyond which it counts as binary; 0:
	   whatever its length, it stays. */
	uint64_t lines_max;
	char why[200]; /* which part, and why it cannot be */
	bool is_address; /* the same: an address that only SMTPUTF8 can say */

	struct parts parts;
	struct convert_part *found; /* owned: each entity's, in order */
	uint32_t nfound, cap, at;
	bool is_needed;
	struct convert_pass *pass; /* owned: of the walk under way */
};

void convert_clear(struct convert *c);
/* The next piece of content, at most PARTS_ADD_MAX; empty with `is_all`: the end. */
enum convert_result
convert_look(struct convert *c, struct span piece, bool is_all);
/*
 * The same once more from the front, after CONVERT_NEEDED: appends to `out`, which
 * has room for CONVERT_ROOM octets.
 */
enum { CONVERT_ROOM = 16 << 20 };
enum convert_result convert_write(
    struct convert *c, struct span piece, bool is_all, struct buf *out);

#endif
