/* Questions and answers, against a name server that is a script. */
#include "tests/lib/suite.h"

#include "base/mem.h"
#include "base/span.h"
#include "io/loop.h"
#include "src/dns/dns_priv.h"
#include "tests/dns/fake_dns.h"

static const struct fake_row script[] = {
	{ "mx.test", FAKE_MX, 0, "MX 20 b.test 300;MX 10 A.test 200" },
	{ "a.test", FAKE_A, 0, "A 192.0.2.1 400;A 192.0.2.2 40" },
	{ "a.test", FAKE_AAAA, 0, "AAAA 2001:db8::1 400" },
	{ "none.test", FAKE_MX, 0, "SOA 77 900" },
	{ "negative.test", FAKE_MX, 3, "SOA 900 77" },
	{ "fail.test", FAKE_MX, 2, "" },
	{ "refused.test", FAKE_MX, 5, "" },
	{ "silent.test", FAKE_MX, FAKE_SILENT, "" },
	{ "garbage.test", FAKE_MX, FAKE_GARBAGE, "MX 10 a.test 300" },
	{ "cut.test", FAKE_MX, FAKE_CUT, "MX 10 a.test 300" },
	{ "referral.test", FAKE_MX, FAKE_REFERRAL, "" },
	{ "alias.test", FAKE_MX, 0, "CNAME Real.test 50;MX 10 a.test 300" },
	{ "loop.test", FAKE_MX, 0, "CNAME loop.test 50" },
	{ "txt.test", FAKE_TXT, 0,
	    "CNAME real.test 90;TXT one||two|three 60;TXT | 70" },
};

static struct loop *loop;
static struct fake_dns server;
static struct resolver *resolver;
static struct dns_answer got;
static unsigned count;

/* A try; short where nobody answers. */
static unsigned patience_ms = 5000;

static void
open_all(void)
{
	struct resolver_options options = { .timeout_ms = patience_ms,
		.tries = 2 };
	struct err err;
	char *servers[1];

	count = 0;
	loop = loop_new();
	server.asked = 0;
	fake_dns_open(&server, loop_uv(loop), script, ARRAY_LEN(script));
	servers[0] = server.text;
	resolver = resolver_open(loop, servers, 1, &options, &err);
	ck_assert_msg(resolver != NULL, "%s", err.text);
}

