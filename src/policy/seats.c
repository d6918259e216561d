#include "policy/seats.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"

enum { TELL_MS = 60000 };

/* A host that has seats, or had a login lately. */
struct host {
	struct list node; /* in `absent`, or alone */
	uint64_t number;
	uint32_t sessions, strangers, refused;
	uint64_t good_at; /* the last login; 0: none */
	uint64_t told_at; /* of its refusals */
};

struct seat {
	struct host *host; /* borrowed: lives while it has seats */
	bool is_stranger, is_refused;
};

struct seats {
	struct map hosts; /* owned; by number */
	struct list absent; /* without a seat, the longest away first */
	uint32_t nabsent;
	uint32_t sessions, refusals;
};

struct seats *
seats_new(const uint64_t seed[2])
{
	struct seats *s = MEM_NEW(struct seats);

	map_init(&s->hosts, seed);
	list_init(&s->absent);
	return s;
}

static void
host_drop(struct seats *s, struct host *h)
{
	if (h->node.next != &h->node)
		s->nabsent--;
	list_remove(&h->node);
	(void)map_remove_u64(&s->hosts, h->number);
	free(h);
}

void
seats_free(struct seats *s)
{
	if (s == NULL)
		return;
	assert(s->sessions == 0 && s->refusals == 0);
	while (!list_is_empty(&s->absent))
		host_drop(s, LIST_ENTRY(s->absent.next, struct host, node));
	map_clear(&s->hosts);
	free(s);
}

static bool
is_guest(const struct host *h, uint64_t now)
{
	return h->good_at != 0 &&
	       (now <= h->good_at || now - h->good_at < SEATS_GUEST_MS);
}

static struct host *
host_get(struct seats *s, uint64_t number)
{
	struct host *h = map_get_u64(&s->hosts, number);

	if (h != NULL) {
		if (h->node.next != &h->node)
			s->nabsent--;
		list_remove(&h->node);
		return h;
	}
	h = MEM_NEW(struct host);
	h->number = number;
	list_init(&h->node);
	(void)map_put_u64(&s->hosts, number, h);
	return h;
}

/* It is remembered for as long as it is a guest, or has been told something. */
static void
host_settle(struct seats *s, struct host *h, uint64_t now)
{
	struct host *oldest;

	if (h->sessions > 0)
		return;
	if (!is_guest(h, now) && h->refused == 0) {
		host_drop(s, h);
		return;
	}
	list_append(&s->absent, &h->node);
	s->nabsent++;
	oldest = LIST_ENTRY(s->absent.next, struct host, node);
	if (s->nabsent > SEATS_GUESTS_MOST ||
	    (oldest != h && !is_guest(oldest, now) &&
		now - oldest->told_at > TELL_MS))
		host_drop(s, oldest);
}

bool
seats_are_scarce(const struct seats *s, const struct conf_limits *limits)
{
	return s->sessions > limits->sessions / 2;
}

static const char *
refusal(const struct seats *s, const struct conf_limits *limits,
    const struct host *h, uint64_t now)
{
	uint32_t kept = limits->sessions / SEATS_KEPT_PART;
	uint32_t strangers = limits->strangers_per_address;

	if (s->sessions >= limits->sessions)
		return "limits.sessions";
	if (h->sessions >= limits->sessions_per_address)
		return "limits.sessions-per-address";
	if (is_guest(h, now))
		return NULL;
	if (s->sessions >= limits->sessions - kept)
		return "limits.sessions";
	if (seats_are_scarce(s, limits))
		strangers = (strangers - 1) / SEATS_SCARCE_PART + 1;
	return h->strangers >= strangers ? "limits.strangers-per-address"
					 : NULL;
}

struct seat *
seats_take(struct seats *s, const struct conf_limits *limits, uint64_t host,
    uint64_t now, const char **why)
{
	struct host *h = host_get(s, host);
	struct seat *seat;

	*why = refusal(s, limits, h, now);
	if (*why != NULL) {
		h->refused++;
		if (s->refusals >= SEATS_REFUSALS_MOST) {
			host_settle(s, h, now);
			return NULL;
		}
		s->refusals++;
	} else {
		s->sessions++;
		h->strangers++;
	}
	h->sessions++;
	seat = MEM_NEW(struct seat);
	seat->host = h;
	seat->is_refused = *why != NULL;
	seat->is_stranger = *why == NULL;
	return seat;
}

void
seats_log_in(struct seats *s, struct seat *seat, uint64_t now)
{
	(void)s;
	seat->host->good_at = now == 0 ? 1 : now;
	if (seat->is_stranger)
		seat->host->strangers--;
	seat->is_stranger = false;
}

void
seats_leave(struct seats *s, struct seat *seat, uint64_t now)
{
	struct host *h = seat->host;

	if (seat->is_refused)
		s->refusals--;
	else
		s->sessions--;
	if (seat->is_stranger)
		h->strangers--;
	h->sessions--;
	free(seat);
	host_settle(s, h, now);
}

uint32_t
seats_taken(const struct seats *s)
{
	return s->sessions + s->refusals;
}

uint32_t
seats_refusals(struct seats *s, uint64_t host, uint64_t now)
{
	struct host *h = map_get_u64(&s->hosts, host);
	uint32_t n;

	if (h == NULL || (h->told_at != 0 && now - h->told_at < TELL_MS))
		return 0;
	n = h->refused;
	h->refused = 0;
	h->told_at = now == 0 ? 1 : now;
	return n;
}
