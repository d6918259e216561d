/*
 * probe: one connection to one host as the relay would make it, up to where the
 * first message would be given: greeting, EHLO, TLS, login. A message is sent only
 * where one is wanted.
 */
#ifndef TOOL_PROBE_H
#define TOOL_PROBE_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/span.h"

struct attempt;
struct target;
struct target_address;

/* A message for it: what is said of each recipient is in the attempt then. */
struct probe_message {
	struct attempt
	    *attempt; /* borrowed; its envelope has the content's size */
	struct span content;
};

/*
 * `message`: NULL for none. `local` gets the address that it was made from, also
 * when it came to nothing. Negative: the host was not ready for a message, or was
 * lost on it.
 */
int probe_host(const struct target *t, const struct target_address *a,
    const struct probe_message *message, struct sockaddr_storage *local,
    struct err *err);

#endif
