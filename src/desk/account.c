/*
 * account purge: messages of one that is stopped are removed; or whom it reached.
 *
 * account stop, undo: the account's standing, its sessions, and then its messages,
 * page by page, as the queue's verbs do (steer.c).
 *
 * account show: what an account has used of its budgets, and how it stands. The
 * answer waits for the ledger where the account is not in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/user_key.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "control_priv.h"
#include "crew/crew.h"
#include "crew/worker.h"
#include "ctl/server.h"
#include "describe.h"
#include "dispatch/dispatch.h"
#include "dispatch/history.h"
#include "facts/fact.h"
#include "intake/ledger_io.h"
#include "io/loop.h"
#include "mail/qid.h"

/* One that waits. */
struct looking {
	struct ledger_waiter waiter;
	struct list node; /* in control->looks */
	struct control *control; /* borrowed; NULL: it is gone */
	struct ctl_later *later; /* borrowed: answered once */
	char *name; /* owned */
};

static json_t *
describe_budget(const struct budget_state *s, int64_t wall)
{
	struct buf window = { 0 };
	json_t *o = json_object();

	budget_say_time(s->rate.seconds, &window);
	(void)json_object_set_new(
	    o, "name", json_string(conf_budget_name(s->counter)));
	(void)json_object_set_new(
	    o, "window", describe_text(buf_span(&window)));
	(void)json_object_set_new(o, "used", json_integer(s->used));
	(void)json_object_set_new(o, "most", json_integer(s->rate.most));
	(void)json_object_set_new(o, "frees",
	    s->frees == 0 ? json_null() : describe_time(wall + s->frees + 999));
	buf_clear(&window);
	return o;
}

static json_t *
describe_list(const char *text)
{
	struct span left = span_text(text);
	json_t *all = json_array();

	while (!span_is_empty(left))
		(void)json_array_append_new(
		    all, describe_text(span_cut(&left, ',')));
	return all;
}

static void
add_key(const struct auth_key *k, void *arg)
{
	const struct user_key *key = k->key;

	(void)json_array_append_new(arg,
	    json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:s?}", "label",
		key->label, "made", describe_time(key->made), "expires",
		key->expires == 0 ? json_null() : describe_time(key->expires),
		"expired", key->expires != 0 && wall_now() >= key->expires,
		"send_as", describe_list(key->send_as), "networks",
		describe_list(key->network), "used",
		k->used == 0 ? json_null() : describe_time(k->used), "client",
		k->used == 0 ? NULL : k->client));
}

static json_t *
describe_account(const struct control *c, const char *name,
    const struct conf_account *conf, const struct ledger_view *view)
{
	json_t *counters = json_array(), *keys = json_array();

	auth_each_key(c->auth, span_text(name), add_key, keys);
	for (size_t i = 0; i < view->n; i++)
		(void)json_array_append_new(
		    counters, describe_budget(&view->states[i], wall_now()));
	return json_pack("{s:o, s:o, s:s, s:i, s:b, s:b, s:b, s:o, s:o}",
	    "name", describe_text(span_text(name)), "counters", counters,
	    "over", conf->over == OVER_HOLD ? "hold" : "refuse",
	    "held_messages", (int)view->held, "braked",
	    view->standing == LEDGER_BRAKED, "stopped",
	    view->standing == LEDGER_STOPPED, "suspended",
	    auth_standing(c->auth, span_text(name)) == AUTH_IS_SUSPENDED,
	    "keys", keys, "domains", describe_domains(c, name));
}

/* NULL: it comes later, and the waiter is called. */
static json_t *
look(struct control *c, const char *name, struct ledger_waiter *waiter)
{
	const struct conf_account *conf =
	    conf_account(*c->conf, span_text(name));
	struct ledger_view view;

	if (ledger_look(c->ledger, span_text(name), conf,
		(int64_t)loop_now(c->loop), waiter, &view) == LEDGER_LATER)
		return NULL;
	return describe_account(c, name, conf, &view);
}

static void
looking_free(struct looking *l)
{
	free(l->name);
	free(l);
}

static void
on_ready(struct ledger_waiter *w)
{
	struct looking *l = (struct looking *)(void *)w;
	json_t *o;

	if (l->control == NULL) {
		looking_free(l);
		return;
	}
	o = look(l->control, l->name, w);
	if (o == NULL)
		return; /* it was forgotten again meanwhile */
	list_remove(&l->node);
	answer_later(l->later, o);
	looking_free(l);
}

json_t *
do_account_show(const struct ask *ask)
{
	struct control *c = ask->control;
	const char *name =
	    json_string_value(json_object_get(ask->request, "what"));
	struct looking *l;
	json_t *o;

	if (name == NULL)
		return error_answer("which account?");
	/* What was changed a moment ago is shown as it is. */
	auth_refresh(c->auth, loop_now(c->loop));
	if (auth_standing(c->auth, span_text(name)) == AUTH_IS_ABSENT)
		return error_answer("there is no such account");
	l = MEM_NEW(struct looking);
	l->waiter.loop = c->loop;
	l->waiter.ready = on_ready;
	l->control = c;
	l->later = ask->later;
	l->name = mem_strdup(name);
	list_init(&l->node);
	o = look(c, name, &l->waiter);
	if (o == NULL)
		list_append(&c->looks, &l->node);
	else
		looking_free(l);
	return o;
}

