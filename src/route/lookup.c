/*
 * A lookup's road: wait for room, ask for MX records, ask for the addresses of
 * all their hosts at once, answer. What an answer means is decided here:
 *
 *   WAITING -> MX -> HOSTS -> answered
 *      |        \-> answered    (null MX, no such domain, trouble)
 *      |-> HOSTS                (one host, or a domain without MX records)
 *      \-> answered             (a literal, a name that is none)
 */
#include "route/lookup.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "src/dns/dns_priv.h"
#include "io/loop.h"

enum { TTL_LEAST = 10, TTL_MOST = 3600, TTL_PARTIAL = 60 };

enum phase { PHASE_WAITING, PHASE_MX, PHASE_HOSTS, PHASE_ANSWERED };

/* The addresses of a host while they come in. */
struct found {
	unsigned n4, n6;
	union mx_address v4[MX_ADDRESSES_MAX], v6[MX_ADDRESSES_MAX];
};

struct mx_lookup {
	struct lookup_base base;
	enum phase phase;
	bool is_mail; /* MX first; else the one host */
	bool is_literal; /* the answer is there already */
	bool is_cancelled; /* freed when nothing is under way any more */
	bool has_failed; /* one question or more, temporarily */
	mx_cb cb;
	void *arg;
	char name[MX_NAME_MAX];
	enum packet_status mx; /* PHASE_MX: what came */
	struct mx_host *hosts; /* owned, nhosts of them */
	struct found *found; /* owned, for each host */
	unsigned nhosts;
	struct mx_answer answer; /* hosts: borrowed from above */
};

/*
 * The first trouble is the one to tell; in a sentence, as all details are, since
 * they come into reports.
 */
static void
note_failure(struct mx_lookup *l, const struct question *q, const char *why)
{
	const char *servers = resolver_servers(l->base.resolver);
	char *out = l->answer.detail;
	size_t size = sizeof l->answer.detail;

	if (l->has_failed)
		return;
	l->has_failed = true;
	if (q->type == DNS_MX)
		(void)snprintf(out, size,
		    "The mail hosts (MX) of the domain %.90s could not be "
		    "looked up: %s (asked %.60s)",
		    l->name, why, servers);
	else
		(void)snprintf(out, size,
		    "The address (%s) of the host %.90s could not be looked "
		    "up: %s (asked %.60s)",
		    q->type == DNS_A ? "A" : "AAAA", l->hosts[q->host].name,
		    why, servers);
}

static void
use_ttl(struct mx_lookup *l, uint32_t ttl)
{
	if (ttl < l->answer.ttl)
		l->answer.ttl = ttl;
}

/* A host to ask for; what is no name, or is there already, is left out. */
static void
add_host(struct mx_lookup *l, const char *name, uint16_t preference)
{
	struct mx_host *h;

	if (l->nhosts == MX_HOSTS_MAX || !dns_name_is_valid(span_text(name)))
		return;
	for (unsigned i = 0; i < l->nhosts; i++)
		if (strcmp(l->hosts[i].name, name) == 0)
			return;
	l->hosts = mem_realloc(l->hosts, (l->nhosts + 1) * sizeof *l->hosts);
	h = &l->hosts[l->nhosts++];
	memset(h, 0, sizeof *h);
	(void)snprintf(h->name, sizeof h->name, "%s", name);
	h->preference = preference;
}

