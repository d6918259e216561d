/* Lookups through their io, against a name server that is a script. */
#include "tests/lib/suite.h"

#include "base/mem.h"
#include "io/loop.h"
#include "route/lookup.h"
#include "src/dns/dns_priv.h"
#include "src/route/lookup_priv.h"
#include "tests/dns/fake_dns.h"

static const struct fake_row script[] = {
	{ "order.test", FAKE_MX, 0,
	    "MX 20 b.order.test 300;MX 10 a.order.test 200;"
	    "MX 30 none.order.test 300;MX 20 B.order.test 300" },
	{ "a.order.test", FAKE_A, 0, "A 192.0.2.1 400;A 192.0.2.2 400" },
	{ "a.order.test", FAKE_AAAA, 0, "AAAA 2001:db8::1 400" },
	{ "b.order.test", FAKE_A, 0, "A 192.0.2.3 100" },
	{ "b.order.test", FAKE_AAAA, 0, "" },
	{ "null.test", FAKE_MX, 0, "MX 0 . 500" },
	{ "nullalso.test", FAKE_MX, 0, "MX 0 . 500;MX 5 a.order.test 500" },
	{ "negative.test", FAKE_MX, 3, "SOA 77 900" },
	{ "fail.test", FAKE_MX, 2, "" },
	{ "refused.test", FAKE_MX, 5, "" },
	{ "silent.test", FAKE_MX, FAKE_SILENT, "" },
	{ "garbage.test", FAKE_MX, FAKE_GARBAGE, "MX 10 a.order.test 300" },
	{ "cut.test", FAKE_MX, FAKE_CUT, "MX 10 a.order.test 300" },
	{ "referral.test", FAKE_MX, FAKE_REFERRAL, "" },
	{ "plain.test", FAKE_MX, 0, "SOA 600 5000" },
	{ "plain.test", FAKE_A, 0, "A 192.0.2.9 5000" },
	{ "plain.test", FAKE_AAAA, 0, "" },
	{ "nothing.test", FAKE_MX, 0, "" },
	{ "nothing.test", FAKE_A, 0, "" },
	{ "nothing.test", FAKE_AAAA, 0, "" },
	{ "alias.test", FAKE_MX, 0,
	    "CNAME Real.test 50;MX 10 a.order.test 300" },
	{ "loop.test", FAKE_MX, 0, "CNAME loop.test 50" },
	{ "stray.test", FAKE_MX, 0, "MX 10 a.order.test 300" },
	{ "dead.test", FAKE_MX, 0, "MX 10 x.dead.test 300;MX 9 y.dead.test 5" },
	{ "x.dead.test", FAKE_A, 0, "" },
	{ "x.dead.test", FAKE_AAAA, 0, "" },
	{ "half.test", FAKE_MX, 0, "MX 10 x.dead.test 300;MX 9 f.half.test 5" },
	{ "f.half.test", FAKE_A, 2, "" },
	{ "f.half.test", FAKE_AAAA, 0, "" },
	{ "some.test", FAKE_MX, 0,
	    "MX 10 a.order.test 3000;MX 9 f.half.test 3000" },
	{ "names.test", FAKE_MX, 0, "MX 1 a*b.test 60;MX 2 -x.test 60" },
	{ "odd.test", FAKE_MX, 0, "MX 1 a_b.odd.test 60" },
	{ "a_b.odd.test", FAKE_A, 0, "A 192.0.2.7 1" },
	{ "a_b.odd.test", FAKE_AAAA, 0, "" },
	{ "host.test", FAKE_A, 0, "CNAME b.order.test 40;A 192.0.2.3 100" },
	{ "host.test", FAKE_AAAA, 0, "CNAME b.order.test 40" },
};

static struct loop *loop;
static struct fake_dns server;
static struct lookups *lookups;

/* What came, in words: "10 a.test 2001:db8::1 192.0.2.1; 20 ...". */
static struct answer {
	unsigned count;
	enum lookup_status status;
	uint32_t ttl;
	char hosts[4096];
	char detail[256];
} got;

