/* domains_parts_io: what the files of the table share. */
#ifndef SENDING_DOMAINS_PARTS_IO_H
#define SENDING_DOMAINS_PARTS_IO_H

#include <pthread.h>

#include "base/list.h"
#include "base/map.h"
#include "sched/heap.h"
#include "sending/domains_io.h"
#include "sending/look.h"
#include "state/state.h"

struct question;
struct resolver;

/* A site that does not believe it. */
struct domain_site {
	struct list node; /* in its domain */
	char *site, *host, *status, *said; /* owned */
	int64_t since; /* ms since 1970 */
};

struct domain {
	struct due due; /* the next look */
	struct list node; /* in the table's */
	struct domains *table; /* borrowed: owns it */
	char *name, *mail_from; /* owned */
	char *found; /* owned bytes (sending_write()); NULL: none */
	size_t nfound;
	enum sending_verdict verdict;
	int64_t looked; /* ms since 1970; 0: not yet */
	struct list sites; /* struct domain_site: it is held */
	uint64_t held_at; /* monotonic ms */
	size_t before; /* of `found` when it was held: bytes, and a hash */
	uint64_t before_hash;
	bool is_held; /* by a site, or one that nobody remembers */
	bool wants_alert;
	int64_t alerted; /* ms since 1970 */
	uint32_t pairs; /* accounts that use it */
	struct look *look; /* owned; NULL: none is under way */
	struct question *question; /* of that */
	bool again; /* the look is of older records */
};

/* An account that sends from a domain. */
struct pair {
	struct list node; /* in the table's, the longest unused first */
	struct domain *domain; /* borrowed */
	char *key; /* owned: ACCOUNT, a NUL, DOMAIN */
	size_t nkey, naccount;
};

/* Who waits for a look. */
struct looker {
	struct list node;
	struct domain *domain; /* borrowed */
	domains_cb cb;
	void *arg;
};

/* A row on its way to the state: it is put, or dropped. */
struct kept {
	struct list node;
	struct state_sending row; /* its texts are owned by `texts` */
	char *texts;
	bool is_dropped;
};

struct domains {
	struct loop *loop; /* borrowed, as the next three */
	struct keys *keys;
	struct state *state;
	const struct conf *conf; /* owned reference */
	struct domains_events events;
	struct map domains, pairs; /* by name; by key */
	struct list all; /* struct domain */
	struct list used; /* struct pair */
	struct list lookers;
	struct heap heap;
	struct deadline *alarm; /* owned */
	struct resolver *resolver; /* owned; NULL: nothing was asked yet */
	unsigned under_way;
	uint32_t generation; /* of the keys, at the last sweep */
	union dns_address own[LOOK_ADDRESSES_MOST];
	unsigned nown;
	bool is_closed;
	/* Shared with the state's thread. */
	pthread_mutex_t lock;
	struct list keeping, saving; /* struct kept */
};

/* --- domains_io.c --- */

struct domain *domains_make(struct domains *d, struct span name);
void
domains_make_pair(struct domains *d, struct domain *of, struct span account);
void domains_add_site(struct domain *of, const struct domain_site *site);
void domains_set_verdict(struct domain *of, enum sending_verdict v);
void domains_put_site(struct domains *d, const struct domain *of,
    const struct domain_site *site, bool is_dropped);
/* Notes all that there is to be kept. */
void domains_put_all(struct domains *d);
void domains_schedule(struct domains *d, struct domain *of, uint64_t ms);

/* --- kept_io.c --- */

void kept_open(struct domains *d);
void kept_close(struct domains *d);
void
kept_put(struct domains *d, const struct state_sending *row, bool is_dropped);

/* --- own_io.c --- */

/* The addresses that mail goes out from, as others see them; none: not known. */
unsigned own_addresses(
    const struct conf *conf, union dns_address out[LOOK_ADDRESSES_MOST]);

#endif
