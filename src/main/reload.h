/*
 * reload: a new configuration for a running relay: all of it, or nothing.
 */
#ifndef MAIN_RELOAD_H
#define MAIN_RELOAD_H

#include "base/buf.h"

struct acceptor;
struct aliases;
struct auth;
struct conf;
struct dispatch;
struct domains;
struct logger;
struct signing;
struct tls_server;

/* Who takes part; owned by the relay. */
struct rooms {
	struct conf *conf;
	/* What it started with, and keeps some of; NULL: that is `conf`. */
	struct conf *started;
	struct logger *logger;
	struct tls_server *tls;
	struct auth *auth;
	struct aliases *aliases; /* NULL: none are configured */
	struct dispatch *dispatch;
	struct signing *signing; /* DKIM */
	struct domains *domains; /* of From */
	struct acceptor *acceptor;
};

/*
 * Reads the file again. 0: all of it is so now, but for what `trouble` (empty
 * before) says waits for the next start. Else it says what failed: nothing has
 * changed then, or where it does not listen as it should. Logged, too.
 */
int reload(struct rooms *rooms, struct buf *trouble);

#endif
