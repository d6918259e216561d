/*
 * libcjose verifies; which algorithms may, which key it is, and what the claims must
 * say is decided here.
 */
#include "token.h"

#include <cjose/cjose.h>
#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"

enum { PATIENCE_S = 60 }; /* clocks differ */

struct jwk {
	cjose_jwk_t *key; /* owned */
	char *kid; /* owned; NULL: it has none */
	char *alg; /* owned; NULL: any of its kind */
};

struct jwks {
	struct jwk *list; /* owned */
	size_t n;
	atomic_uint refs;
};

/*
 * base64url without padding (RFC 7515 2). libcjose ends the process over what is
 * not, so that nothing else is ever given to it.
 */
static bool
is_base64url(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.ptr[i]) && s.ptr[i] != '-' &&
		    s.ptr[i] != '_')
			return false;
	return s.len > 0 && s.len % 4 != 1;
}

/* header.payload.signature (RFC 7515 7.1) */
static bool
is_compact(struct span token)
{
	struct span rest = token;

	for (int i = 0; i < 3; i++)
		if (!is_base64url(span_cut(&rest, '.')))
			return false;
	/* The last one was not ended by another dot. */
	return span_is_empty(rest) && token.ptr[token.len - 1] != '.';
}

/* --- keys --- */

static char *
copy_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text == NULL ? NULL : mem_strdup(text);
}

static bool
is_for_signatures(const json_t *o)
{
	const char *kty = json_string_value(json_object_get(o, "kty"));
	const char *use = json_string_value(json_object_get(o, "use"));

	return kty != NULL &&
	       (strcmp(kty, "RSA") == 0 || strcmp(kty, "EC") == 0) &&
	       (use == NULL || strcmp(use, "sig") == 0);
}

/* The numbers of a key (RFC 7518 6.2, 6.3). */
static bool
has_good_numbers(const json_t *o)
{
	static const char *const names[] = { "n", "e", "d", "p", "q", "dp",
		"dq", "qi", "x", "y" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const json_t *value = json_object_get(o, names[i]);

		if (value != NULL &&
		    (!json_is_string(value) ||
			!is_base64url(span_text(json_string_value(value)))))
			return false;
	}
	return true;
}

static void
add_key(struct jwks *k, const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);
	cjose_err e;
	cjose_jwk_t *key;

	if (text == NULL)
		return;
	if (!has_good_numbers(o)) {
		free(text);
		return;
	}
	key = cjose_jwk_import(text, strlen(text), &e);
	free(text);
	if (key == NULL)
		return; /* a curve that nobody here knows */
	k->list[k->n++] = (struct jwk){
		.key = key, .kid = copy_of(o, "kid"), .alg = copy_of(o, "alg")
	};
}

struct jwks *
jwks_parse(struct span json, struct err *err)
{
	json_error_t why;
	json_t *all =
	    json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, &why);
	json_t *keys = json_object_get(all, "keys"), *o;
	struct jwks *k;
	size_t i;

	if (!json_is_array(keys) || json_array_size(keys) > JWKS_KEYS_MAX) {
		(void)err_set(err, -EINVAL,
		    "it is no set of at most 200 keys (RFC 7517): %s",
		    all == NULL ? why.text : "\"keys\" is no such list");
		json_decref(all);
		return NULL;
	}
	k = MEM_NEW(struct jwks);
	atomic_init(&k->refs, 1);
	k->list = mem_zalloc(json_array_size(keys) + 1, sizeof *k->list);
	json_array_foreach(keys, i, o)
	{
		if (is_for_signatures(o))
			add_key(k, o);
	}
	json_decref(all);
	if (k->n > 0)
		return k;
	jwks_unref(k);
	(void)err_set(
	    err, -EINVAL, "it has no key for signatures (RSA, or EC P-256)");
	return NULL;
}

struct jwks *
jwks_ref(struct jwks *k)
{
	(void)atomic_fetch_add(&k->refs, 1);
	return k;
}

