/*
 * queue: all messages that wait, by id, and in the order of their arrival. Owns
 * them. A place in that order outlives the message that it was taken from, and
 * what is behind it is found at once, so that a walk may rest between two turns.
 */
#ifndef DISPATCH_QUEUE_H
#define DISPATCH_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct message;
struct queue;

/* A place in the order: by time, and by id where that is the same. */
struct queue_place {
	int64_t arrived; /* wall clock, ms since 1970 */
	uint64_t id;
};

struct queue *queue_new(void);
void queue_free(struct queue *q);
size_t queue_count(const struct queue *q);
/* Takes it. */
void queue_add_take(struct queue *q, struct message *m);
/* Takes it out; it is the caller's. */
void queue_remove(struct queue *q, struct message *m);
struct message *queue_find(const struct queue *q, uint64_t id);
/* The messages from the oldest on; NULL: there is none (more). */
struct message *queue_first(const struct queue *q);
struct message *queue_next(const struct queue *q, const struct message *m);
/* The first one behind that place. */
struct message *queue_after(const struct queue *q, struct queue_place place);
struct queue_place queue_place_of(const struct message *m);

#endif
