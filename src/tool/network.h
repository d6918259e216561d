/*
 * network: what only others can say: name servers, the way to port 25, the name
 * of our address, relays and their logins. For `postern check --network`.
 */
#ifndef TOOL_NETWORK_H
#define TOOL_NETWORK_H

#include "base/findings.h"

struct conf;

/* `domain`: whose mail host is tried; NULL: the one that postern(1) names. */
void
network_look(const struct conf *conf, const char *domain, struct findings *f);

#endif
