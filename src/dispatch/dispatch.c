/*
 * A round:
 *
 *   on_due -> start_round -> route each domain (known, or asked: on_routed)
 *          -> lanes_enqueue -> ... -> dispatch_record (a share of the round
 *          is back) -> the last one: dispatch_do
 */
#include "dispatch_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "spool/spool.h"

enum { ROUNDS_A_TURN = 500, SWEEP_MS = 60000, PAUSE_MS = 1000, HEALTH_MS = 50 };
/* Bytes; log_quote() makes at most four of one, and cuts at 400. */
enum { REPLY_LOGGED = 900, QUOTED_AT_ONCE = 96 };

static void on_due(void *arg);
static void on_sweep(void *arg);
static void on_routed(
    struct span domain, const struct route *route, void *token, void *arg);

static struct queue_options
queue_options_of(const struct conf *conf)
{
	return (struct queue_options){
		.backoff = { conf->retry, conf->nretry },
		.expire = (uint64_t)conf->expire * 1000,
		.delay_warning = (uint64_t)conf->delay_warning * 1000,
	};
}

struct dispatch *
dispatch_new(struct loop *loop, const struct conf *conf, struct err *err)
{
	struct queue_options qo = queue_options_of(conf);
	struct dispatch *d = MEM_NEW(struct dispatch);

	d->loop = loop;
	d->router = router_new(loop, conf, on_routed, d, err);
	if (d->router == NULL) {
		free(d);
		return NULL;
	}
	d->conf = conf_ref(conf);
	d->queue = queue_new(&qo);
	d->due = deadline_new(loop, on_due, d);
	d->put_off = deadline_new(loop, lanes_put_off, d);
	d->sweep = deadline_new(loop, on_sweep, d);
	return d;
}

void
dispatch_set_road(struct dispatch *d, struct spool *spool, struct crew *crew)
{
	d->spool = spool;
	d->crew = crew;
}

int
dispatch_reload(struct dispatch *d, const struct conf *conf, struct err *err)
{
	struct queue_options qo = queue_options_of(conf);

	if (router_reload(d->router, conf, err) != 0)
		return -1;
	d->era++; /* after the router told all who waited, by the old one */
	queue_set_options(d->queue, &qo);
	conf_unref(d->conf);
	d->conf = conf_ref(conf);
	return 0;
}

void
dispatch_start(struct dispatch *d)
{
	d->running = true;
	deadline_set(d->sweep, SWEEP_MS);
	dispatch_arm(d);
}

void
dispatch_stop(struct dispatch *d)
{
	struct site *s;
	size_t at = 0;

	if (!d->running)
		return;
	d->running = false;
	deadline_cancel(d->due);
	deadline_cancel(d->put_off);
	deadline_cancel(d->sweep);
	router_stop(d->router);
	while ((s = router_next_site(d->router, &at)) != NULL)
		lanes_let_go(d, s);
}

bool
dispatch_is_idle(const struct dispatch *d)
{
	return d->lanes == 0 && d->reports == 0;
}

void
dispatch_on_idle(struct dispatch *d, void (*idle)(void *arg), void *arg)
{
	d->idle = idle;
	d->idle_arg = arg;
}

void
dispatch_free(struct dispatch *d)
{
	if (d == NULL)
		return;
	deadline_close(d->due);
	deadline_close(d->put_off);
	deadline_close(d->sweep);
	router_free(d->router);
	queue_free(d->queue);
	conf_unref(d->conf);
	free(d);
}

struct queue *
dispatch_queue(struct dispatch *d)
{
	return d->queue;
}

struct router *
dispatch_router(struct dispatch *d)
{
	return d->router;
}

static void
on_sweep(void *arg)
{
	struct dispatch *d = arg;

	router_sweep(d->router);
	deadline_set(d->sweep, SWEEP_MS);
}

/* --- messages come in --- */

void
dispatch_load(struct envelope *env, const struct progress *rows, uint32_t flags,
    void *dispatch)
{
	struct dispatch *d = dispatch;

	/*
	 * The loop does not turn while the spool is read: its time would stand
	 * still, and with the wall clock going on, all would be due too early.
	 */
	loop_refresh(d->loop);
	(void)queue_add(
	    d->queue, env, rows, flags, loop_now(d->loop), wall_now());
}

void
dispatch_add(struct dispatch *d, struct envelope *env)
{
	(void)queue_add(d->queue, env, NULL, 0, loop_now(d->loop), wall_now());
	if (d->running)
		on_due(d);
}

