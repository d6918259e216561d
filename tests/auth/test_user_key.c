/* Keys of accounts: their line, what they are narrowed to, and which one it is. */
#include "tests/lib/suite.h"

#include <string.h>

#include "auth/user_key.h"
#include "base/buf.h"
#include "src/auth/auth_priv.h"

#define K32 "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
#define SCRAM "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" K32 ":" K32
#define SECRETS "KEY-SHA-256$" K32 "$" SCRAM

static const struct {
	const char *name, *text, *want; /* the beginning of what is wrong */
} lines[] = {
	{ "ann#a", SECRETS, NULL },
	{ "ann@b.test#Lap-top_2.x", SECRETS " made=2026-11-28T07:38:06Z",
	    NULL },
	{ "ann#b#a", SECRETS, NULL },
	{ "ann#a",
	    SECRETS " send-as=a@b.test,*@c.test,$login,$login+* network=::1,"
		    "10.0.0.0/8 expires=2027-03-02T00:00:00Z",
	    NULL },
	{ "ann", SECRETS, "bad name of a key" },
	{ "#a", SECRETS, "bad name of a key" },
	{ "ann#", SECRETS, "bad name of a key" },
	{ "ann#a/b", SECRETS, "bad name of a key" },
	{ "ann#\xc3\xb6", SECRETS, "bad name of a key" },
	{ "ann#a", SCRAM, "unknown kind of key" },
	{ "ann#a", "", "unknown kind of key" },
	{ "ann#a", "KEY-SHA-256$$" SCRAM, "bad digest" },
	{ "ann#a", "KEY-SHA-256$AAAA$" SCRAM, "bad digest" },
	{ "ann#a", "KEY-SHA-256$" K32, "unknown kind of password" },
	{ "ann#a", "KEY-SHA-256$" K32 "$" SCRAM "x", "bad key" },
	{ "ann#a", SECRETS " suspended", "something behind the key" },
	{ "ann#a", SECRETS "  made=2026-11-28T07:38:06Z", "something behind" },
	{ "ann#a", SECRETS " made=", "made: expected a time" },
	{ "ann#a",
	    SECRETS " made=2026-11-28T07:38:06Z made=2026-11-28T07:38:06Z",
	    "made twice" },
	{ "ann#a", SECRETS " send-as=", "send-as: expected addresses" },
	{ "ann#a", SECRETS " send-as=a@b.test,",
	    "send-as: expected addresses" },
	{ "ann#a", SECRETS " send-as=,a@b.test", "send-as: expected $login" },
	{ "ann#a", SECRETS " send-as=ann", "send-as: expected $login" },
	{ "ann#a", SECRETS " send-as=a*@b.test", "send-as: expected $login" },
	{ "ann#a", SECRETS " send-as=a@b.test send-as=b@b.test",
	    "send-as twice" },
	{ "ann#a", SECRETS " network=", "network: expected networks" },
	{ "ann#a", SECRETS " network=::1,", "network: expected networks" },
	{ "ann#a", SECRETS " network=10.0.0.0/33", "network: expected addr" },
	{ "ann#a", SECRETS " network=1,2", "network: expected addr" },
	{ "ann#a",
	    SECRETS " network=::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,"
		    "::1,::1,::1,::1,::1",
	    "network: more than 16" },
	{ "ann#a", SECRETS " network=::1 network=::2", "network twice" },
	{ "ann#a", SECRETS " expires=tomorrow", "expires: expected a day" },
	{ "ann#a", SECRETS " expires=2027-02-29", "expires: expected a day" },
	{ "ann#a", SECRETS " expires=2027-03-01 expires=2027-03-02",
	    "expires twice" },
};

START_TEST(a_line_is_read_or_what_is_wrong_is_said)
{
	struct user_key k;
	const char *wrong = user_key_parse(
	    span_text(lines[_i].name), span_text(lines[_i].text), &k);
	struct buf out = { 0 };

	if (lines[_i].want != NULL) {
		ck_assert_msg(
		    wrong != NULL, "%s %s", lines[_i].name, lines[_i].text);
		ck_assert_msg(
		    strncmp(wrong, lines[_i].want, strlen(lines[_i].want)) == 0,
		    "%s\n got: %s\nwant: %s", lines[_i].text, wrong,
		    lines[_i].want);
		return;
	}
	ck_assert_msg(wrong == NULL, "%s: %s", lines[_i].text, wrong);
	ck_assert_str_eq(k.name, lines[_i].name);
	ck_assert_str_eq(k.label, strrchr(lines[_i].name, '#') + 1);
	/* What is written is what was read. */
	user_key_format(&k, &out);
	ck_assert(span_equal(buf_span(&out), span_text(lines[_i].text)));
	buf_clear(&out);
	user_key_clear(&k);
}
END_TEST

