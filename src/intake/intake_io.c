/*
 *   DRAFT_RESERVE answered at once; an account that is not read yet -> on_account
 *   DRAFT_SUPPRESSED answered at once
 *   DRAFT_OPEN    an entry: answered at once
 *   DRAFT_PASS    the body to the entry's file -> on_passed
 *   DRAFT_FILTER  filters are asked -> on_filtered
 *   DRAFT_REWRITE a second entry: the header, then the rest, piece by piece:
 *                 on_copied -> on_rest -> on_copied ... and the first one is dropped
 *   DRAFT_COMMIT  the envelope is made -> on_committed; the entry is over
 */
#include "intake/intake_io.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "intake/draft.h"
#include "intake/filter_io.h"
#include "intake/suppressor_io.h"
#include "io/loop.h"
#include "io/work.h"
#include "mail/envelope.h"
#include "spool/content.h"
#include "spool/spool.h"

static void on_account(struct ledger_waiter *w);
static void on_passed(enum spool_status status, void *arg);
static void on_filtered(const char *refusal, void *arg);
static void on_copied(enum spool_status status, void *arg);
static void on_rest(void *arg);
static void on_committed(enum spool_status status, void *arg);

/* Why a message is not taken, in the words of SMTP. */
static const char *
refusal_of(enum spool_status status)
{
	switch (status) {
	case SPOOL_OK: return NULL;
	case SPOOL_FULL: return "452 4.3.1 Not enough space; try again later";
	case SPOOL_FAULT:
	case SPOOL_ABSENT:
	case SPOOL_DAMAGED: break;
	}
	return "451 4.3.0 Message could not be stored; try again later";
}

static struct intake_answer
answer_of(enum spool_status status)
{
	return (struct intake_answer){ .refusal = refusal_of(status),
		.status = status };
}

void
intake_init(struct intake *in, struct spool *spool, struct loop *loop,
    intake_cb cb, void *arg)
{
	*in = (struct intake){
		.spool = spool, .loop = loop, .cb = cb, .arg = arg
	};
}

/* --- budgets --- */

static int64_t
now_of(const struct intake *in)
{
	return (int64_t)loop_now(in->loop);
}

static const char *
say_over(struct intake *in, const struct draft *d)
{
	const char *code = d->stage == DRAFT_SENDER ? "451" : "452";
	struct buf why = { 0 };

	if (in->why.is_stopped) {
		(void)snprintf(in->refusal, sizeof in->refusal,
		    "%s 4.7.1 Account %.*s is stopped by the operator", code,
		    SPAN_ARG(span_to(d->account, 100)));
		return in->refusal;
	}
	if (in->why.is_full)
		(void)buf_printf(&why,
		    "%u of its messages are held already until there is room, "
		    "as many as may be; ",
		    in->why.held);
	budget_say(&in->why.state, d->now, &why);
	(void)snprintf(in->refusal, sizeof in->refusal,
	    "%s 4.7.1 Account %.*s: %.*s", code,
	    SPAN_ARG(span_to(d->account, 100)), SPAN_ARG(buf_span(&why)));
	buf_clear(&why);
	return in->refusal;
}

/* A message that is taken gets more recipients. */
static enum ledger_answer
begin_more(struct intake *in, struct draft *d)
{
	in->waiter.loop = in->loop;
	in->waiter.ready = on_account;
	return ledger_begin_more(in->ledger, &in->reservation, d->account,
	    conf_account(d->conf, d->account), &in->waiter);
}

static enum ledger_answer
ask_ledger(struct intake *in, struct draft *d)
{
	if (d->origin == DRAFT_FILTERED && in->reservation.account == NULL) {
		enum ledger_answer answer = begin_more(in, d);

		if (answer != LEDGER_OK)
			return answer;
	}
	if (d->stage != DRAFT_SENDER)
		return ledger_add(in->ledger, &in->reservation,
		    draft_rcpt(d, d->asked), now_of(in), &in->why);
	in->waiter.loop = in->loop;
	in->waiter.ready = on_account;
	return ledger_begin(in->ledger, &in->reservation, d->account,
	    conf_account(d->conf, d->account), now_of(in), &in->waiter,
	    &in->why);
}

/* False: it comes later. */
static bool
reserve(struct intake *in, struct draft *d, struct intake_answer *now)
{
	*now = answer_of(SPOOL_OK);
	if (in->ledger == NULL)
		return true;
	switch (ask_ledger(in, d)) {
	case LEDGER_OK:
		d->is_reserved = in->reservation.account != NULL;
		return true;
	case LEDGER_OVER:
		now->refusal = say_over(in, d);
		now->over = &in->why;
		return true;
	case LEDGER_LATER: break;
	}
	in->draft = d;
	return false;
}

