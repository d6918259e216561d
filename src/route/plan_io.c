/* Reads what a plan needs: the system's own addresses, and a relay's password. */
#include "plan_priv.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "sched/target.h"

enum { PASSWORD_MAX = 1024 };

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

static int
read_password(const char *file, struct secret *out, struct err *err)
{
	char text[PASSWORD_MAX];
	FILE *f = fopen(file, "re");
	size_t n;

	if (f == NULL)
		return err_errno(err, "password-file %s", file);
	n = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (n == 0 || n == sizeof text)
		return err_set(err, -1,
		    "password-file %s: one line of 1 to "
		    "1023 bytes is expected",
		    file);
	secret_set(out, text, n);
	mem_wipe(text, sizeof text);
	return 0;
}

int
plan_read(struct plan *p, const struct plan_request *request, struct err *err)
{
	struct plan_request q = *request;
	union dns_address *own = plan_wants_own(&q) ? read_own(&q) : NULL;

	plan_make(p, &q);
	free(own);
	if (p->target->nhosts == 0 || p->target->login == NULL ||
	    read_password(q.rule->password_file, &p->target->password, err) ==
		0)
		return 0;
	target_unref(p->target);
	p->target = NULL;
	return -1;
}
