/* The users file: its form, its mode, and the operator's changes to it. */
#include "tests/lib/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/auth/auth_priv.h"

#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define KEY "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
#define APP "KEY-SHA-256$" KEY "$" KEYS
#define KEYS "SCRAM-SHA-256$4096:" SALT "$" KEY ":" KEY

START_TEST(accounts_are_read)
{
	static const char text[] = "# who may send\n"
				   "\n"
				   "zoe@b.test " KEYS "\n"
				   "Ann " KEYS " suspended\n"
				   "   \n"
				   "j\xc3\xb6rg " KEYS;
	struct err err = { "" };
	struct users *u = users_parse(SPAN(text), "users", &err);
	const struct user *ann;

	ck_assert_msg(u != NULL, "%s", err.text);
	ck_assert_uint_eq(users_count(u), 3);
	ann = users_find(u, SPAN("aNN"));
	ck_assert_ptr_nonnull(ann);
	ck_assert_ptr_eq(ann, users_at(u, 0));
	ck_assert_str_eq(ann->name, "Ann");
	ck_assert(ann->suspended);
	ck_assert_uint_eq(ann->iterations, 4096);
	ck_assert_uint_eq(ann->salt_len, 16);
	ck_assert_uint_eq(ann->salt[0], 0x5b);
	ck_assert_uint_eq(ann->stored_key[0], 0xea);
	ck_assert_uint_eq(ann->server_key[31], 0x6e);
	ck_assert(!users_find(u, SPAN("zoe@b.test"))->suspended);
	ck_assert_ptr_nonnull(users_find(u, SPAN("j\xc3\xb6rg")));
	ck_assert_ptr_null(users_find(u, SPAN("an")));
	ck_assert_ptr_null(users_find(u, SPAN("anna")));
	ck_assert_ptr_null(users_find(u, SPAN("")));
	users_free(u);
}
END_TEST

START_TEST(keys_are_their_account_s)
{
	/* An account of an older file may have a # in its name. */
	static const char text[] =
	    "ann#phone " APP " made=2026-11-28T07:38:06Z\n"
	    "ann#b " KEYS "\n"
	    "zoe " KEYS "\n"
	    "Ann " KEYS " suspended\n"
	    "ANN#Car " APP "\n"
	    "ann#b#phone " APP "\n";
	struct err err = { "" };
	struct users *u = users_parse(SPAN(text), "users", &err);
	const struct user *ann, *owner;

	ck_assert_msg(u != NULL, "%s", err.text);
	ck_assert_uint_eq(users_count(u), 3);
	ann = users_find(u, SPAN("ann"));
	ck_assert_uint_eq(ann->nkeys, 2);
	ck_assert_str_eq(ann->keys[0].label, "Car");
	ck_assert_str_eq(ann->keys[1].label, "phone");
	ck_assert_uint_eq(users_find(u, SPAN("zoe"))->nkeys, 0);
	ck_assert_ptr_eq(
	    users_find_key(u, SPAN("aNN#PHONE"), &owner), &ann->keys[1]);
	ck_assert_ptr_eq(owner, ann);
	ck_assert_ptr_null(users_find_key(u, SPAN("zoe#phone"), &owner));
	ck_assert_ptr_null(owner);
	ck_assert_ptr_null(users_find_key(u, SPAN("ann"), &owner));
	ck_assert_ptr_null(users_find_key(u, SPAN("ann#phon"), &owner));
	ck_assert_ptr_nonnull(users_find(u, SPAN("ann#b")));
	ck_assert_ptr_null(users_find_key(u, SPAN("ann#b"), &owner));
	ck_assert_ptr_nonnull(users_find_key(u, SPAN("ann#b#phone"), &owner));
	ck_assert_str_eq(owner->name, "ann#b");
	users_free(u);
}
END_TEST

START_TEST(a_name_that_a_line_cannot_begin_with_is_none)
{
	ck_assert(users_name_is_valid(SPAN("j\xc3\xb6rg")));
	ck_assert(!users_name_is_valid(SPAN("#ann")));
	ck_assert(!users_name_is_valid(SPAN("\xef\xbb\xbf"
					    "ann")));
}
END_TEST

