/*
 * Runs every tests/dialogs/leg-*.dialog through leg_step() and message_step(). The
 * format stands in tests/lib/dialog.h; what is around the cores is play.c's.
 */
#include "tests/lib/suite.h"

#include <string.h>

#include "mail/envelope.h"
#include "mail/wishes.h"
#include "mail/reason.h"
#include "tests/dispatch/play.h"
#include "tests/lib/dialog.h"
#include "tests/lib/parts.h"

static char **paths;
static size_t npaths;

/* The dialog, and the step that runs. */
struct scene {
	const struct dialog *dialog;
	const struct dialog_step *step;
	struct play play;
};

#define FAIL(s, ...) dialog_fail((s)->dialog, (s)->step, __VA_ARGS__)

static uint64_t
duration(const struct scene *s, struct span text)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 } };
	size_t digits = 0;
	uint64_t n = 0;

	while (digits < text.len && ascii_is_digit(text.ptr[digits]))
		digits++;
	if (!span_to_u64(span_to(text, digits), 1000000000, &n))
		FAIL(s, "not a time");
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (span_equal(
			span_from(text, digits), span_text(units[i].name)))
			return n * units[i].ms;
	FAIL(s, "not a time");
}

static uint64_t
number(const struct scene *s, struct span text)
{
	uint64_t n = 0;

	if (!span_to_u64(text, 1000000, &n))
		FAIL(s, "not a number");
	return n;
}

/* The part of "a b : words" behind the colon, cut off. */
static struct span
cut_words(struct span *value)
{
	struct span all = *value;

	for (size_t i = 0; i + 2 < all.len; i++)
		if (memcmp(all.ptr + i, " : ", 3) == 0) {
			*value = span_to(all, i);
			return span_from(all, i + 3);
		}
	return SPAN("");
}

/* --- before the message comes --- */

static void
set_waits(struct scene *s, struct span list)
{
	struct play *st = &s->play;
	size_t n = 0;

	while (!span_is_empty(list) && n < PLAY_WAITS)
		st->waits[n++] =
		    (uint32_t)(duration(s, span_cut(&list, ',')) / 1000);
	st->leg_options.backoff.count = n;
}

static void
do_options(struct scene *s, struct span value)
{
	struct play *st = &s->play;

	while (!span_is_empty(value)) {
		struct span word = span_cut(&value, ' ');
		struct span key = span_cut(&word, '=');

		if (span_equal(key, SPAN("expire")))
			st->leg_options.expire = st->message_options.expire =
			    duration(s, word);
		else if (span_equal(key, SPAN("warn")))
			st->message_options.delay_warning = duration(s, word);
		else if (span_equal(key, SPAN("started")))
			st->message_options.started = st->now;
		else if (span_equal(key, SPAN("retry")))
			set_waits(s, word);
		else
			FAIL(s, "no such option");
	}
}

static enum rcpt_state
state_of(const struct scene *s, struct span word)
{
	for (int i = 0; i < RCPT_STATE_COUNT; i++)
		if (span_equal(word, span_text(rcpt_state_name(i))))
			return (enum rcpt_state)i;
	FAIL(s, "no such state");
}

/* "held stood=3h": since when; "stood=3h": how long. */
static uint32_t
stood_of(const struct play *st, bool is_held, uint64_t ms)
{
	return (uint32_t)((is_held ? (uint64_t)st->wall - ms : ms) / 1000);
}

/* "N STATE held tries=N step=N last=T due=T : WORDS" */
static void
do_given(struct scene *s, struct span value)
{
	struct play *st = &s->play;
	struct span words = cut_words(&value);
	uint64_t at = number(s, span_cut(&value, ' '));
	struct progress *row = &st->rows[at % PLAY_RCPTS];

	st->is_read_back = true;
	row->state = state_of(s, span_cut(&value, ' '));
	while (!span_is_empty(value)) {
		struct span word = span_cut(&value, ' ');
		struct span key = span_cut(&word, '=');

		if (span_equal(key, SPAN("held")))
			row->held = true;
		else if (span_equal(key, SPAN("mistrusted")))
			row->is_mistrusted = true;
		else if (span_equal(key, SPAN("tries")))
			row->tries = (uint32_t)number(s, word);
		else if (span_equal(key, SPAN("step")))
			row->step = (uint32_t)number(s, word);
		else if (span_equal(key, SPAN("last")))
			row->last = st->wall - (int64_t)duration(s, word);
		else if (span_equal(key, SPAN("stood")))
			row->stood = stood_of(st, row->held, duration(s, word));
		else if (span_equal(key, SPAN("due")))
			row->due = st->wall + (int64_t)duration(s, word);
		else
			FAIL(s, "no such word");
	}
	row->reason = st->row_reasons[row->rcpt] = play_reason(words);
}

