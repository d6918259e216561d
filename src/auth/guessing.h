/*
 * guessing: what failed logins cost those who make them, and nobody else. A
 * failure counts against the address that it came from, the network around it
 * and the name that was tried, each apart; what is counted halves every ten
 * minutes. Beyond some free ones, a login waits before it is looked at:
 *
 *   address   one after the other, each longer than the one before
 *   network   alike, from a higher mark, but at the same time
 *   name      alike, whether there is such an account or not
 *
 * An address from which an account has logged in before is at home there: it
 * does not wait, as long as it does not guess itself. So nobody is locked out:
 * the owner gets in at once from home, and from elsewhere within seconds. No
 * clock and no lock of its own.
 */
#ifndef AUTH_GUESSING_H
#define AUTH_GUESSING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/peer.h"
#include "base/span.h"

/* Counts by 64-bit keys; the longest untouched goes when there are too many. */
struct tally {
	struct map map; /* of struct count */
	struct list by_use;
	uint32_t most;
};

struct guessing {
	struct tally hosts, networks, names, homes;
	uint64_t seed[2];
};

/* One login, as far as it is known. */
struct guess {
	struct peer peer;
	uint64_t name; /* 0: not known (yet) */
	uint64_t tried; /* name and password; 0: not known */
	uint32_t reserved; /* ms that its turn takes, if it fails */
};

enum {
	GUESSING_NEVER = UINT32_MAX, /* too many wait already */
	GUESSING_WAIT_MOST = 45000, /* ms */
};

/* The same seed makes the same numbers: homes are kept by these. */
void guessing_init(struct guessing *g, const uint64_t seed[2]);
void guessing_clear(struct guessing *g);

/* Numbers for names (in any case) and for what was tried with them. */
uint64_t guessing_name(const struct guessing *g, struct span name);
uint64_t guessing_tried(
    const struct guessing *g, struct span name, struct span password);

/*
 * How long (ms) it has to wait before it is looked at, or GUESSING_NEVER. Takes
 * the address's next turn, so it is asked once for each login.
 */
uint32_t guessing_wait(struct guessing *g, struct guess *who, uint64_t now);
/*
 * What became of it. The same wrong password a second time (clients try another
 * mechanism) is the same mistake; a third time it is not.
 */
void guessing_failed(struct guessing *g, const struct guess *who, uint64_t now);
/* True: that the account is at home there is worth to be kept; once a day. */
bool
guessing_succeeded(struct guessing *g, const struct guess *who, uint64_t now);

/* --- homes, over a restart --- */

#define GUESSING_HOME_MS (INT64_C(30) * 24 * 3600 * 1000)
enum { GUESSING_COUNTS_MOST = 65536 }; /* of each kind: 6 MiB */
/* The number of an account's home; 0: it cannot be one. */
uint64_t guessing_home(const struct guessing *g, const struct guess *who);
/* It logged in there so many ms ago. */
void guessing_restore_home(
    struct guessing *g, uint64_t home, int64_t ago, uint64_t now);

#endif
