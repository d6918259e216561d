/*
 * token: what stands in a JSON Web Token (RFC 7519), and whether it is signed by a
 * key that we know (RFC 7515, 7517). Touches no file and no network.
 */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct conf_oauth;
struct jwks;

enum { JWKS_MAX = 1 << 20, JWKS_KEYS_MAX = 200 };

/* Of a JWK set: keys for signatures; others are passed over. NULL and `err`. */
struct jwks *jwks_parse(struct span json, struct err *err);
struct jwks *jwks_ref(struct jwks *k);
/* NULL is allowed. */
void jwks_unref(struct jwks *k);

enum token_verdict {
	TOKEN_GOOD,
	TOKEN_BAD,
	TOKEN_UNKNOWN_KEY, /* newer keys may know it */
};

/*
 * Whether it is signed by one of the keys (RS256, PS256, ES256), of the issuer, for
 * the audience, and in its time (s since 1970, with a minute's patience). Then
 * *account is whose it is (free() it); else `why`, for the log.
 */
enum token_verdict token_check(struct span token, const struct jwks *keys,
    const struct conf_oauth *rules, int64_t now, char **account,
    struct err *why);
/* The same of what an authorization server says of a token (RFC 7662 2.2). */
enum token_verdict
token_check_introspected(struct span json, const struct conf_oauth *rules,
    int64_t now, char **account, struct err *why);

#endif
