/*
 * Lanes pull: a lane that has answered asks for its site's next job; a job that
 * finds no idle lane may open one, as far as the site has earned it. Jobs do not
 * stay in the line of a site that closes: they are put off, some a turn.
 */
#include "dispatch_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "crew/crew.h"
#include "deliver/attempt.h"
#include "sched/target.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "spool/content.h"
#include "crew/worker.h"

enum { PUT_OFF_A_TURN = 500, PUT_OFF_MS = 1 };

static struct site_link *
link_of(struct site *s)
{
	return s->target;
}

/* --- jobs --- */

static struct job *
job_new(const struct dispatch *d, struct queued *m, struct site *site)
{
	struct job *job;
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		n += m->rcpts[i].phase == PHASE_ROUTING &&
		     m->rcpts[i].site == site;
	job = mem_zalloc(1, sizeof *job + n * sizeof job->rcpts[0]);
	list_init(&job->node);
	job->era = d->era;
	job->message = m;
	job->site = site;
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct queued_rcpt *r = &m->rcpts[i];

		if (r->phase != PHASE_ROUTING || r->site != site)
			continue;
		r->phase = PHASE_IN_LINE;
		job->rcpts[job->nrcpt++] = i;
	}
	return job;
}

/* Not tried: the site is closed. Nothing to record. Frees the job. */
static void
postpone(struct dispatch *d, struct job *job)
{
	struct queued *m = job->message;
	struct words why = words_read(span_text(job->site->detail));

	for (uint32_t i = 0; i < job->nrcpt; i++) {
		struct news n = { .m = m,
			.rcpt = job->rcpts[i],
			.event = RCPT_EVENT_POSTPONED,
			.words = why,
			.postponed_by = job->site->name,
			.not_before = job->site->closed_until };
		struct progress row;

		dispatch_tell(d, &n, &row);
	}
	free(job);
	dispatch_record(d, m, NULL, 0);
}

/* Back to routing, as if it had never been in line. Frees the job. */
static void
route_again(struct dispatch *d, struct job *job)
{
	struct queued *m = job->message;

	for (uint32_t i = 0; i < job->nrcpt; i++)
		queue_put_back(m, job->rcpts[i]);
	free(job);
	dispatch_record(d, m, NULL, 0);
}

void
lanes_enqueue(struct dispatch *d, struct queued *m)
{
	uint64_t now = loop_now(d->loop);

	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct site *site = m->rcpts[i].site;
		struct job *job;

		if (m->rcpts[i].phase != PHASE_ROUTING || site == NULL)
			continue;
		job = job_new(d, m, site);
		m->busy++;
		if (site_is_closed(site, now)) {
			postpone(d, job);
			continue;
		}
		site_push(site, job);
		lanes_serve(d, site);
	}
}

/* --- lanes --- */

static struct attempt *
attempt_for(struct job *job)
{
	struct queued *m = job->message;
	struct content *c = m->content;

	for (uint32_t i = 0; i < job->nrcpt; i++)
		m->rcpts[job->rcpts[i]].phase = PHASE_LANE;
	return attempt_new(
	    m->env, c == NULL ? NULL : content_ref(c), job->rcpts, job->nrcpt);
}

/* The first host from there on that has an address; the count: none. */
static uint32_t
usable_host(const struct target *t, uint32_t from)
{
	while (from < t->nhosts && t->hosts[from].naddresses == 0)
		from++;
	return from;
}

/* To that host of the site's target, or the next one that has an address. */
static void
open_lane(struct dispatch *d, struct site *site, uint32_t host, struct job *job)
{
	struct lane *lane = MEM_NEW(struct lane);

	list_init(&lane->node);
	lane->site = site;
	lane->job = job;
	lane->host = usable_host(link_of(site)->target, host);
	site->lanes++;
	d->lanes++;
	worker_open_lane(crew_pick(d->crew, loop_now(d->loop)), lane,
	    target_ref(link_of(site)->target), attempt_for(job));
}

/*
 * The next job that may go the way it stands in line for. Who came there before
 * a reload may have another way now, or must be safer on it: routed again, some
 * a turn, for a line may be long.
 */
static struct job *
next_job(struct dispatch *d, struct site *site)
{
	for (unsigned left = PUT_OFF_A_TURN; site->waiting > 0; left--) {
		struct job *job;

		if (left == 0) {
			deadline_set(d->put_off, PUT_OFF_MS);
			return NULL;
		}
		job = site_pop(site);
		if (job->era == d->era)
			return job;
		route_again(d, job);
	}
	return NULL;
}

