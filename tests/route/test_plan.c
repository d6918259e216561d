/* Plans from a configuration and an answer, both given as text. */
#include "tests/lib/suite.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "route/lookup.h"
#include "sched/target.h"
#include "src/route/plan_priv.h"

#define HOSTNAME "hostname = relay.test\n"
/* At one address, and at all of them. */
#define AT_ONE                                                                 \
	HOSTNAME "listen a { address = \"192.0.2.25:25\" tls = starttls }\n"
#define AT_ALL HOSTNAME "listen a { address = \"*:25\" tls = starttls }\n"
#define RELAY(to) HOSTNAME "route default { relay = \"" to "\" }\n"

static void
to_address(const char *text, union dns_address *out)
{
	*out = (union dns_address){ 0 };
	if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1)
		out->in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) == 1)
		out->in6.sin6_family = AF_INET6;
	else
		ck_abort_msg("%s is no address", text);
}

/* "10 a.test 192.0.2.1 2001:db8::1, 20 b.test 192.0.2.2" */
static void
to_answer(const char *text, struct lookup_answer *out)
{
	static struct lookup_host hosts[LOOKUP_HOSTS_MAX];
	char copy[1024], *save = NULL;

	memset(hosts, 0, sizeof hosts);
	*out = (struct lookup_answer){ .hosts = hosts };
	(void)snprintf(copy, sizeof copy, "%s", text);
	for (char *h = strtok_r(copy, ",", &save); h != NULL;
	     h = strtok_r(NULL, ",", &save)) {
		struct lookup_host *to = &hosts[out->nhosts++];
		char *words = NULL;

		to->preference = (uint16_t)atoi(strtok_r(h, " ", &words));
		(void)snprintf(to->name, sizeof to->name, "%s",
		    strtok_r(NULL, " ", &words));
		for (char *a; (a = strtok_r(NULL, " ", &words)) != NULL;)
			to_address(a, &to->addresses[to->naddresses++]);
	}
}

static struct conf *
to_conf(const char *text)
{
	struct buf warnings = { 0 };
	struct err err = { "" };
	struct conf *c =
	    conf_parse(span_text(text), "test.conf", NULL, &warnings, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	buf_clear(&warnings);
	return c;
}

/* "0 a.test 192.0.2.1:25 [2001:db8::1]:25, 1 b.test ...": groups and hosts. */
static void
to_text(const struct target *t, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < t->nhosts; i++) {
		const struct target_host *h = &t->hosts[i];

		len += (size_t)snprintf(out + len, size - len, "%s%u %s",
		    i == 0 ? "" : ", ", h->group, h->name);
		for (uint32_t k = 0; k < h->naddresses; k++) {
			char text[TARGET_ADDRESS_TEXT];
			const struct target_address *a =
			    &t->addresses[h->first + k];

			target_address_text(&a->to.sa, text);
			len += (size_t)snprintf(out + len, size - len, " %s:%u",
			    text, ntohs(a->to.in.sin_port));
		}
	}
}

struct made {
	struct conf *conf;
	const struct conf_route *rule;
	struct plan plan;
	char text[2048];
};

static void
make(struct made *m, const char *conf, const char *domain, const char *answer)
{
	struct lookup_answer a;
	union dns_address own[2];
	struct plan_request q = { .answer = &a, .own = own, .nown = 2 };

	to_address("192.0.2.99", &own[0]);
	to_address("2001:db8::99", &own[1]);
	to_answer(answer, &a);
	m->conf = to_conf(conf);
	q.conf = m->conf;
	q.rule = m->rule = conf_route(m->conf, span_text(domain));
	plan_make(&m->plan, &q);
	to_text(m->plan.target, m->text, sizeof m->text);
}

static void
clear(struct made *m)
{
	target_unref(m->plan.target);
	conf_unref(m->conf);
}

