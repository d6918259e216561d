/*
 * lane_io: one outgoing connection to a site, on one worker, through which
 * message after message goes. It connects to the first of the target's
 * addresses that works, and ends by itself when it has been idle for long.
 */
#ifndef DELIVER_LANE_IO_H
#define DELIVER_LANE_IO_H

#include <stdbool.h>

#include "base/list.h"
#include "deliver/lane_end.h"

struct attempt;
struct lane_io;
struct loop;
struct spool;
struct target;
struct tls_client;

/* What all lanes of one worker share. Outlives them. */
struct deliver_worker {
	struct loop *loop; /* borrowed */
	struct spool *spool; /* borrowed */
	struct tls_client *tls; /* borrowed */
	struct list lanes; /* of struct lane_io; list_init() it */
	/* The attempt is answered. `more`: the lane waits for the next. */
	void (*answered)(void *token, struct attempt *a, bool more, void *arg);
	/*
	 * The lane is gone. `a` is what it still had: answered in part or not
	 * at all (the rest has OUTCOME_NONE); NULL: nothing. What `end` owns is
	 * the callee's from then on.
	 */
	void (*ended)(void *token, struct attempt *a,
	    const struct lane_end *end, void *arg);
	void *arg;
};

/* Takes the attempt and a reference to the target. */
struct lane_io *lane_io_start(struct deliver_worker *w, struct target *target,
    struct attempt *a, void *token);
/* The next attempt, after `answered`. Takes it. */
void lane_io_give(struct lane_io *io, struct attempt *a);
/* No more work: says QUIT when it is idle, and ends. */
void lane_io_quit(struct lane_io *io);
/* The relay stops: idle lanes quit, the others after their attempt. */
void lane_io_quit_all(struct deliver_worker *w);
/* The relay must stop now: breaks off what is under way. */
void lane_io_abort_all(struct deliver_worker *w);

#endif
