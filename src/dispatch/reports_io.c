/*
 * One report tells all that failed or expired and was not told yet, another one
 * what was relayed to hosts that send no reports (RFC 3461 5.2.3); message.c says
 * when. Each has those recipients whose sender wants it (NOTIFY); the others count
 * as told with it. Never one for a message from the null sender (RFC 5321 4.5.5).
 */
#include "dispatch_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "bounce/report.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "mail/attrs.h"
#include "mail/param.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "spool/spool.h"

/* A report under way. */
struct telling {
	struct dispatch *dispatch; /* borrowed: waits for its reports */
	uint64_t id; /* of the original */
	enum dsn_action action;
	uint32_t *rcpts; /* owned: which ones are told of, then the others */
	struct reason **words; /* owned, a reference each: and what */
	uint32_t nrcpts; /* that are told of */
	uint32_t nall; /* and those that need not be */
};

static void on_stored(struct envelope *env, const char *message_id, void *arg);

static const struct {
	enum notify wish; /* who has it is told */
	const char *status; /* of a recipient without one */
	enum fact_kind fact; /* what is told when it is sent */
} kinds[] = {
	[DSN_FAILED] = { NOTIFY_FAILURE, "5.0.0", FACT_BOUNCED },
	[DSN_DELAYED] = { NOTIFY_DELAY, "4.0.0", FACT_WARNED },
	[DSN_RELAYED] = { NOTIFY_SUCCESS, "2.0.0", FACT_CONFIRMED },
};

static struct dsn_rcpt
rcpt_for(const struct message *m, uint32_t i, enum dsn_action action,
    const struct reason *words)
{
	const struct recipient *r = &m->rcpts[i];
	struct dsn_rcpt out = { .address = span_text(m->env->rcpts[i].address),
		.words = reason_words(words),
		.is_expired = r->state == RCPT_EXPIRED,
		.tries = r->tries,
		.last = recipient_last(r) };

	if (span_is_empty(out.words.what) && span_is_empty(out.words.said))
		out.words.what = SPAN("no attempt was possible");
	/* RFC 3463 3.5: 4.4.7 and 5.4.7, delivery time expired. */
	if (out.is_expired)
		out.words.status = SPAN("5.4.7");
	else if (span_is_empty(out.words.status))
		out.words.status = span_text(kinds[action].status);
	out.original = attrs_get(envelope_rcpt_attrs(m->env, i), ATTR_ORCPT);
	return out;
}

/*
 * Whether a report of that kind is about the recipient of the leg. Nobody is
 * warned of one that the operator holds.
 */
static bool
is_about(
    const struct recipient *r, const struct leg *leg, enum dsn_action action)
{
	switch (action) {
	case DSN_FAILED: return recipient_has_failed(r);
	case DSN_RELAYED: return r->state == RCPT_RELAYED;
	case DSN_DELAYED: break;
	}
	return r->state == RCPT_QUEUED && !leg_stands_still(leg);
}

/* What was passed on was to a host that lacks what it takes, or it is no end. */
static bool
is_wanted(const struct message *m, uint32_t rcpt, enum dsn_action action)
{
	struct span attrs = envelope_rcpt_attrs(m->env, rcpt);

	if (action == DSN_RELAYED)
		return params_wants_relayed(
		    envelope_attrs(m->env), attrs, true, true);
	return params_wants(attrs, kinds[action].wish);
}

static void
add_rcpts(struct telling *t, const struct message *m, const uint32_t *legs,
    bool wanted)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		if (!is_about(&m->rcpts[i], &m->legs[legs[i]], t->action) ||
		    is_wanted(m, i, t->action) != wanted)
			continue;
		t->words[t->nall] = reason_whole(m->rcpts[i].reason);
		t->rcpts[t->nall++] = i;
	}
}

static struct telling *
telling_new(struct dispatch *d, const struct message *m, enum dsn_action action)
{
	struct telling *t = MEM_NEW(struct telling);
	uint32_t *legs = envelope_groups_of(m->env);

	t->dispatch = d;
	t->id = m->env->id;
	t->action = action;
	t->rcpts = mem_zalloc(m->env->nrcpt, sizeof *t->rcpts);
	t->words = mem_zalloc(m->env->nrcpt, sizeof(struct reason *));
	add_rcpts(t, m, legs, true);
	t->nrcpts = t->nall;
	add_rcpts(t, m, legs, false);
	free(legs);
	return t;
}

/* Of those whose end is to be told, the ones of the next report. */
static struct telling *
telling_of_ends(struct dispatch *d, const struct message *m)
{
	return telling_new(
	    d, m, message_has_failures(m) ? DSN_FAILED : DSN_RELAYED);
}

static void
telling_free(struct telling *t)
{
	for (uint32_t i = 0; i < t->nall; i++)
		reason_unref(t->words[i]);
	free((void *)t->words);
	free(t->rcpts);
	free(t);
}

/* Writes and stores it. */
static void
write_report(struct telling *t, struct message *m)
{
	struct dispatch *d = t->dispatch;
	struct dsn_rcpt *rcpts = mem_zalloc(t->nrcpts, sizeof *rcpts);
	uint64_t age = message_age(m, loop_now(d->loop)) / 1000;
	struct report_request q = {
		.spool = d->spool,
		.loop = d->loop,
		.original = m->env,
		.hostname = d->conf->hostname,
		.action = t->action,
		.now = wall_now(),
		.retry_for =
		    age < d->conf->expire ? d->conf->expire - (uint32_t)age : 0,
		.random = random_u64(),
		.rcpts = rcpts,
		.nrcpts = t->nrcpts,
	};

	for (uint32_t i = 0; i < t->nrcpts; i++)
		rcpts[i] = rcpt_for(m, t->rcpts[i], t->action, t->words[i]);
	report_start(&q, on_stored, t);
	free(rcpts);
}

