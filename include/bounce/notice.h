/*
 * notice: a short message of the relay's own to somebody whom it has to tell
 * something: an account's user, the operator. It comes in by the door that all
 * messages take, from the null sender, and belongs to no account, so that no budget
 * is asked. It expects no answer and says so (RFC 3834).
 */
#ifndef BOUNCE_NOTICE_H
#define BOUNCE_NOTICE_H

#include <stdint.h>

#include "base/span.h"
#include "bounce/report.h"

struct loop;
struct spool;

struct notice {
	struct spool *spool; /* borrowed */
	struct loop *loop; /* borrowed; the callback comes there */
	const char *hostname;
	struct span to; /* an address as it leaves */
	struct span subject; /* one line, as the next: UTF-8 */
	struct span text; /* lines end in LF */
	int64_t now; /* wall ms */
	uint64_t random;
};

/* Everything is copied. The callback is as report_start()'s. */
void notice_start(const struct notice *notice, report_cb cb, void *arg);

#endif
