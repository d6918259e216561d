/*
 * postern-sendmail: takes a message from standard input, as sendmail does, and hands
 * it to the relay of this machine. See postern-sendmail(8).
 *
 *   read all of it -> connect -> MAIL, RCPT ... -> DATA -> the relay's word
 *
 * Nothing is kept here: it exits 0 when the relay has the message on disk, and else
 * nobody has it. All of it is read before the relay is asked, since cron begins to
 * write at a job's first line and ends with the job.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/build.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "mail/mend.h"
#include "options.h"
#include "sendmail/letter.h"
#include "smtp/dot.h"
#include "talk.h"

enum { READ = 64 * 1024, ADDRESS_TEXT = 700 };

static int
fail(int code, const char *what)
{
	(void)fprintf(stderr, "postern-sendmail: %s\n", what);
	return code;
}

/* --- where the relay is --- */

static const char usual_conf[] = SYSCONFDIR "/postern/postern.conf";
static const char usual_socket[] = RUNSTATEDIR "/postern/submit.sock";

static char *
socket_of(const struct conf *conf)
{
	for (size_t i = 0; i < conf->nlistens; i++)
		if (conf->listens[i].socket != NULL)
			return mem_strdup(conf->listens[i].socket);
	return NULL;
}

/*
 * The path; free() it. NULL: there is none, as was said. A configuration that was
 * not named, and that this user may not read, leaves the usual path.
 */
static char *
find_socket(const struct options *o)
{
	const char *path = o->conf != NULL ? o->conf : usual_conf;
	struct buf warnings = { 0 };
	struct conf *conf;
	struct err err;
	char *found;

	if (o->conf == NULL && access(path, R_OK) != 0)
		return mem_strdup(usual_socket);
	conf = conf_read(path, "localhost", &warnings, &err);
	buf_clear(&warnings);
	if (conf == NULL && o->conf == NULL)
		return mem_strdup(usual_socket);
	if (conf == NULL) {
		(void)fail(EX_CONFIG, err.text);
		return NULL;
	}
	found = socket_of(conf);
	conf_unref(conf);
	if (found == NULL)
		(void)fprintf(stderr,
		    "postern-sendmail: %s has no listen section with a "
		    "socket; add listen local { socket = %s }\n",
		    path, usual_socket);
	return found;
}

/* --- what comes in --- */

/* Lines that CRLF ends: the first of them in memory, more in a file. */
struct input {
	struct buf text; /* owned: the header is in it */
	FILE *rest; /* owned; NULL: there is no more */
};

static void
input_clear(struct input *in)
{
	buf_clear(&in->text);
	if (in->rest != NULL)
		(void)fclose(in->rest);
}

static int
keep(struct input *in, struct span lines)
{
	if (in->rest == NULL &&
	    buf_len(&in->text) + lines.len <= LETTER_HEADER_MAX) {
		(void)buf_append_span(&in->text, lines);
		return 0;
	}
	if (in->rest == NULL)
		in->rest = tmpfile();
	if (in->rest == NULL ||
	    fwrite(lines.ptr, 1, lines.len, in->rest) != lines.len)
		return fail(EX_IOERR,
		    "the message cannot be kept in a file of TMPDIR while it "
		    "is read");
	return 0;
}

static int
read_input(const struct options *o, struct input *in)
{
	struct letter_lines lines = { .dot_ends = !o->ignores_dots };
	struct buf out = { .max = 4 * READ };
	char *piece = mem_alloc(READ);
	ssize_t n = 1;
	int rc = 0;

	in->text.max = LETTER_HEADER_MAX + 4 * READ;
	while (rc == 0 && n > 0 && !lines.is_ended) {
		n = read(STDIN_FILENO, piece, READ);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			rc = fail(EX_IOERR, "standard input cannot be read");
		else if (n > 0)
			letter_lines_add(
			    &lines, span_make(piece, (size_t)n), &out);
		if (n == 0)
			letter_lines_end(&lines, &out);
		if (rc == 0)
			rc = keep(in, buf_span(&out));
		buf_reset(&out);
	}
	free(piece);
	buf_clear(&out);
	return rc;
}

