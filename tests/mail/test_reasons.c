/* Words that are kept: equal ones once, within a budget. */
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mail/reasons.h"

enum { LONG = 600, MOST = 10000 };

static const uint64_t seed[2] = { 1, 2 };
static struct reasons *table;

static void
setup(void)
{
	table = reasons_new(MOST, seed);
}

static void
teardown(void)
{
	reasons_free(table);
}

/* Differs with n, at its beginning. */
static struct reason *
said(unsigned n, size_t len)
{
	char text[LONG];
	struct words w = { .status = SPAN("4.7.1") };

	memset(text, 'x', sizeof text);
	(void)snprintf(text, 16, "%08u", n);
	w.said = span_make(text, len);
	return reason_new(&w);
}

static struct reason *
keep(unsigned n, size_t len)
{
	struct reason *r = said(n, len), *kept = reasons_keep(table, r);

	reason_unref(r);
	return kept;
}

START_TEST(equal_words_are_kept_once)
{
	struct reason *a = keep(1, 50), *b = keep(1, 50), *c = keep(2, 50);

	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_ne(a, c);
	ck_assert_uint_eq(reasons_count(table), 2);
	ck_assert_uint_eq(
	    reasons_bytes(table), reason_memory(a) + reason_memory(c));
	ck_assert_ptr_null(reasons_keep(table, NULL));
	reason_unref(a);
	reason_unref(b);
	reason_unref(c);
}
END_TEST

START_TEST(what_nobody_holds_is_forgotten)
{
	struct reason *mine = keep(0, 50);

	for (unsigned i = 1; i < 5000; i++) {
		reason_unref(keep(i, 50));
		ck_assert_uint_le(reasons_count(table), 200);
	}
	ck_assert_ptr_eq(reasons_keep(table, mine), mine);
	reason_unref(mine);
	reason_unref(mine);
}
END_TEST

/* Nothing that is in use is forgotten, however many there are. */
START_TEST(what_somebody_holds_stays)
{
	enum { N = 1000 };
	struct reason *kept[N], *again;

	for (unsigned i = 0; i < N; i++)
		kept[i] = keep(i, 8);
	for (unsigned i = 0; i < N; i++) {
		again = keep(i, 8);
		ck_assert_ptr_eq(again, kept[i]);
		reason_unref(again);
		reason_unref(kept[i]);
	}
}
END_TEST

START_TEST(beyond_the_budget_words_are_cut)
{
	struct reason *kept[40], *again;
	unsigned cut = 0;

	for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
		kept[i] = keep(i, LONG);
		cut += reason_is_cut(kept[i]);
		ck_assert_uint_le(reasons_bytes(table), MOST);
	}
	ck_assert_uint_gt(cut, 20);
	ck_assert(!reason_is_cut(kept[0]));
	ck_assert(reason_is_cut(kept[39]));
	ck_assert_uint_eq(
	    reason_words(kept[39]).said.len + strlen("4.7.1"), REASON_CUT);
	again = keep(39, LONG);
	ck_assert_ptr_eq(again, kept[39]);
	reason_unref(again);
	for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
		reason_unref(kept[i]);
	/* There is room again, once it has looked. */
	for (unsigned i = 100; i < 300; i++)
		reason_unref(keep(i, 8));
	again = keep(39, LONG);
	ck_assert(!reason_is_cut(again));
	reason_unref(again);
}
END_TEST

START_TEST(short_words_are_never_cut)
{
	struct reason *kept[100];

	for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
		kept[i] = keep(i, REASON_CUT - strlen("4.7.1"));
		ck_assert(!reason_is_cut(kept[i]));
	}
	for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
		reason_unref(kept[i]);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, equal_words_are_kept_once);
	tcase_add_test(tc, what_nobody_holds_is_forgotten);
	tcase_add_test(tc, what_somebody_holds_stays);
	tcase_add_test(tc, beyond_the_budget_words_are_cut);
	tcase_add_test(tc, short_words_are_never_cut);
}

SUITE_MAIN("reasons", fill)
