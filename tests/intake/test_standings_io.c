/* Who is stopped, in a file of its own: whole at all times, and believed first. */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "io/loop.h"
#include "src/intake/standings_io.h"

static char folder[64], path[96], seen[512];
static struct loop *loop;
static struct standings *s;
static unsigned called, recorded;

static void
setup(void)
{
	(void)strcpy(folder, "/tmp/postern-stopped-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/stopped", folder);
	loop = loop_new();
	s = standings_new(path);
	called = recorded = 0;
}

static void
teardown(void)
{
	char command[128];

	standings_end(s);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	standings_free(s);
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void
on_recorded(bool is_recorded, void *arg)
{
	ck_assert_ptr_eq(arg, &called);
	called++;
	recorded += is_recorded;
}

static void
save(void)
{
	unsigned before = called;

	standings_save(s, loop, on_recorded, &called);
	ck_assert_uint_eq(called, before);
	while (called == before)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_uint_eq(called, before + 1);
}

static void
on_name(struct span name, enum ledger_standing standing, void *arg)
{
	size_t at = strlen(seen);

	(void)arg;
	(void)snprintf(seen + at, sizeof seen - at, "%.*s=%d ", SPAN_ARG(name),
	    (int)standing);
}

/* As the next start does. */
static const char *
read_back(bool is_whole)
{
	struct standings *next = standings_new(path);

	seen[0] = '\0';
	ck_assert(standings_read(next, on_name, NULL) == is_whole);
	standings_free(next);
	return seen;
}

START_TEST(none_is_there_at_first)
{
	ck_assert_str_eq(read_back(false), "");
}
END_TEST

START_TEST(what_is_set_is_read_back)
{
	struct stat st;

	standings_set(s, SPAN("ann@b.test"), LEDGER_STOPPED);
	standings_set(s, SPAN("bob"), LEDGER_BRAKED);
	save();
	ck_assert_uint_eq(recorded, 1);
	ck_assert_str_eq(read_back(true), "ann@b.test=1 bob=2 ");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	standings_set(s, SPAN("bob"), LEDGER_STOPPED);
	standings_set(s, SPAN("ann@b.test"), LEDGER_IN_ORDER);
	/* Nobody is in order twice, and no name is two lines. */
	standings_set(s, SPAN("cid"), LEDGER_IN_ORDER);
	standings_set(s, SPAN("x\nend 0"), LEDGER_STOPPED);
	save();
	ck_assert_str_eq(read_back(true), "bob=1 ");
	standings_set(s, SPAN("bob"), LEDGER_IN_ORDER);
	save();
	/* It knows that nobody is. */
	ck_assert_str_eq(read_back(true), "");
}
END_TEST

START_TEST(what_changes_while_it_is_written_is_written_next)
{
	standings_set(s, SPAN("ann"), LEDGER_STOPPED);
	standings_save(s, loop, on_recorded, &called);
	standings_set(s, SPAN("bob"), LEDGER_STOPPED);
	standings_save(s, loop, on_recorded, &called);
	while (called < 2)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_uint_eq(recorded, 2);
	ck_assert_str_eq(read_back(true), "ann=1 bob=1 ");
}
END_TEST

START_TEST(the_end_writes_what_is_not_written)
{
	standings_set(s, SPAN("ann"), LEDGER_STOPPED);
	standings_save(s, loop, on_recorded, &called);
	standings_set(s, SPAN("bob"), LEDGER_STOPPED);
	standings_end(s);
	ck_assert_uint_eq(called, 1);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
	ck_assert_str_eq(read_back(true), "ann=1 bob=1 ");
	standings_free(s);
	loop = loop_new();
	s = standings_new(path);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_told)
{
	standings_free(s);
	(void)snprintf(path, sizeof path, "%s/absent/stopped", folder);
	s = standings_new(path);
	standings_set(s, SPAN("ann"), LEDGER_STOPPED);
	save();
	ck_assert_uint_eq(recorded, 0);
	(void)snprintf(path, sizeof path, "%s/absent", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/absent/stopped", folder);
	save();
	ck_assert_uint_eq(recorded, 1);
	ck_assert_str_eq(read_back(true), "ann=1 ");
}
END_TEST

static const struct {
	const char *text;
	const char *names;
	bool is_whole;
} files[] = {
	{ "postern stopped 1\nend 0\n", "", true },
	{ "postern stopped 1\nstopped a b\nend 1\n", "a b=1 ", true },
	{ "", "", false },
	{ "postern stopped 1\n", "", false },
	{ "postern stopped 1\nstopped a\n", "a=1 ", false },
	{ "postern stopped 1\nstopped a\nend 2\n", "a=1 ", false },
	{ "postern stopped 1\nstopped a\nend 1\nstopped b\n", "a=1 ", false },
	{ "postern stopped 1\nstopped \nend 1\n", "", false },
	{ "postern stopped 2\nstopped a\nend 1\n", "", false },
	{ "stopped a\nend 1\n", "a=1 ", false },
};

START_TEST(a_file_that_is_cut_is_not_whole)
{
	seen[0] = '\0';
	ck_assert_msg(standings_parse(span_text(files[_i].text), on_name,
			  NULL) == files[_i].is_whole,
	    "%s", files[_i].text);
	ck_assert_str_eq(seen, files[_i].names);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, none_is_there_at_first);
	tcase_add_test(tc, what_is_set_is_read_back);
	tcase_add_test(tc, what_changes_while_it_is_written_is_written_next);
	tcase_add_test(tc, the_end_writes_what_is_not_written);
	tcase_add_test(tc, a_folder_that_is_not_there_is_told);
	tcase_add_loop_test(
	    tc, a_file_that_is_cut_is_not_whole, 0, ARRAY_LEN(files));
}

SUITE_MAIN("standings", fill)
