#include "logger.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"

enum { STAMP_SIZE = 32 };

struct logger {
	pthread_rwlock_t lock; /* fd may be replaced under the writers */
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
write_line(enum log_level level, const char *line, void *arg)
{
	struct logger *l = arg;
	char stamp[STAMP_SIZE], text[64];
	struct buf json = { 0 };
	struct iovec parts[3];
	ssize_t n;

	stamp_now(stamp);
	if (l->is_json) {
		log_to_json(level, stamp, line, &json);
		parts[0] = (struct iovec){ json.data, buf_len(&json) };
		parts[1] = (struct iovec){ (void *)(uintptr_t) "\n", 1 };
	} else {
		(void)snprintf(text, sizeof text, "%s %-5s ", stamp,
		    log_level_name(level));
		parts[0] = (struct iovec){ text, strlen(text) };
		parts[1] =
		    (struct iovec){ (void *)(uintptr_t)line, strlen(line) };
		parts[2] = (struct iovec){ (void *)(uintptr_t) "\n", 1 };
	}
	(void)pthread_rwlock_rdlock(&l->lock);
	n = writev(l->fd, parts, l->is_json ? 2 : 3);
	(void)pthread_rwlock_unlock(&l->lock);
	(void)n; /* nowhere to tell that the log cannot be written */
	buf_clear(&json);
}

static int
open_target(const struct conf *conf, struct err *err)
{
	int fd;

	if (strcmp(conf->log_target, "stderr") == 0)
		return STDERR_FILENO;
	fd = open(
	    conf->log_target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd == -1)
		return err_errno(err, "log.target %s", conf->log_target);
	return fd;
}

struct logger *
logger_open(const struct conf *conf, struct err *err)
{
	int fd = open_target(conf, err);
	struct logger *l;

	if (fd < 0)
		return NULL;
	l = MEM_NEW(struct logger);
	(void)pthread_rwlock_init(&l->lock, NULL);
	l->fd = fd;
	l->is_json = conf->log_format == LOG_FORMAT_JSON;
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
	(void)pthread_rwlock_wrlock(&l->lock);
	old = l->fd;
	l->fd = fd;
	l->is_json = conf->log_format == LOG_FORMAT_JSON;
	(void)pthread_rwlock_unlock(&l->lock);
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
	if (l->fd != STDERR_FILENO)
		(void)close(l->fd);
	(void)pthread_rwlock_destroy(&l->lock);
	free(l);
}
