/*
 * router: from a recipient's domain to the site that takes its mail: a
 * configured route, or MX. Asked when delivery is due, answers from a cache
 * that lives as long as the DNS allows. Owns the sites. Queue thread only.
 */
#ifndef ROUTE_ROUTER_H
#define ROUTE_ROUTER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "base/span.h"

struct conf;
struct loop;
struct router;
struct site;
struct target;

enum route_status {
	ROUTE_SITE, /* `site` takes it */
	ROUTE_NEVER, /* for good; `detail` says why */
	ROUTE_TEMPORARY, /* not now; `detail` says why */
};

struct route {
	enum route_status status;
	struct site *site;
	char status_code[12]; /* RFC 3463, when there is no site */
	char detail[512];
};

/* What a site's `target` points to. */
struct site_link {
	struct target *target; /* owned reference; the latest known */
	struct list idle; /* lanes without a job */
};

typedef void (*route_cb)(
    struct span domain, const struct route *route, void *token, void *arg);

struct router *router_new(struct loop *loop, const struct conf *conf,
    route_cb cb, void *arg, struct err *err);
void router_free(struct router *r);
/* Forgets what it knew; the sites stay. Who waits for an answer gets one. */
int router_reload(struct router *r, const struct conf *conf, struct err *err);
/* No question is asked any more, none is answered. */
void router_stop(struct router *r);

/* What is known now; NULL: it must be asked. Valid until the loop's turn. */
const struct route *router_known(struct router *r, struct span domain);
/* The answer comes through route_cb, later. The same token is told once. */
bool router_ask(struct router *r, struct span domain, void *token);
/* Each site in turn: *at starts at 0, NULL ends. */
struct site *router_next_site(struct router *r, size_t *at);
/* Frees routes that are stale and sites that nobody uses. */
void router_sweep(struct router *r);

#endif
