/*
 * The verbs that change what waits, a turn's worth of messages a request: each is
 * looked at, and told to dispatch if it can be done. The answer comes when all of
 * that is on stable storage:
 *
 *   {"done": [ID, ...], "not": [{"id": ID, "why": ..., "text": ...}, ...],
 *    "more": ..., "after": ...}
 *
 * A message may be in both, when it came too late for some of its recipients.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stamp.h"
#include "control_priv.h"
#include "ctl/server.h"
#include "describe.h"
#include "dispatch/dispatch.h"
#include "dispatch/history.h"
#include "dispatch/message.h"
#include "dispatch/order.h"
#include "facts/fact.h"
#include "intake/ledger_io.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/wishes.h"
#include "scan.h"

struct steer {
	struct ctl_later *later; /* borrowed: answered once */
	const char *verb; /* the second word of its name */
	json_t *answer; /* owned, as the next */
	char *filter; /* for the log */
	json_t *done, *undone; /* borrowed: in the answer */
	uint32_t waiting; /* messages whose end is to come */
	bool is_scanning, is_dry;
	struct dispatch *dispatch; /* borrowed */
};

static const struct {
	enum verb_id verb;
	enum order_verb order;
} orders[] = {
	{ VERB_QUEUE_HOLD, ORDER_HOLD },
	{ VERB_QUEUE_RELEASE, ORDER_RELEASE },
	{ VERB_QUEUE_RETRY, ORDER_RETRY },
	{ VERB_QUEUE_BOUNCE, ORDER_BOUNCE },
	{ VERB_QUEUE_REMOVE, ORDER_REMOVE },
	{ VERB_ACCOUNT_STOP, ORDER_STOP },
	{ VERB_ACCOUNT_UNDO, ORDER_UNDO },
	{ VERB_ACCOUNT_PURGE, ORDER_REMOVE },
};

static enum order_verb
order_of(enum verb_id verb)
{
	size_t i = 0;

	while (orders[i].verb != verb)
		i++;
	return orders[i].order;
}

static void
add_not(struct steer *s, const char *id, const char *why, const char *text)
{
	(void)json_array_append_new(s->undone,
	    json_pack("{s:o, s:s, s:s}", "id", describe_text(span_text(id)),
		"why", why, "text", text));
}

/* RFC 4865; the time stands beside the words, for programs. */
static void
add_future(struct steer *s, const char *id, const struct message *m)
{
	struct buf until = { 0 };
	char text[160];

	stamp_write(wishes_release(envelope_attrs(m->env)), &until);
	(void)snprintf(text, sizeof text,
	    "its sender wants it to wait until %.*s (postern queue release "
	    "lets it go now)",
	    SPAN_ARG(buf_span(&until)));
	(void)json_array_append_new(
	    s->undone, json_pack("{s:s, s:s, s:s, s:o}", "id", id, "why",
			   order_verdict_name(ORDER_IS_FUTURE), "text", text,
			   "until", describe_text(buf_span(&until))));
	buf_clear(&until);
}

static void
add_late(struct steer *s, const char *id, const struct dispatch_done *done)
{
	json_t *late = json_array();

	for (uint32_t i = 0; i < done->nlate; i++)
		(void)json_array_append_new(
		    late, describe_text(span_text(done->late[i])));
	(void)json_array_append_new(s->undone,
	    json_pack("{s:s, s:s, s:s, s:o}", "id", id, "why", "too late",
		"text", "its host has the message, or is taking it",
		"addresses", late));
}

/* One line for all that the request was about. */
static void
log_steer(const struct steer *s)
{
	if (s->is_dry ||
	    (json_array_size(s->done) == 0 && json_array_size(s->undone) == 0))
		return;
	FACT(OPERATOR, fact_string("user", ctl_user(s->later)),
	    fact_number("uid", (uint64_t)ctl_uid(s->later)),
	    fact_word("did", s->verb), fact_string("filter", s->filter),
	    fact_number("done", (uint64_t)json_array_size(s->done)),
	    fact_number("not_done", (uint64_t)(json_array_size(s->undone))));
}

/* The answer, when all is there; NULL: not yet. */
static json_t *
take_answer(struct steer *s)
{
	json_t *answer = s->answer;

	if (s->waiting > 0 || s->is_scanning)
		return NULL;
	log_steer(s);
	free(s->filter);
	free(s);
	return answer;
}

/* For who asks later what became of it. */
static void
note(const struct steer *s, struct history *h, uint64_t id)
{
	struct trace_entry e = {
		.kind = TRACE_OPERATOR, .id = id, .at = wall_now()
	};

	e.text[TRACE_USER] = span_text(ctl_user(s->later));
	e.text[TRACE_DID] = span_text(s->verb);
	history_add(h, &e);
}

static void
on_done(const struct dispatch_done *done, void *arg)
{
	struct steer *s = arg;
	struct ctl_later *later = s->later;
	struct qid qid = qid_format(done->id);
	json_t *answer;

	FACT(OPERATOR, fact_word("qid", qid.text), fact_word("did", s->verb),
	    fact_number("too_late", (uint64_t)done->nlate),
	    fact_string("user", ctl_user(later)));
	if (done->affected > done->nlate || done->nlate == 0)
		(void)json_array_append_new(s->done, json_string(qid.text));
	if (done->nlate > 0)
		add_late(s, qid.text, done);
	if (!done->recorded)
		add_not(s, qid.text, "not recorded",
		    "not recorded yet (postern status says why the spool "
		    "cannot be written)");
	s->waiting--;
	answer = take_answer(s);
	if (answer != NULL)
		answer_later(later, answer);
}

