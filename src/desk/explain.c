/*
 * explain: what would become of a message before it exists. Each line says what is
 * so, and because of what: the configuration's line, the counter, the host's words.
 *
 *   do_explain -> the ledger may have to be read (on_read) -> the way may have to be
 *   asked for (on_way) -> the lines, and the answer
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "control_priv.h"
#include "ctl/server.h"
#include "describe.h"
#include "dispatch/dispatch.h"
#include "intake/ledger_io.h"
#include "intake/suppressor_io.h"
#include "io/loop.h"
#include "mail/reason.h"
#include "policy/identity.h"
#include "route/router.h"
#include "sched/site.h"
#include "sched/target.h"
#include "sending/domains_io.h"
#include "sign/author.h"
#include "sign/key.h"
#include "sign/keyring.h"
#include "sign/keys.h"
#include "smtp/address.h"
#include "smtp/idn.h"

enum { ADDRESSES_SHOWN = 8, HOSTS_SHOWN = 16 };

/* One question, while it is answered. */
struct explaining {
	struct ledger_waiter waiter; /* the first: see on_read() */
	struct list node; /* in control->explains, while it waits */
	struct control *control; /* borrowed; NULL: it is gone */
	struct ctl_later *later; /* borrowed: answered once */
	char *to, *account, *from; /* owned; the last two may be NULL */
	json_t *lines; /* owned */
	bool is_reading; /* the ledger has the waiter; else dispatch has it */
	bool is_refused; /* the client would hear so */
	bool has_route; /* a section of the configuration is for it */
	const char
	    *held_for; /* it would be held for that; NULL: it would not */
	bool is_later; /* the answer does not come from do_explain() itself */
	json_t *answer; /* owned: when it is there, and not is_later */
};

static void on_way(const struct route *route, void *arg);

/* --- lines --- */

__attribute__((format(printf, 4, 5))) static void
say(struct explaining *x, const char *about, const char *because,
    const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, format);
	(void)buf_vprintf(&text, format, ap);
	va_end(ap);
	(void)json_array_append_new(
	    x->lines, json_pack("{s:s, s:o, s:o}", "about", about, "says",
			  describe_text(buf_span(&text)), "because",
			  describe_text(span_text(because))));
	buf_clear(&text);
}

/* "FILE:LINE: account default"; room for one. */
static const char *
place(const struct conf *conf, int line, const char *what, char room[400])
{
	if (line > 0)
		(void)snprintf(
		    room, 400, "%.200s:%d: %.150s", conf->file, line, what);
	else
		(void)snprintf(room, 400, "%.150s: the default", what);
	return room;
}

static const char *
place_of_account(
    const struct conf *conf, const struct conf_account *a, char room[400])
{
	char what[200];

	(void)snprintf(what, sizeof what, "account %s",
	    a->name == NULL ? "default" : a->name);
	return place(conf, a->line, what, room);
}

static void
say_account(struct explaining *x, const struct ledger_view *view)
{
	switch (auth_standing(x->control->auth, span_text(x->account))) {
	case AUTH_IS_ABSENT:
		x->is_refused = true;
		say(x, "account", "auth.users", "%s: there is no such account",
		    x->account);
		return;
	case AUTH_IS_SUSPENDED:
		x->is_refused = true;
		say(x, "account", "postern user suspend",
		    "%s is suspended: it cannot log in", x->account);
		return;
	case AUTH_IS_ACTIVE: break;
	}
	if (view->standing == LEDGER_STOPPED)
		x->is_refused = true;
	if (view->standing == LEDGER_BRAKED)
		x->held_for = "until its account is let go: it is braked";
	say(x, "account",
	    view->standing == LEDGER_STOPPED  ? "postern account stop"
	    : view->standing == LEDGER_BRAKED ? "brake"
					      : "auth.users",
	    view->standing == LEDGER_STOPPED
		? "%s is stopped: nothing is taken from it"
	    : view->standing == LEDGER_BRAKED
		? "%s is braked: what it sends is taken, and held"
		: "%s may log in",
	    x->account);
}

