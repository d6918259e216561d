/*
 * lane_io: one outgoing connection to a site, on one worker, through which
 * message after message goes. It connects to the first of the target's
 * addresses that works, and ends by itself when it has been idle for long.
 */
#ifndef DELIVER_LANE_IO_H
#define DELIVER_LANE_IO_H

#include <stdbool.h>

#include "base/list.h"
#include "deliver/attempt.h"
#include "mail/words.h"

struct lane_io;
struct loop;
struct spool;
struct target;
struct tls_client;

struct lane_end {
	bool failed; /* the site's fault: it counts against it */
	bool untouched; /* the attempt may go to another lane, nothing was
			   said about it (a connection that died idle) */
	bool login_failed; /* the operator's to mend */
	char status[WORDS_STATUS_MAX]; /* RFC 3463 */
	char host[ATTEMPT_HOST_MAX]; /* which one; may be empty */
	char what[320]; /* in our words */
	char *said; /* owned; the host's lines, or NULL */
};
void lane_end_clear(struct lane_end *end);
/* Its spans point into `end`. */
struct words lane_end_words(const struct lane_end *end);

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
