/*
 * report: a message to the sender about a message (RFC 3464): what failed, or
 * what is late. It reads the original's header from the spool, writes the
 * report and stores it there, as a message of its own from the null sender.
 */
#ifndef BOUNCE_REPORT_H
#define BOUNCE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "mail/dsn.h"

struct envelope;
struct loop;
struct spool;

struct report_request {
	struct spool *spool; /* borrowed */
	struct loop *loop; /* borrowed; the callback comes there */
	const struct envelope *original; /* borrowed for the call */
	const char *hostname;
	enum dsn_action action;
	int64_t now; /* wall ms */
	uint32_t retry_for; /* s; DSN_DELAYED */
	uint64_t random;
	/* Everything is copied. */
	const struct dsn_rcpt *rcpts;
	size_t nrcpts;
};

/*
 * `env` is the stored report's, the callee's from then on; NULL when it could
 * not be stored (ask again later). `message_id` is what its header has, for the
 * call.
 */
typedef void (*report_cb)(
    struct envelope *env, const char *message_id, void *arg);

void
report_start(const struct report_request *request, report_cb cb, void *arg);

#endif
