/*
 * lookup: from a domain to the hosts that take its mail (RFC 5321 5.1, RFC 7505),
 * each with its addresses. c-ares asks; libuv waits. One answer a question, on
 * the resolver's loop.
 */
#ifndef ROUTE_LOOKUP_H
#define ROUTE_LOOKUP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum mx_status {
	MX_FOUND,
	MX_NONE, /* the null MX: the domain takes no mail; final, 5.1.10 */
	MX_NO_DOMAIN, /* NXDOMAIN, or neither MX nor address; final, 5.1.2 */
	MX_TEMPORARY, /* everything else: servers down, bad answers; 4.4.3 */
};

enum { MX_HOSTS_MAX = 16, MX_ADDRESSES_MAX = 8, MX_NAME_MAX = 256 };

union mx_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct mx_host {
	char name[MX_NAME_MAX]; /* lower case, without a dot at the end */
	uint16_t preference;
	unsigned naddresses;
	union mx_address addresses[MX_ADDRESSES_MAX]; /* port 0 */
};

struct mx_answer {
	enum mx_status status;
	uint32_t ttl; /* s that the answer may be kept */
	unsigned nhosts; /* ordered by preference, equal ones by name */
	struct mx_host *hosts;
	char detail[256]; /* what was asked and what came, when not MX_FOUND */
};

/* `answer` is borrowed for the call. */
typedef void (*mx_cb)(const struct mx_answer *answer, void *arg);

struct loop;
struct resolver;
struct mx_lookup;

/* `servers`: "192.0.2.1:53", "[2001:db8::53]:53"; none: the system's. */
struct resolver *resolver_new(
    struct loop *loop, char *const *servers, size_t nservers, struct err *err);
/* Pending lookups end without a callback; the memory goes later, on the loop. */
void resolver_close(struct resolver *r);

/*
 * The mail hosts of a domain. A domain of the form "[192.0.2.1]" or
 * "[IPv6:2001:db8::1]" (RFC 5321 4.1.3) is answered without a question, a
 * little later. Hosts without an address are left out.
 */
struct mx_lookup *
resolve_mx(struct resolver *r, struct span domain, mx_cb cb, void *arg);
/* The addresses of one host (also from the hosts file), as an answer with it. */
struct mx_lookup *
resolve_host(struct resolver *r, struct span name, mx_cb cb, void *arg);
void mx_lookup_cancel(struct mx_lookup *l);

#endif
