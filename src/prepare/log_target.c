#include "prepare/log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"

bool
log_target_is_ours(int fd)
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

int
log_target_open(const struct conf *conf, struct err *err)
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
	if (!log_target_is_ours(fd)) {
		(void)close(fd);
		return err_set(err, -EEXIST,
		    "log.target %s: holds something else, expected a log of "
		    "this relay or a new file; name another, or move it away",
		    conf->log_target);
	}
	return fd;
}

void
log_target_close(int fd)
{
	if (fd >= 0 && fd != STDERR_FILENO)
		(void)close(fd);
}
