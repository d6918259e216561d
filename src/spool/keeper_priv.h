/*
 * keeper: the thread that does for the journal what no client waits for: fills
 * spare segments ahead of time, drops segments in order, removes content files.
 */
#ifndef SPOOL_KEEPER_PRIV_H
#define SPOOL_KEEPER_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct content_file;
struct home;
struct segment;
struct space;

enum { SPARES = 2, SPARE_NAME = 16 };

struct keeper {
	const struct home *home; /* borrowed, as the next */
	struct space *space;
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock: */
	struct list drops; /* struct chore */
	struct list removals; /* struct content_file */
	enum { SPARE_NONE, SPARE_READY, SPARE_TAKEN } spares[SPARES];
	bool wants_spare, retry_drops, stop;
};

/* Borrows both. */
void
keeper_init(struct keeper *k, const struct home *home, struct space *space);
int keeper_start(struct keeper *k, struct err *err);
/* Does all that is to be done first. */
void keeper_stop(struct keeper *k);

void keeper_want_spare(struct keeper *k);
/* At the start: a spare that an earlier process left. */
void keeper_found_spare(struct keeper *k, int spare);
/*
 * Takes one; negative when none is ready. Its name is spare_name()'s, and stays
 * the taker's until keeper_spare_gone().
 */
int keeper_take_spare(struct keeper *k);
void keeper_spare_gone(struct keeper *k, int spare);
void spare_name(int spare, char out[SPARE_NAME]);

/*
 * The segment's file goes away, after all that were dropped before; it may
 * become a spare if `recycle`. Takes the journal's reference.
 */
void keeper_drop_take(struct keeper *k, struct segment *s, bool recycle);
/* Takes a reference. */
void keeper_remove_file_take(struct keeper *k, struct content_file *f);

#endif
