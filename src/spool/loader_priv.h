/*
 * loader: a start that keeps nobody waiting. The journal goes on behind its newest
 * segment at once, while a thread reads what is there; then the messages arrive on
 * a loop, in turns.
 */
#ifndef SPOOL_LOADER_PRIV_H
#define SPOOL_LOADER_PRIV_H

#include "journal_priv.h"
#include "recover_priv.h"

struct loader;

/*
 * Begins; the journal may be written as soon as it returns 0. `o` says where
 * messages arrive, and whom to tell of the end.
 */
int loader_start(struct journal *j, const struct spool_options *o,
    spool_load_cb load, void *arg, struct err *err);
/* Ends it, wherever it is; on the loop's thread. NULL is allowed. */
void loader_stop(struct loader *l);

#endif
