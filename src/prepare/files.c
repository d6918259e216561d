/* Folders and files that the relay writes: spool, log, control socket. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/* What a path is wanted for, and how bad it is when it cannot be had. */
struct want {
	const char *key;
	enum finding_level level;
	bool is_file; /* which open() makes at the end of a link, too */
};
static const struct want spool = { "spool.directory", FINDING_ERROR, false };
static const struct want logs = { "log.target", FINDING_ERROR, true };
/* Without it the relay runs on. */
static const struct want state = { "state.directory", FINDING_WARNING, false };

/* `at` is what the system does not let us use. */
static void
say_denied(const struct look *l, const struct want *w, const char *path,
    const char *at, int error)
{
	char why[512] = "";

	if (error == EACCES)
		(void)whose(at, why, sizeof why);
	look_option(l, w->level, w->key, "%s: %s%s%s", path,
	    error == EROFS ? "the file system is read-only; mount -o "
			     "remount,rw, or name another path"
			   : strerror(error),
	    error == ELOOP || error == ENAMETOOLONG || error == ENOTDIR
		? "; name another path"
		: "",
	    why);
}

/* Whether a link is to a name in a folder that is there. */
static bool
ends_in_folder(const char *link, const char *above)
{
	char to[PATH_MAX] = "", *full, *folder;
	struct stat st;
	bool is_there;

	if (readlink(link, to, sizeof to - 1) <= 0)
		return false;
	full = to[0] == '/' ? mem_strdup(to) : mem_printf("%s/%s", above, to);
	folder = folder_of(full);
	is_there = stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
	free(folder);
	free(full);
	return is_there;
}

/* The folder above is there and may be written; else says what is wrong. */
static bool
can_make(const struct look *l, const struct want *w, const char *path)
{
	char *above = folder_of(path);
	struct stat st;
	bool ok = false;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) &&
	    !(w->is_file && ends_in_folder(path, above)))
		look_option(l, w->level, w->key,
		    "%s: is a link to what is not there; make that, or name "
		    "another path",
		    path);
	else if (stat(above, &st) == -1 && errno == ENOENT)
		look_option(l, w->level, w->key,
		    "%s: the folder %s is not there; mkdir -p %s, owned by the "
		    "relay's user",
		    path, above, above);
	else if (stat(above, &st) == 0 && !S_ISDIR(st.st_mode))
		look_option(l, w->level, w->key,
		    "%s: %s is no folder; name another path", path, above);
	else if (access(above, W_OK | X_OK) == -1)
		say_denied(l, w, path, above, errno);
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
		if (!can_make(l, &spool, path))
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
		say_denied(l, &spool, path, above, error);
		free(above);
	} else if (!S_ISDIR(st.st_mode)) {
		look_option(l, FINDING_ERROR, "spool.directory",
		    "%s: is no folder; name another path, or move it away",
		    path);
	} else if (access(path, R_OK | W_OK | X_OK) == -1 && errno != EROFS) {
		say_denied(l, &spool, path, path, errno);
	} else {
		if ((st.st_mode & 077) != 0)
			look_option(l, FINDING_WARNING, "spool.directory",
			    "%s: mode %04o lets others in; chmod 700 %s", path,
			    (unsigned)st.st_mode & 07777, path);
		look_at_room(l, path);
		look_at_lock(l, path);
	}
}

/* Nothing of it is needed to run: what it lacks, state says later, too. */
void
look_at_state(const struct look *l)
{
	const char *path = l->conf->state_directory;
	struct stat st;
	bool is_there = stat(path, &st) == 0;

	/* Beside the spool, whose folder has been looked at. */
	if (conf_line(l->conf, state.key) == 0)
		return;
	if (!is_there && errno == ENOENT)
		(void)can_make(l, &state, path);
	else if (!is_there)
		say_denied(l, &state, path, path, errno);
	else if (!S_ISDIR(st.st_mode))
		look_option(l, state.level, state.key,
		    "%s: is no folder, and nothing is kept over a stop; name "
		    "another path, or move it away",
		    path);
	else if (access(path, R_OK | W_OK | X_OK) == -1)
		say_denied(l, &state, path, path, errno);
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
		say_denied(l, &logs, path, path, errno);
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
	if (path[strlen(path) - 1] == '/' ||
	    (stat(path, &st) == 0 && S_ISDIR(st.st_mode))) {
		look_option(l, FINDING_ERROR, "log.target",
		    "%s: is a folder, expected a file; name one in it, such as "
		    "%s%spostern.log",
		    path, path, path[strlen(path) - 1] == '/' ? "" : "/");
	} else if (stat(path, &st) == -1 && errno == ENOENT) {
		if (can_make(l, &logs, path))
			look_found(l, FINDING_OK, "log.target", 0,
			    "%s: will be made", path);
	} else if (stat(path, &st) == 0 &&
		   (S_ISSOCK(st.st_mode) || S_ISBLK(st.st_mode))) {
		look_option(l, FINDING_ERROR, "log.target",
		    "%s: is a %s, expected a file or stderr; name another",
		    path, S_ISSOCK(st.st_mode) ? "socket" : "disk");
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
		(void)can_make(
		    l, &(struct want){ key, FINDING_ERROR, false }, path);
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
	char why[WHY_SIZE];
	struct err err;

	if (countries_open(c, l->conf->countries, &err) != 0)
		look_option(l, FINDING_WARNING, "countries",
		    "%s%s; name another file, or none", err.text,
		    why_denied(
			l->conf->countries == NULL ? "" : l->conf->countries,
			why, sizeof why));
	countries_free(c);
}
