/* What several options say together, and the order that lookups rely on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf_priv.h"

/* Each would be in the other's way. Port 0 is the system's choice. */
static bool
is_same_listen(const struct conf_listen *a, const struct conf_listen *b)
{
	return a->address != NULL && a->port != 0 && a->port == b->port &&
	       conf_addresses_meet(a->address, b->address);
}

static bool
has_wide(const struct network *networks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (network_is_wide(&networks[i]))
			return true;
	return false;
}

/* A port for devices: what it must say, and what it may not be. */
static int
check_devices(struct reading *r, cfg_t *cfg, const struct conf_listen *l)
{
	if (l->tls != LISTEN_NONE) {
		const char *key = l->nnetworks > 0 ? "networks" : "account";

		if (l->nnetworks == 0 && l->account == NULL)
			return 0;
		return conf_fail(r, tree_line(cfg, key),
		    l->nnetworks > 0 ? "listen.networks" : "listen.account",
		    "is for a port with tls = none, where nobody logs in");
	}
	if (l->port == 465 || l->port == 587)
		return conf_fail(r, tree_line(cfg, "tls"), "listen.tls",
		    "none cannot be on port %u, which is for logins; expected "
		    "another port for devices",
		    l->port);
	if (l->nnetworks == 0)
		return conf_fail(r, cfg->line, "listen.networks",
		    "is missing, expected the networks of the devices: with "
		    "tls = none nobody logs in");
	if (has_wide(l->networks, l->nnetworks))
		return conf_fail(r, tree_line(cfg, "networks"),
		    "listen.networks",
		    "has a large part of the internet, and whoever is there "
		    "would send without a login; expected the networks of the "
		    "devices");
	if (l->account == NULL)
		return conf_fail(r, cfg->line, "listen.account",
		    "is missing, expected the account that the devices send "
		    "as");
	if (l->nproxies > 0)
		return conf_fail(r, tree_line(cfg, "proxy-protocol"),
		    "listen.proxy-protocol",
		    "cannot be with tls = none: a device shows who it is by "
		    "its own address");
	return 0;
}

/* Users of this machine come there: all that is for the network is not. */
static int
check_local(struct reading *r, cfg_t *cfg, struct conf_listen *l)
{
	static const char *const others[] = { "address", "tls", "networks",
		"account", "proxy-protocol" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		char key[64];

		if (!tree_has(cfg, others[i]))
			continue;
		(void)snprintf(key, sizeof key, "listen.%s", others[i]);
		return conf_fail(r, tree_line(cfg, others[i]), key,
		    "cannot be with socket, where the users of this machine "
		    "are who they are; expected a listen of its own");
	}
	l->line = tree_line(cfg, "socket");
	for (size_t i = 0; i + 1 < r->conf->nlistens; i++)
		if (r->conf->listens[i].socket != NULL &&
		    strcmp(r->conf->listens[i].socket, l->socket) == 0)
			return conf_fail(r, l->line, "listen.socket",
			    "is already taken by listen %s, expected another",
			    r->conf->listens[i].name);
	l->tls = LISTEN_LOCAL;
	l->address = mem_strdup("");
	return 0;
}

static bool
is_private(const char *address)
{
	struct network n;

	return network_parse(span_text(address), &n) && network_is_private(&n);
}

static int
check_balancers(struct reading *r, cfg_t *cfg, const struct conf_listen *l)
{
	if (has_wide(l->proxies, l->nproxies))
		return conf_fail(r, tree_line(cfg, "proxy-protocol"),
		    "listen.proxy-protocol",
		    "has a large part of the internet, and whoever is there "
		    "could say that he is anybody; expected the addresses of "
		    "the balancers");
	return check_devices(r, cfg, l);
}

int
conf_check_listen(struct reading *r, cfg_t *cfg, void *filled)
{
	struct conf_listen *l = filled;

	if (l->socket != NULL)
		return check_local(r, cfg, l);
	if (l->address == NULL && !r->is_partial)
		return conf_fail(r, cfg->line, "listen.address",
		    "is missing, expected ADDRESS:PORT, or a socket for the "
		    "users of this machine");
	l->line = tree_line(cfg, "address");
	for (size_t i = 0; i + 1 < r->conf->nlistens; i++)
		if (l->address != NULL &&
		    is_same_listen(&r->conf->listens[i], l))
			return conf_fail(r, tree_line(cfg, "address"),
			    "listen.address",
			    "is already taken by listen %s, expected another",
			    r->conf->listens[i].name);
	if (l->tls == LISTEN_NONE && l->address != NULL &&
	    !is_private(l->address))
		conf_warn(r, l->line, "listen.address",
		    "a port without TLS and login listens on a public "
		    "address; only networks keeps others out");
	return check_balancers(r, cfg, l);
}

