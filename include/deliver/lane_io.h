/*
 * lane_io: one outgoing connection to one host of a target, on one worker,
 * through which message after message goes. It connects to the first of the host's
 * addresses that works, and ends by itself when it has been idle for long. Which
 * host is tried next is not its business.
 */
#ifndef DELIVER_LANE_IO_H
#define DELIVER_LANE_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "deliver/lane_end.h"

struct attempt;
struct lane_io;
struct loop;
struct peers;
struct signer;
struct spool;
struct target;
struct tls_client;

/* What all lanes of one worker share. Outlives them. */
struct deliver_worker {
	struct loop *loop; /* borrowed */
	struct spool *spool; /* borrowed */
	struct tls_client *tls; /* borrowed */
	struct peers *peers; /* borrowed */
	struct signer *signer; /* borrowed; NULL: nothing is signed */
	struct list lanes; /* of struct lane_io; list_init() it */
	/* The attempt is answered. `more`: the lane waits for the next. */
	void (*answered)(void *token, struct attempt *a, bool more, void *arg);
	/*
	 * The lane is gone. `a` is what it still had: answered in part or not
	 * at all (the rest has OUTCOME_NONE); NULL: nothing. What `end` owns is
	 * the callee's from then on. Never inside of a call to this lane.
	 */
	void (*ended)(void *token, struct attempt *a,
	    const struct lane_end *end, void *arg);
	/* The attempt is not withdrawn: the host may have it. It goes on. */
	void (*too_late)(void *token, void *arg);
	void *arg;
};

/*
 * Takes the attempt and a reference to the target, whose host of that index has
 * an address.
 */
struct lane_io *lane_io_start(struct deliver_worker *w, struct target *target,
    uint32_t host, struct attempt *a, void *token);
/* The next attempt, after `answered`. Takes it. */
void lane_io_give(struct lane_io *io, struct attempt *a);
/*
 * Breaks the attempt off, whatever it waits for, as long as the end of its content
 * has not been handed to the socket: `ended` comes with it, and says so. Else
 * `too_late` comes, and the answer as always. Without an attempt, or when the lane
 * is ending already, nothing happens: the attempt is on its way back.
 */
void lane_io_withdraw(struct lane_io *io);
/* No more work: says QUIT when it is idle, and ends. */
void lane_io_quit(struct lane_io *io);
/* The relay stops: idle lanes quit, the others after their attempt. */
void lane_io_quit_all(struct deliver_worker *w);
/* The relay must stop now: breaks off what is under way. */
void lane_io_abort_all(struct deliver_worker *w);

#endif
