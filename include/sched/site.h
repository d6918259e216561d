/*
 * site: what shares limits: a set of MX hosts, or one configured relay. Holds
 * the jobs that wait for it, one line an account, served in turns, so that
 * nobody's bulk run delays another's one-time code. Knows how many connections
 * (lanes) it may have and since when it is closed; opens none itself. Pure.
 *
 * A site begins with few lanes and earns more by success. A failed connection
 * takes some away; when the last lane is gone the site closes, longer each
 * time.
 */
#ifndef SCHED_SITE_H
#define SCHED_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "mail/words.h"
#include "sched/backoff.h"

struct queued;

/* A message's recipients at one site: one transaction. */
struct job {
	struct list node; /* in its account's line */
	struct queued *message; /* borrowed: kept while it has jobs */
	struct site *site; /* borrowed: kept while it has jobs */
	uint32_t era; /* the relay's: of which configuration its way is */
	bool was_returned; /* by a lane that had died idle */
	uint32_t nrcpt;
	uint32_t rcpts[]; /* indices into the envelope */
};

enum {
	SITE_LANES_FIRST = 2,
	SITE_WHY_MAX = 640,
	SITE_CLOSED_MAX_S = 900,
	SITE_LOGIN_TOLD_MS = 3600000
};

struct site {
	char *key; /* owned; what makes it this site */
	char *name; /* owned; for people */
	struct list turns; /* accounts that have jobs, next one first */
	struct map accounts;
	uint32_t waiting; /* jobs in line */
	uint32_t lanes; /* connections that are open or opening */
	uint32_t idle; /* of these: ready and without a job */
	uint32_t lanes_max;
	uint32_t credit; /* successes toward one lane more */
	uint32_t failures; /* in a row, of connections */
	uint64_t closed_until; /* monotonic ms; 0: open */
	char why[SITE_WHY_MAX]; /* of the last failure, on one line */
	char *detail; /* owned; the same as a row's (words.h); NULL: none */
	uint64_t login_told; /* when an error line spoke of a login; 0: never */
	void *target; /* the relay's: where lanes connect */
	uint64_t last_used;
};

struct site *site_new(const char *key, const char *name);
/* No job may wait and no lane be open. */
void site_free(struct site *s);

void site_push(struct site *s, struct job *job);
/* Back to the front: it was not tried. */
void site_push_first(struct site *s, struct job *job);
/* The next job by turns; NULL when none waits. */
struct job *site_pop(struct site *s);

bool site_is_closed(const struct site *s, uint64_t now);
/* Whether a further lane should be opened now. */
bool site_wants_lane(const struct site *s, uint64_t now);
/*
 * A message went through. As many of them as there may be lanes earn one more,
 * up to `most`.
 */
void site_succeeded(struct site *s, uint32_t most);
/*
 * A connection could not be made, or was refused with 421. Call after the lane
 * was taken off. Closes the site when no lane is left.
 */
void site_failed(struct site *s, const struct words *why,
    const struct backoff *b, uint64_t now, uint32_t random);
/*
 * Whether a login that failed is worth an error line: once an hour. Not more
 * often when it worked in between, for somebody has to act all the same.
 */
bool site_tells_login(struct site *s, uint64_t now);
/* Whether there is something left to remember for a while. */
bool site_remembers(const struct site *s, uint64_t now);

#endif
