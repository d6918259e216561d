/* Held against a plain array, through growing and removing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/reason_set.h"
#include "tests/lib/suite.h"

enum { MANY = 3000, LONG = 300 };

static const uint64_t seed[2] = { 3, 4 };
static struct reason_set set;
static struct reason *all[MANY];

static struct reason *
said(unsigned n)
{
	char text[LONG + 1];
	struct words w = { .status = SPAN("4.7.1") };

	(void)snprintf(text, sizeof text, "%0*u", n % 2 == 0 ? 9 : LONG, n);
	w.said = span_text(text);
	return reason_new(&w);
}

static void
setup(void)
{
	reason_set_init(&set, seed);
	for (unsigned i = 0; i < MANY; i++) {
		struct reason *r = said(i);

		all[i] = reason_fold(r);
		reason_unref(r);
	}
}

static void
teardown(void)
{
	reason_set_clear(&set);
	for (unsigned i = 0; i < MANY; i++)
		reason_unref(all[i]);
}

static struct reason *
find(unsigned n)
{
	struct reason *r = said(n), *found = reason_set_find(&set, r);

	reason_unref(r);
	return found;
}

static void
expect(const bool *in)
{
	size_t count = 0, at = 0, walked = 0;

	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_ptr_eq(find(i), in[i] ? all[i] : NULL);
		count += in[i];
	}
	ck_assert_uint_eq(set.count, count);
	while (reason_set_next(&set, &at) != NULL)
		walked++;
	ck_assert_uint_eq(walked, count);
}

START_TEST(all_that_is_in_it_is_found)
{
	static bool in[MANY];

	expect(in);
	for (unsigned i = 0; i < MANY; i++) {
		reason_set_add(&set, all[i]);
		in[i] = true;
	}
	expect(in);
	/* No fuller than seven eighths, no emptier than half of that. */
	ck_assert_uint_le(set.count * 8, set.cap * 7);
	ck_assert_uint_gt(set.count * 16, set.cap * 7);
}
END_TEST

START_TEST(what_is_removed_hides_nothing)
{
	static bool in[MANY];
	unsigned which = 1;

	for (unsigned step = 0; step < 4 * MANY; step++) {
		which = (which * 1103515245u + 12345u) & 0x7fffffff;
		if (in[which % MANY])
			reason_set_remove(&set, all[which % MANY]);
		else
			reason_set_add(&set, all[which % MANY]);
		in[which % MANY] = !in[which % MANY];
		if (step % MANY == 0)
			expect(in);
	}
	expect(in);
	for (unsigned i = 0; i < MANY; i++)
		if (in[i])
			reason_set_remove(&set, all[i]);
	ck_assert_uint_eq(set.count, 0);
}
END_TEST

START_TEST(what_is_cut_is_found_by_what_is_left)
{
	reason_set_add(&set, all[1]);
	reason_set_remove(&set, all[1]);
	reason_cut(all[1]);
	reason_set_add(&set, all[1]);
	ck_assert_ptr_null(find(1));
	ck_assert_ptr_eq(reason_set_find(&set, all[1]), all[1]);
	/* Others whose first octets are the same. */
	ck_assert_ptr_null(reason_set_find(&set, all[3]));
	reason_cut(all[3]);
	ck_assert_ptr_eq(reason_set_find(&set, all[3]), all[1]);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_that_is_in_it_is_found);
	tcase_add_test(tc, what_is_removed_hides_nothing);
	tcase_add_test(tc, what_is_cut_is_found_by_what_is_left);
}

SUITE_MAIN("reason_set", fill)
