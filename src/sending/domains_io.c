/*
 *   domains_used -> (known: that is all) -> a domain, due at once
 *   on_alarm -> begin_look, a few at a time -> on_answer ... -> end_look: what is news
 *   is told and kept, a domain that is held may be let go, the next look is due
 *
 * The table is bounded: the pair of an account and a domain that was not used for the
 * longest time leaves, and with its last pair the domain, unless it is held.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "dns/resolver.h"
#include "domains_parts_io.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "mail/words.h"
#include "sign/keyring.h"
#include "sign/keys.h"

enum {
	AT_ONCE = 8, /* looks, each with one question */
	DAY_MS = 24 * 3600 * 1000,
	WRONG_MS = 3600 * 1000, /* until the next look, when it is refused */
	HELD_MS = 5 * 60 * 1000, /* and when it is held */
	/*
	 * Held though all is in order: receivers may have old records. It is tried
	 * again after that, and nobody is alarmed twice a day for it.
	 */
	OLD_RECORDS_MS = 3600 * 1000,
	ACCOUNT_MOST = 1024,
	KEY_SIZE = ACCOUNT_MOST + 1 + SENDING_NAME_SIZE,
};

static void on_alarm(void *arg);
static void on_answer(const struct dns_answer *answer, void *arg);

/* --- the table --- */

struct domain *
domains_make(struct domains *d, struct span name)
{
	struct domain *of = map_get(&d->domains, name);

	if (of != NULL)
		return of;
	of = MEM_NEW(struct domain);
	of->table = d;
	of->name = span_dup(name);
	of->mail_from = span_dup(name);
	list_init(&of->sites);
	list_append(&d->all, &of->node);
	(void)map_put(&d->domains, span_text(of->name), of);
	family_add(FAMILY_SENDING, SENDING_UNKNOWN, 1);
	return of;
}

void
domains_set_verdict(struct domain *of, enum sending_verdict v)
{
	family_add(FAMILY_SENDING, of->verdict, -1);
	family_add(FAMILY_SENDING, v, 1);
	of->verdict = v;
}

static void
site_free(struct domain_site *s)
{
	list_remove(&s->node);
	free(s->site);
	free(s->host);
	free(s->status);
	free(s->said);
	free(s);
}

static void
stop_look(struct domain *of)
{
	if (of->look == NULL)
		return;
	if (of->question != NULL)
		resolver_forget(of->question);
	of->question = NULL;
	look_free(of->look);
	of->look = NULL;
	of->table->under_way--;
}

static void
tell_lookers(struct domains *d, struct domain *of, bool is_gone)
{
	struct list mine;

	list_init(&mine);
	LIST_FOREACH_SAFE (node, next, &d->lookers) {
		if (LIST_ENTRY(node, struct looker, node)->domain != of)
			continue;
		list_remove(node);
		list_append(&mine, node);
	}
	LIST_FOREACH_SAFE (node, next, &mine) {
		struct looker *l = LIST_ENTRY(node, struct looker, node);

		list_remove(node);
		if (is_gone ||
		    !domains_find(d, span_text(of->name), l->cb, l->arg))
			l->cb(NULL, l->arg);
		free(l);
	}
}

static void
domain_free(struct domain *of)
{
	struct domains *d = of->table;

	stop_look(of);
	tell_lookers(d, of, true);
	heap_drop(&d->heap, &of->due);
	list_remove(&of->node);
	(void)map_remove(&d->domains, span_text(of->name));
	family_add(FAMILY_SENDING, of->verdict, -1);
	LIST_FOREACH_SAFE (node, next, &of->sites)
		site_free(LIST_ENTRY(node, struct domain_site, node));
	free(of->name);
	free(of->mail_from);
	free(of->found);
	free(of);
}

static void
drop_domain(struct domains *d, struct domain *of)
{
	if (of->pairs > 0 || of->is_held)
		return;
	kept_put(d,
	    &(struct state_sending){
		STATE_DOMAIN, span_text(of->name), SPAN(""), SPAN(""), 0 },
	    true);
	domain_free(of);
}

/* ACCOUNT, in lower case, a NUL, and DOMAIN. */
static struct span
make_key(struct span account, struct span domain, char room[KEY_SIZE])
{
	account = span_to(account, ACCOUNT_MOST);
	domain = span_to(domain, SENDING_NAME_SIZE - 1);
	for (size_t i = 0; i < account.len; i++)
		room[i] = ascii_lower(account.ptr[i]);
	room[account.len] = '\0';
	memcpy(room + account.len + 1, domain.ptr, domain.len);
	return span_make(room, account.len + 1 + domain.len);
}

