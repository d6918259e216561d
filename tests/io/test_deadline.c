/* Real time, in milliseconds: only the order and the count are looked at. */
#include "tests/lib/suite.h"

#include <uv.h>

#include "base/span.h"
#include "io/deadline.h"
#include "io/loop.h"

enum { MANY = 50 };

static struct loop *loop;
static struct mark {
	struct deadline *deadline;
	uint64_t want, came; /* when, by the loop's clock */
	unsigned count;
	bool closes, again;
} marks[MANY];
static uint64_t last;

static void
setup(void)
{
	loop = loop_new();
}

static void
teardown(void)
{
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
}

static void
on_due(void *arg)
{
	struct mark *m = arg;

	m->count++;
	m->came = loop_now(loop);
	ck_assert_uint_ge(m->came, m->want);
	ck_assert_uint_ge(m->want, last); /* in their order */
	last = m->want;
	if (m->again && m->count == 1)
		deadline_set(m->deadline, 2);
	else if (m->closes)
		deadline_close(m->deadline);
}

static void
make(struct mark *m, uint64_t ms)
{
	m->deadline = deadline_new(loop, on_due, m);
	m->want = loop_now(loop) + ms;
	m->closes = true;
	deadline_set(m->deadline, ms);
}

START_TEST(they_come_in_their_order)
{
	for (unsigned i = 0; i < MANY; i++)
		make(&marks[i], 1 + i * 7 % MANY);
	loop_stop(loop);
	loop_run(loop);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_uint_eq(marks[i].count, 1);
}
END_TEST

START_TEST(moved_ones_come_at_their_last_time)
{
	/* Away, nearer, away and nearer, and to the same. */
	static const uint64_t moves[][3] = { { 5, 30, 30 }, { 30, 5, 5 },
		{ 10, 40, 20 }, { 40, 5, 25 }, { 15, 15, 15 } };

	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		make(&marks[i], moves[i][0]);
		deadline_set(marks[i].deadline, moves[i][1]);
		deadline_set(marks[i].deadline, moves[i][2]);
		marks[i].want = loop_now(loop) + moves[i][2];
	}
	loop_stop(loop);
	loop_run(loop);
	for (size_t i = 0; i < ARRAY_LEN(moves); i++)
		ck_assert_uint_eq(marks[i].count, 1);
}
END_TEST

START_TEST(a_cancelled_one_does_not_come)
{
	make(&marks[0], 5);
	deadline_cancel(marks[0].deadline);
	deadline_cancel(marks[0].deadline);
	make(&marks[1], 20);
	make(&marks[2], 5); /* cancelled, then set again */
	deadline_cancel(marks[2].deadline);
	deadline_set(marks[2].deadline, 10);
	while (marks[1].count == 0)
		(void)uv_run(loop_uv(loop), UV_RUN_ONCE);
	ck_assert_uint_eq(marks[0].count, 0);
	ck_assert_uint_eq(marks[2].count, 1);
	deadline_close(marks[0].deadline);
}
END_TEST

START_TEST(a_closed_one_does_not_come)
{
	make(&marks[0], 1);
	make(&marks[1], 15);
	deadline_close(marks[0].deadline);
	deadline_close(NULL);
	loop_stop(loop);
	loop_run(loop);
	ck_assert_uint_eq(marks[0].count, 0);
	ck_assert_uint_eq(marks[1].count, 1);
}
END_TEST

START_TEST(one_may_be_set_again_when_it_comes)
{
	make(&marks[0], 2);
	marks[0].again = true;
	loop_stop(loop);
	loop_run(loop);
	ck_assert_uint_eq(marks[0].count, 2);
}
END_TEST

START_TEST(now_is_soon_and_not_at_once)
{
	make(&marks[0], 0);
	ck_assert_uint_eq(marks[0].count, 0);
	loop_stop(loop);
	loop_run(loop);
	ck_assert_uint_eq(marks[0].count, 1);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, they_come_in_their_order);
	tcase_add_test(tc, moved_ones_come_at_their_last_time);
	tcase_add_test(tc, a_cancelled_one_does_not_come);
	tcase_add_test(tc, a_closed_one_does_not_come);
	tcase_add_test(tc, one_may_be_set_again_when_it_comes);
	tcase_add_test(tc, now_is_soon_and_not_at_once);
}

SUITE_MAIN("deadline", fill)
