/*
 * control: what the operator may ask of a running relay, over the control
 * socket: the queue listed, shown and steered; the state of it all. Requests
 * and answers are JSON objects; ctl/verbs.h has the table. Queue thread only.
 */
#ifndef DESK_CONTROL_H
#define DESK_CONTROL_H

#include "base/buf.h"
#include "base/err.h"

struct auth;
struct conf;
struct control;
struct crew;
struct dispatch;
struct ledger;
struct state;
struct loop;
struct spool;

/* What it tells of and steers; all borrowed. */
struct control_of {
	struct dispatch *dispatch;
	struct spool *spool;
	struct crew *crew;
	struct suppressor *suppressor;
	struct keys *keys; /* of DKIM */
	struct domains *domains; /* of From */
	struct aliases *const *aliases; /* of the relay, as they are now */
	struct auth *auth;
	struct ledger *ledger;
	struct state *state;
	struct conf *const *conf; /* of the relay, as it is now */
};
struct control *control_open(struct loop *loop, const struct conf *conf,
    const struct control_of *of, struct err *err);
/*
 * Who reads the configuration again when the operator asks for it: 0, and `trouble`
 * says what waits for the next start, if anything; or not, and what failed.
 */
void control_on_reload(struct control *c,
    int (*reload)(struct buf *trouble, void *arg), void *arg);
void control_close(struct control *c);

#endif