static void
say_sender(struct explaining *x, const struct conf *conf,
    const struct conf_account *account)
{
	static const char *const froms[] = {
		[FROM_REJECT] = "a header that names somebody else is refused",
		[FROM_REWRITE] = "a foreign From becomes the account's",
		[FROM_SENDER] = "a foreign From stays, and Sender is our own",
		[FROM_ANY] = "the header's From may be anybody's",
	};
	struct identity who = { .account = account,
		.aliases = *x->control->aliases,
		.login = span_text(x->account),
		.hostname = span_text(conf->hostname) };
	struct address a;
	const char *why = NULL;
	char room[400];

	if (address_parse(span_text(x->from), &a) == ADDRESS_OK)
		why = identity_why(&who, &a);
	if (why == NULL) {
		x->is_refused = true;
		say(x, "sender", place_of_account(conf, account, room),
		    "%s may not send as <%s>: 553 5.7.1", x->account, x->from);
	} else {
		say(x, "sender", place_of_account(conf, account, room),
		    "%s may send as <%s>, by %s", x->account, x->from, why);
	}
	say(x, "From", place_of_account(conf, account, room), "%s",
	    froms[account->from]);
}

/* What becomes of the next message, when a rate is used up. */
static const char *
over_as(const struct conf_account *account, const struct ledger_view *view)
{
	if (account->over != OVER_HOLD)
		return "; what comes is refused";
	return view->held < account->held_messages
		   ? "; what comes is held"
		   : "; what comes is refused, for as many are held as may be "
		     "(held-messages)";
}

static void
say_budget(struct explaining *x, const struct conf *conf,
    const struct conf_account *account, const struct ledger_view *view)
{
	struct buf text = { 0 };
	char room[400];

	for (size_t i = 0; i < view->n; i++) {
		const struct budget_state *s = &view->states[i];

		buf_reset(&text);
		budget_say_time(s->rate.seconds, &text);
		say(x, "budget", place_of_account(conf, account, room),
		    "%s: %u of %u used in %.*s%s", conf_budget_name(s->counter),
		    (unsigned)s->used, (unsigned)s->rate.most,
		    SPAN_ARG(buf_span(&text)),
		    s->used < s->rate.most ? "" : over_as(account, view));
		if (s->used >= s->rate.most &&
		    (account->over != OVER_HOLD ||
			view->held >= account->held_messages))
			x->is_refused = true;
		else if (s->used >= s->rate.most && x->held_for == NULL)
			x->held_for = "until its account's budget has room";
	}
	if (view->held > 0) {
		say(x, "budget", "postern queue list --held",
		    "%u of at most %u are held until there is room%s",
		    (unsigned)view->held, (unsigned)account->held_messages,
		    x->is_refused ? "" : "; what comes waits behind them");
		if (x->held_for == NULL)
			x->held_for = "until its account's budget has room";
	}
	if (view->n == 0)
		say(x, "budget", place_of_account(conf, account, room),
		    "none: as much as it likes");
	buf_clear(&text);
}

static void
say_recipient(struct explaining *x, const struct conf *conf,
    const struct conf_account *account)
{
	struct buf reply = { 0 };
	char room[400];

	if (!account->suppress) {
		say(x, "recipient", place_of_account(conf, account, room),
		    "suppress is off: what hosts said of <%s> is not looked at",
		    x->to);
	} else if (suppressor_refuses(x->control->suppressor,
		       span_text(x->account), span_text(x->to), wall_now(),
		       &reply)) {
		x->is_refused = true;
		say(x, "recipient", "postern suppress", "%.*s",
		    SPAN_ARG(buf_span(&reply)));
	} else {
		say(x, "recipient", place_of_account(conf, account, room),
		    "<%s> is not suppressed", x->to);
	}
	buf_clear(&reply);
}

