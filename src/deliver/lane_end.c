#include "deliver/lane_end.h"

#include "mail/reason.h"

void
lane_end_clear(struct lane_end *end)
{
	reason_unref(end->reason);
	*end = (struct lane_end){ 0 };
}

/* That a host did not answer at all, or nothing. */
static bool
says_little(const struct lane_end *end)
{
	return end->reason == NULL ||
	       reason_words(end->reason).stage == STAGE_CONNECT;
}

void
lane_end_keep(struct lane_end *kept, struct lane_end *end)
{
	if (kept->reason != NULL && says_little(end)) {
		lane_end_clear(end);
		return;
	}
	lane_end_clear(kept);
	*kept = *end;
	*end = (struct lane_end){ 0 };
}

void
lane_end_settle(struct lane_end *end, struct lane_end *kept)
{
	if (end->blame != BLAME_NONE && says_little(end) &&
	    !says_little(kept)) {
		lane_end_clear(end);
		*end = *kept;
		*kept = (struct lane_end){ 0 };
	}
	lane_end_clear(kept);
}
