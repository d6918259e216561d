/*
 * One report tells all that failed or expired and was not told yet; message.c says
 * when. Never one for a message from the null sender (RFC 5321 4.5.5).
 */
#include "dispatch_priv.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "bounce/report.h"
#include "io/loop.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "spool/spool.h"

/* A report under way. */
struct telling {
	struct dispatch *dispatch; /* borrowed: waits for its reports */
	uint64_t id; /* of the original */
	enum dsn_action action;
	uint32_t *rcpts; /* owned: which ones are told of */
	struct reason **words; /* owned, a reference each: and what */
	uint32_t nrcpts;
};

static void on_stored(struct envelope *env, void *arg);

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
		out.words.status =
		    action == DSN_FAILED ? SPAN("5.0.0") : SPAN("4.0.0");
	return out;
}

static bool
is_told(const struct recipient *r, enum dsn_action action)
{
	return action == DSN_DELAYED ? r->state == RCPT_QUEUED
				     : recipient_is_untold(r);
}

/* Nobody is warned of a recipient that the operator holds. */
static bool
is_held(const struct message *m, uint32_t rcpt)
{
	for (uint32_t l = 0; l < m->env->ngroups; l++) {
		if (m->legs[l].state != LEG_HELD)
			continue;
		for (uint32_t i = m->env->groups[l]; i != ENVELOPE_NO_MORE;
		     i = m->env->rcpts[i].next)
			if (i == rcpt)
				return true;
	}
	return false;
}

static struct telling *
telling_new(struct dispatch *d, const struct message *m, enum dsn_action action)
{
	struct telling *t = MEM_NEW(struct telling);

	t->dispatch = d;
	t->id = m->env->id;
	t->action = action;
	t->rcpts = mem_zalloc(m->env->nrcpt, sizeof *t->rcpts);
	t->words = mem_zalloc(m->env->nrcpt, sizeof(struct reason *));
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		if (!is_told(&m->rcpts[i], action) ||
		    (action == DSN_DELAYED && is_held(m, i)))
			continue;
		t->words[t->nrcpts] = reason_whole(m->rcpts[i].reason);
		t->rcpts[t->nrcpts++] = i;
	}
	return t;
}

static void
telling_free(struct telling *t)
{
	for (uint32_t i = 0; i < t->nrcpts; i++)
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
		.random = (uint64_t)random_u32() << 32 | random_u32(),
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
	on_stored(NULL, t); /* removed meanwhile: nobody is to be told */
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
start(struct dispatch *d, struct message *m, enum dsn_action action)
{
	struct telling *t = telling_new(d, m, action);

	d->reports++;
	if (has_cut_words(t))
		spool_fetch_reasons(d->spool, t->id, d->loop, on_whole, t);
	else
		write_report(t, m);
}

void
reports_send(struct dispatch *d, struct message *m)
{
	start(d, m, DSN_FAILED);
}

void
reports_warn(struct dispatch *d, struct message *m)
{
	start(d, m, DSN_DELAYED);
	spool_set_flags(d->spool, m->env->id, m->flags);
}

/* --- told --- */

/* Records whom the report was about; the message may be gone then. */
static void
told(struct dispatch *d, struct message *m, const uint32_t *rcpts, uint32_t n)
{
	struct message_event ev = { .type = MESSAGE_TOLD,
		.now = loop_now(d->loop),
		.rcpts = rcpts,
		.nrcpts = n };
	struct progress *rows = mem_zalloc(n, sizeof *rows);
	int64_t wall = wall_now();
	uint64_t id = m->env->id;
	struct leg *leg = &m->legs[0];

	for (uint32_t i = 0; i < n; i++) {
		rows[i] = leg_row(leg, rcpts[i], ev.now, wall);
		rows[i].held = false;
		if (recipient_is_untold(&m->rcpts[rcpts[i]]))
			rows[i].state = RCPT_REPORTED;
		(void)reason_ref(rows[i].reason);
	}
	if (m->untold > n || m->open > 0)
		spool_progress(d->spool, id, rows, n);
	for (uint32_t i = 0; i < n; i++)
		reason_unref(rows[i].reason);
	free(rows);
	dispatch_message_event(d, m, &ev);
}

void
reports_drop(struct dispatch *d, struct message *m)
{
	struct telling *t = telling_new(d, m, DSN_FAILED);

	log_info("dropped qid=%s reason=\"undeliverable, and the null sender "
		 "gets no report\" nrcpt=%u",
	    qid_format(t->id).text, t->nrcpts);
	told(d, m, t->rcpts, t->nrcpts);
	telling_free(t);
}

static void
log_sent(const struct telling *t, const struct envelope *env)
{
	struct qid qid = qid_format(t->id), report = qid_format(env->id);

	metric_add(METRIC_BOUNCES, 1);
	log_info("%s qid=%s report=%s to=%s nrcpt=%u",
	    t->action == DSN_FAILED ? "bounced" : "warned", qid.text,
	    report.text, log_address(span_text(env->rcpts[0].address)),
	    t->nrcpts);
	log_info("accepted qid=%s for=%s from=<> nrcpt=1 size=%llu",
	    report.text, qid.text, (unsigned long long)env->size);
}

static void
on_stored(struct envelope *env, void *arg)
{
	struct telling *t = arg;
	struct dispatch *d = t->dispatch;
	struct message *m = queue_find(d->queue, t->id);
	struct message_event again = { .type = MESSAGE_NOT_TOLD,
		.now = loop_now(d->loop) };

	d->reports--;
	if (env != NULL)
		log_sent(t, env);
	if (m != NULL && t->action == DSN_FAILED) {
		if (env != NULL)
			told(d, m, t->rcpts, t->nrcpts);
		else
			dispatch_message_event(d, m, &again);
	}
	if (env != NULL)
		dispatch_add(d, env);
	dispatch_end_turn(d);
	telling_free(t);
	if (!d->running && d->idle_cb != NULL)
		d->idle_cb(d->idle_arg);
}
