/*
 * router_priv: a router with other than the usual bound and servers, for tests.
 */
#ifndef ROUTE_ROUTER_PRIV_H
#define ROUTE_ROUTER_PRIV_H

#include <stdint.h>

#include "route/router.h"

struct lookups;

struct router_options {
	uint32_t questions_most; /* under way when a lookup begins */
	struct lookups *lookups; /* owned from then on */
	route_cb cb;
	void *arg;
};

struct router *router_open_take(
    struct loop *loop, const struct conf *conf, struct router_options *options);

#endif
