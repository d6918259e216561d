/*
 * Messages that filters are to see after they were accepted: held, whole, until they
 * have. Some are asked about at once, in turns of accounts:
 *
 *   filters_wait -> in line -> filters_serve: asked -> dispatch_filtered:
 *     passed     it is held no more
 *     changed    the spool has what it is now; that takes its place in the queue
 *     refused    it goes back to its sender, with the filter's words
 *     discarded  it is removed
 *     later      its next time, by `retry` -> in line again; meanwhile it becomes
 *                older as any other: its sender is warned, and it expires
 *
 * A message waits for that over a restart, too: its flag is on disk, and goes with the
 * record of what filters made of it, so that none leaves without having been seen.
 */
#include "dispatch_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/loop.h"
#include "mail/attrs.h"
#include "mail/reason.h"
#include "spool/spool.h"

enum { AT_ONCE = 64 };

struct filtering {
	struct due due; /* when it is asked about again */
	struct turn turn; /* in dispatch->filter_line */
	uint64_t id;
	char *account; /* owned */
	/* Borrowed, pinned; NULL: it is gone, and is asked. */
	struct message *message;
	uint32_t tries;
	bool is_asked;
};

/* --- what is said of it --- */

static void
write_names(const struct conf *conf, struct buf *out)
{
	for (size_t i = 0; i < conf->nfilters; i++)
		if (conf->filters[i].when == WHEN_AFTER)
			(void)buf_printf(out, "%s%s",
			    buf_len(out) > 0 ? ", " : "",
			    conf->filters[i].name);
}

/* In memory only: of those that were never tried. */
static void
set_reason(struct message *m, struct reason *reason, uint64_t due)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct recipient *r = &m->rcpts[i];

		if (r->state != RCPT_QUEUED)
			continue;
		r->due = due;
		if (r->tries > 0)
			continue;
		reason_unref(r->reason);
		r->reason = reason_ref(reason);
	}
}

static void
say(struct dispatch *d, struct message *m, const char *what, const char *filter,
    const char *said, uint64_t due)
{
	struct buf names = { .max = 1000 }, text = { .max = 1200 };
	struct words w = { .status = SPAN("4.7.1") };
	struct reason *reason;

	if (filter == NULL)
		write_names(d->conf, &names);
	else
		(void)buf_append_text(&names, filter);
	(void)buf_printf(&text, "%s %.*s", what, SPAN_ARG(buf_span(&names)));
	w.what = buf_span(&text);
	if (said != NULL)
		w.said = span_text(said);
	reason = reason_new(&w);
	set_reason(m, reason, due);
	reason_unref(reason);
	buf_clear(&names);
	buf_clear(&text);
}

/* "5.7.1" of "550 5.7.1 no"; of a reply without one, "5.7.1" (RFC 3463 3.8). */
static struct span
status_of(const char *reply)
{
	struct span text = span_from(span_text(reply), 4);
	struct span status = span_to(text, span_find(text, ' '));

	return status.len >= 5 && status.len < WORDS_STATUS_MAX &&
		       status.ptr[1] == '.' && status.ptr[0] == '5'
		   ? status
		   : SPAN("5.7.1");
}

/* --- in line --- */

static void
join(struct dispatch *d, struct filtering *f)
{
	heap_drop(&d->heap, &f->due);
	if (f->is_asked || turn_is_waiting(&f->turn))
		return;
	turns_join(&d->filter_line, &f->turn, span_text(f->account),
	    f->tries == 0 ? TURN_FIRST : TURN_RETRY);
	dispatch_end_turn(d);
}

void
filters_wait(struct dispatch *d, struct message *m)
{
	struct filtering *f;

	if (m->open == 0) /* nobody is to get it any more */
		return;
	f = MEM_NEW(struct filtering);
	f->due.kind = DUE_FILTER;
	f->id = m->env->id;
	f->account = mem_strdup(m->env->account);
	f->message = m;
	m->pins++;
	(void)map_put_u64(&d->filtering, f->id, f);
	say(d, m, "it waits for filter", NULL, NULL, loop_now(d->loop));
	join(d, f);
}

static struct filtering *
find(const struct dispatch *d, const struct message *m)
{
	return map_get_u64(&d->filtering, m->env->id);
}

static void
forget(struct dispatch *d, struct filtering *f)
{
	if (f->message != NULL)
		f->message->pins--;
	heap_drop(&d->heap, &f->due);
	if (turn_is_waiting(&f->turn))
		turns_leave(&d->filter_line, &f->turn);
	(void)map_remove_u64(&d->filtering, f->id);
	free(f->account);
	free(f);
}

