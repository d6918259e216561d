#include "tests/lib/suite.h"

#include "base/span.h"
#include "src/auth/line.h"

static const uint64_t seed[2] = { 1, 2 };
static struct line line;
static struct list nodes[32];

static void
setup(void)
{
	line_init(&line, 3, seed);
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		list_init(&nodes[i]);
}

static void
teardown(void)
{
	line_clear(&line); /* asserts that nothing is left */
}

START_TEST(an_address_never_has_all_rooms)
{
	ck_assert(line_enter(&line, 1, &nodes[0]));
	ck_assert(line_enter(&line, 1, &nodes[1]));
	ck_assert(!line_enter(&line, 1, &nodes[2]));
	ck_assert(line_enter(&line, 2, &nodes[3]));
	ck_assert(!line_enter(&line, 2, &nodes[4]));
	/* The room that 2 leaves is its own next one's: 1 has its two. */
	ck_assert_ptr_eq(line_leave(&line, 2), &nodes[4]);
	ck_assert_ptr_null(line_leave(&line, 2));
	ck_assert_ptr_eq(line_leave(&line, 1), &nodes[2]);
	ck_assert_ptr_null(line_leave(&line, 1));
	ck_assert_ptr_null(line_leave(&line, 1));
}
END_TEST

START_TEST(addresses_take_turns)
{
	static const uint64_t want[] = { 1, 2, 3, 1, 2, 1, 1 };
	uint64_t host_of[32] = { 0 }, last = 9;

	for (size_t i = 0; i < 3; i++)
		ck_assert(line_enter(&line, 9 + i, &nodes[i]));
	/* Four of 1 come first, then two of 2, then one of 3. */
	for (size_t i = 3; i < 10; i++) {
		host_of[i] = i < 7 ? 1 : i < 9 ? 2 : 3;
		ck_assert(!line_enter(&line, host_of[i], &nodes[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct list *next = line_leave(&line, last);

		ck_assert_ptr_nonnull(next);
		last = host_of[next - nodes];
		ck_assert_uint_eq(last, want[i]);
	}
	ck_assert_ptr_null(line_leave(&line, last));
	ck_assert_ptr_null(line_leave(&line, 10));
	ck_assert_ptr_null(line_leave(&line, 11));
}
END_TEST

START_TEST(who_quits_is_passed_over)
{
	for (size_t i = 0; i < 3; i++)
		ck_assert(line_enter(&line, 9 + i, &nodes[i]));
	for (size_t i = 3; i < 7; i++)
		ck_assert(!line_enter(&line, i / 2, &nodes[i]));
	line_quit(&line, 1, &nodes[3]); /* the only one of 1 */
	line_quit(&line, 2, &nodes[4]);
	ck_assert_ptr_eq(line_leave(&line, 9), &nodes[5]);
	ck_assert_ptr_eq(line_leave(&line, 10), &nodes[6]);
	ck_assert_ptr_null(line_leave(&line, 2));
	ck_assert_ptr_null(line_leave(&line, 3));
	ck_assert_ptr_null(line_leave(&line, 11));
}
END_TEST

START_TEST(no_address_is_one_of_its_own)
{
	ck_assert(line_enter(&line, 0, &nodes[0]));
	ck_assert(line_enter(&line, 0, &nodes[1]));
	ck_assert(!line_enter(&line, 0, &nodes[2]));
	ck_assert_ptr_eq(line_leave(&line, 0), &nodes[2]);
	ck_assert_ptr_null(line_leave(&line, 0));
	ck_assert_ptr_null(line_leave(&line, 0));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_address_never_has_all_rooms);
	tcase_add_test(tc, addresses_take_turns);
	tcase_add_test(tc, who_quits_is_passed_over);
	tcase_add_test(tc, no_address_is_one_of_its_own);
}

SUITE_MAIN("line", fill)
