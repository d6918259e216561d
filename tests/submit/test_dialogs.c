/*
 * Runs every tests/dialogs/submit-*.dialog through session_step(). The format
 * stands in tests/lib/dialog.h. What session_io.c and the spool do is played
 * here: time-outs, the exchange's answers, and taking content away in pieces.
 */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "facts/write.h"
#include "intake/draft.h"
#include "mail/envelope.h"
#include "mail/param.h"
#include "submit/session.h"
#include "tests/lib/dialog.h"

enum { CONTENT_MAX = 64 << 20 };
#define START 1000000000000 /* Sun, 09 Sep 2001 01:46:40 */

static char **paths;
static size_t npaths;

/* One session and the world around it. */
struct stage {
	const struct dialog *dialog;
	const struct dialog_step *step; /* the one that runs */
	unsigned cut;
	struct conf *conf;
	struct session *session;
	struct buf in, out, facts;
	enum session_need need;
	bool is_binding, is_vouched, is_device, is_refused, is_over;
	int64_t now;
	uint64_t tick; /* the monotonic clock */
	bool is_crowded, login_ended; /* what the next events say */
	uint64_t id;
	struct buf stored; /* appended so far */
	struct buf content; /* of the last commit */
	char *envelope; /* owned; of the last commit, as text */
};

static void feed(struct stage *s, struct span bytes);

static void
event(struct stage *s, struct session_event *ev)
{
	struct span in = buf_span(&s->in);
	size_t before = in.len;

	if (s->is_over)
		dialog_fail(s->dialog, s->step, "the session is over");
	ev->in = &in;
	ev->now = s->now;
	ev->tick = s->tick;
	ev->is_crowded = s->is_crowded;
	ev->login_ended = s->login_ended;
	ev->random = 0xabc;
	s->need = session_step(s->session, ev, &s->out);
	buf_consume(&s->in, before - in.len);
	s->is_over = s->need == SESSION_CLOSE;
	/* What session_io.c relies on. */
	if (s->need == SESSION_INTAKE &&
	    session_draft(s->session)->need != DRAFT_RESERVE &&
	    session_draft(s->session)->need != DRAFT_OPEN &&
	    !session_draft(s->session)->is_open)
		dialog_fail(s->dialog, s->step, "no message to store");
}

/* --- the spool's part --- */

static void
put_params(struct buf *text, struct span attrs)
{
	struct param_text p;

	while (params_next(&attrs, &p))
		if (p.keyword != NULL) /* what we found out has none */
			(void)buf_printf(
			    text, " %s=%.*s", p.keyword, SPAN_ARG(p.value));
}

static void
describe(struct stage *s, const struct envelope *env)
{
	struct buf text = { 0 };

	(void)buf_printf(&text, "%s from=<%s> to=", env->account, env->sender);
	for (uint32_t i = 0; i < env->nrcpt; i++)
		(void)buf_printf(
		    &text, "%s<%s>", i == 0 ? "" : ",", env->rcpts[i].address);
	if (env->flags & ENVELOPE_8BIT)
		(void)buf_append_text(&text, " 8bit");
	if ((env->flags & ENVELOPE_BINARY) != 0)
		(void)buf_append_text(&text, " binary");
	if (!(env->flags & ENVELOPE_NO_DOTS))
		(void)buf_append_text(&text, " dots");
	if (env->flags & ENVELOPE_UTF8)
		(void)buf_append_text(&text, " utf8");
	if (env->flags & ENVELOPE_UTF8_HEADER)
		(void)buf_append_text(&text, " utf8-header");
	put_params(&text, envelope_attrs(env));
	for (uint32_t i = 0; i < env->nrcpt; i++)
		put_params(&text, envelope_rcpt_attrs(env, i));
	(void)buf_append_char(&text, '\0');
	free(s->envelope);
	s->envelope = mem_strdup(buf_span(&text).ptr);
	buf_clear(&text);
}

static void
take_pieces(struct stage *s)
{
	struct draft *d = session_draft(s->session);

	(void)buf_append_span(&s->stored, buf_span(&d->body));
	buf_clear(&d->body);
}

