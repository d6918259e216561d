#include "talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtp/reply.h"

enum { PATIENCE_S = 600, READ = 16 * 1024 }; /* RFC 5321 4.5.3.2.6 */

int
talk_connect(struct talk *t, const char *path, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_S };

	t->fd = -1;
	if (strlen(path) >= sizeof at.sun_path) {
		(void)err_set(
		    err, -ENAMETOOLONG, "%s: the path is too long", path);
		return EX_CONFIG;
	}
	(void)strncpy(at.sun_path, path, sizeof at.sun_path - 1);
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t->fd == -1) {
		(void)err_errno(err, "socket");
		return EX_OSERR;
	}
	(void)setsockopt(
	    t->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(
	    t->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(t->fd, (struct sockaddr *)&at, sizeof at) == 0)
		return 0;
	(void)err_errno(err,
	    "connect to %s (does posternd run, with a listen section that "
	    "has this socket?)",
	    path);
	return EX_TEMPFAIL;
}

static void
show(const struct talk *t, const char *who, struct span text)
{
	if (t->is_verbose)
		(void)fprintf(stderr, "%s %.*s", who, SPAN_ARG(text));
}

int
talk_put(struct talk *t, struct span octets, struct err *err)
{
	while (octets.len > 0) {
		ssize_t n = send(t->fd, octets.ptr, octets.len, MSG_NOSIGNAL);

		if (n >= 0) {
			octets = span_from(octets, (size_t)n);
		} else if (errno != EINTR) {
			(void)err_errno(err, "send to the relay");
			return EX_TEMPFAIL;
		}
	}
	return 0;
}

static int
read_more(struct talk *t, struct err *err)
{
	char *to = buf_reserve(&t->in, READ);
	ssize_t n = to == NULL ? 0 : read(t->fd, to, READ);

	if (n > 0) {
		buf_added(&t->in, (size_t)n);
		return 0;
	}
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		(void)err_errno(err, "read from the relay");
	else
		(void)err_set(err, -EPIPE, "the relay closed the connection");
	return EX_TEMPFAIL;
}

/* Its lines as one text for a person. */
static int
tell(const struct reply *r, struct err *err)
{
	struct span lines = r->text, line;
	struct buf all = { .max = 1000 };

	while (reply_next_line(&lines, &line)) {
		if (buf_len(&all) > 0)
			(void)buf_append_char(&all, ' ');
		(void)buf_append_span(&all, line);
	}
	(void)err_set(err, -EIO, "the relay said: %d %.*s", r->code,
	    SPAN_ARG(buf_span(&all)));
	buf_clear(&all);
	return reply_is_temporary(r) ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

int
talk_reply(struct talk *t, struct err *err)
{
	struct reply r;

	buf_consume(&t->in, t->taken);
	t->taken = 0;
	for (;;) {
		struct span in = buf_span(&t->in);
		size_t before = in.len;
		enum reply_status status = reply_parse(&in, &r);
		int rc;

		if (status == REPLY_OK) {
			t->taken = before - in.len;
			break;
		}
		if (status != REPLY_MORE) {
			(void)err_set(
			    err, -EPROTO, "the relay's reply is none");
			return EX_PROTOCOL;
		}
		rc = read_more(t, err);
		if (rc != 0)
			return rc;
	}
	t->code = r.code;
	t->said = r.text;
	show(t, "<", span_to(buf_span(&t->in), t->taken));
	return r.code < 400 ? 0 : tell(&r, err);
}

/* An address with a line end in it would be a command of whoever wrote it. */
static bool
is_one_line(struct span line)
{
	return span_find(line, '\r') == line.len &&
	       span_find(line, '\n') == line.len &&
	       span_find(line, '\0') == line.len;
}

int
talk_command(struct talk *t, struct span line, struct err *err)
{
	struct buf out = { 0 };
	int rc;

	if (!is_one_line(line)) {
		(void)err_set(err, -EINVAL,
		    "there is a line end or a NUL in an address or option");
		return EX_USAGE;
	}
	(void)buf_append_span(&out, line);
	(void)buf_append_text(&out, "\r\n");
	show(t, ">", buf_span(&out));
	rc = talk_put(t, buf_span(&out), err);
	buf_clear(&out);
	return rc != 0 ? rc : talk_reply(t, err);
}

static void
note(char *to, size_t size, struct span text)
{
	(void)snprintf(to, size, "%.*s", SPAN_ARG(text));
}

/* What the reply to EHLO says: our name for it, its for us. */
static void
read_offers(struct talk *t)
{
	struct span lines = t->said, line;
	bool is_first = true;

	while (reply_next_line(&lines, &line)) {
		struct span word = span_cut(&line, ' ');

		if (is_first)
			note(t->hostname, sizeof t->hostname, word);
		else if (span_equal_nocase(word, SPAN("SMTPUTF8")))
			t->has_utf8 = true;
		else if (span_equal_nocase(word, SPAN("DSN")))
			t->has_dsn = true;
		else if (span_equal_nocase(word, SPAN("XACCOUNT"))) {
			note(t->account, sizeof t->account,
			    span_cut(&line, ' '));
			t->is_anybody = span_equal(line, SPAN("ANY"));
		}
		is_first = false;
	}
}

int
talk_open(struct talk *t, const char *path, struct err *err)
{
	int rc;

	rc = talk_connect(t, path, err);
	if (rc == 0)
		rc = talk_reply(t, err);
	if (rc == 0)
		rc = talk_command(t, SPAN("EHLO localhost"), err);
	if (rc == 0)
		read_offers(t);
	return rc;
}

void
talk_close(struct talk *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	buf_clear(&t->in);
}
