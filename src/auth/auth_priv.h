/*
 * auth_priv: what the files of this folder share. users.c has the table,
 * user_key.c the keys of accounts, password.c what is derived of passwords, change.c the changes of the file; remember.c knows which
 * password checks were right a moment ago; mech.c has libsasl2, which library.c
 * starts; exchange.c the
 * way through the pool, line.c the line before it, guessing.c the delays before
 * that; renew.c what becomes of a login and of old keys later; secret.c keeps a
 * key over restarts, kept.c what is worth it of logins; auth.c has what all exchanges share.
 */
#ifndef AUTH_PRIV_H
#define AUTH_PRIV_H

#include <pthread.h>
#include <sasl/sasl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "auth/auth.h"
#include "auth/user_key.h"
#include "auth/users.h"
#include "base/map.h"
#include "base/mem.h"
#include "guessing.h"
#include "line.h"
#include "oauth.h"

enum {
	USERS_FILE_MAX = 16 << 20,
	USERS_NAME_MAX = 255,
	USERS_LOGIN_MAX = 255 + 1 + USER_KEY_LABEL_MAX, /* NAME#LABEL */
	USERS_ITERATIONS_LEAST = 4096, /* RFC 7677 4 */
	USERS_ITERATIONS_MOST = 1000000,
	USERS_SALT_LEAST = 8,
	USERS_SALT_LEN = 16, /* of new passwords, and of made-up entries */
	PASSWORD_MAX = 512,
};

#define USERS_SCHEME "SCRAM-SHA-256"
#define USER_KEY_SCHEME "KEY-SHA-256"

/* users.c */
/* "SCRAM-SHA-256$4096:salt$stored:server"; NULL, or what is wrong. */
const char *user_parse_keys(struct span text, struct user *u);
/* Whether it is the line of a key, whatever is wrong with it. */
bool users_is_key_line(struct span line);
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

/* kept.c: what of logins is kept in state/. */
struct kept {
	struct state *state; /* borrowed: until the last exchange; NULL: none */
	pthread_mutex_t lock; /* of the next three; held for a moment */
	struct map uses; /* owned entries, by the key's name in lower case */
	struct list notes; /* of what is to be kept */
	size_t nnotes;
	struct list saving; /* the state's thread's, as the next */
	int64_t swept; /* when old homes were dropped */
};

void kept_init(struct kept *k, const uint64_t seed[2]);
void kept_clear(struct kept *k);
/* The key logged in from there; an account has a home (its number). */
void kept_key(struct auth *a, const struct user_key *key, const char *client);
void kept_home(struct auth *a, uint64_t home);

struct auth {
	pthread_mutex_t
	    refreshing; /* one thread reads the file; before `lock` */
	pthread_mutex_t lock; /* of all up to `remember` */
	struct accounts *accounts; /* NULL with the cyrus back end */
	struct conf *conf; /* owned reference */
	struct stat seen; /* the file's, when it was read last */
	bool is_broken; /* what is seen could not be read */
	bool is_renewing, renewal_failed;
	struct map renewals; /* owned entries: see renew.c */
	struct line line; /* struct auth_exchange, before the pool */
	struct guessing guessing;
	struct remember remember;
	struct kept kept;
	struct oauth_keys oauth_keys; /* has a lock of its own */
	int64_t (*wall)(void); /* ms since 1970; tests set another one */
	atomic_uint generation; /* of `accounts`: how often they changed */
	/* Of auth_has_news() alone: what it said last, and a key's next end. */
	unsigned told;
	int64_t next_end; /* ms since 1970; 0: there is none */
	atomic_uint_fast64_t looked_at; /* ms, when the file was looked at */
	uint64_t seed[2]; /* never changes, as the next */
	unsigned char fake_key[USERS_KEY_LEN]; /* the same over restarts */
};

/*
 * A made-up entry for a name that has none: always the same one, and no
 * password is right for it.
 */
void auth_make_up(const struct auth *a, uint32_t iterations, struct span name,
    struct user *out);
/*
 * secret.c: the key kept in the folder, or made and kept there. A random one,
 * and a line in the log, when it cannot be.
 */
void secret_load(const char *directory, unsigned char key[USERS_KEY_LEN]);

/* The accounts and the configuration as they are now, each with a reference. */
struct accounts *auth_take(struct auth *a, struct conf **conf);