static void
commit(struct stage *s)
{
	const struct draft *d = session_draft(s->session);
	struct envelope *env = draft_envelope(d, draft_size(d));

	describe(s, env);
	take_pieces(s);
	buf_clear(&s->content);
	(void)buf_append_span(&s->content, buf_span(&d->head));
	(void)buf_append_span(&s->content, buf_span(&s->stored));
	buf_clear(&s->stored);
	if (env->size != buf_len(&s->content))
		dialog_fail(s->dialog, s->step,
		    "the envelope says %llu bytes, there are %zu",
		    (unsigned long long)env->size, buf_len(&s->content));
	if (env->id != s->id || env->arrived > s->now)
		dialog_fail(s->dialog, s->step, "wrong id or time");
	free(env);
}

static void
answer_intake(struct stage *s, const char *refusal)
{
	struct session_event ev = { .type = EVENT_INTAKE, .refusal = refusal };
	struct draft *d = session_draft(s->session);

	switch (d->need) {
	case DRAFT_NOTHING: dialog_fail(s->dialog, s->step, "nothing to do");
	case DRAFT_RESERVE: d->is_reserved = refusal == NULL; break;
	case DRAFT_SUPPRESSED: break;
	case DRAFT_OPEN:
		buf_clear(&s->stored);
		d->is_open = refusal == NULL;
		if (d->is_open)
			d->id = ++s->id;
		break;
	case DRAFT_PASS: take_pieces(s); break;
	case DRAFT_FILTER: break;
	case DRAFT_REWRITE: /* there is no rest: all of it is at hand */
		buf_clear(&s->stored);
		d->passed = 0;
		break;
	case DRAFT_COMMIT: commit(s); break;
	}
	event(s, &ev);
}

/* Whether the dialog has something of its own to say about this need. */
static bool
is_asked(const struct stage *s)
{
	const struct dialog_step *next = s->step + 1;
	const struct dialog_step *end = s->dialog->steps + s->dialog->nsteps;

	while (next < end && dialog_is(next, "wait", NULL))
		next++;
	/* Few ask for room in a budget; in most there is enough. */
	if (session_draft(s->session)->need == DRAFT_RESERVE)
		return next < end && dialog_is(next, "need", NULL) &&
		       span_equal(dialog_value(next), SPAN("intake reserve"));
	return next < end &&
	       (dialog_is(next, "stored", NULL) ||
		   dialog_is(next, "filter", NULL) ||
		   (dialog_is(next, "need", NULL) &&
		       span_starts(dialog_value(next), SPAN("intake"))));
}

static void
settle(struct stage *s)
{
	while (s->need == SESSION_INTAKE && !is_asked(s))
		answer_intake(s, NULL);
}

static void
feed(struct stage *s, struct span bytes)
{
	struct session_event ev = { .type = EVENT_INPUT };
	size_t fed = 0;

	while (fed < bytes.len) {
		size_t left = bytes.len - fed, n;

		if (s->is_over)
			return; /* nobody reads it */
		n = s->need == SESSION_INPUT ? dialog_piece(s->cut, fed, left)
					     : left;
		if (s->need == SESSION_INPUT && n > 16384)
			n = 16384; /* as a stream reads */
		(void)buf_append(&s->in, bytes.ptr + fed, n);
		fed += n;
		if (s->need == SESSION_INPUT)
			event(s, &ev);
		settle(s);
	}
}

/* --- steps --- */

static void
say(struct stage *s, const char *text)
{
	unsigned cut = s->cut;

	s->cut = CUT_WHOLE;
	feed(s, span_text(text));
	s->cut = cut;
	while (s->need == SESSION_INTAKE)
		answer_intake(s, NULL);
}

static void
secure(struct stage *s, enum session_event_type type)
{
	struct session_event ev = {
		.type = type,
		.tls_version = SPAN("TLSv1.3"),
		.tls_cipher = SPAN("TLS_AES_256_GCM_SHA384"),
		.has_binding = s->is_binding,
		.vouched = span_text(s->is_vouched ? "ann@b.test" : ""),
	};

	buf_clear(&s->in); /* as a stream does */
	event(s, &ev);
}

static void
log_in(struct stage *s, const char *login)
{
	struct session_event ev = {
		.type = EVENT_AUTH, .auth = AUTHED_OK, .login = span_text(login)
	};

	event(s, &ev);
}

static void
open_session(struct stage *s, bool implicit)
{
	struct session_options o = {
		.conf = s->conf,
		.mechanisms = (const char *const *)s->conf->mechanisms,
		.nmechanisms = s->conf->nmechanisms,
		.client = "192.0.2.9",
		.sid = "1",
		.opened = s->tick,
		.is_refused = s->is_refused,
		.account = s->is_device ? "ann@b.test" : NULL,
	};
	struct session_event ev = { .type = EVENT_OPEN };

	s->session = session_new(&o);
	if (implicit)
		secure(s, EVENT_OPEN);
	else
		event(s, &ev);
}

