/*
 * list: an intrusive, doubly linked ring. The head is a node of its own; a node
 * that is in no list points to itself, so that list_remove() may be called
 * twice. Holds nothing, frees nothing.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* The struct around a node. */
#define LIST_ENTRY(node, type, member)                                         \
	((type *)(void *)((char *)(node)-offsetof(type, member)))
#define LIST_FOREACH(it, head)                                                 \
	for (struct list *it = (head)->next; it != (head); it = it->next)
/* The current node may be removed and freed. */
#define LIST_FOREACH_SAFE(it, tmp, head)                                       \
	for (struct list *it = (head)->next, *tmp = it->next; it != (head);    \
	     it = tmp, tmp = it->next)

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void
list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void
list_prepend(struct list *head, struct list *node)
{
	list_append(head->next, node);
}

static inline void
list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = node;
}

/* The first node, taken out; NULL when there is none. */
static inline struct list *
list_pop(struct list *head)
{
	struct list *node = head->next;

	if (node == head)
		return NULL;
	list_remove(node);
	return node;
}

/* Moves all of `from` to the end of `to`. */
static inline void
list_splice(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