void
dispatch_arm(struct dispatch *d)
{
	uint64_t due = queue_next_due(d->queue), now = loop_now(d->loop);

	if (!d->running || d->is_paused)
		return;
	if (due == UINT64_MAX)
		deadline_cancel(d->due);
	else
		deadline_set(d->due, due > now ? due - now : 1);
}

/* --- what happens to a recipient --- */

/*
 * Longer than log_quote() takes, for the URL that explains a reply stands at its
 * end: piece by piece, and cut so that the line has room for all its keys.
 */
static void
quote_reply(struct span text, struct buf *out)
{
	(void)buf_append_char(out, '"');
	while (!span_is_empty(text) && buf_len(out) < REPLY_LOGGED) {
		struct span piece = span_to(text, QUOTED_AT_ONCE);
		struct span quoted = span_text(log_quote(piece));

		(void)buf_append(out, quoted.ptr + 1, quoted.len - 2);
		text = span_from(text, piece.len);
	}
	(void)buf_append_text(out, span_is_empty(text) ? "\"" : "...\"");
	(void)buf_append_char(out, '\0');
}

/* The words as the value of a log line's `reply`. */
static const char *
reply_text(const struct news *n, const struct queued_rcpt *r, struct buf *out)
{
	struct buf line = { 0 };
	struct words last;

	if (n->event == RCPT_EVENT_POSTPONED)
		(void)buf_printf(&line,
		    "waiting for %.50s to open again: ", n->postponed_by);
	if (r->state == RCPT_EXPIRED) {
		last = reason_words(r->reason);
		words_say(&line, &last);
	} else {
		words_join(&line, &n->words);
	}
	quote_reply(buf_span(&line), out);
	buf_clear(&line);
	return buf_span(out).ptr;
}

static void
log_line_of(const struct news *n, const struct queued_rcpt *r, uint64_t now,
    const char *reply)
{
	struct qid qid = qid_format(n->m->env->id);
	const char *to =
	    log_address(span_text(n->m->env->rcpts[n->rcpt].address));
	struct span host =
	    span_is_empty(n->words.host) ? SPAN("-") : n->words.host;
	unsigned long long next =
	    r->due > now ? (r->due - now + 999) / 1000 : 0;

	switch (n->event) {
	case RCPT_EVENT_DELIVERED:
		metric_add(METRIC_DELIVERED, 1);
		log_info("delivered qid=%s to=%s host=%s tls=%s reply=%s "
			 "tries=%u delay=%llums",
		    qid.text, to, log_quote(host),
		    n->tls == NULL || n->tls[0] == '\0' ? "none" : n->tls,
		    reply, r->tries, (unsigned long long)queued_age(n->m, now));
		return;
	case RCPT_EVENT_TEMPORARY:
	case RCPT_EVENT_POSTPONED:
		metric_add(METRIC_DEFERRED, 1);
		if (r->state == RCPT_EXPIRED)
			break;
		log_info("deferred qid=%s to=%s host=%s status=%.*s reply=%s "
			 "tries=%u next=%llus",
		    qid.text, to, log_quote(host), SPAN_ARG(n->words.status),
		    reply, r->tries, next);
		return;
	case RCPT_EVENT_FAILED:
		metric_add(METRIC_FAILED, 1);
		log_info("failed qid=%s to=%s host=%s status=%.*s reply=%s "
			 "tries=%u",
		    qid.text, to, log_quote(host), SPAN_ARG(n->words.status),
		    reply, r->tries);
		return;
	case RCPT_EVENT_TOO_OLD: break;
	case RCPT_EVENT_REMOVED:
		log_info("removed qid=%s to=%s", qid.text, to);
		return;
	case RCPT_EVENT_REPORTED: return;
	}
	metric_add(METRIC_FAILED, 1);
	log_info("expired qid=%s to=%s tries=%u reply=%s", qid.text, to,
	    r->tries, reply);
}

static void
log_news(const struct news *n, const struct queued_rcpt *r, uint64_t now)
{
	struct buf reply = { 0 };
	bool is_read = log_is_on(LOG_INFO);

	/* The counters go on without a reader. */
	log_line_of(n, r, now, is_read ? reply_text(n, r, &reply) : "");
	buf_clear(&reply);
}