/* How far each word of `given:` goes. */
static void
do_given(struct stage *s, const char *where)
{
	static const char *const order[] = { "implicit", "login", "mail",
		"rcpt", "data" };
	static const char *const lines[] = { "EHLO client.test\r\n",
		"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n", "MAIL FROM:<ann@b.test>\r\n",
		"RCPT TO:<x@c.test>\r\n", "DATA\r\n" };

	if (strcmp(where, "device") == 0) {
		s->is_device = true;
		return;
	}
	if (strcmp(where, "certificate") == 0) {
		s->is_vouched = true;
		return;
	}
	if (strcmp(where, "binding") == 0) {
		s->is_binding = true;
		return;
	}
	if (strcmp(where, "refused") == 0) {
		s->is_refused = true;
		return;
	}
	if (strcmp(where, "crowded") == 0) {
		s->is_crowded = true;
		return;
	}
	if (strcmp(where, "implicit-open") == 0) {
		open_session(s, true);
		return;
	}
	if (strcmp(where, "connected") == 0) {
		open_session(s, false);
		return;
	}
	if (strcmp(where, "greeted") == 0 || strcmp(where, "secured") == 0) {
		open_session(s, false);
		say(s, lines[0]);
		if (where[0] == 's') {
			say(s, "STARTTLS\r\n");
			secure(s, EVENT_TLS);
			say(s, lines[0]);
		}
		buf_clear(&s->out);
		return;
	}
	open_session(s, true);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		say(s, lines[i]);
		if (s->need == SESSION_AUTH)
			log_in(s, "ann@b.test");
		if (strcmp(order[i], where) == 0) {
			buf_clear(&s->out);
			return;
		}
	}
	dialog_fail(s->dialog, s->step, "no such place");
}

static void
need_text(struct stage *s, struct buf *text)
{
	static const char *const needs[] = { "input", "tls", "auth", "intake",
		"close" };
	static const char *const wants[] = { "nothing", "reserve", "suppressed",
		"open", "pass", "filter", "rewrite", "commit" };
	const struct session_auth *a = session_auth(s->session);

	(void)buf_append_text(text, needs[s->need]);
	if (s->need == SESSION_INTAKE)
		(void)buf_printf(
		    text, " %s", wants[session_draft(s->session)->need]);
	if (s->need != SESSION_AUTH)
		return;
	if (a->is_start)
		(void)buf_printf(text, " %s%s", a->mechanism,
		    a->has_initial ? " initial=" : "");
	else
		(void)buf_append_text(text, " response=");
	(void)buf_append_span(text, a->data);
}

