#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sign/key.h"
#include "sign/keyring.h"
#include "sign/keys.h"

static struct key *
make(const char *domain, const char *selector, enum key_algorithm a,
    enum key_state s, int64_t made)
{
	struct err err;
	/* Ed25519 takes no time; RSA is asked for where it matters. */
	struct key *k =
	    key_make(a, span_text(domain), span_text(selector), made, &err);
	struct key *next = key_in_state(k, s, made);

	key_unref(k);
	return next;
}

static struct keyring *
ring(void)
{
	struct key **all = mem_zalloc(6, sizeof *all);

	all[0] = make("b.test", "old", KEY_ED25519, KEY_ACTIVE, 100);
	all[1] = make("b.test", "new", KEY_ED25519, KEY_ACTIVE, 200);
	all[2] = make("b.test", "next", KEY_ED25519, KEY_WAITING, 300);
	all[3] = make("b.test", "rsa", KEY_RSA, KEY_ACTIVE, 100);
	all[4] = make("gone.test", "one", KEY_ED25519, KEY_RETIRED, 100);
	all[5] = make("a.co.uk", "one", KEY_ED25519, KEY_ACTIVE, 100);
	return keyring_new_take(all, 6);
}

static const struct {
	const char *domain, *want;
} cases[] = {
	{ "b.test", "rsa new" },
	{ "x.b.test", "rsa new" },
	{ "y.x.b.test", "rsa new" },
	{ "cb.test", "" },
	{ "test", "" },
	{ "gone.test", "" },
	{ "a.co.uk", "one" },
	{ "www.a.co.uk", "one" },
	{ "b.co.uk", "" },
	{ "co.uk", "" },
	{ "uk", "" },
	{ "", "" },
};

START_TEST(who_signs_for_whom)
{
	struct keyring *r = ring();
	struct key *got[KEYRING_SIGNERS_MAX];
	unsigned n = keyring_signers(r, cases[_i].domain, got);
	char text[100] = "";

	for (unsigned i = 0; i < n; i++)
		(void)snprintf(text + strlen(text), 50, "%s%s",
		    i > 0 ? " " : "", key_selector(got[i]));
	ck_assert_str_eq(text, cases[_i].want);
	keyring_unref(r);
}
END_TEST

/* A key of a public suffix would sign for everybody below it. */
START_TEST(nobody_signs_from_above_the_organisation)
{
	struct key **all = mem_zalloc(1, sizeof *all);
	struct key *got[KEYRING_SIGNERS_MAX];
	struct keyring *r;

	all[0] = make("co.uk", "one", KEY_ED25519, KEY_ACTIVE, 100);
	r = keyring_new_take(all, 1);
	ck_assert_uint_eq(keyring_signers(r, "a.co.uk", got), 0);
	ck_assert_uint_eq(keyring_signers(r, "b.a.co.uk", got), 0);
	keyring_unref(r);
	ck_assert_str_eq(organisational_domain("x.y.a.co.uk"), "a.co.uk");
}
END_TEST

START_TEST(a_domain_s_newest_is_its_first)
{
	struct keyring *r = ring();

	ck_assert_uint_eq(keyring_count(r), 6);
	ck_assert_str_eq(key_domain(keyring_at(r, 0)), "a.co.uk");
	ck_assert_str_eq(key_selector(keyring_at(r, 1)), "next");
	ck_assert_str_eq(key_selector(keyring_at(r, 2)), "new");
	ck_assert_ptr_eq(keyring_get(r, "b.test", "new"), keyring_at(r, 2));
	ck_assert_ptr_null(keyring_get(r, "b.test", "none"));
	ck_assert_ptr_null(keyring_get(r, "none.test", "new"));
	keyring_unref(r);
}
END_TEST

START_TEST(what_is_in_force_is_taken_by_all)
{
	struct keys *k = keys_new();
	struct keyring *r = keys_take(k);
	uint32_t before = keys_generation(k);

	ck_assert_uint_eq(keyring_count(r), 0);
	ck_assert(!keys_are_any(k) && !keys_are_active(k));
	keyring_unref(r);
	keys_set_take(k, ring());
	ck_assert(keys_are_any(k) && keys_are_active(k));
	ck_assert_uint_ne(keys_generation(k), before);
	ck_assert(!keys_are_any(NULL) && !keys_are_active(NULL));
	keys_free(k);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, who_signs_for_whom, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, nobody_signs_from_above_the_organisation);
	tcase_add_test(tc, a_domain_s_newest_is_its_first);
	tcase_add_test(tc, what_is_in_force_is_taken_by_all);
}

SUITE_MAIN("keyring", fill)
