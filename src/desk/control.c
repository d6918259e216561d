#include "desk/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "contents.h"
#include "control_priv.h"
#include "ctl/server.h"
#include "describe.h"
#include "dispatch/dispatch.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "listing.h"
#include "mail/qid.h"
#include "scan.h"
#include "spool/spool.h"
#include "status.h"

static json_t *do_status(const struct ask *ask);
static json_t *do_reload(const struct ask *ask);
static json_t *do_list(const struct ask *ask);

/* Who serves a verb; what it is, is in ctl/verbs.c. NULL: it is not asked here. */
static json_t *(*const serves[VERBS])(const struct ask *ask) = {
	[VERB_STATUS] = do_status,
	[VERB_RELOAD] = do_reload,
	[VERB_SESSIONS] = do_sessions,
	[VERB_SESSIONS_END] = do_sessions_end,
	[VERB_TRACE] = do_trace,
	[VERB_EXPLAIN] = do_explain,
	[VERB_SUPPRESS_LIST] = do_suppress_list,
	[VERB_SUPPRESS_ADD] = do_suppress_add,
	[VERB_SUPPRESS_REMOVE] = do_suppress_remove,
	[VERB_SUPPRESS_IMPORT] = do_suppress_add,
	[VERB_SUPPRESS_EXPORT] = do_suppress_list,
	[VERB_ACCOUNT_SHOW] = do_account_show,
	[VERB_ACCOUNT_STOP] = do_account_steer,
	[VERB_ACCOUNT_UNDO] = do_account_steer,
	[VERB_ACCOUNT_PURGE] = do_account_purge,
	[VERB_DOMAIN_LOOK] = do_domain,
	[VERB_DOMAIN_RELEASE] = do_domain,
	[VERB_QUEUE_LIST] = do_list,
	[VERB_QUEUE_SUMMARY] = do_summary,
	[VERB_QUEUE_SHOW] = do_show,
	[VERB_QUEUE_WHY] = do_show,
	[VERB_QUEUE_CAT] = do_cat,
	[VERB_QUEUE_RETRY] = do_steer,
	[VERB_QUEUE_HOLD] = do_steer,
	[VERB_QUEUE_RELEASE] = do_steer,
	[VERB_QUEUE_BOUNCE] = do_steer,
	[VERB_QUEUE_REMOVE] = do_steer,
};

