/* Who may ask, and when; against a name server that is a script. */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "io/loop.h"
#include "mail/reason.h"
#include "sched/site.h"
#include "src/dns/dns_priv.h"
#include "src/route/lookup_priv.h"
#include "src/route/router_priv.h"
#include "tests/dns/fake_dns.h"

static char many[1024]; /* the MX records of many.test */
static const struct fake_row script[] = {
	{ "many.test", FAKE_MX, 0, many },
	{ "h15.test", FAKE_A, FAKE_SILENT, "" },
	{ "one.test", FAKE_MX, 0, "MX 10 mx.one.test 3600" },
	{ "mx.one.test", FAKE_A, 0, "A 192.0.2.1 3600" },
	{ "mx.one.test", FAKE_AAAA, 0, "" },
	{ "two.test", FAKE_MX, 0, "MX 10 mx.one.test 3600" },
	{ "silent.test", FAKE_MX, FAKE_SILENT, "" },
	{ "null.test", FAKE_MX, 0, "MX 0 . 500" },
};

enum { LEGS = 1000 };

static struct loop *loop;
static struct fake_dns server;
static struct conf *conf;
static struct router *router;
static struct leg {
	struct route_waiter waiter;
	bool is_told;
	enum route_status status;
	struct channel *channel;
	unsigned order; /* which one it was to be told */
} legs[LEGS];
static unsigned told, most_open;

static void
on_routed(struct route_waiter *w, const struct route *route, void *arg)
{
	struct leg *leg = LIST_ENTRY(w, struct leg, waiter);

	ck_assert_ptr_eq(arg, &told);
	ck_assert(!leg->is_told);
	leg->is_told = true;
	leg->status = route->status;
	leg->channel = route->channel;
	leg->order = told++;
}

static struct conf *
make_conf(void)
{
	struct buf warnings = { 0 };
	struct err err = { "" };
	char text[256];
	struct conf *c;

	(void)snprintf(text, sizeof text,
	    "hostname = relay.test\nresolver { servers = { \"%s\" } }\n"
	    "route routed.test { relay = \"smtp://192.0.2.77:26\" }\n",
	    server.text);
	c = conf_parse(span_text(text), "test.conf", NULL, &warnings, &err);
	ck_assert_msg(c != NULL, "%s", err.text);
	buf_clear(&warnings);
	return c;
}

static void
open_all(uint32_t questions_most)
{
	struct resolver_options patience = { .timeout_ms = 1500, .tries = 1 };
	struct router_options options = {
		.questions_most = questions_most, .cb = on_routed, .arg = &told
	};
	struct resolver *resolver;
	struct err err;
	char *servers[1];

	many[0] = '\0';
	for (int i = 0; i < 16; i++)
		(void)snprintf(many + strlen(many), sizeof many - strlen(many),
		    "MX %d h%d.test 600;", i, i);
	memset(legs, 0, sizeof legs);
	told = most_open = 0;
	loop = loop_new();
	server.asked = 0;
	fake_dns_open(&server, loop_uv(loop), script, ARRAY_LEN(script));
	servers[0] = server.text;
	resolver = resolver_open(loop, servers, 1, &patience, &err);
	ck_assert_msg(resolver != NULL, "%s", err.text);
	options.lookups = lookups_new_take(loop, resolver);
	conf = make_conf();
	router = router_open_take(loop, conf, &options);
}

static void
close_all(void)
{
	router_free(router);
	conf_unref(conf);
	fake_dns_close(&server);
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
}

