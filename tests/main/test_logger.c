#include "src/main/logger.h"

#include "tests/lib/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"

enum { LINES = 5000 }; /* more than a pipe holds */

static struct logger *logger;
static int kept, from;

/* Standard error becomes a pipe that, as some programs leave it, is never
   waited for. */
static void
setup(void)
{
	const struct conf conf = { .log_target = (char *)(uintptr_t) "stderr",
		.log_level = LOG_INFO };
	struct err err;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	kept = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(fds[1]);
	from = fds[0];
	logger = logger_open(&conf, &err);
	ck_assert_ptr_nonnull(logger);
}

static void
teardown(void)
{
	logger_close(logger);
	(void)dup2(kept, STDERR_FILENO);
	(void)close(kept);
	(void)close(from);
}

/* What stands in the file that log.target names, and whether it is taken. */
static const struct {
	const char *text;
	bool is_taken;
} targets[] = { { "", true },
	{ "2026-11-27T08:00:00.000Z info  started\n", true },
	{ "{\"time\":\"2026-11-27T08:00:00.000Z\"}\n", true },
	{ "-----BEGIN PRIVATE KEY-----\n", false },
	{ "root:x:0:0:root:/root:/bin/bash\n", false }, { "x", false } };

START_TEST(only_a_log_is_written_on)
{
	char path[] = "/tmp/postern-log-XXXXXX", text[200] = "";
	const struct conf conf = { .log_target = path, .log_level = LOG_INFO };
	int fd = mkstemp(path);
	size_t len = strlen(targets[_i].text);
	struct err err = { "" };
	struct logger *l;

	logger_close(logger);
	logger = NULL;
	ck_assert_int_eq(write(fd, targets[_i].text, len), (ssize_t)len);
	l = logger_open(&conf, &err);
	ck_assert_int_eq(l != NULL, targets[_i].is_taken);
	if (l == NULL) {
		ck_assert_ptr_nonnull(strstr(err.text, "expected a log"));
		ck_assert_ptr_nonnull(strstr(err.text, path));
	}
	log_info("hello");
	logger_close(l);
	(void)pread(fd, text, sizeof text - 1, 0);
	ck_assert_int_eq(strncmp(text, targets[_i].text, len), 0);
	ck_assert_int_eq(strstr(text, "hello") != NULL, targets[_i].is_taken);
	(void)close(fd);
	(void)unlink(path);
}
END_TEST

static size_t
count_lines(const char *text, ssize_t n)
{
	size_t lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

/* How many come until there are so many, or nothing comes for a second. */
static size_t
read_lines(size_t most)
{
	struct pollfd in = { .fd = from, .events = POLLIN };
	char some[4096];
	size_t lines = 0;

	while (lines < most && poll(&in, 1, 1000) == 1)
		lines += count_lines(some, read(from, some, sizeof some));
	return lines;
}

START_TEST(a_full_pipe_that_does_not_wait_loses_no_line)
{
	for (int i = 0; i < LINES; i++)
		log_info("counted n=%d what=\"a line of some length\"", i);
	ck_assert_uint_eq(read_lines(LINES), LINES);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, only_a_log_is_written_on, 0, sizeof targets / sizeof *targets);
	tcase_add_test(tc, a_full_pipe_that_does_not_wait_loses_no_line);
}

SUITE_MAIN("logger", fill)