static void
close_all(void)
{
	resolver_close(resolver);
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
on_answer(const struct dns_answer *a, void *arg)
{
	unsigned *left = arg;

	count++;
	got = *a;
	if (left == NULL || --*left == 0)
		close_all();
}

static void
on_never(const struct dns_answer *a, void *arg)
{
	(void)a;
	(void)arg;
	ck_abort_msg("called back after the end");
}

static const struct {
	const char *name;
	uint16_t type;
	enum dns_status status;
	uint32_t ttl;
	unsigned nmx, naddresses;
	const char *why;
} cases[] = {
	{ "mx.test", DNS_MX, DNS_DATA, 200, 2, 0, NULL },
	{ "a.test", DNS_A, DNS_DATA, 40, 0, 2, NULL },
	{ "a.test", DNS_AAAA, DNS_DATA, 400, 0, 1, NULL },
	{ "none.test", DNS_MX, DNS_NONE, 77, 0, 0, NULL },
	{ "negative.test", DNS_MX, DNS_NO_NAME, 77, 0, 0, NULL },
	{ "absent.test", DNS_MX, DNS_NO_NAME, UINT32_MAX, 0, 0, NULL },
	{ "fail.test", DNS_MX, DNS_FAILED, UINT32_MAX, 0, 0, "SERVFAIL" },
	{ "refused.test", DNS_MX, DNS_FAILED, UINT32_MAX, 0, 0, "REFUSED" },
	{ "silent.test", DNS_MX, DNS_FAILED, UINT32_MAX, 0, 0,
	    "no answer in time" },
	{ "garbage.test", DNS_MX, DNS_FAILED, UINT32_MAX, 0, 0,
	    "malformed answer" },
	{ "cut.test", DNS_MX, DNS_FAILED, UINT32_MAX, 0, 0,
	    "malformed answer" },
	{ "referral.test", DNS_MX, DNS_FAILED, UINT32_MAX, 0, 0,
	    "a referral instead of an answer" },
	{ "alias.test", DNS_MX, DNS_DATA, 50, 1, 0, NULL },
	{ "loop.test", DNS_MX, DNS_FAILED, 50, 0, 0, "malformed answer" },
	{ "no-such-name.invalid", DNS_HOSTS_FILE, DNS_NO_NAME, UINT32_MAX, 0, 0,
	    NULL },
};

START_TEST(a_question_is_answered_once_and_later)
{
	if (strcmp(cases[_i].name, "silent.test") == 0)
		patience_ms = 20;
	open_all();
	ck_assert_ptr_nonnull(resolver_ask(
	    resolver, cases[_i].name, cases[_i].type, on_answer, NULL));
	ck_assert_uint_eq(count, 0);
	run_all();
	ck_assert_uint_eq(count, 1);
	ck_assert_msg(got.status == cases[_i].status, "%s: %d", cases[_i].name,
	    got.status);
	ck_assert_uint_eq(got.ttl, cases[_i].ttl);
	ck_assert_uint_eq(got.nmx, cases[_i].nmx);
	ck_assert_uint_eq(got.naddresses, cases[_i].naddresses);
	if (cases[_i].why != NULL)
		ck_assert_str_eq(got.why, cases[_i].why);
}
END_TEST

START_TEST(records_are_values)
{
	char text[64];

	open_all();
	(void)resolver_ask(resolver, _i == 0 ? "mx.test" : "a.test",
	    _i == 0 ? DNS_MX : DNS_AAAA, on_answer, NULL);
	run_all();
	if (_i == 0) {
		ck_assert_uint_eq(got.mx[0].preference, 20);
		ck_assert_str_eq(got.mx[0].name, "b.test");
		ck_assert_uint_eq(got.mx[1].preference, 10);
		ck_assert_str_eq(got.mx[1].name, "a.test");
		return;
	}
	(void)uv_ip_name(&got.addresses[0].sa, text, sizeof text);
	ck_assert_str_eq(text, "2001:db8::1");
	ck_assert_uint_eq(got.addresses[0].in6.sin6_port, 0);
}
END_TEST

/* RFC 1035 3.3.14: a record's strings are one text. */
START_TEST(texts_are_put_together)
{
	open_all();
	(void)resolver_ask(resolver, "txt.test", DNS_TXT, on_answer, NULL);
	run_all();
	ck_assert_int_eq(got.status, DNS_DATA);
	ck_assert_uint_eq(got.ttl, 60);
	ck_assert_uint_eq(got.ntxt, 2);
	ck_assert_uint_eq(got.txt[0].len, 11);
	ck_assert_int_eq(
	    memcmp(got.text + got.txt[0].at, "onetwothree", 11), 0);
	ck_assert_uint_eq(got.txt[1].len, 0);
}
END_TEST

/* More than one turn hands out. */
START_TEST(many_at_once_are_answered)
{
	static unsigned left;

	open_all();
	left = 700;
	for (unsigned i = 0; i < 700; i++)
		(void)resolver_ask(resolver,
		    i % 14 == 0 ? "a.test" : "no-such-name.invalid",
		    i % 14 == 0 ? DNS_A : DNS_HOSTS_FILE, on_answer, &left);
	run_all();
	ck_assert_uint_eq(count, 700);
	ck_assert_uint_eq(server.asked, 50);
}
END_TEST

START_TEST(a_forgotten_question_does_not_call_back)
{
	struct question *pending[3];

	open_all();
	for (int i = 0; i < 3; i++)
		pending[i] = resolver_ask(
		    resolver, "silent.test", DNS_MX, on_never, NULL);
	/* One that is not out yet, one that is answered already. */
	resolver_forget(
	    resolver_ask(resolver, "mx.test", DNS_MX, on_never, NULL));
	resolver_forget(resolver_ask(
	    resolver, "localhost", DNS_HOSTS_FILE, on_never, NULL));
	while (server.asked < 3)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	for (int i = 0; i < 3; i++)
		resolver_forget(pending[i]);
	(void)resolver_ask(resolver, "a.test", DNS_A, on_answer, NULL);
	run_all();
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(a_closed_resolver_calls_nobody_back)
{
	open_all();
	for (int i = 0; i < 5; i++)
		(void)resolver_ask(
		    resolver, "silent.test", DNS_MX, on_never, NULL);
	if (_i == 1)
		while (server.asked < 3)
			(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	(void)resolver_ask(
	    resolver, "localhost", DNS_HOSTS_FILE, on_never, NULL);
	close_all();
	resolver_close(NULL);
	run_all();
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* What is ready beside it is not handed out any more. */
START_TEST(a_callback_may_close)
{
	open_all();
	(void)resolver_ask(
	    resolver, "localhost", DNS_HOSTS_FILE, on_answer, NULL);
	(void)resolver_ask(
	    resolver, "localhost", DNS_HOSTS_FILE, on_never, NULL);
	(void)resolver_ask(resolver, "silent.test", DNS_MX, on_never, NULL);
	run_all();
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(the_next_server_may_know_better)
{
	static const struct fake_row refusing[] = {
		{ "mx.test", FAKE_MX, 2, "" },
		{ "fail.test", FAKE_MX, 5, "" },
	};
	static const char *const domains[] = { "mx.test", "fail.test" };
	struct resolver_options options = { 5000, 2 };
	struct fake_dns first;
	char *servers[2];
	struct err err;

	open_all();
	resolver_close(resolver);
	fake_dns_open(&first, loop_uv(loop), refusing, 2);
	first.asked = 0;
	servers[0] = first.text;
	servers[1] = server.text;
	resolver = resolver_open(loop, servers, 2, &options, &err);
	(void)resolver_ask(resolver, domains[_i], DNS_MX, on_answer, NULL);
	while (count == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	fake_dns_close(&first);
	run_all();
	ck_assert_uint_ge(first.asked, 1);
	ck_assert_uint_ge(server.asked, 1);
	ck_assert_int_eq(got.status, _i == 0 ? DNS_DATA : DNS_FAILED);
	/* What the first one said stands when none knows better. */
	if (_i == 1)
		ck_assert_str_eq(got.why, "REFUSED");
}
END_TEST

START_TEST(servers_that_are_no_addresses_are_refused)
{
	char bad[] = "localhost:53";
	char *servers[] = { bad };
	struct err err = { "" };

	loop = loop_new();
	ck_assert_ptr_null(resolver_new(loop, servers, 1, &err));
	ck_assert_msg(strstr(err.text, "localhost:53") != NULL, "%s", err.text);
	loop_free(loop);
}
END_TEST

START_TEST(servers_are_named_with_their_ports)
{
	char v4[] = "192.0.2.1:5353", v6[] = "[2001:db8::53]:54";
	char *servers[] = { v4, v6 };
	struct resolver *r;
	struct err err = { "" };

	loop = loop_new();
	r = resolver_new(loop, servers, 2, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	ck_assert_str_eq(
	    resolver_servers(r), "192.0.2.1:5353,[2001:db8::53]:54");
	resolver_close(r);
	loop_stop(loop);
	run_all();
}
END_TEST

START_TEST(the_system_has_servers)
{
	struct resolver *r;
	struct err err = { "" };

	loop = loop_new();
	r = resolver_new(loop, NULL, 0, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	resolver_close(r);
	loop_stop(loop);
	run_all();
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_question_is_answered_once_and_later, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, records_are_values, 0, 2);
	tcase_add_test(tc, texts_are_put_together);
	tcase_add_test(tc, many_at_once_are_answered);
	tcase_add_test(tc, a_forgotten_question_does_not_call_back);
	tcase_add_loop_test(tc, a_closed_resolver_calls_nobody_back, 0, 2);
	tcase_add_test(tc, a_callback_may_close);
	tcase_add_loop_test(tc, the_next_server_may_know_better, 0, 2);
	tcase_add_test(tc, servers_that_are_no_addresses_are_refused);
	tcase_add_test(tc, servers_are_named_with_their_ports);
	tcase_add_test(tc, the_system_has_servers);
}

SUITE_MAIN("resolver", fill)
