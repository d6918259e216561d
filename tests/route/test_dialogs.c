/*
 * Runs every tests/dialogs/lookup-*.dialog through lookup_step(). The format stands
 * in tests/lib/dialog.h.
 */
#include "tests/lib/suite.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "route/lookup.h"
#include "tests/lib/dialog.h"

static char **paths;
static size_t npaths;

/* The dialog, and the step that runs. */
struct scene {
	const struct dialog *dialog;
	const struct dialog_step *step;
	struct lookup *lookup;
	struct buf out; /* lines that must be expected next */
	unsigned nasked;
	struct {
		uint16_t type;
		char name[DNS_NAME_MAX];
		bool is_open;
	} asked[LOOKUP_QUESTIONS_MAX];
};

#define FAIL(s, ...) dialog_fail((s)->dialog, (s)->step, __VA_ARGS__)

static const struct {
	const char *name;
	uint16_t type;
} types[] = { { "MX", DNS_MX }, { "A", DNS_A }, { "AAAA", DNS_AAAA },
	{ "FILE", DNS_HOSTS_FILE } };

static const char *
type_name(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

/* --- what was said --- */

static void
say_asked(struct scene *s, const struct lookup_need *need)
{
	for (unsigned n = need->first; n < need->end; n++) {
		const char *name = lookup_question_name(s->lookup, n);

		ck_assert_uint_eq(n, s->nasked);
		s->asked[n].type = lookup_question_type(s->lookup, n);
		s->asked[n].is_open = true;
		(void)snprintf(
		    s->asked[n].name, sizeof s->asked[n].name, "%s", name);
		(void)buf_printf(&s->out, "need: ask %s %s\r\n",
		    type_name(s->asked[n].type), name);
		s->nasked++;
	}
}

static void
say_host(struct scene *s, const struct lookup_host *h)
{
	(void)buf_printf(&s->out, "host: %u %s", h->preference, h->name);
	for (unsigned i = 0; i < h->naddresses; i++) {
		const union dns_address *a = &h->addresses[i];
		char text[INET6_ADDRSTRLEN];

		ck_assert_uint_eq(a->in.sin_port, 0);
		(void)inet_ntop(a->sa.sa_family,
		    a->sa.sa_family == AF_INET
			? (const void *)&a->in.sin_addr
			: (const void *)&a->in6.sin6_addr,
		    text, sizeof text);
		(void)buf_printf(&s->out, " %s", text);
	}
	(void)buf_append_text(&s->out, "\r\n");
}

static void
say_answer(struct scene *s, const struct lookup_answer *a)
{
	static const char *const names[] = { "found", "null-mx", "no-domain",
		"temporary" };

	(void)buf_printf(
	    &s->out, "need: done %s ttl=%u\r\n", names[a->status], a->ttl);
	for (unsigned i = 0; i < a->nhosts; i++)
		say_host(s, &a->hosts[i]);
	if (a->detail[0] != '\0')
		(void)buf_printf(&s->out, "detail: %s\r\n", a->detail);
}

static void
step(struct scene *s, const struct lookup_event *ev)
{
	struct lookup_need need = lookup_step(s->lookup, ev);

	switch (need.type) {
	case LOOKUP_NOTHING: break;
	case LOOKUP_ASK: say_asked(s, &need); break;
	case LOOKUP_DONE: say_answer(s, need.answer); break;
	}
}

/* --- what happens --- */

static void
begin(struct scene *s, bool is_mail)
{
	struct lookup_options options = { .name = dialog_value(s->step),
		.is_mail = is_mail,
		.servers = "192.0.2.53:53" };

	if (s->lookup != NULL)
		FAIL(s, "it has begun");
	s->lookup = lookup_new(&options);
	step(s, &(struct lookup_event){ .type = LOOKUP_BEGIN });
}

static unsigned
find_question(struct scene *s, struct span type, struct span name)
{
	for (unsigned n = 0; n < s->nasked; n++)
		if (s->asked[n].is_open &&
		    span_equal(name, span_text(s->asked[n].name)) &&
		    span_equal(type, span_text(type_name(s->asked[n].type))))
			return n;
	FAIL(s, "that is not open");
}

static uint32_t
number(struct scene *s, struct span text)
{
	uint64_t n = 0;

	if (!span_to_u64(text, UINT32_MAX, &n))
		FAIL(s, "not a number");
	return (uint32_t)n;
}

static void
add_mx(struct scene *s, struct dns_answer *a, struct span *value)
{
	struct span preference = span_cut(value, ' ');
	struct span name = span_cut(value, ' ');
	struct dns_mx *mx = &a->mx[a->nmx++];

	if (a->nmx > DNS_MX_MAX)
		FAIL(s, "too many");
	mx->preference = (uint16_t)number(s, preference);
	if (!span_equal(name, SPAN("."))) /* as the parser has the root */
		(void)snprintf(
		    mx->name, sizeof mx->name, "%.*s", SPAN_ARG(name));
}

static void
add_address(struct scene *s, struct dns_answer *a, struct span word)
{
	union dns_address *to = &a->addresses[a->naddresses++];
	char text[INET6_ADDRSTRLEN];

	if (a->naddresses > DNS_ADDRESSES_MAX)
		FAIL(s, "too many");
	(void)snprintf(text, sizeof text, "%.*s", SPAN_ARG(word));
	if (inet_pton(AF_INET, text, &to->in.sin_addr) == 1)
		to->in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &to->in6.sin6_addr) == 1)
		to->in6.sin6_family = AF_INET6;
	else
		FAIL(s, "not an address");
}

