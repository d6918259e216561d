#include "tests/lib/suite.h"

#include <stdbool.h>

#include "base/span.h"
#include "sched/heap.h"

enum { MANY = 300 };

static uint32_t seed;

static uint32_t
next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

START_TEST(an_empty_heap_has_no_first)
{
	struct heap h = { 0 };
	struct due d = { 0 };

	ck_assert_ptr_null(heap_first(&h));
	heap_drop(&h, &d); /* it is in none */
	ck_assert_ptr_null(heap_first(&h));
	heap_clear(&h);
}
END_TEST

START_TEST(the_earliest_comes_first)
{
	struct due d[] = { { 0 }, { 0 }, { 0 }, { 0 } };
	static const uint64_t at[] = { 40, 10, 30, 20 };
	static const int order[] = { 1, 3, 2, 0 };
	struct heap h = { 0 };

	for (int i = 0; i < 4; i++)
		heap_set(&h, &d[i], at[i]);
	for (int i = 0; i < 4; i++) {
		ck_assert_ptr_eq(heap_first(&h), &d[order[i]]);
		heap_drop(&h, &d[order[i]]);
		ck_assert_uint_eq(d[order[i]].place, 0);
	}
	ck_assert_ptr_null(heap_first(&h));
	heap_clear(&h);
}
END_TEST

START_TEST(to_set_again_is_to_move)
{
	struct due a = { 0 }, b = { 0 };
	struct heap h = { 0 };

	heap_set(&h, &a, 10);
	heap_set(&h, &b, 20);
	heap_set(&h, &b, 5);
	ck_assert_ptr_eq(heap_first(&h), &b);
	heap_set(&h, &b, 50);
	ck_assert_ptr_eq(heap_first(&h), &a);
	ck_assert_uint_eq(h.n, 2);
	heap_clear(&h);
	ck_assert_ptr_null(heap_first(&h));
}
END_TEST

/* Whether it is where it says, and not before its parent in the heap. */
static bool
is_in_place(const struct heap *h, const struct due *d)
{
	size_t at = d->place - 1;

	return at < h->n && h->items[at] == d &&
	       (at == 0 || h->items[(at - 1) / 2]->at <= d->at);
}

/* What the heap says, held against a walk over all. */
static void
check_first(const struct heap *h, const struct due *all)
{
	const struct due *first = NULL;
	bool in_place = true;
	size_t n = 0;

	for (int i = 0; i < MANY; i++) {
		if (all[i].place == 0)
			continue;
		n++;
		in_place &= is_in_place(h, &all[i]);
		if (first == NULL || all[i].at < first->at)
			first = &all[i];
	}
	ck_assert(in_place);
	ck_assert_uint_eq(h->n, n);
	if (first == NULL)
		ck_assert_ptr_null(heap_first(h));
	else
		ck_assert_uint_eq(heap_first(h)->at, first->at);
}

START_TEST(whatever_is_set_and_dropped_the_first_is_the_earliest)
{
	struct due all[MANY] = { { 0 } };
	struct heap h = { 0 };

	seed = (uint32_t)_i;
	for (int n = 0; n < 3000; n++) {
		struct due *d = &all[next_random() % MANY];

		if (next_random() % 3 == 0)
			heap_drop(&h, d);
		else
			heap_set(&h, d, next_random() % 1000);
		check_first(&h, all);
	}
	for (int i = 0; i < MANY; i++) {
		heap_drop(&h, &all[i]);
		check_first(&h, all);
	}
	heap_clear(&h);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, an_empty_heap_has_no_first);
	tcase_add_test(tc, the_earliest_comes_first);
	tcase_add_test(tc, to_set_again_is_to_move);
	tcase_add_loop_test(
	    tc, whatever_is_set_and_dropped_the_first_is_the_earliest, 0, 5);
}

SUITE_MAIN("heap", fill)
