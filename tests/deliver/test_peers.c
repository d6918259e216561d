#include "tests/lib/suite.h"

#include <stdio.h>

#include "deliver/peers.h"

static struct peers *p;

static void
setup(void)
{
	static const uint64_t seed[2] = { 1, 2 };

	p = peers_new(3, seed);
}

static void
teardown(void)
{
	peers_unref(p);
}

START_TEST(chunking_is_remembered_for_a_day)
{
	uint64_t end = 1000 + PEERS_CHUNKING_MS;

	ck_assert_int_eq(peers_chunking(p, "a:25", 1000), CHUNKING_UNKNOWN);
	peers_learn_chunking(p, "a:25", CHUNKING_LACKS, 1000);
	ck_assert_int_eq(peers_chunking(p, "a:25", end - 1), CHUNKING_LACKS);
	ck_assert_int_eq(peers_chunking(p, "a:2525", 1000), CHUNKING_UNKNOWN);
	ck_assert_int_eq(peers_chunking(p, "a:25", end), CHUNKING_UNKNOWN);
	peers_learn_chunking(p, "a:25", CHUNKING_WORKS, end);
	ck_assert_int_eq(peers_chunking(p, "a:25", end), CHUNKING_WORKS);
}
END_TEST

START_TEST(nothing_learned_is_nothing_kept)
{
	peers_learn_chunking(p, "a:25", CHUNKING_LACKS, 1000);
	peers_learn_chunking(p, "a:25", CHUNKING_UNKNOWN, 2000);
	peers_learn_chunking(p, "b:25", CHUNKING_UNKNOWN, 2000);
	peers_set_failed(p, "c:25", false, 2000);
	ck_assert_uint_eq(peers_count(p), 1);
	ck_assert_int_eq(peers_chunking(p, "a:25", 2000), CHUNKING_LACKS);
}
END_TEST

START_TEST(a_failure_is_remembered_for_a_while_or_until_it_works)
{
	uint64_t end = 1000 + PEERS_FAILED_MS;

	ck_assert(!peers_has_failed(p, "a:25", 1000));
	peers_set_failed(p, "a:25", true, 1000);
	ck_assert(peers_has_failed(p, "a:25", end - 1));
	ck_assert(!peers_has_failed(p, "a:25", end));
	peers_set_failed(p, "a:25", false, 1001);
	ck_assert(!peers_has_failed(p, "a:25", 1002));
}
END_TEST

START_TEST(who_was_told_of_longest_ago_is_forgotten_first)
{
	char name[16];

	for (int i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof name, "%d:25", i);
		peers_set_failed(p, name, true, 1000);
	}
	peers_learn_chunking(p, "0:25", CHUNKING_LACKS, 1000);
	peers_set_failed(p, "3:25", true, 1000);
	ck_assert_uint_eq(peers_count(p), 3);
	ck_assert(!peers_has_failed(p, "1:25", 1001));
	ck_assert(peers_has_failed(p, "0:25", 1001));
	ck_assert(peers_has_failed(p, "2:25", 1001));
	ck_assert(peers_has_failed(p, "3:25", 1001));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, chunking_is_remembered_for_a_day);
	tcase_add_test(tc, nothing_learned_is_nothing_kept);
	tcase_add_test(
	    tc, a_failure_is_remembered_for_a_while_or_until_it_works);
	tcase_add_test(tc, who_was_told_of_longest_ago_is_forgotten_first);
}

SUITE_MAIN("peers", fill)