static int
compare_mx(const void *a, const void *b)
{
	const struct packet_mx *x = *(const struct packet_mx *const *)a,
			       *y = *(const struct packet_mx *const *)b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* RFC 5321 5.1: by preference. The lot among equal ones is cast by a lane. */
static void
take_mx(struct mx_lookup *l, const struct packet *p)
{
	const struct packet_mx *order[PACKET_MX_MAX];

	for (unsigned i = 0; i < p->nmx; i++)
		order[i] = &p->mx[i];
	qsort(order, p->nmx, sizeof order[0], compare_mx);
	for (unsigned i = 0; i < p->nmx; i++)
		add_host(l, order[i]->name, order[i]->preference);
}

/* RFC 7505 3: the root as only host. */
static bool
is_null_mx(const struct packet *p)
{
	for (unsigned i = 0; i < p->nmx; i++)
		if (p->mx[i].name[0] != '\0')
			return false;
	return p->nmx > 0;
}

static void
take_addresses(
    struct mx_lookup *l, const struct question *q, const struct packet *p)
{
	struct found *f = &l->found[q->host];

	if (q->type == DNS_A) {
		memcpy(f->v4, p->addresses, sizeof f->v4);
		f->n4 = p->naddresses;
	} else {
		memcpy(f->v6, p->addresses, sizeof f->v6);
		f->n6 = p->naddresses;
	}
}

static void
take_packet(struct mx_lookup *l, const struct question *q, struct span bytes)
{
	const char *name = q->type == DNS_MX ? l->name : l->hosts[q->host].name;
	struct packet *p = MEM_NEW(struct packet);
	enum packet_status got = packet_parse(bytes, name, q->type, p);

	if (got != PACKET_BAD && p->ttl != UINT32_MAX)
		use_ttl(l, p->ttl);
	if (q->type == DNS_MX)
		l->mx = got;
	if (got == PACKET_BAD)
		note_failure(l, q, p->why);
	else if (got == PACKET_DATA && q->type != DNS_MX)
		take_addresses(l, q, p);
	else if (got == PACKET_DATA && is_null_mx(p))
		l->answer.status = MX_NONE;
	else if (got == PACKET_DATA)
		take_mx(l, p);
	free(p);
}

/* Called from inside c-ares: takes note, decides nothing. */
void
lookup_on_answer(
    const struct question *q, const char *failure, struct span bytes)
{
	struct mx_lookup *l = (struct mx_lookup *)(void *)q->lookup;

	l->base.pending--;
	if (failure == NULL && !l->is_cancelled)
		take_packet(l, q, bytes);
	if (failure != NULL && !l->is_cancelled) {
		if (q->type == DNS_MX)
			l->mx = PACKET_BAD;
		note_failure(l, q, failure);
	}
	if (l->base.pending == 0)
		resolver_ready(l->base.resolver, &l->base);
}

void
lookup_free(struct lookup_base *base)
{
	struct mx_lookup *l = (struct mx_lookup *)(void *)base;

	free(l->hosts);
	free(l->found);
	free(l);
}

/* Answers and is gone; calling back is the last thing that touches others. */
static void
finish(struct mx_lookup *l, enum mx_status status)
{
	struct mx_answer *a = &l->answer;

	l->phase = PHASE_ANSWERED;
	a->status = status;
	a->hosts = l->hosts;
	a->nhosts = status == MX_FOUND ? l->nhosts : 0;
	if (l->has_failed && a->ttl > TTL_PARTIAL)
		a->ttl = TTL_PARTIAL; /* it may be better soon */
	if (a->ttl > TTL_MOST)
		a->ttl = TTL_MOST;
	if (a->ttl < TTL_LEAST)
		a->ttl = TTL_LEAST;
	resolver_remove(l->base.resolver, &l->base);
	if (!l->is_cancelled)
		l->cb(a, l->arg);
	lookup_free(&l->base);
}

static void explain(struct mx_lookup *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
explain(struct mx_lookup *l, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(l->answer.detail, sizeof l->answer.detail, format, ap);
	va_end(ap);
}

static void
ask_mx(struct mx_lookup *l)
{
	struct question q = { .lookup = &l->base, .type = DNS_MX };

	l->phase = PHASE_MX;
	l->base.pending = 1;
	resolver_ask(l->base.resolver, l->name, &q);
}

static void
ask_hosts(struct mx_lookup *l)
{
	l->phase = PHASE_HOSTS;
	l->found = mem_zalloc(l->nhosts, sizeof *l->found);
	/* Counted first: c-ares may answer before resolver_ask() returns. */
	l->base.pending = 2 * l->nhosts;
	for (unsigned i = 0; i < l->nhosts; i++) {
		struct question q = {
			.lookup = &l->base, .host = i, .type = DNS_A
		};

		resolver_ask(l->base.resolver, l->hosts[i].name, &q);
		q.type = DNS_AAAA;
		resolver_ask(l->base.resolver, l->hosts[i].name, &q);
	}
}

static void
after_mx(struct mx_lookup *l)
{
	if (l->mx == PACKET_BAD) {
		finish(l, MX_TEMPORARY);
	} else if (l->mx == PACKET_NO_NAME) {
		explain(
		    l, "The domain %.200s does not exist (NXDOMAIN)", l->name);
		finish(l, MX_NO_DOMAIN);
	} else if (l->answer.status == MX_NONE) {
		explain(l,
		    "The domain %.190s takes no mail (null MX, RFC 7505)",
		    l->name);
		finish(l, MX_NONE);
	} else if (l->mx == PACKET_DATA && l->nhosts == 0) {
		explain(l,
		    "The domain %.190s names no usable host for its mail (MX)",
		    l->name);
		finish(l, MX_NO_DOMAIN);
	} else {
		/* RFC 5321 5.1: without MX records the domain is the host. */
		if (l->mx == PACKET_NONE)
			add_host(l, l->name, 0);
		ask_hosts(l);
	}
}

/* Both kinds in turn, so that a bound on attempts leaves out neither. */
static void
merge_addresses(struct mx_host *h, const struct found *f)
{
	for (unsigned i = 0; i < MX_ADDRESSES_MAX; i++) {
		if (i < f->n6 && h->naddresses < MX_ADDRESSES_MAX)
			h->addresses[h->naddresses++] = f->v6[i];
		if (i < f->n4 && h->naddresses < MX_ADDRESSES_MAX)
			h->addresses[h->naddresses++] = f->v4[i];
	}
}

static void
explain_no_address(struct mx_lookup *l)
{
	if (!l->is_mail)
		explain(l, "The host %.200s has no address", l->name);
	else if (l->mx == PACKET_DATA)
		explain(l,
		    "No mail host (MX) of the domain %.190s has an "
		    "address",
		    l->name);
	else
		explain(l,
		    "The domain %.180s has neither a mail host (MX) nor "
		    "an address",
		    l->name);
}

static void
after_hosts(struct mx_lookup *l)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < l->nhosts; i++) {
		merge_addresses(&l->hosts[i], &l->found[i]);
		if (l->hosts[i].naddresses > 0)
			l->hosts[kept++] = l->hosts[i];
	}
	l->nhosts = kept;
	if (kept > 0) {
		finish(l, MX_FOUND);
	} else if (l->has_failed) {
		finish(l, MX_TEMPORARY);
	} else {
		explain_no_address(l);
		finish(l, MX_NO_DOMAIN);
	}
}

