/* Folders and files that the relay writes: spool, log, control socket. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "io/countries.h"
#include "prepare/log_target.h"
#include "prepare_priv.h"

/* What a spool needs to begin with. */
enum { ROOM_LEAST = 32 << 20 };

/* `at` is what the system does not let us use. */
static void
say_denied(const struct look *l, const char *key, const char *path,
    const char *at, int error)
{
	char why[512] = "";

	if (error == EACCES)
		(void)whose(at, why, sizeof why);
	look_option(l, FINDING_ERROR, key, "%s: %s%s", path,
	    error == EROFS ? "the file system is read-only; mount -o "
			     "remount,rw, or name another path"
			   : strerror(error),
	    why);
}

/* The folder above is there and may be written; else says what is wrong. */
static bool
can_make(const struct look *l, const char *key, const char *path)
{
	char *above = folder_of(path);
	struct stat st;
	bool ok = false;

	if (stat(above, &st) == -1 && errno == ENOENT)
		look_option(l, FINDING_ERROR, key,
		    "%s: the folder %s is not there; mkdir -p %s, owned by the "
		    "relay's user",
		    path, above, above);
	else if (stat(above, &st) == 0 && !S_ISDIR(st.st_mode))
		look_option(l, FINDING_ERROR, key,
		    "%s: %s is no folder; name another path", path, above);
	else if (access(above, W_OK | X_OK) == -1)
		say_denied(l, key, path, above, errno);
	else
		ok = true;
	free(above);
	return ok;
}

static void
look_at_room(const struct look *l, const char *folder)
{
	const struct conf *conf = l->conf;
	const char *path = conf->spool_directory;
	double left, reserve;
	struct statvfs v;

	if (statvfs(folder, &v) == -1)
		return;
	left = (double)v.f_bavail * (double)v.f_frsize;
	reserve =
	    (double)v.f_blocks * (double)v.f_frsize * conf->spool_reserve / 100;
	if ((v.f_flag & ST_RDONLY) != 0)
		look_option(l, FINDING_ERROR, "spool.directory",
		    "%s: the file system is read-only; mount -o remount,rw, or "
		    "name another folder",
		    path);
	else if (left < ROOM_LEAST && l->pid == 0)
		look_option(l, FINDING_ERROR, "spool.directory",
		    "%s: the disk is full (%.0f MB left), expected %d MB to "
		    "begin with; make room, or name a folder of another disk",
		    path, left / (1 << 20), ROOM_LEAST >> 20);
	else if (left < reserve)
		look_option(l, FINDING_WARNING, "spool.reserve",
		    "%.3g%% of the disk is more than is left (%.0f MB), and no "
		    "message is accepted; make room, or lower it",
		    conf->spool_reserve, left / (1 << 20));
}

static void
look_at_lock(const struct look *l, const char *path)
{
	char *lock = mem_printf("%s/lock", path);
	long pid = held_lock(lock);

	if (pid != 0 && pid != l->pid)
		look_option(l, FINDING_ERROR, "spool.directory",
		    "%s: in use by process %ld, expected a folder of this "
		    "relay's own; stop that one, or name another folder",
		    path, pid);
	else
		look_found(l, FINDING_OK, "spool.directory", 0, "%s", path);
	free(lock);
}

void
look_at_spool(const struct look *l)
{
	const char *path = l->conf->spool_directory;
	struct stat st;
	char *above;

	if (stat(path, &st) == -1 && errno == ENOENT) {
		if (!can_make(l, "spool.directory", path))
			return;
		look_found(l, FINDING_OK, "spool.directory", 0,
		    "%s: will be made", path);
		above = folder_of(path);
		look_at_room(l, above);
		free(above);
		return;
	}
	if (stat(path, &st) == -1) {
		int error = errno;

		above = folder_of(path);
		say_denied(l, "spool.directory", path, above, error);
		free(above);
	} else if (!S_ISDIR(st.st_mode)) {
		look_option(l, FINDING_ERROR, "spool.directory",
		    "%s: is no folder; name another path, or move it away",
		    path);
	} else if (access(path, R_OK | W_OK | X_OK) == -1 && errno != EROFS) {
		say_denied(l, "spool.directory", path, path, errno);
	} else {
		if ((st.st_mode & 077) != 0)
			look_option(l, FINDING_WARNING, "spool.directory",
			    "%s: mode %04o lets others in; chmod 700 %s", path,
			    (unsigned)st.st_mode & 07777, path);
		look_at_room(l, path);
		look_at_lock(l, path);
	}
}

/* --- the log --- */

static void
look_at_log_file(const struct look *l, const char *path)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1 && errno == EACCES && access(path, W_OK) == 0) {
		fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
		if (fd == -1)
			errno = EACCES;
	}
	if (fd == -1)
		say_denied(l, "log.target", path, path, errno);
	else if (!log_target_is_ours(fd))
		look_option(l, FINDING_ERROR, "log.target",
		    "%s: holds something else, expected a log of this relay or "
		    "a new file; name another, or move it away",
		    path);
	else
		look_found(l, FINDING_OK, "log.target", 0, "%s", path);
	if (fd != -1)
		(void)close(fd);
}

void
look_at_log(const struct look *l)
{
	const char *path = l->conf->log_target;
	struct stat st;

	if (strcmp(path, "stderr") == 0)
		return;
	if (stat(path, &st) == -1 && errno == ENOENT) {
		if (can_make(l, "log.target", path))
			look_found(l, FINDING_OK, "log.target", 0,
			    "%s: will be made", path);
	} else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		look_option(l, FINDING_ERROR, "log.target",
		    "%s: is a folder, expected a file; name one in it, such as "
		    "%s/postern.log",
		    path, path);
	} else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		/* To open a pipe for a look would be heard at its other end. */
		look_found(
		    l, FINDING_OK, "log.target", 0, "%s: is no file", path);
	} else {
		look_at_log_file(l, path);
	}
}

/* --- the control socket --- */

static bool
is_answered(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool live;

	(void)strncpy(at.sun_path, path, sizeof at.sun_path - 1);
	live = fd != -1 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	if (fd != -1)
		(void)close(fd);
	return live;
}

/* Of an option, in its line; or of the first one that has that key. */
static void
look_at_path(const struct look *l, const char *key, int line, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		look_found(l, FINDING_ERROR, key, line,
		    "%s: there is something else, expected a socket or "
		    "nothing; "
		    "name another path, or move it away",
		    path);
	else if (l->pid == 0 && is_answered(path))
		look_found(l, FINDING_ERROR, key, line,
		    "%s: another process listens there; stop it, or name "
		    "another path",
		    path);
	else
		(void)can_make(l, key, path);
}

void
look_at_sockets(const struct look *l)
{
	const struct conf *conf = l->conf;

	look_at_path(l, "control.socket", conf_line(conf, "control.socket"),
	    conf->control_socket);
	for (size_t i = 0; i < conf->nlistens; i++)
		if (conf->listens[i].socket != NULL)
			look_at_path(l, "listen.socket", conf->listens[i].line,
			    conf->listens[i].socket);
}

/* Without it only one sign of theft is missing: it stops nothing. */
void
look_at_countries(const struct look *l)
{
	struct countries *c = countries_new();
	struct err err;

	if (countries_open(c, l->conf->countries, &err) != 0)
		look_option(l, FINDING_WARNING, "countries",
		    "%s; name another file, or none", err.text);
	countries_free(c);
}
