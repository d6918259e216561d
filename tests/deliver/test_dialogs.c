/*
 * Runs every tests/dialogs/client-*.dialog through client_step(). The format
 * stands in tests/lib/dialog.h. What lane_io.c does is played here.
 */
#include "tests/lib/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "deliver/client.h"
#include "sched/target.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "tests/lib/dialog.h"
#include "tests/lib/parts.h"

enum { RCPTS_MAX = 160 };

static char **paths;
static size_t npaths;

/* One connection and the world around it. */
struct scene {
	const struct dialog *dialog;
	const struct dialog_step *step; /* the one that runs */
	unsigned cut;
	struct target *target;
	struct client *client;
	struct envelope *env;
	struct attempt *attempt;
	struct buf in, out;
	enum client_need need;
	enum client_form form;
	struct client_options options;
	bool is_over;
};

static void
event(struct scene *s, struct client_event *ev)
{
	struct span in = buf_span(&s->in);
	size_t before = in.len;

	if (s->is_over)
		dialog_fail(s->dialog, s->step, "the connection is over");
	ev->in = &in;
	s->need = client_step(s->client, ev, &s->out);
	buf_consume(&s->in, before - in.len);
	s->is_over = s->need == CLIENT_CLOSE;
}

static void
feed(struct scene *s, struct span bytes)
{
	struct client_event ev = { .type = CLIENT_GOT };
	bool listens = s->need == CLIENT_INPUT || s->need == CLIENT_READY;
	size_t fed = 0;

	while (fed < bytes.len && !s->is_over) {
		size_t n = bytes.len - fed;

		if (listens)
			n = dialog_piece(s->cut, fed, n);
		(void)buf_append(&s->in, bytes.ptr + fed, n);
		fed += n;
		if (!listens)
			return; /* it lies in the stream's buffer */
		event(s, &ev);
		listens = s->need == CLIENT_INPUT;
	}
}

/* --- steps --- */

static void
make(struct scene *s)
{
	if (s->client != NULL)
		return;
	s->client = client_new(s->target, &s->options);
}

static void
do_tls(struct scene *s, const char *value)
{
	s->target->tls = strcmp(value, "require") == 0 ? TARGET_TLS_REQUIRE
			 : strcmp(value, "implicit") == 0
			     ? TARGET_TLS_IMPLICIT
			     : TARGET_TLS_OPPORTUNISTIC;
}

static void
do_login(struct scene *s, struct span value)
{
	struct span name = span_cut(&value, ' ');

	s->target->login = span_dup(name);
	secret_set(&s->target->password, value.ptr, value.len);
}

/* A message by BDAT has gone through. */
static void
send_first(struct scene *s)
{
	static const uint32_t one = 0;
	struct span rcpt = SPAN("first@c.test"), none = SPAN("");
	struct envelope_parts parts = { .sender = SPAN("a@b.test"),
		.size = 10,
		.rcpt = &rcpt,
		.nrcpt = 1 };
	struct client_event ev = { .type = CLIENT_GIVEN, .size = 10 };
	struct client_event sent = { .type = CLIENT_SENT, .in = &none };

	s->env = envelope_new(&parts);
	s->attempt = attempt_new(s->env, NULL, &one, 1);
	ev.attempt = s->attempt;
	event(s, &ev);
	feed(s, SPAN("250 ok\r\n250 ok\r\n250 ok\r\n"));
	event(s, &sent);
	feed(s, SPAN("250 taken\r\n"));
}

static void
do_given(struct scene *s, const char *where)
{
	struct client_event ev = { .type = CLIENT_CONNECTED };
	struct span ehlo =
	    strcmp(where, "simple") == 0      ? SPAN("250 mx.test\r\n")
	    : strncmp(where, "chunk", 5) == 0 ? SPAN("250-mx.test\r\n"
						     "250-PIPELINING\r\n"
						     "250-CHUNKING\r\n"
						     "250 8BITMIME\r\n")
					      : SPAN("250-mx.test\r\n"
						     "250-PIPELINING\r\n"
						     "250 8BITMIME\r\n");
	unsigned cut = s->cut;

	make(s);
	event(s, &ev);
	if (strcmp(where, "connected") == 0)
		return;
	s->cut = CUT_WHOLE;
	feed(s, SPAN("220 mx.test\r\n"));
	feed(s, ehlo);
	if (strcmp(where, "chunked") == 0)
		send_first(s);
	s->cut = cut;
	if (s->need != CLIENT_READY)
		dialog_fail(s->dialog, s->step, "it is not ready");
	buf_clear(&s->out);
}