void
filters_gone(struct dispatch *d, const struct message *m)
{
	struct filtering *f = find(d, m);

	if (f == NULL)
		return;
	if (f->is_asked)
		f->message = NULL; /* until the answer comes */
	else
		forget(d, f);
}

void
filters_ask_now(struct dispatch *d, const struct message *m)
{
	struct filtering *f = find(d, m);

	if (f != NULL)
		join(d, f);
}

void
filters_due(struct dispatch *d, struct due *due)
{
	join(d, LIST_ENTRY(due, struct filtering, due));
}

void
filters_ask_all(struct dispatch *d)
{
	struct filtering *f;
	size_t at = 0;

	while ((f = map_next(&d->filtering, &at)) != NULL)
		join(d, f);
}

void
filters_serve(struct dispatch *d)
{
	while (d->running && d->filters_asked < AT_ONCE) {
		struct turns_place place = { .held_most =
						 AT_ONCE - d->filters_asked };
		struct turn *turn = turns_take(&d->filter_line, &place);
		struct filtering *f;

		if (turn == NULL)
			return;
		f = LIST_ENTRY(turn, struct filtering, turn);
		if (f->message->open == 0) {
			forget(d, f);
			continue;
		}
		f->is_asked = true;
		d->filters_asked++;
		turns_hold(&d->filter_line, span_text(f->account));
		say(d, f->message, "it is being seen by filter", NULL, NULL,
		    loop_now(d->loop));
		d->filters.ask(f->message, d->filters.arg);
	}
}

/* --- what came of it --- */

/* It is held by them no more; by something else it may be still. */
static void
let_go(struct dispatch *d, struct message *m)
{
	struct leg_event ev = dispatch_event(d, LEG_RELEASE);

	message_set_flags(m, m->flags & ~(unsigned)MESSAGE_UNFILTERED, ev.now);
	spool_set_flags(d->spool, m->env->id, m->flags);
	set_reason(m, NULL, ev.now);
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if ((m->flags & MESSAGE_HOLDS) == 0)
			dispatch_step(d, &m->legs[i], &ev);
	dispatch_settle(d, m, NULL);
}

/* Back to its sender, or away. */
static void
end_all(struct dispatch *d, struct message *m, enum leg_event_type type,
    const struct words *why)
{
	struct leg_event ev = dispatch_event(d, type);
	struct reason *reason = why == NULL ? NULL : reason_new(why);

	ev.reason = reason;
	set_reason(m, NULL, ev.now);
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		dispatch_step(d, &m->legs[i], &ev);
	dispatch_settle(d, m, NULL);
	reason_unref(reason);
}

static void
bounce(struct dispatch *d, struct message *m, const struct dispatch_filtered *a)
{
	struct buf text = { .max = 300 };
	struct words w = { .status = status_of(a->reply),
		.said = span_text(a->reply) };

	(void)buf_append_text(&text, "refused");
	if (a->filter != NULL)
		(void)buf_printf(&text, ": filter %s", a->filter);
	w.what = buf_span(&text);
	end_all(d, m, LEG_BOUNCE, &w);
	buf_clear(&text);
}

/* The next time, but not beyond the message's end: then it expires. */
static uint64_t
next_time(const struct dispatch *d, const struct filtering *f, uint64_t now)
{
	const struct message *m = f->message;
	uint64_t at = now + backoff_delay(&d->leg_options.backoff, f->tries,
				random_u32());

	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		const struct leg *leg = &m->legs[i];
		uint64_t end = leg_end(leg, &d->leg_options);

		if (leg->state == LEG_HELD && !leg_stands_still(leg) &&
		    end > now && end < at)
			at = end;
	}
	return at;
}

static void
put_off(
    struct dispatch *d, struct filtering *f, const struct dispatch_filtered *a)
{
	struct leg_event ev = dispatch_event(d, LEG_DUE);
	struct message *m = f->message;

	f->tries++;
	f->due.at = next_time(d, f, ev.now);
	say(d, m, "it is put off by filter", a->filter, a->reply, f->due.at);
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		dispatch_step(d, &m->legs[i], &ev);
	heap_set(&d->heap, &f->due, f->due.at);
	dispatch_settle(d, m, NULL);
}

