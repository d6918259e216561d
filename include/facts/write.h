/*
 * write: a fact as one line, for people (`event key=value key="value with blanks"`)
 * or as a JSON object (RFC 8259). Whatever bytes a peer has said, a line stays one
 * line, a value is one value, JSON is valid, and its numbers are numbers (of the
 * unit that the text shows: "delay=3ms" is "delay":3). Pure.
 */
#ifndef FACTS_WRITE_H
#define FACTS_WRITE_H

#include "base/buf.h"

struct fact;

/* Appends it, without a line's end. */
void fact_write_text(const struct fact *fact, struct buf *out);
/* The same; `stamp` is the time, as text of ours. */
void
fact_write_json(const struct fact *fact, const char *stamp, struct buf *out);

#endif