static void
turn(void)
{
	uint32_t open;

	/* Not UV_RUN_ONCE: that sees to timers, and then waits for the next. */
	(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	open = router_load(router).questions;
	if (open > most_open)
		most_open = open;
}

static void
run_until(unsigned n)
{
	while (told < n)
		turn();
}

static void
ask(unsigned leg, const char *domain, const char *account)
{
	router_ask(router, span_text(domain), span_text(account), TURN_FIRST,
	    &legs[leg].waiter);
}

static void
ask_numbered(unsigned from, unsigned to, const char *account)
{
	char domain[32];

	for (unsigned i = from; i < to; i++) {
		(void)snprintf(domain, sizeof domain, "n%u.test", i);
		ask(i, domain, account);
	}
}

START_TEST(all_who_wait_are_told_of_one_question)
{
	open_all(10);
	ask(0, "one.test", "ann");
	ask(1, "ONE.test", "ben");
	ask(2, "one.test", "ann");
	ck_assert_ptr_null(router_known(router, SPAN("one.test")));
	run_until(3);
	ck_assert_uint_eq(server.asked, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(legs[i].status, ROUTE_CHANNEL);
		ck_assert_ptr_eq(legs[i].channel, legs[0].channel);
	}
	ck_assert_str_eq(legs[0].channel->site->name, "mx.one.test");
	ck_assert_ptr_eq(
	    router_known(router, SPAN("One.Test"))->channel, legs[0].channel);
	ck_assert_uint_eq(router_load(router).questions, 0);
	ck_assert_uint_eq(router_load(router).domains, 1);
	close_all();
}
END_TEST

START_TEST(domains_with_one_host_share_its_site)
{
	struct site *s;
	size_t at = 0;

	open_all(10);
	ask(0, "one.test", "ann");
	ask(1, "two.test", "ann");
	run_until(2);
	ck_assert_ptr_eq(legs[0].channel, legs[1].channel);
	s = router_next_site(router, &at);
	ck_assert_ptr_eq(s, legs[0].channel->site);
	ck_assert_ptr_null(router_next_site(router, &at));
	close_all();
}
END_TEST

START_TEST(an_answer_never_comes_from_inside_the_question)
{
	open_all(10);
	ask(0, "[192.0.2.1]", "ann");
	ask(1, "a b", "ann");
	ask(2, "routed.test", "ann");
	ck_assert_uint_eq(told, 0);
	run_until(3);
	ck_assert_uint_eq(server.asked, 0);
	ck_assert_int_eq(legs[0].status, ROUTE_CHANNEL);
	ck_assert_int_eq(legs[1].status, ROUTE_NEVER);
	ck_assert_str_eq(legs[2].channel->site->name, "192.0.2.77:26");
	close_all();
}
END_TEST

START_TEST(questions_have_a_bound)
{
	open_all(4);
	ask_numbered(0, 50, "ann");
	/* Of the last places an account gets what it leaves free. */
	ck_assert_uint_eq(router_load(router).questions, 3);
	ck_assert_uint_eq(router_load(router).waiting, 47);
	run_until(50);
	ck_assert_uint_eq(most_open, 3);
	ck_assert_uint_eq(server.asked, 50);
	ck_assert_uint_eq(router_load(router).questions, 0);
	ck_assert_uint_eq(router_load(router).waiting, 0);
	close_all();
}
END_TEST

/* One question becomes 32; it goes on, and nobody begins meanwhile. */
START_TEST(a_lookup_may_grow_beyond_the_bound)
{
	unsigned waiting;

	open_all(4);
	ask(0, "many.test", "ann");
	while (router_load(router).questions < 32)
		turn();
	ask_numbered(1, 20, "ben");
	waiting = router_load(router).waiting;
	ck_assert_uint_eq(waiting, 19);
	while (router_load(router).questions >= 4) {
		ck_assert_uint_eq(router_load(router).waiting, waiting);
		ck_assert_uint_eq(told, 0);
		turn();
	}
	run_until(19);
	/* Its last question is still open, which is no reason to wait. */
	ck_assert(!legs[0].is_told);
	ck_assert_uint_eq(server.asked, 33 + 19);
	run_until(20);
	ck_assert_uint_eq(most_open, 32);
	ck_assert_uint_eq(router_load(router).questions, 0);
	close_all();
}
END_TEST

/*
 * Its questions are the account's places: with room for others, who has 32 of 40
 * under way begins no further lookup.
 */
START_TEST(an_account_holds_a_place_for_each_question)
{
	open_all(40);
	ask(0, "many.test", "ann");
	while (router_load(router).questions < 32)
		turn();
	ask(1, "n1.test", "ann");
	ck_assert_uint_eq(router_load(router).waiting, 1);
	ask(2, "n2.test", "ben");
	ck_assert_uint_eq(router_load(router).waiting, 1);
	ck_assert_uint_eq(router_load(router).questions, 33);
	run_until(3);
	ck_assert_uint_eq(router_load(router).questions, 0);
	close_all();
}
END_TEST

START_TEST(accounts_take_turns)
{
	open_all(4);
	ask_numbered(0, 100, "bulk");
	ask(100, "one.test", "ann");
	run_until(101);
	/* Three were under way, and its own three take as long as some more. */
	ck_assert_uint_lt(legs[100].order, 20);
	close_all();
}
END_TEST

/* In the lines of both; asked at the first turn, and in no line any more then. */
START_TEST(who_waits_for_the_same_leaves_its_line)
{
	open_all(3);
	ask(0, "silent.test", "ann");
	ask(1, "n1.test", "ann");
	ask(2, "one.test", "ann"); /* the last place is not hers */
	ck_assert_uint_eq(router_load(router).waiting, 1);
	ask(3, "one.test", "ben");
	ck_assert_uint_eq(router_load(router).waiting, 0);
	ck_assert_uint_eq(router_load(router).questions, 3);
	ask(4, "two.test", "ann");
	ck_assert_uint_eq(router_load(router).waiting, 1);
	run_until(4);
	ck_assert(legs[2].is_told && legs[3].is_told);
	ck_assert_uint_eq(server.asked, 8);
	close_all();
}
END_TEST

START_TEST(who_leaves_is_not_told)
{
	open_all(2);
	ask(0, "one.test", "ann");
	ask(1, "one.test", "ann");
	ask_numbered(2, 5, "ann");
	router_leave(router, &legs[0].waiter);
	router_leave(router, &legs[4].waiter);
	router_leave(router, &legs[4].waiter); /* twice */
	/* Two are being asked for, one waits for that. */
	ck_assert_uint_eq(router_load(router).waiting, 1);
	ck_assert_uint_eq(router_load(router).domains, 4);
	run_until(3);
	ck_assert(!legs[0].is_told && !legs[4].is_told);
	/* Nobody asked for the last one: it leaves by itself. */
	while (router_load(router).domains > 3)
		turn();
	close_all();
}
END_TEST

/* However many leave: some at a time, by the router's own timer. */
START_TEST(what_nobody_waits_for_leaves_some_a_turn)
{
	unsigned before, turns = 0;

	open_all(1);
	ask_numbered(0, LEGS, "ann");
	for (unsigned i = 0; i < LEGS; i++)
		router_leave(router, &legs[i].waiter);
	before = router_load(router).domains;
	ck_assert_uint_eq(before, LEGS);
	while (router_load(router).domains > 1) {
		turn();
		ck_assert_uint_le(before - router_load(router).domains, 100);
		turns += router_load(router).domains < before;
		before = router_load(router).domains;
	}
	ck_assert_uint_ge(turns, 10);
	close_all();
}
END_TEST

/* Open questions are asked again; what was known is not known any more. */
START_TEST(a_new_configuration_asks_again)
{
	struct router_next *next;
	struct err err = { "" };

	open_all(4);
	ask(0, "null.test", "ann");
	run_until(1);
	ask(1, "one.test", "ann");
	ask(2, "silent.test", "ann");
	ask_numbered(3, 10, "ann");
	router_leave(router, &legs[2].waiter);
	next = router_prepare(router, conf, &err);
	ck_assert_msg(next != NULL, "%s", err.text);
	router_discard(next);
	router_discard(NULL);
	next = router_prepare(router, conf, &err);
	router_take(router, next);
	ck_assert_ptr_null(router_known(router, SPAN("null.test")));
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_le(router_load(router).questions, 3);
	run_until(9);
	ck_assert_int_eq(legs[1].status, ROUTE_CHANNEL);
	ck_assert(!legs[2].is_told);
	ck_assert_uint_eq(router_load(router).questions, 0);
	while (router_load(router).domains > 8)
		turn();
	ask(0, "x.test", "ann"); /* its places were given back */
	legs[0].is_told = false;
	run_until(10);
	close_all();
}
END_TEST

START_TEST(a_stopped_router_tells_nobody)
{
	open_all(4);
	ask(0, "many.test", "ann");
	ask_numbered(1, 10, "ben");
	if (_i == 1)
		while (router_load(router).questions < 20)
			turn();
	router_stop(router);
	ck_assert_uint_eq(router_load(router).questions, 0);
	ask(20, "late.test", "ann");
	for (int i = 0; i < 5; i++)
		(void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	ck_assert(!legs[0].is_told && !legs[20].is_told);
	close_all();
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, all_who_wait_are_told_of_one_question);
	tcase_add_test(tc, domains_with_one_host_share_its_site);
	tcase_add_test(tc, an_answer_never_comes_from_inside_the_question);
	tcase_add_test(tc, questions_have_a_bound);
	tcase_add_test(tc, a_lookup_may_grow_beyond_the_bound);
	tcase_add_test(tc, an_account_holds_a_place_for_each_question);
	tcase_add_test(tc, accounts_take_turns);
	tcase_add_test(tc, who_waits_for_the_same_leaves_its_line);
	tcase_add_test(tc, who_leaves_is_not_told);
	tcase_add_test(tc, what_nobody_waits_for_leaves_some_a_turn);
	tcase_add_test(tc, a_new_configuration_asks_again);
	tcase_add_loop_test(tc, a_stopped_router_tells_nobody, 0, 2);
}

SUITE_MAIN("router", fill)
