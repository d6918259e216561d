/*
 * progress: how far a recipient has come, as the spool keeps it and the
 * schedule resumes it. Wall times, because they outlive the process.
 */
#ifndef MAIL_PROGRESS_H
#define MAIL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct reason;

/* Stored as numbers in the spool: append only, never renumber. */
enum rcpt_state {
	RCPT_QUEUED = 0, /* to be tried when due */
	RCPT_DELIVERED = 1, /* the next host answers for it now */
	RCPT_FAILED = 2, /* for good; the sender has not been told yet */
	RCPT_EXPIRED = 3, /* too old; the sender has not been told yet */
	RCPT_REPORTED = 4, /* failed or expired, and the sender was told */
	RCPT_REMOVED = 5, /* by the operator, without a report */
	/*
	 * The next host answers for it, but sends no report of a success; the
	 * sender wants one, and has not been told yet (RFC 3461 5.2.3).
	 */
	RCPT_RELAYED = 6,
	RCPT_STATE_COUNT
};

/* Nothing more will happen to such a recipient. */
static inline bool
rcpt_state_is_final(enum rcpt_state s)
{
	return s == RCPT_DELIVERED || s == RCPT_REPORTED || s == RCPT_REMOVED;
}

const char *rcpt_state_name(enum rcpt_state s);

/* One recipient's news. */
struct progress {
	uint32_t rcpt; /* index into envelope.rcpt */
	enum rcpt_state state;
	bool held; /* by the operator: it is not tried, and does not expire */
	bool is_mistrusted; /* held until its author's domain is mended */
	uint32_t tries; /* attempts made so far */
	uint32_t step; /* of the back-off; an attempt may move none */
	int64_t last; /* of the last attempt, wall ms; 0: none yet */
	int64_t due; /* of the next one, wall ms; 0: at once */
	/*
	 * Seconds that it was held before; while it is held: the time (seconds
	 * since 1970) since when, were it all at once. 0: never, or not known.
	 */
	uint32_t stood;
	/*
	 * Why: the words that were said last; NULL: none yet. Borrowed: who
	 * keeps a row takes a reference.
	 */
	struct reason *reason;
	/* These are the words of the news before, of which `reason` is a part.
	 */
	bool is_reason_as_before;
	struct span other; /* what a newer version knows of it; borrowed */
};

/* Flags of a whole message that outlive the process. */
enum message_flags {
	MESSAGE_HELD = 1, /* the operator holds it */
	MESSAGE_WARNED = 2, /* the delay warning was sent */
	/* Held until there is room in its account's budget. */
	MESSAGE_OVER_BUDGET = 4,
	MESSAGE_STOPPED = 8, /* its account is stopped */
	MESSAGE_FUTURE =
	    16, /* held until its sender wants it to go (RFC 4865) */
	MESSAGE_QUARANTINED = 32, /* a filter holds it for the operator */
	/* Held until filters have seen it that are asked after acceptance. */
	MESSAGE_UNFILTERED = 64,
	/* Each of which alone is enough that none of it is tried. */
	MESSAGE_HOLDS = MESSAGE_HELD | MESSAGE_OVER_BUDGET | MESSAGE_STOPPED |
			MESSAGE_FUTURE | MESSAGE_QUARANTINED |
			MESSAGE_UNFILTERED,
	MESSAGE_FLAGS = MESSAGE_HOLDS | MESSAGE_WARNED, /* all there are */
};

#endif
