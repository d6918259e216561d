/*
 * user_key: a key of an account: 160 random bits, which log in instead of its
 * password, for one program or device. A key has a label, and may be narrowed: to
 * addresses that it sends as, to networks that it logs in from, to a time. It is a
 * line of the users file:
 *
 *   NAME#LABEL KEY-SHA-256$digest$SCRAM-SHA-256$iterations:salt$stored:server
 *       made=TIME [send-as=ADDRESS,...] [network=NETWORK,...] [expires=TIME]
 *
 * (in one line; times of RFC 3339). The digest tells whether a password is the key
 * without a slow derivation: nobody guesses 160 bits. What follows it is for SCRAM,
 * where the client's user name is NAME#LABEL.
 */
#ifndef AUTH_USER_KEY_H
#define AUTH_USER_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/users.h"
#include "base/err.h"
#include "base/network.h"
#include "base/span.h"

struct buf;

enum {
	USER_KEY_LABEL_MAX = 64,
	USER_KEY_NETWORKS_MOST = 16,
	USER_KEY_SEND_AS_MAX = 1024, /* bytes of all patterns */
	USER_KEY_ITERATIONS = 4096, /* RFC 7677 4; more protect nothing here */
	USER_KEY_TEXT_SIZE = 4 + 32 + 1, /* "pst_", base32, NUL */
};

struct user_key {
	char *name; /* owned: NAME#LABEL */
	const char *label; /* the end of it */
	unsigned char digest[USERS_KEY_LEN]; /* SHA-256 of the key's text */
	struct user scram; /* without a name */
	int64_t made; /* ms since 1970, as the next */
	int64_t expires; /* 0: never */
	/* Patterns as account.send-as has them, with commas; NULL: all of it. */
	char *send_as; /* owned */
	char *network; /* owned: what `networks` was read of; NULL: anywhere */
	struct network networks[USER_KEY_NETWORKS_MOST];
	size_t nnetworks;
};

/* Frees and wipes what it owns. */
void user_key_clear(struct user_key *k);

/* 1 to 64 of letters, digits, '.', '-' and '_'. */
bool user_key_label_is_valid(struct span label);
/* "NAME#LABEL", at the last #; false: it is no such name. */
bool user_key_split(struct span name, struct span *account, struct span *label);

/*
 * What a key is narrowed to, each once: NULL, or what is wrong with the text (a
 * static string that begins with the option's name).
 */
const char *user_key_set_send_as(struct user_key *k, struct span patterns);
const char *user_key_set_network(struct user_key *k, struct span networks);
/* A moment, or a day (in UTC), which is the last one. */
const char *user_key_set_expires(struct user_key *k, struct span when);

/* A new key's secrets; `text` is the key itself, which is kept nowhere. */
int user_key_make(
    struct user_key *k, char text[USER_KEY_TEXT_SIZE], struct err *err);
/* What stands behind the name in its line. */
void user_key_format(const struct user_key *k, struct buf *out);
/* The same read: NULL, or what is wrong. */
const char *
user_key_parse(struct span name, struct span text, struct user_key *out);

/* Which of the account's keys it is, or whether it is that one, unless it is NULL. */
const struct user_key *user_key_find(
    const struct user *u, const struct user_key *named, struct span password);
/*
 * Why it may not log in from there (a numeric address) at that time, for the log;
 * NULL: it may.
 */
const char *
user_key_why_not(const struct user_key *k, const char *remote_ip, int64_t wall);

#endif