static unsigned
flags_of(const struct scene *s, struct span value)
{
	static const struct {
		const char *name;
		unsigned flag;
	} flags[] = { { "held", MESSAGE_HELD },
		{ "over-budget", MESSAGE_OVER_BUDGET },
		{ "future", MESSAGE_FUTURE },
		{ "unfiltered", MESSAGE_UNFILTERED },
		{ "warned", MESSAGE_WARNED }, { "none", 0 } };
	unsigned all = 0;

	while (!span_is_empty(value)) {
		struct span word = span_cut(&value, ' ');
		size_t i = 0;

		while (i < ARRAY_LEN(flags) &&
		       !span_equal(word, span_text(flags[i].name)))
			i++;
		if (i == ARRAY_LEN(flags))
			FAIL(s, "no such flag");
		all |= flags[i].flag;
	}
	return all;
}

static void
do_flags(struct scene *s, struct span value)
{
	s->play.is_read_back = true;
	s->play.flags |= flags_of(s, value);
}

/* As the operator's words, or filters, leave them. */
static void
do_set_flags(struct scene *s, struct span value)
{
	message_set_flags(s->play.message, flags_of(s, value), s->play.now);
	play_settle(&s->play);
}

static void
do_message(struct scene *s, struct span value)
{
	struct parts parts;

	if (!parts_read(&parts, value))
		FAIL(s, "no such parameter");
	parts.parts.size = 10;
	if (span_equal(parts.parts.sender, SPAN("-")))
		parts.parts.sender = SPAN("");
	if (dialog_is(s->step, "unfiltered", NULL))
		s->play.flags |= MESSAGE_UNFILTERED;
	if (!s->play.is_read_back &&
	    wishes_release(parts.parts.attrs) > s->play.wall)
		s->play.flags |= MESSAGE_FUTURE; /* as dispatch_add() does */
	play_add(&s->play, &parts.parts);
	parts_clear(&parts);
}

/* --- what happens --- */

/* The leg of the domain at the front of the value. */
static struct leg *
take_leg(struct scene *s, struct span *value)
{
	struct span domain = span_cut(value, ' ');
	struct message *m = s->play.message;

	for (uint32_t i = 0; m != NULL && i < m->env->ngroups; i++)
		if (span_equal(
			envelope_domain(m->env, m->env->groups[i]), domain))
			return &m->legs[i];
	FAIL(s, "no such leg");
}

/* "DOMAIN ok [hosts=N]", "DOMAIN never WORDS", "DOMAIN later WORDS" */
static void
do_route(struct scene *s, struct span value)
{
	struct leg *leg = take_leg(s, &value);
	struct span word = span_cut(&value, ' ');
	struct leg_event ev = play_event(&s->play, LEG_UNROUTED);
	uint64_t hosts = 1;

	if (span_equal(word, SPAN("ok"))) {
		if (span_starts(value, SPAN("hosts=")))
			hosts = number(s, span_from(value, 6));
		play_routed(&s->play, leg, (uint32_t)hosts);
		play_settle(&s->play);
		return;
	}
	if (!span_equal(word, SPAN("never")) &&
	    !span_equal(word, SPAN("later")))
		FAIL(s, "no such way");
	ev.outcome = word.ptr[0] == 'n' ? LEG_FAILED : LEG_LATER;
	ev.reason = play_reason(value);
	play_step(&s->play, leg, &ev);
	play_settle(&s->play);
	reason_unref(ev.reason);
}

static void
do_closed(struct scene *s, struct span value)
{
	struct leg *leg = take_leg(s, &value);
	struct reason *why = play_reason(value);

	if (leg->channel == NULL)
		FAIL(s, "it stands in no line");
	play_closed(&s->play, leg, why);
	reason_unref(why);
}

static void
do_take(struct scene *s, struct span value)
{
	struct leg *leg = take_leg(s, &value);
	uint64_t most = span_is_empty(value) ? PLAY_RCPTS : number(s, value);

	if (!play_take(&s->play, leg, (uint32_t)most))
		FAIL(s, "there is nothing to take");
	play_settle(&s->play);
}

