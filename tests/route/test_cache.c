/* What is known leaves when its time comes; the clock is ours. */
#include "tests/lib/suite.h"

#include <stdio.h>

#include "base/mem.h"
#include "mail/reason.h"
#include "sched/site.h"
#include "sched/target.h"
#include "src/route/cache_priv.h"

static const uint64_t seed[2] = { 1, 2 };
static struct cache cache;

enum { DAY = CACHE_STALE_MS, UNUSED = CACHE_SITE_UNUSED_MS };

static void
setup(void)
{
	cache_init(&cache, seed);
}

static void
teardown(void)
{
	cache_clear(&cache);
}

/* As the router has it once an answer is there. */
static struct route_entry *
know(const char *domain, const char *site, uint64_t now, uint64_t ttl)
{
	struct route_entry *e = cache_find_or_add(&cache, span_text(domain));

	cache_busy(&cache, e);
	if (site != NULL) {
		struct route_site *rs = cache_site(&cache, site, site);

		cache_set_channel(&cache, e, rs,
		    site_channel_take(rs->site, "c", target_new()), now);
	} else {
		cache_set_reason_take(&cache, e, ROUTE_NEVER,
		    reason_new(&(struct words){ .what = SPAN("no") }), now);
	}
	e->expires = now + ttl;
	e->stale_until = e->expires + DAY;
	cache_rest(&cache, e);
	return e;
}

/* Everything that is due, as often as it takes. */
static void
pass(uint64_t now)
{
	for (int i = 0; i < 1000 && cache_due(&cache) <= now; i++)
		cache_forget(&cache, now, 100);
	ck_assert_uint_gt(cache_due(&cache), now);
}

static bool
has(const char *domain)
{
	return cache_find(&cache, span_text(domain)) != NULL;
}

START_TEST(nothing_is_due_of_nothing)
{
	ck_assert(cache_due(&cache) == UINT64_MAX);
	cache_forget(&cache, 1000, 10);
	ck_assert_uint_eq(cache.entries.count, 0);
}
END_TEST

START_TEST(names_are_found_in_any_case)
{
	struct route_entry *e = know("a.test", NULL, 0, 10);

	ck_assert_ptr_eq(cache_find(&cache, SPAN("A.Test")), e);
	ck_assert_ptr_eq(cache_find_or_add(&cache, SPAN("A.TEST")), e);
	ck_assert_str_eq(know("B.Test", NULL, 0, 10)->domain, "b.test");
}
END_TEST

START_TEST(a_refusal_leaves_as_it_expires)
{
	(void)know("a.test", NULL, 1000, 500);
	ck_assert_uint_eq(cache_due(&cache), 1500);
	cache_forget(&cache, 1499, 10);
	ck_assert(has("a.test"));
	cache_forget(&cache, 1500, 10);
	ck_assert(!has("a.test"));
	ck_assert(cache_due(&cache) == UINT64_MAX);
}
END_TEST

START_TEST(a_channel_is_stale_for_a_day)
{
	struct route_entry *e = know("a.test", "s", 1000, 500);

	pass(1500);
	ck_assert(has("a.test"));
	ck_assert(!list_is_empty(&e->stale));
	pass(1499 + DAY);
	ck_assert(has("a.test"));
	pass(1500 + DAY);
	ck_assert(!has("a.test"));
	ck_assert_uint_eq(cache.sites.count, 1);
}
END_TEST

START_TEST(what_is_busy_does_not_leave)
{
	struct route_entry *e = know("a.test", "s", 0, 10);
	struct list waiter;

	list_append(&e->waiters, &waiter);
	ck_assert(cache_is_busy(e));
	cache_busy(&cache, e);
	ck_assert(cache_due(&cache) == UINT64_MAX);
	pass(10 * (uint64_t)DAY);
	ck_assert(has("a.test"));
	list_remove(&waiter);
	ck_assert(!cache_is_busy(e));
	cache_rest(&cache, e);
	pass(10 * (uint64_t)DAY);
	ck_assert(!has("a.test"));
}
END_TEST

/* Stale, asked for again: it begins a new life. */
START_TEST(what_is_known_again_is_fresh)
{
	struct route_entry *e = know("a.test", "s", 0, 10);

	pass(20);
	ck_assert(!list_is_empty(&e->stale));
	ck_assert_ptr_eq(know("a.test", "s", 30, 10), e);
	ck_assert(list_is_empty(&e->stale));
	ck_assert_uint_eq(e->site->entries, 1);
	ck_assert_uint_eq(cache_due(&cache), 40);
}
END_TEST

START_TEST(what_is_forgotten_leaves_at_once)
{
	struct route_entry *e = know("a.test", "s", 0, 1000);

	cache_busy(&cache, e);
	cache_forget_route(&cache, e, 5);
	ck_assert_ptr_null(e->site);
	ck_assert_ptr_null(e->route.channel);
	cache_rest(&cache, e);
	pass(5);
	ck_assert(!has("a.test"));
}
END_TEST

START_TEST(a_site_leaves_when_nothing_leads_there)
{
	struct route_entry *e = know("a.test", "s", 0, 10);

	(void)know("b.test", "s", 0, 10);
	ck_assert_uint_eq(e->site->entries, 2);
	(void)know("a.test", NULL, 1000, 10);
	pass(UNUSED + 1000);
	ck_assert_uint_eq(cache.sites.count, 1);
	(void)know("b.test", NULL, UNUSED + 2000, 10);
	pass(UNUSED + 2000 + UNUSED - 1);
	ck_assert_uint_eq(cache.sites.count, 1);
	pass(UNUSED + 2000 + UNUSED);
	ck_assert_uint_eq(cache.sites.count, 0);
}
END_TEST

