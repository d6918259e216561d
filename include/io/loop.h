/*
 * loop: one libuv loop, its thread's clock and its mailbox. All objects that
 * are made on a loop are used on its thread only; from elsewhere there is
 * mailbox_post(). A loop runs until loop_stop() was called and everything that
 * was opened on it is closed.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct uv_loop_s;

struct loop *loop_new(void);
/* After loop_run() returned. */
void loop_free(struct loop *loop);
/* Blocks until the end. */
void loop_run(struct loop *loop);
/* On the loop's own thread: the mailbox closes, the rest may finish. */
void loop_stop(struct loop *loop);
struct uv_loop_s *loop_uv(struct loop *loop);
/*
 * Something happened: what is posted until the loop sleeps again needs no wake.
 * Only for the loop's own thread, in a handler that the loop called.
 */
void loop_awake(struct loop *loop);
/* Monotonic milliseconds, as of this turn of the loop. */
uint64_t loop_now(const struct loop *loop);
/* Makes it the present; for who has kept the loop from turning for long. */
void loop_refresh(struct loop *loop);
/*
 * A bounded part of each turn is for strangers: connections that nobody has
 * answered for yet. Whether any of it is left; what it is asked for comes again
 * with the next turn.
 */
bool loop_has_time_for_strangers(const struct loop *loop);
/* So much of it was used since `began` (loop_clock()). */
void loop_used_by_stranger(struct loop *loop, uint64_t began);
/* Monotonic nanoseconds, now. */
uint64_t loop_clock(void);
/* Wall clock, milliseconds since 1970. */
int64_t wall_now(void);
/* Random bytes fit for keys and ids. */
void random_fill(void *p, unsigned long len);
uint32_t random_u32(void);
uint64_t random_u64(void);

#endif
