#include "base/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

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
	[METRIC_LOG_BEHIND] = { "log_behind", "1: lines are dropped", 1 },
	[METRIC_USERS_BROKEN] = { "users_broken",
	    "1: auth.users cannot be read", 1 },
	[METRIC_DNS_UNANSWERED] = { "dns_unanswered",
	    "questions in a row that no name server answered", 1 },
	[METRIC_SIGNED] = { "signed", "DKIM signatures made for messages", 0 },
	[METRIC_CONVERTED] = { "converted",
	    "messages that were encoded anew for a host that lacks 8BITMIME "
	    "or BINARYMIME",
	    0 },
	[METRIC_NOT_SIGNED] = { "not_signed",
	    "messages that left unsigned by a fault of ours", 0 },
	[METRIC_DKIM_KEYS] = { "dkim_keys_active", "keys that sign", 1 },
	[METRIC_RELOAD_TIME] = { "reload_time_seconds",
	    "when the configuration was read, since 1970", 1 },
	[METRIC_RELOAD_FAILED] = { "reload_failed",
	    "1: the last reload was refused", 1 },
	[METRIC_STATE_BROKEN] = { "state_broken",
	    "1: state.directory cannot be read or written", 1 },
	[METRIC_BUDGET_REFUSED] = { "budget_refused",
	    "MAIL and RCPT that a budget had no room for", 0 },
	[METRIC_BUDGET_HELD] = { "budget_held",
	    "messages held because a budget had no room", 0 },
	[METRIC_BUDGET_WARNINGS] = { "budget_warnings",
	    "budgets of which four fifths were used", 0 },
	[METRIC_BRAKED] = { "braked",
	    "accounts that departed from their habit, and are held", 0 },
	[METRIC_DOMAINS_HELD] = { "sending_domains_held",
	    "domains of From that a host did not believe, and that are held",
	    0 },
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

void
metric_set(enum metric gauge, int64_t n)
{
	atomic_store_explicit(&values[gauge], n, memory_order_relaxed);
}

int64_t
metric_get(enum metric m)
{
	return atomic_load_explicit(&values[m], memory_order_relaxed);
}

/* --- families --- */

#define RESULTS(mechanism)                                                     \
	"mechanism=\"" mechanism "\",result=\"ok\"",                           \
	    "mechanism=\"" mechanism "\",result=\"bad\"",                      \
	    "mechanism=\"" mechanism "\",result=\"error\""

static const char *const logins[] = { RESULTS("PLAIN"), RESULTS("LOGIN"),
	RESULTS("SCRAM-SHA-256"), RESULTS("SCRAM-SHA-256-PLUS"),
	RESULTS("other") };
static const char *const attempts[] = { "result=\"delivered\"",
	"result=\"deferred\"", "result=\"failed\"", "result=\"expired\"" };
static const char *const refusals[] = { "code=\"421\"", "code=\"451\"",
	"code=\"452\"", "code=\"454\"", "code=\"500\"", "code=\"501\"",
	"code=\"502\"", "code=\"503\"", "code=\"504\"", "code=\"530\"",
	"code=\"534\"", "code=\"535\"", "code=\"538\"", "code=\"550\"",
	"code=\"552\"", "code=\"553\"", "code=\"554\"", "code=\"555\"",
	"code=\"other\"" };
static const char *const legs[] = { "state=\"waiting\"", "state=\"held\"",
	"state=\"routing\"", "state=\"line\"", "state=\"lane\"",
	"state=\"leaving\"", "state=\"over\"" };

static const char *const sending[] = { "verdict=\"unknown\"",
	"verdict=\"good\"", "verdict=\"incomplete\"", "verdict=\"refused\"" };

static const struct family_info families[FAMILY_COUNT] = {
	[FAMILY_LOGINS] = { "login_attempts", "logins that were tried", 0,
	    logins, ARRAY_LEN(logins) },
	[FAMILY_ATTEMPTS] = { "attempts",
	    "what became of recipients, each time", 0, attempts,
	    ARRAY_LEN(attempts) },
	[FAMILY_REFUSALS] = { "refusals", "replies to clients that say no", 0,
	    refusals, ARRAY_LEN(refusals) },
	[FAMILY_LEGS] = { "queue_legs",
	    "recipients' domains of messages, by what they wait for", 1, legs,
	    ARRAY_LEN(legs) },
	[FAMILY_SENDING] = { "sending_domains",
	    "domains of From, by what receivers make of them", 1, sending,
	    ARRAY_LEN(sending) },
};

static _Atomic int64_t family_values[FAMILY_COUNT][FAMILY_LABELS_MAX];

const struct family_info *
family_info(enum family f)
{
	return &families[f];
}