static void
put_pair(struct domains *d, const struct pair *p, bool is_dropped)
{
	kept_put(d,
	    &(struct state_sending){ STATE_DOMAIN_ACCOUNT,
		span_text(p->domain->name), span_make(p->key, p->naccount),
		SPAN(""), wall_now() },
	    is_dropped);
}

static void
pair_free(struct domains *d, struct pair *p)
{
	list_remove(&p->node);
	(void)map_remove(&d->pairs, span_make(p->key, p->nkey));
	p->domain->pairs--;
	free(p->key);
	free(p);
}

static void
make_room(struct domains *d)
{
	struct pair *oldest = LIST_ENTRY(d->used.next, struct pair, node);
	struct domain *of = oldest->domain;

	if (d->pairs.count < DOMAINS_MOST)
		return;
	put_pair(d, oldest, true);
	pair_free(d, oldest);
	drop_domain(d, of);
}

void
domains_make_pair(struct domains *d, struct domain *of, struct span account)
{
	char room[KEY_SIZE];
	struct span key = make_key(account, span_text(of->name), room);
	struct pair *p = map_get(&d->pairs, key);

	if (p != NULL || account.len > ACCOUNT_MOST)
		return;
	of->pairs++; /* so that it stays while there is made room */
	make_room(d);
	p = MEM_NEW(struct pair);
	p->domain = of;
	p->key = mem_dup(key.ptr, key.len);
	p->nkey = key.len;
	p->naccount = account.len;
	list_append(&d->used, &p->node);
	(void)map_put(&d->pairs, span_make(p->key, p->nkey), p);
}

/* --- when --- */

static void
set_alarm(struct domains *d)
{
	const struct due *first = heap_first(&d->heap);
	uint64_t now = loop_now(d->loop);

	if (first == NULL || d->under_way >= AT_ONCE)
		deadline_cancel(d->alarm);
	else
		deadline_set(d->alarm, first->at > now ? first->at - now : 1);
}

void
domains_schedule(struct domains *d, struct domain *of, uint64_t ms)
{
	if (of->look != NULL)
		of->again = of->again || ms == 0;
	else
		heap_set(&d->heap, &of->due, loop_now(d->loop) + ms);
	set_alarm(d);
}

void
domains_used(struct domains *d, struct span account, struct span domain,
    struct span mail_from)
{
	char room[KEY_SIZE];
	struct domain *of;
	struct pair *p;

	if (domain.len == 0 || domain.len >= SENDING_NAME_SIZE ||
	    account.len > ACCOUNT_MOST)
		return;
	p = map_get(&d->pairs, make_key(account, domain, room));
	if (p != NULL) {
		list_remove(&p->node);
		list_append(&d->used, &p->node);
		return;
	}
	of = domains_make(d, domain);
	domains_make_pair(d, of, account);
	put_pair(d, map_get(&d->pairs, make_key(account, domain, room)), false);
	if (of->looked != 0 || of->look != NULL)
		return;
	if (mail_from.len > 0 && mail_from.len < SENDING_NAME_SIZE) {
		free(of->mail_from);
		of->mail_from = span_dup(mail_from);
	}
	domains_schedule(d, of, 0);
}

/* --- what is found --- */

static uint64_t
hash_of(const struct domain *of)
{
	static const uint64_t key[2] = { 0x706f73746572, 0x6e };

	return of->found == NULL ? 0 : siphash24(key, of->found, of->nfound);
}

static void
read_found(const struct domain *of, struct sending *out)
{
	if (of->found == NULL ||
	    !sending_read(span_make(of->found, of->nfound), out))
		*out = (struct sending){ .verdict = SENDING_UNKNOWN };
	(void)snprintf(out->domain, sizeof out->domain, "%s", of->name);
}

static const struct domain_site *
first_site(const struct domain *of)
{
	return list_is_empty(&of->sites)
		   ? NULL
		   : LIST_ENTRY(of->sites.next, struct domain_site, node);
}

static void
tell(const struct sending *s)
{
	const char *spf =
	    s->spf.is_known ? spf_result_name(s->spf.result) : "unknown";
	struct buf advice = { 0 };
	struct span first;

	sending_advise(s, &advice);
	first = buf_span(&advice);
	first = span_cut(&first, '\n');
	if (s->verdict == SENDING_REFUSED)
		FACT(SENDING_DOMAIN_WARN, fact_word("domain", s->domain),
		    fact_word("verdict", sending_verdict_name(s->verdict)),
		    fact_word("spf", spf),
		    fact_string("dkim", dkim_status_name(s->dkim.status)),
		    fact_string("dmarc", dmarc_status_name(s->dmarc.status)),
		    fact_text("next", first));
	else
		FACT(SENDING_DOMAIN, fact_word("domain", s->domain),
		    fact_word("verdict", sending_verdict_name(s->verdict)),
		    fact_word("spf", spf),
		    fact_string("dkim", dkim_status_name(s->dkim.status)),
		    fact_string("dmarc", dmarc_status_name(s->dmarc.status)),
		    fact_text("next", first));
	buf_clear(&advice);
}

