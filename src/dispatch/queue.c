#include "dispatch/queue.h"

#include <stdlib.h>

#include "base/idmap.h"
#include "base/mem.h"
#include "dispatch/message.h"

struct queue {
	struct idmap by_id;
	struct list order;
};

static uint64_t
id_of(const void *value)
{
	return ((const struct message *)value)->env->id;
}

struct queue *
queue_new(void)
{
	struct queue *q = MEM_NEW(struct queue);

	idmap_init(&q->by_id, id_of);
	list_init(&q->order);
	return q;
}

void
queue_free(struct queue *q)
{
	LIST_FOREACH_SAFE (node, next, &q->order)
		message_free(LIST_ENTRY(node, struct message, order));
	idmap_clear(&q->by_id);
	free(q);
}

size_t
queue_count(const struct queue *q)
{
	return q->by_id.count;
}

/* Ids grow, so the place is nearly always the end. */
static void
insert_in_order(struct queue *q, struct message *m)
{
	struct list *before = q->order.prev;

	while (before != &q->order &&
	       LIST_ENTRY(before, struct message, order)->env->id > m->env->id)
		before = before->prev;
	list_prepend(before, &m->order);
}

void
queue_add_take(struct queue *q, struct message *m)
{
	idmap_add(&q->by_id, m);
	insert_in_order(q, m);
}

void
queue_remove(struct queue *q, struct message *m)
{
	list_remove(&m->order);
	(void)idmap_remove(&q->by_id, m->env->id);
}

struct message *
queue_find(const struct queue *q, uint64_t id)
{
	return idmap_get(&q->by_id, id);
}

struct message *
queue_next(const struct queue *q, const struct message *m)
{
	if (m->order.next == &q->order)
		return NULL;
	return LIST_ENTRY(m->order.next, struct message, order);
}

struct message *
queue_after(const struct queue *q, uint64_t after)
{
	struct message *m = queue_find(q, after);

	if (m != NULL)
		return queue_next(q, m);
	LIST_FOREACH (node, &q->order) {
		m = LIST_ENTRY(node, struct message, order);
		if (m->env->id > after)
			return m;
	}
	return NULL;
}