START_TEST(a_file_may_be_empty)
{
	struct err err = { "" };
	struct users *u = users_parse(SPAN(""), "users", &err);

	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(users_count(u), 0);
	ck_assert_ptr_null(users_find(u, SPAN("ann")));
	users_free(u);
}
END_TEST

static const struct {
	const char *text, *want;
} bad[] = {
	{ "ann", "users:1: unknown kind of password" },
	{ "ann secret", "users:1: unknown kind" },
	{ "\xef\xbb\xbf"
	  "ann " KEYS,
	    "users:1: begins with a byte order mark" },
	{ "ann " KEYS " suspended\r\n",
	    "users:1: a line end of another system" },
	{ "ann SCRAM-SHA-1$4096:" SALT "$" KEY ":" KEY, "users:1: unknown" },
	{ "\n# x\nann {plain}x", "users:3: unknown" },
	{ " ann " KEYS, "users:1: bad name" },
	{ "a\tb " KEYS, "users:1: bad name" },
	{ "a\x01 " KEYS, "users:1: bad name" },
	{ "ann  " KEYS, "users:1: unknown kind" },
	{ "ann SCRAM-SHA-256$:" SALT "$" KEY ":" KEY,
	    "users:1: bad iteration" },
	{ "ann SCRAM-SHA-256$4095:" SALT "$" KEY ":" KEY, "users:1: bad iter" },
	{ "ann SCRAM-SHA-256$9999999:" SALT "$" KEY ":" KEY,
	    "users:1: bad iter" },
	{ "ann SCRAM-SHA-256$-4096:" SALT "$" KEY ":" KEY,
	    "users:1: bad iter" },
	{ "ann SCRAM-SHA-256$4096:$" KEY ":" KEY, "users:1: bad salt" },
	{ "ann SCRAM-SHA-256$4096:AAAA$" KEY ":" KEY, "users:1: bad salt" },
	{ "ann SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ$" KEY ":" KEY,
	    "users:1: bad salt" },
	{ "ann SCRAM-SHA-256$4096:" KEY "$" SALT ":" KEY, "users:1: bad key" },
	{ "ann SCRAM-SHA-256$4096:" SALT "$" KEY, "users:1: bad key" },
	{ "ann SCRAM-SHA-256$4096:" SALT "$" KEY ":", "users:1: bad key" },
	{ "ann SCRAM-SHA-256$4096:" SALT "$" KEY ":" KEY ":",
	    "users:1: bad key" },
	{ "ann " KEYS " disabled", "users:1: something behind" },
	{ "ann " KEYS " suspended ", "users:1: something behind" },
	{ "ann " KEYS "\r\n", "users:1: a line end of another system" },
	{ "ann#a " APP, "users: the key ann#a is of no account that is there" },
	{ "ann " KEYS "\nann#a " APP " x",
	    "users:2: something behind the key" },
	{ "ann#a/b " APP, "users:1: bad name of a key" },
	{ "ann " KEYS "\nann#a " APP "\nANN#A " APP,
	    "users: the key ANN#A is there twice" },
	{ "ann " KEYS "\nann#a " APP "\nann#a " KEYS,
	    "users: ann#a is an account and a key" },
	{ "ann " KEYS "\nbob " KEYS "\nANN " KEYS "\n",
	    "users: the account ANN is there twice" },
};