/* mech.c: an exchange as libsasl2 sees it; in the pool, one step at a time. */
struct mech {
	struct auth *auth; /* borrowed: outlives its exchanges */
	struct accounts *accounts; /* owned reference; NULL: cyrus */
	struct conf *conf; /* owned reference */
	char *mechanism, *remote_ip, *binding_name; /* owned */
	struct buf binding, end_point;
	/* What libsasl2 keeps pointers to. */
	sasl_conn_t *conn; /* owned; NULL before the first step */
	sasl_callback_t callbacks[4];
	sasl_channel_binding_t channel;
	bool has_chosen; /* the client has said which binding it is */
	char *mech_list; /* owned: the option of that name */
	bool is_running; /* the library has the mechanism's first step */
	unsigned messages; /* of the client, so far */
	/* What was found out on the way, for the answer and its detail. */
	char *name; /* owned: the name that was given */
	/* Of that name; borrowed from `accounts`, as the next ones. */
	const struct user *user;
	const struct user_key *named; /* the name is a key's: NAME#LABEL */
	const struct user_key *key; /* it is this, and not the password */
	const struct user_key *refused; /* the same, but it may not log in: */
	const char *why_not; /* static */
	bool is_wrong; /* the password, as we found */
	char token_fault[256]; /* what is wrong with a token; "": nothing */
};

struct mech_step {
	bool has_input;
	struct span input; /* borrowed */
	enum auth_result result;
	struct buf challenge;
	char *login; /* owned; AUTH_OK, as the next two */
	char *key, *send_as; /* owned: of the key that logged in; or NULL */
	struct auth_ticket ticket; /* AUTH_OK */
	char detail[256]; /* "" is none */
};

/*
 * renew.c. A login was right for `user` (NULL: not ours to know), by that key (NULL:
 * by the password): the ticket, or AUTH_BAD when the account has changed since the
 * exchange began.
 */
void auth_look_again(struct auth *a, const struct user *user,
    const struct user_key *key, uint64_t now, struct mech_step *step);
/*
 * The password was right: has the entry's keys exchanged if they have fewer
 * iterations than the configuration wants. Blocks.
 */
void auth_renew(struct auth *a, const struct conf *conf, const struct user *u,
    struct span password);
void auth_renewals_clear(struct auth *a);

#define APP_NAME "postern" /* what libsasl2's own configuration is called by */
#define PLUGIN_NAME "postern"

typedef int (*any_callback)(void);
/* libsasl2 stores callbacks of all kinds as one type. */
#define CALLBACK(f) ((any_callback)(void (*)(void))(f))

struct sasl_utils;
struct sasl_auxprop_plug;
struct sasl_server_plug;

/* oauth_mech.c: our mechanisms that take tokens. */
int oauth_plugin_init(const struct sasl_utils *utils, int most, int *version,
    struct sasl_server_plug **list, int *count);

/* Of an exchange (a struct mech), or of the library as a whole (NULL). */
int mech_on_log(void *context, int level, const char *message);
/* Our auxprop plug-in, which is asked for keys. */
int mech_plugin_init(const struct sasl_utils *utils, int most, int *version,
    struct sasl_auxprop_plug **plug, const char *name);

/*
 * library.c. The library, counted: one start and end a process. With `all` it loads
 * whatever plug-ins are installed, otherwise only those of the mechanisms that
 * the users back end has; a process is one or the other (-EBUSY if not).
 */
int mech_library_open(bool all, struct err *err);
void mech_library_close(void);
/* Whether it can work: of all plug-ins, as Cyrus SASL's own configuration has them. */
bool mech_library_has(struct span mechanism);
/* While it starts. */
void library_note_options(const struct sasl_utils *utils);
/* Blocks. The first one begins the exchange. */
void mech_run(struct mech *m, struct mech_step *step);
void mech_clear(struct mech *m);
/* Whose name it is: an account's, or a key's. */
void mech_note_name(struct mech *m, struct span name);
/*
 * Whether the password is one of the account's keys (of the one that is named, if
 * one is), and that may log in: costs a digest. Sets `key`, or `refused`.
 */
bool mech_check_key(struct mech *m, struct span password);
/* The login is that account's: what the answer says of it. */
void mech_give_login(const struct mech *m, struct mech_step *step);

#endif