/* By whose keys mail of that author is signed. */
static void
say_signature(struct explaining *x)
{
	struct keyring *ring = keys_take(x->control->keys);
	struct key *keys[KEYRING_SIGNERS_MAX];
	struct author_domain domain[AUTHORS_MAX];
	unsigned n = 0;

	if (authors_read(span_text(x->from), domain) > 0)
		n = keyring_signers(ring, domain[0].text, keys);
	for (unsigned i = 0; i < n; i++)
		say(x, "signature",
		    "the key is active; postern dkim list has what the DNS "
		    "says of it",
		    "%s by %s", key_algorithm_name(key_algorithm(keys[i])),
		    key_name(keys[i]));
	if (n == 0)
		say(x, "signature", "postern dkim list",
		    "none: no active key of the From's domain or one above it");
	keyring_unref(ring);
}

static void
say_domain(const struct domains_view *v, void *arg)
{
	const struct sending *s = v->sending;
	struct explaining *x = arg;

	if (v->looked == 0)
		say(x, "domain", "postern account show",
		    "%s is being looked at", s->domain);
	else
		say(x, "domain", "postern account show",
		    "%s: %s (SPF %s, DKIM %s, DMARC %s)%s%s", s->domain,
		    sending_verdict_name(s->verdict),
		    s->spf.is_known ? spf_result_name(s->spf.result)
				    : "unknown",
		    dkim_status_name(s->dkim.status),
		    dmarc_status_name(s->dmarc.status),
		    v->is_held ? "; held for " : "", v->is_held ? v->site : "");
}

/* What receivers make of the author's domain. */
static void
say_origin(struct explaining *x)
{
	struct author_domain domain[AUTHORS_MAX];

	if (authors_read(span_text(x->from), domain) > 0 &&
	    !domains_find(
		x->control->domains, span_text(domain[0].text), say_domain, x))
		say(x, "domain", "postern account show",
		    "%s: nobody has sent from it; it is looked at when "
		    "somebody does",
		    domain[0].text);
}

/* --- the way --- */

static void
say_hosts(struct explaining *x, const struct target *t)
{
	struct buf text = { 0 };
	char address[TARGET_ADDRESS_TEXT];

	for (uint32_t i = 0; i < t->nhosts && i < HOSTS_SHOWN; i++) {
		const struct target_host *h = &t->hosts[i];

		buf_reset(&text);
		for (uint32_t k = 0; k < h->naddresses && k < ADDRESSES_SHOWN;
		     k++) {
			target_address_text(
			    &t->addresses[h->first + k].to.sa, address);
			(void)buf_printf(&text, " [%s]", address);
		}
		say(x, "host",
		    x->has_route ? "as the route says"
				 : "as the name servers say",
		    "%s%.*s, %u%s choice", h->name, SPAN_ARG(buf_span(&text)),
		    h->group + 1U,
		    h->group == 0   ? "st"
		    : h->group == 1 ? "nd"
		    : h->group == 2 ? "rd"
				    : "th");
	}
	buf_clear(&text);
}

/* What becomes of it first; `opens`: ms until its site is tried. */
static void
say_next(struct explaining *x, uint64_t opens)
{
	if (x->is_refused)
		say(x, "next", "as is said above", "nothing: it is refused");
	else if (x->held_for != NULL)
		say(x, "next", "as is said above", "it is held %s",
		    x->held_for);
	else if (opens > 0)
		say(x, "next", "the site is closed after failures",
		    "it is tried in %llu s",
		    (unsigned long long)(opens + 999) / 1000);
	else
		say(x, "next", "nothing is in its way", "it would go at once");
}