/* How the account stands is on disk, too. */
static void
on_recorded(bool is_recorded, void *arg)
{
	struct steer *s = arg;
	struct ctl_later *later = s->later;
	json_t *answer;

	if (!is_recorded)
		add_not(s, "(the account)", "not recorded",
		    "how the account stands is not recorded yet "
		    "(stops_not_kept in the log says why); it is tried again");
	s->waiting--;
	answer = take_answer(s);
	if (answer != NULL)
		answer_later(later, answer);
}

/* The order is true after a restart when it is answered. */
static void
record_standing(struct steer *s, const struct ask *ask)
{
	const struct control *c = ask->control;

	if (s->is_dry || json_object_get(ask->request, "after") != NULL ||
	    (ask->verb != VERB_ACCOUNT_STOP && ask->verb != VERB_ACCOUNT_UNDO))
		return;
	s->waiting++;
	ledger_record(c->ledger, c->loop, on_recorded, s);
}

static void
steer_one(struct steer *s, struct dispatch *d, const struct order *order,
    struct message *m)
{
	enum order_verdict verdict = order_judge(order, m);
	struct qid qid = qid_format(m->env->id);

	if (verdict != ORDER_CAN &&
	    (order->verb == ORDER_STOP || order->verb == ORDER_UNDO))
		return; /* it is about the account, and true of this one */
	if (verdict == ORDER_IS_FUTURE) {
		add_future(s, qid.text, m);
	} else if (verdict != ORDER_CAN) {
		add_not(s, qid.text, order_verdict_name(verdict),
		    order_verdict_text(verdict));
	} else if (s->is_dry) {
		(void)json_array_append_new(s->done, json_string(qid.text));
	} else {
		s->waiting++;
		note(s, dispatch_history(d), m->env->id);
		dispatch_do(d, m, order, on_done, s);
	}
}

static void
run(struct steer *s, const struct ask *ask, struct scan *scan)
{
	struct dispatch *d = ask->control->dispatch;
	struct order order = { .verb = order_of(ask->verb) };
	char loading[LOADING_SIZE];
	bool is_loading = control_is_loading(ask->control, loading);
	struct scan_item item;

	while (scan_next(scan, &item)) {
		order.only = scan->part == FILTER_SOME ? scan->only : NULL;
		if (item.message == NULL && is_loading)
			add_not(s, item.id, "not read yet", loading);
		else if (item.message == NULL)
			add_not(s, item.id, "gone",
			    "no such message waits (delivered, removed, or a "
			    "wrong id; postern trace may know)");
		else
			steer_one(s, d, &order, item.message);
	}
	scan_end(scan, s->answer);
	control_add_loading(ask->control, s->answer);
}

static void
stop_one(struct message *m, void *arg)
{
	static const struct order stop = { .verb = ORDER_STOP };
	struct steer *s = arg;

	steer_one(s, s->dispatch, &stop, m);
}

/*
 * What connections have of an account that is stopped comes first: the rest cannot
 * go any more, however long it takes to hold all of it.
 */
static void
stop_what_is_in_hand(struct steer *s, const struct ask *ask)
{
	const char *account =
	    json_string_value(json_object_get(ask->request, "account"));

	if (order_of(ask->verb) == ORDER_STOP && !s->is_dry &&
	    account != NULL && json_object_get(ask->request, "after") == NULL)
		dispatch_in_hand(s->dispatch, account, stop_one, s);
}

static char *
filter_text(const json_t *request)
{
	struct buf text = { 0 };
	char *out;

	filter_say(request, &text);
	if (json_array_size(json_object_get(request, "ids")) > 0)
		(void)buf_printf(&text, "%s%zu ids",
		    buf_len(&text) > 0 ? " " : "",
		    json_array_size(json_object_get(request, "ids")));
	out = span_dup(buf_span(&text));
	buf_clear(&text);
	return out;
}

json_t *
do_steer(const struct ask *ask)
{
	struct scan scan;
	json_t *error = ask_scan(ask, &scan);
	struct steer *s;

	if (error != NULL) {
		scan_clear(&scan);
		return error;
	}
	s = MEM_NEW(struct steer);
	s->later = ask->later;
	s->verb = strchr(verbs[ask->verb].name, ' ') + 1;
	s->is_dry = json_is_true(json_object_get(ask->request, "dry_run"));
	s->filter = filter_text(ask->request);
	s->done = json_array();
	s->undone = json_array();
	s->answer = json_pack("{s:o, s:o}", "done", s->done, "not", s->undone);
	s->dispatch = ask->control->dispatch;
	s->is_scanning = true;
	record_standing(s, ask);
	stop_what_is_in_hand(s, ask);
	run(s, ask, &scan);
	scan_clear(&scan);
	s->is_scanning = false;
	return take_answer(s);
}
