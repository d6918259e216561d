/*
 * queue: all messages that wait, by id and in the order of their ids. Owns them.
 */
#ifndef DISPATCH_QUEUE_H
#define DISPATCH_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct message;
struct queue;

struct queue *queue_new(void);
void queue_free(struct queue *q);
size_t queue_count(const struct queue *q);
/* Takes it. */
void queue_add_take(struct queue *q, struct message *m);
/* Takes it out; it is the caller's. */
void queue_remove(struct queue *q, struct message *m);
struct message *queue_find(const struct queue *q, uint64_t id);
/* The messages in order of id, from the first with an id above `after`. */
struct message *queue_after(const struct queue *q, uint64_t after);
struct message *queue_next(const struct queue *q, const struct message *m);

#endif
