/*
 * One report a message and round: all that failed or expired and was not yet
 * reported. Never one for a message from the null sender (RFC 5321 4.5.5).
 */
#include "dispatch_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "bounce/report.h"
#include "io/loop.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "spool/spool.h"

enum { RETRY_REPORT_MS = 10000 };

/* A report under way. */
struct telling {
	struct dispatch *dispatch; /* borrowed: waits for its reports */
	uint64_t id; /* of the original */
	enum dsn_action action;
	uint32_t *rcpts; /* owned: which ones are told of */
	uint32_t nrcpts;
};

static void on_stored(struct envelope *env, void *arg);

static struct dsn_rcpt
rcpt_for(const struct queued *m, uint32_t i, enum dsn_action action)
{
	const struct queued_rcpt *r = &m->rcpts[i];
	struct dsn_rcpt out = { .address = span_text(m->env->rcpts[i].address),
		.words = reason_words(r->reason),
		.is_expired = r->state == RCPT_EXPIRED,
		.tries = r->tries,
		.last = queued_last(r) };

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
is_told(const struct queued_rcpt *r, enum dsn_action action)
{
	if (action == DSN_DELAYED)
		return r->state == RCPT_QUEUED;
	return r->state == RCPT_FAILED || r->state == RCPT_EXPIRED;
}

static void
start(struct dispatch *d, struct queued *m, enum dsn_action action)
{
	struct dsn_rcpt *rcpts = mem_zalloc(m->env->nrcpt, sizeof *rcpts);
	struct telling *t = MEM_NEW(struct telling);
	uint64_t age = queued_age(m, loop_now(d->loop)) / 1000;
	struct report_request q = {
		.spool = d->spool,
		.loop = d->loop,
		.original = m->env,
		.hostname = d->conf->hostname,
		.action = action,
		.now = wall_now(),
		.retry_for =
		    age < d->conf->expire ? d->conf->expire - (uint32_t)age : 0,
		.random = (uint64_t)random_u32() << 32 | random_u32(),
		.rcpts = rcpts,
	};

	t->dispatch = d;
	t->id = m->env->id;
	t->action = action;
	t->rcpts = mem_zalloc(m->env->nrcpt, sizeof *t->rcpts);
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		if (!is_told(&m->rcpts[i], action))
			continue;
		rcpts[t->nrcpts] = rcpt_for(m, i, action);
		t->rcpts[t->nrcpts++] = i;
	}
	q.nrcpts = t->nrcpts;
	d->reports++;
	report_start(&q, on_stored, t);
	free(rcpts);
}

/* The failed ones are reported, or have nobody to report to. */
static void
mark_reported(
    struct dispatch *d, struct queued *m, const uint32_t *rcpts, uint32_t n)
{
	struct progress *rows = mem_zalloc(n, sizeof *rows);

	for (uint32_t i = 0; i < n; i++) {
		struct news news = {
			.m = m, .rcpt = rcpts[i], .event = RCPT_EVENT_REPORTED
		};

		dispatch_tell(d, &news, &rows[i]);
	}
	spool_progress(d->spool, m->env->id, rows, n);
	free(rows);
}

void
reports_send(struct dispatch *d, struct queued *m)
{
	struct qid qid = qid_format(m->env->id);
	uint32_t *rcpts, n = 0;

	if (m->env->sender[0] != '\0') {
		m->is_reporting = true;
		start(d, m, DSN_FAILED);
		return;
	}
	rcpts = mem_zalloc(m->env->nrcpt, sizeof *rcpts);
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		if (is_told(&m->rcpts[i], DSN_FAILED))
			rcpts[n++] = i;
	log_info("dropped qid=%s reason=\"undeliverable, and the null sender "
		 "gets no report\" nrcpt=%u",
	    qid.text, n);
	mark_reported(d, m, rcpts, n);
	free(rcpts);
	dispatch_do(d, m, queue_review(d->queue, m, loop_now(d->loop)));
}

void
reports_warn(struct dispatch *d, struct queued *m)
{
	uint32_t flags = m->flags | MESSAGE_WARNED;

	start(d, m, DSN_DELAYED);
	queue_set_flags(d->queue, m, flags);
	spool_set_flags(d->spool, m->env->id, flags);
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
	struct queued *m = queue_find(d->queue, t->id);

	d->reports--;
	if (m != NULL && t->action == DSN_FAILED) {
		m->is_reporting = false;
		if (env != NULL)
			mark_reported(d, m, t->rcpts, t->nrcpts);
		else
			for (uint32_t i = 0; i < t->nrcpts; i++)
				m->rcpts[t->rcpts[i]].due =
				    loop_now(d->loop) + RETRY_REPORT_MS;
	}
	if (env != NULL)
		log_sent(t, env);
	if (m != NULL && m->is_removed && m->busy == 0) {
		dispatch_remove(d, m, false);
	} else if (m != NULL && t->action == DSN_FAILED && m->busy == 0) {
		/* Not stored: it is due again in a while, not now. */
		unsigned todo = queue_review(d->queue, m, loop_now(d->loop));

		dispatch_do(
		    d, m, env == NULL ? todo & ~(unsigned)QUEUE_REPORT : todo);
	}
	if (env != NULL)
		dispatch_add(d, env);
	dispatch_arm(d);
	free(t->rcpts);
	free(t);
	if (!d->running && d->idle != NULL)
		d->idle(d->idle_arg);
}
