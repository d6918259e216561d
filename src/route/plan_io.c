/*
 * What DNS and the configuration say of a domain, made a plan: the hosts that may
 * be asked, in order, and how. A plan's texts are what makes the site (its set of
 * hosts) and the channel (their order, and the rule).
 */
#include "plan_priv.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "route/lookup.h"
#include "sched/target.h"

enum {
	HOSTS_USED = 5, /* RFC 5321 5.1: at least two are tried */
	PASSWORD_MAX = 1024,
};

/* As the system sees it: ::ffff:192.0.2.1 is 192.0.2.1. */
static const char *
plain_text(const struct sockaddr *sa, char out[TARGET_ADDRESS_TEXT])
{
	static const char mapped[] = "::ffff:";

	target_address_text(sa, out);
	if (strncmp(out, mapped, sizeof mapped - 1) == 0 &&
	    strchr(out, '.') != NULL)
		return out + sizeof mapped - 1;
	return out;
}

static bool
same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	char x[TARGET_ADDRESS_TEXT], y[TARGET_ADDRESS_TEXT];

	return strcmp(plain_text(a, x), plain_text(b, y)) == 0;
}

static bool
is_local(const struct sockaddr *sa)
{
	struct ifaddrs *all, *i;
	bool found = false;

	if (target_address_is_special(sa))
		return true;
	if (getifaddrs(&all) == -1)
		return false;
	for (i = all; i != NULL && !found; i = i->ifa_next)
		found = i->ifa_addr != NULL &&
			(i->ifa_addr->sa_family == AF_INET ||
			    i->ifa_addr->sa_family == AF_INET6) &&
			same_address(i->ifa_addr, sa);
	freeifaddrs(all);
	return found;
}

/* Mail that we would hand to ourselves would go round for ever. */
static bool
is_own_listener(
    const struct conf *conf, const struct sockaddr *sa, uint16_t port)
{
	char room[TARGET_ADDRESS_TEXT];
	const char *text = plain_text(sa, room);

	for (size_t i = 0; i < conf->nlistens; i++) {
		const struct conf_listen *l = &conf->listens[i];

		if (l->port != port)
			continue;
		if (strcmp(l->address, text) == 0)
			return true;
		if ((l->address[0] == '\0' ||
			strcmp(l->address, "0.0.0.0") == 0 ||
			strcmp(l->address, "::") == 0) &&
		    is_local(sa))
			return true;
	}
	return false;
}

/*
 * What the operator wrote may lead to loopback: to a signer, a filter, a
 * catcher. What DNS says may not, or anybody could reach what listens there.
 */
static bool
may_deliver_to(
    const struct conf *conf, const struct sockaddr *sa, bool is_relay)
{
	if (is_relay)
		return !target_address_is_nowhere(sa);
	for (size_t i = 0; i < conf->nrefuse; i++)
		if (network_contains(&conf->refuse[i], sa))
			return false;
	return conf->allow_loopback || !target_address_is_special(sa);
}

/* One of its addresses is one where this relay listens, or it has our name. */
static bool
is_ourselves(const struct conf *conf, const struct lookup_host *h,
    uint16_t port, bool is_relay)
{
	/* A relay of our name is another program on this machine. */
	if (!is_relay &&
	    span_equal_nocase(span_text(h->name), span_text(conf->hostname)))
		return true;
	for (unsigned k = 0; k < h->naddresses; k++)
		if (is_own_listener(conf, &h->addresses[k].sa, port))
			return true;
	return false;
}

/*
 * RFC 5321 5.1: where we are in the list ourselves, the hosts that are as
 * preferred as we are, or less, would send the message back to us.
 */
static unsigned
count_before_us(const struct conf *conf, const struct lookup_answer *answer,
    uint16_t port, bool is_relay)
{
	for (unsigned i = 0; i < answer->nhosts; i++) {
		if (!is_ourselves(conf, &answer->hosts[i], port, is_relay))
			continue;
		while (i > 0 && answer->hosts[i - 1].preference ==
				    answer->hosts[i].preference)
			i--;
		return i;
	}
	return answer->nhosts;
}

static void
add_host(const struct plan_request *q, struct target *t,
    const struct lookup_host *h, uint16_t group, uint16_t port)
{
	bool is_relay = plan_relay(q->rule) != NULL, is_added = false;

	for (unsigned k = 0; k < h->naddresses; k++) {
		if (!may_deliver_to(q->conf, &h->addresses[k].sa, is_relay))
			continue;
		if (!is_added)
			target_add_host(t, span_text(h->name), group);
		is_added = true;
		target_add_address(t, &h->addresses[k].sa, port);
	}
}

