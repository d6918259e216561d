/*
 * describe: a waiting message, in JSON: what it is, and why it waits. As much of
 * it as a page has room for: a page must cost its asker no more than a few
 * milliseconds, however many recipients a message has.
 */
#ifndef DESK_DESCRIBE_H
#define DESK_DESCRIBE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct message;
struct reason;

/* An answer in the making. */
struct page {
	uint64_t now; /* the loop's time, ms */
	int64_t wall; /* the clock's, ms */
	size_t room; /* bytes that it may still grow by, about */
	bool is_brief; /* of the recipients the first only */
	/*
	 * Of the one message that it is about, words for each recipient, used
	 * where those in memory were cut; NULL: none. Borrowed.
	 */
	struct reason *const *whole;
};

/*
 * A new object. "rcpts" is how many recipients the message has; described are
 * those from *at on, one at least, while the page has room, and *at becomes the
 * next one ("rcpts": it was the last). With the first of them comes what is true
 * of all: "held", and "held_by" whom ("operator", "budget", "stop"), how many do what
 * ("counts"), the reason of the one that was put off most often, and the earliest
 * next time. Times are RFC 3339.
 */
json_t *describe_message(struct page *p, const struct message *m, uint32_t *at);
/* A peer's text may be any bytes; JSON is UTF-8: others become question marks. */
json_t *describe_text(struct span text);
json_t *describe_time(int64_t wall_ms);

#endif
