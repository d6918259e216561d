/*
 * What workers say reaches dispatch and the acceptor, and what dispatch asks of
 * workers reaches the crew: these rooms do not know each other.
 */
#include "relay_priv.h"

#include <stdlib.h>

#include "acceptor.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "crew/crew.h"
#include "crew/worker.h"
#include "dispatch/dispatch.h"
#include "facts/fact.h"
#include "dispatch/message.h"
#include "intake/after_io.h"
#include "intake/ledger_io.h"
#include "intake/suppressor_io.h"
#include "mail/words.h"
#include "io/loop.h"
#include "sched/target.h"
#include "signing.h"

/* --- events of workers, on the queue thread --- */

static void
on_accepted(struct envelope *env, const struct submit_origin *from, void *arg)
{
	struct dispatch_origin origin = { from->sid, from->message_id,
		from->is_over };
	struct relay *r = arg;

	relay_note_domain(r, env);
	dispatch_add(r->rooms.dispatch, env, &origin);
}

static void
on_logged_in(void *token, void *arg)
{
	struct relay *r = arg;

	acceptor_logged_in(r->rooms.acceptor, token);
}

static void
on_closed(struct worker *w, void *token, void *arg)
{
	struct relay *r = arg;

	(void)w;
	acceptor_closed(r->rooms.acceptor, token);
	relay_finish_if_idle(r);
}

static void
on_answered(struct lane *lane, struct attempt *a, bool more, void *arg)
{
	struct relay *r = arg;

	dispatch_answered(r->rooms.dispatch, lane, a, more);
}

static void
on_too_late(struct lane *lane, void *arg)
{
	struct relay *r = arg;

	dispatch_too_late(r->rooms.dispatch, lane);
}

static void
on_ended(
    struct lane *lane, struct attempt *a, const struct lane_end *end, void *arg)
{
	struct relay *r = arg;

	dispatch_ended(r->rooms.dispatch, lane, a, end);
	relay_finish_if_idle(r);
}

/* --- what dispatch asks of workers --- */

static void
open_lane(struct lane *lane, struct target *target, uint32_t host,
    struct attempt *a, void *arg)
{
	struct relay *r = arg;

	worker_open_lane(crew_pick(r->crew, loop_now(r->loop)), lane,
	    target_ref(target), host, a);
}

static void
give_lane(struct lane *lane, struct attempt *a, void *arg)
{
	(void)arg;
	worker_give(lane, a);
}

static void
withdraw_lane(struct lane *lane, void *arg)
{
	(void)arg;
	worker_withdraw(lane);
}

static void
quit_lane(struct lane *lane, void *arg)
{
	(void)arg;
	worker_quit_lane(lane);
}

void
relay_wire_lanes(struct relay *r)
{
	struct dispatch_lanes lanes = {
		.open = open_lane,
		.give = give_lane,
		.withdraw = withdraw_lane,
		.quit = quit_lane,
		.arg = r,
	};

	dispatch_set_road(r->rooms.dispatch, r->spool, &lanes);
}

/* --- what dispatch asks of the ledger --- */

static struct span
rcpt_of(size_t i, const void *arg)
{
	const struct message *m = arg;

	return span_text(m->env->rcpts[i].address);
}

static struct ledger_message
for_ledger(const struct relay *r, const struct message *m, bool counts)
{
	return (struct ledger_message){ .account = span_text(m->env->account),
		.conf = conf_account(r->rooms.conf, span_text(m->env->account)),
		.nrcpt = counts ? m->env->nrcpt : 0,
		.rcpt = rcpt_of,
		.arg = m };
}

static bool
let_go(const struct message *m, uint64_t *wait, struct buf *why, void *arg)
{
	struct relay *r = arg;
	struct ledger_message of = for_ledger(r, m, true);
	struct ledger_why over;

	switch (
	    ledger_let_go(r->ledger, &of, (int64_t)loop_now(r->loop), &over)) {
	case LEDGER_OK: return true;
	case LEDGER_LATER: return false;
	case LEDGER_OVER: break;
	}
	budget_say(&over.state, wall_now(), why);
	/* What has never room may have it by another configuration. */
	*wait = over.state.frees < 0 ? UINT64_MAX : (uint64_t)over.state.frees;
	return false;
}

static void
held(const struct message *m, void *arg)
{
	struct relay *r = arg;

	ledger_held(r->ledger, span_text(m->env->account));
}

static void
unheld(const struct message *m, bool counts, void *arg)
{
	struct relay *r = arg;
	struct ledger_message of = for_ledger(r, m, counts);

	ledger_unheld(r->ledger, &of, (int64_t)loop_now(r->loop));
}

