#include "ctl/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/server.h"

enum { PATIENCE_S = 60, READ_SIZE = 65536 };

struct ctl_client {
	int fd;
	struct buf in;
};

struct ctl_client *
ctl_client_open(const char *path, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct ctl_client *c;
	int fd;

	if (strlen(path) >= sizeof at.sun_path) {
		(void)err_set(err, -ENAMETOOLONG,
		    "control socket %s: path too long", path);
		return NULL;
	}
	(void)strncpy(at.sun_path, path, sizeof at.sun_path - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		(void)err_errno(err, "socket");
		return NULL;
	}
	if (connect(fd, (struct sockaddr *)&at, sizeof at) == -1) {
		(void)err_errno(err,
		    "control socket %s (is posternd running, "
		    "and may you use it?)",
		    path);
		(void)close(fd);
		return NULL;
	}
	c = MEM_NEW(struct ctl_client);
	c->fd = fd;
	ctl_client_set_patience(c, PATIENCE_S);
	c->in.max = CTL_ANSWER_MAX + READ_SIZE;
	return c;
}

void
ctl_client_set_patience(struct ctl_client *c, unsigned seconds)
{
	struct timeval patience = { .tv_sec = seconds };

	(void)setsockopt(
	    c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

static int
send_all(int fd, const char *data, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return err_errno(err, "control socket");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Until a whole line is there; its length goes to *end. */
static int
read_line(struct ctl_client *c, size_t *end, struct err *err)
{
	for (;;) {
		struct span in = buf_span(&c->in);
		char *room;
		ssize_t n;

		*end = span_find(in, '\n');
		if (*end < in.len)
			return 0;
		room = buf_reserve(&c->in, READ_SIZE);
		if (room == NULL)
			return err_set(err, -1,
			    "control socket: the answer "
			    "is too long");
		n = recv(c->fd, room, READ_SIZE, 0);
		if (n == 0)
			return err_set(err, -1,
			    "control socket: posternd "
			    "closed it");
		if (n == -1 && errno == EAGAIN)
			return err_set(err, -ETIMEDOUT,
			    "control socket: no answer in time (is it "
			    "posternd that listens there?)");
		if (n == -1)
			return err_errno(err, "control socket");
		buf_added(&c->in, (size_t)n);
	}
}

json_t *
ctl_client_ask(struct ctl_client *c, json_t *request, struct err *err)
{
	char *text = json_dumps(request, JSON_COMPACT);
	const char *wrong;
	json_error_t why;
	json_t *answer;
	size_t end;
	int rc;

	json_decref(request);
	rc = send_all(c->fd, text, strlen(text), err);
	free(text);
	if (rc == 0)
		rc = send_all(c->fd, "\n", 1, err);
	if (rc != 0 || read_line(c, &end, err) != 0)
		return NULL;
	answer = json_loadb(buf_span(&c->in).ptr, end, 0, &why);
	buf_consume(&c->in, end + 1);
	if (answer == NULL) {
		(void)err_set(
		    err, -1, "control socket: not JSON: %s", why.text);
		return NULL;
	}
	wrong = json_string_value(json_object_get(answer, "error"));
	if (wrong != NULL) {
		(void)err_set(err, -1, "%s", wrong);
		json_decref(answer);
		return NULL;
	}
	return answer;
}

void
ctl_client_close(struct ctl_client *c)
{
	if (c == NULL)
		return;
	(void)close(c->fd);
	buf_clear(&c->in);
	free(c);
}
