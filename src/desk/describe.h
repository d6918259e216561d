/*
 * describe: a waiting message, in JSON: what it is, and why it waits.
 */
#ifndef DESK_DESCRIBE_H
#define DESK_DESCRIBE_H

#include <jansson.h>
#include <stdint.h>

#include "base/span.h"

struct message;

/* A new object. Times are RFC 3339; `now` is the loop's, `wall` the clock's. */
json_t *describe_message(const struct message *m, uint64_t now, int64_t wall);
/* A peer's text may be any bytes; JSON is UTF-8: others become question marks. */
json_t *describe_text(struct span text);
json_t *describe_time(int64_t wall_ms);

#endif
