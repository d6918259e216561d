#include "spool/spool.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "mail/reason.h"
#include "spool/content.h"
#include "spool_priv.h"

enum { ID_SHIFT = 10 }; /* ids in a millisecond before they run ahead */

struct spool *
spool_open(const struct spool_options *o, const struct spool_events *on,
    struct err *err)
{
	switch (o->kind) {
	case SPOOL_JOURNAL: return journal_open(o, on, err);
	case SPOOL_MEMORY: break;
	}
	return mem_open(o, on);
}

size_t
spool_piece(void)
{
	return SPOOL_CHUNK;
}

void
spool_init(struct spool *s, const struct spool_ops *ops, uint8_t machine)
{
	s->ops = ops;
	s->machine = machine;
	atomic_init(&s->last_id, (uint64_t)machine << SPOOL_MACHINE_SHIFT);
}

void
spool_close(struct spool *s)
{
	s->ops->close(s);
}

enum spool_status
spool_room(struct spool *s, uint64_t size)
{
	return s->ops->room(s, size);
}

int
spool_scratch(struct spool *s, struct err *err)
{
	return s->ops->scratch(s, err);
}

uint64_t
spool_next_id(struct spool *s)
{
	uint64_t clock = (uint64_t)s->machine << SPOOL_MACHINE_SHIFT |
			 (uint64_t)wall_now() << ID_SHIFT;
	uint64_t last = atomic_load(&s->last_id), next;

	do {
		next = last + 1 > clock ? last + 1 : clock;
	} while (!atomic_compare_exchange_weak(&s->last_id, &last, next));
	return next;
}

void
spool_id_seen(struct spool *s, uint64_t id)
{
	uint64_t last = atomic_load(&s->last_id);

	if (id >> SPOOL_MACHINE_SHIFT != s->machine)
		return; /* another machine counts there */
	while (
	    last < id && !atomic_compare_exchange_weak(&s->last_id, &last, id))
		;
}

struct spool_entry *
spool_entry_open(struct spool *s, struct loop *loop)
{
	struct spool_entry *e = s->ops->entry_open(s);

	e->spool = s;
	e->loop = loop;
	e->id = e->file_id = spool_next_id(s);
	return e;
}

struct spool_entry *
spool_entry_again(const struct spool_entry *e)
{
	struct spool_entry *next = spool_entry_open(e->spool, e->loop);

	next->id = e->id;
	next->replaces = e->replaces;
	return next;
}

struct spool_entry *
spool_entry_replace(struct spool *s, struct loop *loop, uint64_t id)
{
	struct spool_entry *e = spool_entry_open(s, loop);

	e->id = id;
	e->replaces = true;
	return e;
}

void
spool_entry_read(struct spool_entry *e, spool_fetch_cb cb, void *arg)
{
	e->spool->ops->entry_read(e, cb, arg);
}

uint64_t
spool_entry_id(const struct spool_entry *e)
{
	return e->id;
}

void
spool_entry_append_take(
    struct spool_entry *e, struct buf *chunk, spool_done_cb cb, void *arg)
{
	e->appended += buf_len(chunk);
	e->spool->ops->append_take(e, chunk, cb, arg);
}

uint64_t
spool_entry_appended(const struct spool_entry *e)
{
	return e->appended;
}

void
spool_commit(struct spool_entry *e, const struct envelope *env,
    struct content *content, spool_done_cb cb, void *arg)
{
	uint64_t in_front = content == NULL ? 0 : content_size(content);

	/* The record would lie otherwise. */
	assert(env->id == e->id);
	assert(env->size == in_front + e->appended);
	/* In front of what was appended a head stands alone. */
	assert(content == NULL || e->appended == 0 ||
	       content_head(content).len == in_front);
	e->spool->ops->commit(e, env, content, cb, arg);
}

void
spool_commit_again(struct spool_entry *e, const struct envelope *env,
    struct content *content, const struct spool_again *what, spool_done_cb cb,
    void *arg)
{
	assert(e->replaces);
	e->again = *what;
	spool_commit(e, env, content, cb, arg);
}

void
spool_commit_past(struct spool_entry *e, const struct envelope *env,
    struct content *content, const struct progress *rows,
    uint32_t message_flags, spool_done_cb cb, void *arg)
{
	e->rows = rows;
	e->message_flags = message_flags;
	spool_commit(e, env, content, cb, arg);
}

void
spool_entry_drop(struct spool_entry *e)
{
	e->spool->ops->drop(e);
}