static void
do_need(struct scene *s, struct span want)
{
	static const char *const needs[] = {
		[CLIENT_INPUT] = "input",
		[CLIENT_TLS] = "tls",
		[CLIENT_CONTENT] = "content",
		[CLIENT_CHUNK] = "chunk",
		[CLIENT_READY] = "ready",
		[CLIENT_CLOSE] = "close",
	};
	struct client_event ev = { .type = CLIENT_SENT };
	struct span word = span_cut(&want, ' ');

	if (!span_equal(word, span_text(needs[s->need])))
		dialog_fail(s->dialog, s->step, "it needs %s: %s",
		    needs[s->need], client_end(s->client)->what);
	if (span_is_empty(want))
		return;
	if (s->need == CLIENT_TLS) {
		buf_clear(&s->in); /* as a stream does */
		ev.type = CLIENT_SECURED;
	} else if (span_equal(want, SPAN("broken"))) {
		/* The host hung up on it; what it said before is heard. */
		ev.type = CLIENT_GOT;
	}
	event(s, &ev);
}

static void
drop_attempt(struct scene *s)
{
	if (s->attempt != NULL)
		attempt_free(s->attempt);
	free(s->env);
	s->attempt = NULL;
	s->env = NULL;
}

static void
expect_dsn(struct scene *s, struct span value)
{
	bool taken = span_equal(value, SPAN("taken"));

	if (s->attempt == NULL || s->attempt->has_dsn != taken)
		dialog_fail(s->dialog, s->step, "it is not so");
}

static void
do_give(struct scene *s, struct span value)
{
	uint32_t all[PARTS_RCPTS];
	struct client_event ev = {
		.type = CLIENT_GIVEN, .size = 100, .at_hand = true
	};
	struct span flags = span_cut(&value, ' '), flag;
	struct parts parts;

	if (s->need != CLIENT_READY)
		dialog_fail(s->dialog, s->step, "it is not ready");
	if (!parts_read(&parts, value))
		dialog_fail(s->dialog, s->step, "no such parameter");
	parts.parts.size = 100;
	if (span_equal(parts.parts.sender, SPAN("<>")))
		parts.parts.sender = SPAN("");
	while (!span_is_empty(flags)) {
		flag = span_cut(&flags, ',');
		if (span_equal(flag, SPAN("8bit")))
			parts.parts.flags |= ENVELOPE_8BIT;
		else if (span_equal(flag, SPAN("binary")))
			parts.parts.flags |= ENVELOPE_BINARY;
		else if (span_equal(flag, SPAN("large")))
			ev.at_hand = false;
		else if (!span_equal(flag, SPAN("-")))
			dialog_fail(s->dialog, s->step, "no such flag");
	}
	for (uint32_t i = 0; i < parts.parts.nrcpt; i++)
		all[i] = i;
	drop_attempt(s);
	s->env = envelope_new(&parts.parts);
	s->attempt = attempt_new(s->env, NULL, all, parts.parts.nrcpt);
	parts_clear(&parts);
	ev.attempt = s->attempt;
	s->form = client_form(s->client, s->env);
	event(s, &ev);
}

/* What the content given has been made into. */
static void
expect_form(struct scene *s, struct span want)
{
	static const char *const names[] = { [FORM_AS_IT_IS] = "as it is",
		[FORM_8BIT] = "8bit",
		[FORM_ASCII_HEADERS] = "ascii headers",
		[FORM_7BIT] = "7bit" };

	if (!span_equal(want, span_text(names[s->form])))
		dialog_fail(s->dialog, s->step, "it is %s", names[s->form]);
}