/* What a domain is held for is told once what was found is known. */
static void
alert(struct domains *d, struct domain *of, const struct sending *s)
{
	const struct domain_site *site = first_site(of);
	int64_t now = wall_now();
	struct words w = { 0 };

	of->before = of->nfound;
	of->before_hash = hash_of(of);
	of->wants_alert = false;
	if (site == NULL || (s->verdict != SENDING_REFUSED &&
				of->alerted != 0 && now - of->alerted < DAY_MS))
		return;
	of->alerted = now;
	w.host = span_text(site->host);
	w.status = span_text(site->status);
	w.said = span_text(site->said);
	d->events.alert(s, site->site, &w, d->events.arg);
}

static bool
is_mended(const struct domains *d, const struct domain *of)
{
	bool passes =
	    of->verdict == SENDING_GOOD || of->verdict == SENDING_INCOMPLETE;

	return passes &&
	       (of->nfound != of->before || hash_of(of) != of->before_hash ||
		   loop_now(d->loop) - of->held_at >= OLD_RECORDS_MS);
}

static uint64_t
next_look(const struct domain *of)
{
	uint64_t spread = random_u32() % (uint32_t)WRONG_MS;

	if (of->is_held)
		return HELD_MS;
	return of->verdict == SENDING_REFUSED || of->verdict == SENDING_UNKNOWN
		   ? WRONG_MS
		   : DAY_MS - spread;
}

static void
take_found(struct domains *d, struct domain *of, const struct sending *s)
{
	bool is_news = of->looked == 0 || of->verdict != s->verdict;
	struct buf bytes = { 0 };

	sending_write(s, &bytes);
	free(of->found);
	of->nfound = buf_len(&bytes);
	of->found = mem_dup(buf_span(&bytes).ptr, of->nfound);
	buf_clear(&bytes);
	of->looked = wall_now();
	domains_set_verdict(of, s->verdict);
	kept_put(d,
	    &(struct state_sending){ STATE_DOMAIN, span_text(of->name),
		SPAN(""), span_make(of->found, of->nfound), of->looked },
	    false);
	if (is_news)
		tell(s);
}

static void
end_look(struct domains *d, struct domain *of)
{
	struct sending s = *look_verdict(of->look);

	stop_look(of);
	take_found(d, of, &s);
	if (of->is_held && of->wants_alert)
		alert(d, of, &s);
	else if (of->is_held && is_mended(d, of))
		(void)domains_let_go(d, span_text(of->name));
	domains_schedule(d, of, of->again ? 0 : next_look(of));
	of->again = false;
	tell_lookers(d, of, false);
	drop_domain(d, of);
}

/* --- looks --- */

static void
ask(struct domains *d, struct domain *of, const struct dns_answer *answer)
{
	struct spf_question q;

	if (look_step(of->look, answer, &q))
		of->question = resolver_ask(
		    d->resolver, q.name, (uint16_t)q.type, on_answer, of);
	else
		end_look(d, of);
}

static void
on_answer(const struct dns_answer *answer, void *arg)
{
	struct domain *of = arg;

	of->question = NULL;
	ask(of->table, of, answer);
}

static bool
open_resolver(struct domains *d)
{
	struct err err;

	if (d->resolver == NULL)
		d->resolver = resolver_new(
		    d->loop, d->conf->resolvers, d->conf->nresolvers, &err);
	return d->resolver != NULL;
}

static void
begin_look(struct domains *d, struct domain *of)
{
	struct keyring *ring = keys_take(d->keys);
	struct key *keys[KEYRING_SIGNERS_MAX];
	struct look_of look = { .domain = span_text(of->name),
		.mail_from = span_text(of->mail_from),
		.hostname = span_text(d->conf->hostname),
		.addresses = d->own,
		.naddresses = d->nown,
		.keys = keys };

	look.nkeys = keyring_signers(ring, of->name, keys);
	of->look = look_new(&look);
	keyring_unref(ring);
	d->under_way++;
	ask(d, of, NULL);
}