static void
add_hosts(const struct plan_request *q, struct plan *p)
{
	const struct conf_route *relay = plan_relay(q->rule);
	uint16_t port = relay != NULL ? relay->port : q->conf->deliver_port;
	unsigned n = count_before_us(q->conf, q->answer, port, relay != NULL);
	uint16_t group = 0;

	p->leads_back = n == 0 && q->answer->nhosts > 0;
	for (unsigned i = 0; i < n && p->target->nhosts < HOSTS_USED; i++) {
		const struct lookup_host *h = &q->answer->hosts[i];

		if (i > 0 &&
		    h->preference != q->answer->hosts[i - 1].preference)
			group++;
		add_host(q, p->target, h, group, port);
	}
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

/* The rule holds for whichever hosts there are: a relay, or those of MX. */
static void
apply_rule(struct target *t, const struct conf_route *rule)
{
	static const enum target_tls tls[] = {
		[RELAY_TLS_OPPORTUNISTIC] = TARGET_TLS_OPPORTUNISTIC,
		[RELAY_TLS_REQUIRE] = TARGET_TLS_REQUIRE,
		[RELAY_TLS_IMPLICIT] = TARGET_TLS_IMPLICIT,
	};

	t->tls = tls[rule->tls];
	/* Sections with the same hosts share lanes: none is named here. */
	if (t->tls == TARGET_TLS_REQUIRE)
		t->because = mem_strdup("tls = require in its route");
	if (rule->login != NULL)
		t->login = mem_strdup(rule->login);
}

static struct target *
make_target(const struct plan_request *q)
{
	struct target *t = target_new();

	t->hostname = mem_strdup(q->conf->hostname);
	t->timeout = q->conf->deliver_timeout;
	t->idle = q->conf->lane_idle;
	t->messages = q->conf->lane_messages;
	t->chunking = q->conf->chunking;
	if (q->rule != NULL)
		apply_rule(t, q->rule);
	return t;
}

const struct conf_route *
plan_relay(const struct conf_route *rule)
{
	return rule != NULL && rule->host != NULL ? rule : NULL;
}

int
plan_make(struct plan *p, const struct plan_request *q, struct err *err)
{
	*p = (struct plan){ .target = make_target(q) };
	add_hosts(q, p);
	if (p->target->nhosts > 0 && p->target->login != NULL &&
	    read_password(q->rule->password_file, &p->target->password, err) !=
		0) {
		target_unref(p->target);
		p->target = NULL;
		return -1;
	}
	return 0;
}

/* --- what makes a site, and a channel --- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
put_hosts(const struct target *t, struct buf *out)
{
	char *names[HOSTS_USED];

	for (uint32_t i = 0; i < t->nhosts; i++)
		names[i] = t->hosts[i].name;
	qsort(names, t->nhosts, sizeof *names, by_name);
	for (uint32_t i = 0; i < t->nhosts; i++)
		(void)buf_printf(out, "%s%s", i == 0 ? "" : ",", names[i]);
}

void
plan_site_key(
    const struct conf_route *rule, const struct target *t, struct buf *key)
{
	const struct conf_route *relay = plan_relay(rule);

	if (relay != NULL) {
		(void)buf_printf(key, "relay %s:%u", relay->host, relay->port);
	} else {
		(void)buf_append_text(key, "mx ");
		put_hosts(t, key);
	}
	(void)buf_append_char(key, '\0');
}

void
plan_site_name(
    const struct conf_route *rule, const struct target *t, struct buf *name)
{
	const struct conf_route *relay = plan_relay(rule);

	if (relay != NULL)
		(void)buf_printf(name, "%s:%u", relay->host, relay->port);
	else
		put_hosts(t, name);
	(void)buf_append_char(name, '\0');
}

/*
 * Domains with the same hosts in another order, or under another rule, share no
 * connection: one that may be in clear must not carry what must not.
 */
void
plan_channel_key(const struct target *t, struct buf *key)
{
	(void)buf_printf(
	    key, "%d %s", (int)t->tls, t->login == NULL ? "" : t->login);
	for (uint32_t i = 0; i < t->nhosts; i++)
		(void)buf_printf(
		    key, " %u:%s", t->hosts[i].group, t->hosts[i].name);
	(void)buf_append_char(key, '\0');
}
