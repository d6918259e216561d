#include "route/router.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "sched/target.h"
#include "dns/mx.h"
#include "io/loop.h"
#include "sched/site.h"

enum {
	HOSTS_USED = 5, /* RFC 5321 5.1: at least two are tried */
	TEMPORARY_TTL_MS = 10000,
	SITE_UNUSED_MS = 600000,
	PASSWORD_MAX = 1024,
};

/* One domain's way, or the question for it. */
struct entry {
	struct router *router; /* borrowed: owns it */
	char *domain; /* owned; lower case */
	struct route route;
	uint64_t expires; /* monotonic ms; 0: being asked */
	struct mx_lookup *lookup; /* owned while asked */
	const struct conf_route *rule; /* borrowed from conf; NULL: none */
	void **waiters; /* owned array of tokens */
	size_t nwaiters;
};

struct router {
	struct loop *loop;
	const struct conf *conf; /* owned reference */
	struct resolver *resolver;
	struct map entries, sites;
	route_cb cb;
	void *arg;
};

static struct resolver *
make_resolver(struct loop *loop, const struct conf *conf, struct err *err)
{
	return resolver_new(loop, conf->resolvers, conf->nresolvers, err);
}

struct router *
router_new(struct loop *loop, const struct conf *conf, route_cb cb, void *arg,
    struct err *err)
{
	struct router *r = MEM_NEW(struct router);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	map_init(&r->entries, seed);
	map_init(&r->sites, seed);
	r->loop = loop;
	r->cb = cb;
	r->arg = arg;
	r->resolver = make_resolver(loop, conf, err);
	if (r->resolver == NULL) {
		free(r);
		return NULL;
	}
	r->conf = conf_ref(conf);
	return r;
}

static void
entry_free(struct entry *e)
{
	free(e->domain);
	free(e->waiters);
	free(e);
}

static void
forget_entries(struct router *r)
{
	struct entry *e;
	size_t at = 0;

	while ((e = map_next(&r->entries, &at)) != NULL)
		entry_free(e);
	map_clear(&r->entries);
}

static void
drop_site(struct site *s)
{
	struct site_link *link = s->target;

	target_unref(link->target);
	free(link);
	site_free(s);
}

void
router_stop(struct router *r)
{
	resolver_close(r->resolver);
	r->resolver = NULL;
}

void
router_free(struct router *r)
{
	struct site *s;
	size_t at = 0;

	if (r == NULL)
		return;
	if (r->resolver != NULL)
		router_stop(r);
	forget_entries(r);
	while ((s = map_next(&r->sites, &at)) != NULL)
		drop_site(s);
	map_clear(&r->sites);
	conf_unref(r->conf);
	free(r);
}

struct site *
router_next_site(struct router *r, size_t *at)
{
	return map_next(&r->sites, at);
}

/* --- targets --- */

/* The relay that the operator wrote; NULL: by MX. */
static const struct conf_route *
relay_of(const struct entry *e)
{
	return e->rule != NULL && e->rule->host != NULL ? e->rule : NULL;
}

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
may_deliver_to(const struct conf *conf, const struct sockaddr *sa,
    uint16_t port, bool is_relay)
{
	if (is_relay ? target_address_is_nowhere(sa)
		     : target_address_is_special(sa) && !conf->allow_loopback)
		return false;
	return !is_own_listener(conf, sa, port);
}