int
conf_check_tls(struct reading *r, cfg_t *cfg, void *filled)
{
	struct conf_certificate *c = filled;

	c->line = tree_line(cfg, "certificate");
	if (tree_has(cfg, "certificate") && !tree_has(cfg, "key"))
		return conf_fail(r, tree_line(cfg, "certificate"), "tls.key",
		    "is missing, expected the certificate's key");
	if (tree_has(cfg, "key") && !tree_has(cfg, "certificate"))
		return conf_fail(r, tree_line(cfg, "key"), "tls.certificate",
		    "is missing, expected the key's certificate");
	return 0;
}

int
conf_check_sni(struct reading *r, cfg_t *cfg, void *filled)
{
	struct conf_certificate *c = filled;

	c->line = tree_line(cfg, "certificate");
	for (size_t i = 0; i + 1 < r->conf->ncertificates; i++) {
		const char *other = r->conf->certificates[i].name;

		if (other != NULL && strcmp(other, c->name) == 0)
			return conf_fail(r, cfg->line, "sni",
			    "%s is there twice, expected once", c->name);
	}
	return 0;
}

/* What stands below another bound that is lower is never reached. */
static void
warn_over(struct reading *r, cfg_t *cfg, const char *section, const char *key,
    uint32_t n, const char *all_key, uint32_t all)
{
	char full[64];

	if (!tree_has(cfg, key) || n <= all)
		return;
	(void)snprintf(full, sizeof full, "%s.%s", section, key);
	conf_warn(r, tree_line(cfg, key), full,
	    "%u has no effect: expected at most the %u of %s.%s", n, all,
	    section, all_key);
}

int
conf_check_limits(struct reading *r, cfg_t *cfg, void *filled)
{
	const struct conf *conf = filled;
	const struct conf_limits *l = &conf->limits;

	warn_over(r, cfg, "limits", "sessions-per-address",
	    l->sessions_per_address, "sessions", l->sessions);
	warn_over(r, cfg, "limits", "strangers-per-address",
	    l->strangers_per_address, "sessions-per-address",
	    l->sessions_per_address);
	if (tree_has(cfg, "header") && l->header > conf->max_message)
		conf_warn(r, tree_line(cfg, "header"), "limits.header",
		    "has no effect: spool.max-message is less, expected a "
		    "size below it");
	return 0;
}

static bool
refuses_all(const struct conf *conf)
{
	struct network v4;

	for (size_t i = 0; i < conf->nrefuse; i++)
		if (network_parse(SPAN("0.0.0.0/0"), &v4) &&
		    network_has(&conf->refuse[i], &v4))
			return true;
	return false;
}

int
conf_check_deliver(struct reading *r, cfg_t *cfg, void *filled)
{
	const struct conf *conf = filled;

	warn_over(r, cfg, "deliver", "max-lanes", conf->max_lanes,
	    "connections", conf->deliver_connections);
	if (conf->deliver_port == 465)
		conf_warn(r, tree_line(cfg, "port"), "deliver.port",
		    "465 speaks TLS at once, and MX hosts are spoken to with "
		    "STARTTLS; expected 25");
	if (refuses_all(conf))
		conf_warn(r, tree_line(cfg, "refuse"), "deliver.refuse",
		    "has every address, and nothing goes by MX; expected the "
		    "networks that MX may not lead to");
	return 0;
}

/* Words that other programs know, and that would become files here. */
int
conf_check_log(struct reading *r, cfg_t *cfg, void *filled)
{
	static const char *const words[] = { "syslog", "journal", "journald",
		"stdout", "console", "file", "none", "off" };
	const struct conf *conf = filled;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(conf->log_target, words[i]) == 0)
			return conf_fail(r, tree_line(cfg, "target"),
			    "log.target",
			    "%s is not known here, expected stderr (journald "
			    "takes it, and syslog from there) or a path "
			    "from /",
			    words[i]);
	return 0;
}

static bool
is_for_users(const char *mechanism)
{
	static const char *const known[] = {
		"SCRAM-SHA-256-PLUS",
		"SCRAM-SHA-256",
		"PLAIN",
		"LOGIN",
		"OAUTHBEARER",
		"XOAUTH2",
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], mechanism) == 0)
			return true;
	return false;
}

