/*
 * users: Postern's own file of accounts. One line an account, never a
 * password:
 *
 *   name SCRAM-SHA-256$iterations:salt$stored:server [suspended]
 *
 * and one a key of an account (user_key.h), wherever in the file:
 *
 *   name#label KEY-SHA-256$digest$SCRAM-SHA-256$... [narrowed to what]
 *
 * salt and keys in base64 (RFC 5803). Mode 0600; anything more is refused. Lines
 * that begin with # are comments; one that begins with USERS_EMPTY says that
 * the file has no account on purpose. A table never changes; a changed file
 * makes a new one.
 */
#ifndef AUTH_USERS_H
#define AUTH_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct user_key;

enum {
	USERS_KEY_LEN = 32,
	USERS_SALT_MAX = 64,
	USERS_KEYS_MOST = 64, /* of an account */
};

#define USERS_EMPTY "#empty"

struct user {
	char *name;
	uint32_t iterations;
	size_t salt_len;
	unsigned char salt[USERS_SALT_MAX];
	unsigned char stored_key[USERS_KEY_LEN];
	unsigned char server_key[USERS_KEY_LEN];
	bool suspended;
	const struct user_key *keys; /* borrowed from the table: by label */
	size_t nkeys;
};

struct users;

/* A missing file is an error; one without accounts is not. */
struct users *users_read(const char *path, struct err *err);
/* The file's text alone, for tests and fuzzing; `path` is for messages. */
struct users *users_parse(struct span text, const char *path, struct err *err);
void users_free(struct users *u);
size_t users_count(const struct users *u);
const struct user *users_at(const struct users *u, size_t i);
/* Without accounts, and it says that this is meant. */
bool users_is_empty_on_purpose(const struct users *u);
/* What most entries have; 0: there are none. */
uint32_t users_usual_iterations(const struct users *u);
/* Names are compared without regard to ASCII case. NULL: no such account. */
const struct user *users_find(const struct users *u, struct span name);
/* "NAME#LABEL", alike; and whose it is. NULL: no such key. */
const struct user_key *users_find_key(
    const struct users *u, struct span name, const struct user **owner);

/* Keys for a new password (RFC 5802 section 3), with a fresh random salt. */
int user_set_password(
    struct user *u, struct span password, uint32_t iterations, struct err *err);
/* In constant time as far as the password goes. */
bool user_check_password(const struct user *u, struct span password);

/*
 * For the operator's tool, and RENEW for the relay: under a lock beside the file,
 * changes one account, or one of its keys, and replaces the file in one rename
 * (0600, synced). Absent files are made. An account goes with its keys.
 */
enum users_change_kind {
	USERS_ADD,
	USERS_PASSWD,
	USERS_SUSPEND,
	USERS_RESUME,
	USERS_REMOVE,
	/* Other keys of the same password, instead of those in `was`. */
	USERS_RENEW,
	USERS_KEY_ADD,
	USERS_KEY_REMOVE
};

struct users_change {
	enum users_change_kind what;
	const char *name;
	struct span password; /* ADD, PASSWD */
	uint32_t iterations; /* the same */
	const struct user *was, *keys; /* RENEW */
	const char *label; /* KEY_ADD, KEY_REMOVE */
	const struct user_key *key; /* KEY_ADD: its name is not looked at */
};

/*
 * All that it is given is borrowed. RENEW waits for nobody: -EAGAIN when
 * somebody else is changing the file, or has changed the account.
 */
int users_change(
    const char *path, const struct users_change *change, struct err *err);

#endif