static void
add_hosts(const struct router *r, const struct entry *e, struct target *t,
    const struct mx_answer *answer)
{
	const struct conf_route *relay = relay_of(e);
	uint16_t port = relay != NULL ? relay->port : r->conf->deliver_port;
	uint16_t group = 0;

	for (unsigned i = 0; i < answer->nhosts && t->nhosts < HOSTS_USED;
	     i++) {
		const struct mx_host *h = &answer->hosts[i];

		/*
		 * RFC 5321 5.1: we are in the list; the rest come behind us. A
		 * relay of our name is another program on this machine.
		 */
		if (relay == NULL && span_equal_nocase(span_text(h->name),
					 span_text(r->conf->hostname)))
			return;
		if (i > 0 && h->preference != answer->hosts[i - 1].preference)
			group++;
		target_add_host(t, span_text(h->name), group);
		for (unsigned k = 0; k < h->naddresses; k++)
			if (may_deliver_to(r->conf, &h->addresses[k].sa, port,
				relay != NULL))
				target_add_address(
				    t, &h->addresses[k].sa, port);
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
make_target(const struct router *r, const struct entry *e,
    const struct mx_answer *answer)
{
	const struct conf *conf = r->conf;
	struct target *t = target_new();

	t->hostname = mem_strdup(conf->hostname);
	t->timeout = conf->deliver_timeout;
	t->idle = conf->lane_idle;
	t->messages = conf->lane_messages;
	t->chunking = conf->chunking;
	if (e->rule != NULL)
		apply_rule(t, e->rule);
	add_hosts(r, e, t, answer);
	return t;
}

/* What makes a site: the set of hosts, whatever their order, and the rule. */
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

/*
 * Domains with the same hosts and another rule share no connection: one that
 * may be in clear must not carry what must not.
 */
static void
site_key(const struct entry *e, const struct target *t, struct buf *key)
{
	const struct conf_route *relay = relay_of(e);

	if (relay != NULL)
		(void)buf_printf(key, "relay %s:%u %d %s", relay->host,
		    relay->port, (int)relay->tls,
		    relay->login == NULL ? "" : relay->login);
	else {
		(void)buf_printf(key, "mx %d ", (int)t->tls);
		put_hosts(t, key);
	}
}

static void
site_name(const struct entry *e, const struct target *t, struct buf *name)
{
	const struct conf_route *relay = relay_of(e);

	if (relay != NULL) {
		(void)buf_printf(name, "%s:%u", relay->host, relay->port);
		return;
	}
	put_hosts(t, name);
	if (t->tls != TARGET_TLS_OPPORTUNISTIC)
		(void)buf_append_text(name, " (TLS required)");
}

static struct site *
make_site(struct router *r, const struct entry *e, const struct target *t,
    struct span key)
{
	struct site_link *link = MEM_NEW(struct site_link);
	char *key_text = span_dup(key);
	struct buf name = { 0 };
	struct site *s;

	site_name(e, t, &name);
	(void)buf_append_char(&name, '\0');
	s = site_new(key_text, buf_span(&name).ptr);
	free(key_text);
	buf_clear(&name);
	list_init(&link->idle);
	s->target = link;
	(void)map_put(&r->sites, span_text(s->key), s);
	return s;
}

static struct site *
site_for(struct router *r, const struct entry *e, struct target *t)
{
	struct buf key = { 0 };
	struct site_link *link;
	struct site *s;

	site_key(e, t, &key);
	s = map_get(&r->sites, buf_span(&key));
	if (s == NULL)
		s = make_site(r, e, t, buf_span(&key));
	buf_clear(&key);
	link = s->target;
	target_unref(link->target);
	link->target = t;
	s->last_used = loop_now(r->loop);
	return s;
}

/* --- answers --- */

static void
no_route(struct route *route, enum route_status status, const char *code,
    const char *detail)
{
	route->status = status;
	route->site = NULL;
	(void)snprintf(
	    route->status_code, sizeof route->status_code, "%s", code);
	(void)snprintf(route->detail, sizeof route->detail, "%s", detail);
}

/* No host is left, or none has an address that may be used. */
static void
no_address(struct entry *e, const struct target *t)
{
	const struct conf_route *relay = relay_of(e);
	char detail[sizeof e->route.detail];

	/* A relay is the operator's to mend, and nothing bounces for it. */
	if (relay != NULL)
		(void)snprintf(detail, sizeof detail,
		    "The relay %.200s:%u leads back to this relay, or to no "
		    "host at all",
		    relay->host, relay->port);
	else if (t->nhosts == 0)
		(void)snprintf(detail, sizeof detail,
		    "The mail hosts of the domain %.200s lead back to this "
		    "relay",
		    e->domain);
	else
		(void)snprintf(detail, sizeof detail,
		    "No mail host of the domain %.120s has an address that "
		    "mail may be sent to (loopback, link-local and our own "
		    "are left out; see deliver.allow-loopback)",
		    e->domain);
	if (relay == NULL && t->nhosts == 0)
		no_route(&e->route, ROUTE_NEVER, "5.4.6", detail);
	else
		no_route(&e->route, ROUTE_TEMPORARY, "4.4.4", detail);
}

static void
to_site(struct router *r, struct entry *e, const struct mx_answer *answer)
{
	struct target *t = make_target(r, e, answer);
	struct err err;

	if (t->naddresses == 0) {
		no_address(e, t);
		target_unref(t);
		return;
	}
	if (t->login != NULL &&
	    read_password(e->rule->password_file, &t->password, &err) != 0) {
		log_error("route_unusable domain=%s what=%s",
		    log_quote_text(e->domain), log_quote_text(err.text));
		target_unref(t);
		no_route(&e->route, ROUTE_TEMPORARY, "4.7.0", err.text);
		return;
	}
	e->route = (struct route){ .status = ROUTE_SITE };
	e->route.site = site_for(r, e, t);
}

static void
tell_waiters(struct entry *e)
{
	struct router *r = e->router;
	void **waiters = e->waiters;
	size_t n = e->nwaiters;

	e->waiters = NULL;
	e->nwaiters = 0;
	for (size_t i = 0; i < n; i++)
		r->cb(span_text(e->domain), &e->route, waiters[i], r->arg);
	free(waiters);
}

static void
on_mx(const struct mx_answer *answer, void *arg)
{
	struct entry *e = arg;
	uint64_t ttl = (uint64_t)answer->ttl * 1000;

	e->lookup = NULL;
	switch (answer->status) {
	case MX_FOUND: to_site(e->router, e, answer); break;
	case MX_NONE:
		no_route(&e->route, ROUTE_NEVER, "5.1.10", answer->detail);
		break;
	case MX_NO_DOMAIN:
		/* A relay that vanished is ours to mend, not the sender's. */
		no_route(&e->route,
		    relay_of(e) == NULL ? ROUTE_NEVER : ROUTE_TEMPORARY,
		    relay_of(e) == NULL ? "5.1.2" : "4.4.3", answer->detail);
		break;
	case MX_TEMPORARY:
		no_route(&e->route, ROUTE_TEMPORARY, "4.4.3", answer->detail);
		break;
	}
	if (e->route.status != ROUTE_SITE || ttl < TEMPORARY_TTL_MS)
		ttl = TEMPORARY_TTL_MS;
	e->expires = loop_now(e->router->loop) + ttl;
	tell_waiters(e);
}

/* --- asking --- */

static struct span
low(struct span domain, char out[256])
{
	size_t n = domain.len < 255 ? domain.len : 255;

	for (size_t i = 0; i < n; i++)
		out[i] = ascii_lower(domain.ptr[i]);
	return span_make(out, n);
}

const struct route *
router_known(struct router *r, struct span domain)
{
	char text[256];
	struct entry *e = map_get(&r->entries, low(domain, text));

	if (e == NULL || e->expires <= loop_now(r->loop))
		return NULL;
	if (e->route.site != NULL)
		e->route.site->last_used = loop_now(r->loop);
	return &e->route;
}

static void
add_waiter(struct entry *e, void *token)
{
	if ((e->nwaiters & (e->nwaiters - 1)) == 0)
		e->waiters = mem_realloc(
		    e->waiters, (e->nwaiters == 0 ? 1 : e->nwaiters * 2) *
				    sizeof *e->waiters);
	e->waiters[e->nwaiters++] = token;
}

static void
start_lookup(struct router *r, struct entry *e)
{
	const struct conf_route *relay;

	e->rule = conf_route(r->conf, span_text(e->domain));
	relay = relay_of(e);
	if (relay == NULL)
		e->lookup =
		    resolve_mx(r->resolver, span_text(e->domain), on_mx, e);
	else
		e->lookup =
		    resolve_host(r->resolver, span_text(relay->host), on_mx, e);
}

bool
router_ask(struct router *r, struct span domain, void *token)
{
	char text[256];
	struct span key = low(domain, text);
	struct entry *e = map_get(&r->entries, key);

	if (e == NULL) {
		e = MEM_NEW(struct entry);
		e->router = r;
		e->domain = span_dup(key);
		(void)map_put(&r->entries, span_text(e->domain), e);
	}
	if (e->nwaiters > 0 && e->waiters[e->nwaiters - 1] == token)
		return false;
	add_waiter(e, token);
	if (e->lookup == NULL) {
		e->expires = 0;
		start_lookup(r, e);
	}
	return true;
}

int
router_reload(struct router *r, const struct conf *conf, struct err *err)
{
	struct resolver *fresh = make_resolver(r->loop, conf, err);
	struct entry *e;
	size_t at = 0;

	if (fresh == NULL)
		return -1;
	/* Who waits is told to come back; then everything is asked anew. */
	while ((e = map_next(&r->entries, &at)) != NULL) {
		if (e->lookup != NULL)
			mx_lookup_cancel(e->lookup);
		e->lookup = NULL;
		no_route(&e->route, ROUTE_TEMPORARY, "4.4.3",
		    "the configuration was reloaded");
		tell_waiters(e);
	}
	forget_entries(r);
	resolver_close(r->resolver);
	r->resolver = fresh;
	conf_unref(r->conf);
	r->conf = conf_ref(conf);
	return 0;
}

/* --- forgetting --- */

static void
keep_entry(struct map *keep, struct entry *e, uint64_t now)
{
	(void)map_put(keep, span_text(e->domain), e);
	if (e->route.site != NULL)
		e->route.site->last_used = now;
}

static void
sweep_entries(struct router *r, uint64_t now)
{
	struct map keep = { .seed = {
				r->entries.seed[0], r->entries.seed[1] } };
	struct entry *e;
	size_t at = 0;

	while ((e = map_next(&r->entries, &at)) != NULL) {
		if (e->lookup == NULL && e->nwaiters == 0 && e->expires <= now)
			entry_free(e);
		else
			keep_entry(&keep, e, now);
	}
	map_clear(&r->entries);
	r->entries = keep;
}

void
router_sweep(struct router *r)
{
	uint64_t now = loop_now(r->loop);
	struct map keep = { .seed = { r->sites.seed[0], r->sites.seed[1] } };
	struct site *s;
	size_t at = 0;

	sweep_entries(r, now);
	while ((s = map_next(&r->sites, &at)) != NULL) {
		if (s->waiting == 0 && s->lanes == 0 &&
		    now - s->last_used > SITE_UNUSED_MS &&
		    !site_remembers(s, now))
			drop_site(s);
		else
			(void)map_put(&keep, span_text(s->key), s);
	}
	map_clear(&r->sites);
	r->sites = keep;
}