static const struct {
	const char *name, *conf, *answer, *want;
	bool leads_back;
} cases[] = {
	{ "groups_of_equal_preference", HOSTNAME,
	    "5 a.test 192.0.2.1, 5 b.test 192.0.2.2, 9 c.test 2001:db8::3",
	    "0 a.test 192.0.2.1:25, 0 b.test 192.0.2.2:25, "
	    "1 c.test 2001:db8::3:25",
	    false },
	{ "five_hosts_are_enough", HOSTNAME,
	    "1 a 192.0.2.1, 2 b 192.0.2.2, 3 c 192.0.2.3, 4 d 192.0.2.4, "
	    "5 e 192.0.2.5, 6 f 192.0.2.6",
	    "0 a 192.0.2.1:25, 1 b 192.0.2.2:25, 2 c 192.0.2.3:25, "
	    "3 d 192.0.2.4:25, 4 e 192.0.2.5:25",
	    false },
	{ "the_port_is_configured", HOSTNAME "deliver { port = 2525 }\n",
	    "5 a.test 192.0.2.1", "0 a.test 192.0.2.1:2525", false },
	/* RFC 5321 5.1 */
	{ "our_name_cuts_the_rest", HOSTNAME,
	    "5 a.test 192.0.2.1, 9 Relay.Test 192.0.2.2, 10 c.test 192.0.2.3",
	    "0 a.test 192.0.2.1:25", false },
	{ "our_name_cuts_its_equals", HOSTNAME,
	    "5 a.test 192.0.2.1, 9 b.test 192.0.2.4, 9 bb.test 192.0.2.5, "
	    "9 relay.test 192.0.2.2, 9 z.test 192.0.2.6",
	    "0 a.test 192.0.2.1:25", false },
	{ "our_name_among_the_first_leads_back", HOSTNAME,
	    "5 a.test 192.0.2.1, 5 relay.test 192.0.2.2, 9 c.test 192.0.2.3",
	    "", true },
	{ "our_address_cuts", AT_ONE,
	    "5 a.test 192.0.2.1, 9 b.test 192.0.2.25, 10 c.test 192.0.2.3",
	    "0 a.test 192.0.2.1:25", false },
	{ "our_address_as_ipv6_sees_it_cuts", AT_ONE,
	    "5 a.test 192.0.2.1, 9 b.test ::ffff:192.0.2.25",
	    "0 a.test 192.0.2.1:25", false },
	{ "any_address_of_the_system_cuts", AT_ALL,
	    "5 a.test 192.0.2.1, 9 b.test 192.0.2.2 192.0.2.99",
	    "0 a.test 192.0.2.1:25", false },
	{ "any_ipv6_address_of_the_system_cuts", AT_ALL,
	    "5 a.test 192.0.2.1, 9 b.test 2001:db8::99",
	    "0 a.test 192.0.2.1:25", false },
	{ "another_address_of_the_system_is_not_us", AT_ONE,
	    "5 a.test 192.0.2.99", "0 a.test 192.0.2.99:25", false },
	{ "another_port_is_not_us", AT_ONE "deliver { port = 2525 }\n",
	    "5 a.test 192.0.2.25", "0 a.test 192.0.2.25:2525", false },
	{ "no_host_at_all_does_not_lead_back", HOSTNAME, "", "", false },
	/* where MX may not lead to */
	{ "loopback_is_left_out", HOSTNAME,
	    "5 a.test 127.0.0.1 192.0.2.1 ::1 169.254.1.1 fe80::1 0.0.0.0 :: "
	    "224.0.0.1",
	    "0 a.test 192.0.2.1:25", false },
	{ "loopback_inside_ipv6_is_left_out", HOSTNAME,
	    "5 a.test ::ffff:127.0.0.1 ::127.0.0.1 2002:7f00:1::1 "
	    "64:ff9b::7f00:1 192.0.2.1",
	    "0 a.test 192.0.2.1:25", false },
	{ "others_inside_ipv6_are_not", HOSTNAME,
	    "5 a.test 2002:c000:201::1 64:ff9b::c000:201",
	    "0 a.test 2002:c000:201::1:25 64:ff9b::c000:201:25", false },
	{ "a_host_without_address_keeps_the_groups", HOSTNAME,
	    "5 a.test 127.0.0.1, 5 b.test 192.0.2.2, 9 c.test 192.0.2.3",
	    "0 b.test 192.0.2.2:25, 1 c.test 192.0.2.3:25", false },
	{ "loopback_alone_does_not_lead_back", HOSTNAME, "5 a.test 127.0.0.1",
	    "", false },
	{ "loopback_for_trials", HOSTNAME "deliver { allow-loopback = true }\n",
	    "5 a.test 127.0.0.1", "0 a.test 127.0.0.1:25", false },
	{ "refused_networks_are_left_out",
	    HOSTNAME "deliver { refuse = { \"10.0.0.0/8\", "
		     "\"2001:db8:1::/48\" } allow-loopback = true }\n",
	    "5 a.test 10.1.2.3 11.1.2.3 2001:db8:1::1 2001:db8:2::1",
	    "0 a.test 11.1.2.3:25 2001:db8:2::1:25", false },
	/* relays */
	{ "a_relay_by_name", RELAY("smtp://smart.test:2525"),
	    "0 smart.test 192.0.2.5", "0 smart.test 192.0.2.5:2525", false },
	{ "a_relay_by_address", RELAY("smtp://192.0.2.5"),
	    "0 192.0.2.5 192.0.2.5", "0 192.0.2.5 192.0.2.5:25", false },
	{ "a_relay_may_be_loopback_and_refused",
	    HOSTNAME "deliver { refuse = { \"10.0.0.0/8\" } }\n"
		     "route default { relay = \"smtp://smart.test:26\" }\n",
	    "0 smart.test 127.0.0.1 10.1.1.1 0.0.0.0 224.0.0.1",
	    "0 smart.test 127.0.0.1:26 10.1.1.1:26", false },
	{ "a_relay_of_our_name_is_another_program",
	    RELAY("smtp://relay.test:26"), "0 relay.test 192.0.2.5",
	    "0 relay.test 192.0.2.5:26", false },
	{ "a_relay_that_is_us_leads_back",
	    AT_ALL "route default { relay = \"smtp://smart.test:25\" }\n",
	    "0 smart.test 127.0.0.1", "", true },
	{ "a_relay_at_another_port_is_not_us",
	    AT_ALL "route default { relay = \"smtp://smart.test:26\" }\n",
	    "0 smart.test 127.0.0.1", "0 smart.test 127.0.0.1:26", false },
};

