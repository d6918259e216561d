/* What another process has, as far as /proc tells it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "prepare_priv.h"

enum { INODES_MOST = 64, LISTENS = 0x0a };

/* Of sockets that listen at the port. */
static size_t
listening_inodes(const char *table, uint16_t port, unsigned long *out, size_t n)
{
	FILE *f = fopen(table, "re");
	char line[512];

	while (f != NULL && n < INODES_MOST &&
	       fgets(line, sizeof line, f) != NULL) {
		/* sl: local:port remote:port state tx:rx tr:when rtr uid
		   timeout inode */
		struct span rest = span_trim(span_text(line)), local, state;
		const char *colon;

		(void)span_cut(&rest, ' ');
		local = span_cut(&rest, ' ');
		(void)span_cut(&rest, ' ');
		state = span_cut(&rest, ' ');
		if (local.len < 5)
			continue;
		colon = local.ptr + local.len - 4;
		if (strtoul(colon, NULL, 16) != port ||
		    strtoul(state.ptr, NULL, 16) != LISTENS)
			continue;
		for (int i = 0; i < 5; i++) {
			rest = span_trim(rest);
			(void)span_cut(&rest, ' ');
		}
		out[n++] = strtoul(span_trim(rest).ptr, NULL, 10);
	}
	if (f != NULL)
		(void)fclose(f);
	return n;
}

static bool
is_one_of(const char *link, const unsigned long *inodes, size_t n)
{
	char name[64];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof name, "socket:[%lu]", inodes[i]);
		if (strcmp(link, name) == 0)
			return true;
	}
	return false;
}

enum held
held_port(long pid, uint16_t port)
{
	unsigned long inodes[INODES_MOST];
	char path[64], link[64];
	enum held held = HELD_NO;
	bool is_hidden = false;
	struct dirent *e;
	ssize_t len;
	size_t n;
	DIR *d;

	if (pid == 0)
		return HELD_NO;
	n = listening_inodes("/proc/self/net/tcp", port, inodes, 0);
	n = listening_inodes("/proc/self/net/tcp6", port, inodes, n);
	if (n == 0)
		return HELD_NO;
	(void)snprintf(path, sizeof path, "/proc/%ld/fd", pid);
	d = opendir(path);
	if (d == NULL)
		return HELD_UNKNOWN;
	for (e = readdir(d); e != NULL && held == HELD_NO; e = readdir(d)) {
		len = readlinkat(dirfd(d), e->d_name, link, sizeof link - 1);
		link[len < 0 ? 0 : len] = '\0';
		is_hidden = is_hidden || (len < 0 && errno == EACCES);
		if (is_one_of(link, inodes, n))
			held = HELD_YES;
	}
	(void)closedir(d);
	return held == HELD_NO && is_hidden ? HELD_UNKNOWN : held;
}

/* "1: FLOCK  ADVISORY  WRITE 4711 08:02:131090 0 EOF" */
long
held_lock(const char *path)
{
	char line[256], wanted[64];
	long pid = 0;
	struct stat st;
	FILE *f;

	if (stat(path, &st) == -1)
		return 0;
	(void)snprintf(wanted, sizeof wanted, " %02x:%02x:%llu ",
	    major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino);
	f = fopen("/proc/locks", "re");
	while (f != NULL && pid == 0 && fgets(line, sizeof line, f) != NULL) {
		char *at = strstr(line, wanted);

		if (at == NULL || strstr(line, "FLOCK") == NULL)
			continue;
		while (at > line && at[-1] != ' ')
			at--;
		pid = strtol(at, NULL, 10);
	}
	if (f != NULL)
		(void)fclose(f);
	return pid;
}
