/*
 * listener: a listening TCP socket. Each connection is handed over as a
 * descriptor (non-blocking, close-on-exec) that the callee owns.
 */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct listener;
struct loop;

typedef void (*listener_cb)(
    int fd, const struct sockaddr_storage *peer, void *arg);

/*
 * `address` is numeric; "" is every address, IPv4 and IPv6 on one socket.
 * NULL and `err` when it cannot be had.
 */
struct listener *listener_open(struct loop *loop, const char *address,
    uint16_t port, listener_cb cb, void *arg, struct err *err);
/* A socket in the file system. */
struct listener_path {
	const char *path; /* borrowed for the call */
	unsigned mode; /* who may connect: 0600, or 0666 for everybody */
};
/*
 * One that nobody listens on any more is replaced; where somebody does, it is an
 * error. `peer` is empty. Who closes it removes the path.
 */
struct listener *listener_open_path(struct loop *loop,
    const struct listener_path *at, listener_cb cb, void *arg, struct err *err);
/*
 * Whether it could be had: nobody is heard meanwhile, and it is given back. 0, or
 * the negative code of the system.
 */
int listener_try(const char *address, uint16_t port, struct err *err);
/* The port it has; for port 0. */
uint16_t listener_port(const struct listener *l);
/*
 * Hands over all who have connected by now, as far as there are descriptors: before
 * it is closed, or they are cut off.
 */
void listener_drain(struct listener *l);
/* Its address is free when this returns. */
void listener_close(struct listener *l);

#endif