/* "TYPE NAME WORD [ttl=N] RECORDS", or "TYPE NAME failed WORDS" */
static void
do_answer(struct scene *s, struct span value)
{
	struct span type = span_cut(&value, ' '), name = span_cut(&value, ' '),
		    word = span_cut(&value, ' ');
	unsigned n = find_question(s, type, name);
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	struct lookup_event ev = {
		.type = LOOKUP_ANSWERED, .question = n, .answer = a
	};
	char why[128];

	a->ttl = UINT32_MAX;
	(void)snprintf(why, sizeof why, "%.*s", SPAN_ARG(value));
	if (span_equal(word, SPAN("failed"))) {
		a->status = DNS_FAILED;
		a->why = why;
	} else if (span_starts(value, SPAN("ttl="))) {
		a->ttl = number(s, span_from(span_cut(&value, ' '), 4));
	}
	if (span_equal(word, SPAN("none")))
		a->status = DNS_NONE;
	else if (span_equal(word, SPAN("no-name")))
		a->status = DNS_NO_NAME;
	else if (span_equal(word, SPAN("data")))
		while (!span_is_empty(value))
			if (s->asked[n].type == DNS_MX)
				add_mx(s, a, &value);
			else
				add_address(s, a, span_cut(&value, ' '));
	else if (a->status != DNS_FAILED)
		FAIL(s, "no such answer");
	s->asked[n].is_open = false;
	step(s, &ev);
	free(a);
}

static void
look_state(struct scene *s)
{
	struct buf got = { 0 };

	(void)buf_printf(&got, "%s open=%u",
	    lookup_state_name(lookup_state(s->lookup)), lookup_open(s->lookup));
	if (!span_equal(buf_span(&got), dialog_value(s->step)))
		FAIL(s, "it is %.*s", SPAN_ARG(buf_span(&got)));
	buf_clear(&got);
}

/* The next line that was written must be this step. */
static void
expect_next(struct scene *s)
{
	struct span all = buf_span(&s->out), key;
	struct span line = span_to(all, span_find(all, '\r'));
	struct span value = line;

	if (span_is_empty(all))
		FAIL(s, "nothing happened");
	key = span_cut(&value, ':');
	if (!span_equal(key, span_text(s->step->key)) ||
	    !span_equal(span_trim(value), dialog_value(s->step)))
		FAIL(s, "it is %.*s", SPAN_ARG(line));
	buf_consume(&s->out, line.len + 2);
}

static void
run_step(struct scene *s)
{
	if (dialog_is(s->step, "need", NULL) ||
	    dialog_is(s->step, "host", NULL) ||
	    dialog_is(s->step, "detail", NULL)) {
		expect_next(s);
		return;
	}
	/* By now everything that was said must have been expected. */
	dialog_expect_silence(s->dialog, s->step, &s->out);
	if (dialog_is(s->step, "mail", NULL))
		begin(s, true);
	else if (dialog_is(s->step, "relay", NULL))
		begin(s, false);
	else if (s->lookup == NULL)
		FAIL(s, "it has not begun");
	else if (dialog_is(s->step, "answer", NULL))
		do_answer(s, dialog_value(s->step));
	else if (dialog_is(s->step, "cancel", NULL))
		step(s, &(struct lookup_event){ .type = LOOKUP_CANCEL });
	else if (dialog_is(s->step, "state", NULL))
		look_state(s);
	else
		FAIL(s, "no such step");
}

START_TEST(it_goes_as_written)
{
	struct dialog *d = dialog_read(paths[_i]);
	struct scene s = { .dialog = d };

	for (size_t i = 0; i < d->nsteps; i++) {
		s.step = &d->steps[i];
		run_step(&s);
	}
	dialog_expect_silence(d, s.step, &s.out);
	ck_assert_msg(lookup_state(s.lookup) == LOOKUP_OVER,
	    "%s: it is not over", d->path);
	lookup_free(s.lookup);
	buf_clear(&s.out);
	dialog_free(d);
}
END_TEST

/* From the start, too: the io may cancel before anything was asked. */
START_TEST(one_that_never_began_is_cancelled)
{
	struct lookup_options options = {
		.name = SPAN("a.test"), .is_mail = true, .servers = ""
	};
	struct lookup *l = lookup_new(&options);
	struct lookup_event ev = { .type = LOOKUP_CANCEL };

	ck_assert_str_eq(lookup_state_name(lookup_state(l)), "new");
	ck_assert_int_eq(lookup_step(l, &ev).type, LOOKUP_NOTHING);
	ck_assert_int_eq(lookup_step(l, &ev).type, LOOKUP_NOTHING);
	ck_assert_int_eq(lookup_state(l), LOOKUP_OVER);
	lookup_free(l);
	lookup_free(NULL);
}
END_TEST

START_TEST(a_question_is_answered_once)
{
	struct lookup_options options = { .name = SPAN("a.test"),
		.servers = "" };
	struct lookup *l = lookup_new(&options);
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	struct lookup_event ev = { .type = LOOKUP_BEGIN };

	(void)lookup_step(l, &ev);
	a->status = DNS_NONE;
	ev = (struct lookup_event){ LOOKUP_ANSWERED, 0, a };
	(void)lookup_step(l, &ev);
	(void)lookup_step(l, &ev);
}
END_TEST

static void
fill(TCase *tc)
{
	npaths = dialog_find("lookup-", &paths);
	tcase_add_loop_test(tc, it_goes_as_written, 0, (int)npaths);
	tcase_add_test(tc, one_that_never_began_is_cancelled);
	tcase_add_test_raise_signal(tc, a_question_is_answered_once, 6);
}

SUITE_MAIN("lookup dialogs", fill)