/* A try; short where nobody answers. */
static unsigned patience_ms = 5000;

static void
open_all(void)
{
	struct resolver_options options = {
		.timeout_ms = patience_ms,
		.tries = 2,
	};
	struct resolver *resolver;
	struct err err;
	char *servers[1];

	got = (struct answer){ 0 };
	loop = loop_new();
	server.asked = 0;
	fake_dns_open(&server, loop_uv(loop), script, ARRAY_LEN(script));
	servers[0] = server.text;
	resolver = resolver_open(loop, servers, 1, &options, &err);
	ck_assert_msg(resolver != NULL, "%s", err.text);
	lookups = lookups_new_take(loop, resolver);
}

static void
close_all(void)
{
	lookups_close(lookups);
	fake_dns_close(&server);
	loop_stop(loop);
}

static void
run_all(void)
{
	loop_run(loop);
	loop_free(loop);
}

static void
note(const struct lookup_answer *a)
{
	size_t len = 0;

	got.count++;
	got.status = a->status;
	got.ttl = a->ttl;
	got.hosts[0] = '\0';
	(void)snprintf(got.detail, sizeof got.detail, "%s", a->detail);
	for (unsigned i = 0; i < a->nhosts; i++) {
		const struct lookup_host *h = &a->hosts[i];

		len += (size_t)snprintf(got.hosts + len, sizeof got.hosts - len,
		    "%s%u %s", i == 0 ? "" : "; ", h->preference, h->name);
		for (unsigned k = 0; k < h->naddresses; k++) {
			char text[64];

			ck_assert_uint_eq(h->addresses[k].in.sin_port, 0);
			(void)uv_ip_name(
			    &h->addresses[k].sa, text, sizeof text);
			len += (size_t)snprintf(got.hosts + len,
			    sizeof got.hosts - len, " %s", text);
		}
	}
}

/* How many questions were told to be under way, one after the other. */
static unsigned opens[8], nopens;

static void
on_open(unsigned open, void *arg)
{
	(void)arg;
	if (nopens < ARRAY_LEN(opens))
		opens[nopens++] = open;
}

static struct lookup_io *
start(struct span name, bool is_mail, lookup_cb cb)
{
	struct lookup_request request = {
		.name = name, .is_mail = is_mail, .cb = cb, .on_open = on_open
	};

	return lookup_io_start(lookups, &request);
}

static void
on_last(const struct lookup_answer *a, void *arg)
{
	(void)arg;
	note(a);
	close_all();
}

#define ORDER_A "10 a.order.test 2001:db8::1 192.0.2.1 192.0.2.2"
#define TEXT_250(a) a a a a a a a a a a a a a a a a a a a a a a a a a
#define DIGITS "0123456789"

