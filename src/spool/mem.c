/*
 * The spool in memory, for tests. Answers come through the loop's mailbox, as
 * the journal's do.
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/map.h"
#include "base/mem.h"
#include "io/mailbox.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "spool/content.h"
#include "spool_priv.h"

struct mem_spool {
	struct spool base;
	struct loop *loop; /* borrowed: where events come */
	struct spool_events on;
	pthread_mutex_t lock;
	struct map messages; /* struct message by id; owned */
	uint64_t bytes;
	unsigned failures; /* that many commits to come */
	enum spool_status failure;
};

struct message {
	struct content *content; /* a reference */
	bool rests; /* as if it were on a disk only */
	uint32_t nrcpt;
	struct reason *reasons[]; /* references; NULL: no words */
};

struct mem_entry {
	struct spool_entry base;
	struct parcel parcel;
	struct buf body;
	struct content *content; /* a reference, while committing */
	enum spool_status status;
	bool busy, dropped;
	uint32_t ntaken; /* since the last with a callback */
	spool_done_cb cb;
	void *arg;
};

static struct mem_spool *
mem_of(struct spool *s)
{
	return (struct mem_spool *)(void *)s;
}

static struct mem_entry *
entry_of(struct spool_entry *base)
{
	return (struct mem_entry *)(void *)base;
}

static struct mem_entry *
entry_of_parcel(struct parcel *p)
{
	return (struct mem_entry *)(void *)((char *)p -
					    offsetof(struct mem_entry, parcel));
}

static void
entry_free(struct mem_entry *e)
{
	content_unref(e->content);
	buf_clear(&e->body);
	free(e);
}

/* NULL is allowed. */
static void
message_free(struct message *message)
{
	if (message != NULL) {
		content_unref(message->content);
		for (uint32_t i = 0; i < message->nrcpt; i++)
			reason_unref(message->reasons[i]);
	}
	free(message);
}

