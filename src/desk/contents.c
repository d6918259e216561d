/* One message: all about it, and the message itself. */
#include "contents.h"

#include <stdlib.h>

#include "base/mem.h"
#include "control_priv.h"
#include "dispatch/dispatch.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "io/loop.h"
#include "io/work.h"
#include "listing.h"
#include "smtp/base64.h"
#include "spool/content.h"
#include "spool/spool.h"

enum { CAT_CHUNK = 512 * 1024 };

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
				      ? no_such_message(c)
				      : listing_one(m, show->request,
					    n == m->env->nrcpt ? reasons : NULL,
					    loop_now(c->loop), wall_now()));
	list_remove(&show->node);
	json_decref(show->request);
	free(show);
}

json_t *
do_show(const struct ask *ask)
{
	struct control *c = ask->control;
	const struct message *m = ask_message(ask);
	struct show *show;

	if (m == NULL)
		return no_such_message(c);
	if (!listing_is_cut(m))
		return listing_one(
		    m, ask->request, NULL, loop_now(c->loop), wall_now());
	show = MEM_NEW(struct show);
	show->control = c;
	show->later = ask->later;
	show->request = json_deep_copy(ask->request);
	show->id = m->env->id;
	list_append(&c->shows, &show->node);
	spool_fetch_reasons(c->spool, show->id, c->loop, on_whole, show);
	return NULL;
}

void
contents_forget(struct control *c)
{
	LIST_FOREACH_SAFE (it, next, &c->shows) {
		LIST_ENTRY(it, struct show, node)->control = NULL;
		list_remove(it);
	}
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

json_t *
do_cat(const struct ask *ask)
{
	struct control *c = ask->control;
	const struct message *m = ask_message(ask);
	json_int_t offset =
	    json_integer_value(json_object_get(ask->request, "offset"));
	struct cat *cat;

	if (m == NULL)
		return no_such_message(c);
	cat = MEM_NEW(struct cat);
	cat->loop = c->loop;
	cat->later = ask->later;
	cat->offset = offset < 0 ? 0 : (uint64_t)offset;
	spool_fetch(c->spool, m->env->id, c->loop, on_content, cat);
	return NULL;
}