static enum leg_outcome
outcome_of(const struct scene *s, struct span word)
{
	static const char *const words[] = { "not-tried", "delivered",
		"next-transaction", "next-connection", "next-host", "elsewhere",
		"later", "mistrusted", "failed" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (span_equal(word, span_text(words[i])))
			return (enum leg_outcome)i;
	FAIL(s, "no such outcome");
}

/* "DOMAIN OUTCOME,OUTCOME... [blames|unreached|lacks-dsn|lacks-by] : WORDS" */
static void
do_back(struct scene *s, struct span value)
{
	struct reason *reason = play_reason(cut_words(&value));
	struct leg *leg = take_leg(s, &value);
	struct span list = span_cut(&value, ' ');
	enum leg_outcome outcomes[PLAY_RCPTS];
	uint32_t n = 0;

	if (leg->state != LEG_LANE && leg->state != LEG_LEAVING)
		FAIL(s, "it is in no lane");
	while (!span_is_empty(list) && n < PLAY_RCPTS)
		outcomes[n++] = outcome_of(s, span_cut(&list, ','));
	play_back(&s->play, leg,
	    &(struct play_end){ outcomes, n, span_equal(value, SPAN("blames")),
		span_equal(value, SPAN("unreached")),
		span_equal(value, SPAN("lacks-dsn")),
		span_equal(value, SPAN("lacks-by")), reason });
	reason_unref(reason);
}

/* An event of all legs, or of that domain's. */
static void
do_all(struct scene *s, enum leg_event_type type, struct span value)
{
	struct message *m = s->play.message;
	struct leg_event ev = play_event(&s->play, type);

	ev.reason = play_reason(SPAN("by hand"));
	ev.is_word = dialog_is(s->step, "let", NULL);
	if (!span_is_empty(value))
		play_step(&s->play, take_leg(s, &value), &ev);
	else
		for (uint32_t i = 0; i < m->env->ngroups; i++)
			play_step(&s->play, &m->legs[i], &ev);
	reason_unref(ev.reason);
	if (type == LEG_REMOVE && span_is_empty(value))
		play_remove_untold(&s->play);
	if (type != LEG_STOP) /* the relay ends: nothing is told any more */
		play_settle(&s->play);
}

/* --- what is looked at --- */

static void
expect(const struct scene *s, struct buf *got)
{
	if (!span_equal(buf_span(got), dialog_value(s->step)))
		FAIL(s, "it is %.*s", SPAN_ARG(buf_span(got)));
	buf_clear(got);
}

static void
write_wakes(const struct scene *s, const struct due *due, struct buf *out)
{
	uint64_t now = s->play.now;

	if (due->place == 0)
		return;
	(void)buf_append_text(out, " wakes=");
	play_duration(out, due->at > now ? due->at - now : 0);
}

/* "DOMAIN STATE", and when it is woken, if it is. */
static void
look_leg(struct scene *s, struct span value)
{
	struct leg *leg = take_leg(s, &value);
	struct buf got = { 0 };

	(void)buf_printf(&got, "%.*s %s",
	    SPAN_ARG(envelope_domain(s->play.message->env, leg->first)),
	    leg_state_name((enum leg_state)leg->state));
	write_wakes(s, &leg->due, &got);
	expect(s, &got);
}

static void
look_message(struct scene *s)
{
	const struct message *m = s->play.message;
	struct buf got = { 0 };

	(void)buf_append_text(
	    &got, message_state_name((enum message_state)m->state));
	write_wakes(s, &m->due, &got);
	expect(s, &got);
}

/* What would be recorded of that recipient. */
static void
look_row(struct scene *s, struct span value)
{
	struct span address = span_cut(&value, ' ');
	size_t at = span_find_last(address, '@');
	struct span domain = span_from(address, at + 1);
	struct leg *leg = take_leg(s, &domain);
	const struct message *m = s->play.message;
	struct buf got = { 0 };
	struct progress row;
	struct words w;
	uint32_t i = leg->first;

	while (!span_equal(span_text(m->env->rcpts[i].address), address))
		i = m->env->rcpts[i].next;
	row = leg_row(leg, i, s->play.now, s->play.wall);
	w = reason_words(row.reason);
	(void)buf_printf(&got, "%s %s%s%s tries=%u step=%u",
	    m->env->rcpts[row.rcpt].address, rcpt_state_name(row.state),
	    row.held ? " held" : "", row.is_mistrusted ? " mistrusted" : "",
	    row.tries, row.step);
	if (row.last != 0) {
		(void)buf_append_text(&got, " last=");
		play_duration(&got, (uint64_t)(s->play.wall - row.last));
	}
	if (row.stood != 0) {
		(void)buf_append_text(&got, " stood=");
		play_duration(&got, row.held ? (uint64_t)s->play.wall -
						   (uint64_t)row.stood * 1000
					     : (uint64_t)row.stood * 1000);
	}
	if (row.due != 0) {
		(void)buf_append_text(&got, " due=");
		play_duration(&got, (uint64_t)(row.due - s->play.wall));
	}
	(void)buf_append_text(&got, w.said.len > 0 ? " " : "");
	words_join(&got, &w);
	expect(s, &got);
}

/* --- running --- */

/* Steps that only look. */
static bool
look(struct scene *s)
{
	struct span value = dialog_value(s->step);

	if (dialog_is(s->step, "leg", NULL))
		look_leg(s, value);
	else if (dialog_is(s->step, "state", NULL))
		look_message(s);
	else if (dialog_is(s->step, "row", NULL))
		look_row(s, value);
	else
		return false;
	return true;
}

static bool
prepare(struct scene *s)
{
	struct span value = dialog_value(s->step);

	if (dialog_is(s->step, "options", NULL))
		do_options(s, value);
	else if (dialog_is(s->step, "given", NULL))
		do_given(s, value);
	else if (dialog_is(s->step, "flags", NULL))
		do_flags(s, value);
	else if (dialog_is(s->step, "age", NULL))
		s->play.age = duration(s, value);
	else if (dialog_is(s->step, "message", NULL) ||
		 dialog_is(s->step, "unfiltered", NULL))
		do_message(s, value);
	else
		return false;
	return true;
}

static void
act(struct scene *s)
{
	static const struct {
		const char *key;
		enum leg_event_type type;
	} verbs[] = { { "hold", LEG_HOLD }, { "release", LEG_RELEASE },
		{ "retry", LEG_RETRY }, { "bounce", LEG_BOUNCE },
		{ "remove", LEG_REMOVE }, { "reroute", LEG_REROUTE },
		{ "stop", LEG_STOP }, { "let", LEG_RELEASE },
		{ "mistrust", LEG_MISTRUST }, { "due", LEG_DUE } };
	struct span value = dialog_value(s->step);

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (dialog_is(s->step, verbs[i].key, NULL)) {
			do_all(s, verbs[i].type, value);
			return;
		}
	if (dialog_is(s->step, "set-flags", NULL))
		do_set_flags(s, value);
	else if (dialog_is(s->step, "wait", NULL))
		play_wait(&s->play, duration(s, value));
	else if (dialog_is(s->step, "route", NULL))
		do_route(s, value);
	else if (dialog_is(s->step, "closed", NULL))
		do_closed(s, value);
	else if (dialog_is(s->step, "take", NULL))
		do_take(s, value);
	else if (dialog_is(s->step, "back", NULL))
		do_back(s, value);
	else if (dialog_is(s->step, "reload", NULL))
		s->play.era++;
	else if (dialog_is(s->step, "stored", NULL))
		play_stored(&s->play, span_equal(value, SPAN("ok")));
	else
		FAIL(s, "no such step");
}

static bool
is_expectation(const struct dialog_step *step)
{
	return dialog_is(step, "need", NULL) || dialog_is(step, "fact", NULL) ||
	       dialog_is(step, "says", NULL);
}

/* The next line that was written must be this step. */
static void
expect_next(struct scene *s)
{
	struct buf *out = &s->play.out;
	struct span all = buf_span(out), key;
	struct span line = span_to(all, span_find(all, '\r'));
	struct span value = line;

	if (span_is_empty(all))
		FAIL(s, "nothing happened");
	key = span_cut(&value, ':');
	if (!span_equal(key, span_text(s->step->key)) ||
	    !span_equal(span_trim(value), dialog_value(s->step)))
		FAIL(s, "it is %.*s", SPAN_ARG(line));
	buf_consume(out, line.len + 2);
}

static void
run_step(struct scene *s)
{
	const char *wrong;

	if (is_expectation(s->step)) {
		expect_next(s);
		return;
	}
	/* By now everything that happened must have been expected. */
	dialog_expect_silence(s->dialog, s->step, &s->play.out);
	if (look(s) || prepare(s))
		return;
	if (s->play.message == NULL)
		FAIL(s, "there is no message");
	act(s);
	wrong = play_wrong(&s->play);
	if (wrong != NULL)
		FAIL(s, "what does not hold: %s", wrong);
}

START_TEST(it_goes_as_written)
{
	struct dialog *d = dialog_read(paths[_i]);
	struct scene s = { .dialog = d };

	play_init(&s.play);
	for (size_t i = 0; i < d->nsteps; i++) {
		s.step = &d->steps[i];
		run_step(&s);
	}
	dialog_expect_silence(d, s.step, &s.play.out);
	play_clear(&s.play);
	dialog_free(d);
}
END_TEST

static void
fill(TCase *tc)
{
	npaths = dialog_find("leg-", &paths);
	tcase_add_loop_test(tc, it_goes_as_written, 0, (int)npaths);
}

SUITE_MAIN("leg dialogs", fill)
