#include "tests/lib/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/findings.h"
#include "base/mem.h"
#include "sign/key_files.h"
#include "sign/keyring.h"

static char above[] = "/tmp/postern-keys-XXXXXX", *folder;
static struct findings found;
static struct err err;
static struct key *pair[KEY_ALGORITHMS];

static void
setup(void)
{
	(void)strcpy(above + strlen(above) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(above));
	folder = mem_printf("%s/dkim", above);
}

static void
teardown(void)
{
	char *command = mem_printf("rm -rf %s", above);

	ck_assert_int_eq(system(command), 0);
	free(command);
	free(folder);
	findings_clear(&found);
}

static void
add(const char *domain)
{
	ck_assert_msg(
	    key_files_add(folder, domain, 1795816800, pair, &err) == 0, "%s",
	    err.text);
}

static void
drop(void)
{
	key_unref(pair[0]);
	key_unref(pair[1]);
}

static struct keyring *
load(struct keyring *before, size_t want)
{
	struct keyring *r;

	findings_clear(&found);
	r = key_files_load(folder, before, &found);
	ck_assert_uint_eq(keyring_count(r), want);
	return r;
}

static char *
path_of(const struct key *k)
{
	return mem_printf(
	    "%s/%s.%s.pem", folder, key_domain(k), key_selector(k));
}

START_TEST(a_pair_is_made_and_found)
{
	struct keyring *r = load(NULL, 0);
	struct stat st;
	char *path;

	ck_assert_uint_eq(found.n, 0);
	keyring_unref(r);
	add("b.test");
	r = load(NULL, 2);
	ck_assert_uint_eq(found.n, 0);
	for (int i = 0; i < KEY_ALGORITHMS; i++) {
		path = path_of(pair[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0600);
		free(path);
		ck_assert_int_eq(key_algorithm(pair[i]), i);
		ck_assert_str_eq(key_record(pair[i]),
		    key_record(
			keyring_get(r, "b.test", key_selector(pair[i]))));
	}
	ck_assert(
	    span_starts(span_text(key_selector(pair[0])), SPAN("20261127-")));
	ck_assert_int_eq(stat(folder, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	keyring_unref(r);
	drop();
	add("b.test");
	r = load(NULL, 4);
	/* In the same second, and yet the newer one. */
	ck_assert_int_eq(key_made(pair[0]), 1795816801);
	ck_assert_str_eq(key_selector(keyring_at(r, 0)), key_selector(pair[0]));
	keyring_unref(r);
	drop();
}
END_TEST

START_TEST(a_state_is_kept)
{
	struct keyring *r, *again;
	struct key *k;

	add("b.test");
	ck_assert_int_eq(
	    key_files_set_state(folder, pair[0], KEY_ACTIVE, 5, &err), 0);
	r = load(NULL, 2);
	k = keyring_get(r, "b.test", key_selector(pair[0]));
	ck_assert_int_eq(key_state(k), KEY_ACTIVE);
	ck_assert_int_eq(key_since(k), 5);
	ck_assert_int_eq(key_made(k), 1795816800);
	/* Somebody else was first: what is there stays. */
	ck_assert_int_eq(
	    key_files_set_state(folder, pair[0], KEY_RETIRED, 6, &err), 0);
	again = load(r, 2);
	ck_assert_int_eq(
	    key_state(keyring_get(again, "b.test", key_selector(pair[0]))),
	    KEY_ACTIVE);
	key_use(k);
	ck_assert_uint_eq(
	    key_uses(keyring_get(again, "b.test", key_selector(pair[0]))), 1);
	keyring_unref(r);
	keyring_unref(again);
	drop();
}
END_TEST

START_TEST(a_change_is_seen)
{
	uint64_t none = key_files_look(folder), first, second;

	add("b.test");
	first = key_files_look(folder);
	ck_assert_uint_ne(first, none);
	ck_assert_uint_eq(key_files_look(folder), first);
	ck_assert_int_eq(
	    key_files_set_state(folder, pair[1], KEY_ACTIVE, 5, &err), 0);
	second = key_files_look(folder);
	ck_assert_uint_ne(second, first);
	drop();
}
END_TEST

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_broken_file_is_told_and_the_others_are_read)
{
	struct keyring *r, *again;
	char *path;

	add("b.test");
	r = load(NULL, 2);
	path = path_of(pair[0]);
	write_text(path, "junk\n");
	keyring_unref(load(NULL, 1));
	ck_assert_uint_eq(found.n, 1);
	ck_assert_int_eq(found.all[0].level, FINDING_ERROR);
	ck_assert_ptr_nonnull(strstr(found.all[0].text, path));
	ck_assert_ptr_nonnull(strstr(found.all[0].text, "does not begin with"));
	ck_assert_ptr_nonnull(strstr(found.all[0].text, "dkim add"));
	/* Who knew it before goes on with it. */
	again = load(r, 2);
	ck_assert_uint_eq(found.n, 1);
	ck_assert_ptr_nonnull(strstr(found.all[0].text, "of before"));
	/* It is not ours to write over. */
	ck_assert_int_ne(
	    key_files_set_state(folder, pair[0], KEY_ACTIVE, 5, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	keyring_unref(r);
	keyring_unref(again);
	free(path);
	drop();
}
END_TEST

START_TEST(an_open_file_and_foreign_ones_are_told)
{
	struct keyring *r;
	char *path, *other;

	add("b.test");
	path = path_of(pair[0]);
	other = mem_printf("%s/README", folder);
	write_text(other, "mine\n");
	ck_assert_int_eq(chmod(path, 0644), 0);
	r = load(NULL, 2);
	ck_assert_uint_eq(found.n, 1);
	ck_assert_int_eq(found.all[0].level, FINDING_WARNING);
	ck_assert_ptr_nonnull(strstr(found.all[0].text, "chmod 600"));
	keyring_unref(r);
	free(other);
	/* Under another's name it is nobody's. */
	other = mem_printf("%s/c.test.x.pem", folder);
	ck_assert_int_eq(rename(path, other), 0);
	keyring_unref(load(NULL, 1));
	ck_assert_uint_eq(found.n, 1);
	free(path);
	free(other);
	drop();
}
END_TEST

START_TEST(a_file_in_the_folder_s_place_is_left_alone)
{
	write_text(folder, "mine\n");
	ck_assert_int_ne(
	    key_files_add(folder, "b.test", 1795816800, pair, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "no folder"));
	keyring_unref(load(NULL, 0));
	ck_assert_uint_eq(found.n, 1);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_pair_is_made_and_found);
	tcase_add_test(tc, a_state_is_kept);
	tcase_add_test(tc, a_change_is_seen);
	tcase_add_test(tc, a_broken_file_is_told_and_the_others_are_read);
	tcase_add_test(tc, an_open_file_and_foreign_ones_are_told);
	tcase_add_test(tc, a_file_in_the_folder_s_place_is_left_alone);
}

SUITE_MAIN("key_files", fill)
