/*
 * What a client says that logs in with a token, the token, and sets of keys: the
 * first byte chooses. Nothing of it is ever good, for nobody has the key.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "src/auth/bearer.h"
#include "src/auth/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char known[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void
check(struct span text)
{
	static struct jwks *keys;
	struct conf_oauth rules = { .issuer = (char *)(uintptr_t) "i",
		.audience = (char *)(uintptr_t) "a",
		.account_claim = (char *)(uintptr_t) "email" };
	struct err err;
	char *account;

	if (keys == NULL)
		keys = jwks_parse(span_text(known), &err);
	assert(keys != NULL);
	assert(
	    token_check(text, keys, &rules, 1, &account, &err) != TOKEN_GOOD);
	(void)token_check_introspected(text, &rules, 1, &account, &err);
	free(account);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text;
	struct bearer b;
	struct err err;

	if (size == 0)
		return 0;
	text = span_make((const char *)data + 1, size - 1);
	switch (data[0] & 3) {
	case 0:
	case 1:
		if (bearer_parse(
			(data[0] & 1) != 0 ? BEARER_X : BEARER_OAUTH, text, &b))
			assert(b.token.len > 0);
		break;
	case 2: check(text); break;
	default: jwks_unref(jwks_parse(text, &err)); break;
	}
	return 0;
}
