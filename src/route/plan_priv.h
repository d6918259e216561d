/*
 * plan: what the name servers' answer and the configuration's rule come to for a
 * domain. Values; asks nobody but the system for its own addresses.
 */
#ifndef ROUTE_PLAN_PRIV_H
#define ROUTE_PLAN_PRIV_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct conf;
struct conf_route;
struct lookup_answer;
struct target;

struct plan_request {
	const struct conf *conf;
	const struct conf_route *rule; /* of the domain; NULL: none */
	const struct lookup_answer *answer; /* with hosts */
};

struct plan {
	struct target
	    *target; /* owned reference; without hosts: none is left */
	bool leads_back; /* none is left because we are the first ourselves */
};

/* The relay that the operator wrote; NULL: by MX. */
const struct conf_route *plan_relay(const struct conf_route *rule);
/* Negative: the password's file cannot be read; then there is no plan. */
int plan_make(struct plan *p, const struct plan_request *q, struct err *err);

/* With a NUL at the end, all three. */
void plan_site_key(
    const struct conf_route *rule, const struct target *t, struct buf *key);
void plan_site_name(
    const struct conf_route *rule, const struct target *t, struct buf *name);
void plan_channel_key(const struct target *t, struct buf *key);

#endif