int
conf_check_auth(struct reading *r, cfg_t *cfg, void *filled)
{
	const struct conf *conf = filled;
	size_t written = tree_count(cfg, "mechanisms");

	if (conf->backend != AUTH_BACKEND_USERS && tree_has(cfg, "users"))
		conf_warn(r, tree_line(cfg, "users"), "auth.users",
		    "has no effect: the back end is cyrus");
	if (conf->backend != AUTH_BACKEND_USERS && tree_has(cfg, "remember"))
		conf_warn(r, tree_line(cfg, "remember"), "auth.remember",
		    "has no effect: the back end is cyrus");

	for (size_t i = 0; i < conf->nmechanisms; i++) {
		const char *name = conf->mechanisms[i];
		int line = i < written ? tree_value(cfg, "mechanisms", i)->line
				       : cfg->line;

		if (conf->backend == AUTH_BACKEND_USERS && !is_for_users(name))
			return conf_fail(r, line, "auth.mechanisms",
			    "%s needs another backend, expected "
			    "SCRAM-SHA-256-PLUS, SCRAM-SHA-256, PLAIN, LOGIN, "
			    "OAUTHBEARER or XOAUTH2",
			    name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(conf->mechanisms[k], name) == 0)
				return conf_fail(r, line, "auth.mechanisms",
				    "%s is there twice, expected once", name);
	}
	return 0;
}

/* Tokens are looked at in one way; without whom they are for, any would do. */
int
conf_check_oauth(struct reading *r, cfg_t *cfg, void *filled)
{
	struct conf_oauth *o = filled;
	bool has_keys = o->jwks_file != NULL || o->jwks_url != NULL;
	int ways = (o->jwks_file != NULL) + (o->jwks_url != NULL) +
		   (o->introspection_url != NULL);

	o->line = cfg->line;
	if (r->is_partial)
		return 0;
	if (ways != 1)
		return conf_fail(r, cfg->line, "oauth.jwks-url",
		    "%s, expected one of jwks-file, jwks-url and "
		    "introspection-url",
		    ways == 0 ? "is missing" : "is not the only one");
	if (has_keys && o->issuer == NULL)
		return conf_fail(r, cfg->line, "oauth.issuer",
		    "is missing, expected the iss of tokens");
	if (has_keys && o->audience == NULL)
		return conf_fail(r, cfg->line, "oauth.audience",
		    "is missing, expected the aud of tokens that are for this "
		    "relay: without it a token for any other service would "
		    "log in");
	if ((o->client_id == NULL) != (o->client_secret_file == NULL))
		return conf_fail(r, cfg->line, "oauth.client-id",
		    "and client-secret-file go together, expected both or "
		    "none");
	return 0;
}

/* One login by certificate is one account's. */
static int
check_fingerprints(struct reading *r, cfg_t *cfg, const struct conf_account *a)
{
	static const char key[] = "account.certificate";
	int line = tree_line(cfg, "certificate");

	if (a->nfingerprints > 0 && a->name == NULL)
		return conf_fail(r, line, key,
		    "stands in account default, expected in the section of "
		    "the account that it logs in to");
	for (size_t i = 0; i < a->nfingerprints; i++)
		if (conf_account_of(r->conf, a->fingerprints[i].sha256) != a)
			return conf_fail(r, line, key,
			    "a certificate is another account's, too: "
			    "expected one account for each");
	return 0;
}

/* The same of a user of this machine. */
static int
check_uid(struct reading *r, cfg_t *cfg, const struct conf_account *a)
{
	if (!a->has_uid)
		return 0;
	if (a->name == NULL)
		return conf_fail(r, tree_line(cfg, "uid"), "account.uid",
		    "stands in account default, expected in the section of "
		    "the account that the user is");
	if (conf_account_of_uid(r->conf, a->uid) != a)
		return conf_fail(r, tree_line(cfg, "uid"), "account.uid",
		    "%lu is another account's, too: expected one account for "
		    "each user",
		    (unsigned long)a->uid);
	return 0;
}

/* What a longer time has less of is used up before the shorter one counts. */
static void
warn_of_budgets(struct reading *r, cfg_t *cfg, const struct conf_account *a)
{
	for (int b = 0; b < CONF_BUDGETS; b++) {
		const struct conf_rates *rates = &a->budgets[b];
		const char *name = conf_budget_name((enum conf_budget)b);
		char key[64];

		(void)snprintf(key, sizeof key, "account.%s", name);
		for (size_t i = 0; tree_has(cfg, name) && i < rates->n; i++)
			for (size_t k = 0; k < rates->n; k++)
				if (rates->list[k].seconds >
					rates->list[i].seconds &&
				    rates->list[k].most < rates->list[i].most)
					conf_warn(r, tree_line(cfg, name), key,
					    "%u within %us has no effect: a "
					    "longer time allows %u, expected "
					    "more of that",
					    rates->list[i].most,
					    rates->list[i].seconds,
					    rates->list[k].most);
	}
}