static void
on_whole(enum spool_status status, struct reason *const *reasons, uint32_t n,
    void *arg)
{
	struct telling *t = arg;
	struct message *m = queue_find(t->dispatch->queue, t->id);

	(void)status; /* what cannot be read is told as it is in memory */
	for (uint32_t i = 0; i < t->nrcpts; i++) {
		if (t->rcpts[i] >= n || !reason_is_cut(t->words[i]))
			continue;
		reason_unref(t->words[i]);
		t->words[i] = reason_ref(reasons[t->rcpts[i]]);
	}
	if (m != NULL) {
		write_report(t, m);
		return;
	}
	on_stored(NULL, "", t); /* removed meanwhile: nobody is to be told */
}

static bool
has_cut_words(const struct telling *t)
{
	for (uint32_t i = 0; i < t->nrcpts; i++)
		if (reason_is_cut(t->words[i]))
			return true;
	return false;
}

static void
start(struct telling *t, struct message *m)
{
	struct dispatch *d = t->dispatch;

	d->reports++;
	if (has_cut_words(t))
		spool_fetch_reasons(d->spool, t->id, d->loop, on_whole, t);
	else
		write_report(t, m);
}

static void
told(struct dispatch *d, struct message *m, const struct telling *t);

void
reports_send(struct dispatch *d, struct message *m)
{
	struct telling *t = telling_of_ends(d, m);

	if (t->nrcpts > 0) {
		start(t, m);
		return;
	}
	FACT(DROPPED, fact_id("qid", t->id),
	    fact_string("reason", "the sender wants no report"),
	    fact_number("nrcpt", t->nall));
	told(d, m, t);
	telling_free(t);
}

void
reports_warn(struct dispatch *d, struct message *m)
{
	struct telling *t = telling_new(d, m, DSN_DELAYED);

	spool_set_flags(d->spool, m->env->id, m->flags);
	if (t->nrcpts > 0)
		start(t, m);
	else
		telling_free(t);
}

/* --- told --- */

/* Records whom the report was about; the message may be gone then. */
static void
told(struct dispatch *d, struct message *m, const struct telling *t)
{
	struct message_event ev = { .type = MESSAGE_TOLD,
		.now = loop_now(d->loop),
		.rcpts = t->rcpts,
		.nrcpts = t->nall };
	struct progress *rows = mem_zalloc(t->nall, sizeof *rows);
	int64_t wall = wall_now();
	uint64_t id = m->env->id;
	struct leg *leg = &m->legs[0];

	for (uint32_t i = 0; i < t->nall; i++) {
		const struct recipient *r = &m->rcpts[t->rcpts[i]];

		rows[i] = leg_row(leg, t->rcpts[i], ev.now, wall);
		rows[i].held = false;
		if (recipient_is_untold(r))
			rows[i].state = recipient_once_told(r);
		(void)reason_ref(rows[i].reason);
	}
	if (m->untold > t->nall || m->open > 0)
		spool_progress(d->spool, id, rows, t->nall);
	for (uint32_t i = 0; i < t->nall; i++)
		reason_unref(rows[i].reason);
	free(rows);
	dispatch_message_event(d, m, &ev);
}

void
reports_drop(struct dispatch *d, struct message *m)
{
	struct telling *t = telling_of_ends(d, m);

	FACT(DROPPED, fact_id("qid", t->id),
	    fact_string(
		"reason", "undeliverable, and the null sender gets no report"),
	    fact_number("nrcpt", t->nall));
	told(d, m, t);
	telling_free(t);
}

static void
tell_sent(
    const struct telling *t, const struct envelope *env, const char *message_id)
{
	struct fact_field fields[] = {
		fact_id("qid", t->id),
		fact_id("report", env->id),
		fact_address("to", span_text(env->rcpts[0].address)),
		fact_number("nrcpt", t->nrcpts),
	};

	metric_add(METRIC_BOUNCES, 1);
	if (fact_count(kinds[t->action].fact))
		fact_tell(kinds[t->action].fact, fields, ARRAY_LEN(fields));
	FACT(ACCEPTED, fact_id("qid", env->id), fact_id("for", t->id),
	    fact_address("from", SPAN("")),
	    fact_address("to", span_text(env->rcpts[0].address)),
	    fact_number("nrcpt", 1), fact_number("size", env->size),
	    fact_string("message_id", message_id));
}

static void
on_stored(struct envelope *env, const char *message_id, void *arg)
{
	struct telling *t = arg;
	struct dispatch *d = t->dispatch;
	struct message *m = queue_find(d->queue, t->id);
	struct dispatch_origin ours = { "", message_id, false };
	struct message_event again = { .type = MESSAGE_NOT_TOLD,
		.now = loop_now(d->loop) };

	d->reports--;
	if (env != NULL)
		tell_sent(t, env, message_id);
	if (m != NULL && t->action != DSN_DELAYED) {
		if (env != NULL)
			told(d, m, t);
		else
			dispatch_message_event(d, m, &again);
	}
	if (env != NULL)
		dispatch_add(d, env, &ours);
	dispatch_end_turn(d);
	telling_free(t);
	if (!d->running && d->idle_cb != NULL)
		d->idle_cb(d->idle_arg);
}
