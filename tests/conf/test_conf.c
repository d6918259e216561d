/*
 * The configuration through its public face: the defaults, every key, and each
 * thing that is refused, with the line and the key in the message.
 */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/findings.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"

static struct conf *
parse(const char *text)
{
	struct buf warnings = { 0 };
	struct err err = { "" };
	struct conf *conf = conf_parse(
	    span_text(text), "test.conf", "host.test", &warnings, &err);

	ck_assert_msg(conf != NULL, "%s", err.text);
	buf_clear(&warnings);
	return conf;
}

static void
check_listen_defaults(const struct conf *conf)
{
	ck_assert_uint_eq(conf->nlistens, 2);
	ck_assert_str_eq(conf->listens[0].name, "submissions");
	ck_assert_str_eq(conf->listens[0].address, "");
	ck_assert_uint_eq(conf->listens[0].port, 465);
	ck_assert(conf->listens[0].tls == LISTEN_IMPLICIT);
	ck_assert_str_eq(conf->listens[1].name, "submission");
	ck_assert_str_eq(conf->listens[1].address, "");
	ck_assert_uint_eq(conf->listens[1].port, 587);
	ck_assert(conf->listens[1].tls == LISTEN_STARTTLS);
}

static void
check_auth_defaults(const struct conf *conf)
{
	ck_assert_uint_eq(conf->nmechanisms, 3);
	ck_assert_str_eq(conf->mechanisms[0], "SCRAM-SHA-256");
	ck_assert_str_eq(conf->mechanisms[1], "PLAIN");
	ck_assert_str_eq(conf->mechanisms[2], "LOGIN");
	ck_assert(conf->auth_delay);
	ck_assert_uint_eq(conf->auth_iterations, 40000);
	ck_assert_str_eq(
	    conf->state_directory, LOCALSTATEDIR "/lib/postern/state");
	ck_assert_str_eq(
	    conf->dkim_directory, LOCALSTATEDIR "/lib/postern/dkim");
	ck_assert_uint_eq(conf->limits.login_timeout, 60);
	ck_assert_uint_eq(conf->limits.strangers_per_address, 100);
	ck_assert_str_eq(conf->users, SYSCONFDIR "/postern/users");
	ck_assert(conf->backend == AUTH_BACKEND_USERS);
	ck_assert_uint_eq(conf->auth_remember, 600);
	ck_assert_uint_eq(conf->naccounts, 1);
	ck_assert_ptr_null(conf->accounts[0].name);
	ck_assert_uint_eq(conf->accounts[0].nsend_as, 1);
	ck_assert_str_eq(conf->accounts[0].send_as[0], "$login");
}

static void
check_queue_defaults(const struct conf *conf)
{
	static const uint32_t retry[] = { 60, 300, 900, 1800, 3600, 7200,
		14400 };

	ck_assert_str_eq(
	    conf->spool_directory, LOCALSTATEDIR "/lib/postern/spool");
	ck_assert(conf->spool_reserve > 4.999 && conf->spool_reserve < 5.001);
	ck_assert_uint_eq(conf->max_message, 50 << 20);
	ck_assert_uint_eq(conf->nretry, ARRAY_LEN(retry));
	ck_assert_mem_eq(conf->retry, retry, sizeof retry);
	ck_assert_uint_eq(conf->expire, 432000);
	ck_assert_uint_eq(conf->delay_warning, 14400);
}

static void
check_deliver_defaults(const struct conf *conf)
{
	ck_assert_uint_eq(conf->nresolvers, 0);
	ck_assert_uint_eq(conf->deliver_port, 25);
	ck_assert(!conf->allow_loopback);
	ck_assert_uint_eq(conf->max_lanes, 20);
	ck_assert_uint_eq(conf->deliver_connections, 2000);
	ck_assert_uint_eq(conf->lane_idle, 5);
	ck_assert_uint_eq(conf->lane_messages, 1000);
	ck_assert(conf->chunking);
	ck_assert_uint_eq(conf->deliver_timeout, 30);
	ck_assert_uint_eq(conf->nroutes, 0);
	ck_assert_ptr_null(conf_route(conf, SPAN("a.test")));
}

static void
check_rest_defaults(const struct conf *conf)
{
	ck_assert_str_eq(conf->hostname, "host.test");
	ck_assert_uint_eq(conf->ncertificates, 1);
	ck_assert_ptr_null(conf->certificates[0].name);
	ck_assert_str_eq(conf->certificates[0].certificate,
	    SYSCONFDIR "/postern/tls/fullchain.pem");
	ck_assert_str_eq(
	    conf->certificates[0].key, SYSCONFDIR "/postern/tls/privkey.pem");
	ck_assert_uint_eq(conf->workers, 0);
	ck_assert_int_eq(conf->line_endings, LINE_ENDINGS_MEND);
	ck_assert_str_eq(
	    conf->control_socket, RUNSTATEDIR "/postern/control.sock");
	ck_assert_ptr_null(conf->http_address);
	ck_assert_str_eq(conf->log_target, "stderr");
	ck_assert(conf->log_format == LOG_FORMAT_TEXT);
	ck_assert_int_eq(conf->log_level, LOG_INFO);
	ck_assert_uint_eq(conf->limits.sessions, 12000);
	ck_assert_uint_eq(conf->limits.sessions_per_address, 500);
	ck_assert_uint_eq(conf->limits.recipients, 1000);
	ck_assert_uint_eq(conf->limits.errors, 20);
	ck_assert_uint_eq(conf->limits.auth_failures, 3);
	ck_assert_uint_eq(conf->limits.received, 50);
	ck_assert_uint_eq(conf->limits.header, 256 << 10);
	ck_assert_uint_eq(conf->limits.timeout, 300);
}

static void
check_defaults(const struct conf *conf)
{
	check_listen_defaults(conf);
	check_auth_defaults(conf);
	check_queue_defaults(conf);
	check_deliver_defaults(conf);
	check_rest_defaults(conf);
}

START_TEST(an_empty_file_gives_the_defaults)
{
#define A8 "aaaaaaaa"
#define A64 A8 A8 A8 A8 A8 A8 A8 A8

	static const char *const texts[] = {
		"",
		"\n",
		"# nothing\n",
		("tls {}\nauth {}\nspool {}\nqueue {}\nresolver {}\n"
		 "deliver {}\ncontrol {}\nhttp {}\nlog {}\nlimits {}\n"),
	};
	struct conf *conf = parse(texts[_i]);

	check_defaults(conf);
	conf_unref(conf);
}
END_TEST