void
dispatch_tell(struct dispatch *d, const struct news *n, struct progress *row)
{
	struct rcpt_news told = {
		.rcpt = n->rcpt,
		.event = n->event,
		.not_before = n->not_before,
		.now = loop_now(d->loop),
		.wall = wall_now(),
		.random = random_u32(),
	};

	if (!span_is_empty(n->words.status))
		told.reason = reason_new(&n->words);
	queue_tell(d->queue, n->m, &told, row);
	log_news(n, &n->m->rcpts[n->rcpt], told.now);
	reason_unref(told.reason);
}

static void
finish(struct dispatch *d, struct queued *m)
{
	struct qid qid = qid_format(m->env->id);
	uint64_t id = m->env->id;

	log_info("done qid=%s delay=%llums", qid.text,
	    (unsigned long long)queued_age(m, loop_now(d->loop)));
	queue_remove(d->queue, m);
	spool_done(d->spool, id);
}

void
dispatch_do(struct dispatch *d, struct queued *m, unsigned todo)
{
	if (todo & QUEUE_DONE) {
		finish(d, m);
		return;
	}
	if (todo & QUEUE_WARN)
		reports_warn(d, m);
	if (todo & QUEUE_REPORT)
		reports_send(d, m);
}

/* Whoever removed it did so during a round; now it can go. */
static void
remove_now(struct dispatch *d, struct queued *m)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct news n = {
			.m = m, .rcpt = i, .event = RCPT_EVENT_REMOVED
		};
		struct progress row;

		if (!rcpt_state_is_final(m->rcpts[i].state))
			dispatch_tell(d, &n, &row);
	}
	finish(d, m);
}

/* On disk they are whole now; in memory all who got the same share one. */
static void
share_reasons(struct dispatch *d, struct queued *m, const struct progress *rows,
    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct queued_rcpt *r = &m->rcpts[rows[i].rcpt];

		r->reason = spool_keep_reason_take(d->spool, r->reason);
	}
}

void
dispatch_record(struct dispatch *d, struct queued *m,
    const struct progress *rows, uint32_t n)
{
	unsigned todo = queue_release(d->queue, m, loop_now(d->loop));

	if (m->busy == 0 && m->is_removed && !m->is_reporting) {
		remove_now(d, m);
		return;
	}
	if (!(todo & QUEUE_DONE) && n > 0)
		spool_progress(d->spool, m->env->id, rows, n);
	share_reasons(d, m, rows, n);
	if (m->busy > 0)
		return;
	/* It was tried: it may be long until the content is used. */
	if (!(todo & (QUEUE_DONE | QUEUE_REPORT)))
		spool_rest(d->spool, m->env->id);
	dispatch_do(d, m, todo);
	dispatch_arm(d);
}

/* --- routing --- */

/* Applies what is known to every recipient of that domain. */
static uint32_t
apply_route(struct dispatch *d, struct queued *m, struct span domain,
    const struct route *route, struct progress *rows)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct queued_rcpt *r = &m->rcpts[i];
		struct news news = { .m = m,
			.rcpt = i,
			.event = route->status == ROUTE_NEVER
				     ? RCPT_EVENT_FAILED
				     : RCPT_EVENT_TEMPORARY,
			.words = { .status = span_text(route->status_code),
			    .what = span_text(route->detail) } };

		if (r->phase != PHASE_ROUTING || r->site != NULL ||
		    !span_equal_nocase(domain, envelope_domain(m->env, i)))
			continue;
		if (route->status == ROUTE_SITE)
			r->site = route->site;
		else
			dispatch_tell(d, &news, &rows[n++]);
	}
	return n;
}

static void
end_routing(struct dispatch *d, struct queued *m, const struct progress *rows,
    uint32_t n)
{
	if (m->routing == 0)
		lanes_enqueue(d, m);
	dispatch_record(d, m, rows, n);
}

static void
on_routed(struct span domain, const struct route *route, void *token, void *arg)
{
	struct dispatch *d = arg;
	struct queued *m = token;
	struct progress *rows = mem_zalloc(m->env->nrcpt, sizeof *rows);
	uint32_t n = apply_route(d, m, domain, route, rows);

	m->routing--;
	end_routing(d, m, rows, n);
	free(rows);
}

static uint32_t
give_up_old(struct dispatch *d, struct queued *m, struct progress *rows)
{
	uint32_t n = 0;

	if (queued_age(m, loop_now(d->loop)) < (uint64_t)d->conf->expire * 1000)
		return 0;
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct news news = {
			.m = m, .rcpt = i, .event = RCPT_EVENT_TOO_OLD
		};

		if (m->rcpts[i].state == RCPT_QUEUED)
			dispatch_tell(d, &news, &rows[n++]);
	}
	return n;
}

