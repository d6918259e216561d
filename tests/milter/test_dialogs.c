/*
 * Runs every tests/dialogs/milter-*.dialog through milter_step(), as it is and cut
 * in pieces. The format stands in tests/lib/dialog.h.
 */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "milter/milter.h"
#include "milter/packet.h"
#include "tests/lib/dialog.h"

enum { RCPTS_MOST = 8 };

static char **paths;
static size_t npaths;

struct scene {
	const struct dialog *dialog;
	const struct dialog_step *step;
	unsigned cut;
	size_t fed;
	struct milter_message message;
	struct milter_rcpt rcpts[RCPTS_MOST];
	struct milter_limits limits;
	struct buf header;
	struct milter *milter; /* NULL: nothing has begun */
	enum milter_need need;
	struct buf out; /* packets of ours that were not looked at yet */
	struct buf taken; /* of a new body */
	bool shows_macros;
};

#define FAIL(s, ...) dialog_fail((s)->dialog, (s)->step, __VA_ARGS__)

static void
step_with(struct scene *s, const struct milter_event *ev)
{
	struct buf out = { .max = 16 << 20 };

	s->need = milter_step(s->milter, ev, &out);
	(void)buf_append_span(&s->out, buf_span(&out));
	buf_clear(&out);
}

/* A new body is taken at once, except where the dialog looks at it. */
static void
take_all(struct scene *s)
{
	struct milter_event ev = { .type = MILTER_TAKEN };

	while (s->need == MILTER_TAKE) {
		(void)buf_append_span(
		    &s->taken, buf_span(milter_new_body(s->milter)));
		step_with(s, &ev);
	}
}

static void
event(struct scene *s, struct milter_event ev)
{
	step_with(s, &ev);
	take_all(s);
	while (s->need == MILTER_ROOM) {
		ev = (struct milter_event){ .type = MILTER_WRITTEN };
		step_with(s, &ev);
	}
}

static void
begin(struct scene *s)
{
	if (s->milter != NULL)
		return;
	s->message.header = buf_span(&s->header);
	s->message.rcpts = s->rcpts;
	s->milter = milter_new(&s->message, &s->limits);
	event(s, (struct milter_event){ .type = MILTER_OPENED });
}

/* --- what we say, as text: "L Subject|hello|" --- */

static void
show(const struct packet *p, struct buf *out)
{
	(void)buf_printf(out, "%c", p->letter);
	if (p->data.len > 0)
		(void)buf_append_char(out, ' ');
	for (size_t i = 0; i < p->data.len; i++) {
		unsigned char c = (unsigned char)p->data.ptr[i];

		if (c == '\0')
			(void)buf_append_char(out, '|');
		else if (c >= ' ' && c < 0x7f)
			(void)buf_append_char(out, (char)c);
		else
			(void)buf_printf(out, "<%02x>", c);
	}
}

/* The next packet of ours; false: there is none. */
static bool
next_packet(struct scene *s, struct buf *text)
{
	struct span out = buf_span(&s->out);
	struct packet p;

	while (packet_read(&out, &p) == PACKET_OK) {
		if (p.letter == PACKET_MACROS && !s->shows_macros)
			continue;
		buf_reset(text);
		show(&p, text);
		buf_consume(&s->out, buf_len(&s->out) - out.len);
		return true;
	}
	buf_consume(&s->out, buf_len(&s->out) - out.len);
	return false;
}

