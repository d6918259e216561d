/*
 * Lines are gathered and written by a thread of their own, which alone waits for
 * a log that is slow to take them (a pipe, a disk): busy times cost a call for
 * many lines, and at most GATHER_NS of lines are lost when the process is killed;
 * an error is written at once.
 *
 * A writer that is behind costs lines and nobody's time: when LINES_MOST bytes
 * wait, info and debug lines are dropped, and when the RESERVE behind is full,
 * warnings and errors too. How many were dropped is the first thing said when
 * there is room again.
 *
 * A new target is for what is said from then on. The old one still gets what was
 * said before, but has no longer than LEAVE_MS for it; so has the last one when
 * the relay stops.
 */
#include "logger.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "facts/write.h"
#include "prepare/log_target.h"

enum {
	STAMP_SIZE = 32,
	GATHER_NS = 5 * 1000 * 1000,
	LINES_MANY = 64 * 1024, /* are not kept waiting */
	LINES_MOST = 1024 * 1024,
	RESERVE = 256 * 1024, /* more for warnings and errors */
	LINES_MAX = LINES_MOST + RESERVE + 64 * 1024,
	LEAVE_MS = 2000,
	LAST_MS = 500, /* for a new target, when the relay stops at once */
	LOOK_MS = 100, /* how often is asked whether to leave the target */
	NO_FD = -1,
};

struct logger {
	pthread_t thread;
	pthread_mutex_t lock; /* over all that follows */
	pthread_cond_t wake; /* for the thread: there is something */
	struct buf lines;
	uint64_t dropped; /* lines, that were not told of yet */
	bool dozes; /* the thread gathers; it wakes by itself */
	bool urgent, stop;
	bool is_json;
	int fd;
	int next_fd; /* owned; what follows `turn_at` of the lines goes there */
	size_t turn_at;
	/* Of the thread alone: what it writes outside of the lock. */
	struct buf out;
	_Atomic uint64_t leave_by; /* monotonic ms; 0: there is time */
};

struct logger_next {
	int fd; /* owned */
	bool is_json;
	enum log_level level;
};

static uint64_t
clock_ms(void)
{
	return clock_us() / 1000;
}

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

/* In columns. */
static const char *const levels[] = { " error ", " warn  ", " info  ",
	" debug " };

static void
add_fact(struct logger *l, const struct fact *fact)
{
	struct buf *out = &l->lines;
	char stamp[STAMP_SIZE];

	stamp_now(stamp);
	if (l->is_json) {
		fact_write_json(fact, stamp, out);
	} else {
		(void)buf_append_text(out, stamp);
		(void)buf_append_text(out, levels[fact_level(fact->kind)]);
		fact_write_text(fact, out);
	}
	(void)buf_append_char(out, '\n');
}

static void
drop(struct logger *l, uint64_t lines)
{
	l->dropped += lines;
	metric_add(METRIC_LOG_DROPPED, (int64_t)lines);
	if (lines > 0)
		metric_set(METRIC_LOG_BEHIND, 1);
}

static void
tell_dropped(struct logger *l)
{
	struct fact_field lines = fact_number("lines", l->dropped);
	struct fact fact = { FACT_LOG_DROPPED, &lines, 1 };

	if (l->dropped == 0)
		return;
	l->dropped = 0;
	metric_set(METRIC_LOG_BEHIND, 0);
	add_fact(l, &fact);
}

static bool
has_room_for(const struct logger *l, enum log_level level)
{
	size_t most = LINES_MOST + (level <= LOG_WARN ? RESERVE : 0);

	return buf_len(&l->lines) < most;
}

static void
take_fact(const struct fact *fact, void *arg)
{
	enum log_level level = fact_level(fact->kind);
	struct logger *l = arg;
	bool wake = false;

	(void)pthread_mutex_lock(&l->lock);
	if (has_room_for(l, level)) {
		wake = buf_len(&l->lines) == 0 && !l->dozes;
		add_fact(l, fact);
	} else {
		drop(l, 1);
	}
	if (level == LOG_ERROR || buf_len(&l->lines) > LINES_MANY) {
		wake = !l->urgent;
		l->urgent = true;
	}
	(void)pthread_mutex_unlock(&l->lock);
	if (wake)
		(void)pthread_cond_signal(&l->wake);
}

/* --- the thread --- */

static bool
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool
is_late(const struct logger *l)
{
	uint64_t by = atomic_load(&l->leave_by);

	return by != 0 && clock_ms() >= by;
}

/* Whether it takes something before it is left. */
static bool
wait_for_room(struct logger *l, int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	do {
		if (is_late(l))
			return false;
	} while (poll(&room, 1, LOOK_MS) == 0);
	return true;
}

/*
 * Writes what it can, and returns the rest. A pipe or a socket that has room
 * takes PIPE_BUF bytes and does not keep the thread: its descriptor is shared
 * with who started us, so it is not ours to make it non-blocking.
 */
