/*
 * metrics: counters that any thread may raise and any may read. A counter only
 * grows; a gauge goes both ways; a family is one counter (or gauge) for each of a
 * few labels; a histogram counts times. Tables in metrics.c give the names, so
 * that all who show them show the same.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include "base/span.h"

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
	METRIC_LOG_BEHIND, /* gauge: 1, while lines are dropped */
	METRIC_USERS_BROKEN, /* gauge: 1, while auth.users cannot be read */
	METRIC_DNS_UNANSWERED, /* gauge: questions in a row without an answer */
	METRIC_SIGNED, /* messages */
	METRIC_CONVERTED, /* for a host that takes less */
	METRIC_NOT_SIGNED, /* by a fault of ours */
	METRIC_DKIM_KEYS, /* gauge: active ones */
	METRIC_RELOAD_TIME, /* gauge: of the last good one, s since 1970 */
	METRIC_RELOAD_FAILED, /* gauge: 1, when the last one was refused */
	METRIC_STATE_BROKEN, /* gauge: 1, while state cannot be kept */
	METRIC_BUDGET_REFUSED, /* MAIL and RCPT */
	METRIC_BUDGET_HELD, /* messages */
	METRIC_BUDGET_WARNINGS,
	METRIC_BRAKED, /* accounts, since the start */
	METRIC_DOMAINS_HELD, /* domains of From, since the start */
	METRIC_COUNT
};

struct metric_info {
	const char *name; /* postern_..., without a unit's ending */
	const char *help;
	int is_gauge;
};

const struct metric_info *metric_info(enum metric m);
void metric_add(enum metric m, int64_t n);
void metric_set(enum metric gauge, int64_t n);
int64_t metric_get(enum metric m);

/* --- families --- */

enum family {
	FAMILY_LOGINS, /* FAMILY_LOGIN_RESULTS for each mechanism */
	FAMILY_ATTEMPTS, /* enum attempt_result: recipients */
	FAMILY_REFUSALS, /* replies to clients, by their code */
	FAMILY_LEGS, /* gauge: enum leg_state */
	FAMILY_SENDING, /* gauge: enum sending_verdict: domains of From */
	FAMILY_COUNT
};
enum login_result { LOGIN_OK, LOGIN_BAD, LOGIN_BROKEN, LOGIN_RESULTS };
enum attempt_result {
	ATTEMPT_DELIVERED,
	ATTEMPT_DEFERRED,
	ATTEMPT_FAILED,
	ATTEMPT_EXPIRED,
};
enum { FAMILY_LABELS_MAX = 24 };

struct family_info {
	const char *name, *help;
	int is_gauge;
	const char *const *labels; /* as Prometheus writes them, `nlabels` */
	unsigned nlabels;
};

const struct family_info *family_info(enum family f);
void family_add(enum family f, unsigned label, int64_t n);
int64_t family_get(enum family f, unsigned label);
/* The label of that text (all of it stands in it); the last one: none. */
unsigned family_label(enum family f, struct span text);

/* --- what filters did, by their names --- */

enum filter_did {
	FILTER_PASSED,
	FILTER_CHANGED,
	FILTER_HELD,
	FILTER_REFUSED,
	FILTER_DISCARDED,
	FILTER_AWAY, /* it could not be asked */
	FILTER_DIDS
};
/* The configuration gives the names; those beyond so many are "other". */
enum { FILTERS_COUNTED = 64, FILTER_NAME_MAX = 32 };

/* "passed", and so on. */
const char *filter_did_name(enum filter_did did);
/* A message more; a name that is too long is cut. */
void filter_count(struct span name, enum filter_did did);
/* The i-th name that was counted, from 0 on; NULL: there are no more. */
const char *filter_counted(unsigned i, uint64_t out[FILTER_DIDS]);

/* --- histograms --- */

enum histogram {
	HISTOGRAM_LOGIN, /* from AUTH to its answer */
	HISTOGRAM_ACCEPT, /* from the end of content to its answer */
	HISTOGRAM_SYNC, /* a group of the journal on stable storage */
	HISTOGRAM_DELIVER, /* from arrival to the next host's answer */
	HISTOGRAM_COUNT
};
enum { HISTOGRAM_BUCKETS = 20 };

struct histogram_info {
	const char *name, *help; /* the name without "_seconds" */
};

struct histogram_values {
	uint64_t below[HISTOGRAM_BUCKETS]; /* with all that is less */
	uint64_t count, sum_us;
};

const struct histogram_info *histogram_info(enum histogram h);
/* The upper ends, microseconds. */
const uint64_t *histogram_bounds(void);
void histogram_add(enum histogram h, uint64_t us);
void histogram_get(enum histogram h, struct histogram_values *out);

#endif
