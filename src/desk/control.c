#include "desk/control.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "facts/fact.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "ctl/server.h"
#include "describe.h"
#include "dispatch/dispatch.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "io/loop.h"
#include "io/work.h"
#include "listing.h"
#include "mail/qid.h"
#include "smtp/base64.h"
#include "spool/content.h"
#include "spool/spool.h"
#include "status.h"

enum { CAT_CHUNK = 512 * 1024 };

struct control {
	struct loop *loop; /* borrowed: the relay's, as all here */
	struct dispatch *dispatch;
	struct spool *spool;
	struct ctl_server *server; /* owned */
	struct list shows; /* struct show: words are read for them */
	uint64_t started;
	int (*reload)(struct buf *trouble, void *arg);
	void *reload_arg;
};

/*
 * A request's handler: the answer, or NULL when it comes later. `m` is the
 * message that "id" names, for those that want one.
 */
typedef json_t *(*do_fn)(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);

static json_t *do_status(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_reload(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_list(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_show(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_retry(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_hold(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_release(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_bounce(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_remove(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);
static json_t *do_cat(struct control *c, const json_t *request,
    struct message *m, struct ctl_later *later);

static const struct {
	const char *name;
	bool wants_message;
	do_fn run;
} table[] = {
	{ "status", false, do_status },
	{ "reload", false, do_reload },
	{ "list", false, do_list },
	{ "show", true, do_show },
	{ "retry", true, do_retry },
	{ "hold", true, do_hold },
	{ "release", true, do_release },
	{ "bounce", true, do_bounce },
	{ "remove", true, do_remove },
	{ "cat", true, do_cat },
};

static json_t *
error_answer(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static json_t *
no_such_message(void)
{
	return error_answer("no such message waits (delivered, removed, or a "
			    "wrong id)");
}

static void
answer_later(struct ctl_later *later, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	json_decref(answer);
	ctl_answer(later, span_text(text));
	free(text);
}

/* --- what there is --- */

static json_t *
do_status(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	(void)request, (void)m, (void)later;
	return status_make(&(struct status_of){
	    .queue = dispatch_queue(c->dispatch),
	    .router = dispatch_router(c->dispatch),
	    .spool = c->spool,
	    .now = loop_now(c->loop),
	    .started = c->started,
	});
}

static json_t *
do_reload(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	struct buf trouble = { 0 };
	json_t *o;

	(void)request, (void)m, (void)later;
	if (c->reload(&trouble, c->reload_arg) == 0)
		o = json_pack("{s:s}", "ok", "reload");
	else
		o = json_pack(
		    "{s:o}", "error", describe_text(buf_span(&trouble)));
	buf_clear(&trouble);
	return o;
}

static json_t *
do_list(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	(void)m, (void)later;
	return listing_page(dispatch_queue(c->dispatch), request,
	    loop_now(c->loop), wall_now());
}

/* Who asked for a message some of whose words must be read from the spool. */
struct show {
	struct list node; /* in control.shows */
	struct control *control; /* borrowed; NULL: it was closed meanwhile */
	struct ctl_later *later; /* borrowed: answered once */
	json_t *request; /* owned reference */
	uint64_t id;
};

static void
on_whole(enum spool_status status, struct reason *const *reasons, uint32_t n,
    void *arg)
{
	struct show *show = arg;
	struct control *c = show->control;
	const struct message *m = NULL;

	(void)status; /* what cannot be read is shown as it is in memory */
	if (c != NULL)
		m = queue_find(dispatch_queue(c->dispatch), show->id);
	answer_later(show->later, m == NULL
				      ? no_such_message()
				      : listing_one(m, show->request,
					    n == m->env->nrcpt ? reasons : NULL,
					    loop_now(c->loop), wall_now()));
	list_remove(&show->node);
	json_decref(show->request);
	free(show);
}

static json_t *
do_show(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	struct show *show;

	if (!listing_is_cut(m))
		return listing_one(
		    m, request, NULL, loop_now(c->loop), wall_now());
	show = MEM_NEW(struct show);
	show->control = c;
	show->later = later;
	show->request = json_deep_copy(request);
	show->id = m->env->id;
	list_append(&c->shows, &show->node);
	spool_fetch_reasons(c->spool, show->id, c->loop, on_whole, show);
	return NULL;
}

/* --- verbs --- */

/* A verb that waits for its answer. */
struct verb {
	struct ctl_later *later; /* borrowed: answered once */
	const char *name;
};

static json_t *
verb_answer(const struct verb *v, const struct dispatch_done *done)
{
	struct qid qid = qid_format(done->id);
	json_t *o = json_pack("{s:s, s:s}", "ok", v->name, "id", qid.text);
	json_t *late = json_array();

	for (uint32_t i = 0; i < done->nlate; i++)
		(void)json_array_append_new(
		    late, describe_text(span_text(done->late[i])));
	if (done->nlate > 0)
		(void)json_object_set(o, "too_late", late);
	if (!done->recorded)
		(void)json_object_set_new(o, "recorded", json_false());
	json_decref(late);
	return o;
}

static void
on_done(const struct dispatch_done *done, void *arg)
{
	struct verb *v = arg;

	FACT(OPERATOR, fact_id("qid", done->id), fact_word("did", v->name),
	    fact_number("too_late", done->nlate));
	answer_later(v->later, verb_answer(v, done));
	free(v);
}

static json_t *
start_verb(struct control *c, struct message *m, enum dispatch_verb verb,
    const char *name, struct ctl_later *later)
{
	struct verb *v = MEM_NEW(struct verb);

	v->later = later;
	v->name = name;
	dispatch_do(c->dispatch, m, verb, on_done, v);
	return NULL;
}

static json_t *
do_retry(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	(void)request;
	return start_verb(c, m, VERB_RETRY, "retry", later);
}

static json_t *
do_hold(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	(void)request;
	return start_verb(c, m, VERB_HOLD, "hold", later);
}

static json_t *
do_release(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	(void)request;
	return start_verb(c, m, VERB_RELEASE, "release", later);
}

static json_t *
do_bounce(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	(void)request;
	return start_verb(c, m, VERB_BOUNCE, "bounce", later);
}

static json_t *
do_remove(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	(void)request;
	return start_verb(c, m, VERB_REMOVE, "remove", later);
}

/* --- cat --- */

/* One piece of content on its way to the operator. */
struct cat {
	struct loop *loop; /* borrowed */
	struct ctl_later *later; /* borrowed: answered once */
	struct content *content; /* owned reference */
	uint64_t offset;
	char *data; /* owned */
	int64_t len;
	struct err err;
};

static void
run_cat(void *arg)
{
	struct cat *cat = arg;

	cat->data = mem_alloc(CAT_CHUNK);
	cat->len = content_read(
	    cat->content, cat->offset, cat->data, CAT_CHUNK, &cat->err);
}

static void
on_cat(void *arg)
{
	struct cat *cat = arg;
	uint64_t size = content_size(cat->content);
	struct buf text = { .max = 2 * CAT_CHUNK };

	if (cat->len < 0) {
		answer_later(cat->later, error_answer(cat->err.text));
	} else {
		(void)base64_encode(
		    span_make(cat->data, (size_t)cat->len), &text);
		answer_later(cat->later,
		    json_pack("{s:I, s:I, s:s%}", "size", (json_int_t)size,
			"offset", (json_int_t)cat->offset, "data",
			buf_span(&text).ptr, buf_len(&text)));
	}
	buf_clear(&text);
	content_unref(cat->content);
	free(cat->data);
	free(cat);
}

static void
on_content(enum spool_status status, struct content *content, void *arg)
{
	struct cat *cat = arg;

	if (status != SPOOL_OK) {
		answer_later(cat->later,
		    error_answer(
			status == SPOOL_DAMAGED
			    ? "the content is damaged in the spool"
			    : "the content cannot be read from the spool"));
		free(cat);
		return;
	}
	cat->content = content;
	work_run(cat->loop, run_cat, on_cat, cat);
}

static json_t *
do_cat(struct control *c, const json_t *request, struct message *m,
    struct ctl_later *later)
{
	struct cat *cat = MEM_NEW(struct cat);
	json_int_t offset =
	    json_integer_value(json_object_get(request, "offset"));

	cat->loop = c->loop;
	cat->later = later;
	cat->offset = offset < 0 ? 0 : (uint64_t)offset;
	spool_fetch(c->spool, m->env->id, c->loop, on_content, cat);
	return NULL;
}

/* --- requests --- */

static json_t *
answer_to(struct control *c, const json_t *request, struct ctl_later *later)
{
	const char *name = json_string_value(json_object_get(request, "do"));
	struct message *m = NULL;

	for (size_t i = 0; name != NULL && i < ARRAY_LEN(table); i++) {
		if (strcmp(name, table[i].name) != 0)
			continue;
		if (table[i].wants_message) {
			m = queue_find(dispatch_queue(c->dispatch),
			    listing_id(request, "id"));
			if (m == NULL)
				return no_such_message();
		}
		return table[i].run(c, request, m, later);
	}
	return error_answer("no such request");
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
    struct dispatch *dispatch, struct spool *spool, struct err *err)
{
	struct control *c = MEM_NEW(struct control);

	c->loop = loop;
	c->dispatch = dispatch;
	c->spool = spool;
	c->started = loop_now(loop);
	list_init(&c->shows);
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
	LIST_FOREACH_SAFE (it, next, &c->shows) {
		LIST_ENTRY(it, struct show, node)->control = NULL;
		list_remove(it);
	}
	free(c);
}