static struct span
write_some(struct logger *l, int fd, struct span text)
{
	size_t most = is_file(fd) ? SIZE_MAX : PIPE_BUF;

	while (text.len > 0 && wait_for_room(l, fd)) {
		ssize_t n;

		(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		n = write(fd, text.ptr, text.len < most ? text.len : most);
		(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			break; /* there is nowhere to tell it */
		text = span_from(text, (size_t)n);
	}
	return text;
}

static uint64_t
count_lines(struct span text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	return n;
}

/* The lines behind `turn_at` go to the next target; the old one is closed. */
static void
turn_over(struct logger *l)
{
	log_target_close(l->fd);
	l->fd = l->next_fd;
	l->next_fd = NO_FD;
	atomic_store(&l->leave_by, l->stop ? clock_ms() + LAST_MS : 0);
}

/* Under the lock, which is given back for the time of the write. */
static void
write_out(struct logger *l)
{
	struct buf empty = l->out;
	bool turns = l->next_fd != NO_FD;
	struct span text, rest;
	int fd = l->fd;

	l->out = l->lines;
	l->lines = empty;
	text = buf_span(&l->out);
	if (turns) { /* what is for the next one waits for its turn */
		(void)buf_append_span(&l->lines, span_from(text, l->turn_at));
		text = span_to(text, l->turn_at);
		l->turn_at = 0;
	}
	l->urgent = false;
	tell_dropped(l);
	(void)pthread_mutex_unlock(&l->lock);
	rest = write_some(l, fd, text);
	(void)pthread_mutex_lock(&l->lock);
	drop(l, count_lines(rest));
	if (l->out.cap > LINES_MANY)
		buf_clear(&l->out);
	buf_reset(&l->out);
	if (turns)
		turn_over(l);
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

static bool
has_work(const struct logger *l)
{
	return buf_len(&l->lines) > 0 || l->next_fd != NO_FD;
}

static void *
run(void *arg)
{
	struct logger *l = arg;

	(void)pthread_setname_np(pthread_self(), "log");
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	(void)pthread_mutex_lock(&l->lock);
	for (;;) {
		while (!has_work(l) && !l->stop)
			(void)pthread_cond_wait(&l->wake, &l->lock);
		gather(l);
		if (!has_work(l))
			break; /* it stops */
		write_out(l);
		if (l->stop && is_late(l) && l->next_fd == NO_FD)
			break; /* what was dropped need not be told */
	}
	(void)pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* --- opening, turning over, closing --- */

static void
free_logger(struct logger *l)
{
	log_target_close(l->fd);
	log_target_close(l->next_fd);
	(void)pthread_mutex_destroy(&l->lock);
	(void)pthread_cond_destroy(&l->wake);
	buf_clear(&l->lines);
	buf_clear(&l->out);
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
	int fd = log_target_open(conf, err);
	struct logger *l;

	if (fd < 0)
		return NULL;
	l = MEM_NEW(struct logger);
	l->fd = fd;
	l->next_fd = NO_FD;
	l->is_json = conf->log_format == LOG_FORMAT_JSON;
	l->lines.max = l->out.max = LINES_MAX;
	if (start_thread(l, err) != 0) {
		free_logger(l);
		return NULL;
	}
	log_set_level((enum log_level)conf->log_level);
	facts_set_log(take_fact, l);
	return l;
}

struct logger_next *
logger_prepare(const struct conf *conf, struct err *err)
{
	int fd = log_target_open(conf, err);
	struct logger_next *next;

	if (fd < 0)
		return NULL;
	next = MEM_NEW(struct logger_next);
	next->fd = fd;
	next->is_json = conf->log_format == LOG_FORMAT_JSON;
	next->level = (enum log_level)conf->log_level;
	return next;
}

void
logger_take(struct logger *l, struct logger_next *next)
{
	(void)pthread_mutex_lock(&l->lock);
	if (l->next_fd == NO_FD)
		l->turn_at = buf_len(&l->lines);
	else /* nothing was written there, and it would come too late now */
		log_target_close(l->next_fd);
	l->next_fd = next->fd;
	l->is_json = next->is_json;
	l->urgent = true;
	/* Standard error may stay what it is: then there is time. */
	if (next->fd != l->fd)
		atomic_store(&l->leave_by, clock_ms() + LEAVE_MS);
	(void)pthread_mutex_unlock(&l->lock);
	(void)pthread_cond_signal(&l->wake);
	log_set_level(next->level);
	free(next);
}

void
logger_discard(struct logger_next *next)
{
	if (next == NULL)
		return;
	log_target_close(next->fd);
	free(next);
}

void
logger_close(struct logger *l)
{
	struct timespec until;

	if (l == NULL)
		return;
	facts_set_log(NULL, NULL);
	(void)pthread_mutex_lock(&l->lock);
	l->stop = true;
	atomic_store(&l->leave_by, clock_ms() + LEAVE_MS);
	(void)pthread_mutex_unlock(&l->lock);
	(void)pthread_cond_signal(&l->wake);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1 + LEAVE_MS / 1000;
	/* Another process may have filled the pipe between poll and write. */
	if (pthread_clockjoin_np(l->thread, NULL, CLOCK_MONOTONIC, &until) !=
	    0) {
		(void)pthread_cancel(l->thread);
		(void)pthread_join(l->thread, NULL);
	}
	free_logger(l);
}
