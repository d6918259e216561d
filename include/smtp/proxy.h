/*
 * proxy: what a balancer says of a connection in front of it: the PROXY protocol,
 * versions 1 and 2 (haproxy.org, proxy-protocol.txt, sections 2.1 and 2.2). Pure.
 */
#ifndef SMTP_PROXY_H
#define SMTP_PROXY_H

#include <stddef.h>

#include "base/span.h"

enum proxy_status {
	PROXY_MORE, /* the header is not whole */
	PROXY_CLIENT, /* it is, and says who the client is */
	PROXY_LOCAL, /* the balancer's own connection: a health check */
	PROXY_BAD, /* there is none, or a wrong one */
};

enum {
	PROXY_FIRST = 15, /* octets: no header is shorter */
	PROXY_V1_MOST = 107,
	PROXY_V2_MOST = 16 + 4096, /* with what it may say beside */
	PROXY_ADDRESS_SIZE = 46,
};

struct proxy {
	char client[PROXY_ADDRESS_SIZE]; /* PROXY_CLIENT: numeric */
	size_t
	    length; /* of the header; with PROXY_MORE: it has as many at least */
};

/* `in` begins with the connection's first octet. */
enum proxy_status proxy_parse(struct span in, struct proxy *out);

#endif