static void
say_site(struct explaining *x, const struct channel *c)
{
	static const char *const tls[] = {
		[TARGET_TLS_OPPORTUNISTIC] = "TLS if offered, not verified",
		[TARGET_TLS_REQUIRE] = "TLS required and verified",
		[TARGET_TLS_IMPLICIT] = "TLS from the first byte, verified",
	};
	const struct target *t = c->target;
	uint64_t now = loop_now(x->control->loop);
	uint64_t opens = channel_opens_at(c, now);
	struct words w = reason_words(channel_why(c, now));
	struct buf name = { 0 }, why = { 0 };

	channel_name(c, &name);
	words_say(&why, &w);
	(void)buf_append_char(&why, '\0');
	say(x, "TLS", t->because == NULL ? "the default" : t->because, "%s",
	    tls[t->tls]);
	say(x, "site",
	    "a site earns connections as it takes mail, up to its bound",
	    "%.*s: %u connections of %u, %u wait in its line",
	    SPAN_ARG(buf_span(&name)), (unsigned)c->lanes,
	    (unsigned)c->site->lanes_max, (unsigned)c->line.waiting);
	if (buf_len(&why) > 1)
		say(x, "last", "the host's words, or what happened to it", "%s",
		    buf_span(&why).ptr);
	say_next(x, opens > now ? opens - now : 0);
	buf_clear(&name);
	buf_clear(&why);
}