static void
start_round(struct dispatch *d, struct queued *m)
{
	struct progress *rows = mem_zalloc(m->env->nrcpt, sizeof *rows);
	uint32_t n = give_up_old(d, m, rows);

	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct queued_rcpt *r = &m->rcpts[i];
		struct span domain = envelope_domain(m->env, i);
		const struct route *known;

		if (r->phase != PHASE_ROUTING || r->site != NULL)
			continue;
		known = router_known(d->router, domain);
		if (known != NULL) {
			n += apply_route(d, m, domain, known, rows + n);
		} else if (router_ask(d->router, domain, m)) {
			m->routing++;
			m->busy++;
		}
	}
	end_routing(d, m, rows, n);
	free(rows);
}

bool
dispatch_may_deliver(struct dispatch *d)
{
	uint64_t now = loop_now(d->loop);
	struct spool_health health;

	/* Asked for each job; a change shows soon enough. */
	if (!d->is_paused && now - d->health_at < HEALTH_MS)
		return true;
	d->health_at = now;
	spool_health(d->spool, &health);
	if (health.recording == d->is_paused) {
		d->is_paused = !health.recording;
		if (d->is_paused)
			log_error("delivery_paused reason=%s",
			    log_quote_text(health.why));
		else
			log_info("delivery_resumed");
	}
	if (d->is_paused && d->running)
		deadline_set(d->due, PAUSE_MS);
	return !d->is_paused;
}

/* The jobs in line have waited for this. */
static void
serve_all(struct dispatch *d)
{
	struct site *s;
	size_t at = 0;

	while ((s = router_next_site(d->router, &at)) != NULL)
		if (s->waiting > 0)
			lanes_serve(d, s);
}

static void
on_due(void *arg)
{
	struct dispatch *d = arg;
	uint64_t now = loop_now(d->loop);
	bool was_paused = d->is_paused;
	struct queued *m;

	if (!d->running)
		return;
	if ((was_paused || queue_next_due(d->queue) <= now) &&
	    !dispatch_may_deliver(d))
		return; /* it looks again soon */
	if (was_paused)
		serve_all(d);
	for (int i = 0; i < ROUNDS_A_TURN; i++) {
		m = queue_take_due(d->queue, now);
		if (m == NULL)
			break;
		start_round(d, m);
	}
	dispatch_arm(d);
}

/* --- the operator's hand --- */

void
dispatch_retry(struct dispatch *d, struct queued *m)
{
	struct site *s;
	size_t at = 0;

	/* Asked for by hand: closed sites are tried at once, too. */
	while ((s = router_next_site(d->router, &at)) != NULL)
		s->closed_until = 0;
	queue_hurry(d->queue, m, loop_now(d->loop));
	dispatch_arm(d);
}

void
dispatch_hold(struct dispatch *d, struct queued *m, bool hold)
{
	uint32_t flags =
	    hold ? m->flags | MESSAGE_HELD : m->flags & ~(uint32_t)MESSAGE_HELD;

	queue_set_flags(d->queue, m, flags);
	spool_set_flags(d->spool, m->env->id, flags);
	dispatch_arm(d);
}

static void
fail_all(struct dispatch *d, struct queued *m)
{
	struct progress *rows = mem_zalloc(m->env->nrcpt, sizeof *rows);
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct news news = { .m = m,
			.rcpt = i,
			.event = RCPT_EVENT_FAILED,
			.words = { .status = SPAN("5.0.0"),
			    .what = SPAN("returned by the operator") } };

		if (m->rcpts[i].state == RCPT_QUEUED &&
		    m->rcpts[i].phase == PHASE_WAITING)
			dispatch_tell(d, &news, &rows[n++]);
	}
	spool_progress(d->spool, m->env->id, rows, n);
	free(rows);
}

void
dispatch_remove(struct dispatch *d, struct queued *m, bool report)
{
	if (report) {
		fail_all(d, m);
		if (m->busy == 0)
			dispatch_do(
			    d, m, queue_review(d->queue, m, loop_now(d->loop)));
	} else if (m->busy > 0 || m->is_reporting) {
		m->is_removed = true;
	} else {
		remove_now(d, m);
	}
	dispatch_arm(d);
}