static void
mem_close(struct spool *s)
{
	struct mem_spool *m = mem_of(s);
	struct message *message;
	size_t at = 0;

	while ((message = map_next(&m->messages, &at)) != NULL)
		message_free(message);
	map_clear(&m->messages);
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

static enum spool_status
mem_room(struct spool *s, uint64_t size)
{
	(void)s;
	(void)size;
	return SPOOL_OK;
}

static struct spool_entry *
mem_entry_open(struct spool *s)
{
	struct mem_entry *e = MEM_NEW(struct mem_entry);

	(void)s;
	buf_init(&e->body, SIZE_MAX);
	return &e->base;
}

static void
on_appended(struct parcel *p)
{
	struct mem_entry *e = entry_of_parcel(p);

	e->busy = false;
	if (e->dropped)
		entry_free(e);
	else
		e->cb(SPOOL_OK, e->arg);
}

static void
post(struct mem_entry *e, void (*open)(struct parcel *p), spool_done_cb cb,
    void *arg)
{
	e->cb = cb;
	e->arg = arg;
	e->parcel.open = open;
	mailbox_post(e->base.loop, &e->parcel);
}

static void
mem_append_take(
    struct spool_entry *base, struct buf *chunk, spool_done_cb cb, void *arg)
{
	struct mem_entry *e = entry_of(base);

	assert(!e->busy && e->ntaken < SPOOL_TAKEN_MAX);
	e->ntaken++;
	(void)buf_append_span(&e->body, buf_span(chunk));
	buf_clear(chunk);
	if (cb == NULL)
		return;
	e->ntaken = 0;
	e->busy = true;
	post(e, on_appended, cb, arg);
}

static void
on_committed(struct parcel *p)
{
	struct mem_entry *e = entry_of_parcel(p);
	enum spool_status status = e->status;
	spool_done_cb cb = e->cb;
	void *arg = e->arg;

	entry_free(e);
	cb(status, arg);
}

/* Under the lock. */
static enum spool_status
keep(struct mem_spool *m, struct mem_entry *e, uint32_t nrcpt)
{
	struct message *message, *before;

	if (m->failures > 0) {
		m->failures--;
		return m->failure;
	}
	before = map_get_u64(&m->messages, e->base.id);
	if (e->base.replaces && before == NULL)
		return SPOOL_ABSENT;
	m->bytes += content_size(e->content);
	message =
	    mem_zalloc(1, sizeof *message + nrcpt * sizeof message->reasons[0]);
	message->nrcpt = nrcpt;
	message->content = e->content;
	for (uint32_t i = 0; e->base.rows != NULL && i < nrcpt; i++)
		message->reasons[i] = reason_ref(e->base.rows[i].reason);
	e->content = NULL;
	for (uint32_t i = 0; before != NULL && i < before->nrcpt && i < nrcpt;
	     i++)
		message->reasons[i] = reason_ref(before->reasons[i]);
	if (before != NULL)
		m->bytes -= content_size(before->content);
	(void)map_put_u64(&m->messages, e->base.id, message);
	message_free(before);
	return SPOOL_OK;
}

/* The head, or NULL, and what was appended. */
static struct content *
join(const struct content *head, struct buf *body)
{
	struct buf front = { .max = SIZE_MAX };

	if (head != NULL)
		(void)buf_append_span(&front, content_head(head));
	return content_new_take(&front, body);
}

static void
mem_commit(struct spool_entry *base, const struct envelope *env,
    struct content *content, spool_done_cb cb, void *arg)
{
	struct mem_entry *e = entry_of(base);
	struct mem_spool *m = mem_of(base->spool);

	/* Only what is read back without a start is needed. */
	e->content = content == NULL || base->appended > 0
			 ? join(content, &e->body)
			 : content_ref(content);
	(void)pthread_mutex_lock(&m->lock);
	e->status = keep(m, e, env->nrcpt);
	(void)pthread_mutex_unlock(&m->lock);
	post(e, on_committed, cb, arg);
}

static void
mem_drop(struct spool_entry *base)
{
	struct mem_entry *e = entry_of(base);

	e->dropped = true;
	if (!e->busy)
		entry_free(e);
}

static void
mem_entry_read(struct spool_entry *base, spool_fetch_cb cb, void *arg)
{
	struct mem_entry *e = entry_of(base);
	struct buf none = { 0 }, copy = { .max = SIZE_MAX };

	e->ntaken = 0;
	(void)buf_append_span(&copy, buf_span(&e->body));
	spool_answer_fetch(
	    base->loop, SPOOL_OK, content_new_take(&none, &copy), cb, arg);
}

static bool
is_there(struct mem_spool *m, uint64_t id)
{
	bool there;

	(void)pthread_mutex_lock(&m->lock);
	there = map_get_u64(&m->messages, id) != NULL;
	(void)pthread_mutex_unlock(&m->lock);
	return there;
}

static void
answer_news(struct mem_spool *m, uint64_t id, const struct spool_wait *wait)
{
	spool_answer_wait(wait, is_there(m, id) ? SPOOL_OK : SPOOL_ABSENT);
}

static void
mem_progress(struct spool *s, uint64_t id, const struct progress *rcpts,
    uint32_t n, const struct spool_wait *wait)
{
	struct mem_spool *m = mem_of(s);
	struct message *message;

	(void)pthread_mutex_lock(&m->lock);
	message = map_get_u64(&m->messages, id);
	for (uint32_t i = 0; message != NULL && i < n; i++) {
		struct reason **r = &message->reasons[rcpts[i].rcpt];

		if (rcpts[i].rcpt >= message->nrcpt)
			continue;
		reason_unref(*r);
		*r = reason_ref(rcpts[i].reason);
	}
	(void)pthread_mutex_unlock(&m->lock);
	answer_news(m, id, wait);
}

static void
mem_set_flags(struct spool *s, uint64_t id, uint32_t message_flags,
    const struct spool_wait *wait)
{
	(void)message_flags;
	answer_news(mem_of(s), id, wait);
}

/* False: there is no such message. */
static bool
forget(struct mem_spool *m, uint64_t id)
{
	struct message *message;

	(void)pthread_mutex_lock(&m->lock);
	message = map_remove_u64(&m->messages, id);
	if (message != NULL)
		m->bytes -= content_size(message->content);
	(void)pthread_mutex_unlock(&m->lock);
	message_free(message);
	return message != NULL;
}

static void
mem_done(struct spool *s, uint64_t id, const struct spool_wait *wait)
{
	bool was_there = forget(mem_of(s), id);

	if (wait != NULL)
		spool_answer_wait(wait, was_there ? SPOOL_OK : SPOOL_ABSENT);
}

/* One reference, or NULL. */
static struct content *
find_content(struct mem_spool *m, uint64_t id, bool resting_too)
{
	struct content *content = NULL;
	const struct message *message;

	(void)pthread_mutex_lock(&m->lock);
	message = map_get_u64(&m->messages, id);
	if (message != NULL && (resting_too || !message->rests))
		content = content_ref(message->content);
	(void)pthread_mutex_unlock(&m->lock);
	return content;
}

static struct content *
mem_content(struct spool *s, uint64_t id)
{
	return find_content(mem_of(s), id, false);
}

static void
mem_rest(struct spool *s, uint64_t id)
{
	struct mem_spool *m = mem_of(s);
	struct message *message;

	(void)pthread_mutex_lock(&m->lock);
	message = map_get_u64(&m->messages, id);
	if (message != NULL)
		message->rests = true;
	(void)pthread_mutex_unlock(&m->lock);
}

static void
mem_fetch(struct spool *s, uint64_t id, bool to_send, struct loop *loop,
    spool_fetch_cb cb, void *arg)
{
	struct content *content = find_content(mem_of(s), id, true);

	(void)to_send; /* there is no disk that could damage it */
	spool_answer_fetch(
	    loop, content == NULL ? SPOOL_ABSENT : SPOOL_OK, content, cb, arg);
}

static struct reason *
mem_keep_reason_take(struct spool *s, struct reason *r)
{
	(void)s;
	return r; /* there is always room */
}

static void
mem_fetch_reasons(struct spool *s, uint64_t id, struct loop *loop,
    spool_reasons_cb cb, void *arg)
{
	struct spool_reasons *out = MEM_NEW(struct spool_reasons);
	struct mem_spool *m = mem_of(s);
	const struct message *message;

	*out = (struct spool_reasons){
		.status = SPOOL_ABSENT, .cb = cb, .arg = arg
	};
	(void)pthread_mutex_lock(&m->lock);
	message = map_get_u64(&m->messages, id);
	if (message != NULL) {
		out->status = SPOOL_OK;
		out->n = message->nrcpt;
		out->reasons = mem_zalloc(out->n, sizeof(struct reason *));
		for (uint32_t i = 0; i < out->n; i++)
			out->reasons[i] = reason_ref(message->reasons[i]);
	}
	(void)pthread_mutex_unlock(&m->lock);
	spool_answer_reasons(loop, out);
}

static void
mem_health(struct spool *s, struct spool_health *out)
{
	struct mem_spool *m = mem_of(s);

	(void)pthread_mutex_lock(&m->lock);
	out->accepting = out->recording = true;
	out->messages = m->messages.count;
	out->live_bytes = out->used_bytes = m->bytes;
	(void)pthread_mutex_unlock(&m->lock);
}

static int
mem_scratch(struct spool *s, struct err *err)
{
	int fd = memfd_create("scratch", MFD_CLOEXEC);

	(void)s;
	return fd >= 0 ? fd : err_errno(err, "memfd_create");
}

static const struct spool_ops mem_ops = {
	.close = mem_close,
	.room = mem_room,
	.scratch = mem_scratch,
	.entry_open = mem_entry_open,
	.append_take = mem_append_take,
	.entry_read = mem_entry_read,
	.commit = mem_commit,
	.drop = mem_drop,
	.progress = mem_progress,
	.set_flags = mem_set_flags,
	.done = mem_done,
	.content = mem_content,
	.rest = mem_rest,
	.fetch = mem_fetch,
	.keep_reason_take = mem_keep_reason_take,
	.fetch_reasons = mem_fetch_reasons,
	.health = mem_health,
};

struct spool *
mem_open(const struct spool_options *o, const struct spool_events *on)
{
	struct mem_spool *m = MEM_NEW(struct mem_spool);

	spool_init(&m->base, &mem_ops, o->machine);
	m->loop = o->loop;
	m->on = *on;
	(void)pthread_mutex_init(&m->lock, NULL);
	return &m->base;
}

struct spool *
mem_spool_open(void)
{
	struct spool_options o = { .kind = SPOOL_MEMORY };
	struct spool_events on = { 0 };

	return mem_open(&o, &on);
}

/* --- another machine takes a message --- */

struct loss {
	struct parcel parcel;
	struct mem_spool *spool; /* borrowed */
	uint64_t id;
};

static void
on_loss(struct parcel *p)
{
	struct loss *l = (struct loss *)(void *)p;

	l->spool->on.lost(l->id, l->spool->on.arg);
	free(l);
}

void
mem_spool_lose(struct spool *s, uint64_t id)
{
	struct mem_spool *m = mem_of(s);
	struct loss *l = MEM_NEW(struct loss);

	(void)forget(m, id);
	l->parcel.open = on_loss;
	l->spool = m;
	l->id = id;
	mailbox_post(m->loop, &l->parcel);
}

void
mem_spool_fail(struct spool *s, unsigned n, enum spool_status status)
{
	struct mem_spool *m = mem_of(s);

	(void)pthread_mutex_lock(&m->lock);
	m->failures = n;
	m->failure = status;
	(void)pthread_mutex_unlock(&m->lock);
}
