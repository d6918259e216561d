/* Words that are kept: equal ones once, within a budget. */
#include "tests/lib/suite.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
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

static bool
is_whole(struct reason *r)
{
	struct reason *whole = reason_whole(r);
	bool is = reason_words(whole).said.len == LONG;

	ck_assert_int_eq(is, !reason_is_cut(r));
	reason_unref(whole);
	return is;
}

static void
drop(struct reason **kept, size_t n)
{
	for (size_t i = 0; i < n; i++)
		reason_unref(kept[i]);
}

/* All who hold them see it: it is the same value. */
START_TEST(beyond_the_budget_the_oldest_are_cut)
{
	struct reason *kept[40], *again;
	unsigned cut = 0;

	for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
		kept[i] = keep(i, LONG);
		ck_assert(is_whole(kept[i]));
		ck_assert_uint_le(reasons_bytes(table), MOST);
	}
	for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
		cut += reason_is_cut(kept[i]);
		ck_assert_uint_eq(cut, is_whole(kept[i]) ? cut : i + 1);
	}
	ck_assert_uint_gt(cut, 20);
	ck_assert_uint_lt(cut, 40 - MOST / (2 * (LONG + REASON_CUT)));
	ck_assert_uint_eq(
	    reason_words(kept[0]).said.len + strlen("4.7.1"), REASON_CUT);
	ck_assert_uint_eq(reasons_count(table), 40);
	/* What is cut stays so; somebody who has the whole brings it anew. */
	ck_assert_ptr_eq(again = reasons_keep(table, kept[0]), kept[0]);
	reason_unref(again);
	again = keep(0, LONG);
	ck_assert_ptr_ne(again, kept[0]);
	ck_assert(is_whole(again) && !is_whole(kept[0]));
	reason_unref(again);
	again = keep(39, LONG);
	ck_assert_ptr_eq(again, kept[39]);
	reason_unref(again);
	drop(kept, ARRAY_LEN(kept));
}
END_TEST

START_TEST(what_is_cut_makes_room)
{
	struct reason *kept[40];

	for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
		kept[i] = keep(i, LONG);
	/* What nobody holds is out of the line, too, once it has looked. */
	drop(kept, 39);
	for (unsigned i = 100; i < 300; i++)
		reason_unref(keep(i, 8));
	ck_assert_uint_lt(reasons_bytes(table), MOST / 2);
	ck_assert(is_whole(kept[39]));
	reason_unref(kept[39]);
}
END_TEST

START_TEST(who_reads_words_keeps_them_whole)
{
	struct reason *kept[40], *read;

	kept[0] = keep(0, LONG);
	read = reason_whole(kept[0]);
	for (unsigned i = 1; i < ARRAY_LEN(kept); i++)
		kept[i] = keep(i, LONG);
	ck_assert(reason_is_cut(kept[0]) && !reason_is_cut(read));
	ck_assert_uint_eq(reason_words(read).said.len, LONG);
	reason_unref(read);
	drop(kept, ARRAY_LEN(kept));
}
END_TEST

/* Two that differ behind what is left of them: each is its holders' own. */
START_TEST(what_is_left_may_be_equal)
{
	enum { N = 60 };
	char text[LONG] = "";
	struct words w = { .said = span_make(text, sizeof text) };
	struct reason *r, *kept[N];

	memset(text, 'x', sizeof text);
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(text + LONG - 9, 9, "%08u", i);
		r = reason_new(&w);
		kept[i] = reasons_keep(table, r);
		reason_unref(r);
		ck_assert(is_whole(kept[i]));
		ck_assert_uint_le(reasons_bytes(table), MOST);
	}
	ck_assert(reason_is_cut(kept[0]) && reason_is_cut(kept[1]));
	ck_assert(reason_equal(kept[0], kept[1]));
	ck_assert_uint_lt(reasons_count(table), N / 2);
	drop(kept, N);
}
END_TEST

/* There is nothing to cut but the new ones: what is left of them is shared. */
START_TEST(short_words_may_take_all_the_room)
{
	enum { N = 200 };
	struct reason *kept[N], *a, *b;

	for (unsigned i = 0; i < N; i++)
		kept[i] = keep(i, 100);
	ck_assert_uint_gt(reasons_bytes(table), MOST);
	a = keep(1000, LONG);
	b = keep(1000, LONG);
	ck_assert(reason_is_cut(a));
	ck_assert_ptr_eq(a, b);
	reason_unref(a);
	reason_unref(b);
	drop(kept, N);
}
END_TEST

/* --- others read while words are cut --- */

enum { CUTS = 200 };

static atomic_bool is_over;
static atomic_uint reads;

static struct reason *
folded(unsigned n)
{
	struct reason *r = said(n, LONG), *f = reason_fold(r);

	reason_unref(r);
	return f;
}

static bool
reads_well(struct reason *r)
{
	struct reason *whole = reason_whole(r);
	struct words w = reason_words(whole);
	bool well =
	    (w.said.len == LONG || w.said.len + w.status.len == REASON_CUT) &&
	    w.said.ptr[w.said.len - 1] == 'x';

	reason_unref(whole);
	return well;
}

static void *
read_on(void *arg)
{
	struct reason **all = arg;

	while (!atomic_load(&is_over)) {
		unsigned n = atomic_fetch_add(&reads, 1);

		if (!reads_well(all[n % CUTS])) {
			atomic_store(&reads, UINT_MAX);
			return NULL;
		}
	}
	return arg;
}

START_TEST(words_are_cut_while_others_read_them)
{
	struct reason *all[CUTS];
	pthread_t reader;
	void *well;

	atomic_store(&is_over, false);
	atomic_store(&reads, 0);
	for (unsigned i = 0; i < CUTS; i++)
		all[i] = folded(i);
	ck_assert_int_eq(pthread_create(&reader, NULL, read_on, all), 0);
	for (unsigned i = 0; i < CUTS; i++) {
		while (atomic_load(&reads) < i * 100)
			ck_assert(reads_well(all[i]));
		reason_cut(all[i]);
		ck_assert(reads_well(all[i]));
	}
	atomic_store(&is_over, true);
	ck_assert_int_eq(pthread_join(reader, &well), 0);
	ck_assert_ptr_nonnull(well);
	drop(all, CUTS);
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
		ck_assert(!reason_is_cut(kept[i]));
	drop(kept, ARRAY_LEN(kept));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, equal_words_are_kept_once);
	tcase_add_test(tc, what_nobody_holds_is_forgotten);
	tcase_add_test(tc, what_somebody_holds_stays);
	tcase_add_test(tc, beyond_the_budget_the_oldest_are_cut);
	tcase_add_test(tc, what_is_cut_makes_room);
	tcase_add_test(tc, who_reads_words_keeps_them_whole);
	tcase_add_test(tc, what_is_left_may_be_equal);
	tcase_add_test(tc, short_words_may_take_all_the_room);
	tcase_add_test(tc, words_are_cut_while_others_read_them);
	tcase_add_test(tc, short_words_are_never_cut);
}

SUITE_MAIN("reasons", fill)