static void
say_route(struct explaining *x, const struct conf *conf, struct span domain)
{
	const struct conf_route *r = conf_route(conf, domain);
	struct buf text = { 0 };
	char room[400];

	if (r == NULL) {
		say(x, "route", "no route section is for it", "by MX of %.*s",
		    SPAN_ARG(domain));
		return;
	}
	x->has_route = true;
	conf_route_say(r, &text);
	say(x, "route", place(conf, r->line, "route", room), "%.*s",
	    SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

static void
say_no_way(struct explaining *x, const struct route *route)
{
	struct words w = reason_words(route->reason);
	struct buf text = { 0 };

	words_say(&text, &w);
	say(x, "next", "the name servers, or the configuration",
	    route->status == ROUTE_NEVER
		? "never: it would be given back to its sender: %.*s"
		: "not now, it would be tried again later: %.*s",
	    SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

/* --- the answer --- */

static void
explaining_free(struct explaining *x)
{
	list_remove(&x->node);
	json_decref(x->lines);
	free(x->to);
	free(x->account);
	free(x->from);
	free(x);
}

static void
finish(struct explaining *x)
{
	json_t *o = json_pack("{s:o, s:o, s:o, s:b, s:O}", "address",
	    describe_text(span_text(x->to)), "account",
	    describe_text(span_text(x->account)), "from",
	    describe_text(span_text(x->from)), "accepted", !x->is_refused,
	    "lines", x->lines);

	if (x->is_later) {
		answer_later(x->later, o);
		explaining_free(x);
		return;
	}
	x->answer = o;
}

static void
on_way(const struct route *route, void *arg)
{
	struct explaining *x = arg;

	if (route->status == ROUTE_CHANNEL) {
		say_hosts(x, route->channel->target);
		say_site(x, route->channel);
	} else {
		say_no_way(x, route);
	}
	finish(x);
}

static void
find_way(struct explaining *x)
{
	struct control *c = x->control;
	char ascii[IDN_SIZE];
	struct address a;
	struct span domain;

	(void)address_parse(span_text(x->to), &a); /* it was looked at */
	domain = idn_to_ascii(a.domain, ascii);
	say_route(x, *c->conf, domain);
	dispatch_find_way(
	    c->dispatch, domain, span_text(x->account), on_way, x);
}

/* In their order, for what an account sends. */
static void
say_filters(struct explaining *x, const struct conf *conf)
{
	static const char *const away[] = {
		[AWAY_TEMPFAIL] = "refused with 451",
		[AWAY_ACCEPT] = "taken without it",
		[AWAY_HOLD] = "taken and held",
	};
	static const char *const away_after[] = {
		[AWAY_TEMPFAIL] = "waits, and the filter is asked again",
		[AWAY_ACCEPT] = "goes on without it",
		[AWAY_HOLD] = "is held for the operator",
	};
	char what[80], room[400];

	for (size_t i = 0; i < conf->nfilters; i++) {
		const struct conf_filter *f = &conf->filters[i];

		(void)snprintf(what, sizeof what, "filter %s", f->name);
		if (f->when == WHEN_AFTER && x->held_for == NULL)
			x->held_for = "until a filter has seen it";
		if (f->when == WHEN_AFTER)
			say(x, "filter", place(conf, f->line, what, room),
			    "%s at %s is asked after the message is taken and "
			    "before it leaves; while it cannot be asked the "
			    "message %s",
			    f->name, f->socket, away_after[f->away]);
		else
			say(x, "filter", place(conf, f->line, what, room),
			    "%s at %s is asked before the message is taken; "
			    "while it cannot be asked the message is %s",
			    f->name, f->socket, away[f->away]);
	}
}

/* False: the account is being read, and on_read() is called. */
static bool
say_policy(struct explaining *x)
{
	struct control *c = x->control;
	const struct conf *conf = *c->conf;
	const struct conf_account *account;
	struct ledger_view view;

	if (x->account == NULL) {
		if (x->from != NULL) {
			say_signature(x);
			say_origin(x);
		}
		return true;
	}
	account = conf_account(conf, span_text(x->account));
	if (ledger_look(c->ledger, span_text(x->account), account,
		(int64_t)loop_now(c->loop), &x->waiter,
		&view) == LEDGER_LATER) {
		x->is_reading = true;
		return false;
	}
	x->is_reading = false;
	say_account(x, &view);
	if (x->from != NULL) {
		say_sender(x, conf, account);
		say_signature(x);
		say_origin(x);
	}
	say_recipient(x, conf, account);
	say_budget(x, conf, account, &view);
	say_filters(x, conf);
	return true;
}

static void
on_read(struct ledger_waiter *w)
{
	struct explaining *x = (struct explaining *)(void *)w;

	if (x->control == NULL)
		explaining_free(x);
	else if (say_policy(x))
		find_way(x);
}

static char *
text_of(const struct ask *ask, const char *key)
{
	const char *text =
	    json_string_value(json_object_get(ask->request, key));

	return text == NULL || text[0] == '\0' ? NULL : mem_strdup(text);
}

json_t *
do_explain(const struct ask *ask)
{
	struct control *c = ask->control;
	struct explaining *x;
	struct address a;
	json_t *answer;

	if (address_parse(span_text(json_string_value(
			      json_object_get(ask->request, "what"))),
		&a) != ADDRESS_OK)
		return error_answer("which address? name@domain");
	x = MEM_NEW(struct explaining);
	x->waiter.loop = c->loop;
	x->waiter.ready = on_read;
	x->control = c;
	x->later = ask->later;
	x->to = text_of(ask, "what");
	x->account = text_of(ask, "account");
	x->from = text_of(ask, "from");
	if (x->from == NULL && x->account != NULL &&
	    strchr(x->account, '@') != NULL)
		x->from = mem_strdup(x->account);
	x->lines = json_array();
	list_init(&x->node);
	list_append(&c->explains, &x->node);
	if (say_policy(x))
		find_way(x);
	answer = x->answer;
	if (answer != NULL)
		explaining_free(x);
	else
		x->is_later = true;
	return answer;
}

/* Dispatch is gone by now, and calls nobody. */
void
explain_forget(struct control *c)
{
	struct list *node;

	while ((node = list_pop(&c->explains)) != NULL) {
		struct explaining *x =
		    LIST_ENTRY(node, struct explaining, node);

		list_init(&x->node);
		if (!x->is_reading || ledger_forget(c->ledger, &x->waiter))
			explaining_free(x);
		else
			x->control = NULL; /* its call is under way */
	}
}
