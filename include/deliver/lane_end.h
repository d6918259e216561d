/*
 * lane_end: why a lane ended, as fields: whom to blame, and what the next message
 * is told that waits for its site.
 */
#ifndef DELIVER_LANE_END_H
#define DELIVER_LANE_END_H

#include <stdbool.h>

struct reason;

enum blame {
	/*
	 * Nobody's fault: idle for long, closed by a host that had taken
	 * messages, no descriptor, withdrawn, the relay stops.
	 */
	BLAME_NONE,
	BLAME_HOST, /* refused, silent, greeting, EHLO, 421 before a message */
	BLAME_CHANNEL, /* TLS or a login that the rule demands was not to be had */
	BLAME_MESSAGE, /* died, or answered 421, from MAIL on */
};

struct lane_end {
	enum blame blame;
	bool login_failed; /* the operator's to mend */
	bool withdrawn; /* as was asked for: lane_io_withdraw() */
	bool no_descriptor; /* the system gave none */
	struct reason *reason; /* owned reference; NULL: there is none */
};

void lane_end_clear(struct lane_end *end);
/*
 * The address of `end` failed and the next one is tried: takes its words to
 * `kept`, if they say more than what is there. An address that did not answer at
 * all says least.
 */
void lane_end_keep(struct lane_end *kept, struct lane_end *end);
/* `end` is the last address': it gets what is in `kept` if that says more. */
void lane_end_settle(struct lane_end *end, struct lane_end *kept);

#endif
