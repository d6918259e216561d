/*
 * The order is a treap: a search tree by place, and a heap by a number that is
 * made of the id. Its form depends on the ids alone, so it is as flat as one whose
 * numbers are drawn, whatever order messages come in, and a message pays no more
 * for it than for a list. Nodes are slots, which stay when their message rests.
 */
#include "dispatch/queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/idmap.h"
#include "base/mem.h"
#include "dispatch/message.h"
#include "dispatch/rest.h"

enum { AWAKE, RESTING }; /* what a slot's due has as its note */

struct slot {
	struct due due; /* while it rests: the first of its times */
	struct slot *left, *right;
	union {
		struct message *message; /* owned */
		struct resting *resting; /* owned */
	};
};

struct queue {
	struct idmap by_id;
	struct slot *root; /* owned, with all below it; NULL: none waits */
	struct list awake, idle; /* struct message */
	void (*woken)(struct message *m, struct due *due, void *arg);
	void *arg;
};

static bool
is_awake(const struct slot *s)
{
	return s->due.note == AWAKE;
}

static struct queue_place
place_of(const struct slot *s)
{
	return is_awake(s) ? queue_place_of(s->message)
			   : (struct queue_place){ resting_arrived(s->resting),
				     resting_id(s->resting) };
}

static uint64_t
id_of(const void *value)
{
	return place_of(value).id;
}

struct queue *
queue_new(void)
{
	struct queue *q = MEM_NEW(struct queue);

	idmap_init(&q->by_id, id_of);
	list_init(&q->awake);
	list_init(&q->idle);
	return q;
}

static void
slot_free(struct slot *s)
{
	if (is_awake(s))
		message_free(s->message);
	else
		resting_free(s->resting);
	free(s);
}

void
queue_free(struct queue *q)
{
	struct slot *s = q->root, *next;

	/* Turned until nothing is left of it: no tree is too deep for that. */
	while (s != NULL) {
		next = s->left;
		if (next != NULL) {
			s->left = next->right;
			next->right = s;
		} else {
			next = s->right;
			slot_free(s);
		}
		s = next;
	}
	idmap_clear(&q->by_id);
	free(q);
}

void
queue_on_woken(struct queue *q,
    void (*woken)(struct message *m, struct due *due, void *arg), void *arg)
{
	q->woken = woken;
	q->arg = arg;
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
rank(const struct slot *s)
{
	uint64_t x = id_of(s) + 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* What is in front of the place, and what is not. */
static void
split(struct slot *tree, struct queue_place place, struct slot **front,
    struct slot **rest)
{
	while (tree != NULL) {
		if (is_before(place_of(tree), place)) {
			*front = tree;
			front = &tree->right;
			tree = *front;
		} else {
			*rest = tree;
			rest = &tree->left;
			tree = *rest;
		}
	}
	*front = *rest = NULL;
}

/* All of `front` is in front of all of `rest`. */
static void
join(struct slot **out, struct slot *front, struct slot *rest)
{
	while (front != NULL && rest != NULL) {
		if (rank(front) >= rank(rest)) {
			*out = front;
			out = &front->right;
			front = *out;
		} else {
			*out = rest;
			out = &rest->left;
			rest = *out;
		}
	}
	*out = front != NULL ? front : rest;
}

static struct slot **
side(struct slot *s, struct queue_place place)
{
	return is_before(place_of(s), place) ? &s->right : &s->left;
}

void
queue_add_take(struct queue *q, struct message *m)
{
	struct slot *s = MEM_NEW(struct slot), **at = &q->root;
	struct queue_place place = queue_place_of(m);

	s->message = m;
	m->slot = s;
	list_append(&q->awake, &m->awake);
	idmap_add(&q->by_id, s);
	while (*at != NULL && rank(*at) >= rank(s))
		at = side(*at, place);
	split(*at, place, &s->left, &s->right);
	*at = s;
}

void
queue_remove(struct queue *q, struct message *m)
{
	struct slot *s = m->slot, **at = &q->root;

	while (*at != s)
		at = side(*at, queue_place_of(m));
	join(at, s->left, s->right);
	(void)idmap_remove(&q->by_id, m->env->id);
	list_remove(&m->awake);
	list_remove(&m->idle);
	m->slot = NULL;
	free(s);
}

/* --- awake, and at rest --- */

static struct message *
wake(struct queue *q, struct slot *s)
{
	if (is_awake(s))
		return s->message;
	s->message = message_wake_take(s->resting);
	s->message->slot = s;
	s->due.note = AWAKE;
	list_append(&q->awake, &s->message->awake);
	if (q->woken != NULL)
		q->woken(s->message, &s->due, q->arg);
	return s->message;
}

struct message *
queue_wake(struct queue *q, struct due *due)
{
	return wake(q, LIST_ENTRY(due, struct slot, due));
}

struct due *
queue_rest(struct message *m)
{
	struct slot *s = m->slot;

	list_remove(&m->awake);
	list_remove(&m->idle);
	s->resting = message_rest_take(m);
	s->due.note = RESTING;
	return &s->due;
}

void
queue_note_idle(struct queue *q, struct message *m)
{
	list_remove(&m->idle);
	list_append(&q->idle, &m->idle);
}

struct message *
queue_take_idle(struct queue *q)
{
	struct list *node = list_pop(&q->idle);

	return node == NULL ? NULL : LIST_ENTRY(node, struct message, idle);
}

static struct message *
awake_at(const struct queue *q, const struct list *node)
{
	return node == &q->awake ? NULL
				 : LIST_ENTRY(node, struct message, awake);
}

struct message *
queue_first_awake(const struct queue *q)
{
	return awake_at(q, q->awake.next);
}

struct message *
queue_next_awake(const struct queue *q, const struct message *m)
{
	return awake_at(q, m->awake.next);
}

/* --- finding --- */

bool
queue_has(const struct queue *q, uint64_t id)
{
	return idmap_get(&q->by_id, id) != NULL;
}

struct message *
queue_find(struct queue *q, uint64_t id)
{
	struct slot *s = idmap_get(&q->by_id, id);

	return s == NULL ? NULL : wake(q, s);
}

static struct slot *
find_after(const struct queue *q, struct queue_place place)
{
	struct slot *found = NULL, *s = q->root;

	while (s != NULL) {
		if (is_before(place, place_of(s))) {
			found = s;
			s = s->left;
		} else {
			s = s->right;
		}
	}
	return found;
}

bool
queue_oldest(const struct queue *q, struct queue_place *out)
{
	const struct slot *s =
	    find_after(q, (struct queue_place){ INT64_MIN, 0 });

	if (s != NULL)
		*out = place_of(s);
	return s != NULL;
}

struct message *
queue_after(struct queue *q, struct queue_place place)
{
	struct slot *s = find_after(q, place);

	return s == NULL ? NULL : wake(q, s);
}
