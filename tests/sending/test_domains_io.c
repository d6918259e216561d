/* The table's bound, and what is held. No name server: the loop hardly turns. */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "io/loop.h"
#include "mail/words.h"
#include "sending/domains_io.h"
#include "sign/keys.h"

static struct loop *loop;
static struct keys *keys;
static struct conf *conf;
static struct domains *domains;
static unsigned held, let_go, shown;
static char last[300];

static void
on_held(
    struct span domain, const char *site, const struct words *words, void *arg)
{
	(void)arg;
	held++;
	(void)snprintf(last, sizeof last, "%.*s %s %.*s", SPAN_ARG(domain),
	    site, SPAN_ARG(words->said));
}

static void
on_let_go(struct span domain, void *arg)
{
	(void)domain;
	(void)arg;
	let_go++;
}

static void
setup(void)
{
	struct domains_events events = { .held = on_held, .let_go = on_let_go };
	struct buf warnings = { 0 };
	struct err err;

	conf = conf_parse(SPAN("hostname = r.test\n"
			       "resolver { servers = { 127.0.0.1:1 } }\n"),
	    "test", "r.test", &warnings, &err);
	ck_assert_msg(conf != NULL, "%s", err.text);
	buf_clear(&warnings);
	loop = loop_new();
	keys = keys_new();
	domains = domains_open(loop, conf, keys, NULL, &events);
	held = let_go = shown = 0;
}

static void
teardown(void)
{
	domains_close(domains);
	loop_stop(loop);
	loop_run(loop);
	domains_free(domains);
	keys_free(keys);
	conf_unref(conf);
	loop_free(loop);
}

static void
use(const char *account, unsigned i)
{
	char domain[40];

	(void)snprintf(domain, sizeof domain, "d%u.test", i);
	domains_used(
	    domains, span_text(account), span_text(domain), SPAN("from.test"));
}

static void
on_view(const struct domains_view *v, void *arg)
{
	(void)arg;
	shown++;
	(void)snprintf(last, sizeof last, "%s%s %s %s", v->sending->domain,
	    v->is_held ? " held" : "", v->site, v->said);
}

static bool
is_known(unsigned i)
{
	char domain[40];

	(void)snprintf(domain, sizeof domain, "d%u.test", i);
	return domains_find(domains, span_text(domain), on_view, NULL);
}

static void
hold(unsigned i, const char *site)
{
	struct words w = { .said = SPAN("550 no") };
	char domain[40];

	(void)snprintf(domain, sizeof domain, "d%u.test", i);
	domains_hold(domains, span_text(domain), site, &w);
}

START_TEST(the_one_unused_for_longest_leaves)
{
	for (unsigned i = 0; i < DOMAINS_MOST; i++)
		use("ann", i);
	use("ANN", 0); /* the same, and used again */
	ck_assert(is_known(1));
	use("bob", 7); /* a pair more, of a domain that is there */
	ck_assert(is_known(0));
	ck_assert(!is_known(1));
	hold(2, "mx.test");
	use("bob", 100000);
	ck_assert(is_known(2)); /* it is held */
	use("bob", 100001);
	ck_assert(!is_known(3));
	shown = 0;
	domains_each(domains, "Bob", on_view, NULL);
	ck_assert_uint_eq(shown, 3);
	domains_each(domains, NULL, on_view, NULL);
	ck_assert_uint_eq(shown, 3 + DOMAINS_MOST);
}
END_TEST

START_TEST(a_site_holds_it_once)
{
	use("ann", 1);
	hold(1, "mx.test");
	ck_assert_str_eq(last, "d1.test mx.test 550 no");
	hold(1, "mx.test");
	hold(1, "other.test");
	ck_assert_uint_eq(held, 2);
	ck_assert(is_known(1));
	ck_assert_str_eq(last, "d1.test held mx.test 550 no");
	ck_assert(domains_let_go(domains, SPAN("d1.test")));
	ck_assert(!domains_let_go(domains, SPAN("d1.test")));
	ck_assert(!domains_let_go(domains, SPAN("d2.test")));
	ck_assert_uint_eq(let_go, 1);
	ck_assert(is_known(1));
	ck_assert_str_eq(last, "d1.test  ");
}
END_TEST

START_TEST(what_was_held_before_the_start_is_held)
{
	domains_held_before(domains, SPAN("d1.test"));
	domains_held_before(domains, SPAN("d1.test"));
	domains_held_before(domains, SPAN(""));
	ck_assert(is_known(1));
	ck_assert_str_eq(last, "d1.test held  ");
	ck_assert(domains_let_go(domains, SPAN("d1.test")));
	ck_assert_uint_eq(let_go, 1);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_nobody)
{
	char name[SENDING_NAME_SIZE + 1];

	memset(name, 'x', sizeof name);
	domains_used(domains, SPAN("ann"), span_make(name, sizeof name),
	    SPAN("from.test"));
	domains_used(domains, SPAN("ann"), SPAN(""), SPAN("from.test"));
	domains_each(domains, NULL, on_view, NULL);
	ck_assert_uint_eq(shown, 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_one_unused_for_longest_leaves);
	tcase_add_test(tc, a_site_holds_it_once);
	tcase_add_test(tc, what_was_held_before_the_start_is_held);
	tcase_add_test(tc, a_name_that_is_too_long_is_nobody);
}

SUITE_MAIN("domains_io", fill)
