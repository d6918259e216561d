#include "tests/lib/suite.h"

#include "policy/known.h"

START_TEST(case_makes_nobody_new)
{
	ck_assert_uint_eq(
	    known_hash(SPAN("Ann@B.test")), known_hash(SPAN("ann@b.TEST")));
	ck_assert_uint_ne(
	    known_hash(SPAN("ann@b.test")), known_hash(SPAN("bob@b.test")));
	/* It is on disk: it may not be another one tomorrow. */
	ck_assert_uint_eq(
	    known_hash(SPAN("ann@b.test")), UINT64_C(6269279339263203187));
}
END_TEST

START_TEST(it_grows_to_its_bound_and_no_further)
{
	struct known k = { 0 };
	size_t at = 0, n = 0;

	ck_assert(!known_has(&k, 1));
	for (uint64_t i = 1; i <= KNOWN_MOST; i++)
		ck_assert(known_add(&k, i * UINT64_C(0x9e3779b97f4a7c15)));
	ck_assert(!known_add(&k, UINT64_C(0x9e3779b97f4a7c15)));
	ck_assert(!known_add(&k, 5));
	ck_assert(!known_has(&k, 5));
	for (uint64_t i = 1; i <= KNOWN_MOST; i++)
		ck_assert(known_has(&k, i * UINT64_C(0x9e3779b97f4a7c15)));
	while (known_next(&k, &at) != 0)
		n++;
	ck_assert_uint_eq(n, KNOWN_MOST);
	ck_assert_uint_le(known_memory(&k), 4 << 20);
	known_clear(&k);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, case_makes_nobody_new);
	tcase_add_test(tc, it_grows_to_its_bound_and_no_further);
}

SUITE_MAIN("known", fill)