/* --- stop and undo --- */

static void
on_ended(struct session_ask *ask)
{
	session_ask_free(ask);
}

static void
end_sessions(struct control *c, const char *name)
{
	for (uint32_t i = 0; i < crew_count(c->crew); i++) {
		struct session_ask *to = MEM_NEW(struct session_ask);

		to->account = mem_strdup(name);
		to->done = on_ended;
		worker_ask_sessions(crew_worker(c->crew, i), to);
	}
}

/* Before its messages are looked at, so that none comes behind. */
static void
set_standing(const struct ask *ask, const char *name)
{
	struct control *c = ask->control;
	bool stops = ask->verb == VERB_ACCOUNT_STOP;

	ledger_stop(c->ledger, span_text(name), stops);
	if (stops)
		end_sessions(c, name);
	else
		dispatch_readmit(c->dispatch);
	FACT(OPERATOR, fact_string("user", ctl_user(ask->later)),
	    fact_number("uid", (uint64_t)ctl_uid(ask->later)),
	    fact_word("did", stops ? "stop" : "undo"),
	    fact_string("account", name));
}

/* NULL: the name is one account's; else what is wrong. */
static json_t *
check_name(const struct ask *ask, const char *name)
{
	if (name == NULL)
		return error_answer("which account?");
	if (strchr(name, '*') != NULL) /* it would be a pattern */
		return error_answer("a name with * cannot be meant alone");
	if (auth_standing(ask->control->auth, span_text(name)) ==
	    AUTH_IS_ABSENT)
		return error_answer("there is no such account");
	return NULL;
}

static const char *
name_of(const struct ask *ask)
{
	return json_string_value(json_object_get(ask->request, "what"));
}

/* All messages of the account. */
static json_t *
steer_account(const struct ask *ask, const char *name)
{
	json_t *request = json_copy((json_t *)(uintptr_t)ask->request);
	struct ask about = *ask;
	json_t *answer;

	(void)json_object_set_new(request, "account", json_string(name));
	about.request = request;
	answer = do_steer(&about);
	json_decref(request);
	return answer;
}

json_t *
do_account_steer(const struct ask *ask)
{
	const char *name = name_of(ask);
	json_t *error = check_name(ask, name);

	if (error != NULL)
		return error;
	if (json_object_get(ask->request, "after") == NULL &&
	    !json_is_true(json_object_get(ask->request, "dry_run")))
		set_standing(ask, name);
	return steer_account(ask, name);
}

/* --- purge --- */

enum { REACHED_A_PAGE = 500 };

static json_t *
reached_row(const struct trace_entry *e)
{
	return json_pack("{s:s, s:o, s:o, s:o}", "id", qid_format(e->id).text,
	    "recipient", describe_text(e->text[TRACE_RCPT]), "time",
	    describe_time(e->at), "reply", describe_text(e->text[TRACE_REPLY]));
}

/*
 * Deliveries of the account's messages, as far as memory goes back, some a page:
 * "after" is how many came before.
 */
static json_t *
reached_page(const struct ask *ask, const char *name)
{
	const struct history *h = dispatch_history(ask->control->dispatch);
	json_int_t before =
	    json_integer_value(json_object_get(ask->request, "after"));
	json_t *rows = json_array();
	struct trace_entry e;
	json_int_t n = 0;
	uint64_t at = 0;

	while (history_next(h, &at, &e)) {
		if (e.kind != TRACE_DELIVERED ||
		    !span_equal_nocase(
			e.text[TRACE_ACCOUNT], span_text(name)) ||
		    n++ < before || n > before + REACHED_A_PAGE)
			continue;
		(void)json_array_append_new(rows, reached_row(&e));
	}
	return json_pack("{s:o, s:o, s:b, s:I}", "reached", rows, "since",
	    describe_time(history_since(h)), "more",
	    n > before + REACHED_A_PAGE, "after", before + REACHED_A_PAGE);
}

json_t *
do_account_purge(const struct ask *ask)
{
	const char *name = name_of(ask);
	json_t *error = check_name(ask, name);

	if (error != NULL)
		return error;
	if (json_is_true(json_object_get(ask->request, "reached")))
		return reached_page(ask, name);
	if (ledger_standing(ask->control->ledger, span_text(name)) ==
	    LEDGER_IN_ORDER)
		return error_answer("the account is not stopped: postern "
				    "account stop comes first");
	if (json_is_true(json_object_get(ask->request, "may")))
		return json_pack("{s:b}", "may", 1);
	if (!json_is_true(json_object_get(ask->request, "yes")))
		return error_answer("only with --yes");
	return steer_account(ask, name);
}

void
account_forget(struct control *c)
{
	LIST_FOREACH_SAFE (node, next, &c->looks) {
		struct looking *l = LIST_ENTRY(node, struct looking, node);

		list_remove(&l->node);
		l->control = NULL;
		if (ledger_forget(c->ledger, &l->waiter))
			looking_free(l);
	}
}