/* From since when it is held to how long it was, or back (see mail/progress.h). */
static void
set_hold(struct progress *row, bool is_held, int64_t wall)
{
	int64_t stood = wall / 1000 - (int64_t)row->stood;

	if (row->held == is_held || row->state != RCPT_QUEUED)
		return;
	if (row->stood != 0 || is_held) /* else it is not known */
		row->stood = stood > 0 ? (uint32_t)stood : 0;
	row->held = is_held;
}

/* Recipients that came too late are none. */
static void
end_added(struct dispatch *d, const struct message *m,
    const struct envelope *env, struct progress *rows)
{
	uint32_t n = env->nrcpt - m->env->nrcpt;

	for (uint32_t i = m->env->nrcpt; i < env->nrcpt; i++)
		rows[i].state = RCPT_REMOVED;
	spool_progress(d->spool, env->id, rows + m->env->nrcpt, n);
}

/* As the spool has it now: recipients that were there keep their places. */
static void
replace(
    struct dispatch *d, struct message *m, const struct dispatch_filtered *a)
{
	uint64_t now = loop_now(d->loop);
	int64_t wall = wall_now();
	struct progress *rows = mem_zalloc(a->env->nrcpt, sizeof *rows);
	unsigned flags = m->flags & ~(unsigned)MESSAGE_UNFILTERED;

	set_reason(m, NULL, now);
	if (!span_is_empty(attrs_get(envelope_attrs(a->env), ATTR_HELD_BY)))
		flags |= MESSAGE_QUARANTINED;
	for (uint32_t i = 0; i < a->env->nrcpt; i++)
		rows[i].rcpt = i;
	for (uint32_t l = 0; l < m->env->ngroups; l++)
		for (uint32_t i = m->legs[l].first; i != ENVELOPE_NO_MORE;
		     i = m->env->rcpts[i].next)
			rows[i] = leg_row(&m->legs[l], i, now, wall);
	for (size_t i = 0; i < a->nnews; i++)
		if (rows[a->news[i].rcpt].state == RCPT_QUEUED)
			rows[a->news[i].rcpt].state = a->news[i].state;
	for (uint32_t i = 0; i < a->env->nrcpt; i++)
		set_hold(&rows[i], (flags & MESSAGE_HOLDS) != 0, wall);
	if (m->open == 0) /* ended while its filter was asked: for all */
		end_added(d, m, a->env, rows);
	dispatch_replace(d, m, a->env, rows, flags);
	free(rows);
}

static void
take_verdict(
    struct dispatch *d, struct message *m, const struct dispatch_filtered *a)
{
	switch (a->verdict) {
	case DISPATCH_PASSED: let_go(d, m); break;
	case DISPATCH_CHANGED: replace(d, m, a); break;
	case DISPATCH_REFUSED: bounce(d, m, a); break;
	case DISPATCH_DISCARDED: end_all(d, m, LEG_REMOVE, NULL); break;
	case DISPATCH_PUT_OFF: break;
	}
}

void
dispatch_filtered(struct dispatch *d, const struct dispatch_filtered *a)
{
	struct filtering *f = map_get_u64(&d->filtering, a->id);
	struct message *m = f->message;

	f->is_asked = false;
	d->filters_asked--;
	turns_give_back(&d->filter_line, span_text(f->account));
	if (m != NULL && a->verdict == DISPATCH_PUT_OFF && d->running) {
		put_off(d, f, a);
	} else if (m == NULL || a->verdict != DISPATCH_PUT_OFF) {
		forget(d, f);
		if (m == NULL && a->env != NULL)
			free(a->env);
		else if (m != NULL)
			take_verdict(d, m, a);
	}
	dispatch_end_turn(d);
	if (!d->running && d->idle_cb != NULL)
		d->idle_cb(d->idle_arg);
}

/* --- making and ending --- */

void
filters_init(struct dispatch *d)
{
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	map_init(&d->filtering, seed);
	turns_init(&d->filter_line);
}

void
filters_clear(struct dispatch *d)
{
	struct filtering *f;
	size_t at = 0;

	while ((f = map_next(&d->filtering, &at)) != NULL) {
		if (turn_is_waiting(&f->turn))
			turns_leave(&d->filter_line, &f->turn);
		free(f->account);
		free(f);
	}
	map_clear(&d->filtering);
	turns_clear(&d->filter_line);
}

void
dispatch_set_filters(struct dispatch *d, const struct dispatch_filters *filters)
{
	d->filters = *filters;
}