static const struct {
	const char *domain;
	enum lookup_status status;
	const char *hosts, *detail; /* the detail's beginning */
	uint32_t ttl;
} cases[] = {
	{ "order.test", LOOKUP_FOUND, ORDER_A "; 20 b.order.test 192.0.2.3", "",
	    100 },
	{ "ORDER.Test", LOOKUP_FOUND, ORDER_A "; 20 b.order.test 192.0.2.3", "",
	    100 },
	{ "null.test", LOOKUP_NULL_MX, "",
	    "The domain null.test takes no mail (null MX, RFC 7505)", 500 },
	{ "nullalso.test", LOOKUP_FOUND,
	    "5"
	    " a.order.test 2001:db8::1 192.0.2.1 "
	    "192.0.2.2",
	    "", 400 },
	{ "negative.test", LOOKUP_NO_DOMAIN, "",
	    "The domain negative.test does not exist (NXDOMAIN)", 77 },
	{ "absent.test", LOOKUP_NO_DOMAIN, "",
	    "The domain absent.test does not exist (NXDOMAIN)", 3600 },
	{ "fail.test", LOOKUP_TEMPORARY, "",
	    "The mail hosts (MX) of the domain fail.test could not be looked "
	    "up: SERVFAIL (asked 127.0.0.1:",
	    60 },
	{ "refused.test", LOOKUP_TEMPORARY, "",
	    "The mail hosts (MX) of the domain refused.test could not be "
	    "looked up: REFUSED",
	    60 },
	{ "silent.test", LOOKUP_TEMPORARY, "",
	    "The mail hosts (MX) of the domain silent.test could not be looked "
	    "up: no answer in time",
	    60 },
	{ "garbage.test", LOOKUP_TEMPORARY, "",
	    "The mail hosts (MX) of the domain garbage.test could not be "
	    "looked up: malformed answer",
	    60 },
	{ "cut.test", LOOKUP_TEMPORARY, "",
	    "The mail hosts (MX) of the domain cut.test could not be looked "
	    "up: malformed answer",
	    60 },
	{ "referral.test", LOOKUP_TEMPORARY, "",
	    "The mail hosts (MX) of the domain referral.test could not be "
	    "looked up: a referral",
	    60 },
	{ "plain.test", LOOKUP_FOUND, "0 plain.test 192.0.2.9", "", 600 },
	{ "nothing.test", LOOKUP_NO_DOMAIN, "",
	    "The domain nothing.test has neither a mail host (MX) nor an "
	    "address",
	    3600 },
	{ "alias.test", LOOKUP_FOUND, ORDER_A, "", 50 },
	{ "loop.test", LOOKUP_TEMPORARY, "",
	    "The mail hosts (MX) of the domain loop.test could not be looked "
	    "up: malformed",
	    60 },
	{ "dead.test", LOOKUP_NO_DOMAIN, "",
	    "No mail host (MX) of the domain dead.test has an address", 10 },
	{ "half.test", LOOKUP_TEMPORARY, "",
	    "The address (A) of the host f.half.test could not be looked up: "
	    "SERVFAIL",
	    10 },
	{ "some.test", LOOKUP_FOUND, ORDER_A,
	    "The address (A) of the host f.half.test could not be looked up: "
	    "SERVFAIL",
	    60 },
	{ "names.test", LOOKUP_NO_DOMAIN, "",
	    "The domain names.test names no usable host for its mail (MX)",
	    60 },
	{ "odd.test", LOOKUP_FOUND, "1 a_b.odd.test 192.0.2.7", "", 10 },
	{ "[192.0.2.1]", LOOKUP_FOUND, "0 [192.0.2.1] 192.0.2.1", "", 3600 },
	{ "[IPv6:2001:DB8::1]", LOOKUP_FOUND,
	    "0 [ipv6:2001:db8::1] 2001:db8::1", "", 3600 },
	{ "[2001:db8::1]", LOOKUP_NO_DOMAIN, "",
	    "\"[2001:db8::1]\" is not a domain", 3600 },
	{ "[192.0.2.300]", LOOKUP_NO_DOMAIN, "",
	    "\"[192.0.2.300]\" is not a domain", 3600 },
	{ "[]", LOOKUP_NO_DOMAIN, "", "\"[]\" is not a domain", 3600 },
	{ "", LOOKUP_NO_DOMAIN, "", "\"\" is not a domain", 3600 },
	{ "a..test", LOOKUP_NO_DOMAIN, "", "\"a..test\" is not a domain",
	    3600 },
	{ ".test", LOOKUP_NO_DOMAIN, "", "\".test\" is not a domain", 3600 },
	{ "test.", LOOKUP_NO_DOMAIN, "", "\"test.\" is not a domain", 3600 },
	{ "-a.test", LOOKUP_NO_DOMAIN, "", "\"-a.test\" is not a domain",
	    3600 },
	{ "a b.test", LOOKUP_NO_DOMAIN, "", "\"a b.test\" is not a domain",
	    3600 },
	{ "a\\.test", LOOKUP_NO_DOMAIN, "", "\"a\\.test\" is not a domain",
	    3600 },
	{ "\xc3\xa9.test", LOOKUP_NO_DOMAIN, "",
	    "\"\xc3\xa9.test\" is not a domain", 3600 },
	{ DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS "0123.test",
	    LOOKUP_NO_DOMAIN, "", "\"" DIGITS, 3600 },
	{ TEXT_250("abcdefghi.") "test", LOOKUP_NO_DOMAIN, "", "\"abcdefghi.",
	    3600 },
};