START_TEST(mistakes_are_refused_with_their_line)
{
	struct err err = { "" };
	struct users *u = users_parse(span_text(bad[_i].text), "users", &err);

	ck_assert_msg(u == NULL, "accepted: %s", bad[_i].text);
	/* qsort() may leave either of two equal names in front. */
	for (char *c = err.text;
	     strstr(err.text, "twice") != NULL && *c != '\0'; c++)
		if (strncmp(c, "ann", 3) == 0)
			memcpy(c, strstr(c, "#a") == c + 3 ? "ANN#A" : "ANN",
			    strstr(c, "#a") == c + 3 ? 5 : 3);
	ck_assert_msg(
	    strncmp(err.text, bad[_i].want, strlen(bad[_i].want)) == 0,
	    "%s\n got: %s\nwant: %s", bad[_i].text, err.text, bad[_i].want);
	ck_assert_ptr_null(strstr(err.text, SALT));
	ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

static char folder[64], path[128];

static void
open_folder(void)
{
	(void)strcpy(folder, "/tmp/test_users.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/users", folder);
}

static void
remove_folder(void)
{
	char lock[160];

	(void)snprintf(lock, sizeof lock, "%s.lock", path);
	(void)unlink(lock);
	(void)unlink(path);
	/* Fails, and so does the test, when anything else was left. */
	ck_assert_int_eq(rmdir(folder), 0);
}

static void
write_file(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static const struct {
	mode_t mode;
	bool ok;
} modes[] = {
	{ 0600, true },
	{ 0400, true },
	{ 0640, false },
	{ 0604, false },
	{ 0620, false },
	{ 0601, false },
	{ 0666, false },
};

START_TEST(only_the_owner_may_read_it)
{
	struct err err = { "" };
	struct users *u;

	open_folder();
	write_file("ann " KEYS "\n", modes[_i].mode);
	u = users_read(path, &err);
	remove_folder();
	ck_assert_msg(
	    (u != NULL) == modes[_i].ok, "%04o: %s", modes[_i].mode, err.text);
	if (u == NULL)
		ck_assert_msg(
		    strstr(err.text, "expected 0600") != NULL, "%s", err.text);
	users_free(u);
}
END_TEST

START_TEST(what_is_no_file_is_an_error)
{
	struct err err = { "" };

	ck_assert_ptr_null(users_read("/nonexistent/users", &err));
	ck_assert_str_eq(
	    err.text, "/nonexistent/users: No such file or directory");
	ck_assert_ptr_null(users_read("/dev/null", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "not a file"));
	ck_assert_ptr_null(users_read("/tmp", &err));
}
END_TEST

static int
change(enum users_change_kind what, const char *name, const char *password)
{
	struct users_change c = { .what = what,
		.name = name,
		.password = span_text(password),
		.iterations = 4096 };
	struct err err = { "" };
	int rc = users_change(path, &c, &err);

	if (rc < 0)
		ck_assert_str_ne(err.text, "");
	return rc;
}

static bool
is_right(const char *name, const char *password)
{
	struct err err;
	struct users *users = users_read(path, &err);
	const struct user *u;
	bool ok;

	ck_assert_msg(users != NULL, "%s", err.text);
	u = users_find(users, span_text(name));
	ok = u != NULL && !u->suspended &&
	     user_check_password(u, span_text(password));
	users_free(users);
	return ok;
}

START_TEST(an_account_has_a_life)
{
	struct stat st;

	open_folder();
	ck_assert_int_eq(change(USERS_ADD, "ann@a.test", "one"), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert(is_right("ann@a.test", "one"));
	ck_assert_int_eq(change(USERS_ADD, "ANN@a.test", "x"), -EEXIST);
	ck_assert_int_eq(change(USERS_PASSWD, "Ann@a.test", "two"), 0);
	ck_assert(!is_right("ann@a.test", "one"));
	ck_assert(is_right("ann@a.test", "two"));
	ck_assert_int_eq(change(USERS_SUSPEND, "ann@a.test", ""), 0);
	ck_assert(!is_right("ann@a.test", "two"));
	ck_assert_int_eq(change(USERS_SUSPEND, "ann@a.test", ""), 0);
	ck_assert_int_eq(change(USERS_PASSWD, "ann@a.test", "three"), 0);
	ck_assert(!is_right("ann@a.test", "three"));
	ck_assert_int_eq(change(USERS_RESUME, "ann@a.test", ""), 0);
	ck_assert(is_right("ann@a.test", "three"));
	ck_assert_int_eq(change(USERS_REMOVE, "ann@a.test", ""), 0);
	ck_assert(!is_right("ann@a.test", "three"));
	ck_assert_int_eq(change(USERS_REMOVE, "ann@a.test", ""), -ENOENT);
	ck_assert_int_eq(change(USERS_PASSWD, "ann@a.test", "x"), -ENOENT);
	ck_assert_int_eq(change(USERS_SUSPEND, "ann@a.test", ""), -ENOENT);
	ck_assert_int_eq(change(USERS_RESUME, "ann@a.test", ""), -ENOENT);
	remove_folder();
}
END_TEST

static void
read_text(char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	(void)fclose(f);
}

START_TEST(comments_and_order_stay)
{
	char text[4096];

	open_folder();
	write_file("# first\nzoe " KEYS "\n\n# second\nann " KEYS, 0600);
	ck_assert_int_eq(change(USERS_SUSPEND, "zoe", ""), 0);
	read_text(text, sizeof text);
	ck_assert_str_eq(text, "# first\nzoe " KEYS " suspended\n\n# second\n"
			       "ann " KEYS "\n");
	ck_assert_int_eq(change(USERS_REMOVE, "zoe", ""), 0);
	ck_assert_int_eq(change(USERS_ADD, "bob", "x"), 0);
	read_text(text, sizeof text);
	ck_assert_int_eq(
	    strncmp(text,
		"# first\n\n# second\nann " KEYS "\nbob SCRAM-SHA-256$10000:",
		40),
	    0);
	remove_folder();
}
END_TEST

static int
change_key(enum users_change_kind what, const char *name, const char *label)
{
	char text[USER_KEY_TEXT_SIZE];
	struct user_key k = { 0 };
	struct users_change c = {
		.what = what, .name = name, .label = label, .key = &k
	};
	struct err err = { "" };
	int rc = user_key_make(&k, text, &err);

	ck_assert_int_eq(rc, 0);
	rc = users_change(path, &c, &err);
	if (rc < 0)
		ck_assert_str_ne(err.text, "");
	user_key_clear(&k);
	return rc;
}

/* How many the account has; -1: there is no such account. */
static int
count_keys(const char *name)
{
	struct err err;
	struct users *users = users_read(path, &err);
	const struct user *u;
	int n;

	ck_assert_msg(users != NULL, "%s", err.text);
	u = users_find(users, span_text(name));
	n = u == NULL ? -1 : (int)u->nkeys;
	users_free(users);
	return n;
}

START_TEST(keys_come_and_go)
{
	char before[4096], after[4096];

	open_folder();
	write_file(
	    "# first\nann " KEYS "\nbob " KEYS "\nbob#x " APP "\n", 0600);
	read_text(before, sizeof before);
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "Ann", "a"), 0);
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "ann", "b"), 0);
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "ann", "B"), -EEXIST);
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "zoe", "b"), -ENOENT);
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "ann", "b c"), -EINVAL);
	ck_assert_int_eq(count_keys("ann"), 2);
	/* What is done to the account leaves its keys alone. */
	ck_assert_int_eq(change(USERS_SUSPEND, "ann", ""), 0);
	ck_assert_int_eq(change(USERS_RESUME, "ann", ""), 0);
	ck_assert_int_eq(count_keys("ann"), 2);
	ck_assert_int_eq(change_key(USERS_KEY_REMOVE, "ANN", "A"), 0);
	ck_assert_int_eq(change_key(USERS_KEY_REMOVE, "ann", "a"), -ENOENT);
	ck_assert_int_eq(change_key(USERS_KEY_REMOVE, "zoe", "b"), -ENOENT);
	ck_assert_int_eq(change_key(USERS_KEY_REMOVE, "ann", "b"), 0);
	read_text(after, sizeof after);
	ck_assert_str_eq(before, after);
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "ann", "x"), 0);
	ck_assert_int_eq(change(USERS_REMOVE, "BOB", ""), 0);
	ck_assert_int_eq(count_keys("bob"), -1);
	ck_assert_int_eq(count_keys("ann"), 1);
	ck_assert_int_eq(change(USERS_REMOVE, "ann", ""), 0);
	read_text(after, sizeof after);
	ck_assert_ptr_null(strstr(after, "KEY-SHA-256"));
	ck_assert_ptr_nonnull(strstr(after, USERS_EMPTY));
	remove_folder();
}
END_TEST