/* The example's keys and all further ones, none with its default. */
static const char everything[] =
    "hostname = Relay.Example.com   # EHLO name\n"
    "listen one {\n"
    "	address = \"0.0.0.0:1465\"\n"
    "	tls     = starttls\n"
    "}\n"
    "listen two { address = \"[::1]:1587\" tls = implicit }\n"
    "listen three { address = \"127.0.0.1:465\" }\n"
    "tls {\n"
    "	certificate = /tmp/a/fullchain.pem\n"
    "	key         = /tmp/a/privkey.pem\n"
    "	sni \"Mail.Example.net\" { certificate = /b/c key = \"/b/k k\" }\n"
    "}\n"
    "auth {\n"
    "	mechanisms = { SCRAM-SHA-256, gssapi }\n"
    "	users      = /tmp/users\n"
    "	backend    = cyrus\n"
    "	remember   = 1min\n"
    "}\n"
    "account default { send-as = { \"$login\", \"*@b.test\" } }\n"
    "account \"app@example.com\" { send-as = { \"*@example.com\" } }\n"
    "account nobody { send-as = {} }\n"
    "account list { send-as = { \"" A64 A64 "@b.test\" } }\n"
    "account Plain {}\n"
    "spool { directory = /tmp/spool reserve = 2.5% max-message = 1gb }\n"
    "queue {\n"
    "	retry = { 1s, 2min }\n"
    "	expire = 2h\n"
    "	delay-warning = 0\n"
    "}\n"
    "resolver { servers = { \"127.0.0.1:53\", \"[::1]:5353\" } }\n"
    "deliver {\n"
    "	port = 2525\n"
    "	allow-loopback = true\n"
    "	max-lanes = 3\n"
    "	connections = 40\n"
    "	refuse = { \"10.0.0.0/8\", \"fd00::/8\" }\n"
    "	lane-idle = 7s\n"
    "	lane-messages = 9\n"
    "	chunking = false\n"
    "	timeout = 11s\n"
    "}\n"
    "route \"Partner.Example\" {\n"
    "	relay = \"smtp://mx.partner.example\"\n"
    "	tls   = require\n"
    "}\n"
    "route default {\n"
    "	relay         = \"submissions://smtp.provider.example:1465\"\n"
    "	login         = me\n"
    "	password-file = /etc/postern/provider.password\n"
    "}\n"
    "route six.example { relay = \"smtp://[2001:db8::1]:26\" }\n"
    "route mx.example { tls = require }\n"
    "workers = 3\n"
    "line-endings = Refuse\n"
    "control { socket = /tmp/control.sock }\n"
    "http { address = \"127.0.0.1:8587\" }\n"
    "log { target = /tmp/log format = json level = debug }\n"
    "limits {\n"
    "	sessions = 1 sessions-per-address = 2 recipients = 3 errors = 4\n"
    "	auth-failures = 5 received = 6 header = 7kb timeout = 8s\n"
    "}\n";

START_TEST(every_key_is_read)
{
	struct conf *c = parse(everything);

	ck_assert_str_eq(c->file, "test.conf");
	ck_assert_str_eq(c->hostname, "relay.example.com");
	ck_assert_uint_eq(c->nlistens, 3);
	ck_assert_str_eq(c->listens[0].name, "one");
	ck_assert_str_eq(c->listens[0].address, "0.0.0.0");
	ck_assert_uint_eq(c->listens[0].port, 1465);
	ck_assert(c->listens[0].tls == LISTEN_STARTTLS);
	ck_assert_str_eq(c->listens[1].address, "::1");
	ck_assert_uint_eq(c->listens[1].port, 1587);
	ck_assert(c->listens[1].tls == LISTEN_IMPLICIT);
	ck_assert(c->listens[2].tls == LISTEN_IMPLICIT);
	ck_assert_uint_eq(c->ncertificates, 2);
	ck_assert_str_eq(
	    c->certificates[0].certificate, "/tmp/a/fullchain.pem");
	ck_assert_str_eq(c->certificates[0].key, "/tmp/a/privkey.pem");
	ck_assert_str_eq(c->certificates[1].name, "mail.example.net");
	ck_assert_str_eq(c->certificates[1].certificate, "/b/c");
	ck_assert_str_eq(c->certificates[1].key, "/b/k k");
	ck_assert_uint_eq(c->nmechanisms, 2);
	ck_assert_str_eq(c->mechanisms[0], "SCRAM-SHA-256");
	ck_assert_str_eq(c->mechanisms[1], "GSSAPI");
	ck_assert_str_eq(c->users, "/tmp/users");
	ck_assert(c->backend == AUTH_BACKEND_CYRUS);
	ck_assert_uint_eq(c->auth_remember, 60);
	ck_assert_str_eq(c->spool_directory, "/tmp/spool");
	ck_assert(c->spool_reserve > 2.499 && c->spool_reserve < 2.501);
	ck_assert_uint_eq(c->max_message, 1 << 30);
	ck_assert_uint_eq(c->nretry, 2);
	ck_assert_uint_eq(c->retry[0], 1);
	ck_assert_uint_eq(c->retry[1], 120);
	ck_assert_uint_eq(c->expire, 7200);
	ck_assert_uint_eq(c->delay_warning, 0);
	ck_assert_uint_eq(c->nresolvers, 2);
	ck_assert_str_eq(c->resolvers[0], "127.0.0.1:53");
	ck_assert_str_eq(c->resolvers[1], "[::1]:5353");
	ck_assert_uint_eq(c->deliver_port, 2525);
	ck_assert(c->allow_loopback);
	ck_assert_uint_eq(c->max_lanes, 3);
	ck_assert_uint_eq(c->deliver_connections, 40);
	ck_assert_uint_eq(c->nrefuse, 2);
	ck_assert_uint_eq(c->refuse[0].bits, 96 + 8);
	ck_assert_uint_eq(c->lane_idle, 7);
	ck_assert_uint_eq(c->lane_messages, 9);
	ck_assert(!c->chunking);
	ck_assert_uint_eq(c->deliver_timeout, 11);
	ck_assert_uint_eq(c->workers, 3);
	ck_assert_int_eq(c->line_endings, LINE_ENDINGS_REFUSE);
	ck_assert_str_eq(c->control_socket, "/tmp/control.sock");
	ck_assert_str_eq(c->http_address, "127.0.0.1:8587");
	ck_assert_str_eq(c->log_target, "/tmp/log");
	ck_assert(c->log_format == LOG_FORMAT_JSON);
	ck_assert_int_eq(c->log_level, LOG_DEBUG);
	ck_assert_uint_eq(c->limits.sessions, 1);
	ck_assert_uint_eq(c->limits.sessions_per_address, 2);
	ck_assert_uint_eq(c->limits.recipients, 3);
	ck_assert_uint_eq(c->limits.errors, 4);
	ck_assert_uint_eq(c->limits.auth_failures, 5);
	ck_assert_uint_eq(c->limits.received, 6);
	ck_assert_uint_eq(c->limits.header, 7 << 10);
	ck_assert_uint_eq(c->limits.timeout, 8);
	conf_unref(c);
}
END_TEST

START_TEST(accounts_are_found_without_regard_to_case)
{
	struct conf *c = parse(everything);
	const struct conf_account *a;

	ck_assert_uint_eq(c->naccounts, 5);
	a = conf_account(c, SPAN("APP@example.com"));
	ck_assert_str_eq(a->name, "app@example.com");
	ck_assert_uint_eq(a->nsend_as, 1);
	ck_assert_str_eq(a->send_as[0], "*@example.com");
	a = conf_account(c, SPAN("nobody"));
	ck_assert_str_eq(a->name, "nobody");
	ck_assert_uint_eq(a->nsend_as, 0);
	a = conf_account(c, SPAN("plain"));
	ck_assert_str_eq(a->name, "Plain"); /* as the default one says */
	ck_assert_uint_eq(a->nsend_as, 2);
	ck_assert_str_eq(a->send_as[1], "*@b.test");
	a = conf_account(c, SPAN("else"));
	ck_assert_ptr_null(a->name);
	ck_assert_uint_eq(a->nsend_as, 2);
	ck_assert_str_eq(a->send_as[1], "*@b.test");
	ck_assert_ptr_eq(conf_account(c, SPAN("")), a);
	conf_unref(c);
}
END_TEST

