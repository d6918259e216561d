/*
 * acceptor: the listening sockets, and who may connect: counts sessions, in
 * all and for each address, and hands each connection to a worker of the
 * crew's choice. Queue thread only.
 */
#ifndef MAIN_ACCEPTOR_H
#define MAIN_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct acceptor;
struct conf;
struct crew;
struct loop;
struct tls_server;

struct acceptor *acceptor_new(struct loop *loop, struct crew *crew);
/*
 * Listens as `conf` says: opens what is new, closes what is gone, keeps the
 * rest. On error nothing has changed. Takes references to both.
 */
int acceptor_configure(struct acceptor *a, const struct conf *conf,
    struct tls_server *tls, struct err *err);
/* Closes the listening sockets; sessions go on. */
void acceptor_stop(struct acceptor *a);
/* A session's client logged in; `token` is what worker_serve() was given. */
void acceptor_logged_in(struct acceptor *a, void *token);
/* A session ended; `token` as above. */
void acceptor_closed(struct acceptor *a, void *token);
uint32_t acceptor_sessions(const struct acceptor *a);
void acceptor_free(struct acceptor *a);

#endif