static void
on_account(struct ledger_waiter *w)
{
	struct intake *in = LIST_ENTRY(w, struct intake, waiter);
	struct intake_answer answer;

	if (!reserve(in, in->draft, &answer))
		return; /* it was forgotten again meanwhile */
	in->is_busy = false;
	in->cb(&answer, in->arg);
}

void
intake_replaces(struct intake *in, uint64_t id)
{
	assert(in->entry == NULL);
	in->entry = spool_entry_replace(in->spool, in->loop, id);
}

static struct intake_answer
ask_suppressor(struct intake *in, const struct draft *d)
{
	struct intake_answer a = answer_of(SPOOL_OK);
	struct buf reply = { 0 };

	a.is_suppressed = in->suppressor != NULL &&
			  suppressor_refuses(in->suppressor, d->account,
			      draft_rcpt(d, d->asked), d->now, &reply);
	if (a.is_suppressed) {
		(void)snprintf(in->refusal, sizeof in->refusal, "%.*s",
		    SPAN_ARG(buf_span(&reply)));
		a.refusal = in->refusal;
	}
	buf_clear(&reply);
	return a;
}

/* --- the spool --- */

/* What we must tell, and what is there already, is not turned away for space. */
static struct intake_answer
open_entry(struct intake *in, struct draft *d)
{
	enum spool_status status =
	    d->origin == DRAFT_SUBMITTED ? spool_room(in->spool, 0) : SPOOL_OK;

	assert(in->entry == NULL);
	if (status == SPOOL_OK) {
		in->entry = spool_entry_open(in->spool, in->loop);
		d->id = spool_entry_id(in->entry);
		d->is_open = true;
	}
	return answer_of(status);
}

/* --- filters --- */

static void
end_filtering(struct intake *in)
{
	if (in->filtering != NULL)
		filter_end(in->filtering);
	in->filtering = NULL;
}

static void
filter(struct intake *in, struct draft *d)
{
	struct filter_options o = { .loop = in->loop,
		.ways = in->ways,
		.entry = in->entry,
		.draft = d,
		.cb = on_filtered,
		.arg = in };

	in->draft = d;
	in->filtering = filter_start(&o);
}

static void
on_filtered(const char *refusal, void *arg)
{
	struct intake *in = arg;
	struct intake_answer answer = { .refusal = NULL };

	if (refusal != NULL) {
		(void)snprintf(in->refusal, sizeof in->refusal, "%s", refusal);
		answer.refusal = in->refusal;
	}
	if (in->draft->filtered->rest == NULL)
		end_filtering(in);
	in->is_busy = false;
	in->cb(&answer, in->arg);
}

/* The second entry takes the place of the first. */
static void
take_rewritten(struct intake *in)
{
	end_filtering(in); /* which may read the first one */
	in->draft->filtered->rest = NULL;
	spool_entry_drop(in->entry);
	in->entry = in->rewritten;
	in->rewritten = NULL;
}

/*
 * What is on disk was written before the filters changed it. True: it is done,
 * since all of it is in memory again.
 */
static bool
rewrite(struct intake *in, struct draft *d)
{
	in->draft = d;
	in->rest_at = d->filtered->rest_at;
	in->rewritten = spool_entry_again(in->entry);
	d->passed = 0;
	if (d->filtered->rest == NULL) {
		take_rewritten(in);
		return true;
	}
	d->passed = buf_len(&d->body) + content_size(d->filtered->rest) -
		    d->filtered->rest_at;
	spool_entry_append_take(in->rewritten, &d->body, on_copied, in);
	return false;
}

static void
end_rewriting(struct intake *in, enum spool_status status)
{
	struct intake_answer answer = answer_of(status);

	if (status == SPOOL_OK)
		take_rewritten(in);
	in->is_busy = false;
	in->cb(&answer, in->arg);
}

static void
run_read(void *arg)
{
	struct intake *in = arg;
	struct err err;

	in->nread = content_read(in->draft->filtered->rest, in->rest_at,
	    buf_reserve(&in->piece, spool_piece()), spool_piece(), &err);
}

static void
on_copied(enum spool_status status, void *arg)
{
	struct intake *in = arg;

	if (status != SPOOL_OK ||
	    in->rest_at == content_size(in->draft->filtered->rest)) {
		end_rewriting(in, status);
		return;
	}
	in->piece = (struct buf){ .max = spool_piece() };
	work_run(in->loop, run_read, on_rest, in);
}

