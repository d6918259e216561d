/*
 * What DNS and the configuration say of a domain, made a plan: the hosts that may
 * be asked, in order, and how. A plan's texts are what makes the site (its set of
 * hosts) and the channel (their order, and the rule). What must be read for it, the
 * system's addresses and the password, is given: plan_io reads it.
 */
#include "plan_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "route/lookup.h"
#include "sched/target.h"

enum { HOSTS_USED = 5 }; /* RFC 5321 5.1: at least two are tried */

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
is_local(const struct plan_request *q, const struct sockaddr *sa)
{
	if (target_address_is_special(sa))
		return true;
	for (size_t i = 0; i < q->nown; i++)
		if (same_address(&q->own[i].sa, sa))
			return true;
	return false;
}

static bool
is_wildcard(const struct conf_listen *l)
{
	return l->address[0] == '\0' || strcmp(l->address, "0.0.0.0") == 0 ||
	       strcmp(l->address, "::") == 0;
}

static uint16_t
port_of(const struct plan_request *q)
{
	const struct conf_route *relay = plan_relay(q->rule);

	return relay != NULL ? relay->port : q->conf->deliver_port;
}

bool
plan_wants_own(const struct plan_request *q)
{
	for (size_t i = 0; i < q->conf->nlistens; i++)
		if (q->conf->listens[i].port == port_of(q) &&
		    is_wildcard(&q->conf->listens[i]))
			return true;
	return false;
}

/* Mail that we would hand to ourselves would go round for ever. */
static bool
is_own_listener(const struct plan_request *q, const struct sockaddr *sa)
{
	char room[TARGET_ADDRESS_TEXT];
	const char *text = plain_text(sa, room);

	for (size_t i = 0; i < q->conf->nlistens; i++) {
		const struct conf_listen *l = &q->conf->listens[i];

		if (l->port != port_of(q))
			continue;
		if (strcmp(l->address, text) == 0)
			return true;
		if (is_wildcard(l) && is_local(q, sa))
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
is_ourselves(const struct plan_request *q, const struct lookup_host *h)
{
	/* A relay of our name is another program on this machine. */
	if (plan_relay(q->rule) == NULL &&
	    span_equal_nocase(span_text(h->name), span_text(q->conf->hostname)))
		return true;
	for (unsigned k = 0; k < h->naddresses; k++)
		if (is_own_listener(q, &h->addresses[k].sa))
			return true;
	return false;
}

/*
 * RFC 5321 5.1: where we are in the list ourselves, the hosts that are as
 * preferred as we are, or less, would send the message back to us.
 */
static unsigned
count_before_us(const struct plan_request *q)
{
	const struct lookup_host *hosts = q->answer->hosts;

	for (unsigned i = 0; i < q->answer->nhosts; i++) {
		if (!is_ourselves(q, &hosts[i]))
			continue;
		while (i > 0 && hosts[i - 1].preference == hosts[i].preference)
			i--;
		return i;
	}
	return q->answer->nhosts;
}

static void
add_host(const struct plan_request *q, struct target *t,
    const struct lookup_host *h, uint16_t group)
{
	bool is_relay = plan_relay(q->rule) != NULL, is_added = false;

	for (unsigned k = 0; k < h->naddresses; k++) {
		if (!may_deliver_to(q->conf, &h->addresses[k].sa, is_relay))
			continue;
		if (!is_added)
			target_add_host(t, span_text(h->name), group);
		is_added = true;
		target_add_address(t, &h->addresses[k].sa, port_of(q));
	}
}

static void
add_hosts(const struct plan_request *q, struct plan *p)
{
	unsigned n = count_before_us(q);
	uint16_t group = 0;

	p->leads_back = n == 0 && q->answer->nhosts > 0;
	for (unsigned i = 0; i < n && p->target->nhosts < HOSTS_USED; i++) {
		const struct lookup_host *h = &q->answer->hosts[i];

		if (i > 0 &&
		    h->preference != q->answer->hosts[i - 1].preference)
			group++;
		add_host(q, p->target, h, group);
	}
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

void
plan_make(struct plan *p, const struct plan_request *q)
{
	*p = (struct plan){ .target = make_target(q) };
	add_hosts(q, p);
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

/* So that no text can be read as two others. */
static void
put_counted(struct buf *out, const char *text)
{
	(void)buf_printf(out, " %zu:%s", strlen(text), text);
}

/*
 * Domains with the same hosts in another order, or under another rule, share no
 * connection: one that may be in clear must not carry what must not, and mail of
 * one login goes by no other, nor by another password.
 */
void
plan_channel_key(
    const struct conf_route *rule, const struct target *t, struct buf *key)
{
	const struct conf_route *relay = plan_relay(rule);

	(void)buf_printf(key, "%d", (int)t->tls);
	if (relay != NULL && relay->login != NULL) {
		put_counted(key, relay->login);
		put_counted(key, relay->password_file);
	}
	for (uint32_t i = 0; i < t->nhosts; i++)
		(void)buf_printf(
		    key, " %u:%s", t->hosts[i].group, t->hosts[i].name);
	(void)buf_append_char(key, '\0');
}
