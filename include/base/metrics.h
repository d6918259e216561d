/*
 * metrics: counters that any thread may raise and any may read. A counter only
 * grows; a gauge goes both ways. One table in metrics.c gives the names, so
 * that all who show them show the same.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

enum metric {
	METRIC_SESSIONS, /* gauge: receiving sessions now */
	METRIC_CONNECTIONS, /* accepted since start */
	METRIC_LOGINS,
	METRIC_LOGIN_FAILURES,
	METRIC_ACCEPTED, /* messages answered with 250 */
	METRIC_ACCEPTED_BYTES,
	METRIC_REFUSED, /* messages answered with 4xx or 5xx */
	METRIC_DELIVERED, /* recipients */
	METRIC_DEFERRED,
	METRIC_FAILED,
	METRIC_BOUNCES,
	METRIC_LANES, /* gauge: outgoing connections now */
	METRIC_LANES_OPENED,
	METRIC_COMMITS, /* groups the journal wrote */
	METRIC_COMMIT_RECORDS,
	METRIC_CONTENT_HELD, /* gauge: bytes of content in memory */
	METRIC_LOG_DROPPED, /* lines: the log was not read */
	METRIC_COUNT
};

struct metric_info {
	const char *name; /* postern_..., without a unit's ending */
	const char *help;
	int is_gauge;
};

const struct metric_info *metric_info(enum metric m);
void metric_add(enum metric m, int64_t n);
int64_t metric_get(enum metric m);

#endif