int
conf_check_account(struct reading *r, cfg_t *cfg, void *filled)
{
	struct conf_account *a = filled;
	int rc;

	a->line = tree_line(cfg, "send-as");
	if (!a->has_suppress)
		a->suppress = a->bulk;
	for (size_t i = 0; i + 1 < r->conf->naccounts; i++)
		if (conf_compare(span_text(r->conf->accounts[i].name),
			span_text(a->name)) == 0)
			return conf_fail(r, cfg->line, "account",
			    "%s is there twice, expected once",
			    a->name == NULL ? "default" : a->name);
	if (tree_has(cfg, "held-messages") && a->over != OVER_HOLD)
		conf_warn(r, tree_line(cfg, "held-messages"),
		    "account.held-messages",
		    "has no effect: expected over = hold beside it");
	warn_of_budgets(r, cfg, a);
	rc = check_uid(r, cfg, a);
	return rc != 0 ? rc : check_fingerprints(r, cfg, a);
}

static int
check_login(struct reading *r, cfg_t *cfg, const struct conf_route *route)
{
	int line = tree_line(cfg, "login");

	if (route->login == NULL && route->password_file == NULL)
		return 0;
	if (route->password_file == NULL)
		return conf_fail(r, line, "route.password-file",
		    "is missing, expected the file with the login's password");
	if (route->login == NULL)
		return conf_fail(r, tree_line(cfg, "password-file"),
		    "route.login",
		    "is missing, expected the name that the password is for");
	if (route->host == NULL)
		return conf_fail(r, line, "route.relay",
		    "is missing, expected the host that the login is for");
	if (route->tls == RELAY_TLS_OPPORTUNISTIC)
		return conf_fail(r, line, "route.tls",
		    "is opportunistic, expected require: a login over smtp:// "
		    "needs it");
	return 0;
}

/* It sends by MX and asks for nothing, as it would be without it. */
static bool
has_no_effect(const struct reading *r, const struct conf_route *route)
{
	unsigned n = cfg_size(r->tree, "route");

	if (route->host != NULL || route->tls != RELAY_TLS_OPPORTUNISTIC)
		return false;
	for (unsigned i = 0; i < n && route->domain != NULL; i++)
		if (conf_is_default(
			cfg_title(cfg_getnsec(r->tree, "route", i))))
			return false;
	return true;
}

int
conf_check_queue(struct reading *r, cfg_t *cfg, void *filled)
{
	const struct conf *conf = filled;

	if (tree_has(cfg, "delay-warning") && conf->delay_warning != 0 &&
	    conf->delay_warning >= conf->expire)
		conf_warn(r, tree_line(cfg, "delay-warning"),
		    "queue.delay-warning",
		    "has no effect: the message expires before");
	if ((tree_has(cfg, "retry") || tree_has(cfg, "expire")) &&
	    conf->retry[0] >= conf->expire) {
		const char *key = tree_has(cfg, "retry") ? "retry" : "expire";

		conf_warn(r, tree_line(cfg, key),
		    key[0] == 'r' ? "queue.retry" : "queue.expire",
		    "a message is tried once and given back: it expires before "
		    "the second try, expected a first time in retry that is "
		    "less than expire");
	}
	return 0;
}

/* Each kind of TLS has its port, and the other one would wait for the other end. */
static void
warn_of_port(struct reading *r, cfg_t *cfg, const struct conf_route *route)
{
	bool is_implicit = route->tls == RELAY_TLS_IMPLICIT;

	if (route->host == NULL)
		return;
	if (!is_implicit && route->port == 465)
		conf_warn(r, tree_line(cfg, "relay"), "route.relay",
		    "port 465 speaks TLS at once, expected submissions://%s",
		    route->host);
	if (is_implicit && (route->port == 25 || route->port == 587))
		conf_warn(r, tree_line(cfg, "relay"), "route.relay",
		    "port %u speaks TLS after STARTTLS, expected smtp://%s:%u "
		    "and tls = require",
		    route->port, route->host, route->port);
}

int
conf_check_route(struct reading *r, cfg_t *cfg, void *filled)
{
	struct conf_route *route = filled;

	route->line = tree_line(cfg, "relay");
	for (size_t i = 0; i + 1 < r->conf->nroutes; i++)
		if (conf_compare(span_text(r->conf->routes[i].domain),
			span_text(route->domain)) == 0)
			return conf_fail(r, cfg->line, "route",
			    "%s is there twice, expected once",
			    route->domain == NULL ? "default" : route->domain);
	if (check_login(r, cfg, route) != 0)
		return -EINVAL;
	warn_of_port(r, cfg, route);
	if (has_no_effect(r, route))
		conf_warn(r, cfg->line, "route",
		    "has no effect: expected relay, tls = require, or a route "
		    "default that it makes an exception of");
	return 0;
}

