/* Reads what a plan needs: the system's own addresses, and a relay's password. */
#include "plan_priv.h"

#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "io/password_file.h"
#include "sched/target.h"

static void
add_own(
    struct plan_request *q, union dns_address **own, const struct sockaddr *sa)
{
	size_t size = 0;

	if (sa != NULL && sa->sa_family == AF_INET)
		size = sizeof(struct sockaddr_in);
	else if (sa != NULL && sa->sa_family == AF_INET6)
		size = sizeof(struct sockaddr_in6);
	if (size == 0)
		return;
	*own = mem_realloc(*own, (q->nown + 1) * sizeof **own);
	(*own)[q->nown] = (union dns_address){ 0 };
	memcpy(&(*own)[q->nown++], sa, size);
}

/* Returns what the caller frees. */
static union dns_address *
read_own(struct plan_request *q)
{
	union dns_address *own = NULL;
	struct ifaddrs *all;

	if (getifaddrs(&all) == -1)
		return NULL;
	for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
		add_own(q, &own, i->ifa_addr);
	freeifaddrs(all);
	q->own = own;
	return own;
}

int
plan_read(struct plan *p, const struct plan_request *request, struct err *err)
{
	struct plan_request q = *request;
	union dns_address *own = plan_wants_own(&q) ? read_own(&q) : NULL;

	plan_make(p, &q);
	free(own);
	if (p->target->nhosts == 0 || p->target->login == NULL ||
	    password_file_read(
		q.rule->password_file, &p->target->password, err) == 0)
		return 0;
	target_unref(p->target);
	p->target = NULL;
	return -1;
}