/* "N WORD STATUS TEXT" */
static void
do_outcome(struct scene *s, struct span want)
{
	static const char *const words[OUTCOME_COUNT] = { "none", "delivered",
		"next-transaction", "next-connection", "next-host", "elsewhere",
		"later", "mistrusted", "failed" };
	const struct attempt_rcpt *r;
	struct buf got = { 0 };
	uint64_t i = 0;

	if (s->attempt == NULL ||
	    !span_to_u64(
		span_to(want, span_find(want, ' ')), s->attempt->nrcpt - 1, &i))
		dialog_fail(s->dialog, s->step, "no such recipient");
	r = &s->attempt->rcpts[i];
	(void)buf_printf(&got, "%d %s", (int)i, words[r->outcome]);
	if (r->outcome != OUTCOME_NONE) {
		struct words w = reason_words(r->reason);

		(void)buf_printf(&got, " %.*s ", SPAN_ARG(w.status));
		words_join(&got, &w);
	}
	if (!span_starts(buf_span(&got), want))
		dialog_fail(
		    s->dialog, s->step, "it is %.*s", SPAN_ARG(buf_span(&got)));
	buf_clear(&got);
}

/* "RCPTMAX CONTENT": what the attempt says of the host, and of itself. */
static void
do_attempt(struct scene *s, struct span want)
{
	struct buf got = { 0 };

	(void)buf_printf(&got, "%u %s", (unsigned)s->attempt->rcpts_most,
	    s->attempt->content_ended ? "ended" : "open");
	if (!span_equal(buf_span(&got), want))
		dialog_fail(
		    s->dialog, s->step, "it is %.*s", SPAN_ARG(buf_span(&got)));
	buf_clear(&got);
}

static void
do_stage(struct scene *s, struct span want)
{
	enum stage stage = reason_words(s->attempt->rcpts[0].reason).stage;

	if (!span_equal(span_text(stage_name(stage)), want))
		dialog_fail(s->dialog, s->step, "it is %s", stage_name(stage));
}

static void
do_lost(struct scene *s, struct span why)
{
	client_lost(s->client, why);
	s->is_over = true;
}

static void
do_end(struct scene *s, struct span want)
{
	const struct client_end *end = client_end(s->client);
	struct words w = { .what = span_text(end->what),
		.said = span_text(end->said) };
	static const char *const blames[] = { [BLAME_NONE] = "nobody",
		[BLAME_HOST] = "host",
		[BLAME_CHANNEL] = "channel",
		[BLAME_MESSAGE] = "message" };
	const char *flags = end->without_tls_may_do ? "clear-may-do"
			    : end->login_failed	    ? "operator"
						    : blames[end->blame];
	struct buf why = { 0 };

	words_join(&why, &w);
	if (!span_equal(span_cut(&want, ' '), span_text(flags)) ||
	    !span_starts(buf_span(&why), want))
		dialog_fail(s->dialog, s->step, "it is %s %.*s", flags,
		    SPAN_ARG(buf_span(&why)));
	buf_clear(&why);
}

static void
do_status(struct scene *s, struct span want)
{
	const char *status = client_end(s->client)->status;

	if (!span_equal(span_text(status), want))
		dialog_fail(s->dialog, s->step, "it is %s", status);
}

static void
do_timeout(struct scene *s, struct span want)
{
	uint64_t seconds = 0;

	if (!span_to_u64(want, 10000, &seconds) ||
	    client_timeout(s->client) != seconds)
		dialog_fail(
		    s->dialog, s->step, "it is %u", client_timeout(s->client));
}

static void
do_limit(struct scene *s, struct span want)
{
	uint64_t seconds = 0;

	if (!span_to_u64(want, 1000000, &seconds) ||
	    client_limit(s->client) != seconds)
		dialog_fail(s->dialog, s->step, "it is %llu",
		    (unsigned long long)client_limit(s->client));
}

/* Of CHUNKING, and how many messages a connection takes. */
static void
do_learned(struct scene *s, struct span want)
{
	struct buf got = { 0 };

	static const char *const chunking[] = { "nothing", "no-chunking",
		"chunking" };

	(void)buf_printf(&got, "%s %u", chunking[client_chunking(s->client)],
	    (unsigned)client_mails_most(s->client));
	if (!span_equal(buf_span(&got), want))
		dialog_fail(
		    s->dialog, s->step, "it is %.*s", SPAN_ARG(buf_span(&got)));
	buf_clear(&got);
}