/* Idle lanes first; new ones as far as the site has earned them. */
static void
feed_lanes(struct dispatch *d, struct site *site)
{
	while (site->idle > 0 || site_wants_lane(site, loop_now(d->loop))) {
		struct job *job = next_job(d, site);
		struct lane *lane;

		if (job == NULL)
			return;
		if (site->idle == 0) {
			open_lane(d, site, 0, job);
			continue;
		}
		lane = LIST_ENTRY(
		    list_pop(&link_of(site)->idle), struct lane, node);
		site->idle--;
		lane->job = job;
		worker_give(lane, attempt_for(job));
	}
}

void
lanes_serve(struct dispatch *d, struct site *site)
{
	if (site->waiting == 0)
		return;
	if (!d->running)
		lanes_let_go(d, site);
	else if (site_is_closed(site, loop_now(d->loop)))
		deadline_set(d->put_off, PUT_OFF_MS);
	/* What is delivered now could not be recorded, and would go twice. */
	else if (dispatch_may_deliver(d))
		feed_lanes(d, site);
}

/*
 * A line may be a million jobs long, and others wait for this thread. Until
 * its turn comes the line stays as it is: whose site was opened meanwhile (the
 * operator asked, or its time is over) gets lanes instead.
 */
void
lanes_put_off(void *dispatch)
{
	struct dispatch *d = dispatch;
	uint64_t now = loop_now(d->loop);
	unsigned left = PUT_OFF_A_TURN;
	struct site *site;
	size_t at = 0;

	while ((site = router_next_site(d->router, &at)) != NULL) {
		if (!site_is_closed(site, now))
			lanes_serve(d, site);
		else
			for (; left > 0 && site->waiting > 0; left--)
				postpone(d, site_pop(site));
	}
	if (left == 0)
		deadline_set(d->put_off, PUT_OFF_MS);
}

void
lanes_let_go(struct dispatch *d, struct site *site)
{
	while (site->waiting > 0) {
		struct job *job = site_pop(site);
		struct queued *m = job->message;

		free(job);
		/* The operator may remove it still, or has done so. */
		if (m->is_removed)
			dispatch_record(d, m, NULL, 0);
		else
			m->busy--;
	}
}

/* --- answers --- */

static void
tell_rcpt(struct dispatch *d, struct job *job, const struct attempt *a,
    uint32_t i, const struct words *otherwise, struct progress *row)
{
	static const enum rcpt_event events[] = {
		[OUTCOME_NONE] = RCPT_EVENT_TEMPORARY,
		[OUTCOME_DELIVERED] = RCPT_EVENT_DELIVERED,
		[OUTCOME_NEXT_TRANSACTION] = RCPT_EVENT_TEMPORARY,
		[OUTCOME_NEXT_CONNECTION] = RCPT_EVENT_TEMPORARY,
		[OUTCOME_NEXT_HOST] = RCPT_EVENT_TEMPORARY,
		[OUTCOME_LATER] = RCPT_EVENT_TEMPORARY,
		[OUTCOME_FAILED] = RCPT_EVENT_FAILED,
	};
	const struct attempt_rcpt *r = &a->rcpts[i];
	struct news n = {
		.m = job->message,
		.rcpt = r->index,
		.event = events[r->outcome],
		.tls = a->tls,
	};

	n.words =
	    r->outcome == OUTCOME_NONE ? *otherwise : reason_words(r->reason);
	dispatch_tell(d, &n, row);
}

/* Untried: the host had enough recipients for one transaction. */
static void
ask_again(struct queued *m, uint32_t rcpt)
{
	m->rcpts[rcpt].phase = PHASE_IN_LINE;
	queue_put_back(m, rcpt);
}

/*
 * `otherwise` is why there was no outcome. Frees job and attempt; returns
 * whether something was delivered.
 */
static bool
settle(struct dispatch *d, struct job *job, struct attempt *a,
    const struct words *otherwise)
{
	struct progress few[4], *rows = few;
	bool delivered = false;
	uint32_t n = 0;

	if (a->nrcpt > ARRAY_LEN(few))
		rows = mem_zalloc(a->nrcpt, sizeof *rows);
	for (uint32_t i = 0; i < a->nrcpt; i++) {
		delivered |= a->rcpts[i].outcome == OUTCOME_DELIVERED;
		if (a->rcpts[i].outcome == OUTCOME_NEXT_TRANSACTION)
			ask_again(job->message, a->rcpts[i].index);
		else
			tell_rcpt(d, job, a, i, otherwise, &rows[n++]);
	}
	content_unref(a->content);
	dispatch_record(d, job->message, rows, n);
	if (rows != few)
		free(rows);
	attempt_free(a);
	free(job);
	return delivered;
}