static void
on_alarm(void *arg)
{
	struct domains *d = arg;
	uint64_t now = loop_now(d->loop);
	struct due *first;

	if (!open_resolver(d)) { /* the router says what is wrong */
		deadline_set(d->alarm, HELD_MS);
		return;
	}
	while ((first = heap_first(&d->heap)) != NULL && first->at <= now &&
	       d->under_way < AT_ONCE) {
		heap_drop(&d->heap, first);
		begin_look(d, LIST_ENTRY(first, struct domain, due));
	}
	set_alarm(d);
}

/* Keys came or went: what is wrong with a domain may be mended by that. */
void
domains_sweep(struct domains *d)
{
	uint32_t generation = keys_generation(d->keys);
	size_t at = 0;
	struct domain *of;

	if (generation == d->generation)
		return;
	d->generation = generation;
	while ((of = map_next(&d->domains, &at)) != NULL)
		if (of->is_held || of->verdict != SENDING_GOOD)
			domains_schedule(d, of, 0);
}

/* --- held --- */

void
domains_add_site(struct domain *of, const struct domain_site *site)
{
	struct domains *d = of->table;
	struct domain_site *s = MEM_NEW(struct domain_site);
	struct words w = { .host = span_text(site->host),
		.status = span_text(site->status),
		.said = span_text(site->said) };

	s->site = mem_strdup(site->site);
	s->host = mem_strdup(site->host);
	s->status = mem_strdup(site->status);
	s->said = mem_strdup(site->said);
	s->since = site->since;
	list_append(&of->sites, &s->node);
	of->is_held = true;
	of->held_at = loop_now(d->loop);
	of->before = of->nfound;
	of->before_hash = hash_of(of);
	if (d->events.held != NULL)
		d->events.held(span_text(of->name), s->site, &w, d->events.arg);
	domains_schedule(d, of, HELD_MS);
}

static struct domain_site *
find_site(const struct domain *of, const char *name)
{
	LIST_FOREACH (node, &of->sites) {
		struct domain_site *s =
		    LIST_ENTRY(node, struct domain_site, node);

		if (strcmp(s->site, name) == 0)
			return s;
	}
	return NULL;
}

void
domains_hold(struct domains *d, struct span domain, const char *site,
    const struct words *words)
{
	struct domain *of = domains_make(d, domain);
	bool is_first = !of->is_held;
	struct domain_site s = { .since = wall_now() };
	struct buf reply = { 0 };

	if (find_site(of, site) != NULL)
		return;
	s.site = mem_strdup(site);
	s.host = span_dup(words->host);
	s.status = span_dup(words->status);
	s.said = span_dup(words->said);
	domains_add_site(of, &s);
	domains_put_site(d, of, &s, false);
	words_join(&reply, words);
	if (is_first)
		FACT(DOMAIN_HELD, fact_span("domain", domain),
		    fact_string("site", site), fact_text("host", words->host),
		    fact_span("status", words->status),
		    fact_words("reply", buf_span(&reply)),
		    fact_string("next",
			"its mail to that site is held until its records "
			"pass; postern account show, postern domain look"));
	else
		FACT(DOMAIN_HELD_TOO, fact_span("domain", domain),
		    fact_string("site", site), fact_text("host", words->host),
		    fact_span("status", words->status),
		    fact_words("reply", buf_span(&reply)));
	buf_clear(&reply);
	of->wants_alert = of->wants_alert || is_first;
	if (is_first)
		domains_schedule(d, of, 0);
	free(s.site);
	free(s.host);
	free(s.status);
	free(s.said);
}

void
domains_held_before(struct domains *d, struct span domain)
{
	struct domain *of;

	if (domain.len == 0 || domain.len >= SENDING_NAME_SIZE)
		return;
	of = domains_make(d, domain);
	if (of->is_held)
		return;
	of->is_held = true;
	of->held_at = loop_now(d->loop);
	domains_schedule(d, of, HELD_MS);
}

bool
domains_let_go(struct domains *d, struct span domain)
{
	struct domain *of = map_get(&d->domains, domain);

	if (of == NULL || !of->is_held)
		return false;
	LIST_FOREACH_SAFE (node, next, &of->sites) {
		struct domain_site *s =
		    LIST_ENTRY(node, struct domain_site, node);

		domains_put_site(d, of, s, true);
		site_free(s);
	}
	of->is_held = of->wants_alert = false;
	FACT(DOMAIN_LET_GO, fact_span("domain", domain),
	    fact_word("verdict", sending_verdict_name(of->verdict)));
	if (d->events.let_go != NULL)
		d->events.let_go(domain, d->events.arg);
	return true;
}

