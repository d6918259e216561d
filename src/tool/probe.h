/*
 * probe: one connection to one host as the relay would make it, up to where the
 * first message would be given: greeting, EHLO, TLS, login. No message is sent.
 */
#ifndef TOOL_PROBE_H
#define TOOL_PROBE_H

#include <sys/socket.h>

#include "base/err.h"

struct target;
struct target_address;

/* `local` gets the address that it was made from, also when it came to nothing. */
int probe_host(const struct target *t, const struct target_address *a,
    struct sockaddr_storage *local, struct err *err);

#endif
