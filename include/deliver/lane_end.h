/*
 * lane_end: why a lane ended, as fields: what the next message is told that waits
 * for its site.
 */
#ifndef DELIVER_LANE_END_H
#define DELIVER_LANE_END_H

#include <stdbool.h>

#include "deliver/attempt.h"
#include "mail/words.h"

struct lane_end {
	bool failed; /* the site's fault: it counts against it */
	bool untouched; /* the attempt may go to another lane, nothing was
			   said about it (a connection that died idle) */
	bool login_failed; /* the operator's to mend */
	char status[WORDS_STATUS_MAX]; /* RFC 3463 */
	char host[ATTEMPT_HOST_MAX]; /* which one; may be empty */
	char what[320]; /* in our words */
	char *said; /* owned; the host's lines, or NULL */
};

void lane_end_clear(struct lane_end *end);
/* Its flags and `said` are for the caller to set. */
void lane_end_set(struct lane_end *end, const char *host, const char *status,
    const char *what);
/*
 * The address of `end` failed and the next one is tried: takes its words to
 * `kept`, if they say more than what is there. An address that did not answer at
 * all says least.
 */
void lane_end_keep(struct lane_end *kept, struct lane_end *end);
/* `end` is the last address': it gets the words in `kept` if they say more. */
void lane_end_settle(struct lane_end *end, struct lane_end *kept);
/* Its spans point into `end`. */
struct words lane_end_words(const struct lane_end *end);

#endif
