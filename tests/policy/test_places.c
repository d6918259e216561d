#include "tests/lib/suite.h"

#include "policy/places.h"

static struct places p;

static void
teardown(void)
{
	places_clear(&p);
}

START_TEST(the_first_is_home)
{
	ck_assert(!places_note(&p, 7));
	ck_assert(!places_note(&p, 7));
	ck_assert(places_note(&p, 8));
	ck_assert(!places_note(&p, 8));
	ck_assert(!places_note(&p, 7));
	ck_assert(places_is_last(&p, 7));
	ck_assert(!places_is_last(&p, 8));
	ck_assert_uint_eq(p.n, 2);
}
END_TEST

START_TEST(who_was_not_seen_for_longest_leaves)
{
	(void)places_note(&p, 1000);
	for (uint64_t i = 1; i < PLACES_MOST; i++)
		ck_assert(places_note(&p, i));
	ck_assert(!places_note(&p, 1000)); /* it moves to the front */
	ck_assert(places_note(&p, PLACES_MOST));
	ck_assert_uint_eq(p.n, PLACES_MOST);
	ck_assert(!places_note(&p, 1000));
	ck_assert(places_note(&p, 1)); /* which was the last of them */
}
END_TEST

START_TEST(they_outlive_a_restart)
{
	struct buf bytes = { 0 };
	struct places back = { 0 };
	char many[1 + (PLACES_MOST + 1) * 8] = { PLACES_MOST + 1 };
	struct span in;

	for (uint64_t i = 0; i < 5; i++)
		(void)places_note(&p, (i + 1) << 56 | (i + 1));
	places_write(&p, &bytes);
	(void)buf_append_char(&bytes, 'x');
	in = buf_span(&bytes);
	ck_assert(places_read(&back, &in));
	ck_assert_uint_eq(in.len, 1);
	ck_assert_uint_eq(back.n, p.n);
	ck_assert_mem_eq(back.list, p.list, p.n * sizeof *p.list);
	for (size_t n = 0; n < buf_len(&bytes) - 1; n++) {
		in = span_to(buf_span(&bytes), n);
		ck_assert(!places_read(&back, &in));
		ck_assert_uint_eq(back.n, 0);
	}
	in = span_make(many, sizeof many);
	ck_assert(!places_read(&back, &in)); /* more than there may be */
	buf_clear(&bytes);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, the_first_is_home);
	tcase_add_test(tc, who_was_not_seen_for_longest_leaves);
	tcase_add_test(tc, they_outlive_a_restart);
}

SUITE_MAIN("places", fill)
