#include "tests/lib/suite.h"

#include <cjose/cjose.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "src/auth/token.h"

enum { NOW = 1800000000 };

static struct conf_oauth rules = { .issuer = (char *)(uintptr_t) "https://i",
	.audience = (char *)(uintptr_t) "relay",
	.account_claim = (char *)(uintptr_t) "email" };
static cjose_jwk_t *rsa, *ec, *other;
static struct jwks *keys;

static struct jwks *
publish(cjose_jwk_t *const *list, size_t n)
{
	struct buf text = { 0 };
	struct jwks *set;
	struct err err;
	cjose_err e;

	(void)buf_append_text(&text, "{\"keys\":[");
	for (size_t i = 0; i < n; i++) {
		char *json = cjose_jwk_to_json(list[i], false, &e);

		(void)buf_printf(&text, "%s%s", i == 0 ? "" : ",", json);
		free(json);
	}
	(void)buf_append_text(&text, "]}");
	set = jwks_parse(buf_span(&text), &err);
	ck_assert_msg(set != NULL, "%s", err.text);
	buf_clear(&text);
	return set;
}

static void
setup(void)
{
	static const uint8_t e3[] = { 1, 0, 1 };
	cjose_err e;
	cjose_jwk_t *list[2];

	rsa = cjose_jwk_create_RSA_random(2048, e3, sizeof e3, &e);
	other = cjose_jwk_create_RSA_random(2048, e3, sizeof e3, &e);
	ec = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &e);
	ck_assert(cjose_jwk_set_kid(rsa, "r", 1, &e));
	ck_assert(cjose_jwk_set_kid(other, "r", 1, &e));
	ck_assert(cjose_jwk_set_kid(ec, "e", 1, &e));
	list[0] = rsa;
	list[1] = ec;
	keys = publish(list, 2);
}

static void
teardown(void)
{
	jwks_unref(keys);
	(void)cjose_jwk_release(rsa);
	(void)cjose_jwk_release(ec);
	(void)cjose_jwk_release(other);
}

/* free() it. */
static char *
sign(cjose_jwk_t *key, const char *alg, const char *kid, const char *claims)
{
	cjose_err e;
	cjose_header_t *header = cjose_header_new(&e);
	const char *text = NULL;
	cjose_jws_t *jws;
	char *copy;

	ck_assert(cjose_header_set(header, CJOSE_HDR_ALG, alg, &e));
	if (kid != NULL)
		ck_assert(cjose_header_set(header, CJOSE_HDR_KID, kid, &e));
	jws = cjose_jws_sign(
	    key, header, (const uint8_t *)claims, strlen(claims), &e);
	ck_assert_ptr_nonnull(jws);
	ck_assert(cjose_jws_export(jws, &text, &e));
	copy = mem_strdup(text);
	(void)cjose_jws_release(jws);
	cjose_header_release(header);
	return copy;
}

#define CLAIMS                                                                 \
	"{\"iss\":\"https://i\",\"aud\":\"relay\",\"email\":\"a@b.test\","     \
	"\"exp\":1800000100}"

static enum token_verdict
check(char *token, const struct jwks *k, char **account)
{
	struct err why = { "" };
	enum token_verdict v =
	    token_check(span_text(token), k, &rules, NOW, account, &why);

	ck_assert_int_eq(v == TOKEN_GOOD, *account != NULL);
	ck_assert_int_eq(v == TOKEN_GOOD, why.text[0] == '\0');
	free(token);
	return v;
}

START_TEST(signatures_are_of_our_keys)
{
	char *account;

	ck_assert_int_eq(
	    check(sign(rsa, "RS256", "r", CLAIMS), keys, &account), TOKEN_GOOD);
	ck_assert_str_eq(account, "a@b.test");
	free(account);
	ck_assert_int_eq(
	    check(sign(rsa, "PS256", NULL, CLAIMS), keys, &account),
	    TOKEN_GOOD);
	free(account);
	ck_assert_int_eq(
	    check(sign(ec, "ES256", "e", CLAIMS), keys, &account), TOKEN_GOOD);
	free(account);
	ck_assert_int_eq(
	    check(sign(other, "RS256", "r", CLAIMS), keys, &account),
	    TOKEN_BAD);
	ck_assert_int_eq(
	    check(sign(other, "RS256", "x", CLAIMS), keys, &account),
	    TOKEN_UNKNOWN_KEY);
	/* A key of another kind. */
	ck_assert_int_eq(check(sign(rsa, "RS256", "e", CLAIMS), keys, &account),
	    TOKEN_UNKNOWN_KEY);
	ck_assert_int_eq(
	    check(sign(rsa, "RS384", "r", CLAIMS), keys, &account), TOKEN_BAD);
}
END_TEST

