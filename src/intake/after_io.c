/*
 *   after_ask -> the content, from memory, or on_content
 *     -> run_front (pool) -> on_front   its header; small content whole
 *     -> go_on                          the steps of the draft: filters, recipients
 *                                       that they added, what follows, the commit
 *          -> on_intake                 as often as one has to be waited for
 *     -> finish                         the callback
 *
 * Nothing of the message's is borrowed: it may be removed meanwhile.
 */
#include "intake/after_io.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "draft_priv.h"
#include "facts/fact.h"
#include "intake/intake_io.h"
#include "io/loop.h"
#include "io/work.h"
#include "mail/envelope.h"
#include "milter/milter_io.h"
#include "spool/content.h"
#include "spool/spool.h"

enum {
	HEAD_SPARE = 16384, /* our own lines in front of the client's */
};

struct after {
	struct after_of of;
	struct milter_ways *ways; /* a reference */
	struct list asked; /* struct asked */
	bool is_hurried;
};

struct asked {
	struct list node; /* in after.asked */
	struct after *after; /* borrowed */
	struct conf *conf; /* owned reference */
	struct envelope *env; /* owned */
	bool *open; /* owned */
	struct content *content; /* a reference; NULL: not read yet */
	struct buf front; /* owned: what was read of it */
	int64_t nread;
	struct draft draft;
	struct intake intake;
	struct envelope *changed; /* owned: what was committed; or NULL */
};

static void
on_content(enum spool_status status, struct content *content, void *arg);
static void run_front(void *arg);
static void on_front(void *arg);
static void go_on(struct asked *q);
static void on_intake(const struct intake_answer *answer, void *arg);
static void finish(struct asked *q);

static const char unreadable[] = "451 4.3.0 Its content cannot be read now";

struct after *
after_new(const struct after_of *of)
{
	struct after *a = MEM_NEW(struct after);

	a->of = *of;
	a->ways = milter_ways_new(of->loop, 1);
	list_init(&a->asked);
	return a;
}

void
after_free(struct after *a)
{
	if (a == NULL)
		return;
	assert(list_is_empty(&a->asked));
	milter_ways_unref(a->ways);
	free(a);
}

/* --- the content --- */

static struct envelope *
copy_envelope(const struct envelope *env)
{
	struct span *rcpts = mem_zalloc(2 * (size_t)env->nrcpt, sizeof *rcpts);
	struct envelope_parts parts = { .id = env->id,
		.size = env->size,
		.arrived = env->arrived,
		.flags = env->flags,
		.nrcpt = env->nrcpt,
		.account = span_text(env->account),
		.sender = span_text(env->sender),
		.attrs = envelope_attrs(env),
		.rcpt = rcpts,
		.rcpt_attrs = rcpts + env->nrcpt };
	struct envelope *copy;

	for (uint32_t i = 0; i < env->nrcpt; i++) {
		rcpts[i] = span_text(env->rcpts[i].address);
		rcpts[env->nrcpt + i] = envelope_rcpt_attrs(env, i);
	}
	copy = envelope_new(&parts);
	free(rcpts);
	return copy;
}

static void
begin(struct asked *q, struct content *content)
{
	q->content = content;
	work_run(q->after->of.loop, run_front, on_front, q);
}

void
after_ask(struct after *a, const struct conf *conf, const struct envelope *env,
    const bool *open, bool counts)
{
	struct asked *q = MEM_NEW(struct asked);
	struct content *content = spool_content(a->of.spool, env->id);

	q->after = a;
	q->conf = conf_ref(conf);
	q->env = copy_envelope(env);
	q->open = mem_dup(open, env->nrcpt * sizeof *open);
	list_append(&a->asked, &q->node);
	intake_init(&q->intake, a->of.spool, a->of.loop, on_intake, q);
	q->intake.ledger = counts ? a->of.ledger : NULL;
	q->intake.suppressor = a->of.suppressor;
	q->intake.ways = a->ways;
	if (content != NULL)
		begin(q, content);
	else
		spool_fetch(a->of.spool, env->id, a->of.loop, on_content, q);
}

static void
on_content(enum spool_status status, struct content *content, void *arg)
{
	struct asked *q = arg;

	if (status == SPOOL_OK) {
		begin(q, content);
		return;
	}
	draft_refuse(&q->draft, unreadable);
	finish(q);
}