static void
add_listen(struct conf *conf, const char *name, uint16_t port,
    enum conf_listen_tls tls)
{
	struct conf_listen *l;

	conf->listens = mem_realloc(
	    conf->listens, (conf->nlistens + 1) * sizeof *conf->listens);
	l = &conf->listens[conf->nlistens++];
	*l = (struct conf_listen){ .name = mem_strdup(name),
		.address = mem_strdup(""),
		.port = port,
		.tls = tls };
}

static int
compare_accounts(const void *a, const void *b)
{
	const struct conf_account *x = a, *y = b;

	return conf_compare(span_text(x->name), span_text(y->name));
}

static int
compare_routes(const void *a, const void *b)
{
	const struct conf_route *x = a, *y = b;

	return conf_compare(span_text(x->domain), span_text(y->domain));
}

/* Where nothing else is said: beside the spool. */
static void
add_beside_spool(const struct conf *conf, const char *name, char **directory)
{
	struct span spool = span_text(conf->spool_directory);
	size_t slash;

	if (*directory != NULL)
		return;
	while (spool.len > 1 && spool.ptr[spool.len - 1] == '/')
		spool.len--;
	slash = span_find_last(spool, '/');
	*directory =
	    slash == spool.len
		? mem_strdup(name)
		: mem_printf("%.*s/%s", SPAN_ARG(span_to(spool, slash)), name);
}

/* A socket of this machine alone is no place for mail clients. */
static bool
has_ports(const struct conf *conf)
{
	for (size_t i = 0; i < conf->nlistens; i++)
		if (conf->listens[i].socket == NULL)
			return true;
	return false;
}

static bool
is_of_tokens(const char *mechanism)
{
	return strcmp(mechanism, "OAUTHBEARER") == 0 ||
	       strcmp(mechanism, "XOAUTH2") == 0;
}

static void
add_mechanism(struct conf *conf, const char *name)
{
	conf->mechanisms = mem_realloc(
	    conf->mechanisms, (conf->nmechanisms + 1) * sizeof(char *));
	conf->mechanisms[conf->nmechanisms++] = mem_strdup(name);
}

/* Who takes tokens offers their mechanisms, unless others are named. */
static int
check_tokens(struct reading *r)
{
	struct conf *conf = r->conf;
	int line = conf_line(conf, "auth.mechanisms");

	/* Only its defaults were read: nobody wrote the section. */
	if (conf->oauth != NULL && conf->oauth->line == 0)
		conf_forget_oauth(conf);
	if (conf->oauth != NULL && line == 0) {
		add_mechanism(conf, "OAUTHBEARER");
		add_mechanism(conf, "XOAUTH2");
	}
	for (size_t i = 0; i < conf->nmechanisms; i++)
		if (conf->oauth == NULL && is_of_tokens(conf->mechanisms[i]))
			return conf_fail(r, line, "auth.mechanisms",
			    "%s needs to know whose tokens to take, expected "
			    "auth { oauth { issuer audience jwks-url } }",
			    conf->mechanisms[i]);
	return 0;
}

/* The operator's socket is nobody else's. */
static int
check_sockets(struct reading *r)
{
	for (size_t i = 0; i < r->conf->nlistens; i++) {
		const struct conf_listen *l = &r->conf->listens[i];

		if (l->socket != NULL &&
		    strcmp(l->socket, r->conf->control_socket) == 0)
			return conf_fail(r, l->line, "listen.socket",
			    "is control.socket, too, expected another path");
	}
	return 0;
}

int
conf_check_all(struct reading *r)
{
	struct conf *conf = r->conf;

	if (!has_ports(conf)) {
		add_listen(conf, "submissions", 465, LISTEN_IMPLICIT);
		add_listen(conf, "submission", 587, LISTEN_STARTTLS);
	}
	if (check_tokens(r) != 0 || check_sockets(r) != 0)
		return -EINVAL;
	add_beside_spool(conf, "state", &conf->state_directory);
	add_beside_spool(conf, "dkim", &conf->dkim_directory);
	qsort(conf->accounts, conf->naccounts, sizeof *conf->accounts,
	    compare_accounts);
	if (conf->nroutes > 0)
		qsort(conf->routes, conf->nroutes, sizeof *conf->routes,
		    compare_routes);
	return 0;
}
