#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf_priv.h"

const char *
conf_budget_name(enum conf_budget budget)
{
	static const char *const names[CONF_BUDGETS] = {
		[CONF_MESSAGES] = "messages",
		[CONF_RECIPIENTS] = "recipients",
		[CONF_NEW_RECIPIENTS] = "new-recipients",
	};

	return names[budget];
}

static struct conf_box *
box_of(const struct conf *conf)
{
	/* Only the count changes, which no reader of the snapshot sees. */
	return (struct conf_box *)(uintptr_t)conf;
}

struct conf *
conf_ref(const struct conf *conf)
{
	struct conf_box *box = box_of(conf);

	(void)atomic_fetch_add(&box->refs, 1);
	return &box->conf;
}

void
conf_unref(const struct conf *conf)
{
	struct conf_box *box = box_of(conf);

	if (conf == NULL || atomic_fetch_sub(&box->refs, 1) != 1)
		return;
	conf_clear(&box->conf);
	free(box);
}

static void
free_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void
clear_routes(struct conf *conf)
{
	for (size_t i = 0; i < conf->nroutes; i++) {
		free(conf->routes[i].domain);
		free(conf->routes[i].host);
		free(conf->routes[i].login);
		free(conf->routes[i].password_file);
	}
	free(conf->routes);
}

void
conf_forget_oauth(struct conf *conf)
{
	struct conf_oauth *o = conf->oauth;

	conf->oauth = NULL;
	if (o == NULL)
		return;
	free(o->issuer);
	free(o->audience);
	free(o->jwks_file);
	free(o->jwks_url);
	free(o->introspection_url);
	free(o->client_id);
	free(o->client_secret_file);
	free(o->account_claim);
	free(o);
}

void
conf_clear(struct conf *conf)
{
	for (size_t i = 0; i < conf->nlistens; i++) {
		free(conf->listens[i].name);
		free(conf->listens[i].address);
		free(conf->listens[i].account);
		free(conf->listens[i].socket);
	}
	free(conf->listens);
	conf_forget_oauth(conf);
	for (size_t i = 0; i < conf->ncertificates; i++) {
		free(conf->certificates[i].name);
		free(conf->certificates[i].certificate);
		free(conf->certificates[i].key);
		free(conf->certificates[i].client_ca);
	}
	free(conf->certificates);
	for (size_t i = 0; i < conf->naccounts; i++) {
		free(conf->accounts[i].name);
		free_list(
		    conf->accounts[i].send_as, conf->accounts[i].nsend_as);
		free(conf->accounts[i].fingerprints);
	}
	free(conf->accounts);
	clear_routes(conf);
	for (size_t i = 0; i < conf->nfilters; i++) {
		free(conf->filters[i].name);
		free(conf->filters[i].socket);
		free(conf->filters[i].path);
	}
	free(conf->filters);
	free_list(conf->mechanisms, conf->nmechanisms);
	free_list(conf->resolvers, conf->nresolvers);
	free(conf->refuse);
	for (size_t i = 0; i < conf->npublic_addresses; i++)
		free(conf->public_addresses[i]);
	free(conf->public_addresses);
	free(conf->retry);
	free(conf->file);
	free(conf->lines);
	free(conf->hostname);
	free(conf->users);
	free(conf->aliases);
	free(conf->notify);
	free(conf->countries);
	free(conf->spool_directory);
	free(conf->state_directory);
	free(conf->dkim_directory);
	free(conf->control_socket);
	free(conf->http_address);
	free(conf->log_target);
}

int
conf_line(const struct conf *conf, const char *key)
{
	struct span name = span_text(key), section = { 0 };

	if (span_find(name, '.') < name.len)
		section = span_cut(&name, '.');
	for (size_t i = 0; i < conf_noptions; i++)
		if (span_equal(section, span_text(conf_options[i].section)) &&
		    span_equal(name, span_text(conf_options[i].name)))
			return conf->lines[i];
	return 0;
}

static int
find_account(const void *key, const void *entry)
{
	const struct conf_account *a = entry;

	return conf_compare(*(const struct span *)key, span_text(a->name));
}

const struct conf_account *
conf_account(const struct conf *conf, struct span login)
{
	/* The last one is the default and has no name to compare. */
	size_t n = conf->naccounts - 1;
	const struct conf_account *found = bsearch(
	    &login, conf->accounts, n, sizeof *conf->accounts, find_account);

	return found != NULL ? found : &conf->accounts[n];
}

const struct conf_account *
conf_account_of(const struct conf *conf, const unsigned char sha256[32])
{
	for (size_t i = 0; i < conf->naccounts; i++) {
		const struct conf_account *a = &conf->accounts[i];

		for (size_t k = 0; k < a->nfingerprints; k++)
			if (memcmp(a->fingerprints[k].sha256, sha256, 32) == 0)
				return a;
	}
	return NULL;
}

const struct conf_account *
conf_account_of_uid(const struct conf *conf, uint32_t uid)
{
	for (size_t i = 0; i < conf->naccounts; i++)
		if (conf->accounts[i].has_uid && conf->accounts[i].uid == uid)
			return &conf->accounts[i];
	return NULL;
}

static bool
is_at_home(const struct conf *conf, struct span name)
{
	size_t at = span_find_last(name, '@');

	return at > 0 && at < name.len &&
	       span_equal_nocase(
		   span_from(name, at + 1), span_text(conf->hostname));
}

bool
conf_needs_no_login(const struct conf *conf, struct span name)
{
	bool has_socket = false;

	for (size_t i = 0; i < conf->nlistens; i++) {
		const struct conf_listen *l = &conf->listens[i];

		has_socket |= l->socket != NULL;
		if (l->account != NULL &&
		    span_equal_nocase(span_text(l->account), name))
			return true;
	}
	return has_socket &&
	       (conf_account(conf, name)->has_uid || is_at_home(conf, name));
}

static int
find_route(const void *key, const void *entry)
{
	const struct conf_route *r = entry;

	return conf_compare(*(const struct span *)key, span_text(r->domain));
}

const struct conf_route *
conf_route(const struct conf *conf, struct span domain)
{
	const struct conf_route *last, *found = NULL;

	if (conf->nroutes == 0)
		return NULL;
	if (domain.len > 0)
		found = bsearch(&domain, conf->routes, conf->nroutes,
		    sizeof *conf->routes, find_route);
	last = &conf->routes[conf->nroutes - 1];
	if (found == NULL && last->domain == NULL)
		found = last;
	return found;
}

void
conf_route_say(const struct conf_route *r, struct buf *out)
{
	static const char *const tls[] = {
		[RELAY_TLS_OPPORTUNISTIC] = "TLS where it is offered",
		[RELAY_TLS_REQUIRE] = "TLS required and verified",
		[RELAY_TLS_IMPLICIT] = "TLS required and verified",
	};
	bool implicit = r->tls == RELAY_TLS_IMPLICIT;
	bool is_v6 = r->host != NULL && strchr(r->host, ':') != NULL;

	(void)buf_printf(
	    out, "route %s: ", r->domain == NULL ? "default" : r->domain);
	if (r->host == NULL)
		(void)buf_append_text(out, "by MX");
	else
		(void)buf_printf(out, "%s://%s%s%s:%u",
		    implicit ? "submissions" : "smtp", is_v6 ? "[" : "",
		    r->host, is_v6 ? "]" : "", r->port);
	(void)buf_printf(out, ", %s", tls[r->tls]);
	if (r->login != NULL)
		(void)buf_printf(out, ", login %s", r->login);
}
