#include "tests/lib/suite.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { MOST = 200000 };

static char path[] = "/tmp/postern-file-XXXXXX";
static int fd;
static struct err err;

static void
setup(void)
{
	strcpy(path + sizeof path - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
}

static void
teardown(void)
{
	(void)close(fd);
	(void)unlink(path);
}

static void
fill_file(size_t n)
{
	char *text = malloc(n + 1);

	memset(text, 'x', n);
	ck_assert_int_eq(file_write_all(fd, span_make(text, n), path, &err), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	free(text);
}

/* Around the size of a piece, and up to the most. */
static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, MOST - 1, MOST };

START_TEST(a_file_is_read_whole)
{
	struct buf text = { 0 };

	fill_file(sizes[_i]);
	ck_assert_int_eq(file_read_all(fd, MOST, &text, &err), 0);
	ck_assert_uint_eq(buf_len(&text), sizes[_i]);
	buf_clear(&text);
}
END_TEST

START_TEST(a_larger_one_is_not)
{
	struct buf text = { 0 };

	fill_file(MOST + 1);
	ck_assert_int_lt(file_read_all(fd, MOST, &text, &err), 0);
	ck_assert_str_eq(err.text, "larger than 200000 bytes");
	buf_clear(&text);
}
END_TEST

START_TEST(what_the_system_refuses_is_told)
{
	struct buf text = { 0 };
	int closed = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert_int_lt(file_read_all(closed, MOST, &text, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "read: "));
	(void)close(closed);
	closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_lt(file_write_all(closed, SPAN("x"), "name", &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "write name: "));
	(void)close(closed);
	ck_assert_int_lt(file_sync_folder("/nowhere", &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "sync /nowhere: "));
	ck_assert_int_eq(file_sync_folder("/tmp", &err), 0);
	buf_clear(&text);
}
END_TEST

START_TEST(a_mark_changes_with_the_file)
{
	uint64_t before = file_mark_path(FILE_MARK, path), after;

	ck_assert(file_mark_path(FILE_MARK, path) == before);
	fill_file(1);
	after = file_mark_path(FILE_MARK, path);
	ck_assert(after != before);
	ck_assert(file_mark_path(after, path) != after);
	ck_assert_int_eq(fchmod(fd, 0640), 0);
	ck_assert(file_mark_path(FILE_MARK, path) != after);
	ck_assert(file_mark_path(FILE_MARK, "/nowhere") != after);
	ck_assert(file_mark_path(FILE_MARK, "/nowhere") != FILE_MARK);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_file_is_read_whole, 0, ARRAY_LEN(sizes));
	tcase_add_test(tc, a_larger_one_is_not);
	tcase_add_test(tc, what_the_system_refuses_is_told);
	tcase_add_test(tc, a_mark_changes_with_the_file);
}

SUITE_MAIN("file", fill)