START_TEST(domains_are_resolved)
{
	if (strcmp(cases[_i].domain, "silent.test") == 0)
		patience_ms = 20;
	open_all();
	ck_assert_ptr_nonnull(
	    start(span_text(cases[_i].domain), true, on_last));
	ck_assert_uint_eq(got.count, 0);
	run_all();
	ck_assert_uint_eq(got.count, 1);
	ck_assert_msg(got.status == cases[_i].status, "%s: %d %s",
	    cases[_i].domain, got.status, got.detail);
	ck_assert_str_eq(got.hosts, cases[_i].hosts);
	ck_assert_msg(strncmp(got.detail, cases[_i].detail,
			  strlen(cases[_i].detail)) == 0,
	    "%s: %s", cases[_i].domain, got.detail);
	ck_assert_uint_eq(got.ttl, cases[_i].ttl);
}
END_TEST

static const struct {
	const char *name;
	enum lookup_status status;
	const char *hosts;
} hosts[] = {
	{ "a.order.test", LOOKUP_FOUND,
	    "0 a.order.test 2001:db8::1 192.0.2.1 192.0.2.2" },
	{ "host.test", LOOKUP_FOUND, "0 host.test 192.0.2.3" },
	{ "order.test", LOOKUP_NO_DOMAIN, "" },
	{ "x.dead.test", LOOKUP_NO_DOMAIN, "" },
	{ "f.half.test", LOOKUP_TEMPORARY, "" },
	{ "192.0.2.8", LOOKUP_FOUND, "0 192.0.2.8 192.0.2.8" },
	{ "2001:db8::8", LOOKUP_FOUND, "0 2001:db8::8 2001:db8::8" },
	{ "[192.0.2.8]", LOOKUP_FOUND, "0 [192.0.2.8] 192.0.2.8" },
};

START_TEST(hosts_are_resolved_without_mx)
{
	open_all();
	(void)start(span_text(hosts[_i].name), false, on_last);
	run_all();
	ck_assert_int_eq(got.status, hosts[_i].status);
	ck_assert_str_eq(got.hosts, hosts[_i].hosts);
}
END_TEST

static unsigned left;
static unsigned first_a;

static void
on_one_of_many(const struct lookup_answer *a, void *arg)
{
	(void)arg;
	note(a);
	if (a->nhosts == 2 && strcmp(a->hosts[0].name, "a.equal.test") == 0)
		first_a++;
	if (--left == 0)
		close_all();
}

static const struct fake_row equal[] = {
	{ "equal.test", FAKE_MX, 0,
	    "MX 5 a.equal.test 60;MX 5 b.equal.test 60" },
	{ "a.equal.test", FAKE_A, 0, "A 192.0.2.1 60" },
	{ "a.equal.test", FAKE_AAAA, 0, "" },
	{ "b.equal.test", FAKE_A, 0, "A 192.0.2.2 60" },
	{ "b.equal.test", FAKE_AAAA, 0, "" },
};

START_TEST(equal_preferences_come_in_one_order)
{
	open_all();
	server.rows = equal;
	server.nrows = ARRAY_LEN(equal);
	left = 64;
	first_a = 0;
	for (unsigned i = 0; i < 64; i++)
		(void)start(SPAN("equal.test"), true, on_one_of_many);
	run_all();
	ck_assert_uint_eq(got.count, 64);
	/* The lot is the lane's to cast: what a leg has tried stays so. */
	ck_assert_uint_eq(first_a, 64);
}
END_TEST

START_TEST(many_at_once_are_answered)
{
	open_all();
	left = 500;
	for (unsigned i = 0; i < 500; i++)
		(void)start(
		    i % 10 == 0 ? SPAN("null.test") : SPAN("[192.0.2.1]"), true,
		    on_one_of_many);
	ck_assert_uint_eq(server.asked, 0);
	ck_assert_uint_eq(got.count, 0);
	run_all();
	ck_assert_uint_eq(got.count, 500);
	ck_assert_uint_eq(server.asked, 50);
}
END_TEST

