/*
 * queue: all messages that wait, by id, and in the order of their arrival. Owns
 * them. A place in that order outlives the message that it was taken from, and
 * what is behind it is found at once, so that a walk may rest between two turns.
 *
 * A message is awake, or rests (dispatch/rest.h). Whoever asks for one gets it awake,
 * and may keep the pointer until the end of the turn; for longer only while one of
 * its legs is under way or it is pinned (message->pins).
 */
#ifndef DISPATCH_QUEUE_H
#define DISPATCH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due;
struct message;
struct queue;

/* A place in the order: by time, and by id where that is the same. */
struct queue_place {
	int64_t arrived; /* wall clock, ms since 1970 */
	uint64_t id;
};

struct queue *queue_new(void);
void queue_free(struct queue *q);
/*
 * `woken` is called for each that wakes: `due` is what was in a heap for it while it
 * rested, and is to be taken out.
 */
void queue_on_woken(struct queue *q,
    void (*woken)(struct message *m, struct due *due, void *arg), void *arg);
size_t queue_count(const struct queue *q);
/* Takes it, awake. */
void queue_add_take(struct queue *q, struct message *m);
/* Takes it out; it is the caller's. */
void queue_remove(struct queue *q, struct message *m);
/* Whether there is one; it sleeps on. */
bool queue_has(const struct queue *q, uint64_t id);
struct message *queue_find(struct queue *q, uint64_t id);
/* The first one behind that place; NULL: there is none (more). */
struct message *queue_after(struct queue *q, struct queue_place place);
struct queue_place queue_place_of(const struct message *m);
/* Where the oldest is, which sleeps on; false: none waits. */
bool queue_oldest(const struct queue *q, struct queue_place *out);

/* Of those that are awake, in no order. */
struct message *queue_first_awake(const struct queue *q);
struct message *
queue_next_awake(const struct queue *q, const struct message *m);
/* Its user has nothing to do with it now. */
void queue_note_idle(struct queue *q, struct message *m);
/* One of these, which is not idle any more; NULL: there is none. */
struct message *queue_take_idle(struct queue *q);
/*
 * Lays it to rest, which it can (message_can_rest()): the pointer is void. What is
 * returned may stand in a heap for it, with any kind, until it wakes.
 */
struct due *queue_rest(struct message *m);
/* The one that this belongs to wakes. */
struct message *queue_wake(struct queue *q, struct due *due);

#endif