START_TEST(public_addresses_are_kept_as_they_are)
{
	struct conf *c =
	    parse("public-address = { 192.0.2.1, \"2001:db8::1\" }\n");

	ck_assert_uint_eq(c->npublic_addresses, 2);
	ck_assert_str_eq(c->public_addresses[0], "192.0.2.1");
	ck_assert_str_eq(c->public_addresses[1], "2001:db8::1");
	conf_unref(c);
	c = parse("");
	ck_assert_uint_eq(c->npublic_addresses, 0);
	conf_unref(c);
}
END_TEST

START_TEST(budgets_are_lists_of_rates_or_none)
{
	struct conf *c =
	    parse("notify = '\"post master\"@example.com'\n"
		  "account a { messages = { 5/1min, 40/2h } over = Hold\n"
		  "	held-messages = 7 recipients = none }\n"
		  "account b { new-recipients = { none } }\n"
		  "account default { messages = {60/90} }\n");
	const struct conf_account *a = conf_account(c, SPAN("a"));

	ck_assert_uint_eq(a->budgets[CONF_MESSAGES].n, 2);
	ck_assert_uint_eq(a->budgets[CONF_MESSAGES].list[0].most, 5);
	ck_assert_uint_eq(a->budgets[CONF_MESSAGES].list[0].seconds, 60);
	ck_assert_uint_eq(a->budgets[CONF_MESSAGES].list[1].most, 40);
	ck_assert_uint_eq(a->budgets[CONF_MESSAGES].list[1].seconds, 7200);
	ck_assert_uint_eq(a->budgets[CONF_RECIPIENTS].n, 0);
	ck_assert_uint_eq(a->budgets[CONF_NEW_RECIPIENTS].n, 2);
	ck_assert(a->over == OVER_HOLD);
	ck_assert_uint_eq(a->held_messages, 7);
	a = conf_account(c, SPAN("b"));
	ck_assert_uint_eq(a->budgets[CONF_MESSAGES].n, 1);
	ck_assert_uint_eq(a->budgets[CONF_MESSAGES].list[0].seconds, 90);
	ck_assert_uint_eq(a->budgets[CONF_NEW_RECIPIENTS].n, 0);
	ck_assert(a->over == OVER_REFUSE);
	conf_unref(c);
}
END_TEST

/* DESIGN.md 1: without a word in the file. */
START_TEST(budgets_hold_without_a_configuration)
{
	static const struct conf_rate want[CONF_BUDGETS][2] = {
		[CONF_MESSAGES] = { { 300, 3600 }, { 2000, 86400 } },
		[CONF_RECIPIENTS] = { { 500, 3600 }, { 4000, 86400 } },
		[CONF_NEW_RECIPIENTS] = { { 100, 3600 }, { 200, 86400 } },
	};
	struct conf *c = parse("");
	const struct conf_account *a = conf_account(c, SPAN("a"));

	for (unsigned i = 0; i < CONF_BUDGETS; i++) {
		ck_assert_uint_eq(a->budgets[i].n, 2);
		ck_assert_mem_eq(a->budgets[i].list, want[i], sizeof want[i]);
	}
	ck_assert(a->over == OVER_REFUSE);
	ck_assert_uint_eq(a->held_messages, 1000);
	ck_assert_ptr_null(c->notify);
	conf_unref(c);
}
END_TEST

/* Each key by itself, wherever in the file the default stands. */
START_TEST(an_account_is_as_the_default_where_it_says_nothing)
{
	struct conf *c = parse("account one { from = sender }\n"
			       "account two { send-as = { a@b.test } }\n"
			       "account default { from = rewrite bulk = true\n"
			       "	send-as = { \"$login+*\" } }\n"
			       "account three { bulk = false }\n"
			       "account four { suppress = off }\n");
	const struct conf_account *a = conf_account(c, SPAN("one"));

	ck_assert(a->from == FROM_SENDER);
	ck_assert(a->bulk && a->suppress);
	ck_assert_uint_eq(a->nsend_as, 1);
	ck_assert_str_eq(a->send_as[0], "$login+*");
	a = conf_account(c, SPAN("two"));
	ck_assert(a->from == FROM_REWRITE);
	ck_assert_uint_eq(a->nsend_as, 1);
	ck_assert_str_eq(a->send_as[0], "a@b.test");
	a = conf_account(c, SPAN("three"));
	ck_assert(!a->bulk && !a->suppress);
	a = conf_account(c, SPAN("four"));
	ck_assert(a->bulk && !a->suppress);
	a = conf_account(c, SPAN("anybody"));
	ck_assert(a->from == FROM_REWRITE && a->suppress);
	conf_unref(c);
	c = parse("account one {}\n");
	a = conf_account(c, SPAN("one"));
	ck_assert(a->from == FROM_REJECT && !a->bulk && !a->suppress);
	ck_assert_uint_eq(a->nsend_as, 1);
	ck_assert_ptr_null(conf_account(c, SPAN("anybody"))->name);
	conf_unref(c);
}
END_TEST

START_TEST(filters_stand_in_their_order)
{
	static const struct {
		const char *socket, *path, *host;
		uint16_t port;
	} want[] = {
		{ "unix:/run/x.sock", "/run/x.sock", "", 0 },
		{ "local:/run/x.sock", "/run/x.sock", "", 0 },
		{ "inet:192.0.2.1:11332", NULL, "192.0.2.1", 11332 },
		{ "inet:11332@192.0.2.1", NULL, "192.0.2.1", 11332 },
		{ "inet:localhost:1", NULL, "127.0.0.1", 1 },
		{ "inet:1@LOCALHOST", NULL, "127.0.0.1", 1 },
		{ "inet6:[2001:db8::1]:2", NULL, "2001:db8::1", 2 },
		{ "inet6:2@2001:db8::1", NULL, "2001:db8::1", 2 },
		{ "INET:192.0.2.1:3", NULL, "192.0.2.1", 3 },
	};
	struct buf text = { 0 };
	const struct conf *c;

	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		(void)buf_printf(&text, "filter f%zu { socket = \"%s\" %s }\n",
		    9 - i, want[i].socket,
		    i == 1 ? "away = hold timeout = 2s connections = 3" : "");
	(void)buf_append_char(&text, '\0');
	c = parse(buf_span(&text).ptr);
	ck_assert_uint_eq(c->nfilters, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct conf_filter *f = &c->filters[i];
		char name[8];

		(void)snprintf(name, sizeof name, "f%zu", 9 - i);
		ck_assert_str_eq(f->name, name);
		ck_assert_str_eq(f->socket, want[i].socket);
		ck_assert_uint_eq(f->line, i + 1);
		ck_assert((f->path == NULL) == (want[i].path == NULL));
		if (f->path != NULL)
			ck_assert_str_eq(f->path, want[i].path);
		ck_assert_str_eq(f->host, want[i].host);
		ck_assert_uint_eq(f->port, want[i].port);
		ck_assert_int_eq(f->away, i == 1 ? AWAY_HOLD : AWAY_TEMPFAIL);
		ck_assert_uint_eq(f->timeout, i == 1 ? 2 : 30);
		ck_assert_uint_eq(f->connections, i == 1 ? 3 : 50);
	}
	conf_unref(c);
	buf_clear(&text);
}
END_TEST