START_TEST(a_day_is_the_last_one)
{
	struct user_key k = { 0 };

	ck_assert_ptr_null(user_key_set_expires(&k, SPAN("2001-09-09")));
	ck_assert_ptr_null(user_key_why_not(&k, NULL, 999993599999 + 86400000));
	ck_assert_ptr_nonnull(
	    user_key_why_not(&k, NULL, 999993600000 + 86400000));
	k.expires = 0;
	ck_assert_ptr_null(
	    user_key_set_expires(&k, SPAN("2001-09-09T03:46:40+02:00")));
	ck_assert_int_eq(k.expires, 1000000000000);
	ck_assert_ptr_null(user_key_why_not(&k, NULL, 999999999999));
	ck_assert_str_eq(
	    user_key_why_not(&k, NULL, 1000000000000), "the key has expired");
	user_key_clear(&k);
}
END_TEST

static const struct {
	const char *networks, *from;
	bool may;
} places[] = {
	{ "192.0.2.0/24", "192.0.2.7", true },
	{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
	{ "192.0.2.0/24", "192.0.3.7", false },
	{ "192.0.2.0/24", "2001:db8::1", false },
	{ "192.0.2.0/24,2001:db8::/32", "2001:db8::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "192.0.2.7", "192.0.2.7", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "192.0.2.7", true },
	{ "::/0", "", false },
	{ "::/0", NULL, false },
	{ "::/0", "192.0.2.0/24x", false },
};

START_TEST(a_network_is_where_it_logs_in)
{
	struct user_key k = { 0 };
	const char *wrong =
	    user_key_set_network(&k, span_text(places[_i].networks));

	ck_assert_msg(wrong == NULL, "%s", wrong);
	ck_assert_msg((user_key_why_not(&k, places[_i].from, 1) == NULL) ==
			  places[_i].may,
	    "%s %s", places[_i].networks, places[_i].from);
	user_key_clear(&k);
}
END_TEST

START_TEST(each_is_another_and_is_found_by_its_text)
{
	struct user_key keys[3] = { { 0 } };
	struct user u = { .keys = keys, .nkeys = 3 };
	char text[3][USER_KEY_TEXT_SIZE];
	struct err err;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(user_key_make(&keys[i], text[i], &err), 0);
		ck_assert_uint_eq(strlen(text[i]), 36);
		ck_assert_int_eq(strncmp(text[i], "pst_", 4), 0);
		ck_assert_uint_eq(
		    strspn(text[i] + 4, "abcdefghijklmnopqrstuvwxyz234567"),
		    32);
		ck_assert_uint_ge(keys[i].scram.iterations, 4096);
		ck_assert(
		    user_check_password(&keys[i].scram, span_text(text[i])));
	}
	ck_assert_str_ne(text[0], text[1]);
	for (int i = 0; i < 3; i++) {
		struct span key = span_text(text[i]);

		ck_assert_ptr_eq(user_key_find(&u, NULL, key), &keys[i]);
		ck_assert_ptr_eq(user_key_find(&u, &keys[i], key), &keys[i]);
		ck_assert_ptr_null(user_key_find(&u, &keys[(i + 1) % 3], key));
		ck_assert_ptr_null(user_key_find(&u, NULL, span_from(key, 1)));
		ck_assert_ptr_null(user_key_find(&u, NULL, span_to(key, 35)));
	}
	ck_assert_ptr_null(user_key_find(&u, NULL, SPAN("")));
	u.nkeys = 0;
	ck_assert_ptr_null(user_key_find(&u, NULL, span_text(text[0])));
	for (int i = 0; i < 3; i++)
		user_key_clear(&keys[i]);
}
END_TEST

/* RFC 4648 section 10, as far as whole groups go: through what is made of it. */
START_TEST(all_bits_of_a_key_are_random)
{
	unsigned seen[32] = { 0 };
	struct err err;

	for (int i = 0; i < 50; i++) {
		struct user_key k = { 0 };
		char text[USER_KEY_TEXT_SIZE];

		ck_assert_int_eq(user_key_make(&k, text, &err), 0);
		for (int c = 0; c < 32; c++)
			if (text[4 + c] != 'a')
				seen[c]++;
		user_key_clear(&k);
	}
	/* Each place has another letter than the first one, now and then. */
	for (int c = 0; c < 32; c++)
		ck_assert_uint_gt(seen[c], 30);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_line_is_read_or_what_is_wrong_is_said, 0,
	    (int)ARRAY_LEN(lines));
	tcase_add_test(tc, a_day_is_the_last_one);
	tcase_add_loop_test(
	    tc, a_network_is_where_it_logs_in, 0, (int)ARRAY_LEN(places));
	tcase_add_test(tc, each_is_another_and_is_found_by_its_text);
	tcase_add_test(tc, all_bits_of_a_key_are_random);
}

SUITE_MAIN("user_key", fill)
