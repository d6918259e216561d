/*
 * deadline: one point in time that may be moved and cancelled cheaply; moving
 * it further away touches no timer. The callback comes on the loop's thread.
 */
#ifndef IO_DEADLINE_H
#define IO_DEADLINE_H

#include <stdint.h>

struct deadline;
struct loop;
typedef void (*deadline_cb)(void *arg);

struct deadline *deadline_new(struct loop *loop, deadline_cb cb, void *arg);
/* `ms` from now; replaces what was set before. */
void deadline_set(struct deadline *d, uint64_t ms);
void deadline_cancel(struct deadline *d);
/* No callback comes any more; the memory goes later. NULL is allowed. */
void deadline_close(struct deadline *d);

#endif