START_TEST(hosts_are_planned)
{
	struct made m;

	make(&m, cases[_i].conf, "a.test", cases[_i].answer);
	ck_assert_msg(strcmp(m.text, cases[_i].want) == 0, "%s: %s",
	    cases[_i].name, m.text);
	ck_assert_msg(
	    m.plan.leads_back == cases[_i].leads_back, "%s", cases[_i].name);
	clear(&m);
}
END_TEST

static const struct {
	const char *route;
	bool is_relay;
	enum target_tls tls;
	const char *because, *login;
} rules[] = {
	{ "", false, TARGET_TLS_OPPORTUNISTIC, NULL, NULL },
	{ "route a.test { relay = \"smtp://h.test\" }", true,
	    TARGET_TLS_OPPORTUNISTIC, NULL, NULL },
	{ "route a.test { relay = \"smtp://h.test\" tls = require }", true,
	    TARGET_TLS_REQUIRE, "tls = require in its route", NULL },
	{ "route a.test { relay = \"submissions://h.test\" login = me "
	  "password-file = /p }",
	    true, TARGET_TLS_IMPLICIT, NULL, "me" },
	{ "route a.test { tls = require }", false, TARGET_TLS_REQUIRE,
	    "tls = require in its route", NULL },
	{ "route b.test { tls = require }", false, TARGET_TLS_OPPORTUNISTIC,
	    NULL, NULL },
};

START_TEST(a_rule_is_the_plans)
{
	char conf[256];
	struct made m;
	const struct target *t;

	(void)snprintf(conf, sizeof conf, HOSTNAME "%s\n", rules[_i].route);
	make(&m, conf, "a.test", "5 h.test 192.0.2.1");
	t = m.plan.target;
	ck_assert_int_eq(plan_relay(m.rule) != NULL, rules[_i].is_relay);
	ck_assert_int_eq(t->tls, rules[_i].tls);
	ck_assert_pstr_eq(t->because, rules[_i].because);
	ck_assert_pstr_eq(t->login, rules[_i].login);
	ck_assert_str_eq(t->hostname, "relay.test");
	clear(&m);
}
END_TEST

