#include "tests/lib/suite.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/buf.h"
#include "sign/key.h"

static struct err err;

static struct key *
make(enum key_algorithm a)
{
	struct key *k =
	    key_make(a, SPAN("b.test"), SPAN("one"), 1795816800, &err);

	ck_assert_msg(k != NULL, "%s", err.text);
	return k;
}

START_TEST(a_key_is_written_and_read)
{
	struct key *k = make((enum key_algorithm)_i), *again, *next;
	struct buf text = { 0 };

	next = key_in_state(k, KEY_ACTIVE, 1795820400);
	ck_assert_int_eq(key_write(next, &text, &err), 0);
	ck_assert(key_is_file_of_ours(buf_span(&text)));
	again = key_parse(buf_span(&text), &err);
	ck_assert_msg(again != NULL, "%s", err.text);
	ck_assert_str_eq(key_domain(again), "b.test");
	ck_assert_str_eq(key_selector(again), "one");
	ck_assert_str_eq(key_name(again), "one._domainkey.b.test");
	ck_assert_str_eq(key_record(again), key_record(k));
	ck_assert_int_eq(key_algorithm(again), _i);
	ck_assert_int_eq(key_state(again), KEY_ACTIVE);
	ck_assert_int_eq(key_made(again), 1795816800);
	ck_assert_int_eq(key_since(again), 1795820400);
	key_unref(k);
	key_unref(next);
	key_unref(again);
	buf_clear(&text);
}
END_TEST

START_TEST(what_is_no_key_says_so)
{
	static const char *const texts[] = { "", "junk",
		"-----BEGIN PRIVATE KEY-----\nMC4=\n", "Postern DKIM key\n",
		"Postern DKIM key\ndomain: b.test\nselector: one\n"
		"state: active\nmade: 1\nsince: 2\n",
		"Postern DKIM key\ndomain: b.test\nselector: one\n"
		"state: odd\nmade: 1\nsince: 2\n-----BEGIN PRIVATE KEY-----\n",
		"Postern DKIM key\ndomain: b.test\nselector: one\n"
		"state: active\nmade: 1\nsince: 2\n"
		"-----BEGIN PRIVATE KEY-----\nMC4=\n"
		"-----END PRIVATE KEY-----\n" };

	err.text[0] = '\0';
	ck_assert_ptr_null(key_parse(span_text(texts[_i]), &err));
	ck_assert_uint_gt(strlen(err.text), 10);
}
END_TEST

/* RFC 8301 3.2 */
START_TEST(a_short_rsa_key_is_refused)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)512);
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf text = { 0 };
	char *pem;
	long len;

	ck_assert_int_eq(
	    PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL),
	    1);
	len = BIO_get_mem_data(bio, &pem);
	(void)buf_append_text(&text,
	    "Postern DKIM key\ndomain: b.test\nselector: one\n"
	    "state: active\nmade: 1\nsince: 2\n");
	(void)buf_append(&text, pem, (size_t)len);
	ck_assert_ptr_null(key_parse(buf_span(&text), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "a key of 512 bits"));
	buf_clear(&text);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}
END_TEST

/* RFC 8463 A.2: this key, and what its record has. */
START_TEST(the_example_of_ed25519_has_its_record)
{
	static const char text[] =
	    "Postern DKIM key\ndomain: football.example.com\n"
	    "selector: brisbane\nstate: active\nmade: 1\nsince: 2\n"
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	    "-----END PRIVATE KEY-----\n";
	struct key *k = key_parse(span_text(text), &err);

	ck_assert_msg(k != NULL, "%s", err.text);
	ck_assert_str_eq(key_record(k),
	    "v=DKIM1; k=ed25519; "
	    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
	key_unref(k);
}
END_TEST

START_TEST(it_signs)
{
	struct key *k = make((enum key_algorithm)_i);
	unsigned char hash[32] = { 1 }, out[KEY_SIGNATURE_MAX];

	ck_assert_uint_eq(key_sign(k, hash, out), _i == KEY_RSA ? 256u : 64u);
	key_unref(k);
}
END_TEST

START_TEST(uses_are_counted_over_its_states)
{
	struct key *k = make(KEY_ED25519), *next;
	struct key *other = make(KEY_ED25519);

	key_use(k);
	next = key_in_state(k, KEY_RETIRING, 5);
	ck_assert_uint_eq(key_uses(next), 1);
	key_share_use(other, k);
	key_unuse(k);
	ck_assert_uint_eq(key_uses(next), 0);
	key_use(next);
	key_unref(k);
	key_unref(next);
	ck_assert_uint_eq(key_uses(other), 1);
	key_unref(other);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_key_is_written_and_read, 0, KEY_ALGORITHMS);
	tcase_add_loop_test(tc, what_is_no_key_says_so, 0, 7);
	tcase_add_test(tc, a_short_rsa_key_is_refused);
	tcase_add_test(tc, the_example_of_ed25519_has_its_record);
	tcase_add_loop_test(tc, it_signs, 0, KEY_ALGORITHMS);
	tcase_add_test(tc, uses_are_counted_over_its_states);
}

SUITE_MAIN("key", fill)