START_TEST(routes_are_found_or_the_default_is)
{
	struct conf *c = parse(everything);
	const struct conf_route *r;

	ck_assert_uint_eq(c->nroutes, 4);
	r = conf_route(c, SPAN("PARTNER.example"));
	ck_assert_str_eq(r->domain, "partner.example");
	ck_assert_str_eq(r->host, "mx.partner.example");
	ck_assert_uint_eq(r->port, 25);
	ck_assert(r->tls == RELAY_TLS_REQUIRE);
	ck_assert_ptr_null(r->login);
	ck_assert_ptr_null(r->password_file);
	r = conf_route(c, SPAN("six.example"));
	ck_assert_str_eq(r->host, "2001:db8::1");
	ck_assert_uint_eq(r->port, 26);
	ck_assert(r->tls == RELAY_TLS_OPPORTUNISTIC);
	r = conf_route(c, SPAN("mx.example"));
	ck_assert_ptr_null(r->host);
	ck_assert(r->tls == RELAY_TLS_REQUIRE);
	r = conf_route(c, SPAN("sub.partner.example"));
	ck_assert_ptr_null(r->domain);
	ck_assert_str_eq(r->host, "smtp.provider.example");
	ck_assert_uint_eq(r->port, 1465);
	ck_assert(r->tls == RELAY_TLS_IMPLICIT);
	ck_assert_str_eq(r->login, "me");
	ck_assert_str_eq(r->password_file, "/etc/postern/provider.password");
	ck_assert_ptr_eq(conf_route(c, SPAN("")), r);
	conf_unref(c);
}
END_TEST

static const struct {
	const char *text, *want; /* NULL: no warning */
} effects[] = {
	{ "route a.test {}", "test.conf:1: route: has no effect" },
	{ "route a.test { tls = opportunistic }",
	    "test.conf:1: route: has no" },
	{ "route default {}", "test.conf:1: route: has no effect" },
	{ "route default { tls = opportunistic }", "test.conf:1: route: has" },
	{ "route a.test {}\nroute b.test { tls = require }",
	    "test.conf:1: route: has no effect" },
	{ "route a.test { tls = require }", NULL },
	{ "route default { tls = require }", NULL },
	{ "route a.test {}\nroute default { tls = require }", NULL },
	{ "route default { relay = smtp://h }\nroute a.test {}", NULL },
	{ "route a.test { relay = smtp://h }", NULL },
	{ "auth { backend = cyrus\n users = /u }",
	    "test.conf:2: auth.users: has no effect" },
	{ "auth { backend = cyrus\n remember = 1s }",
	    "test.conf:2: auth.remember: has no effect" },
	{ "auth { backend = cyrus }", NULL },
	{ "auth { backend = users users = /u remember = 1s }", NULL },
	{ "queue { expire = 1h\n delay-warning = 1h }",
	    "test.conf:2: queue.delay-warning: has no effect" },
	{ "queue { expire = 1h delay-warning = 0 }", NULL },
	{ "queue { expire = 1h delay-warning = 59min }", NULL },
	{ "queue { expire = 1h }", NULL },
	{ "limits { sessions = 10\n sessions-per-address = 11 }",
	    "test.conf:2: limits.sessions-per-address: 11 has no effect" },
	{ "limits { sessions = 11\n sessions-per-address = 11 }", NULL },
	{ "limits { sessions = 10 }", NULL },
	{ "limits { sessions-per-address = 5\n strangers-per-address = 6 }",
	    "test.conf:2: limits.strangers-per-address: 6 has no" },
	{ "deliver { connections = 2\n max-lanes = 3 }",
	    "test.conf:2: deliver.max-lanes: 3 has no effect" },
	{ "spool { max-message = 2kb }\nlimits { header = 3kb }",
	    "test.conf:2: limits.header: has no effect" },
	{ "log { target = relay.log }", "test.conf:1: log.target: \"relay.log\""
					" is relative" },
	{ "auth { users = u }", "test.conf:1: auth.users: \"u\" is relative" },
	{ "log { target = stderr }", NULL },
};