json_t *
error_answer(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

bool
control_is_loading(const struct control *c, char text[LOADING_SIZE])
{
	struct spool_health h;

	spool_health(c->spool, &h);
	if (h.is_loading)
		(void)snprintf(text, LOADING_SIZE, "%llu of %llu segments",
		    (unsigned long long)h.nread, (unsigned long long)h.ntoread);
	return h.is_loading;
}

void
control_add_loading(const struct control *c, json_t *answer)
{
	char text[LOADING_SIZE];

	if (json_object_get(answer, "error") == NULL &&
	    control_is_loading(c, text))
		(void)json_object_set_new(answer, "loading", json_string(text));
}

json_t *
no_such_message(const struct control *c)
{
	char text[LOADING_SIZE];

	if (c != NULL && control_is_loading(c, text))
		return json_pack("{s:s+++}", "error", "not read yet: ", text,
		    " of the spool are read since the start",
		    "; ask again in a moment");
	return error_answer("no such message waits (delivered, removed, or a "
			    "wrong id; postern trace may know)");
}

void
answer_later(struct ctl_later *later, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	json_decref(answer);
	ctl_answer(later, span_text(text));
	free(text);
}

json_t *
ask_scan(const struct ask *ask, struct scan *s)
{
	struct dispatch *d = ask->control->dispatch;
	const char *wrong = NULL;

	if (!scan_begin(s, dispatch_queue(d), dispatch_router(d), ask->request,
		loop_now(ask->control->loop), &wrong))
		return error_answer(wrong);
	if (verbs[ask->verb].must_choose && !scan_is_chosen(s))
		return error_answer(
		    "which messages? It wants ids or filters; --all means all");
	return NULL;
}

struct message *
ask_message(const struct ask *ask)
{
	const json_t *ids = json_object_get(ask->request, "ids");
	const char *text = json_string_value(json_array_get(ids, 0));
	uint64_t id = 0;

	if (text == NULL || json_array_size(ids) != 1 ||
	    !qid_parse(span_text(text), &id))
		return NULL;
	return queue_find(dispatch_queue(ask->control->dispatch), id);
}

static json_t *
do_status(const struct ask *ask)
{
	struct control *c = ask->control;

	return status_make(&(struct status_of){
	    .queue = dispatch_queue(c->dispatch),
	    .router = dispatch_router(c->dispatch),
	    .spool = c->spool,
	    .state = c->state,
	    .history = dispatch_history(c->dispatch),
	    .now = loop_now(c->loop),
	    .started = c->started,
	});
}

static json_t *
do_reload(const struct ask *ask)
{
	struct control *c = ask->control;
	struct buf trouble = { 0 };
	json_t *o;

	FACT(OPERATOR, fact_string("user", ctl_user(ask->later)),
	    fact_number("uid", (uint64_t)ctl_uid(ask->later)),
	    fact_word("did", "reload"));
	if (c->reload(&trouble, c->reload_arg) == 0)
		o = buf_len(&trouble) == 0
			? json_pack("{s:s}", "ok", "reload")
			: json_pack("{s:s, s:o}", "ok", "reload", "later",
			      describe_text(buf_span(&trouble)));
	else
		o = json_pack(
		    "{s:o}", "error", describe_text(buf_span(&trouble)));
	buf_clear(&trouble);
	return o;
}

static json_t *
do_list(const struct ask *ask)
{
	struct scan s;
	json_t *o = ask_scan(ask, &s);

	if (o == NULL)
		o = listing_page(
		    &s, ask->request, loop_now(ask->control->loop), wall_now());
	control_add_loading(ask->control, o);
	scan_clear(&s);
	return o;
}

/* --- requests --- */

static json_t *
answer_to(struct control *c, const json_t *request, struct ctl_later *later)
{
	const char *name = json_string_value(json_object_get(request, "do"));
	unsigned verb = verb_find(span_text(name));
	struct ask ask = { c, request, (enum verb_id)verb, later };

	if (verb == VERBS || serves[verb] == NULL)
		return error_answer("no such request");
	return serves[verb](&ask);
}

static bool
on_request(
    struct span text, struct buf *answer, struct ctl_later *later, void *arg)
{
	json_t *request = json_loadb(text.ptr, text.len, 0, NULL);
	json_t *o = request == NULL ? error_answer("not JSON")
				    : answer_to(arg, request, later);
	char *out;

	json_decref(request);
	if (o == NULL)
		return false;
	out = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (out == NULL || !buf_append_text(answer, out)) {
		buf_reset(answer);
		(void)buf_append_text(
		    answer, "{\"error\":\"the answer is too long\"}");
	}
	free(out);
	return true;
}

struct control *
control_open(struct loop *loop, const struct conf *conf,
    const struct control_of *of, struct err *err)
{
	struct control *c = MEM_NEW(struct control);

	c->loop = loop;
	c->dispatch = of->dispatch;
	c->spool = of->spool;
	c->crew = of->crew;
	c->suppressor = of->suppressor;
	c->keys = of->keys;
	c->domains = of->domains;
	c->aliases = of->aliases;
	c->auth = of->auth;
	c->ledger = of->ledger;
	c->state = of->state;
	c->conf = of->conf;
	c->started = loop_now(loop);
	list_init(&c->shows);
	list_init(&c->looks);
	list_init(&c->explains);
	list_init(&c->domain_looks);
	c->server =
	    ctl_server_open(loop, conf->control_socket, on_request, c, err);
	if (c->server == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void
control_on_reload(
    struct control *c, int (*reload)(struct buf *trouble, void *arg), void *arg)
{
	c->reload = reload;
	c->reload_arg = arg;
}

void
control_close(struct control *c)
{
	if (c == NULL)
		return;
	ctl_server_close(c->server);
	contents_forget(c);
	account_forget(c);
	explain_forget(c);
	domains_verbs_forget(c);
	free(c);
}