START_TEST(a_site_that_is_led_to_again_stays)
{
	(void)know("a.test", "s", 0, 10);
	(void)know("a.test", NULL, 0, 10);
	(void)know("b.test", "s", 5, 10);
	ck_assert_uint_eq(cache.sites.count, 1);
	pass(UNUSED + 5);
	ck_assert_uint_eq(cache.sites.count, 1);
}
END_TEST

START_TEST(a_site_in_use_stays)
{
	struct site *s = know("a.test", "s", 0, 10)->site->site;
	struct channel *c = LIST_ENTRY(s->channels.next, struct channel, node);
	struct turn turn = { 0 };

	(void)know("a.test", NULL, 0, 10);
	if (_i == 0)
		s->lanes = 1;
	else if (_i == 1)
		turns_join(&c->line, &turn, SPAN("ann"), TURN_FIRST);
	else
		s->closed_until = 2 * (uint64_t)UNUSED;
	pass(UNUSED);
	ck_assert_uint_eq(cache.sites.count, 1);
	ck_assert_uint_eq(cache_due(&cache), 2 * UNUSED);
	s->lanes = 0;
	if (_i == 1)
		turns_leave(&c->line, &turn);
	s->closed_until = 0;
	/* It was used a moment ago: its time begins then. */
	s->last_used = UNUSED + 7;
	pass(2 * UNUSED);
	ck_assert_uint_eq(cache.sites.count, 1);
	ck_assert_uint_eq(cache_due(&cache), 2 * UNUSED + 7);
	pass(2 * UNUSED + 7);
	ck_assert_uint_eq(cache.sites.count, 0);
}
END_TEST

static void
know_many(unsigned n, const char *what, uint64_t now, unsigned apart)
{
	char domain[32], site[32];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(domain, sizeof domain, "%s%u.test", what, i);
		(void)snprintf(site, sizeof site, "%s%u", what, i);
		(void)know(domain, site, now, 10 + i * apart);
	}
}

/* However many are due, one turn has its bound. */
START_TEST(some_leave_at_a_time)
{
	know_many(1000, "d", 0, 0);
	for (unsigned left = 1000; left > 0; left -= 100) {
		ck_assert_uint_eq(cache.entries.count, left);
		ck_assert_uint_le(cache_due(&cache), 10 + (uint64_t)DAY);
		if (left == 1000) /* all become stale first, as slowly */
			for (int i = 0; i < 10; i++)
				cache_forget(&cache, 10, 100);
		ck_assert_uint_gt(cache_due(&cache), 10);
		cache_forget(&cache, 10 + (uint64_t)DAY, 100);
	}
	ck_assert_uint_eq(cache.entries.count, 0);
	ck_assert_uint_eq(cache.sites.count, 1000);
	cache_forget(&cache, 10 + (uint64_t)DAY + UNUSED, 300);
	ck_assert_uint_eq(cache.sites.count, 700);
	pass(10 + (uint64_t)DAY + UNUSED);
	ck_assert_uint_eq(cache.sites.count, 0);
}
END_TEST

/* The oldest that are past their time go first, and only those. */
START_TEST(with_many_entries_the_stale_ones_go)
{
	/* One each millisecond. */
	know_many(CACHE_STALE_MOST - 50, "d", 0, 1);
	pass(CACHE_STALE_MOST);
	ck_assert_uint_eq(cache.entries.count, CACHE_STALE_MOST - 50);
	know_many(80, "e", CACHE_STALE_MOST, 0);
	ck_assert_uint_eq(cache_due(&cache), 0);
	pass(CACHE_STALE_MOST);
	ck_assert_uint_eq(cache.entries.count, CACHE_STALE_MOST);
	ck_assert(!has("d0.test"));
	ck_assert(!has("d29.test"));
	ck_assert(has("d30.test"));
	ck_assert(has("e0.test"));
}
END_TEST

START_TEST(all_that_is_not_busy_is_dropped)
{
	struct route_entry *e = know("a.test", "s", 0, 10);
	struct list waiter;

	(void)know("b.test", "s", 0, 10);
	(void)know("c.test", NULL, 0, 10);
	pass(10); /* one is stale */
	list_append(&e->waiters, &waiter);
	cache_busy(&cache, e);
	cache_drop_all(&cache);
	ck_assert(has("a.test"));
	ck_assert(!has("b.test"));
	ck_assert(!has("c.test"));
	/* They are found no more; the memory goes some at a time. */
	ck_assert_uint_eq(cache_due(&cache), 0);
	ck_assert_uint_eq(e->site->entries, 2);
	pass(20);
	ck_assert_uint_eq(e->site->entries, 1);
	list_remove(&waiter);
	cache_rest(&cache, e);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_due_of_nothing);
	tcase_add_test(tc, names_are_found_in_any_case);
	tcase_add_test(tc, a_refusal_leaves_as_it_expires);
	tcase_add_test(tc, a_channel_is_stale_for_a_day);
	tcase_add_test(tc, what_is_busy_does_not_leave);
	tcase_add_test(tc, what_is_known_again_is_fresh);
	tcase_add_test(tc, what_is_forgotten_leaves_at_once);
	tcase_add_test(tc, a_site_leaves_when_nothing_leads_there);
	tcase_add_test(tc, a_site_that_is_led_to_again_stays);
	tcase_add_loop_test(tc, a_site_in_use_stays, 0, 3);
	tcase_add_test(tc, some_leave_at_a_time);
	tcase_add_test(tc, with_many_entries_the_stale_ones_go);
	tcase_add_test(tc, all_that_is_not_busy_is_dropped);
}

SUITE_MAIN("cache", fill)
