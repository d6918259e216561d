/*
 * auth: the server's side of SASL (RFC 4422, RFC 4954) through libsasl2. Each
 * AUTH is one exchange with a fresh sasl_conn_t; its steps run in the pool, a
 * bounded number at once, in turns of addresses. Who guesses waits: guessing.h
 * in src/auth has the rules. A step that takes longer than half a minute is
 * answered AUTH_TEMPORARY. Mechanism names are checked against the
 * configuration's list by the caller before they come here.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct auth;
struct auth_exchange;
struct auth_next;
struct conf;
struct loop;
struct state;
struct user_key;

enum auth_result {
	AUTH_CONTINUE, /* send `challenge`, take a response */
	AUTH_OK, /* `login` is who it is; `challenge` may hold last data */
	AUTH_BAD, /* one answer for every kind of bad credentials: 535 5.7.8 */
	AUTH_MALFORMED, /* the client's message breaks the mechanism: 501 5.5.2 */
	AUTH_TEMPORARY, /* the back end failed: 454 4.7.0 */
};

/* What a login stands on, to be looked at again later. */
struct auth_ticket {
	uint64_t mark; /* of the account's keys; 0: nothing is known of it */
	unsigned generation; /* of the accounts, when it was looked at */
	int64_t
	    expires; /* ms since 1970, of the key it logged in by; 0: never */
};

struct auth_answer {
	enum auth_result result;
	struct span challenge; /* raw bytes, valid during the call */
	struct span login; /* AUTH_OK: the account's name */
	/*
	 * The label of the key that it logged in by; AUTH_BAD: of one that may
	 * not log in (for our log alone); empty: none.
	 */
	struct span key;
	struct span send_as; /* what that narrows it to; empty: to nothing */
	struct span name; /* what the client called itself; may be empty */
	const char *detail; /* for our log, never for the client */
	uint64_t tried; /* name and password as a number; 0: unknown */
	uint32_t waited; /* ms that it was held back: see guessing.h */
	struct auth_ticket ticket; /* AUTH_OK */
};

typedef void (*auth_cb)(const struct auth_answer *answer, void *arg);

struct auth_options {
	struct span mechanism; /* upper case, from our list */
	bool has_initial; /* RFC 4954 initial response */
	struct span initial; /* decoded; may be empty */
	const char *binding_name; /* "tls-exporter", "tls-unique" or NULL */
	struct span binding; /* channel binding data, if named */
	struct span
	    end_point; /* the same of "tls-server-end-point"; or empty */
	const char *remote_ip; /* for the library's own logs */
};

/*
 * Starts libsasl2 (once a process) and registers our auxprop plug-in; with the
 * users back end reads the users file (an unreadable one is an error).
 */
struct auth *auth_new(const struct conf *conf, struct err *err);
/*
 * Keeps there when keys were used and where accounts are at home, and reads what was
 * kept before. Before the first exchange; the state ends after the last one is closed,
 * and before auth_free().
 */
void auth_keep(struct auth *a, struct state *state);
/* After the last exchange is closed and its work is done. */
void auth_free(struct auth *a);
/*
 * A reload: reads what a new configuration says (users file, how long passwords
 * are remembered) and changes nothing yet; NULL and `err` when it cannot be had.
 * auth_take_next() takes it; with another back end all stays as it was, since that
 * takes a new start.
 */
struct auth_next *
auth_prepare(const struct auth *a, const struct conf *conf, struct err *err);
void auth_take_next(struct auth *a, struct auth_next *next);
/* Instead of taking it; NULL is allowed. */
void auth_discard(struct auth_next *next);
/*
 * Reads the users file again if it changed on disk. Called often, cheap (one
 * stat a millisecond at the most; `now` is monotonic, ms). A broken file leaves
 * the accounts as they were, and says so once; so does one that is empty of a
 * sudden, unless it says that the last account was removed.
 */
void auth_refresh(struct auth *a, uint64_t now);
/*
 * Whether the login that the ticket is of still holds: the account is there, not
 * suspended, and has the same password, or the key that it logged in by, whose time
 * is not over. Moves the ticket along.
 */
bool auth_still_holds(struct auth *a, struct span login,
    struct auth_ticket *ticket, uint64_t now);

/*
 * Whether logins may have ended since the last time: the accounts have changed, or a
 * key's time is over. Costs next to nothing. Of one caller.
 */
bool auth_has_news(struct auth *a);

/* A key of an account, and its last use: ms since 1970 (0: none is known), from where. */
struct auth_key {
	const struct user_key *key; /* borrowed for the call */
	int64_t used;
	char client[64];
};
typedef void (*auth_key_cb)(const struct auth_key *key, void *arg);
/* Each key of the account, by label. */
void
auth_each_key(struct auth *a, struct span name, auth_key_cb each, void *arg);

/*
 * What is known of an account; ACTIVE where another back end knows, and of who needs
 * no login (conf_needs_no_login()).
 */
enum auth_standing { AUTH_IS_ACTIVE, AUTH_IS_SUSPENDED, AUTH_IS_ABSENT };
enum auth_standing auth_standing(struct auth *a, struct span name);

/*
 * A certificate has shown that it is that account's: whether it may log in, and what
 * the login stands on then. Always, where another back end knows the accounts.
 * `name` gets the account's name as it is written where accounts are, by which
 * everything else knows it.
 */
bool auth_vouch(struct auth *a, struct span login, struct buf *name,
    struct auth_ticket *ticket, uint64_t now);

/*
 * Begins; the answer comes on the loop. Everything given is copied. Each
 * answer AUTH_CONTINUE is followed by auth_step() or auth_close().
 */
struct auth_exchange *auth_start(struct auth *a, struct loop *loop,
    const struct auth_options *options, auth_cb cb, void *arg);
void auth_step(struct auth_exchange *x, struct span response);
/* What the client called itself; NULL: it has not said so (yet). */
const char *auth_name(const struct auth_exchange *x);
const char *auth_mechanism(const struct auth_exchange *x);
/* At any time, once; no callback comes after it. */
void auth_close(struct auth_exchange *x);

/*
 * Whether the mechanism can work at all in this process: its plug-in is there, and with
 * the cyrus back end, Cyrus SASL's own configuration has a way for it.
 */
bool auth_has_mechanism(struct auth *a, struct span mechanism);
/*
 * Whether logins by tokens have what they need on this machine: the file of keys,
 * our secret, libcurl. 0 (also where no tokens are taken), or negative and `err`.
 */
int auth_try_tokens(const struct conf *conf, struct err *err);

/*
 * How many of the configuration's can, before there is an auth; -1 and `err` when
 * the library cannot be had. Names of the others go to `missing`.
 */
int auth_try_mechanisms(
    const struct conf *conf, struct buf *missing, struct err *err);

#endif