static void
do_said(struct scene *s)
{
	struct buf text = { 0 };

	begin(s);
	if (!next_packet(s, &text))
		(void)buf_append_text(&text, "(nothing)");
	if (!span_equal(buf_span(&text), dialog_value(s->step)))
		FAIL(s, "we say: %.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

static void
expect_silence(struct scene *s)
{
	struct buf text = { 0 };

	if (next_packet(s, &text))
		FAIL(s, "we said before: %.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

/* --- what the filter says --- */

static void
feed(struct scene *s, struct span bytes)
{
	while (bytes.len > 0) {
		size_t n = dialog_piece(s->cut, s->fed, bytes.len);
		struct span some = span_to(bytes, n);

		s->fed += n;
		bytes = span_from(bytes, n);
		event(s,
		    (struct milter_event){ .type = MILTER_HEARD, .in = &some });
	}
}

/* "O 6 1ff 0": numbers in hexadecimal; "m 1 A|b|", "c". */
static void
do_answer(struct scene *s)
{
	struct span rest = dialog_value(s->step);
	struct span letter = span_cut(&rest, ' ');
	bool has_number = letter.ptr[0] == 'm' || letter.ptr[0] == 'i';
	unsigned numbers = letter.ptr[0] == 'O' ? 3 : has_number ? 1 : 0;
	struct buf bytes = { 0 };
	size_t at = packet_begin(&bytes, letter.ptr[0]);

	while (numbers-- > 0) {
		struct span n = span_cut(&rest, ' ');
		char text[16];

		(void)snprintf(text, sizeof text, "%.*s", SPAN_ARG(n));
		packet_put_number(&bytes, (uint32_t)strtoul(text, NULL, 16));
	}
	for (size_t i = 0; i < rest.len; i++)
		(void)buf_append_char(
		    &bytes, rest.ptr[i] == '|' ? '\0' : rest.ptr[i]);
	packet_end(&bytes, at);
	feed(s, buf_span(&bytes));
	buf_clear(&bytes);
}

/* --- what becomes of it --- */

static void
do_need(struct scene *s)
{
	static const char *const names[] = { "input", "body", "room", "take",
		"over" };

	expect_silence(s);
	if (!span_equal(dialog_value(s->step), span_text(names[s->need])))
		FAIL(s, "it needs %s", names[s->need]);
}

static void
do_outcome(struct scene *s)
{
	static const char *const names[] = { "passed", "refused", "discarded",
		"failed" };
	const struct milter_outcome *o;
	struct buf text = { 0 };

	if (s->need != MILTER_OVER)
		FAIL(s, "it is not over");
	o = milter_outcome(s->milter);
	(void)buf_append_text(&text, names[o->verdict]);
	if (o->verdict == MILTER_REFUSED)
		(void)buf_printf(&text, " %s", o->reply);
	if (o->verdict == MILTER_FAILED)
		(void)buf_printf(&text, " %s", o->why);
	if (o->body_has_8bit)
		(void)buf_append_text(&text, " 8bit");
	if (o->quarantine != NULL)
		(void)buf_printf(&text, " held=%s", o->quarantine);
	for (size_t i = 0; i < o->nchanges; i++)
		(void)buf_printf(&text, " %c<%.*s>%.*s",
		    "+-="[o->changes[i].what], SPAN_ARG(o->changes[i].address),
		    SPAN_ARG(o->changes[i].params));
	if (!span_equal(buf_span(&text), dialog_value(s->step)))
		FAIL(s, "it is: %.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

static void
do_header(struct scene *s)
{
	const struct milter_outcome *o = milter_outcome(s->milter);
	struct span want = dialog_value(s->step), got;

	if (!o->is_header_changed) {
		if (!span_equal(want, SPAN("(as it was)")))
			FAIL(s, "it is not changed");
		return;
	}
	got = buf_span(milter_new_header(s->milter));
	if (!span_equal(want, got))
		FAIL(s, "it is: %.*s", SPAN_ARG(got));
}

static void
do_body(struct scene *s)
{
	struct span want = dialog_value(s->step);

	if (!milter_outcome(s->milter)->is_body_changed) {
		if (!span_equal(want, SPAN("(as it was)")))
			FAIL(s, "it is not changed");
		return;
	}
	if (!span_equal(want, buf_span(&s->taken)))
		FAIL(s, "it is: %.*s", SPAN_ARG(buf_span(&s->taken)));
}

static void
do_rcpt(struct scene *s)
{
	struct span rest = dialog_value(s->step);
	struct milter_rcpt *r = &s->rcpts[s->message.nrcpts++];

	ck_assert_uint_le(s->message.nrcpts, RCPTS_MOST);
	r->address = span_cut(&rest, ' ');
	r->params = rest;
}

static void
do_piece(struct scene *s)
{
	struct span piece = dialog_value(s->step);

	if (s->need != MILTER_BODY)
		FAIL(s, "it does not want a piece");
	if (span_equal(piece, SPAN("(end)")))
		piece = SPAN("");
	event(s, (struct milter_event){ .type = MILTER_PIECE, .piece = piece });
}

static void
do_patience(struct scene *s)
{
	static const char *const names[] = { "command", "content", "end" };
	const char *name = names[milter_patience(s->milter)];

	if (!span_equal(dialog_value(s->step), span_text(name)))
		FAIL(s, "it is for: %s", name);
}

static void
do_event(struct scene *s)
{
	struct span rest = dialog_value(s->step);
	struct span word = span_cut(&rest, ' ');

	begin(s);
	if (span_equal(word, SPAN("silent")))
		event(s, (struct milter_event){ .type = MILTER_SILENT });
	else
		event(s, (struct milter_event){
			     .type = MILTER_LOST, .why = rest.ptr });
}

static void
run_step(struct scene *s)
{
	const struct dialog_step *step = s->step;
	struct span value = dialog_value(step);

	if (strcmp(step->key, "rcpt") == 0)
		do_rcpt(s);
	else if (strcmp(step->key, "mail") == 0)
		s->message.sender_params = value;
	else if (strcmp(step->key, "client") == 0)
		s->message.client = value;
	else if (strcmp(step->key, "header") == 0)
		(void)buf_append_span(&s->header, value);
	else if (strcmp(step->key, "clear") == 0)
		s->message.tls_version = s->message.tls_cipher =
		    s->message.mechanism = SPAN("");
	else if (strcmp(step->key, "macros") == 0)
		s->shows_macros = true;
	else if (strcmp(step->key, "M") == 0)
		do_said(s);
	else if (strcmp(step->key, "F") == 0)
		do_answer(s);
	else if (strcmp(step->key, "raw") == 0)
		feed(s, value);
	else if (strcmp(step->key, "piece") == 0)
		do_piece(s);
	else if (strcmp(step->key, "event") == 0)
		do_event(s);
	else if (strcmp(step->key, "patience") == 0)
		do_patience(s);
	else if (strcmp(step->key, "need") == 0)
		do_need(s);
	else if (strcmp(step->key, "outcome") == 0)
		do_outcome(s);
	else if (strcmp(step->key, "new-header") == 0)
		do_header(s);
	else if (strcmp(step->key, "new-body") == 0)
		do_body(s);
	else if (strcmp(step->key, "cut") != 0)
		FAIL(s, "no such step");
}

static void
run(const struct dialog *d, unsigned cut)
{
	struct scene s = {
		.dialog = d,
		.cut = cut,
		.message = {
			.hostname = SPAN("relay.test"),
			.version = SPAN("Postern 1"),
			.daemon_name = SPAN("submissions"),
			.daemon_address = SPAN("192.0.2.25"),
			.daemon_port = 465,
			.client = SPAN("192.0.2.1"),
			.client_port = 0x4142,
			.helo = SPAN("client.test"),
			.tls_version = SPAN("TLSv1.3"),
			.tls_cipher = SPAN("TLS_AES_128_GCM_SHA256"),
			.mechanism = SPAN("PLAIN"),
			.account = SPAN("ann"),
			.qid = SPAN("1abc"),
			.sender = SPAN("ann@b.test"),
		},
		.limits = { .header = 200, .line = 60, .body = 300, .rcpts = 3 },
		.out.max = 16 << 20,
	};

	for (size_t i = 0; i < d->nsteps; i++) {
		s.step = &d->steps[i];
		run_step(&s);
	}
	expect_silence(&s);
	milter_free(s.milter);
	buf_clear(&s.header);
	buf_clear(&s.out);
	buf_clear(&s.taken);
}

START_TEST(it_goes_as_written)
{
	struct dialog *d = dialog_read(paths[_i]);

	run(d, CUT_WHOLE);
	dialog_free(d);
}
END_TEST

START_TEST(it_goes_the_same_byte_by_byte)
{
	struct dialog *d = dialog_read(paths[_i]);

	for (unsigned cut = CUT_BYTES; cut < CUT_AT + 20; cut++)
		run(d, cut);
	dialog_free(d);
}
END_TEST

/* A filter that does not read what it does not answer does not fill our memory. */
START_TEST(much_leaves_before_more_is_said)
{
	struct milter_message message = { .client = SPAN("192.0.2.1") };
	struct milter_limits limits = { 1 << 20, 998, 1000, 1 };
	struct buf header = { .max = 1 << 20 }, out = { .max = 16 << 20 };
	struct span in;
	struct milter_event ev = { .type = MILTER_OPENED };
	enum milter_need need;
	size_t all = 0, rooms = 0;
	struct milter *m;

	in = span_make("\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\0\2\xdf", 17);
	while (buf_len(&header) < 900 * 1024)
		(void)buf_append_text(&header, "Subject: a line of it\r\n");
	message.header = buf_span(&header);
	m = milter_new(&message, &limits);
	(void)milter_step(m, &ev, &out);
	buf_reset(&out);
	ev = (struct milter_event){ .type = MILTER_HEARD, .in = &in };
	need = milter_step(m, &ev, &out);
	while (need == MILTER_ROOM) {
		ck_assert_uint_lt(buf_len(&out), 300 * 1024);
		all += buf_len(&out);
		rooms++;
		buf_reset(&out);
		ev = (struct milter_event){ .type = MILTER_WRITTEN };
		need = milter_step(m, &ev, &out);
	}
	ck_assert_int_eq(need, MILTER_INPUT);
	ck_assert_uint_ge(rooms, 3);
	ck_assert_uint_gt(all + buf_len(&out), 900 * 1024);
	milter_free(m);
	buf_clear(&out);
	buf_clear(&header);
}
END_TEST

static void
fill(TCase *tc)
{
	npaths = dialog_find("milter-", &paths);
	tcase_add_loop_test(tc, it_goes_as_written, 0, (int)npaths);
	tcase_add_loop_test(tc, it_goes_the_same_byte_by_byte, 0, (int)npaths);
	tcase_add_test(tc, much_leaves_before_more_is_said);
	milter_free(NULL);
}

SUITE_MAIN("milter dialogs", fill)
