/*
 * proxies: connections of balancers, until the balancer has said who the client is
 * (smtp/proxy.h). Not an octet behind that header is read.
 */
#ifndef MAIN_PROXIES_H
#define MAIN_PROXIES_H

#include <stdbool.h>

struct loop;
struct proxies;

/*
 * The descriptor is the callee's. `client`: numeric, and NULL for a connection of
 * the balancer's own.
 */
typedef void (*proxies_cb)(int fd, const char *client, void *token, void *arg);

/* Closes what never says anything sensible; `token` is given up with it then. */
struct proxies *proxies_new(struct loop *loop, proxies_cb cb,
    void (*forget)(void *token, void *arg), void *arg);
/* Takes the descriptor; `balancer` is its numeric address, for the log. */
void proxies_take(struct proxies *p, int fd, const char *balancer, void *token);
/* All that wait are closed, and none is handed on any more. */
void proxies_stop(struct proxies *p);
/* After that, and when its loop has turned. */
void proxies_free(struct proxies *p);

#endif