/* --- the letter --- */

struct letter {
	const struct options *options;
	struct input input;
	struct buf header; /* owned: as it came, made whole */
	size_t body; /* where the body begins in input.text */
	struct letter_rcpts rcpts;
	char sender[ADDRESS_TEXT]; /* of MAIL */
	char from[ADDRESS_TEXT]; /* of a From that is added */
};

static int
find_header(struct letter *l)
{
	struct span text = buf_span(&l->input.text);
	struct mend_scan scan = { 0 };
	size_t end = 0;

	switch (mend_find_end(text, l->input.rest == NULL, &scan, &end)) {
	case MEND_BLANK:
	case MEND_NO_BLANK: break;
	case MEND_MORE:
		return fail(EX_DATAERR,
		    "the message's header is too long; it ends with a blank "
		    "line, within the first MiB");
	case MEND_INDENTED:
		return fail(EX_DATAERR,
		    "there is white space in front of the message's header");
	}
	l->header.max = 2 * LETTER_HEADER_MAX;
	if (scan.is_odd)
		mend_write(span_to(text, end), &l->header);
	else
		(void)buf_append_span(&l->header, span_to(text, end));
	l->body = end;
	return 0;
}

static int
find_rcpts(struct letter *l, const struct talk *t)
{
	const struct options *o = l->options;
	struct span hostname = span_text(t->hostname), bad = { "", 0 };
	enum letter_status status = LETTER_OK;

	for (int i = 0; i < o->nrcpts && status == LETTER_OK; i++) {
		status = letter_rcpts_add(
		    &l->rcpts, span_text(o->rcpts[i]), hostname);
		bad = span_text(o->rcpts[i]);
	}
	if (o->takes_recipients && status == LETTER_OK)
		status = letter_header_rcpts(
		    buf_span(&l->header), hostname, &l->rcpts, &bad);
	if (status == LETTER_TOO_MANY)
		return fail(EX_DATAERR, "more than 100000 recipients");
	if (status == LETTER_UNCLEAR) {
		(void)fprintf(stderr,
		    "postern-sendmail: %.*s: no list of addresses can be read "
		    "there\n",
		    SPAN_ARG(span_to(bad, 200)));
		return EX_DATAERR;
	}
	if (l->rcpts.n > 0)
		return 0;
	return o->takes_recipients
		   ? fail(EX_DATAERR,
			 "no recipient: To, Cc and Bcc have no address")
		   : fail(EX_USAGE,
			 "no recipient: name some, or -t takes them from the "
			 "header");
}

/* With a domain; `text` may be in brackets. */
static void
qualify(struct span text, const struct talk *t, char out[ADDRESS_TEXT])
{
	if (text.len >= 2 && text.ptr[0] == '<' &&
	    text.ptr[text.len - 1] == '>')
		text = span_to(span_from(text, 1), text.len - 2);
	(void)snprintf(out, ADDRESS_TEXT,
	    span_is_empty(text) || span_find(text, '@') < text.len ? "%.*s"
								   : "%.*s@%s",
	    SPAN_ARG(text), t->hostname);
}

static void
find_sender(struct letter *l, const struct talk *t)
{
	const char *said = l->options->sender;

	qualify(span_text(t->account), t, l->from);
	if (said != NULL)
		qualify(span_text(said), t, l->sender);
	else
		(void)snprintf(l->sender, ADDRESS_TEXT, "%s", l->from);
	if (l->sender[0] != '\0')
		(void)snprintf(l->from, ADDRESS_TEXT, "%s", l->sender);
}

/* What the system calls the person: up to the first comma (passwd(5)). */
static char *
full_name(const struct options *o)
{
	const struct passwd *p;

	if (o->name != NULL)
		return mem_strdup(o->name);
	p = getpwuid(getuid());
	if (p == NULL || p->pw_gecos == NULL ||
	    strchr(p->pw_gecos, '&') != NULL)
		return mem_strdup("");
	return mem_printf("%.*s", (int)strcspn(p->pw_gecos, ","), p->pw_gecos);
}