void
spool_progress(
    struct spool *s, uint64_t id, const struct progress *rcpts, uint32_t n)
{
	s->ops->progress(s, id, rcpts, n, NULL);
}

void
spool_progress_synced(struct spool *s, uint64_t id,
    const struct progress *rcpts, uint32_t n, struct loop *loop,
    spool_done_cb cb, void *arg)
{
	struct spool_wait wait = { loop, cb, arg };

	s->ops->progress(s, id, rcpts, n, &wait);
}

void
spool_set_flags(struct spool *s, uint64_t id, uint32_t message_flags)
{
	s->ops->set_flags(s, id, message_flags, NULL);
}

void
spool_set_flags_synced(struct spool *s, uint64_t id, uint32_t message_flags,
    struct loop *loop, spool_done_cb cb, void *arg)
{
	struct spool_wait wait = { loop, cb, arg };

	s->ops->set_flags(s, id, message_flags, &wait);
}

void
spool_done(struct spool *s, uint64_t id)
{
	s->ops->done(s, id, NULL);
}

void
spool_done_synced(struct spool *s, uint64_t id, struct loop *loop,
    spool_done_cb cb, void *arg)
{
	struct spool_wait wait = { loop, cb, arg };

	s->ops->done(s, id, &wait);
}

struct content *
spool_content(struct spool *s, uint64_t id)
{
	return s->ops->content(s, id);
}

void
spool_rest(struct spool *s, uint64_t id)
{
	s->ops->rest(s, id);
}

void
spool_fetch(struct spool *s, uint64_t id, struct loop *loop, spool_fetch_cb cb,
    void *arg)
{
	s->ops->fetch(s, id, false, loop, cb, arg);
}

void
spool_fetch_to_send(struct spool *s, uint64_t id, struct loop *loop,
    spool_fetch_cb cb, void *arg)
{
	s->ops->fetch(s, id, true, loop, cb, arg);
}

void
spool_health(struct spool *s, struct spool_health *out)
{
	*out = (struct spool_health){ 0 };
	s->ops->health(s, out);
}

struct fetched {
	struct parcel parcel;
	enum spool_status status;
	struct content *content; /* the callee's */
	spool_fetch_cb cb;
	void *arg;
};

static void
on_fetched(struct parcel *p)
{
	struct fetched *f = (struct fetched *)(void *)p;
	struct fetched copy = *f;

	free(f);
	copy.cb(copy.status, copy.content, copy.arg);
}

void
spool_answer_fetch(struct loop *loop, enum spool_status status,
    struct content *content_take, spool_fetch_cb cb, void *arg)
{
	struct fetched *f = MEM_NEW(struct fetched);

	*f = (struct fetched){ .parcel.open = on_fetched,
		.status = status,
		.content = content_take,
		.cb = cb,
		.arg = arg };
	mailbox_post(loop, &f->parcel);
}

struct waited {
	struct parcel parcel;
	enum spool_status status;
	spool_done_cb cb;
	void *arg;
};

static void
on_waited(struct parcel *p)
{
	struct waited *w = (struct waited *)(void *)p;
	struct waited copy = *w;

	free(w);
	copy.cb(copy.status, copy.arg);
}

void
spool_answer_wait(const struct spool_wait *wait, enum spool_status status)
{
	struct waited *w;

	if (wait == NULL || wait->cb == NULL)
		return;
	w = MEM_NEW(struct waited);
	*w = (struct waited){ .parcel.open = on_waited,
		.status = status,
		.cb = wait->cb,
		.arg = wait->arg };
	mailbox_post(wait->loop, &w->parcel);
}

struct reason *
spool_keep_reason_take(struct spool *s, struct reason *r)
{
	return s->ops->keep_reason_take(s, r);
}

void
spool_fetch_reasons(struct spool *s, uint64_t id, struct loop *loop,
    spool_reasons_cb cb, void *arg)
{
	s->ops->fetch_reasons(s, id, loop, cb, arg);
}

void
spool_reasons_end(struct spool_reasons *r)
{
	r->cb(r->status, r->reasons, r->n, r->arg);
	for (uint32_t i = 0; i < r->n; i++)
		reason_unref(r->reasons[i]);
	free(r->reasons);
	free(r);
}

static void
on_reasons(struct parcel *p)
{
	spool_reasons_end((struct spool_reasons *)(void *)p);
}

void
spool_answer_reasons(struct loop *loop, struct spool_reasons *r)
{
	r->parcel.open = on_reasons;
	mailbox_post(loop, &r->parcel);
}