void
jwks_unref(struct jwks *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	for (size_t i = 0; i < k->n; i++) {
		(void)cjose_jwk_release(k->list[i].key);
		free(k->list[i].kid);
		free(k->list[i].alg);
	}
	free(k->list);
	free(k);
}

/* --- claims --- */

static bool
refuse(struct err *why, const char *what)
{
	(void)err_set(why, -EACCES, "%s", what);
	return false;
}

static bool
is_audience(const json_t *aud, const char *wanted)
{
	const json_t *one;
	size_t i;

	if (json_is_string(aud))
		return strcmp(json_string_value(aud), wanted) == 0;
	json_array_foreach(aud, i, one)
	{
		if (json_is_string(one) &&
		    strcmp(json_string_value(one), wanted) == 0)
			return true;
	}
	return false;
}

/* A number of seconds; false: it is there, and none. */
static bool
read_time(const json_t *claims, const char *name, double *out, bool *is_there)
{
	const json_t *value = json_object_get(claims, name);

	*is_there = value != NULL;
	*out = json_number_value(value);
	return value == NULL || json_is_number(value);
}

static bool
is_in_time(const json_t *claims, int64_t now, bool needs_end, struct err *why)
{
	double end, begin;
	bool has_end, has_begin;

	if (!read_time(claims, "exp", &end, &has_end) ||
	    !read_time(claims, "nbf", &begin, &has_begin))
		return refuse(why, "the token's times are no numbers");
	if (needs_end && !has_end)
		return refuse(why, "the token has no end (exp)");
	if (has_end && (double)now >= end + PATIENCE_S)
		return refuse(why, "the token has expired");
	if (has_begin && (double)now + PATIENCE_S < begin)
		return refuse(why, "the token's time has not begun (nbf)");
	return true;
}

/* What is said must fit; `is_strict`: it must be said. */
static bool
is_ours(const json_t *claims, const struct conf_oauth *rules, bool is_strict,
    struct err *why)
{
	const json_t *iss = json_object_get(claims, "iss");
	const json_t *aud = json_object_get(claims, "aud");

	if (rules->issuer != NULL && (is_strict || iss != NULL) &&
	    (!json_is_string(iss) ||
		strcmp(json_string_value(iss), rules->issuer) != 0))
		return refuse(why, "the token is of another issuer (iss)");
	if (rules->audience != NULL && (is_strict || aud != NULL) &&
	    !is_audience(aud, rules->audience))
		return refuse(why, "the token is for another audience (aud)");
	return true;
}

/* An address that its owner never confirmed is anybody's. */
static char *
account_of(
    const json_t *claims, const struct conf_oauth *rules, struct err *why)
{
	const char *claim = rules->account_claim;
	const json_t *value = json_object_get(claims, claim);

	if (!json_is_string(value) || json_string_length(value) == 0 ||
	    json_string_length(value) != strlen(json_string_value(value))) {
		(void)err_set(why, -EACCES,
		    "the token does not say whose it is (%s)", claim);
		return NULL;
	}
	if (strcmp(claim, "email") == 0 &&
	    json_is_false(json_object_get(claims, "email_verified"))) {
		(void)refuse(why, "the token's email is not verified");
		return NULL;
	}
	return mem_strdup(json_string_value(value));
}

static enum token_verdict
check_claims(struct span json, const struct conf_oauth *rules, int64_t now,
    char **account, struct err *why)
{
	json_error_t e;
	json_t *claims =
	    json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, &e);
	bool fine = json_is_object(claims) || refuse(why, "no claims");

	fine = fine && is_ours(claims, rules, true, why) &&
	       is_in_time(claims, now, true, why);
	*account = fine ? account_of(claims, rules, why) : NULL;
	json_decref(claims);
	return *account == NULL ? TOKEN_BAD : TOKEN_GOOD;
}