static void
do_need(struct stage *s, struct span want)
{
	bool handshake = span_equal(want, SPAN("tls ok"));
	struct buf text = { 0 };

	need_text(s, &text);
	if (handshake)
		want = SPAN("tls");
	if (!span_equal(buf_span(&text), want))
		dialog_fail(s->dialog, s->step, "it needs %.*s",
		    SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
	if (s->need == SESSION_AUTH && !session_is_authenticating(s->session))
		dialog_fail(s->dialog, s->step, "it does not authenticate");
	if (handshake)
		secure(s, EVENT_TLS);
}

static void
do_auth_answer(struct stage *s, struct span value)
{
	struct session_event ev = { .type = EVENT_AUTH };
	struct span word = span_cut(&value, ' ');
	uint64_t tried = 0;

	if (s->need != SESSION_AUTH)
		dialog_fail(s->dialog, s->step, "nobody asks");
	if (span_equal(word, SPAN("continue"))) {
		ev.auth = AUTHED_CONTINUE;
		ev.data = value;
	} else if (span_equal(word, SPAN("ok"))) {
		ev.auth = AUTHED_OK;
		ev.login = span_cut(&value, '\t');
		ev.key = span_cut(&value, '\t');
		ev.send_as = value;
	} else if (span_equal(word, SPAN("bad"))) {
		ev.auth = AUTHED_BAD;
		(void)span_to_u64(value, UINT32_MAX, &tried);
		ev.tried = tried;
	} else if (span_equal(word, SPAN("malformed"))) {
		ev.auth = AUTHED_MALFORMED;
	} else if (span_equal(word, SPAN("temporary"))) {
		ev.auth = AUTHED_TEMPORARY;
	} else {
		dialog_fail(s->dialog, s->step, "no such answer");
	}
	event(s, &ev);
}

static void
do_stored(struct stage *s, const char *value)
{
	if (s->need != SESSION_INTAKE)
		dialog_fail(s->dialog, s->step, "nobody asks");
	answer_intake(
	    s, strcmp(value, "full") == 0
		   ? "452 4.3.1 Not enough space; try again later"
	       : strcmp(value, "fault") == 0
		   ? "451 4.3.0 Message could not be stored; try again later"
		   : NULL);
}

/* "ok", or the reply. */
static void
do_budget(struct stage *s, const char *value)
{
	if (s->need != SESSION_INTAKE)
		dialog_fail(s->dialog, s->step, "nobody asks");
	answer_intake(s, strcmp(value, "ok") == 0 ? NULL : value);
}

static void
do_wait(struct stage *s, struct span value)
{
	struct session_event ev = { .type = EVENT_TIMEOUT };
	uint64_t seconds = 0;

	if (span_ends_nocase(value, SPAN("s")))
		value.len--;
	(void)span_to_u64(value, 1000000, &seconds);
	/* It stops at each due point, as a deadline does. */
	for (; seconds > 0 && !s->is_over; seconds--) {
		s->now += 1000;
		s->tick += 1000;
		if (s->need == SESSION_INPUT &&
		    s->tick >= session_due(s->session))
			event(s, &ev);
	}
}

static void
do_event(struct stage *s, const char *value)
{
	struct session_event ev = {
		.type = strcmp(value, "end") == 0 ? EVENT_END : EVENT_SHUTDOWN
	};

	if (strcmp(value, "account changed") == 0) {
		s->login_ended = true;
		return;
	}

	if (strcmp(value, "look") == 0)
		ev.type = EVENT_LOOK;
	event(s, &ev);
}

static void
set(struct buf *b, struct span value)
{
	buf_clear(b);
	(void)buf_append_span(b, value);
}

/* What filters have made of it. */
static void
do_filter(struct stage *s, struct span value)
{
	struct draft *d = session_draft(s->session);
	struct span word = span_cut(&value, ' ');

	if (s->need != SESSION_INTAKE || d->need != DRAFT_FILTER)
		dialog_fail(s->dialog, s->step, "nobody asks filters");
	d->filtered->is_changed |=
	    !span_equal(word, SPAN("held")) && !span_equal(word, SPAN("sees"));
	if (span_equal(word, SPAN("header"))) {
		set(&d->filtered->fields, value);
	} else if (span_equal(word, SPAN("body"))) {
		set(&d->filtered->new_body, value);
		d->filtered->is_body_changed = true;
	} else if (span_equal(word, SPAN("sender"))) {
		draft_set_written_sender(d, value);
	} else if (span_equal(word, SPAN("discards"))) {
		d->filtered->is_discarded = true;
	} else if (span_equal(word, SPAN("held"))) {
		set(&d->filtered->held_by, value);
	} else if (span_equal(word, SPAN("sees"))) {
		if (!span_equal(value, buf_span(&d->filtered->fields)))
			dialog_fail(s->dialog, s->step, "they see: %.*s",
			    SPAN_ARG(buf_span(&d->filtered->fields)));
	} else {
		dialog_fail(s->dialog, s->step, "no such change");
	}
}

static bool
holds(const struct buf *all, struct span part)
{
	return memmem(buf_span(all).ptr, buf_len(all), part.ptr, part.len) !=
	       NULL;
}

static void
do_look(struct stage *s, const struct dialog_step *step)
{
	struct span value = dialog_value(step);
	struct span content = buf_span(&s->content);

	if (dialog_is(step, "content", NULL) && !span_equal(value, content))
		dialog_fail(s->dialog, step, "stored: %.*s",
		    SPAN_ARG(span_to(content, 1000)));
	if (dialog_is(step, "has", NULL) && !holds(&s->content, value))
		dialog_fail(s->dialog, step, "not in: %.*s",
		    SPAN_ARG(span_to(content, 1000)));
	if (dialog_is(step, "lacks", NULL) && holds(&s->content, value))
		dialog_fail(s->dialog, step, "it is there");
	if (dialog_is(step, "envelope", NULL) &&
	    (s->envelope == NULL || strcmp(s->envelope, step->value) != 0))
		dialog_fail(s->dialog, step, "it is: %s",
		    s->envelope == NULL ? "none" : s->envelope);
	if (dialog_is(step, "fact", NULL) && !holds(&s->facts, value))
		dialog_fail(s->dialog, step, "facts: %.*s",
		    SPAN_ARG(span_to(buf_span(&s->facts), 1000)));
}

static void
run_step(struct stage *s, const struct dialog_step *step)
{
	static const char *const looks[] = { "content", "has", "lacks",
		"envelope", "fact" };

	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		if (dialog_is(step, looks[i], NULL)) {
			do_look(s, step);
			return;
		}
	if (dialog_is(step, "S", NULL)) {
		dialog_expect_line(s->dialog, step, &s->out);
		return;
	}
	if (dialog_is(step, "need", NULL)) {
		do_need(s, dialog_value(step));
		return;
	}
	/* All others go on: by now everything said must have been expected. */
	dialog_expect_silence(s->dialog, step, &s->out);
	if (dialog_is(step, "C", NULL))
		feed(s, dialog_value(step));
	else if (dialog_is(step, "given", NULL))
		do_given(s, step->value);
	else if (dialog_is(step, "auth", NULL))
		do_auth_answer(s, dialog_value(step));
	else if (dialog_is(step, "filter", NULL))
		do_filter(s, dialog_value(step));
	else if (dialog_is(step, "stored", NULL))
		do_stored(s, step->value);
	else if (dialog_is(step, "budget", NULL))
		do_budget(s, step->value);
	else if (dialog_is(step, "wait", NULL))
		do_wait(s, dialog_value(step));
	else if (dialog_is(step, "event", NULL))
		do_event(s, step->value);
	else if (!dialog_is(step, "conf", NULL) &&
		 !dialog_is(step, "cut", NULL))
		dialog_fail(s->dialog, step, "no such step");
	settle(s);
}

static void
read_conf(struct stage *s)
{
	struct buf text = { 0 }, warnings = { 0 };
	struct err err = { "" };

	(void)buf_append_text(&text, "hostname = relay.test\n");
	for (size_t i = 0; i < s->dialog->nsteps; i++)
		if (dialog_is(&s->dialog->steps[i], "conf", NULL))
			(void)buf_printf(
			    &text, "%s\n", s->dialog->steps[i].value);
	s->conf = conf_parse(
	    buf_span(&text), "dialog", "relay.test", &warnings, &err);
	if (s->conf == NULL)
		dialog_fail(s->dialog, NULL, "%s", err.text);
	buf_clear(&text);
	buf_clear(&warnings);
}

/* As the log has it, with its level. */
static void
hear(const struct fact *fact, void *arg)
{
	struct stage *s = arg;

	(void)buf_printf(
	    &s->facts, "%s ", log_level_name(fact_level(fact->kind)));
	fact_write_text(fact, &s->facts);
	(void)buf_append_char(&s->facts, '\n');
}

static void
run_dialog(const struct dialog *d, unsigned cut)
{
	struct stage s = { .dialog = d,
		.cut = cut,
		.now = START,
		.tick = 1000000,
		.in.max = CONTENT_MAX,
		.stored.max = CONTENT_MAX,
		.content.max = CONTENT_MAX };

	read_conf(&s);
	facts_set_log(hear, &s);
	for (size_t i = 0; i < d->nsteps; i++) {
		s.step = &d->steps[i];
		run_step(&s, s.step);
	}
	dialog_expect_silence(d, s.step, &s.out);
	facts_set_log(NULL, NULL);
	session_free(s.session);
	conf_unref(s.conf);
	buf_clear(&s.in);
	buf_clear(&s.out);
	buf_clear(&s.facts);
	buf_clear(&s.stored);
	buf_clear(&s.content);
	free(s.envelope);
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
	unsigned cuts = dialog_cuts(d, "C");

	for (unsigned cut = CUT_BYTES; cut < cuts; cut++)
		run_dialog(d, cut);
	dialog_free(d);
}
END_TEST

static void
fill(TCase *tc)
{
	npaths = dialog_find("submit-", &paths);
	tcase_add_loop_test(tc, it_goes_as_written_whole, 0, (int)npaths);
	tcase_add_loop_test(
	    tc, it_goes_the_same_cut_at_every_byte, 0, (int)npaths);
}

SUITE_MAIN("submit dialogs", fill)
