/*
 * plan: what the name servers' answer and the configuration's rule come to for a
 * domain. Pure, but for plan_read(), which reads what the rest is given.
 */
#ifndef ROUTE_PLAN_PRIV_H
#define ROUTE_PLAN_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "dns/answer.h"

struct conf;
struct conf_route;
struct lookup_answer;
struct target;

struct plan_request {
	const struct conf *conf;
	const struct conf_route *rule; /* of the domain; NULL: none */
	const struct lookup_answer *answer; /* with hosts */
	const union dns_address *own; /* the system's; borrowed */
	size_t nown;
};

struct plan {
	struct target
	    *target; /* owned reference; without hosts: none is left */
	bool leads_back; /* none is left because we are the first ourselves */
};

/* The relay that the operator wrote; NULL: by MX. */
const struct conf_route *plan_relay(const struct conf_route *rule);
/* The system's own addresses matter, since we listen at all of them. */
bool plan_wants_own(const struct plan_request *q);
/* Without the password of a login. */
void plan_make(struct plan *p, const struct plan_request *q);
/*
 * The same with what there is to read: our addresses, if they matter, and the
 * password. Negative: its file cannot be read; then there is no plan.
 */
int plan_read(struct plan *p, const struct plan_request *q, struct err *err);

/* With a NUL at the end, all three. */
void plan_site_key(
    const struct conf_route *rule, const struct target *t, struct buf *key);
void plan_site_name(
    const struct conf_route *rule, const struct target *t, struct buf *name);
void plan_channel_key(
    const struct conf_route *rule, const struct target *t, struct buf *key);

#endif
