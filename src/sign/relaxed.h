/*
 * relaxed: the relaxed canonical forms (RFC 6376 3.4.2 and 3.4.4): what a
 * signature covers, so that blanks and folding may change on the way. Pure.
 */
#ifndef SIGN_RELAXED_H
#define SIGN_RELAXED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/* Where the next bytes of the canonical body go. */
typedef void (*relaxed_sink)(struct span bytes, void *arg);

/* `{ .sink, .arg }` is the start. */
struct relaxed_body {
	relaxed_sink sink;
	void *arg;
	uint64_t lines; /* line ends that wait: blank lines at the end go */
	bool has_blank; /* blanks that wait: those at a line's end go */
	bool has_cr; /* the last byte, which may begin a line's end */
	bool has_text; /* the body is not empty */
};

void relaxed_body_add(struct relaxed_body *b, struct span bytes);
void relaxed_body_end(struct relaxed_body *b);

/*
 * Appends a field of a header: `raw` is all of it, with its folds; its last line
 * end may be missing. What is written has no line end.
 */
void relaxed_field(struct span raw, struct buf *out);

#endif
