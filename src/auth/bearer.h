/*
 * bearer: what a client says that logs in with a token: OAUTHBEARER (RFC 7628 3.1)
 * and XOAUTH2, which Google made and others took. Pure.
 */
#ifndef AUTH_BEARER_H
#define AUTH_BEARER_H

#include <stdbool.h>

#include "base/span.h"

enum { BEARER_NAME_MAX = 256, BEARER_TOKEN_MAX = 16 * 1024 };

struct bearer {
	char account
	    [BEARER_NAME_MAX]; /* whose it wants to be; "": the token's */
	struct span token; /* of the message */
};

enum bearer_kind { BEARER_OAUTH, BEARER_X };
/* False: it is no such message. */
bool
bearer_parse(enum bearer_kind kind, struct span message, struct bearer *out);

#endif
