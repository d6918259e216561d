#include "io/listener.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"

enum { BACKLOG = 1024, ACCEPTS_A_TURN = 16, PAUSE_MS = 200 };

struct listener {
	uv_poll_t poll;
	struct loop *loop; /* borrowed: listeners close before their loop */
	int fd;
	uint16_t port;
	struct deadline *pause; /* owned: out of descriptors, look again */
	listener_cb cb;
	void *arg;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void
on_pause_over(void *arg)
{
	struct listener *l = arg;

	(void)uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

static bool
is_passing(int e)
{
	/* accept(2): errors of the connection itself, gone with it. */
	return e == EINTR || e == ECONNABORTED || e == EPROTO ||
	       e == ENETDOWN || e == ENOPROTOOPT || e == EHOSTDOWN ||
	       e == ENONET || e == EHOSTUNREACH || e == EOPNOTSUPP ||
	       e == ENETUNREACH || e == EPERM;
}

/* 0, or the error for which the next one cannot be had. */
static int
accept_one(struct listener *l)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof peer;
	int fd = accept4(l->fd, (struct sockaddr *)&peer, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1)
		return is_passing(errno) ? 0 : errno;
	l->cb(fd, &peer, l->arg);
	return 0;
}

static void
accept_some(struct listener *l)
{
	int e = 0;

	for (int i = 0; e == 0 && i < ACCEPTS_A_TURN; i++)
		e = accept_one(l);
	if (e == 0 || e == EAGAIN)
		return;
	FACT(ACCEPT_FAILED, fact_number("port", l->port),
	    fact_string("what", strerror(e)), fact_ms("next", PAUSE_MS));
	(void)uv_poll_stop(&l->poll);
	deadline_set(l->pause, PAUSE_MS);
}

void
listener_drain(struct listener *l)
{
	for (int i = 0; i <= BACKLOG && accept_one(l) == 0; i++)
		continue;
}

/* Whoever comes is a stranger; the poll tells of it again. */
static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct loop *loop = l->loop;
	uint64_t began = loop_clock();

	(void)status;
	(void)events;
	loop_awake(loop);
	if (!loop_has_time_for_strangers(loop))
		return;
	accept_some(l);
	loop_used_by_stranger(loop, began);
}

/* A socket that has the address, and does not listen yet. */
static int
bind_socket(const char *address, uint16_t port, struct err *err)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *ai;
	char service[8];
	int fd, rc, one = 1, off = 0;

	(void)snprintf(service, sizeof service, "%u", port);
	rc = getaddrinfo(
	    address[0] == '\0' ? "::" : address, service, &hint, &ai);
	if (rc != 0)
		return err_set(
		    err, -EINVAL, "address %s: %s", address, gai_strerror(rc));
	fd = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 && address[0] == '\0' && errno == EAFNOSUPPORT) {
		freeaddrinfo(ai);
		return bind_socket("0.0.0.0", port, err);
	}
	if (fd == -1) {
		rc = err_errno(err, "socket");
		goto out;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
		    address[0] == '\0' ? &off : &one, sizeof one);
	rc = fd;
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1)
		rc = err_errno(err, "bind");
	if (rc < 0)
		(void)close(fd);
out:
	freeaddrinfo(ai);
	return rc;
}

static int
open_socket(const char *address, uint16_t port, struct err *err)
{
	int fd = bind_socket(address, port, err), rc;

	if (fd < 0 || listen(fd, BACKLOG) == 0)
		return fd;
	rc = err_errno(err, "listen");
	(void)close(fd);
	return rc;
}

int
listener_try(const char *address, uint16_t port, struct err *err)
{
	int fd = bind_socket(address, port, err);

	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof a;

	if (getsockname(fd, (struct sockaddr *)&a, &len) == -1)
		return 0;
	return ntohs(a.ss_family == AF_INET6
			 ? ((struct sockaddr_in6 *)&a)->sin6_port
			 : ((struct sockaddr_in *)&a)->sin_port);
}

static struct listener *
listener_new(struct loop *loop, int fd, listener_cb cb, void *arg)
{
	struct listener *l = MEM_NEW(struct listener);
	int rc;

	l->loop = loop;
	l->fd = fd;
	l->cb = cb;
	l->arg = arg;
	l->pause = deadline_new(loop, on_pause_over, l);
	rc = uv_poll_init(loop_uv(loop), &l->poll, fd);
	assert(rc == 0);
	l->poll.data = l;
	(void)uv_poll_start(&l->poll, UV_READABLE, on_poll);
	return l;
}

struct listener *
listener_open(struct loop *loop, const char *address, uint16_t port,
    listener_cb cb, void *arg, struct err *err)
{
	int fd = open_socket(address, port, err);
	struct listener *l;

	if (fd < 0) {
		(void)err_wrap(err, fd, "listen on %s:%u",
		    address[0] == '\0' ? "*" : address, port);
		return NULL;
	}
	l = listener_new(loop, fd, cb, arg);
	l->port = bound_port(fd);
	return l;
}

/* Whether somebody answers there. */
static bool
is_live(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool live;

	if (fd == -1)
		return false;
	live = connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
	(void)close(fd);
	return live;
}

/* A socket that nobody listens at was left by a stop; all else is not ours. */
static int
make_way(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : err_errno(err, "look at it");
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST,
		    "there is something else, expected a socket or nothing; "
		    "name another path, or move it away");
	if (unlink(path) == -1)
		return err_errno(err, "remove the socket of before");
	return 0;
}

static int
open_path(const char *path, unsigned mode, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof at.sun_path)
		return err_set(err, -ENAMETOOLONG,
		    "the path is longer than %zu bytes",
		    sizeof at.sun_path - 1);
	(void)strncpy(at.sun_path, path, sizeof at.sun_path - 1);
	if (is_live(&at))
		return err_set(
		    err, -EADDRINUSE, "another process listens there");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_errno(err, "socket");
	rc = make_way(path, err);
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	/* The umask could leave it open to others for a moment. */
	(void)fchmod(fd, 0600);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) == -1)
		rc = err_errno(err, "bind");
	else if (chmod(path, mode) == -1)
		rc = err_errno(err, "chmod");
	else if (listen(fd, BACKLOG) == -1)
		rc = err_errno(err, "listen");
	else
		return fd;
	(void)close(fd);
	return rc;
}

struct listener *
listener_open_path(struct loop *loop, const struct listener_path *at,
    listener_cb cb, void *arg, struct err *err)
{
	int fd = open_path(at->path, at->mode, err);

	if (fd < 0) {
		(void)err_wrap(err, fd, "listen on %s", at->path);
		return NULL;
	}
	return listener_new(loop, fd, cb, arg);
}

uint16_t
listener_port(const struct listener *l)
{
	return l->port;
}

static void
on_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;

	free(l);
}

void
listener_close(struct listener *l)
{
	if (l == NULL)
		return;
	deadline_close(l->pause);
	uv_close((uv_handle_t *)&l->poll, on_closed);
	(void)close(l->fd); /* at once: its address may be wanted again */
}
