/*
 * rest: a message that nobody has in hand, as bytes. Most of what waits waits for
 * minutes or hours, and a message that is awake takes twice the memory. Pure: what
 * wakes is what was put to rest, field by field, but for what its user keeps in it
 * (places in lists and heaps).
 */
#ifndef DISPATCH_REST_H
#define DISPATCH_REST_H

#include <stdbool.h>
#include <stdint.h>

struct message;
struct resting;

/*
 * One with more recipients stays awake: each of many times would wake and lay down
 * all of it.
 */
enum { REST_RCPTS_MOST = 16 };

/*
 * No leg of it is under way, nothing is to be told of it, nobody has it pinned. False
 * of what does not fit, too: more recipients, long texts, a time of arrival that no
 * clock has.
 */
bool message_can_rest(const struct message *m);
/* One that can. Takes it: it is free()d, and its words live on with the result. */
struct resting *message_rest_take(struct message *m);
/* The other way round. */
struct message *message_wake_take(struct resting *r);
void resting_free(struct resting *r);

/* As the envelope has them. */
uint64_t resting_id(const struct resting *r);
int64_t resting_arrived(const struct resting *r);

#endif