/* Steps that only look. */
static bool
look(struct scene *s, const struct dialog_step *step)
{
	struct span value = dialog_value(step);

	if (dialog_is(step, "C", NULL))
		dialog_expect_line(s->dialog, step, &s->out);
	else if (dialog_is(step, "need", NULL))
		do_need(s, value);
	else if (dialog_is(step, "outcome", NULL))
		do_outcome(s, value);
	else if (dialog_is(step, "end", NULL))
		do_end(s, value);
	else if (dialog_is(step, "limit", NULL))
		do_limit(s, value);
	else if (dialog_is(step, "attempt", NULL))
		do_attempt(s, value);
	else if (dialog_is(step, "form", NULL))
		expect_form(s, value);
	else if (dialog_is(step, "dsn", NULL))
		expect_dsn(s, value);
	else if (dialog_is(step, "learned", NULL))
		do_learned(s, value);
	else if (dialog_is(step, "stage", NULL))
		do_stage(s, value);
	else if (dialog_is(step, "status", NULL))
		do_status(s, value);
	else if (dialog_is(step, "timeout", NULL))
		do_timeout(s, value);
	else
		return false;
	return true;
}

static void
run_step(struct scene *s, const struct dialog_step *step)
{
	struct client_event quit = { .type = CLIENT_QUIT };
	struct span value = dialog_value(step);

	if (look(s, step))
		return;
	/* All others go on: by now everything said must have been expected. */
	dialog_expect_silence(s->dialog, step, &s->out);
	if (dialog_is(step, "tls", NULL))
		do_tls(s, step->value);
	else if (dialog_is(step, "because", NULL))
		s->target->because = span_dup(value);
	else if (dialog_is(step, "login", NULL))
		do_login(s, value);
	else if (dialog_is(step, "without-tls", NULL))
		s->options.without_tls = true;
	else if (dialog_is(step, "without-chunking", NULL))
		s->options.chunking = CHUNKING_LACKS;
	else if (dialog_is(step, "with-chunking", NULL))
		s->options.chunking = CHUNKING_WORKS;
	else if (dialog_is(step, "no-chunking", NULL))
		s->target->chunking = false;
	else if (dialog_is(step, "given", NULL))
		do_given(s, step->value);
	else if (dialog_is(step, "S", NULL))
		feed(s, value);
	else if (dialog_is(step, "give", NULL))
		do_give(s, value);
	else if (dialog_is(step, "quit", NULL))
		event(s, &quit);
	else if (dialog_is(step, "lost", NULL))
		do_lost(s, value);
	else if (!dialog_is(step, "cut", NULL))
		dialog_fail(s->dialog, step, "no such step");
}

static void
run_dialog(const struct dialog *d, unsigned cut)
{
	struct scene s = { .dialog = d, .cut = cut };

	s.target = target_new();
	s.target->hostname = mem_strdup("relay.test");
	s.target->chunking = true;
	for (size_t i = 0; i < d->nsteps; i++) {
		s.step = &d->steps[i];
		run_step(&s, s.step);
	}
	dialog_expect_silence(d, s.step, &s.out);
	drop_attempt(&s);
	client_free(s.client);
	target_unref(s.target);
	buf_clear(&s.in);
	buf_clear(&s.out);
}

START_TEST(it_goes_as_written_whole)
{
	struct dialog *d = dialog_read(paths[_i]);

	run_dialog(d, CUT_WHOLE);
	dialog_free(d);
}
END_TEST

START_TEST(it_goes_the_same_cut_at_every_byte)
{
	struct dialog *d = dialog_read(paths[_i]);
	unsigned cuts = dialog_cuts(d, "S");

	for (unsigned cut = CUT_BYTES; cut < cuts; cut++)
		run_dialog(d, cut);
	dialog_free(d);
}
END_TEST

/* A rule that is broken here is a bug, and better ends the relay. */
START_TEST(required_tls_is_never_left_out)
{
	struct target *t = target_new();

	t->tls = _i == 0 ? TARGET_TLS_REQUIRE : TARGET_TLS_IMPLICIT;
	(void)client_new(t, &(struct client_options){ .without_tls = true });
}
END_TEST

static void
fill(TCase *tc)
{
	npaths = dialog_find("client-", &paths);
	tcase_add_loop_test(tc, it_goes_as_written_whole, 0, (int)npaths);
	tcase_add_loop_test(
	    tc, it_goes_the_same_cut_at_every_byte, 0, (int)npaths);
	tcase_add_loop_test_raise_signal(
	    tc, required_tls_is_never_left_out, SIGABRT, 0, 2);
}

SUITE_MAIN("client dialogs", fill)
