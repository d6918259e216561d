/*
 * auth_priv: what the files of this folder share. users.c has the table,
 * password.c the keys, change.c the operator's changes; remember.c knows which
 * password checks were right a moment ago; mech.c has libsasl2; exchange.c the
 * line before the pool; auth.c what all exchanges share.
 */
#ifndef AUTH_PRIV_H
#define AUTH_PRIV_H

#include <pthread.h>
#include <sasl/sasl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "auth/auth.h"
#include "auth/users.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

enum {
	USERS_FILE_MAX = 16 << 20,
	USERS_NAME_MAX = 255,
	USERS_ITERATIONS_LEAST = 4096, /* RFC 7677 4 */
	USERS_ITERATIONS_MOST = 1000000,
	USERS_SALT_LEAST = 8,
	USERS_SALT_LEN = 16, /* of new passwords, and of made-up entries */
	PASSWORD_MAX = 512,
};

#define USERS_SCHEME "SCRAM-SHA-256"

/* users.c */
bool users_name_is_valid(struct span name);
/* "SCRAM-SHA-256$4096:salt$stored:server" behind what is in `out`. */
void user_format(const struct user *u, struct buf *out);
/* The whole file; -EACCES when its mode lets others in. */
int users_load(
    const char *path, struct buf *text, struct stat *st, struct err *err);

/* password.c; RFC 5802 section 3 with `salt` and `iterations` of the entry. */
bool user_derive(struct user *u, struct span password);
bool hmac_sha256(
    struct span key, struct span data, unsigned char out[USERS_KEY_LEN]);

/* remember.c: right passwords as MACs; the key dies with the process. */
struct remember {
	pthread_mutex_t lock;
	struct evp_mac_ctx_st *keyed; /* owned; to be copied for each MAC */
	struct map map; /* by name in lower case; owned entries */
	uint64_t hits; /* checks that it spared; under `lock` */
	uint64_t (*now)(void); /* ms; tests set another one */
};

void remember_init(struct remember *r);
void remember_clear(struct remember *r);
/* Forgets everything; the key stays. */
void remember_reset(struct remember *r);
/* Whether this password was right for this very entry, not long ago. */
bool
remember_check(struct remember *r, const struct user *u, struct span password);
void remember_add(struct remember *r, const struct user *u,
    struct span password, uint32_t seconds);

/*
 * One reading of the users file, counted: by struct auth, and by each exchange
 * that began with it.
 */
struct accounts {
	struct users *users; /* owned */
	atomic_uint refs;
};

struct accounts *accounts_ref(struct accounts *a);
void accounts_unref(struct accounts *a);

struct auth {
	pthread_mutex_t lock; /* of all up to `remember` */
	struct accounts *accounts; /* NULL with the cyrus back end */
	struct conf *conf; /* owned reference */
	struct stat seen; /* the file's, when it was read last */
	bool is_broken; /* what is seen could not be read */
	unsigned running, most; /* steps in the pool */
	struct list line; /* struct auth_exchange, waiting for it */
	struct remember remember;
	unsigned char fake_key[USERS_KEY_LEN]; /* never changes */
};

/*
 * A made-up entry for a name that has none: always the same one in this
 * process, and no password is right for it.
 */
void auth_make_up(const struct auth *a, struct span name, struct user *out);

/* The accounts and the configuration as they are now, each with a reference. */
struct accounts *auth_take(struct auth *a, struct conf **conf);

/* mech.c: an exchange as libsasl2 sees it; in the pool, one step at a time. */
struct mech {
	struct auth *auth; /* borrowed: outlives its exchanges */
	struct accounts *accounts; /* owned reference; NULL: cyrus */
	struct conf *conf; /* owned reference */
	char *mechanism, *remote_ip, *binding_name; /* owned */
	struct buf binding;
	/* What libsasl2 keeps pointers to. */
	sasl_conn_t *conn; /* owned; NULL before the first step */
	sasl_callback_t callbacks[4];
	sasl_channel_binding_t channel;
	char *mech_list; /* owned: the option of that name */
	bool is_running; /* the library has the mechanism's first step */
	/* What was found out on the way, for the answer and its detail. */
	char *name; /* owned: the name that was given */
	const struct user *user; /* of that name; borrowed from `accounts` */
	bool is_wrong; /* the password, as we found */
};

struct mech_step {
	bool has_input;
	struct span input; /* borrowed */
	enum auth_result result;
	struct buf challenge;
	char *login; /* owned; AUTH_OK */
	char detail[256]; /* "" is none */
};

/*
 * The library, counted: one start and end a process. With `all` it loads
 * whatever plug-ins are installed, otherwise only those of the mechanisms that
 * the users back end has; a process is one or the other (-EBUSY if not).
 */
int mech_library_open(bool all, struct err *err);
void mech_library_close(void);
bool mech_library_has(struct span mechanism);
/* Blocks. The first one begins the exchange. */
void mech_run(struct mech *m, struct mech_step *step);
void mech_clear(struct mech *m);

#endif
