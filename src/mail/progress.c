#include "mail/progress.h"

const char *
rcpt_state_name(enum rcpt_state s)
{
	static const char *const names[RCPT_STATE_COUNT] = {
		[RCPT_QUEUED] = "queued",
		[RCPT_DELIVERED] = "delivered",
		[RCPT_RELAYED] = "relayed",
		[RCPT_FAILED] = "failed",
		[RCPT_EXPIRED] = "expired",
		[RCPT_REPORTED] = "reported",
		[RCPT_REMOVED] = "removed",
	};

	return s < RCPT_STATE_COUNT ? names[s] : "unknown";
}