START_TEST(what_is_under_way_is_told)
{
	struct lookup_io *l;

	open_all();
	nopens = 0;
	left = 2; /* either may be the last one */
	l = start(SPAN("order.test"), true, on_one_of_many);
	ck_assert_uint_eq(lookup_io_open(l), 1);
	ck_assert_uint_eq(
	    lookup_io_open(start(SPAN("[192.0.2.1]"), true, on_one_of_many)),
	    0);
	run_all();
	ck_assert_uint_eq(got.count, 2);
	/* Three hosts, two kinds of addresses; the last answer ends it. */
	ck_assert_uint_eq(nopens, 6);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(opens[i], 6 - i);
}
END_TEST

static void
on_never(const struct lookup_answer *a, void *arg)
{
	(void)a;
	(void)arg;
	ck_abort_msg("called back after the end");
}

START_TEST(a_cancelled_lookup_does_not_call_back)
{
	struct lookup_io *pending[4];

	open_all();
	for (int i = 0; i < 3; i++)
		pending[i] = start(SPAN("silent.test"), true, on_never);
	pending[3] = start(SPAN("[192.0.2.1]"), true, on_never);
	/* One whose question is not out yet, and three once theirs is. */
	lookup_io_cancel(start(SPAN("order.test"), true, on_never));
	lookup_io_cancel(pending[3]);
	while (server.asked < 3)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	for (int i = 0; i < 3; i++)
		lookup_io_cancel(pending[i]);
	(void)start(SPAN("null.test"), true, on_last);
	run_all();
	ck_assert_uint_eq(got.count, 1);
	ck_assert_int_eq(got.status, LOOKUP_NULL_MX);
}
END_TEST

static struct lookup_io *other;

static void
on_close(const struct lookup_answer *a, void *arg)
{
	(void)arg;
	note(a);
	lookup_io_cancel(other);
	close_all();
}

/* From the resolver's turn, and from that of the literals. */
START_TEST(a_callback_may_cancel_and_close)
{
	open_all();
	other = start(SPAN("silent.test"), true, on_never);
	(void)start(
	    _i == 0 ? SPAN("order.test") : SPAN("[192.0.2.1]"), true, on_close);
	run_all();
	ck_assert_uint_eq(got.count, 1);
}
END_TEST

static void
on_then_next(const struct lookup_answer *a, void *arg)
{
	(void)arg;
	note(a);
	(void)start(SPAN("order.test"), true, on_last);
}

START_TEST(a_callback_may_ask_again)
{
	open_all();
	(void)start(SPAN("null.test"), true, on_then_next);
	run_all();
	ck_assert_uint_eq(got.count, 2);
	ck_assert_int_eq(got.status, LOOKUP_FOUND);
}
END_TEST

START_TEST(a_server_that_is_gone_is_temporary)
{
	open_all();
	fake_dns_close(&server);
	(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	(void)start(SPAN("order.test"), true, on_last);
	run_all();
	ck_assert_int_eq(got.status, LOOKUP_TEMPORARY);
	ck_assert_msg(strstr(got.detail,
			  "(MX) of the domain order.test could not") != NULL,
	    "%s", got.detail);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, domains_are_resolved, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(
	    tc, hosts_are_resolved_without_mx, 0, ARRAY_LEN(hosts));
	tcase_add_test(tc, equal_preferences_come_in_one_order);
	tcase_add_test(tc, many_at_once_are_answered);
	tcase_add_test(tc, what_is_under_way_is_told);
	tcase_add_test(tc, a_cancelled_lookup_does_not_call_back);
	tcase_add_loop_test(tc, a_callback_may_cancel_and_close, 0, 2);
	tcase_add_test(tc, a_callback_may_ask_again);
	tcase_add_test(tc, a_server_that_is_gone_is_temporary);
}

SUITE_MAIN("lookup_io", fill)
