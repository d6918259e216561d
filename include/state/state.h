/*
 * state: what is kept beside the spool, in one SQLite database, by a thread of its
 * own: what accounts have used of their budgets, and whom they have written to. It
 * carries no promise: where it cannot be read or written the relay runs on without,
 * says so, and it is tried again; a damaged one is moved aside and a new one begun.
 *
 * Who has something to keep is a source. It says so (state_wake()), and is asked
 * for it some milliseconds later, on the state's thread, with what others have, in
 * one transaction. So nobody waits for the disk, and what comes often is written
 * once. A kill loses what came within those milliseconds; nothing else.
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct state;
struct state_batch;

struct state_options {
	const char *directory; /* made with 0700; NULL: in memory, for tests */
	unsigned batch_ms; /* 0: 20 */
	unsigned again_ms; /* after a fault; 0: 5000 */
	unsigned pages_most; /* of 4 KiB, for tests; 0: as the disk has */
};

/* All are called on the state's thread. */
struct state_source {
	/* Puts what it has to keep. It stays the source's until `collected`. */
	void (*collect)(struct state_batch *b, void *arg);
	/* What it put is kept, or is to be put again. */
	void (*collected)(bool is_kept, void *arg);
	/* The database is a new one, and has nothing: all is to be put again. */
	void (*renewed)(void *arg);
	void *arg;
};
enum { STATE_SOURCES = 8 };

/*
 * Begins to work; what the database refuses is told, and never ends it. NULL and
 * `err`: there is no thread to be had.
 */
struct state *state_open(const struct state_options *options, struct err *err);
/* Before anybody wakes it. */
void state_add_source(struct state *s, const struct state_source *source);
/* There is something to be kept. Costs next to nothing; from every thread. */
void state_wake(struct state *s);
/* Writes what there is, answers what was asked, and ends. */
void state_close(struct state *s);
/* Whether it can be read and written; `why` it cannot. From every thread. */
bool state_works(struct state *s, char *why, size_t size);

/* --- accounts --- */

/* Stored as numbers. */
enum state_standing {
	STATE_IN_ORDER = 0,
	STATE_STOPPED = 1, /* by the operator */
	STATE_BRAKED = 2, /* by itself */
};

/* What is known of one; borrowed for the call. */
struct state_account {
	bool is_read; /* false: it cannot be; `used` is as of a new account */
	struct span used; /* bytes of its own, as they were put; empty: none */
	/* ms since they were: by the wall clock, or more, if it jumped back */
	int64_t passed;
	const uint64_t *known; /* hashes of recipients, `nknown` */
	size_t nknown;
	enum state_standing standing;
};
typedef void (*state_account_cb)(const struct state_account *a, void *arg);

/*
 * The callback comes on the state's thread, once, at state_close() at the latest.
 * At most `known_most` recipients are read. The name is copied.
 */
void state_ask_account(struct state *s, struct span name, size_t known_most,
    state_account_cb cb, void *arg);

/* Those that are not in order, one a call, in the same way. */
typedef void (*state_name_cb)(
    struct span name, enum state_standing standing, void *arg);
void state_ask_stopped(struct state *s, state_name_cb cb, void *arg);

/* In `collect`. `used`: of the moment that it is called. */
void state_put_used(struct state_batch *b, struct span name, struct span used,
    enum state_standing standing);
/* Those that are there already stay. Behind the account's state_put_used(). */
void state_put_known(
    struct state_batch *b, struct span name, const uint64_t *hashes, size_t n);

/* --- recipients that are refused to an account (policy/suppression.h) --- */

/* One of them; text is borrowed for the call. Times are ms since 1970. */
struct state_suppressed {
	struct span account, address;
	int64_t since, until;
	struct span status, reply;
};
typedef void (*state_suppressed_cb)(
    const struct state_suppressed *s, void *arg);

/*
 * Each whose time is not over, in the order of account and address, then NULL; on
 * the state's thread. What cannot be read is left out.
 */
void state_ask_suppressed(struct state *s, state_suppressed_cb cb, void *arg);
/* In `collect`. */
void
state_put_suppressed(struct state_batch *b, const struct state_suppressed *s);
void state_drop_suppressed(
    struct state_batch *b, struct span account, struct span address);

/* --- domains that mail is sent from (sending/domains_io.h) --- */

/* Stored as numbers. */
enum state_sending_kind {
	STATE_DOMAIN = 0, /* `said`: what was found at the last look */
	STATE_DOMAIN_ACCOUNT = 1, /* `name`: of an account that uses it */
	STATE_DOMAIN_HOLD = 2, /* `name`: of a site; `said`: its words */
};

/* A row; its bytes are borrowed for the call. `at`: ms since 1970. */
struct state_sending {
	enum state_sending_kind kind;
	struct span domain, name, said;
	int64_t at;
};
typedef void (*state_sending_cb)(const struct state_sending *s, void *arg);

/* Each (`most` of them), domains first, then NULL; on the state's thread. */
void
state_ask_sending(struct state *s, size_t most, state_sending_cb cb, void *arg);
/* In `collect`. A row is known by its kind, domain and name. */
void state_put_sending(struct state_batch *b, const struct state_sending *s);
void state_drop_sending(struct state_batch *b, const struct state_sending *s);

/* --- logins (auth/kept.c) --- */

/* When, and from where, a key of an account logged in last. */
struct state_key_use {
	struct span name; /* NAME#LABEL, in lower case */
	int64_t at; /* ms since 1970 */
	struct span client; /* its address */
};
typedef void (*state_key_use_cb)(const struct state_key_use *use, void *arg);

/* Each, then NULL; on the state's thread. */
void state_ask_key_uses(struct state *s, state_key_use_cb cb, void *arg);
/* In `collect`. */
void state_put_key_use(struct state_batch *b, const struct state_key_use *use);
void state_drop_key_use(struct state_batch *b, struct span name);
/*
 * Each, for a program beside the relay; at once, and without NULL. No database is one
 * that has none; what cannot be read is an error.
 */
int state_read_key_uses(
    const char *directory, state_key_use_cb cb, void *arg, struct err *err);

/* An address where an account has logged in: both of them as a number. */
struct state_home {
	uint64_t number;
	int64_t at; /* ms since 1970, of the last time */
};
typedef void (*state_home_cb)(const struct state_home *home, void *arg);

/* The newest, `most` of them, none as old as `since`; then NULL; alike. */
void state_ask_homes(
    struct state *s, int64_t since, size_t most, state_home_cb cb, void *arg);
/* In `collect`. */
void state_put_home(struct state_batch *b, const struct state_home *home);
/* All that are as old. */
void state_drop_homes(struct state_batch *b, int64_t until);

#endif