START_TEST(the_rest_is_the_configurations)
{
	struct made m;

	make(&m,
	    HOSTNAME "deliver { timeout = 7s lane-idle = 8s lane-messages = 9 "
		     "chunking = false }\n",
	    "a.test", "5 h.test 192.0.2.1");
	ck_assert_uint_eq(m.plan.target->timeout, 7);
	ck_assert_uint_eq(m.plan.target->idle, 8);
	ck_assert_uint_eq(m.plan.target->messages, 9);
	ck_assert(!m.plan.target->chunking);
	clear(&m);
	make(&m, HOSTNAME, "a.test", "5 h.test 192.0.2.1");
	ck_assert(m.plan.target->chunking);
	clear(&m);
}
END_TEST

#define AB "5 a.test 192.0.2.1, 9 b.test 192.0.2.2"
#define REQUIRE HOSTNAME "route default { tls = require }\n"

/* Two plans, and whether they share the site and the channel. */
static const struct {
	const char *name, *conf[2], *answer[2];
	bool site, channel;
} pairs[] = {
	{ "equal", { HOSTNAME, HOSTNAME }, { AB, AB }, true, true },
	{ "other_addresses_are_the_same_hosts", { HOSTNAME, HOSTNAME },
	    { AB, "5 a.test 192.0.2.3, 9 b.test 192.0.2.2" }, true, true },
	{ "other_numbers_in_the_same_order", { HOSTNAME, HOSTNAME },
	    { AB, "1 a.test 192.0.2.1, 2 b.test 192.0.2.2" }, true, true },
	{ "another_order", { HOSTNAME, HOSTNAME },
	    { AB, "5 b.test 192.0.2.2, 9 a.test 192.0.2.1" }, true, false },
	{ "preferred_alike", { HOSTNAME, HOSTNAME },
	    { AB, "5 a.test 192.0.2.1, 5 b.test 192.0.2.2" }, true, false },
	{ "another_host", { HOSTNAME, HOSTNAME },
	    { AB, "5 a.test 192.0.2.1, 9 c.test 192.0.2.2" }, false, false },
	{ "fewer_hosts", { HOSTNAME, HOSTNAME }, { AB, "5 a.test 192.0.2.1" },
	    false, false },
	{ "another_rule", { HOSTNAME, REQUIRE }, { AB, AB }, true, false },
	{ "a_relay_and_a_mail_host_of_one_name",
	    { HOSTNAME, RELAY("smtp://a.test") },
	    { "5 a.test 192.0.2.1", "5 a.test 192.0.2.1" }, false, true },
	{ "relays_at_other_ports",
	    { RELAY("smtp://a.test:26"), RELAY("smtp://a.test:27") },
	    { "5 a.test 192.0.2.1", "5 a.test 192.0.2.1" }, false, true },
	{ "relays_by_other_logins",
	    { HOSTNAME "route default { relay = \"submissions://a.test\" "
		       "login = me password-file = /p }\n",
		HOSTNAME "route default { relay = \"submissions://a.test\" "
			 "login = you password-file = /p }\n" },
	    { "5 a.test 192.0.2.1", "5 a.test 192.0.2.1" }, true, false },
	{ "relays_by_another_password",
	    { HOSTNAME "route default { relay = \"submissions://a.test\" "
		       "login = me password-file = /p }\n",
		HOSTNAME "route default { relay = \"submissions://a.test\" "
			 "login = me password-file = /q }\n" },
	    { "5 a.test 192.0.2.1", "5 a.test 192.0.2.1" }, true, false },
	{ "a_login_that_reads_as_another_and_its_file",
	    { HOSTNAME "route default { relay = \"submissions://a.test\" "
		       "login = \"me 2:/p\" password-file = /p }\n",
		HOSTNAME "route default { relay = \"submissions://a.test\" "
			 "login = me password-file = \"/p 2:/p\" }\n" },
	    { "5 a.test 192.0.2.1", "5 a.test 192.0.2.1" }, true, false },
};