START_TEST(an_account_has_so_many_keys)
{
	char label[16];

	open_folder();
	write_file("ann " KEYS "\n", 0600);
	for (int i = 0; i < USERS_KEYS_MOST; i++) {
		(void)snprintf(label, sizeof label, "k%d", i);
		ck_assert_int_eq(change_key(USERS_KEY_ADD, "ann", label), 0);
	}
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "ann", "more"), -E2BIG);
	ck_assert_int_eq(count_keys("ann"), USERS_KEYS_MOST);
	remove_folder();
}
END_TEST

START_TEST(names_of_accounts_and_keys_are_apart)
{
	open_folder();
	write_file("ann " KEYS "\nann#old " KEYS "\n", 0600);
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "ann", "old"), -EEXIST);
	ck_assert_int_eq(change(USERS_ADD, "ann#new", "x"), -EINVAL);
	/* What an older file has goes on. */
	ck_assert_int_eq(change(USERS_PASSWD, "ann#old", "two"), 0);
	ck_assert(is_right("ann#old", "two"));
	ck_assert_int_eq(change_key(USERS_KEY_ADD, "ann#old", "x"), 0);
	ck_assert_int_eq(count_keys("ann#old"), 1);
	ck_assert_int_eq(change(USERS_REMOVE, "ann", ""), 0);
	ck_assert_int_eq(count_keys("ann#old"), 1);
	remove_folder();
}
END_TEST

