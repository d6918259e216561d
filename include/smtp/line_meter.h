/*
 * line_meter: whether each line of a stream is short enough, without a look at every
 * octet of it. Pure.
 */
#ifndef SMTP_LINE_METER_H
#define SMTP_LINE_METER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/* `{0}` is the beginning of a stream. */
struct line_meter {
	size_t open; /* octets of the line that has not ended */
};

/* `more` follows; false: a line has more than `most` octets before its CRLF. */
bool line_meter_take(struct line_meter *m, struct span more, size_t most);

#endif
