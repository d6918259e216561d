/*
 * Lines are gathered and written by a thread of their own: a log that is slow
 * to take them (a pipe, a disk) holds up no loop until LINES_MOST bytes wait,
 * and busy times cost a call for many lines. At most GATHER_NS of lines are
 * lost when the process is killed; an error is written at once.
 */
#include "logger.h"

#include <errno.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"

enum {
	STAMP_SIZE = 32,
	GATHER_NS = 5 * 1000 * 1000,
	LINES_MANY = 64 * 1024, /* are not kept waiting */
	LINES_MOST = 1024 * 1024,
	LINES_MAX = LINES_MOST + 64 * 1024,
};

struct logger {
	pthread_t thread;
	pthread_mutex_t lock; /* over all that follows */
	pthread_cond_t wake; /* for the thread: there is something */
	pthread_cond_t room; /* for writers of lines: there is room again */
	struct buf lines;
	bool dozes; /* the thread gathers; it wakes by itself */
	bool urgent, stop;
	bool writing; /* outside of the lock */
	int fd;
	bool is_json;
};

/* RFC 3339, UTC, milliseconds. */
static void
stamp_now(char out[STAMP_SIZE])
{
	static _Thread_local time_t last;
	static _Thread_local char second[24];
	struct timespec t;
	struct tm tm;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (t.tv_sec != last) {
		last = t.tv_sec;
		if (gmtime_r(&t.tv_sec, &tm) == NULL ||
		    strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &tm) ==
			0)
			second[0] = '\0';
	}
	(void)snprintf(out, STAMP_SIZE, "%s.%03uZ", second,
	    (unsigned)(t.tv_nsec / 1000000) % 1000);
}

static void
make_line(
    struct logger *l, enum log_level level, const char *line, struct buf *out)
{
	char stamp[STAMP_SIZE];

	stamp_now(stamp);
	if (l->is_json) {
		log_to_json(level, stamp, line, out);
	} else {
		(void)buf_append_text(out, stamp);
		(void)buf_printf(out, " %-5s ", log_level_name(level));
		(void)buf_append_text(out, line);
	}
	(void)buf_append_char(out, '\n');
}

static void
write_line(enum log_level level, const char *line, void *arg)
{
	struct logger *l = arg;
	bool wake;

	(void)pthread_mutex_lock(&l->lock);
	while (buf_len(&l->lines) > LINES_MOST)
		(void)pthread_cond_wait(&l->room, &l->lock);
	wake = buf_len(&l->lines) == 0 && !l->dozes;
	make_line(l, level, line, &l->lines);
	if (level == LOG_ERROR || buf_len(&l->lines) > LINES_MANY) {
		wake = !l->urgent;
		l->urgent = true;
	}
	(void)pthread_mutex_unlock(&l->lock);
	if (wake)
		(void)pthread_cond_signal(&l->wake);
}

/* --- the thread --- */

/* There is nowhere to tell that the log cannot be written. */
static void
write_all(int fd, struct span text)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			/* Somebody else made our standard error so. */
			(void)poll(&room, 1, -1);
			continue;
		}
		if (n <= 0)
			return;
		text = span_from(text, (size_t)n);
	}
}

/* Under the lock, which is given back for the time of the write. */
static void
write_out(struct logger *l, struct buf *spare)
{
	struct buf text = l->lines;
	int fd = l->fd;

	l->lines = *spare;
	l->urgent = false;
	l->writing = true;
	(void)pthread_mutex_unlock(&l->lock);
	write_all(fd, buf_span(&text));
	if (text.cap > LINES_MANY)
		buf_clear(&text);
	buf_reset(&text);
	*spare = text;
	(void)pthread_mutex_lock(&l->lock);
	l->writing = false;
	(void)pthread_cond_broadcast(&l->room);
}

/* The first line waits a moment for others; an error waits for nobody. */
static void
gather(struct logger *l)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += GATHER_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	l->dozes = true;
	while (!l->urgent && !l->stop &&
	       pthread_cond_timedwait(&l->wake, &l->lock, &until) == 0)
		continue;
	l->dozes = false;
}