static const struct {
	const char *text;
	mode_t mode;
	const char *name, *password;
} refused[] = {
	{ "ann " KEYS "\nbroken\n", 0600, "bob", "x" },
	{ "ann " KEYS "\n", 0644, "bob", "x" },
	{ "ann " KEYS "\n", 0600, "bob", "" },
	{ "ann " KEYS "\n", 0600, "", "x" },
	{ "ann " KEYS "\n", 0600, "a b", "x" },
	{ "ann " KEYS "\n", 0600, "#bob", "x" },
	{ "ann " KEYS "\n", 0600, "bob\n", "x" },
};

START_TEST(a_refused_change_leaves_the_file_alone)
{
	char text[4096];

	open_folder();
	write_file(refused[_i].text, refused[_i].mode);
	ck_assert_int_lt(
	    change(USERS_ADD, refused[_i].name, refused[_i].password), 0);
	read_text(text, sizeof text);
	ck_assert_str_eq(text, refused[_i].text);
	remove_folder();
}
END_TEST

START_TEST(what_a_crash_left_is_no_hindrance)
{
	char fresh[160];
	FILE *f;

	open_folder();
	(void)snprintf(fresh, sizeof fresh, "%s.new", path);
	f = fopen(fresh, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs("half a li", f);
	(void)fclose(f);
	ck_assert_int_eq(change(USERS_ADD, "ann", "one"), 0);
	ck_assert(is_right("ann", "one"));
	/* It may be a file of the operator's. */
	ck_assert_int_eq(unlink(fresh), 0);
	remove_folder();
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
	struct users_change c = { .what = USERS_ADD,
		.name = "ann",
		.password = SPAN("x"),
		.iterations = 4096 };
	struct err err = { "" };

	ck_assert_int_eq(users_change("/nonexistent/users", &c, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/users"));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, accounts_are_read);
	tcase_add_test(tc, a_name_that_a_line_cannot_begin_with_is_none);
	tcase_add_test(tc, a_file_may_be_empty);
	tcase_add_loop_test(
	    tc, mistakes_are_refused_with_their_line, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(
	    tc, only_the_owner_may_read_it, 0, ARRAY_LEN(modes));
	tcase_add_test(tc, what_is_no_file_is_an_error);
	tcase_add_test(tc, an_account_has_a_life);
	tcase_add_test(tc, comments_and_order_stay);
	tcase_add_test(tc, keys_are_their_account_s);
	tcase_add_test(tc, keys_come_and_go);
	tcase_add_test(tc, an_account_has_so_many_keys);
	tcase_add_test(tc, names_of_accounts_and_keys_are_apart);
	tcase_add_loop_test(
	    tc, a_refused_change_leaves_the_file_alone, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, what_a_crash_left_is_no_hindrance);
	tcase_add_test(tc, a_folder_that_is_not_there_is_an_error);
}

SUITE_MAIN("users", fill)
