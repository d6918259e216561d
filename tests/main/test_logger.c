#include "src/main/logger.h"

#include "tests/lib/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/metrics.h"
#include "conf/conf.h"
#include "facts/fact.h"

enum {
	LINES = 5000, /* more than a pipe holds */
	MANY = 60000, /* more than are kept */
	READ_MAX = 8 << 20,
	PIPE_FULL =
	    60000, /* octets; the rest is less than is written at once */
};

static struct logger *logger;
static int kept, from;

static const struct conf conf = { .log_target = (char *)(uintptr_t) "stderr",
	.log_level = LOG_INFO };

static void
open_at(int flags)
{
	struct err err;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, flags), 0);
	kept = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(fds[1]);
	from = fds[0];
	logger = logger_open(&conf, &err);
	ck_assert_ptr_nonnull(logger);
}

/* Standard error becomes a pipe that, as some programs leave it, is never
   waited for. */
static void
setup(void)
{
	open_at(O_NONBLOCK | O_CLOEXEC);
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
	const struct conf file = { .log_target = path, .log_level = LOG_INFO };
	int fd = mkstemp(path);
	size_t len = strlen(targets[_i].text);
	struct err err = { "" };
	struct logger *l;

	logger_close(logger);
	logger = NULL;
	ck_assert_int_eq(write(fd, targets[_i].text, len), (ssize_t)len);
	l = logger_open(&file, &err);
	ck_assert_int_eq(l != NULL, targets[_i].is_taken);
	if (l == NULL) {
		ck_assert_ptr_nonnull(strstr(err.text, "expected a log"));
		ck_assert_ptr_nonnull(strstr(err.text, path));
	}
	FACT(RELOADED, fact_word("what", "hello"));
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
		FACT(CONNECTED, fact_number("n", (unsigned)i),
		    fact_string("what", "a line of some length"));
	ck_assert_uint_eq(read_lines(LINES), LINES);
}
END_TEST

static void
flood(void)
{
	for (int i = 0; i < MANY; i++)
		FACT(CONNECTED, fact_number("n", (unsigned)i),
		    fact_string("what", "a line of some length"));
}

/* The pipe is one that is waited for, as a shell makes it; nobody reads it. */
static void
say_too_much(void)
{
	int waiting = 0;

	teardown();
	open_at(O_CLOEXEC);
	flood();
	/* Now its thread is stuck with what it took, and all behind waits. */
	while (ioctl(from, FIONREAD, &waiting) == 0 && waiting < PIPE_FULL)
		(void)sched_yield();
	flood();
}

/* All that comes until nothing comes for a second; heap. */
static char *
read_all(void)
{
	struct pollfd in = { .fd = from, .events = POLLIN };
	char *all = malloc(READ_MAX + 1);
	size_t n = 0;

	while (n < READ_MAX && poll(&in, 1, 1000) == 1) {
		ssize_t some = read(from, all + n, READ_MAX - n);

		if (some <= 0)
			break;
		n += (size_t)some;
	}
	all[n] = '\0';
	return all;
}

START_TEST(lines_that_nobody_reads_are_dropped_and_counted)
{
	uint64_t before = (uint64_t)metric_get(METRIC_LOG_DROPPED);
	unsigned long long dropped = 0, told;
	char *all, *p;

	say_too_much();
	all = read_all();
	for (p = all; (p = strstr(p, "log_dropped lines=")) != NULL; p++) {
		ck_assert_int_eq(sscanf(p, "log_dropped lines=%llu", &told), 1);
		dropped += told;
	}
	ck_assert_uint_gt(dropped, 0);
	ck_assert_uint_eq(
	    (uint64_t)metric_get(METRIC_LOG_DROPPED) - before, dropped);
	ck_assert_uint_ge(
	    count_lines(all, (ssize_t)strlen(all)) + dropped, MANY + 1);
	free(all);
	/* It goes on. */
	FACT(RELOADED, fact_word("what", "later"));
	ck_assert_uint_eq(read_lines(1), 1);
}
END_TEST