void
family_add(enum family f, unsigned label, int64_t n)
{
	atomic_fetch_add_explicit(
	    &family_values[f][label], n, memory_order_relaxed);
}

int64_t
family_get(enum family f, unsigned label)
{
	return atomic_load_explicit(
	    &family_values[f][label], memory_order_relaxed);
}

/* Between the first two quotes. */
static struct span
value_of(const char *label)
{
	struct span all = span_text(label);

	(void)span_cut(&all, '"');
	return span_cut(&all, '"');
}

unsigned
family_label(enum family f, struct span text)
{
	unsigned n = families[f].nlabels;

	for (unsigned i = 0; i < n; i++)
		if (span_equal(value_of(families[f].labels[i]), text))
			return i;
	return n - 1;
}

/* --- what filters did --- */

/* A slot is free, then being named by one thread, then named for good. */
enum { SLOT_FREE, SLOT_TAKEN, SLOT_NAMED };

static struct {
	atomic_int state;
	char name[FILTER_NAME_MAX + 1];
	_Atomic uint64_t dids[FILTER_DIDS];
} filters[FILTERS_COUNTED];

const char *
filter_did_name(enum filter_did did)
{
	static const char *const names[FILTER_DIDS] = { "passed", "changed",
		"held", "refused", "discarded", "away" };

	return names[did];
}

/* Whether the slot is that name's, or is now. */
static bool
claim(unsigned i, struct span name)
{
	int free = SLOT_FREE;

	if (atomic_compare_exchange_strong(
		&filters[i].state, &free, SLOT_TAKEN)) {
		memcpy(filters[i].name, name.ptr, name.len);
		atomic_store(&filters[i].state, SLOT_NAMED);
		return true;
	}
	while (atomic_load(&filters[i].state) != SLOT_NAMED)
		continue; /* for as long as a name is copied */
	return span_equal(span_text(filters[i].name), name);
}

void
filter_count(struct span name, enum filter_did did)
{
	unsigned i = 0;

	name = span_to(name, FILTER_NAME_MAX);
	while (i < FILTERS_COUNTED - 1 && !claim(i, name))
		i++;
	if (i == FILTERS_COUNTED - 1)
		(void)claim(i, SPAN("other"));
	atomic_fetch_add_explicit(
	    &filters[i].dids[did], 1, memory_order_relaxed);
}

const char *
filter_counted(unsigned i, uint64_t out[FILTER_DIDS])
{
	if (i >= FILTERS_COUNTED ||
	    atomic_load(&filters[i].state) != SLOT_NAMED)
		return NULL;
	for (int k = 0; k < FILTER_DIDS; k++)
		out[k] = atomic_load_explicit(
		    &filters[i].dids[k], memory_order_relaxed);
	return filters[i].name;
}

/* --- histograms --- */

static const struct histogram_info histograms[HISTOGRAM_COUNT] = {
	[HISTOGRAM_LOGIN] = { "login", "from AUTH to its answer" },
	[HISTOGRAM_ACCEPT] = { "accept",
	    "from the end of content to its answer" },
	[HISTOGRAM_SYNC] = { "sync",
	    "a group of the journal, until it is on disk" },
	[HISTOGRAM_DELIVER] = { "deliver",
	    "from a message's arrival to the next host's 250" },
};

/* From 0.1 ms to a day. */
static const uint64_t bounds[HISTOGRAM_BUCKETS] = { 100, 250, 500, 1000, 2500,
	5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
	10000000, 60000000, 300000000, 3600000000, 21600000000, 86400000000 };

static struct {
	_Atomic uint64_t in[HISTOGRAM_BUCKETS + 1]; /* the last: beyond */
	_Atomic uint64_t sum_us;
} histogram_counts[HISTOGRAM_COUNT];

const struct histogram_info *
histogram_info(enum histogram h)
{
	return &histograms[h];
}

const uint64_t *
histogram_bounds(void)
{
	return bounds;
}

void
histogram_add(enum histogram h, uint64_t us)
{
	unsigned i = 0;

	while (i < HISTOGRAM_BUCKETS && us > bounds[i])
		i++;
	atomic_fetch_add_explicit(
	    &histogram_counts[h].in[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &histogram_counts[h].sum_us, us, memory_order_relaxed);
}

void
histogram_get(enum histogram h, struct histogram_values *out)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		count += atomic_load_explicit(
		    &histogram_counts[h].in[i], memory_order_relaxed);
		if (i < HISTOGRAM_BUCKETS)
			out->below[i] = count;
	}
	out->count = count;
	out->sum_us = atomic_load_explicit(
	    &histogram_counts[h].sum_us, memory_order_relaxed);
}
