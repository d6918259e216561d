/*
 * acceptor: the listening sockets, and who may connect: counts sessions, in
 * all and for each address, and hands each connection to a worker of the
 * crew's choice. Queue thread only.
 */
#ifndef MAIN_ACCEPTOR_H
#define MAIN_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct acceptor;
struct acceptor_next;
struct conf;
struct crew;
struct loop;
struct tls_server;

struct acceptor *acceptor_new(struct loop *loop, struct crew *crew);
/*
 * Listens as `conf` says, from acceptor_take() on: what is new was opened then,
 * what is gone is closed, the rest is kept. Where an old socket of ours is in the
 * way of a new one, it is moved when it is taken; `trouble` says it when another
 * process came between, and the old one was opened again.
 */
struct acceptor_next *acceptor_prepare(struct acceptor *a,
    const struct conf *conf, struct tls_server *tls, struct err *err);
void acceptor_take(
    struct acceptor *a, struct acceptor_next *next, struct buf *trouble);
/* Instead of taking it; NULL is allowed. */
void acceptor_discard(struct acceptor_next *next);
/* Closes the listening sockets; sessions go on. */
void acceptor_stop(struct acceptor *a);
/* A session's client logged in; `token` is what worker_serve() was given. */
void acceptor_logged_in(struct acceptor *a, void *token);
/* A session ended; `token` as above. */
void acceptor_closed(struct acceptor *a, void *token);
uint32_t acceptor_sessions(const struct acceptor *a);
void acceptor_free(struct acceptor *a);

#endif
