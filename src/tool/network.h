/*
 * network: what only others can say: name servers, the way to port 25, the name
 * of our address, relays and their logins. For `postern check --network`.
 */
#ifndef TOOL_NETWORK_H
#define TOOL_NETWORK_H

#include "base/findings.h"

struct conf;

struct network_wish {
	const char *domain; /* whose host is tried; NULL: as postern(1) says */
	const char *send_to; /* an address for a test message; NULL: none */
};

void network_look(const struct conf *conf, const struct network_wish *wish,
    struct findings *f);

#endif
