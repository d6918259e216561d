/*
 * A connection: stream -> line -> handler -> line. One request at a time; the
 * next is looked at when the answer has left, piece by piece, because a stream
 * holds less than the longest answer.
 */
#include "ctl/server.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "io/listener.h"
#include "io/stream.h"

enum { PIECE = 1 << 20 };

struct ctl_later {
	struct list node; /* in server->connections */
	struct ctl_server *server; /* borrowed: closes its connections */
	struct stream *stream; /* owned; NULL: closed */
	struct buf rest; /* of the answer: what has not left yet */
	long uid; /* of the peer; -1: not known */
	char *user; /* owned: its name; NULL: not looked up yet */
	bool is_waiting; /* for ctl_answer() */
	bool is_closing;
};

struct ctl_server {
	struct loop *loop; /* borrowed: outlives what is on it */
	struct listener *listener; /* owned */
	struct list connections;
	char *path; /* owned */
	ctl_handler handler;
	void *arg;
};

static void on_input(enum stream_status status, void *arg);
static void on_drained(enum stream_status status, void *arg);
static void on_closed(void *arg);

static void
close_connection(struct ctl_later *c)
{
	if (c->is_closing)
		return;
	c->is_closing = true;
	stream_close(c->stream, on_closed, c);
}

static void
connection_free(struct ctl_later *c)
{
	buf_clear(&c->rest);
	free(c->user);
	free(c);
}

static void
on_closed(void *arg)
{
	struct ctl_later *c = arg;

	c->stream = NULL;
	list_remove(&c->node);
	if (!c->is_waiting)
		connection_free(c); /* else ctl_answer() does */
}

static void
put_answer(struct ctl_later *c, struct span answer)
{
	if (!buf_append_span(&c->rest, answer))
		(void)buf_append_text(
		    &c->rest, "{\"error\":\"the answer is too long\"}");
	(void)buf_append_char(&c->rest, '\n');
}

/* The handler's answer to one line is put out, or comes later. */
static void
take_line(struct ctl_later *c, size_t end)
{
	struct span line = span_to(stream_input(c->stream), end);
	struct buf answer = { .max = CTL_ANSWER_MAX };

	c->is_waiting = true;
	if (c->server->handler(line, &answer, c, c->server->arg)) {
		c->is_waiting = false;
		put_answer(c, buf_span(&answer));
	}
	stream_consume(c->stream, end + 1);
	buf_clear(&answer);
}

static void
go_on(struct ctl_later *c)
{
	struct span in = stream_input(c->stream), piece;
	size_t end = span_find(in, '\n');

	if (buf_len(&c->rest) == 0 && end < in.len)
		take_line(c, end);
	if (buf_len(&c->rest) > 0) {
		piece = span_to(buf_span(&c->rest), PIECE);
		stream_put(c->stream, piece);
		buf_consume(&c->rest, piece.len);
		stream_drain(c->stream, on_drained, c);
	} else if (!c->is_waiting && in.len <= CTL_REQUEST_MAX) {
		stream_read(c->stream, on_input, c);
	} else if (!c->is_waiting) {
		close_connection(c); /* a line without an end */
	}
}

static void
on_drained(enum stream_status status, void *arg)
{
	struct ctl_later *c = arg;

	if (buf_len(&c->rest) == 0)
		buf_clear(&c->rest);
	if (status == STREAM_OK)
		go_on(c);
	else
		close_connection(c);
}

static void
on_input(enum stream_status status, void *arg)
{
	struct ctl_later *c = arg;

	if (status == STREAM_OK)
		go_on(c);
	else
		close_connection(c);
}

void
ctl_answer(struct ctl_later *c, struct span answer)
{
	c->is_waiting = false;
	if (c->stream == NULL) {
		connection_free(c);
		return;
	}
	if (c->is_closing)
		return;
	put_answer(c, answer);
	go_on(c);
}

static long
uid_of_peer(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return -1;
	return (long)peer.uid;
}

long
ctl_uid(const struct ctl_later *c)
{
	return c->uid;
}

/* Of the file alone: what else knows names may be slow, and blocks. */
static char *
name_of(long uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *p = NULL;
	char *name = NULL;

	while (f != NULL && name == NULL) {
		p = fgetpwent(f);
		if (p == NULL)
			break;
		if ((long)p->pw_uid == uid)
			name = mem_strdup(p->pw_name);
	}
	if (f != NULL)
		(void)fclose(f);
	return name == NULL ? mem_strdup("") : name;
}

const char *
ctl_user(struct ctl_later *c)
{
	if (c->user == NULL)
		c->user = name_of(c->uid);
	return c->user;
}

static void
on_connection(int fd, const struct sockaddr_storage *peer, void *arg)
{
	struct ctl_server *s = arg;
	struct ctl_later *c = MEM_NEW(struct ctl_later);

	(void)peer;
	c->server = s;
	c->rest.max = CTL_ANSWER_MAX + 256;
	c->uid = uid_of_peer(fd);
	c->stream = stream_new(s->loop, fd);
	list_append(&s->connections, &c->node);
	stream_read(c->stream, on_input, c);
}

struct ctl_server *
ctl_server_open(struct loop *loop, const char *path, ctl_handler handler,
    void *arg, struct err *err)
{
	struct ctl_server *s = MEM_NEW(struct ctl_server);

	list_init(&s->connections);
	s->loop = loop;
	s->handler = handler;
	s->arg = arg;
	s->listener = listener_open_path(
	    loop, &(struct listener_path){ path, 0600 }, on_connection, s, err);
	if (s->listener == NULL) {
		free(s);
		return NULL;
	}
	s->path = mem_strdup(path);
	return s;
}

void
ctl_server_close(struct ctl_server *s)
{
	if (s == NULL)
		return;
	listener_close(s->listener);
	(void)unlink(s->path);
	LIST_FOREACH_SAFE (node, next, &s->connections)
		close_connection(LIST_ENTRY(node, struct ctl_later, node));
	/* What still closes must not look at a list that is gone. */
	LIST_FOREACH_SAFE (node, next, &s->connections)
		list_remove(node);
	free(s->path);
	free(s);
}