void
domains_put_all(struct domains *d)
{
	struct domain *of;
	size_t at = 0;

	while ((of = map_next(&d->domains, &at)) != NULL) {
		if (of->found != NULL)
			kept_put(d,
			    &(struct state_sending){ STATE_DOMAIN,
				span_text(of->name), SPAN(""),
				span_make(of->found, of->nfound), of->looked },
			    false);
		LIST_FOREACH (node, &of->sites)
			domains_put_site(d, of,
			    LIST_ENTRY(node, struct domain_site, node), false);
	}
	LIST_FOREACH (node, &d->used)
		put_pair(d, LIST_ENTRY(node, struct pair, node), false);
}

/* --- for people --- */

static void
show(const struct domain *of, domains_cb cb, void *arg)
{
	const struct domain_site *site = first_site(of);
	struct sending s;
	struct domains_view view = { .sending = &s,
		.looked = of->looked,
		.is_held = of->is_held,
		.site = site == NULL ? "" : site->site,
		.said = site == NULL ? "" : site->said };

	read_found(of, &s);
	cb(&view, arg);
}

void
domains_each(struct domains *d, const char *account, domains_cb cb, void *arg)
{
	for (struct list *node = d->used.prev; node != &d->used;
	     node = node->prev) {
		const struct pair *p = LIST_ENTRY(node, struct pair, node);

		if (account == NULL ||
		    span_equal_nocase(
			span_make(p->key, p->naccount), span_text(account)))
			show(p->domain, cb, arg);
	}
}

bool
domains_find(struct domains *d, struct span domain, domains_cb cb, void *arg)
{
	const struct domain *of = map_get(&d->domains, domain);

	if (of != NULL)
		show(of, cb, arg);
	return of != NULL;
}

bool
domains_look(struct domains *d, struct span domain, domains_cb cb, void *arg)
{
	struct domain *of = map_get(&d->domains, domain);
	struct looker *l;

	if (of == NULL)
		return false;
	l = MEM_NEW(struct looker);
	l->domain = of;
	l->cb = cb;
	l->arg = arg;
	list_append(&d->lookers, &l->node);
	stop_look(of); /* its answers may be older than the question */
	domains_schedule(d, of, 0);
	return true;
}

void
domains_forget_looks(struct domains *d)
{
	struct list *node;

	while ((node = list_pop(&d->lookers)) != NULL)
		free(LIST_ENTRY(node, struct looker, node));
}

/* --- life --- */

struct domains *
domains_open(struct loop *loop, const struct conf *conf, struct keys *keys,
    struct state *state, const struct domains_events *events)
{
	struct domains *d = MEM_NEW(struct domains);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	d->loop = loop;
	d->keys = keys;
	d->state = state;
	d->events = *events;
	d->conf = conf_ref(conf);
	map_init(&d->domains, seed);
	map_init(&d->pairs, seed);
	list_init(&d->all);
	list_init(&d->used);
	list_init(&d->lookers);
	d->alarm = deadline_new(loop, on_alarm, d);
	d->generation = keys_generation(keys);
	d->nown = own_addresses(conf, d->own);
	kept_open(d);
	return d;
}

void
domains_take(struct domains *d, const struct conf *conf)
{
	struct domain *of;
	size_t at = 0;

	conf_unref(d->conf);
	d->conf = conf_ref(conf);
	d->nown = own_addresses(conf, d->own);
	while ((of = map_next(&d->domains, &at)) != NULL) {
		stop_look(of);
		domains_schedule(d, of, 0);
	}
	resolver_close(d->resolver);
	d->resolver = NULL;
	set_alarm(d);
}

void
domains_close(struct domains *d)
{
	struct domain *of;
	size_t at = 0;

	if (d == NULL || d->is_closed)
		return;
	d->is_closed = true;
	domains_forget_looks(d);
	while ((of = map_next(&d->domains, &at)) != NULL)
		stop_look(of);
	resolver_close(d->resolver);
	d->resolver = NULL;
	deadline_close(d->alarm);
	d->alarm = NULL;
}

void
domains_free(struct domains *d)
{
	if (d == NULL)
		return;
	LIST_FOREACH_SAFE (node, next, &d->used)
		pair_free(d, LIST_ENTRY(node, struct pair, node));
	LIST_FOREACH_SAFE (node, next, &d->all)
		domain_free(LIST_ENTRY(node, struct domain, node));
	map_clear(&d->domains);
	map_clear(&d->pairs);
	heap_clear(&d->heap);
	kept_close(d);
	conf_unref(d->conf);
	free(d);
}