enum token_verdict
token_check_introspected(struct span json, const struct conf_oauth *rules,
    int64_t now, char **account, struct err *why)
{
	json_error_t e;
	json_t *o = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, &e);
	bool fine = json_is_true(json_object_get(o, "active")) ||
		    refuse(why, "the authorization server says that the token "
				"is not active");

	fine = fine && is_ours(o, rules, false, why) &&
	       is_in_time(o, now, false, why);
	*account = fine ? account_of(o, rules, why) : NULL;
	json_decref(o);
	return *account == NULL ? TOKEN_BAD : TOKEN_GOOD;
}

/* --- signatures --- */

static bool
is_allowed(const char *alg)
{
	return strcmp(alg, "RS256") == 0 || strcmp(alg, "PS256") == 0 ||
	       strcmp(alg, "ES256") == 0;
}

/* Whether the key may have made it: by its name, its kind, its algorithm. */
static bool
is_candidate(const struct jwk *k, const char *alg, const char *kid)
{
	cjose_err e;
	cjose_jwk_kty_t kty = cjose_jwk_get_kty(k->key, &e);
	cjose_jwk_kty_t wanted =
	    strcmp(alg, "ES256") == 0 ? CJOSE_JWK_KTY_EC : CJOSE_JWK_KTY_RSA;

	/* RFC 7518 3.4. */
	if (kty == CJOSE_JWK_KTY_EC &&
	    cjose_jwk_EC_get_curve(k->key, &e) != CJOSE_JWK_EC_P_256)
		return false;
	if (kty != wanted || (k->alg != NULL && strcmp(k->alg, alg) != 0))
		return false;
	return kid == NULL || (k->kid != NULL && strcmp(k->kid, kid) == 0);
}

static enum token_verdict
verify(cjose_jws_t *jws, const struct jwks *keys, struct err *why)
{
	cjose_err e;
	cjose_header_t *header = cjose_jws_get_protected(jws);
	const char *alg = cjose_header_get(header, CJOSE_HDR_ALG, &e);
	const char *kid = cjose_header_get(header, CJOSE_HDR_KID, &e);
	bool any = false;
	char *crit;

	if (alg == NULL || !is_allowed(alg)) {
		(void)refuse(why, "the token's algorithm is none of RS256, "
				  "PS256 and ES256");
		return TOKEN_BAD;
	}
	crit = cjose_header_get_raw(header, "crit", &e);
	free(crit);
	if (crit != NULL) {
		(void)refuse(why, "the token has critical extensions (crit)");
		return TOKEN_BAD;
	}
	for (size_t i = 0; i < keys->n; i++) {
		if (!is_candidate(&keys->list[i], alg, kid))
			continue;
		any = true;
		if (cjose_jws_verify(jws, keys->list[i].key, &e))
			return TOKEN_GOOD;
	}
	(void)refuse(why, any ? "the token's signature is wrong"
			      : "no key is known that the token is signed by");
	return any ? TOKEN_BAD : TOKEN_UNKNOWN_KEY;
}

enum token_verdict
token_check(struct span token, const struct jwks *keys,
    const struct conf_oauth *rules, int64_t now, char **account,
    struct err *why)
{
	cjose_err e;
	cjose_jws_t *jws = NULL;
	enum token_verdict verdict;
	uint8_t *text = NULL;
	size_t len = 0;

	*account = NULL;
	if (is_compact(token))
		jws = cjose_jws_import(token.ptr, token.len, &e);
	if (jws == NULL) {
		(void)refuse(why, "it is no signed token (JWS)");
		return TOKEN_BAD;
	}
	verdict = verify(jws, keys, why);
	if (verdict == TOKEN_GOOD &&
	    !cjose_jws_get_plaintext(jws, &text, &len, &e)) {
		(void)refuse(why, "the token has no content");
		verdict = TOKEN_BAD;
	}
	if (verdict == TOKEN_GOOD)
		verdict = check_claims(span_make((const char *)text, len),
		    rules, now, account, why);
	(void)cjose_jws_release(jws);
	return verdict;
}