/* Small content whole; of a large one as much as a header may have. */
static size_t
wanted(const struct asked *q)
{
	uint64_t size = content_size(q->content);
	size_t header = (size_t)q->conf->limits.header + HEAD_SPARE;

	if (size <= DRAFT_SMALL_MAX || size <= header)
		return (size_t)size;
	return header > DRAFT_SMALL_MAX ? header : DRAFT_SMALL_MAX;
}

static void
run_front(void *arg)
{
	struct asked *q = arg;
	size_t most = wanted(q), had = 0;
	struct err err;

	q->front.max = most + 1;
	while (had < most) {
		q->nread = content_read(q->content, had,
		    buf_reserve(&q->front, most - had), most - had, &err);
		if (q->nread <= 0)
			return;
		buf_added(&q->front, (size_t)q->nread);
		had += (size_t)q->nread;
	}
}

static bool
begin_draft(struct asked *q)
{
	struct draft *d = &q->draft;
	bool is_all = buf_len(&q->front) == content_size(q->content);

	*d = (struct draft){
		.conf = q->conf, .now = wall_now(), .random = random_u64()
	};
	after_begin(d, q->env, q->open);
	return buf_len(&q->front) == wanted(q) &&
	       after_take_content(d, q->content, buf_span(&q->front), is_all);
}

static void
on_front(void *arg)
{
	struct asked *q = arg;
	bool is_sound = begin_draft(q);

	buf_clear(&q->front);
	if (!is_sound || q->after->is_hurried) {
		draft_refuse(&q->draft, unreadable);
		finish(q);
		return;
	}
	intake_replaces(&q->intake, q->env->id);
	q->draft.aliases = *q->after->of.aliases;
	(void)draft_run(&q->draft, DRAFT_ENDS);
	go_on(q);
}

/* --- the steps --- */

static void
answered(struct asked *q, const struct intake_answer *answer)
{
	if (answer->is_suppressed)
		FACT(RECIPIENT_SUPPRESSED, fact_id("qid", q->env->id),
		    fact_string("user", q->env->account),
		    fact_address("to", draft_rcpt(&q->draft, q->draft.asked)));
	if (answer->env != NULL)
		q->changed = answer->env;
	q->draft.aliases = *q->after->of.aliases;
	(void)draft_answered(&q->draft, answer->refusal);
}

static void
go_on(struct asked *q)
{
	struct intake_answer now;

	while (q->draft.need != DRAFT_NOTHING) {
		q->draft.now = wall_now();
		if (!intake_do(&q->intake, &q->draft, &now))
			return;
		answered(q, &now);
	}
	finish(q);
}

static void
on_intake(const struct intake_answer *answer, void *arg)
{
	struct asked *q = arg;

	answered(q, answer);
	go_on(q);
}

/* --- the end --- */

static enum after_verdict
verdict_of(const struct asked *q)
{
	const struct draft *d = &q->draft;

	if (q->changed != NULL)
		return AFTER_CHANGED;
	if (d->refusal != NULL)
		return d->refusal[0] == '5' ? AFTER_REFUSED : AFTER_LATER;
	return d->filtered->is_discarded ? AFTER_DISCARDED : AFTER_PASSED;
}

static void
asked_free(struct asked *q)
{
	intake_drop(&q->intake);
	draft_clear(&q->draft);
	content_unref(q->content);
	buf_clear(&q->front);
	list_remove(&q->node);
	free(q->env);
	free(q->open);
	conf_unref(q->conf);
	free(q);
}

static void
finish(struct asked *q)
{
	const struct after_of *of = &q->after->of;
	const struct draft *d = &q->draft;
	struct progress *news = mem_zalloc(q->env->nrcpt, sizeof *news);
	struct after_answer answer = { .id = q->env->id,
		.verdict = verdict_of(q),
		.env = q->changed,
		.news = news,
		.reply = d->refusal };

	if (q->changed != NULL)
		answer.nnews = after_news(d, news);
	if (d->refusal != NULL && d->filtered != NULL)
		answer.filter = d->filtered->refused_by;
	of->cb(&answer, of->arg);
	free(news);
	asked_free(q);
}

void
after_hurry(struct after *a)
{
	a->is_hurried = true;
	LIST_FOREACH_SAFE (node, next, &a->asked)
		intake_hurry(&LIST_ENTRY(node, struct asked, node)->intake);
}
