/*
 * session_io: a receiving session with its connection: does what the core
 * (session.h) says it needs. Lives and dies on one worker.
 */
#ifndef SUBMIT_SESSION_IO_H
#define SUBMIT_SESSION_IO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct aliases;
struct auth;
struct conf;
struct envelope;
struct keys;
struct ledger;
struct loop;
struct milter_ways;
struct spool;
struct suppressor;
struct tls_server;

/* How a message came in; borrowed for the call. */
struct submit_origin {
	const char *sid;
	const char *message_id; /* "": it has none */
	bool is_over; /* it is held until its account's budget has room */
};

/* What all sessions of one worker share. Outlives them. */
struct submit_worker {
	struct loop *loop; /* borrowed */
	struct spool *spool; /* borrowed */
	struct auth *auth; /* borrowed */
	struct keys *keys; /* borrowed: for DKIM; NULL: none */
	struct suppressor *suppressor; /* borrowed; NULL: nobody is asked */
	struct ledger *ledger; /* borrowed; NULL: budgets are not asked */
	struct milter_ways *ways; /* borrowed: to filters */
	struct list sessions; /* of struct session_io; list_init() it */
	struct aliases *aliases; /* owned reference; NULL: there are none */
	/*
	 * A message was answered with 250: it is on disk, and `env` is the
	 * callee's. On the worker's thread, as the next.
	 */
	void (*accepted)(
	    struct envelope *env, const struct submit_origin *from, void *arg);
	/* A client has logged in; `token` is as given. */
	void (*logged_in)(void *token, void *arg);
	/* A connection ended; `token` is as given. */
	void (*closed)(void *token, void *arg);
	void *arg;
};

struct submit_connection {
	int fd; /* taken */
	const char *client; /* numeric address; copied */
	const struct conf *conf; /* one reference, taken */
	struct tls_server *tls; /* one reference, taken */
	const char *const *mechanisms; /* borrowed: lives as long as `conf` */
	size_t nmechanisms;
	const char *listener; /* its name: of `conf` */
	bool implicit_tls;
	/* A device's, or a user's of this machine, who do not log in; copied; or
	   NULL. */
	const char *account;
	bool is_local; /* the user of this machine */
	bool is_anybody; /* root of this machine: any address may be its own */
	bool
	    is_check; /* a balancer looks whether we are here: it is not told */
	bool is_refused; /* there is no seat: it is told so, with 421 */
	const atomic_bool *is_crowded; /* borrowed: outlives the session */
	uint64_t number; /* of the connection, for its sid */
	void *token; /* for submit_worker.closed */
};

void
session_io_start(struct submit_worker *w, const struct submit_connection *c);
/* Says 421 to every session that is not in the middle of storing. */
void session_io_shutdown_all(struct submit_worker *w);
/* A session as the operator sees it. */
struct session_row {
	uint64_t
	    number; /* of the connection; its sid in the log is that in hex */
	uint64_t since; /* monotonic ms */
	uint32_t messages; /* accepted */
	const char *state; /* static */
	char client[64], tls[16];
	char account[256]; /* "": nobody has logged in; cut, if it is longer */
	char key[80]; /* the label of the key that it did so by; "": none */
};
/* Those with a higher number than `after`, the lowest first; how many they are. */
size_t session_io_list(const struct submit_worker *w, uint64_t after,
    struct session_row *rows, size_t most);
/*
 * Says 421 to the one of that number (0: none), and to all of that account (NULL:
 * none), now, or as soon as a message that is being stored is answered. How many
 * they were.
 */
size_t session_io_dismiss(
    struct submit_worker *w, uint64_t number, const char *account);
/*
 * Accounts have changed, or a key's time is over: says 421 to those whose login has
 * ended by that, now, or after what is under way; content that is coming is refused at
 * its end. Looks at `most` of them behind that number, and says where to go on; 0: they
 * were all.
 */
uint64_t session_io_look(struct submit_worker *w, uint64_t after, size_t most);
/* Closes what is left; a message that is being committed is finished first. */
void session_io_abort_all(struct submit_worker *w);

#endif
