/*
 * dispatch: moves waiting messages: takes what is due from the queue, has it
 * routed, gives it to lanes, records what became of it, reports to senders.
 * Everything on the queue thread. dispatch.c makes rounds, lanes.c serves
 * sites, reports.c tells senders.
 */
#ifndef DISPATCH_DISPATCH_H
#define DISPATCH_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mail/progress.h"

struct attempt;
struct conf;
struct crew;
struct dispatch;
struct envelope;
struct lane;
struct lane_end;
struct loop;
struct queue;
struct queued;
struct router;
struct spool;

/* Borrows the loop; takes a reference of its own to the configuration. */
struct dispatch *
dispatch_new(struct loop *loop, const struct conf *conf, struct err *err);
/* Before dispatch_start(). Borrows both. */
void
dispatch_set_road(struct dispatch *d, struct spool *spool, struct crew *crew);
int
dispatch_reload(struct dispatch *d, const struct conf *conf, struct err *err);
/* Begins to deliver. */
void dispatch_start(struct dispatch *d);
/* No new round and no new lane from now on. */
void dispatch_stop(struct dispatch *d);
/* Whether nothing is under way that must be waited for. */
bool dispatch_is_idle(const struct dispatch *d);
/* Called whenever a report or a lane is over after dispatch_stop(). */
void dispatch_on_idle(struct dispatch *d, void (*idle)(void *arg), void *arg);
void dispatch_free(struct dispatch *d);

/* A message from the spool's past; spool_load_cb. */
void dispatch_load(struct envelope *env, const struct progress *rows,
    uint32_t flags, void *dispatch);
/* A new one. Takes it. */
void dispatch_add(struct dispatch *d, struct envelope *env);

/* What workers say. */
void dispatch_answered(
    struct dispatch *d, struct lane *lane, struct attempt *a, bool more);
void dispatch_ended(struct dispatch *d, struct lane *lane, struct attempt *a,
    const struct lane_end *end);

/* The operator's hand. */
struct queue *dispatch_queue(struct dispatch *d);
struct router *dispatch_router(struct dispatch *d);
void dispatch_retry(struct dispatch *d, struct queued *m);
void dispatch_hold(struct dispatch *d, struct queued *m, bool hold);
/* Without a report; with one when `report` (the sender is told). */
void dispatch_remove(struct dispatch *d, struct queued *m, bool report);

#endif