START_TEST(what_has_no_effect_is_warned_of)
{
	struct buf warnings = { 0 };
	struct err err;
	struct conf *c = conf_parse(span_text(effects[_i].text), "test.conf",
	    "host.test", &warnings, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	if (effects[_i].want == NULL)
		ck_assert_uint_eq(buf_len(&warnings), 0);
	else
		ck_assert_msg(span_starts(buf_span(&warnings),
				  span_text(effects[_i].want)),
		    "%.*s", SPAN_ARG(buf_span(&warnings)));
	buf_clear(&warnings);
	conf_unref(c);
}
END_TEST

START_TEST(every_wrong_value_is_told_and_the_first_error_of_form)
{
	static const char *const want[] = {
		"t:5: http: no such option 'bogus': expected one of address",
		"t:1: workers: \"700\" is wrong",
		"t:2: hostname: \"-x\" is wrong",
		"t:3: limits.errors: \"x\" is wrong",
		"t:4: listen.address: \"b\" is wrong",
		"t:4: listen.tls: \"some\" is wrong",
	};
	struct findings f = { 0 };

	ck_assert_ptr_null(conf_parse_all(
	    SPAN("workers = 700\nhostname = -x\nlimits { errors = x }\n"
		 "listen a { address = b tls = some }\nhttp { bogus = 1\n"
		 "address = 2 }"),
	    "t", "h.test", &f));
	ck_assert_uint_eq(f.n, ARRAY_LEN(want));
	for (size_t i = 0; i < f.n; i++) {
		bool found = false;

		for (size_t k = 0; k < f.n; k++)
			found = found || span_starts(span_text(f.all[k].text),
					     span_text(want[i]));
		ck_assert_msg(found, "%s", want[i]);
		ck_assert_int_eq(f.all[i].level, FINDING_ERROR);
	}
	findings_clear(&f);
}
END_TEST

START_TEST(an_option_knows_its_line)
{
	struct conf *c = parse("\nspool {\n\n directory = /s }\nroute a.test "
			       "{\n relay = smtp://h }\nworkers = 1");

	ck_assert_int_eq(conf_line(c, "workers"), 7);
	ck_assert_int_eq(conf_line(c, "spool.directory"), 4);
	ck_assert_int_eq(conf_line(c, "spool.reserve"), 0);
	ck_assert_int_eq(conf_line(c, "hostname"), 0);
	ck_assert_int_eq(c->routes[0].line, 6);
	conf_unref(c);
}
END_TEST

START_TEST(an_error_leaves_no_warnings)
{
	struct buf warnings = { 0 };
	struct err err;

	ck_assert_ptr_null(
	    conf_parse(span_text("route a.test {}\nnonsense = 1"), "t",
		"h.test", &warnings, &err));
	ck_assert_ptr_null(conf_parse(
	    span_text("route a.test {}\nroute b.test { login = me }"), "t",
	    "h.test", &warnings, &err));
	ck_assert_ptr_null(warnings.data);
}
END_TEST

START_TEST(a_route_says_what_it_means)
{
	static const struct {
		const char *text, *want;
	} all[] = {
		{ "route default { tls = require }",
		    "route default: by MX, TLS required and verified" },
		{ "route A.test { tls = opportunistic }",
		    "route a.test: by MX, TLS where it is offered" },
		{ "route a.test { relay = smtp://h }",
		    "route a.test: smtp://h:25, TLS where it is offered" },
		{ "route a.test { relay = \"smtp://[::1]:26\" tls = require }",
		    "route a.test: smtp://[::1]:26, TLS required and "
		    "verified" },
		{ "route a.test { relay = submissions://h login = me "
		  "password-file = /p }",
		    "route a.test: submissions://h:465, TLS required and "
		    "verified, login me" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct conf *c = parse(all[i].text);
		struct buf out = { 0 };

		conf_route_say(&c->routes[0], &out);
		ck_assert_msg(
		    span_equal(buf_span(&out), span_text(all[i].want)), "%.*s",
		    SPAN_ARG(buf_span(&out)));
		buf_clear(&out);
		conf_unref(c);
	}
}
END_TEST

/* What is refused; the message begins with the place and the key. */
static const struct {
	const char *text, *want;
} bad[] = {
	/* form */
	{ "nokey = 1", "test.conf:1: no such option 'nokey'" },
	{ "\n\ntls {\n  nokey = 1\n}", "test.conf:4: tls: no such option" },
	{ "nosection { a = 1 }", "test.conf:1: no such option" },
	{ "workers 1", "test.conf:1: missing equal sign" },
	{ "workers =", "test.conf:1: a value is missing" },
	{ "workers = 1\n}", "test.conf:2: unexpected closing brace" },
	{ "\ntls {\n", "test.conf:2: { has no end" },
	{ "log {}\nqueue { retry = { 1h, \n", "test.conf:2: { has no end" },
	{ "listen { }", "test.conf:1: missing title" },
	{ "workers = 1\nworkers = 2", "test.conf:2: workers: is set twice" },
	{ "queue {\nretry = {1h}\nretry = {2h}\n}",
	    "test.conf:3: queue.retry: is set twice" },
	{ "queue {\nretry = {1h}\nretry = {}\n}",
	    "test.conf:3: queue.retry: is set twice" },
	{ "log {}\n\nlog {}", "test.conf:3: log: is written twice" },
	{ "hostname = \"a", "test.conf:1: the quotes have no end" },
	{ "\n/* never\nclosed", "test.conf:2: the comment has no end" },
	{ "\naccount a { send-as = { *@b.test } }",
	    "test.conf:2: a value with * in it needs double quotes" },
	{ "\nhostname = a\x01", "test.conf:2: a control character" },
	{ "hostname = \"a\\0b\"", "test.conf:1: a NUL" },
	/* lines behind comments */
	{ "# one\n// two\n/* three\nfour */ # x\n\nworkers = x",
	    "test.conf:6: workers: \"x\" is wrong" },
	{ "log { target = \"#no//comment\" }\nworkers = x",
	    "test.conf:2: workers: " },
	{ "log { target = 'a\nb\"' }", "test.conf:1: the quotes have" },
	{ "hostnam = a.test", "test.conf:1: no such option 'hostnam': did you "
			      "mean hostname?" },
	{ "Hostname = a.test", "test.conf:1: no such option 'Hostname': did "
			       "you mean hostname?" },
	{ "queue { expire = 5 days }",
	    "test.conf:1: queue: no such option 'days': expected one word" },
	{ "expire = 5d", "test.conf:1: no such option 'expire': write it into "
			 "section queue" },
	{ "queue { workers = 5 }", "test.conf:1: queue: no such option "
				   "'workers': write it outside" },
	{ "listen a { port = 5 }", "test.conf:1: listen: no such option "
				   "'port': write it into section deliver" },
	{ "spool { zzzz = 5 }", "test.conf:1: spool: no such option 'zzzz': "
				"expected one of directory, reserve, max-" },
	{ "auth { mechanisms = PLAIN, LOGIN }",
	    "test.conf:1: auth: unexpected token ',': a list stands in "
	    "braces" },
	{ "hostname =\nworkers = 2", "test.conf:1: a value is missing" },
	{ "hostname = # none\nworkers = 2", "test.conf:1: a value is missing" },
	{ "log { target = }", "test.conf:1: a value is missing" },
	{ "\nhostname = ${NAME}", "test.conf:2: ${...} is not replaced" },
	{ "\nhostname = \"${NAME}\"", "test.conf:2: ${...} is not" },
	{ "\nhostname = \"a\nworkers = 1\nlog { target = \"x\" }",
	    "test.conf:2: the quotes have no end in this line" },
	{ "\xef\xbb\xbfworkers = 1", "test.conf:1: begins with a byte order" },
	{ "\xff\xfew", "test.conf:1: is UTF-16" },
	{ "\nhostname: a.test",
	    "test.conf:2: no such option 'hostname:': write "
	    "NAME = VALUE, with =" },
	{ "[listen]", "test.conf:1: no such option '[listen]': a section is" },
	{ "log { target = syslog }", "test.conf:1: log.target: syslog is not "
				     "known here, expected stderr" },
	/* values */
	{ "line-endings = keep", "test.conf:1: line-endings: \"keep\" is "
				 "wrong, expected mend or refuse" },
	{ "hostname = -a.test", "test.conf:1: hostname: \"-a.test\" is wrong, "
				"expected a domain name" },
	{ "hostname = \"\"", "test.conf:1: hostname: \"\" is wrong" },
	{ "hostname = a..b", "test.conf:1: hostname: " },
	{ "hostname = a.b.", "test.conf:1: hostname: " },
	{ "hostname = \"a b\"", "test.conf:1: hostname: " },
	{ "hostname = 192.0.2.1", "test.conf:1: hostname: " },
	{ "workers = 257", "test.conf:1: workers: " },
	{ "workers = -1", "test.conf:1: workers: " },
	{ "listen a { address = 465 }", "test.conf:1: listen.address: " },
	{ "listen a { address = localhost:25 }",
	    "test.conf:1: listen.address: " },
	{ "listen a {\n tls = implicit\n}",
	    "test.conf:3: listen.address: is missing" },
	{ "listen a { socket = /a\n address = :25 }",
	    "test.conf:2: listen.address: cannot be with socket" },
	{ "listen a { socket = /a\n tls = none }",
	    "test.conf:2: listen.tls: cannot be with socket" },
	{ "listen a { socket = /a\n account = x }",
	    "test.conf:2: listen.account: cannot be with socket" },
	{ "listen a { socket = /a }\nlisten b { socket = /a }",
	    "test.conf:2: listen.socket: is already taken by listen a" },
	{ "account default { uid = 1 }",
	    "test.conf:1: account.uid: stands in account default" },
	{ "account a { uid = 1 }\naccount b { uid = 1 }",
	    "test.conf:2: account.uid: 1 is another account's" },
	{ "account a { uid = 4294967295 }", "test.conf:1: account.uid: " },
	{ "account a { uid = root }", "test.conf:1: account.uid: " },
	{ "listen a { address = :25 tls = none account = x }",
	    "test.conf:1: listen.networks: is missing" },
	{ "listen a { address = :25 tls = none account = x\n"
	  "networks = { 10.0.0.0/8, \"0.0.0.0/0\" } }",
	    "test.conf:2: listen.networks: has a large part of the internet" },
	{ "listen a { address = :25 tls = none account = x networks = "
	  "{ \"::/0\" } }",
	    "test.conf:1: listen.networks: has a large part" },
	{ "listen a { address = :25 proxy-protocol = { \"0.0.0.0/0\" } }",
	    "test.conf:1: listen.proxy-protocol: has a large part" },
	{ "listen a { address = :25 tls = some }",
	    "test.conf:1: listen.tls: " },
	{ "listen \"\" { address = :25 }", "test.conf:1: listen: " },
	{ "listen a { address = :25 }\nlisten a { address = :26 }",
	    "test.conf:2: found duplicate title 'a'" },
	{ "listen a { address = :25 }\nlisten b {\n address = :25 }",
	    "test.conf:3: listen.address: is already taken by listen a" },
	{ "listen a { address = 127.0.0.1:25 }\nlisten b { address = :25 }",
	    "test.conf:2: listen.address: is already taken" },
	{ "listen a { address = 127.0.0.1:25 }\n"
	  "listen b { address = 127.0.0.1:25 }",
	    "test.conf:2: listen.address: is already taken" },
	{ "tls { certificate = \"\" key = b }",
	    "test.conf:1: tls.certificate: " },
	{ "filter f { }", "test.conf:1: filter.socket: is missing" },
	{ "filter f { socket = \"/run/x\" }",
	    "test.conf:1: filter.socket: \"/run/x\" is wrong, expected unix:" },
	{ "filter f { socket = \"unix:x.sock\" }",
	    "test.conf:1: filter.socket: \"unix:x.sock\" is wrong" },
	{ "filter f { socket = \"inet:11332\" }",
	    "test.conf:1: filter.socket: \"inet:11332\" is wrong" },
	{ "filter f { socket = \"inet:*:11332\" }",
	    "test.conf:1: filter.socket: \"inet:*:11332\" is wrong" },
	{ "filter f { socket = \"inet::11332\" }",
	    "test.conf:1: filter.socket: \"inet::11332\" is wrong" },
	{ "filter f { socket = \"inet:192.0.2.1:0\" }",
	    "test.conf:1: filter.socket: \"inet:192.0.2.1:0\" is wrong" },
	{ "filter f { socket = \"inet:host.test:1\" }",
	    "test.conf:1: filter.socket: \"inet:host.test:1\" is wrong" },
	{ "filter \"a b\" { socket = \"unix:/x\" }",
	    "test.conf:1: filter: \"a b\" is wrong, expected a name" },
	{ "filter f { socket = \"unix:/x\" when = later }",
	    "test.conf:1: filter.when: \"later\" is wrong, expected before or "
	    "after" },
	{ "filter f { socket = \"unix:/x\" away = no }",
	    "test.conf:1: filter.away: \"no\" is wrong, expected tempfail" },
	{ "filter f { socket = \"unix:/x\" timeout = 6min }",
	    "test.conf:1: filter.timeout: \"6min\" is wrong" },
	{ "filter f { socket = \"unix:/x\" connections = 0 }",
	    "test.conf:1: filter.connections: \"0\" is wrong" },
	{ "tls { certificate = a }", "test.conf:1: tls.key: is missing" },
	{ "tls {\n key = a }", "test.conf:2: tls.certificate: is missing" },
	{ "tls { sni a.test { certificate = a } }",
	    "test.conf:1: sni.key: is missing" },
	{ "tls { sni a.test { key = a } }",
	    "test.conf:1: sni.certificate: is missing" },
	{ "tls { sni a_b { certificate = a key = b } }", "test.conf:1: sni: " },
	{ "auth { mechanisms = {} }",
	    "test.conf:1: auth.mechanisms: is empty" },
	{ "auth { mechanisms = {\nPLAIN,\nGSSAPI } }",
	    "test.conf:3: auth.mechanisms: GSSAPI needs another backend" },
	{ "auth { mechanisms = { PLAIN, plain } }",
	    "test.conf:1: auth.mechanisms: PLAIN is there twice" },
	{ "auth { mechanisms = { A12345678901234567890 } backend = cyrus }",
	    "test.conf:1: auth.mechanisms: " },
	{ "auth { mechanisms = { 'A B' } }", "test.conf:1: auth.mechanisms: " },
	{ "auth { users = \"\" }", "test.conf:1: auth.users: " },
	{ "auth { backend = ldap }", "test.conf:1: auth.backend: \"ldap\" is "
				     "wrong, expected users or cyrus" },
	{ "auth { remember = 2d }", "test.conf:1: auth.remember: " },
	{ "account \"\" {}", "test.conf:1: account: " },
	{ "account a {}\naccount A {}",
	    "test.conf:2: account: A is there twice" },
	{ "account default {}\naccount default {}",
	    "test.conf:2: found duplicate title" },
	{ "account a { send-as = { b } }", "test.conf:1: account.send-as: " },
	{ "account a { send-as = { \"" A64 A64 A64 A64 A64 "@b.test\" } }",
	    "test.conf:1: account.send-as: " },
	{ "account a { send-as = { \"@b.test\" } }",
	    "test.conf:1: account.send-as: " },
	{ "account a { send-as = { \"$login+a\" } }",
	    "test.conf:1: account.send-as: " },
	{ "account a { from = reject_all }", "test.conf:1: account.from: " },
	{ "account a { messages = {} }",
	    "test.conf:1: account.messages: is empty" },
	{ "account a { messages = { 5/59s } }",
	    "test.conf:1: account.messages: \"5/59s\" is wrong, expected up "
	    "to 8 different times" },
	{ "account a { messages = 5 }", "test.conf:1: account.messages: " },
	{ "account a { messages = 0/1h }", "test.conf:1: account.messages: " },
	{ "account a { messages = 5/367d }",
	    "test.conf:1: account.messages: " },
	{ "account a { messages = none/1h }",
	    "test.conf:1: account.messages: " },
	{ "account a { messages = { 1/1h, 2/60min } }",
	    "test.conf:1: account.messages: \"2/60min\"" },
	{ "account a { recipients = { none, 5/1h } }",
	    "test.conf:1: account.recipients: \"5/1h\"" },
	{ "account a { new-recipients = { 5/1h, none } }",
	    "test.conf:1: account.new-recipients: \"none\"" },
	{ "account a { over = bounce }", "test.conf:1: account.over: " },
	{ "account a { held-messages = 1000001 }",
	    "test.conf:1: account.held-messages: " },
	{ "notify = postmaster", "test.conf:1: notify: " },
	{ "public-address = { \"192.0.2.0/24\" }",
	    "test.conf:1: public-address: " },
	{ "public-address = { \"relay.example.com\" }",
	    "test.conf:1: public-address: " },
	{ "account a { suppress = maybe }", "test.conf:1: account.suppress: " },
	{ "account default { from = no }\naccount a {}",
	    "test.conf:1: account.from: " },
	{ "account a { send-as = { \"a*@b.test\" } }",
	    "test.conf:1: account.send-as: " },
	{ "account a { send-as = { \"a@*.test\" } }",
	    "test.conf:1: account.send-as: " },
	{ "spool { directory = \"\" }", "test.conf:1: spool.directory: " },
	{ "spool { reserve = 5 }", "test.conf:1: spool.reserve: " },
	{ "spool { reserve = 91% }", "test.conf:1: spool.reserve: " },
	{ "spool { reserve = 90.1% }", "test.conf:1: spool.reserve: " },
	{ "spool { reserve = 5.% }", "test.conf:1: spool.reserve: " },
	{ "spool { reserve = .5% }", "test.conf:1: spool.reserve: " },
	{ "spool { max-message = 0 }", "test.conf:1: spool.max-message: " },
	{ "spool { max-message = 3gb }", "test.conf:1: spool.max-message: " },
	{ "queue { retry = {} }", "test.conf:1: queue.retry: is empty" },
	{ "queue { retry = { 1h,\n0 } }", "test.conf:2: queue.retry: \"0\"" },
	{ "queue { retry = { 1m } }", "test.conf:1: queue.retry: " },
	{ "queue { expire = 0 }", "test.conf:1: queue.expire: " },
	{ "queue { delay-warning = x }", "test.conf:1: queue.delay-warning: " },
	{ "resolver { servers = { 127.0.0.1 } }",
	    "test.conf:1: resolver.servers: " },
	{ "resolver { servers = { :53 } }", "test.conf:1: resolver.servers: " },
	{ "resolver { servers = { 127.0.0.1:0 } }",
	    "test.conf:1: resolver.servers: " },
	{ "deliver { port = 0 }", "test.conf:1: deliver.port: " },
	{ "deliver { port = 65536 }", "test.conf:1: deliver.port: " },
	{ "deliver { allow-loopback = maybe }",
	    "test.conf:1: deliver.allow-loopback: " },
	{ "deliver { refuse = { \"10.0.0.0/40\" } }",
	    "test.conf:1: deliver.refuse: " },
	{ "deliver { connections = 0 }", "test.conf:1: deliver.connections: " },
	{ "deliver { max-lanes = 0 }", "test.conf:1: deliver.max-lanes: " },
	{ "deliver { lane-idle = 2h }", "test.conf:1: deliver.lane-idle: " },
	{ "deliver { lane-messages = 0 }",
	    "test.conf:1: deliver.lane-messages: " },
	{ "deliver { timeout = 0 }", "test.conf:1: deliver.timeout: " },
	{ "route \"a b\" {}", "test.conf:1: route: \"a b\" is wrong" },
	{ "route a.test {}\nroute A.test {}",
	    "test.conf:2: route: a.test is there twice" },
	{ "route default {}\nroute default {}", "test.conf:2: " },
	{ "route a { relay = mx.test }", "test.conf:1: route.relay: " },
	{ "route a { relay = \"http://mx.test\" }",
	    "test.conf:1: route.relay: " },
	{ "route a { relay = \"smtp://\" }", "test.conf:1: route.relay: " },
	{ "route a { relay = \"smtp://mx:0\" }", "test.conf:1: route.relay: " },
	{ "route a { relay = \"smtp://mx:\" }", "test.conf:1: route.relay: " },
	{ "route a { relay = \"smtp://mx/\" }", "test.conf:1: route.relay: " },
	{ "route a { relay = \"smtp://*:25\" }", "test.conf:1: route.relay: " },
	{ "route a { relay = \"smtp://::1\" }", "test.conf:1: route.relay: " },
	{ "route a { relay = \"smtp://[::g]\" }",
	    "test.conf:1: route.relay: " },
	{ "route a { tls = maybe }", "test.conf:1: route.tls: " },
	{ "route a { relay = submissions://h tls = opportunistic }",
	    "test.conf:1: route.tls: " },
	{ "route a {\n relay = submissions://h\n login = me\n}",
	    "test.conf:3: route.password-file: is missing" },
	{ "route a {\n relay = submissions://h\n password-file = /p\n}",
	    "test.conf:3: route.login: is missing" },
	{ "route a {\n login = me\n password-file = /p\n}",
	    "test.conf:2: route.relay: is missing" },
	{ "route a { relay = smtp://h login = me password-file = /p }",
	    "test.conf:1: route.tls: is opportunistic" },
	{ "control { socket = \"\" }", "test.conf:1: control.socket: " },
	{ "control { socket = /01234567890123456789012345678901234567890123456"
	  "7890123456789012345678901234567890123456789012345678901234567 }",
	    "test.conf:1: control.socket: " },
	{ "http { address = 8587 }", "test.conf:1: http.address: " },
	{ "log { target = \"\" }", "test.conf:1: log.target: " },
	{ "log { format = xml }", "test.conf:1: log.format: " },
	{ "log { level = loud }", "test.conf:1: log.level: " },
	{ "limits { sessions = 0 }", "test.conf:1: limits.sessions: " },
	{ "limits { sessions-per-address = 0 }",
	    "test.conf:1: limits.sessions-per-address: " },
	{ "limits { recipients = 0 }", "test.conf:1: limits.recipients: " },
	{ "limits { errors = 0 }", "test.conf:1: limits.errors: " },
	{ "limits { auth-failures = 0 }",
	    "test.conf:1: limits.auth-failures: " },
	{ "limits { received = 0 }", "test.conf:1: limits.received: " },
	{ "limits { header = 1gb }", "test.conf:1: limits.header: " },
	{ "limits { timeout = 0 }", "test.conf:1: limits.timeout: " },
};

START_TEST(mistakes_are_refused_with_their_place)
{
	struct buf warnings = { 0 };
	struct err err = { "" };
	struct conf *conf = conf_parse(
	    span_text(bad[_i].text), "test.conf", "host.test", &warnings, &err);

	ck_assert_msg(conf == NULL, "accepted: %s", bad[_i].text);
	ck_assert_msg(
	    strncmp(err.text, bad[_i].want, strlen(bad[_i].want)) == 0,
	    "%s\n got: %s\nwant: %s", bad[_i].text, err.text, bad[_i].want);
	buf_clear(&warnings);
}
END_TEST

START_TEST(a_mistake_leaves_nothing_behind)
{
	struct err err;
	struct buf warnings = { 0 };

	/* libConfuse's lexer is one for the process. */
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_ptr_null(conf_parse(
		    span_text(bad[i].text), "t", "h", &warnings, &err));
		conf_unref(parse(everything));
	}
	buf_clear(&warnings);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
	static const char text[] = "workers = 1\n\0workers = 2\n";
	struct buf warnings = { 0 };
	struct err err = { "" };

	ck_assert_ptr_null(conf_parse(
	    span_make(text, sizeof text - 1), "f", "h.test", &warnings, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "f:2: a control character"));
}
END_TEST

START_TEST(ports_chosen_by_the_system_are_not_the_same)
{
	struct conf *c = parse("listen a { address = 127.0.0.1:0 }\n"
			       "listen b { address = 127.0.0.1:0 }\n");

	ck_assert_uint_eq(c->nlistens, 2);
	conf_unref(c);
}
END_TEST

START_TEST(a_system_name_that_is_none_is_refused)
{
	static const char *const names[] = { NULL, "", "(none)", "a_b" };
	struct buf warnings = { 0 };
	struct err err = { "" };

	ck_assert_ptr_null(
	    conf_parse(SPAN("\n"), "f", names[_i], &warnings, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "hostname: is not set"));
	conf_unref(conf_parse(
	    SPAN("hostname = a.test"), "f", names[_i], &warnings, &err));
}
END_TEST

START_TEST(a_snapshot_lives_as_long_as_its_last_owner)
{
	struct conf *c = parse(everything), *again = conf_ref(c);

	ck_assert_ptr_eq(c, again);
	conf_unref(c);
	ck_assert_str_eq(again->hostname, "relay.example.com");
	conf_unref(again);
	conf_unref(NULL);
}
END_TEST

static char folder[64], path[128];

static void
write_file(const char *text, size_t len)
{
	FILE *f;

	(void)strcpy(folder, "/tmp/test_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/postern.conf", folder);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static void
remove_file(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

START_TEST(a_file_is_read)
{
	struct buf warnings = { 0 };
	struct err err = { "" };
	struct conf *c;

	write_file(everything, sizeof everything - 1);
	c = conf_read(path, NULL, &warnings, &err);
	remove_file();
	ck_assert_msg(c != NULL, "%s", err.text);
	ck_assert_str_eq(c->file, path);
	ck_assert_uint_eq(c->nlistens, 3);
	conf_unref(c);
	buf_clear(&warnings);
}
END_TEST

START_TEST(a_missing_file_is_an_error)
{
	struct buf warnings = { 0 };
	struct err err = { "" };

	ck_assert_ptr_null(
	    conf_read("/nonexistent/postern.conf", "h.test", &warnings, &err));
	ck_assert_str_eq(err.text,
	    "/nonexistent/postern.conf: No such file or directory, expected "
	    "the configuration: name it with -c");
}
END_TEST

START_TEST(a_huge_file_is_refused)
{
	struct buf warnings = { 0 };
	struct err err = { "" };
	size_t len = 2 << 20;
	char *text = mem_alloc(len);
	struct conf *c;

	memset(text, '\n', len);
	write_file(text, len);
	free(text);
	c = conf_read(path, "h.test", &warnings, &err);
	remove_file();
	ck_assert_ptr_null(c);
	ck_assert_msg(strstr(err.text, "larger than") != NULL, "%s", err.text);
}
END_TEST

static char *
read_shipped(void)
{
	const char *top = getenv("top_srcdir");
	char name[512], *text = mem_zalloc(1, 1 << 16);
	FILE *f;

	(void)snprintf(
	    name, sizeof name, "%s/etc/postern.conf", top == NULL ? "." : top);
	f = fopen(name, "r");
	ck_assert_msg(f != NULL, "%s", name);
	(void)fread(text, 1, (1 << 16) - 1, f);
	(void)fclose(f);
	return text;
}

START_TEST(the_shipped_file_holds_the_defaults)
{
	char *text = read_shipped();
	struct conf *c = parse(text);

	check_defaults(c);
	conf_unref(c);
	free(text);
}
END_TEST

/*
 * With the examples taken away and every other comment sign before a key, what
 * the file says is a default must be one.
 */
START_TEST(the_shipped_file_tells_the_truth_about_the_defaults)
{
	static const char *const keys[] = { "mechanisms", "remember", "reserve",
		"max-message", "retry", "expire", "delay-warning", "port",
		"allow-loopback", "max-lanes", "connections", "refuse",
		"lane-idle", "lane-messages", "chunking", "timeout", "workers",
		"target", "format", "level", "sessions", "sessions-per-address",
		"recipients", "errors", "received", "auth-failures", "header",
		"backend" };
	char *text = read_shipped();
	size_t found = 0;
	struct conf *c;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char *at = text;
		size_t len = strlen(keys[i]);

		for (; (at = strchr(at, '#')) != NULL; at++) {
			if (strncmp(at + 1, keys[i], len) != 0 ||
			    at[1 + len] != ' ')
				continue;
			*at = ' ';
			found++;
		}
	}
	ck_assert_uint_eq(found, ARRAY_LEN(keys) + 1); /* two timeouts */
	c = parse(text);
	check_defaults(c);
	conf_unref(c);
	free(text);
}
END_TEST

START_TEST(a_hostname_without_a_dot_is_warned_of)
{
	static const char *const texts[] = { "\nhostname = relay\n", "" };
	struct buf warnings = { 0 };
	struct err err = { "" };
	struct conf *c =
	    conf_parse(span_text(texts[_i]), "f", "relay", &warnings, &err);
	struct span text = buf_span(&warnings);

	ck_assert_msg(c != NULL, "%s", err.text);
	ck_assert(_i == 1 || span_starts(text, SPAN("f:2: hostname: ")));
	ck_assert_ptr_nonnull(
	    memmem(text.ptr, text.len, "hostname: relay has no dot", 26));
	conf_unref(c);
	buf_clear(&warnings);
	c = conf_parse(
	    SPAN("hostname = relay.test"), "f", "relay", &warnings, &err);
	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(buf_len(&warnings), 0);
	conf_unref(c);
}
END_TEST

START_TEST(the_state_is_beside_the_spool)
{
	static const struct {
		const char *text, *want, *keys;
	} rows[] = {
		{ "spool { directory = /srv/mail/spool }", "/srv/mail/state",
		    "/srv/mail/dkim" },
		{ "spool { directory = /srv/mail/spool/ }", "/srv/mail/state",
		    "/srv/mail/dkim" },
		{ "spool { directory = /spool }", "/state", "/dkim" },
		{ "spool { directory = spool }", "state", "dkim" },
		{ "spool { directory = /a/b }\nstate { directory = /c/d }\n"
		  "dkim { directory = /e/f }",
		    "/c/d", "/e/f" },
	};
	struct buf warnings = { 0 };
	struct err err = { "" };
	struct conf *c = conf_parse(
	    span_text(rows[_i].text), "f", "relay.test", &warnings, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	ck_assert_str_eq(c->state_directory, rows[_i].want);
	ck_assert_str_eq(c->dkim_directory, rows[_i].keys);
	buf_clear(&warnings); /* a relative path is warned of */
	conf_unref(c);
}
END_TEST

/* A socket is no place for mail clients: their ports stay. */
START_TEST(users_of_this_machine_have_a_socket_beside_the_ports)
{
	struct conf *conf = parse("hostname = h.test\n"
				  "listen local { socket = /a/b }\n"
				  "account \"a@b.test\" { uid = 33 }\n");

	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(conf->nlistens, 3);
	ck_assert_str_eq(conf->listens[0].socket, "/a/b");
	ck_assert_int_eq(conf->listens[0].tls, LISTEN_LOCAL);
	ck_assert_str_eq(conf->listens[0].address, "");
	ck_assert_uint_eq(conf->listens[1].port, 465);
	ck_assert_uint_eq(conf->listens[2].port, 587);
	ck_assert_str_eq(conf_account_of_uid(conf, 33)->name, "a@b.test");
	ck_assert_ptr_null(conf_account_of_uid(conf, 0));
	ck_assert(conf_needs_no_login(conf, SPAN("a@b.test")));
	ck_assert(conf_needs_no_login(conf, SPAN("root@H.test")));
	ck_assert(!conf_needs_no_login(conf, SPAN("@h.test")));
	ck_assert(!conf_needs_no_login(conf, SPAN("b@b.test")));
	conf_unref(conf);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(
	    tc, users_of_this_machine_have_a_socket_beside_the_ports);
	tcase_add_loop_test(tc, a_hostname_without_a_dot_is_warned_of, 0, 2);
	tcase_add_loop_test(tc, the_state_is_beside_the_spool, 0, 5);
	tcase_add_loop_test(tc, an_empty_file_gives_the_defaults, 0, 4);
	tcase_add_test(tc, every_key_is_read);
	tcase_add_test(tc, accounts_are_found_without_regard_to_case);
	tcase_add_test(tc, an_account_is_as_the_default_where_it_says_nothing);
	tcase_add_test(tc, public_addresses_are_kept_as_they_are);
	tcase_add_test(tc, budgets_are_lists_of_rates_or_none);
	tcase_add_test(tc, budgets_hold_without_a_configuration);
	tcase_add_test(tc, budgets_hold_without_a_configuration);
	tcase_add_test(tc, filters_stand_in_their_order);
	tcase_add_test(tc, routes_are_found_or_the_default_is);
	tcase_add_loop_test(
	    tc, what_has_no_effect_is_warned_of, 0, (int)ARRAY_LEN(effects));
	tcase_add_test(tc, an_error_leaves_no_warnings);
	tcase_add_test(
	    tc, every_wrong_value_is_told_and_the_first_error_of_form);
	tcase_add_test(tc, an_option_knows_its_line);
	tcase_add_test(tc, a_route_says_what_it_means);
	tcase_add_loop_test(
	    tc, mistakes_are_refused_with_their_place, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, a_mistake_leaves_nothing_behind);
	tcase_add_test(tc, a_nul_byte_is_refused);
	tcase_add_test(tc, ports_chosen_by_the_system_are_not_the_same);
	tcase_add_loop_test(tc, a_system_name_that_is_none_is_refused, 0, 4);
	tcase_add_test(tc, a_snapshot_lives_as_long_as_its_last_owner);
	tcase_add_test(tc, a_file_is_read);
	tcase_add_test(tc, a_missing_file_is_an_error);
	tcase_add_test(tc, a_huge_file_is_refused);
	tcase_add_test(tc, the_shipped_file_holds_the_defaults);
	tcase_add_test(tc, the_shipped_file_tells_the_truth_about_the_defaults);
}

SUITE_MAIN("conf", fill)