START_TEST(warnings_and_errors_are_dropped_last)
{
	char *all;

	say_too_much();
	FACT(SITE_CLOSED, fact_word("what", "one"));
	FACT(RELOADED, fact_word("what", "cheap"));
	FACT(SPOOL_FAULT, fact_word("what", "two"));
	all = read_all();
	ck_assert_ptr_nonnull(strstr(all, "warn  site_closed what=one\n"));
	ck_assert_ptr_nonnull(strstr(all, "error spool_fault what=two\n"));
	ck_assert_ptr_null(strstr(all, "cheap"));
	free(all);
}
END_TEST

/* They too are no reason to wait, or to take memory without end. */
START_TEST(there_is_an_end_of_errors_too)
{
	char *all;

	say_too_much();
	for (int i = 0; i < MANY; i++)
		FACT(SPOOL_FAULT, fact_number("n", (unsigned)i),
		    fact_string("what", "a line of some length"));
	all = read_all();
	ck_assert_ptr_nonnull(strstr(all, "log_dropped"));
	ck_assert_uint_lt(strlen(all), READ_MAX);
	free(all);
}
END_TEST

static uint64_t
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

START_TEST(closing_does_not_wait_for_who_does_not_read)
{
	uint64_t began = seconds();

	say_too_much();
	logger_close(logger);
	logger = NULL;
	ck_assert_uint_le(seconds() - began, 5);
}
END_TEST

/* --- a reload --- */

static size_t
text_of(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? 0 : read(fd, text, size - 1);

	if (fd != -1)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strlen(text);
}

static void
reload_to(const char *path)
{
	const struct conf file = { .log_target = (char *)(uintptr_t)path,
		.log_level = LOG_INFO };
	struct err err = { "" };
	struct logger_next *next = logger_prepare(&file, &err);

	ck_assert_msg(next != NULL, "%s", err.text);
	logger_take(logger, next);
}

START_TEST(a_reload_parts_the_lines)
{
	char a[] = "/tmp/postern-log-XXXXXX", b[] = "/tmp/postern-log-XXXXXX";
	char text[400];
	struct err err;

	(void)close(mkstemp(a));
	(void)close(mkstemp(b));
	FACT(RELOADED, fact_word("what", "first"));
	reload_to(a);
	FACT(RELOADED, fact_word("what", "second"));
	reload_to(b);
	FACT(RELOADED, fact_word("what", "third"));
	/* What was only prepared changes nothing. */
	logger_discard(logger_prepare(&conf, &err));
	FACT(RELOADED, fact_word("what", "fourth"));
	logger_close(logger);
	logger = NULL;
	ck_assert_uint_eq(read_lines(1), 1);
	(void)text_of(b, text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "third\n"));
	ck_assert_ptr_nonnull(strstr(text, "fourth\n"));
	ck_assert_ptr_null(strstr(text, "first"));
	(void)unlink(a);
	(void)unlink(b);
}
END_TEST

/* The old target is stuck: the new one is used nevertheless. */
START_TEST(a_reload_leaves_a_target_that_nobody_reads)
{
	char path[] = "/tmp/postern-log-XXXXXX", text[4096];
	uint64_t began = seconds();

	(void)close(mkstemp(path));
	say_too_much();
	reload_to(path);
	FACT(SITE_CLOSED,
	    fact_word("what", "here")); /* its reserve is not full */
	logger_close(logger);
	logger = NULL;
	ck_assert_uint_le(seconds() - began, 5);
	(void)text_of(path, text, sizeof text);
	ck_assert_msg(strstr(text, "here\n") != NULL, "%s", text);
	(void)unlink(path);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, only_a_log_is_written_on, 0, sizeof targets / sizeof *targets);
	tcase_add_test(tc, a_full_pipe_that_does_not_wait_loses_no_line);
	tcase_add_test(tc, lines_that_nobody_reads_are_dropped_and_counted);
	tcase_add_test(tc, warnings_and_errors_are_dropped_last);
	tcase_add_test(tc, there_is_an_end_of_errors_too);
	tcase_add_test(tc, closing_does_not_wait_for_who_does_not_read);
	tcase_add_test(tc, a_reload_parts_the_lines);
	tcase_add_test(tc, a_reload_leaves_a_target_that_nobody_reads);
}

SUITE_MAIN("logger", fill)