static bool
is_stopped(struct span account, void *arg)
{
	struct relay *r = arg;

	return ledger_standing(r->ledger, account) != LEDGER_IN_ORDER;
}

static void
unknown(const char *account, uint32_t n, void *arg)
{
	struct relay *r = arg;

	ledger_note(r->ledger, span_text(account),
	    conf_account(r->rooms.conf, span_text(account)), BRAKE_UNKNOWN, n,
	    (int64_t)loop_now(r->loop));
}

void
relay_wire_budgets(struct relay *r)
{
	struct dispatch_budget budget = { .let_go = let_go,
		.held = held,
		.unheld = unheld,
		.is_stopped = is_stopped,
		.unknown = unknown,
		.arg = r };

	dispatch_set_budget(r->rooms.dispatch, &budget);
	ledger_on_warning(r->ledger, r->loop, relay_warn, r);
}

/* --- filters that are asked after acceptance --- */

static void
ask_filters(const struct message *m, void *arg)
{
	struct relay *r = arg;
	bool *open = mem_zalloc(m->env->nrcpt, sizeof *open);

	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		open[i] = m->rcpts[i].state == RCPT_QUEUED;
	/* What is held for lack of room counts when it is let go. */
	after_ask(r->after, r->rooms.conf, m->env, open,
	    (m->flags & MESSAGE_OVER_BUDGET) == 0);
	free(open);
}

static void
on_filtered(const struct after_answer *a, void *arg)
{
	static const enum dispatch_verdict verdicts[] = {
		[AFTER_PASSED] = DISPATCH_PASSED,
		[AFTER_CHANGED] = DISPATCH_CHANGED,
		[AFTER_REFUSED] = DISPATCH_REFUSED,
		[AFTER_DISCARDED] = DISPATCH_DISCARDED,
		[AFTER_LATER] = DISPATCH_PUT_OFF,
	};
	struct dispatch_filtered of = { .id = a->id,
		.verdict = verdicts[a->verdict],
		.env = a->env,
		.news = a->news,
		.nnews = a->nnews,
		.filter = a->filter,
		.reply = a->reply };
	struct relay *r = arg;

	if (a->env != NULL)
		relay_note_domain(r, a->env);
	dispatch_filtered(r->rooms.dispatch, &of);
}

void
relay_wire_filters(struct relay *r)
{
	struct after_of of = { .loop = r->loop,
		.spool = r->spool,
		.ledger = r->ledger,
		.suppressor = r->suppressor,
		.aliases = &r->rooms.aliases,
		.cb = on_filtered,
		.arg = r };
	struct dispatch_filters filters = { ask_filters, r };

	r->after = after_new(&of);
	dispatch_set_filters(r->rooms.dispatch, &filters);
}

/* --- what hosts say of addresses --- */

/* For accounts that mind; the others may write to whom they like. */
static void
on_failed(const struct envelope *env, struct span rcpt,
    const struct words *words, void *arg)
{
	struct relay *r = arg;
	struct span account = span_text(env->account);
	int64_t now = wall_now();
	struct buf reply = { .max = 2 * SUPPRESSION_REPLY_MAX };

	if (span_is_empty(account) || !suppression_is_cause(words) ||
	    !conf_account(r->rooms.conf, account)->suppress)
		return;
	words_join(&reply, words);
	if (suppressor_add(
		r->suppressor, &(struct suppressed){ .account = account,
				   .address = rcpt,
				   .since = now,
				   .until = now + SUPPRESSION_MS,
				   .status = words->status,
				   .reply = buf_span(&reply) }))
		FACT(SUPPRESSED, fact_id("qid", env->id),
		    fact_text("user", account), fact_address("to", rcpt),
		    fact_span("status", words->status));
	buf_clear(&reply);
}

void
relay_wire_suppression(struct relay *r)
{
	dispatch_on_failed(r->rooms.dispatch, on_failed, r);
}

/* --- both --- */

int
relay_start_workers(struct relay *r, struct err *err)
{
	struct worker_events events = {
		.accepted = on_accepted,
		.logged_in = on_logged_in,
		.closed = on_closed,
		.answered = on_answered,
		.too_late = on_too_late,
		.ended = on_ended,
		.arg = r,
	};
	struct worker_shared shared = { .queue = r->loop,
		.spool = r->spool,
		.auth = r->rooms.auth,
		.ledger = r->ledger,
		.suppressor = r->suppressor,
		.signer = signing_signer(r->rooms.signing) };

	r->crew = crew_start(r->rooms.conf->workers, &shared, &events, err);
	return r->crew == NULL ? -1 : 0;
}
