/*
 * oauth: whose login a token is, as the configuration says who is asked: keys, which
 * are read again when their file changes or their time is over, and kept when they
 * cannot be had again; or the authorization server itself, each time.
 */
#ifndef AUTH_OAUTH_H
#define AUTH_OAUTH_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct conf_oauth;
struct jwks;

/* The keys; one for all exchanges, `{0}` and oauth_keys_init() is the beginning. */
struct oauth_keys {
	pthread_mutex_t lock; /* of all that follows */
	char *from; /* owned: the file or URL that they are of */
	struct jwks *keys; /* owned reference; NULL: none were to be had yet */
	uint64_t seen; /* of a file: its mark (base/file.h), when it was read */
	int64_t asked, had; /* s: when the URL was asked, and answered */
	bool is_asking; /* somebody does; the others go on with the old ones */
};

void oauth_keys_init(struct oauth_keys *k);
void oauth_keys_clear(struct oauth_keys *k);

/* Whether all is there that this machine has to have. 0, or negative and `err`. */
int oauth_try(const struct conf_oauth *rules, struct err *err);

enum oauth_verdict {
	OAUTH_GOOD,
	OAUTH_BAD,
	OAUTH_NOBODY_KNOWS, /* no keys, or no answer: not the client's fault */
};

/*
 * Blocks, for seconds at the most. `now`: s since 1970. GOOD: *account is whose it is
 * (free() it); else `why`, for the log.
 */
enum oauth_verdict
oauth_check(struct oauth_keys *keys, const struct conf_oauth *rules,
    struct span token, int64_t now, char **account, struct err *why);

#endif
