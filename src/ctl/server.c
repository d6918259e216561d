/*
 * A connection: stream -> lines -> handler -> line. One request at a time; the
 * next is read when the answer has been put out.
 */
#include "ctl/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "io/listener.h"
#include "io/stream.h"

struct ctl_later {
	struct list node; /* in server->connections */
	struct ctl_server *server; /* borrowed: closes its connections */
	struct stream *stream; /* owned; NULL: closed */
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
on_closed(void *arg)
{
	struct ctl_later *c = arg;

	c->stream = NULL;
	list_remove(&c->node);
	if (!c->is_waiting)
		free(c); /* else ctl_answer() does */
}

static void
put_answer(struct ctl_later *c, struct span answer)
{
	stream_put(c->stream, answer);
	stream_put(c->stream, SPAN("\n"));
}

/* Handles whole lines; false: one is answered later, or all is over. */
static bool
take_lines(struct ctl_later *c)
{
	for (;;) {
		struct span in = stream_input(c->stream), line;
		struct buf answer = { .max = CTL_ANSWER_MAX };
		size_t end = span_find(in, '\n');
		bool now;

		if (end == in.len)
			return in.len <= CTL_REQUEST_MAX;
		line = span_to(in, end);
		c->is_waiting = true;
		now = c->server->handler(line, &answer, c, c->server->arg);
		stream_consume(c->stream, end + 1);
		if (!now) {
			buf_clear(&answer);
			return false;
		}
		c->is_waiting = false;
		put_answer(c, buf_span(&answer));
		buf_clear(&answer);
	}
}

static void
go_on(struct ctl_later *c)
{
	bool more = take_lines(c);

	if (more)
		stream_read(c->stream, on_input, c);
	else if (!c->is_waiting)
		close_connection(c); /* a line without an end */
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
		free(c);
		return;
	}
	if (c->is_closing)
		return;
	put_answer(c, answer);
	go_on(c);
}

static void
on_connection(int fd, const struct sockaddr_storage *peer, void *arg)
{
	struct ctl_server *s = arg;
	struct ctl_later *c = MEM_NEW(struct ctl_later);

	(void)peer;
	c->server = s;
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
	s->listener = listener_open_path(loop, path, on_connection, s, err);
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
