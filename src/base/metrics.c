#include "base/metrics.h"

#include <stdatomic.h>

static const struct metric_info infos[METRIC_COUNT] = {
	[METRIC_SESSIONS] = { "sessions", "receiving sessions now", 1 },
	[METRIC_CONNECTIONS] = { "connections", "connections accepted", 0 },
	[METRIC_LOGINS] = { "logins", "successful logins", 0 },
	[METRIC_LOGIN_FAILURES] = { "login_failures", "failed logins", 0 },
	[METRIC_ACCEPTED] = { "accepted", "messages accepted", 0 },
	[METRIC_ACCEPTED_BYTES] = { "accepted_bytes",
	    "bytes of content accepted", 0 },
	[METRIC_REFUSED] = { "refused", "messages refused after DATA", 0 },
	[METRIC_DELIVERED] = { "delivered", "recipients delivered", 0 },
	[METRIC_DEFERRED] = { "deferred", "attempts put off", 0 },
	[METRIC_FAILED] = { "failed", "recipients failed", 0 },
	[METRIC_BOUNCES] = { "bounces", "reports sent to senders", 0 },
	[METRIC_LANES] = { "lanes", "outgoing connections now", 1 },
	[METRIC_LANES_OPENED] = { "lanes_opened", "outgoing connections opened",
	    0 },
	[METRIC_COMMITS] = { "commits", "groups written to the journal", 0 },
	[METRIC_COMMIT_RECORDS] = { "commit_records",
	    "records written to the journal", 0 },
	[METRIC_CONTENT_HELD] = { "content_held_bytes",
	    "bytes of content in memory", 1 },
	[METRIC_LOG_DROPPED] = { "log_dropped",
	    "lines that the log did not take", 0 },
};

static _Atomic int64_t values[METRIC_COUNT];

const struct metric_info *
metric_info(enum metric m)
{
	return &infos[m];
}

void
metric_add(enum metric m, int64_t n)
{
	atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed);
}

int64_t
metric_get(enum metric m)
{
	return atomic_load_explicit(&values[m], memory_order_relaxed);
}