/* Back in line, in front: the connection had died before it said a word. */
static void
put_back(struct site *site, struct job *job, struct attempt *a)
{
	for (uint32_t i = 0; i < job->nrcpt; i++)
		job->message->rcpts[job->rcpts[i]].phase = PHASE_IN_LINE;
	job->was_returned = true;
	site_push_first(site, job);
	content_unref(a->content);
	attempt_free(a);
}

static void
lane_free(struct lane *lane)
{
	assert(lane->job == NULL);
	if (!list_is_empty(&lane->node)) {
		list_remove(&lane->node);
		lane->site->idle--;
	}
	free(lane);
}

/* It may go again at once, to the same host. */
static bool
is_to_go_again(const struct attempt *a)
{
	for (uint32_t i = 0; i < a->nrcpt; i++)
		if (a->rcpts[i].outcome != OUTCOME_NONE &&
		    a->rcpts[i].outcome != OUTCOME_NEXT_CONNECTION)
			return false;
	return true;
}

void
dispatch_answered(
    struct dispatch *d, struct lane *lane, struct attempt *a, bool more)
{
	static const struct words silence = { .status = { "4.4.2", 5 },
		.what = { "no answer", 9 } };
	struct site *site = lane->site;
	struct job *job = lane->job;

	lane->job = NULL;
	if (!more && attempt_is_untouched(a)) {
		/* It came too late for the lane, which has ended. */
		put_back(site, job, a);
		lane_free(lane);
		lanes_serve(d, site);
		return;
	}
	if (settle(d, job, a, &silence))
		site_succeeded(site, d->conf->max_lanes);
	if (more) {
		list_append(&link_of(site)->idle, &lane->node);
		site->idle++;
	}
	lanes_serve(d, site);
}

/* Somebody must act, and hears of it: but not once a connection. */
static void
tell_login(struct dispatch *d, struct site *site)
{
	if (site_tells_login(site, loop_now(d->loop)))
		log_error("relay_login_failed relay=%s reason=%s",
		    log_quote_text(site->name), log_quote_text(site->why));
}

static void
note_failure(struct dispatch *d, struct site *site, const struct lane_end *end)
{
	struct backoff backoff = { d->conf->retry, d->conf->nretry };
	struct words why = reason_words(end->reason);
	uint64_t now = loop_now(d->loop);

	site_failed(site, &why, &backoff, now, random_u32());
	if (end->login_failed)
		tell_login(d, site);
	if (site_is_closed(site, now))
		log_warn("site_closed site=%s next=%llus reason=%s",
		    log_quote_text(site->name),
		    (unsigned long long)(site->closed_until - now + 999) / 1000,
		    log_quote_text(site->why));
}

/* The host cannot be had, and there is another one: the job goes there. */
static bool
goes_on(struct dispatch *d, struct lane *lane, struct attempt *a,
    const struct lane_end *end)
{
	const struct target *t = link_of(lane->site)->target;
	struct job *job = lane->job;
	uint32_t next = usable_host(t, lane->host + 1);

	if (a == NULL || !attempt_is_untouched(a) || !d->running ||
	    (end->blame != BLAME_HOST && end->blame != BLAME_CHANNEL) ||
	    end->login_failed || next >= t->nhosts || job->era != d->era)
		return false;
	content_unref(a->content);
	attempt_free(a);
	lane->job = NULL;
	open_lane(d, lane->site, next, job);
	lane_free(lane);
	return true;
}

void
dispatch_ended(struct dispatch *d, struct lane *lane, struct attempt *a,
    const struct lane_end *end)
{
	struct site *site = lane->site;
	struct job *job = lane->job;
	struct words why = reason_words(end->reason);

	site->lanes--;
	d->lanes--;
	site->last_used = loop_now(d->loop);
	if (goes_on(d, lane, a, end))
		return;
	if (end->blame != BLAME_NONE)
		note_failure(d, site, end);
	if (a != NULL) {
		lane->job = NULL;
		if (end->blame == BLAME_NONE && is_to_go_again(a) &&
		    !job->was_returned)
			put_back(site, job, a);
		else
			(void)settle(d, job, a, &why);
	}
	/* A job that was given to it at its end comes back on its own. */
	if (lane->job == NULL)
		lane_free(lane);
	lanes_serve(d, site);
}