/* --- handing it over --- */

/* RFC 3461 4: what may not stand in a parameter is "+HH". */
static void
write_xtext(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++)
		if (*text > ' ' && *text <= '~' && *text != '+' && *text != '=')
			(void)buf_append_char(out, *text);
		else
			(void)buf_printf(out, "+%02X", (unsigned char)*text);
}

static bool
needs_utf8(const struct letter *l)
{
	if (!span_is_ascii(buf_span(&l->header)) ||
	    !span_is_ascii(span_text(l->sender)))
		return true;
	for (size_t i = 0; i < l->rcpts.n; i++)
		if (!span_is_ascii(span_text(l->rcpts.list[i])))
			return true;
	return false;
}

/* Who is refused, and what for, decides the code. */
static int
command(struct talk *t, struct buf *line, int refused, struct err *err)
{
	int rc = talk_command(t, buf_span(line), err);

	buf_reset(line);
	return rc == EX_UNAVAILABLE ? refused : rc;
}

/* All recipients, or none: who called may mend one, and call again. */
static int
say_envelope(const struct letter *l, struct talk *t, struct err *err)
{
	const struct options *o = l->options;
	struct buf line = { 0 };
	int rc;

	(void)buf_printf(&line, "MAIL FROM:<%s>", l->sender);
	if (t->has_utf8 && needs_utf8(l))
		(void)buf_append_text(&line, " SMTPUTF8");
	if (o->ret != NULL && t->has_dsn)
		(void)buf_printf(&line, " RET=%s", o->ret);
	if (o->envid != NULL && t->has_dsn) {
		(void)buf_append_text(&line, " ENVID=");
		write_xtext(o->envid, &line);
	}
	rc = command(t, &line, EX_NOPERM, err);
	for (size_t i = 0; rc == 0 && i < l->rcpts.n; i++) {
		(void)buf_printf(&line, "RCPT TO:<%s>", l->rcpts.list[i]);
		if (o->notify != NULL && t->has_dsn)
			(void)buf_printf(&line, " NOTIFY=%s", o->notify);
		rc = command(t, &line, EX_NOUSER, err);
		if (rc != 0)
			(void)err_wrap(
			    err, -EIO, "recipient <%s>", l->rcpts.list[i]);
	}
	buf_clear(&line);
	return rc;
}

static int
put(struct talk *t, struct dot_writer *dot, struct span text, struct err *err)
{
	struct buf out = { .max = 3 * READ };
	int rc = 0;

	while (rc == 0 && text.len > 0) {
		(void)dot_write(dot, span_to(text, READ), &out);
		text = span_from(text, READ);
		rc = talk_put(t, buf_span(&out), err);
		buf_reset(&out);
	}
	buf_clear(&out);
	return rc;
}

static int
put_rest(struct talk *t, struct dot_writer *dot, FILE *rest, struct err *err)
{
	char *piece = mem_alloc(READ);
	size_t n = 1;
	int rc = 0;

	rewind(rest);
	while (rc == 0 && n > 0) {
		n = fread(piece, 1, READ, rest);
		rc = put(t, dot, span_make(piece, n), err);
	}
	if (rc == 0 && ferror(rest)) {
		(void)err_set(err, -EIO, "the file of TMPDIR cannot be read");
		rc = EX_IOERR; /* it was not ended: the relay drops it */
	}
	free(piece);
	return rc;
}