START_TEST(equal_plans_share_what_they_may)
{
	struct made m[2];
	struct buf site[2] = { { 0 } }, channel[2] = { { 0 } };

	for (int i = 0; i < 2; i++) {
		make(&m[i], pairs[_i].conf[i], "x.test", pairs[_i].answer[i]);
		plan_site_key(m[i].rule, m[i].plan.target, &site[i]);
		plan_channel_key(m[i].rule, m[i].plan.target, &channel[i]);
		/* They are used as texts. */
		ck_assert_uint_eq(
		    strlen(buf_span(&site[i]).ptr) + 1, buf_span(&site[i]).len);
		ck_assert_uint_eq(strlen(buf_span(&channel[i]).ptr) + 1,
		    buf_span(&channel[i]).len);
	}
	ck_assert_msg(span_equal(buf_span(&site[0]), buf_span(&site[1])) ==
			  pairs[_i].site,
	    "%s", pairs[_i].name);
	ck_assert_msg(span_equal(buf_span(&channel[0]),
			  buf_span(&channel[1])) == pairs[_i].channel,
	    "%s", pairs[_i].name);
	for (int i = 0; i < 2; i++) {
		buf_clear(&site[i]);
		buf_clear(&channel[i]);
		clear(&m[i]);
	}
}
END_TEST

START_TEST(a_site_has_a_name_for_people)
{
	struct buf name = { 0 };
	struct made m;

	make(&m, _i == 0 ? HOSTNAME : RELAY("smtp://smart.test:26"), "x.test",
	    "5 b.test 192.0.2.1, 6 a.test 192.0.2.2");
	plan_site_name(m.rule, m.plan.target, &name);
	ck_assert_str_eq(
	    buf_span(&name).ptr, _i == 0 ? "a.test,b.test" : "smart.test:26");
	buf_clear(&name);
	clear(&m);
}
END_TEST

static const struct {
	const char *conf;
	bool wants;
} owns[] = {
	{ HOSTNAME, false },
	{ AT_ONE, false },
	{ AT_ALL, true },
	{ AT_ALL "deliver { port = 26 }\n", false },
	{ AT_ALL "route default { relay = \"smtp://h.test:26\" }\n", false },
	{ HOSTNAME "listen a { address = \"0.0.0.0:25\" tls = starttls }\n",
	    true },
	{ HOSTNAME "listen a { address = \"[::]:25\" tls = starttls }\n",
	    true },
};

START_TEST(our_addresses_are_read_when_they_matter)
{
	struct plan_request q = { 0 };
	struct conf *conf = to_conf(owns[_i].conf);

	q.conf = conf;
	q.rule = conf_route(conf, SPAN("x.test"));
	ck_assert_int_eq(plan_wants_own(&q), owns[_i].wants);
	conf_unref(conf);
}
END_TEST

/* The system's interfaces, as it tells of them (see tests.mk). */
int __wrap_getifaddrs(struct ifaddrs **out);
void __wrap_freeifaddrs(struct ifaddrs *all);
static bool has_interfaces;
static unsigned given;

int
__wrap_getifaddrs(struct ifaddrs **out)
{
	static union dns_address addresses[3];
	static struct ifaddrs all[4];

	if (!has_interfaces)
		return -1;
	addresses[0].sa.sa_family = AF_PACKET;
	to_address("192.0.2.7", &addresses[1]);
	to_address("2001:db8::7", &addresses[2]);
	for (size_t i = 0; i < 4; i++) {
		all[i].ifa_next = i < 3 ? &all[i + 1] : NULL;
		all[i].ifa_addr = i == 0 ? NULL : &addresses[i - 1].sa;
	}
	*out = all;
	given++;
	return 0;
}

void
__wrap_freeifaddrs(struct ifaddrs *all)
{
	(void)all;
	given--;
}

