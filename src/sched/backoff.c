#include "sched/backoff.h"

uint64_t
backoff_delay(const struct backoff *b, unsigned tries, uint32_t random)
{
	size_t at = tries == 0 ? 0 : tries - 1;
	uint64_t ms;

	if (b->count == 0)
		return 60000;
	if (at >= b->count)
		at = b->count - 1;
	ms = (uint64_t)b->waits[at] * 1000;
	return ms - random % (ms / 10 + 1);
}
