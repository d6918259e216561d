/* Filters: whether somebody answers there, in the milter protocol. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/conf.h"
#include "milter/packet.h"
#include "prepare_priv.h"

enum { ANSWER_MS = 2000 };

static int
connect_path(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	if (fd != -1 && connect(fd, (struct sockaddr *)&to, sizeof to) == -1) {
		int why = errno;

		(void)close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

static int
connect_address(const struct conf_filter *f)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons(f->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(f->port) };
	bool is_v4 = inet_pton(AF_INET, f->host, &v4.sin_addr) == 1;
	int fd, why = 0;

	if (!is_v4)
		(void)inet_pton(AF_INET6, f->host, &v6.sin6_addr);
	fd = socket(is_v4 ? AF_INET : AF_INET6,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (is_v4 ? connect(fd, (struct sockaddr *)&v4, sizeof v4) == -1
		  : connect(fd, (struct sockaddr *)&v6, sizeof v6) == -1)
		why = errno;
	if (why != 0 && why != EINPROGRESS) {
		(void)close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

/* True when it can be written, or read, in time; else errno says why not. */
static bool
wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	socklen_t len = sizeof errno;
	int rc = poll(&p, 1, ANSWER_MS), why = 0;

	if (rc == 0)
		errno = ETIMEDOUT;
	if (rc <= 0)
		return false;
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len);
	if (why != 0)
		errno = why;
	return why == 0;
}

/* NULL, or what is wrong. Only the first words are exchanged. */
static const char *
speak(int fd)
{
	struct buf out = { 0 };
	size_t at = packet_begin(&out, PACKET_OPTIONS);
	char in[512];
	ssize_t n;
	bool sent;

	packet_put_number(&out, 6);
	packet_put_number(&out, ACTIONS);
	packet_put_number(&out, PROTOCOLS);
	packet_end(&out, at);
	if (!wait_for(fd, POLLOUT)) {
		buf_clear(&out);
		return strerror(errno);
	}
	sent = send(fd, buf_span(&out).ptr, buf_len(&out), MSG_NOSIGNAL) ==
	       (ssize_t)buf_len(&out);
	buf_clear(&out);
	if (!sent || !wait_for(fd, POLLIN))
		return strerror(errno);
	n = recv(fd, in, sizeof in, 0);
	if (n <= PACKET_HEAD || in[PACKET_HEAD] != PACKET_OPTIONS)
		return "it does not speak the milter protocol";
	n = send(fd, "\0\0\0\1Q", 5, MSG_NOSIGNAL);
	return n == 5 ? NULL : strerror(errno);
}

static void
look_at_one(const struct look *l, const struct conf_filter *f)
{
	static const char *const meanwhile[] = {
		[AWAY_TEMPFAIL] = "is put off (451)",
		[AWAY_ACCEPT] = "goes on without it",
		[AWAY_HOLD] = "is held",
	};
	int fd = f->path != NULL ? connect_path(f->path) : connect_address(f);
	const char *wrong = fd == -1 ? strerror(errno) : speak(fd);

	if (fd != -1)
		(void)close(fd); /* nothing was left to be said */
	if (wrong == NULL)
		look_found(
		    l, FINDING_OK, "filter", 0, "%s: %s", f->name, f->socket);
	else
		look_found(l, FINDING_WARNING, "filter", f->line,
		    "%s: %s: %s; start it, or name another socket: until then "
		    "what comes %s",
		    f->name, f->socket, wrong, meanwhile[f->away]);
}

/* Not by a relay that serves: nobody is waited for on its thread. */
void
look_at_filters(const struct look *l)
{
	if (l->pid == (long)getpid())
		return;
	for (size_t i = 0; i < l->conf->nfilters; i++)
		look_at_one(l, &l->conf->filters[i]);
}
