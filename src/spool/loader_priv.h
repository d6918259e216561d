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
 * Begins; the journal may be written as soon as it returns 0. Messages arrive, and
 * `loaded` is told, on the loop of the journal's options.
 */
int
loader_start(struct journal *j, const struct spool_events *on, struct err *err);
/* Ends it, wherever it is; on the loop's thread. NULL is allowed. */
void loader_stop(struct loader *l);

#endif