static void
on_rest(void *arg)
{
	struct intake *in = arg;

	if (in->nread <= 0) {
		buf_clear(&in->piece);
		end_rewriting(in, SPOOL_FAULT);
		return;
	}
	buf_added(&in->piece, (size_t)in->nread);
	in->rest_at += (uint64_t)in->nread;
	spool_entry_append_take(in->rewritten, &in->piece, on_copied, in);
}

/* All of it, or the head of what was appended. */
static struct content *
content_of(struct draft *d)
{
	return d->given != NULL ? content_ref(d->given)
				: content_new_take(&d->head, &d->body);
}

/* What filters changed of a message that is stored. */
static void
commit_again(struct intake *in, struct draft *d)
{
	struct spool_again again = { .clear = MESSAGE_UNFILTERED,
		.set = d->message_flags & MESSAGE_QUARANTINED };

	in->news = mem_zalloc(d->stored->nrcpt, sizeof *in->news);
	again.news = in->news;
	again.n = (uint32_t)after_news(d, in->news);
	spool_commit_again(
	    in->entry, in->env, in->content, &again, on_committed, in);
}

static void
commit(struct intake *in, struct draft *d)
{
	assert(in->env == NULL && in->content == NULL);
	in->env = draft_envelope(
	    d, d->given != NULL ? content_size(d->given) : draft_size(d));
	if (spool_entry_appended(in->entry) > 0)
		spool_entry_append_take(in->entry, &d->body, NULL, NULL);
	in->content = content_of(d);
	if (in->reservation.is_over)
		d->message_flags |= MESSAGE_OVER_BUDGET;
	if (d->origin == DRAFT_FILTERED) {
		commit_again(in, d);
		return;
	}
	if (d->rows == NULL && d->message_flags == 0)
		spool_commit(in->entry, in->env, in->content, on_committed, in);
	else
		spool_commit_past(in->entry, in->env, in->content, d->rows,
		    d->message_flags, on_committed, in);
}

bool
intake_do(struct intake *in, struct draft *d, struct intake_answer *now)
{
	assert(!in->is_busy);
	switch (d->need) {
	case DRAFT_NOTHING: *now = answer_of(SPOOL_OK); return true;
	case DRAFT_RESERVE:
		in->is_busy = !reserve(in, d, now);
		return !in->is_busy;
	case DRAFT_SUPPRESSED: *now = ask_suppressor(in, d); return true;
	case DRAFT_OPEN: *now = open_entry(in, d); return true;
	case DRAFT_PASS:
		in->is_busy = true;
		spool_entry_append_take(in->entry, &d->body, on_passed, in);
		return false;
	case DRAFT_FILTER:
		in->is_busy = true;
		filter(in, d);
		return false;
	case DRAFT_REWRITE:
		*now = answer_of(SPOOL_OK);
		in->is_busy = !rewrite(in, d);
		return !in->is_busy;
	case DRAFT_COMMIT:
		in->is_busy = true;
		commit(in, d);
		return false;
	}
	return true;
}

static void
on_passed(enum spool_status status, void *arg)
{
	struct intake *in = arg;
	struct intake_answer answer = answer_of(status);

	in->is_busy = false;
	in->cb(&answer, in->arg);
}

static void
on_committed(enum spool_status status, void *arg)
{
	struct intake *in = arg;
	struct intake_answer answer = answer_of(status);

	content_unref(in->content); /* the spool has what it keeps */
	in->content = NULL;
	in->entry = NULL; /* it ended with the commit, either way */
	free(in->news);
	in->news = NULL;
	if (status == SPOOL_OK) {
		answer.env = in->env;
		answer.is_over = in->reservation.is_over;
		if (in->ledger != NULL)
			ledger_take(in->ledger, &in->reservation, now_of(in));
	} else {
		free(in->env);
	}
	in->env = NULL;
	in->is_busy = false;
	in->cb(&answer, in->arg);
}

static void
drop_entry(struct intake *in)
{
	end_filtering(in);
	if (in->rewritten != NULL)
		spool_entry_drop(in->rewritten);
	in->rewritten = NULL;
	if (in->entry != NULL)
		spool_entry_drop(in->entry);
	in->entry = NULL;
}

static void
drop_reservation(struct intake *in)
{
	if (in->ledger != NULL)
		ledger_release(in->ledger, &in->reservation);
}

void
intake_drop(struct intake *in)
{
	assert(!in->is_busy);
	drop_entry(in);
	drop_reservation(in);
}

void
intake_hurry(struct intake *in)
{
	if (in->filtering != NULL)
		filter_hurry(in->filtering);
}

void
intake_settle(struct intake *in, const struct draft *d)
{
	if (!d->is_open)
		drop_entry(in);
	if (!d->is_reserved)
		drop_reservation(in);
}
