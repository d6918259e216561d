#include "tests/lib/suite.h"

#include <openssl/evp.h>
#include <string.h>

#include "smtp/base64.h"
#include "src/auth/auth_priv.h"

#define AUTH_MESSAGE                                                           \
	"n=user,r=rOprNGfwEbeRWgbNEkqO,"                                       \
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"                \
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"                                   \
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"

static void
decode(const char *text, unsigned char *out, size_t size)
{
	size_t len;

	ck_assert(base64_decode_into(span_text(text), out, size, &len));
	ck_assert_uint_eq(len, size);
}

/* RFC 7677 section 3: user `user`, password `pencil`. */
START_TEST(the_example_of_rfc_7677_holds)
{
	struct user u = { .iterations = 4096, .salt_len = 16 };
	unsigned char mac[USERS_KEY_LEN], client[USERS_KEY_LEN];
	unsigned char proof[USERS_KEY_LEN], want[USERS_KEY_LEN];

	decode("W22ZaJ0SNY7soEsUEjb6gQ==", u.salt, 16);
	ck_assert(user_derive(&u, SPAN("pencil")));
	/* The server's signature. */
	ck_assert(hmac_sha256(span_make((char *)u.server_key, USERS_KEY_LEN),
	    SPAN(AUTH_MESSAGE), mac));
	decode(
	    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", want, sizeof want);
	ck_assert_mem_eq(mac, want, sizeof want);
	/* The client's proof leads to the stored key. */
	ck_assert(hmac_sha256(span_make((char *)u.stored_key, USERS_KEY_LEN),
	    SPAN(AUTH_MESSAGE), mac));
	decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof,
	    sizeof proof);
	for (size_t i = 0; i < sizeof client; i++)
		client[i] = proof[i] ^ mac[i];
	ck_assert_int_eq(
	    EVP_Digest(client, sizeof client, mac, NULL, EVP_sha256(), NULL),
	    1);
	ck_assert_mem_eq(mac, u.stored_key, sizeof mac);
}
END_TEST

START_TEST(a_password_is_right_or_wrong)
{
	struct user u = { 0 };
	struct err err;

	ck_assert_int_eq(user_set_password(&u, SPAN("secret"), 4096, &err), 0);
	ck_assert_uint_eq(u.iterations, 4096);
	ck_assert_uint_eq(u.salt_len, 16);
	ck_assert(user_check_password(&u, SPAN("secret")));
	ck_assert(!user_check_password(&u, SPAN("Secret")));
	ck_assert(!user_check_password(&u, SPAN("secret ")));
	ck_assert(!user_check_password(&u, SPAN("")));
	ck_assert(!user_check_password(&u, SPAN("secret\0x")));
}
END_TEST

START_TEST(each_salt_is_fresh)
{
	struct user a = { 0 }, b = { 0 };
	struct err err;

	ck_assert_int_eq(user_set_password(&a, SPAN("secret"), 4096, &err), 0);
	ck_assert_int_eq(user_set_password(&b, SPAN("secret"), 4096, &err), 0);
	ck_assert_mem_ne(a.salt, b.salt, 16);
	ck_assert_mem_ne(a.stored_key, b.stored_key, USERS_KEY_LEN);
}
END_TEST

START_TEST(passwords_have_bounds)
{
	struct user u = { 0 };
	struct err err = { "" };
	char longest[PASSWORD_MAX + 1];

	memset(longest, 'x', sizeof longest);
	ck_assert_int_lt(user_set_password(&u, SPAN(""), 4096, &err), 0);
	ck_assert_int_lt(user_set_password(&u, SPAN("a\0b"), 4096, &err), 0);
	ck_assert_int_lt(user_set_password(&u,
			     span_make(longest, PASSWORD_MAX + 1), 4096, &err),
	    0);
	ck_assert_ptr_nonnull(strstr(err.text, "password"));
	ck_assert_int_eq(
	    user_set_password(&u, span_make(longest, PASSWORD_MAX), 4096, &err),
	    0);
	ck_assert(user_check_password(&u, span_make(longest, PASSWORD_MAX)));
	ck_assert(
	    !user_check_password(&u, span_make(longest, PASSWORD_MAX + 1)));
}
END_TEST

static uint64_t clock_ms;

static uint64_t
fake_now(void)
{
	return clock_ms;
}

START_TEST(a_right_password_is_remembered_for_a_while)
{
	struct user ann = { .name = (char *)"Ann", .salt_len = 8 };
	struct user bob = { .name = (char *)"bob", .salt_len = 8 };
	struct remember r = { 0 };

	clock_ms = 1000;
	remember_init(&r);
	r.now = fake_now;
	ck_assert(!remember_check(&r, &ann, SPAN("secret")));
	remember_add(&r, &ann, SPAN("secret"), 60);
	ck_assert(remember_check(&r, &ann, SPAN("secret")));
	ck_assert(!remember_check(&r, &ann, SPAN("secrets")));
	ck_assert(!remember_check(&r, &bob, SPAN("secret")));
	clock_ms = 60999;
	ck_assert(remember_check(&r, &ann, SPAN("secret")));
	clock_ms = 61000;
	ck_assert(!remember_check(&r, &ann, SPAN("secret")));
	ck_assert_uint_eq(r.hits, 2);
	remember_clear(&r);
}
END_TEST

START_TEST(a_changed_entry_is_not_remembered)
{
	struct user ann = { .name = (char *)"ann", .salt_len = 8 };
	struct remember r = { 0 };

	remember_init(&r);
	remember_add(&r, &ann, SPAN("secret"), 60);
	ann.stored_key[3] ^= 1;
	ck_assert(!remember_check(&r, &ann, SPAN("secret")));
	ann.stored_key[3] ^= 1;
	ck_assert(remember_check(&r, &ann, SPAN("secret")));
	remember_reset(&r);
	ck_assert(!remember_check(&r, &ann, SPAN("secret")));
	remember_add(&r, &ann, SPAN("secret"), 60);
	remember_add(&r, &ann, SPAN("other"), 60);
	ck_assert(!remember_check(&r, &ann, SPAN("secret")));
	ck_assert(remember_check(&r, &ann, SPAN("other")));
	remember_add(&r, &ann, SPAN("other"), 0);
	ck_assert(remember_check(&r, &ann, SPAN("other")));
	remember_clear(&r);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, the_example_of_rfc_7677_holds);
	tcase_add_test(tc, a_password_is_right_or_wrong);
	tcase_add_test(tc, each_salt_is_fresh);
	tcase_add_test(tc, passwords_have_bounds);
	tcase_add_test(tc, a_right_password_is_remembered_for_a_while);
	tcase_add_test(tc, a_changed_entry_is_not_remembered);
}

SUITE_MAIN("password", fill)