static void *
run(void *arg)
{
	struct logger *l = arg;
	struct buf spare = { .max = LINES_MAX };

	(void)pthread_setname_np(pthread_self(), "log");
	(void)pthread_mutex_lock(&l->lock);
	for (;;) {
		while (buf_len(&l->lines) == 0 && !l->stop)
			(void)pthread_cond_wait(&l->wake, &l->lock);
		gather(l);
		if (buf_len(&l->lines) > 0)
			write_out(l, &spare);
		else if (l->stop)
			break;
	}
	(void)pthread_mutex_unlock(&l->lock);
	buf_clear(&spare);
	return NULL;
}

/* --- opening, turning over, closing --- */

/*
 * A file that has something in it must be a log of ours: nothing is written
 * behind a key or a message because of a slip in the configuration.
 */
static bool
is_a_log(int fd)
{
	char first[2] = "";
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return true;
	if (pread(fd, first, 2, 0) != 2)
		return false;
	/* "2026-..." or {"time":... */
	return (first[0] == '2' && first[1] == '0') ||
	       (first[0] == '{' && first[1] == '"');
}

static int
open_target(const struct conf *conf, struct err *err)
{
	int fd;

	if (strcmp(conf->log_target, "stderr") == 0)
		return STDERR_FILENO;
	fd = open(
	    conf->log_target, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	/* A pipe, or a file that may only be written: no file of ours. */
	if (fd == -1 && (errno == EACCES || errno == ENXIO))
		fd = open(conf->log_target, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd == -1)
		return err_errno(err, "log.target %s", conf->log_target);
	if (!is_a_log(fd)) {
		(void)close(fd);
		return err_set(err, -EEXIST,
		    "log.target %s: holds something else, expected a log of "
		    "this relay or a new file; name another, or move it away",
		    conf->log_target);
	}
	return fd;
}

static void
free_logger(struct logger *l)
{
	if (l->fd != STDERR_FILENO)
		(void)close(l->fd);
	(void)pthread_mutex_destroy(&l->lock);
	(void)pthread_cond_destroy(&l->wake);
	(void)pthread_cond_destroy(&l->room);
	buf_clear(&l->lines);
	free(l);
}

/* Signals are for the main thread: a log that cannot be written takes none. */
static int
start_thread(struct logger *l, struct err *err)
{
	pthread_condattr_t monotonic;
	sigset_t all, before;
	int rc;

	(void)pthread_mutex_init(&l->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&l->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	(void)pthread_cond_init(&l->room, NULL);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&l->thread, NULL, run, l);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(
		    err, -rc, "start the log's thread: %s", strerror(rc));
	return 0;
}

struct logger *
logger_open(const struct conf *conf, struct err *err)
{
	int fd = open_target(conf, err);
	struct logger *l;

	if (fd < 0)
		return NULL;
	l = MEM_NEW(struct logger);
	l->fd = fd;
	l->is_json = conf->log_format == LOG_FORMAT_JSON;
	l->lines.max = LINES_MAX;
	if (start_thread(l, err) != 0) {
		free_logger(l);
		return NULL;
	}
	log_set_level((enum log_level)conf->log_level);
	log_set_writer(write_line, l);
	return l;
}

int
logger_reload(struct logger *l, const struct conf *conf, struct err *err)
{
	int fd = open_target(conf, err), old;

	if (fd < 0)
		return -1;
	(void)pthread_mutex_lock(&l->lock);
	while (l->writing)
		(void)pthread_cond_wait(&l->room, &l->lock);
	old = l->fd;
	/* What was said before the change belongs into the old file. */
	write_all(old, buf_span(&l->lines));
	buf_reset(&l->lines);
	l->fd = fd;
	l->is_json = conf->log_format == LOG_FORMAT_JSON;
	(void)pthread_cond_broadcast(&l->room);
	(void)pthread_mutex_unlock(&l->lock);
	if (old != STDERR_FILENO)
		(void)close(old);
	log_set_level((enum log_level)conf->log_level);
	return 0;
}

void
logger_close(struct logger *l)
{
	if (l == NULL)
		return;
	log_set_writer(NULL, NULL);
	(void)pthread_mutex_lock(&l->lock);
	l->stop = true;
	(void)pthread_mutex_unlock(&l->lock);
	(void)pthread_cond_signal(&l->wake);
	(void)pthread_join(l->thread, NULL);
	free_logger(l);
}