static void
begin(struct mx_lookup *l)
{
	if (l->is_literal) {
		finish(l, MX_FOUND);
	} else if (!dns_name_is_valid(span_text(l->name))) {
		explain(l, "\"%.200s\" is not a domain name", l->name);
		finish(l, MX_NO_DOMAIN);
	} else if (l->is_mail) {
		ask_mx(l);
	} else {
		add_host(l, l->name, 0);
		ask_hosts(l);
	}
}

void
lookup_advance(struct lookup_base *base)
{
	struct mx_lookup *l = (struct mx_lookup *)(void *)base;

	if (l->is_cancelled) {
		finish(l, MX_TEMPORARY);
		return;
	}
	switch (l->phase) {
	case PHASE_WAITING: begin(l); break;
	case PHASE_MX: after_mx(l); break;
	case PHASE_HOSTS: after_hosts(l); break;
	case PHASE_ANSWERED: break;
	}
}

/* RFC 5321 4.1.3, and a bare address as a configured relay may be one. */
static bool
take_literal(struct mx_lookup *l)
{
	struct span text = span_text(l->name);
	union mx_address a = { 0 };
	char copy[INET6_ADDRSTRLEN];
	bool is_v6;

	if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
		text = span_make(text.ptr + 1, text.len - 2);
	else if (l->is_mail)
		return false;
	is_v6 = span_starts_nocase(text, SPAN("IPv6:"));
	if (is_v6)
		text = span_from(text, 5);
	if (text.len >= sizeof copy)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (!is_v6 && inet_pton(AF_INET, copy, &a.in.sin_addr) == 1)
		a.in.sin_family = AF_INET;
	else if ((is_v6 || !l->is_mail) &&
		 inet_pton(AF_INET6, copy, &a.in6.sin6_addr) == 1)
		a.in6.sin6_family = AF_INET6;
	else
		return false;
	l->hosts = mem_zalloc(1, sizeof *l->hosts);
	(void)snprintf(
	    l->hosts[0].name, sizeof l->hosts[0].name, "%s", l->name);
	l->hosts[0].addresses[0] = a;
	l->hosts[0].naddresses = 1;
	l->nhosts = 1;
	return true;
}

/* A configured relay may be named in the hosts file; mail domains are not. */
static bool
take_hosts_file(struct mx_lookup *l)
{
	union mx_address found[MX_ADDRESSES_MAX];
	unsigned n;

	if (l->is_mail)
		return false;
	n = resolver_hosts_file(
	    l->base.resolver, l->name, found, MX_ADDRESSES_MAX);
	if (n == 0)
		return false;
	add_host(l, l->name, 0);
	if (l->nhosts == 0)
		return false;
	memcpy(l->hosts[0].addresses, found, sizeof found);
	l->hosts[0].naddresses = n;
	return true;
}

static struct mx_lookup *
lookup_new(
    struct resolver *r, struct span name, bool is_mail, mx_cb cb, void *arg)
{
	struct mx_lookup *l = MEM_NEW(struct mx_lookup);

	l->base.resolver = r;
	l->is_mail = is_mail;
	l->cb = cb;
	l->arg = arg;
	l->answer.ttl = UINT32_MAX;
	/* A longer one is no name; cut, it still is none for a message. */
	name = span_to(name, sizeof l->name - 1);
	for (size_t i = 0; i < name.len; i++)
		l->name[i] =
		    name.ptr[i] == '\0' ? ' ' : ascii_lower(name.ptr[i]);
	l->is_literal = take_literal(l) || take_hosts_file(l);
	resolver_add(r, &l->base);
	return l;
}

struct mx_lookup *
resolve_mx(struct resolver *r, struct span domain, mx_cb cb, void *arg)
{
	return lookup_new(r, domain, true, cb, arg);
}

struct mx_lookup *
resolve_host(struct resolver *r, struct span name, mx_cb cb, void *arg)
{
	return lookup_new(r, name, false, cb, arg);
}

void
mx_lookup_cancel(struct mx_lookup *l)
{
	if (l->phase == PHASE_ANSWERED)
		return; /* from inside its callback */
	l->is_cancelled = true;
	if (l->base.pending > 0)
		return; /* c-ares takes back no question */
	resolver_remove(l->base.resolver, &l->base);
	lookup_free(&l->base);
}
