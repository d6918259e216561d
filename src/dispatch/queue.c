/*
 * The order is a treap: a search tree by place, and a heap by a number that is
 * made of the id. Its form depends on the ids alone, so it is as flat as one whose
 * numbers are drawn, whatever order messages come in, and a message pays no more
 * for it than for a list.
 */
#include "dispatch/queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/idmap.h"
#include "base/mem.h"
#include "dispatch/message.h"

struct queue {
	struct idmap by_id;
	struct message *root; /* owned, with all below it; NULL: none waits */
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
	return q;
}

void
queue_free(struct queue *q)
{
	struct message *m = q->root, *next;

	/* Turned until nothing is left of it: no tree is too deep for that. */
	while (m != NULL) {
		next = m->order.left;
		if (next != NULL) {
			m->order.left = next->order.right;
			next->order.right = m;
		} else {
			next = m->order.right;
			message_free(m);
		}
		m = next;
	}
	idmap_clear(&q->by_id);
	free(q);
}

size_t
queue_count(const struct queue *q)
{
	return q->by_id.count;
}

struct queue_place
queue_place_of(const struct message *m)
{
	return (struct queue_place){ m->env->arrived, m->env->id };
}

static bool
is_before(struct queue_place a, struct queue_place b)
{
	return a.arrived != b.arrived ? a.arrived < b.arrived : a.id < b.id;
}

/* The bits of the id, well mixed. */
static uint64_t
rank(const struct message *m)
{
	uint64_t x = m->env->id + 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* What is in front of the place, and what is not. */
static void
split(struct message *tree, struct queue_place place, struct message **front,
    struct message **rest)
{
	while (tree != NULL) {
		if (is_before(queue_place_of(tree), place)) {
			*front = tree;
			front = &tree->order.right;
			tree = *front;
		} else {
			*rest = tree;
			rest = &tree->order.left;
			tree = *rest;
		}
	}
	*front = *rest = NULL;
}

/* All of `front` is in front of all of `rest`. */
static void
join(struct message **out, struct message *front, struct message *rest)
{
	while (front != NULL && rest != NULL) {
		if (rank(front) >= rank(rest)) {
			*out = front;
			out = &front->order.right;
			front = *out;
		} else {
			*out = rest;
			out = &rest->order.left;
			rest = *out;
		}
	}
	*out = front != NULL ? front : rest;
}

static struct message **
side(struct message *m, struct queue_place place)
{
	return is_before(queue_place_of(m), place) ? &m->order.right
						   : &m->order.left;
}

void
queue_add_take(struct queue *q, struct message *m)
{
	struct queue_place place = queue_place_of(m);
	struct message **at = &q->root;

	idmap_add(&q->by_id, m);
	while (*at != NULL && rank(*at) >= rank(m))
		at = side(*at, place);
	split(*at, place, &m->order.left, &m->order.right);
	*at = m;
}

void
queue_remove(struct queue *q, struct message *m)
{
	struct message **at = &q->root;

	while (*at != m)
		at = side(*at, queue_place_of(m));
	join(at, m->order.left, m->order.right);
	m->order.left = m->order.right = NULL;
	(void)idmap_remove(&q->by_id, m->env->id);
}

struct message *
queue_find(const struct queue *q, uint64_t id)
{
	return idmap_get(&q->by_id, id);
}

struct message *
queue_first(const struct queue *q)
{
	return queue_after(q, (struct queue_place){ INT64_MIN, 0 });
}

struct message *
queue_next(const struct queue *q, const struct message *m)
{
	return queue_after(q, queue_place_of(m));
}

struct message *
queue_after(const struct queue *q, struct queue_place place)
{
	struct message *found = NULL, *m = q->root;

	while (m != NULL) {
		if (is_before(place, queue_place_of(m))) {
			found = m;
			m = m->order.left;
		} else {
			m = m->order.right;
		}
	}
	return found;
}