static int
say_content(const struct letter *l, struct talk *t, struct err *err)
{
	char *name = full_name(l->options);
	struct letter_sender sender = { .address = span_text(l->from),
		.name = span_text(name),
		.hostname = span_text(t->hostname) };
	struct buf header = { .max = 16 << 20 }, end = { 0 };
	struct dot_writer dot = { 0 };
	int rc;

	letter_header_write(buf_span(&l->header), &sender, &header);
	free(name);
	rc = put(t, &dot, buf_span(&header), err);
	buf_clear(&header);
	if (rc == 0)
		rc = put(
		    t, &dot, span_from(buf_span(&l->input.text), l->body), err);
	if (rc == 0 && l->input.rest != NULL)
		rc = put_rest(t, &dot, l->input.rest, err);
	(void)dot_write_end(&dot, &end);
	if (rc == 0)
		rc = talk_put(t, buf_span(&end), err);
	buf_clear(&end);
	if (rc == 0)
		rc = talk_reply(t, err);
	return rc == EX_UNAVAILABLE ? EX_DATAERR : rc;
}

static int
hand_over(struct letter *l, struct talk *t)
{
	struct err err;
	int rc = find_rcpts(l, t);

	if (rc != 0)
		return rc;
	find_sender(l, t);
	rc = say_envelope(l, t, &err);
	if (rc == 0)
		rc = talk_command(t, SPAN("DATA"), &err);
	if (rc == 0)
		rc = say_content(l, t, &err);
	if (rc != 0)
		return fail(rc, err.text);
	(void)talk_command(t, SPAN("QUIT"), &err); /* it has it already */
	return 0;
}

static int
send_letter(const struct options *o, const char *path)
{
	struct letter l = { .options = o };
	struct talk t = { .fd = -1, .is_verbose = o->is_verbose };
	struct err err;
	int rc = read_input(o, &l.input);

	if (rc == 0)
		rc = find_header(&l);
	if (rc == 0) {
		rc = talk_open(&t, path, &err);
		rc = rc == 0 ? hand_over(&l, &t) : fail(rc, err.text);
	}
	talk_close(&t);
	letter_rcpts_clear(&l.rcpts);
	buf_clear(&l.header);
	input_clear(&l.input);
	return rc;
}

/* --- SMTP on standard input and output (-bs) --- */

/* Passes on what is there. 1: some; 0: the end; -1: an error. */
static int
pass_on(int from, int to, char *piece)
{
	ssize_t n = read(from, piece, READ), done = 0;

	if (n < 0)
		return errno == EINTR ? 1 : -1;
	while (done < n) {
		ssize_t m = write(to, piece + done, (size_t)(n - done));

		if (m < 0 && errno != EINTR)
			return -1;
		done += m > 0 ? m : 0;
	}
	return n > 0 ? 1 : 0;
}

/* Until the relay hangs up, as it does after QUIT, or when the client has. */
static int
pass_all(int fd)
{
	struct pollfd ends[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = fd, .events = POLLIN } };
	char *piece = mem_alloc(READ);
	int rc = 1;

	while (rc > 0) {
		if (poll(ends, 2, -1) < 0 && errno != EINTR)
			rc = -1;
		if (rc > 0 && ends[1].revents != 0)
			rc = pass_on(fd, STDOUT_FILENO, piece);
		if (rc > 0 && ends[0].revents != 0 &&
		    pass_on(STDIN_FILENO, fd, piece) <= 0) {
			(void)shutdown(fd, SHUT_WR);
			ends[0].fd = -1; /* poll(2) looks past it */
		}
	}
	free(piece);
	return rc < 0 ? fail(EX_IOERR, "the connection broke") : 0;
}

static int
speak_smtp(const struct options *o, const char *path)
{
	struct talk t = { .is_verbose = o->is_verbose };
	struct err err;
	int rc = talk_connect(&t, path, &err);

	rc = rc == 0 ? pass_all(t.fd) : fail(rc, err.text);
	talk_close(&t);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct options o;
	char *path;
	int rc = options_read(argc, argv, &o);

	if (rc != 0 || o.mode == MODE_NOTHING)
		return rc;
	if (o.mode == MODE_VERSION) {
		(void)printf("postern-sendmail %s\n", build_version());
		return 0;
	}
	path = find_socket(&o);
	if (path == NULL)
		return EX_CONFIG;
	rc = o.mode == MODE_SMTP ? speak_smtp(&o, path) : send_letter(&o, path);
	free(path);
	return rc;
}
