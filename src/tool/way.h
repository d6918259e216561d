/*
 * way: a next host as the relay would reach it: its addresses, its TLS, its login.
 * For `postern check`, which tries one after the other.
 */
#ifndef TOOL_WAY_H
#define TOOL_WAY_H

#include <sys/socket.h>

#include "base/err.h"

struct conf;
struct conf_route;
struct dns_answer;
struct dns_mx;
struct probe_message;
struct target;

/* `{0}` is none; way_clear() it, whatever came of it. */
struct way {
	struct target *target; /* owned reference */
	/* Of the address that was tried last; empty: none was. */
	char host[320];
	struct sockaddr_storage local; /* our end of it; family 0: none */
};

/* To the relay of a route, with its login. 0, or negative: why not. */
int way_to_relay(struct way *w, const struct conf *conf,
    const struct conf_route *route, struct err *err);
/*
 * To a host that receives mail. `route`: whose TLS rule holds there; NULL: TLS
 * where it is offered.
 */
int way_to_host(struct way *w, const struct conf *conf, const char *name,
    const struct conf_route *route, struct err *err);
void way_clear(struct way *w);

/*
 * The first address at which it works: the host is ready for a message, and was
 * given `message` unless that is NULL. Else what was wrong with the last.
 */
int
way_try(struct way *w, const struct probe_message *message, struct err *err);

/* Which is asked first; NULL: there is none. */
const struct dns_mx *way_first_mx(const struct dns_answer *a);

#endif
