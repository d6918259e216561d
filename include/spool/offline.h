/*
 * offline: a spool read without a daemon, and without changing a byte of it:
 * every segment, every record, every checksum. What is damaged is told through
 * the log (log_error), as at a start.
 */
#ifndef SPOOL_OFFLINE_H
#define SPOOL_OFFLINE_H

#include <stdint.h>

#include "base/err.h"
#include "mail/progress.h"

struct content;
struct envelope;

struct spool_summary {
	uint64_t segments, segment_bytes;
	uint64_t messages, recipients, content_bytes; /* waiting ones */
	uint64_t damaged; /* messages and ranges that could not be read */
};

/*
 * Called for each waiting message that is whole, in the order in which they
 * lie. All is borrowed for the call. Anything but 0 ends the reading.
 */
typedef int (*spool_visit_cb)(const struct envelope *env,
    const struct progress *rcpts, uint32_t message_flags,
    const struct content *content, void *arg);

/*
 * 0, also when something is damaged (see the summary); negative and `err` when
 * the spool cannot be read at all, is in use, or is of a newer version.
 */
int spool_inspect(const char *directory, spool_visit_cb visit, void *arg,
    struct spool_summary *out, struct err *err);

#endif