static const struct {
	bool has_interfaces;
	const char *conf, *host;
	bool is_ours;
} interfaces[] = {
	{ true, AT_ALL, "0 a.test 192.0.2.7", true },
	{ true, AT_ALL, "0 a.test 2001:db8::7", true },
	{ true, AT_ALL, "0 a.test 192.0.2.1", false },
	{ true, AT_ALL, "0 a.test 2001:db8::1", false },
	/* Where the relay does not listen it is another server. */
	{ true, HOSTNAME, "0 a.test 192.0.2.7", false },
	/* It does not know. */
	{ false, AT_ALL, "0 a.test 192.0.2.7", false },
};

START_TEST(the_addresses_of_the_system_are_ours)
{
	struct conf *conf = to_conf(interfaces[_i].conf);
	struct lookup_answer a;
	struct plan_request q = { .conf = conf, .answer = &a };
	struct plan p;
	struct err err;

	has_interfaces = interfaces[_i].has_interfaces;
	q.rule = conf_route(conf, SPAN("x.test"));
	to_answer(interfaces[_i].host, &a);
	ck_assert_int_eq(plan_read(&p, &q, &err), 0);
	ck_assert_int_eq(p.leads_back, interfaces[_i].is_ours);
	ck_assert_uint_eq(p.target->nhosts, interfaces[_i].is_ours ? 0 : 1);
	ck_assert_uint_eq(given, 0);
	target_unref(p.target);
	conf_unref(conf);
}
END_TEST

static const struct {
	const char *file, *want; /* NULL: there is no file; no plan */
} passwords[] = { { "secret\r\n", "secret" }, { "a b", "a b" }, { "\n", NULL },
	{ "two\nlines\n", NULL }, { NULL, NULL } };

START_TEST(a_password_is_read_from_its_file)
{
	char path[] = "/tmp/test_plan.XXXXXX", text[512];
	struct lookup_answer a;
	struct plan_request q = { .answer = &a };
	struct plan p;
	struct err err = { "" };
	struct conf *conf;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	if (passwords[_i].file != NULL)
		ck_assert_int_gt(
		    write(fd, passwords[_i].file, strlen(passwords[_i].file)),
		    0);
	(void)close(fd);
	if (passwords[_i].file == NULL)
		(void)unlink(path);
	(void)snprintf(text, sizeof text,
	    HOSTNAME "route default { relay = \"submissions://h.test\" "
		     "login = me password-file = \"%s\" }\n",
	    path);
	conf = to_conf(text);
	q.conf = conf;
	q.rule = conf_route(conf, SPAN("x.test"));
	to_answer("0 h.test 192.0.2.1", &a);
	ck_assert_int_eq(
	    plan_read(&p, &q, &err), passwords[_i].want == NULL ? -1 : 0);
	if (passwords[_i].want == NULL) {
		ck_assert_msg(strstr(err.text, path) != NULL, "%s", err.text);
	} else {
		ck_assert(span_equal(
		    span_make(p.target->password.data, p.target->password.len),
		    span_text(passwords[_i].want)));
		target_unref(p.target);
	}
	/* Where nobody may be asked, nothing is read. */
	to_answer("0 h.test 0.0.0.0", &a);
	ck_assert_int_eq(plan_read(&p, &q, &err), 0);
	ck_assert_uint_eq(p.target->nhosts, 0);
	target_unref(p.target);
	(void)unlink(path);
	conf_unref(conf);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, hosts_are_planned, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, a_rule_is_the_plans, 0, ARRAY_LEN(rules));
	tcase_add_test(tc, the_rest_is_the_configurations);
	tcase_add_loop_test(
	    tc, equal_plans_share_what_they_may, 0, ARRAY_LEN(pairs));
	tcase_add_loop_test(tc, a_site_has_a_name_for_people, 0, 2);
	tcase_add_loop_test(
	    tc, our_addresses_are_read_when_they_matter, 0, ARRAY_LEN(owns));
	tcase_add_loop_test(
	    tc, the_addresses_of_the_system_are_ours, 0, ARRAY_LEN(interfaces));
	tcase_add_loop_test(
	    tc, a_password_is_read_from_its_file, 0, ARRAY_LEN(passwords));
}

SUITE_MAIN("plan", fill)