/* What a relay that takes any algorithm would verify with its own public key. */
START_TEST(a_shared_secret_signs_nothing)
{
	cjose_err e;
	cjose_jwk_t *secret = cjose_jwk_create_oct_spec(
	    (const uint8_t *)"0123456789012345678901234567890123", 32, &e);
	char *account;

	ck_assert_int_eq(
	    check(sign(secret, "HS256", "r", CLAIMS), keys, &account),
	    TOKEN_BAD);
	(void)cjose_jwk_release(secret);
	ck_assert_int_eq(
	    check(mem_strdup("eyJhbGciOiJub25lIn0.e30."), keys, &account),
	    TOKEN_BAD);
	ck_assert_int_eq(check(mem_strdup(""), keys, &account), TOKEN_BAD);
}
END_TEST

static const struct {
	const char *claims;
	bool fine;
} cases[] = {
	{ CLAIMS, true },
	{ "{\"iss\":\"https://i\",\"aud\":[1,\"relay\"],\"email\":\"a\","
	  "\"exp\":1799999941.5}",
	    true },
	{ "{\"iss\":\"https://i\",\"aud\":\"relay\",\"email\":\"a\","
	  "\"exp\":1799999940}",
	    false },
	{ "{\"iss\":\"https://i\",\"aud\":\"relay\",\"email\":\"a\","
	  "\"exp\":1800000100,\"nbf\":1800000060}",
	    true },
	{ "{\"iss\":\"https://i\",\"aud\":\"relay\",\"email\":\"a\","
	  "\"exp\":1800000100,\"nbf\":1800000061}",
	    false },
	{ "{\"iss\":\"https://i\",\"aud\":\"relay\",\"email\":\"a\"}", false },
	{ "{\"iss\":\"https://i/\",\"aud\":\"relay\",\"email\":\"a\","
	  "\"exp\":1800000100}",
	    false },
	{ "{\"aud\":\"relay\",\"email\":\"a\",\"exp\":1800000100}", false },
	{ "{\"iss\":\"https://i\",\"aud\":\"Relay\",\"email\":\"a\","
	  "\"exp\":1800000100}",
	    false },
	{ "{\"iss\":\"https://i\",\"email\":\"a\",\"exp\":1800000100}", false },
	{ "{\"iss\":\"https://i\",\"aud\":\"relay\",\"email\":\"\","
	  "\"exp\":1800000100}",
	    false },
	{ "{\"iss\":\"https://i\",\"aud\":\"relay\",\"exp\":1800000100}",
	    false },
	{ "{\"iss\":\"https://i\",\"aud\":\"relay\",\"email\":\"a\","
	  "\"email_verified\":false,\"exp\":1800000100}",
	    false },
	/* Two of a name: who reads the other one reads another account. */
	{ "{\"iss\":\"https://i\",\"aud\":\"relay\",\"email\":\"b\","
	  "\"email\":\"a\",\"exp\":1800000100}",
	    false },
	{ "[]", false },
	{ "no json", false },
};

START_TEST(claims_are_for_us_and_now)
{
	char *account;
	enum token_verdict v =
	    check(sign(rsa, "RS256", "r", cases[_i].claims), keys, &account);

	ck_assert_msg(
	    (v == TOKEN_GOOD) == cases[_i].fine, "%s", cases[_i].claims);
	free(account);
}
END_TEST

static const struct {
	const char *json;
	bool fine;
} introspected[] = {
	{ "{\"active\":true,\"email\":\"a\"}", true },
	{ "{\"active\":true,\"email\":\"a\",\"iss\":\"https://i\","
	  "\"aud\":\"relay\",\"exp\":1800000100}",
	    true },
	{ "{\"active\":false,\"email\":\"a\"}", false },
	{ "{\"active\":\"true\",\"email\":\"a\"}", false },
	{ "{\"email\":\"a\"}", false },
	{ "{\"active\":true}", false },
	{ "{\"active\":true,\"email\":\"a\",\"iss\":\"https://j\"}", false },
	{ "{\"active\":true,\"email\":\"a\",\"aud\":\"x\"}", false },
	{ "{\"active\":true,\"email\":\"a\",\"exp\":1}", false },
	{ "", false },
};

START_TEST(what_a_server_says_of_a_token)
{
	struct err why = { "" };
	char *account;
	enum token_verdict v = token_check_introspected(
	    span_text(introspected[_i].json), &rules, NOW, &account, &why);

	ck_assert_msg((v == TOKEN_GOOD) == introspected[_i].fine, "%s",
	    introspected[_i].json);
	free(account);
}
END_TEST

START_TEST(what_is_no_set_of_keys)
{
	static const char *const texts[] = { "", "{}", "[]", "{\"keys\":{}}",
		"{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"YQ\"}]}",
		"{\"keys\":[{\"kty\":\"RSA\"}]}", "{\"keys\":[1,null]}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err err = { "" };

		ck_assert_ptr_null(jwks_parse(span_text(texts[i]), &err));
		ck_assert(err.text[0] != '\0');
	}
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, signatures_are_of_our_keys);
	tcase_add_test(tc, a_shared_secret_signs_nothing);
	tcase_add_loop_test(tc, claims_are_for_us_and_now, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(
	    tc, what_a_server_says_of_a_token, 0, ARRAY_LEN(introspected));
	tcase_add_test(tc, what_is_no_set_of_keys);
}

SUITE_MAIN("token", fill)
