/* Which worker a session goes to. The workers here are made up. */
#include "crew/crew.h"

#include "tests/lib/suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "io/loop.h"
#include "crew/worker.h"

struct worker {
	uint32_t load;
	unsigned number;
	uint64_t ran_ns;
};

static unsigned alive;
static const struct worker_shared nothing;

struct worker *
worker_start(const struct worker *like, const struct worker_shared *shared,
    const struct worker_events *events, struct err *err)
{
	unsigned number = like == NULL ? 0 : like->number + 1;
	struct worker *w;

	(void)shared, (void)events;
	if (number == 3) {
		(void)err_set(err, -1, "no more of them");
		return NULL;
	}
	w = MEM_NEW(struct worker);
	w->number = number;
	alive++;
	return w;
}

void
worker_join(struct worker *w)
{
	alive--;
	free(w);
}

void
worker_set_aliases(struct worker *w, struct aliases *aliases)
{
	(void)w;
	(void)aliases;
}

void
worker_look_at_logins(struct worker *w)
{
	(void)w;
}

void
worker_quit(struct worker *w)
{
	w->load = 0;
}

void
worker_abort(struct worker *w)
{
	w->load = 0;
}

uint64_t
loop_now(const struct loop *loop)
{
	(void)loop;
	return 0;
}

uint32_t
worker_load(const struct worker *w)
{
	return w->load;
}

uint64_t
worker_ran_ns(const struct worker *w)
{
	return w->ran_ns;
}

START_TEST(few_share_what_few_can_do)
{
	struct crew_seat seats[3] = { { .load = 5 }, { 0 }, { 0 } };

	ck_assert_uint_eq(crew_choose(seats, 3), 0);
	seats[0].busy = true;
	ck_assert_uint_eq(crew_choose(seats, 3), 1);
	seats[1].busy = true;
	ck_assert_uint_eq(crew_choose(seats, 3), 2);
}
END_TEST

START_TEST(when_all_are_busy_the_least_laden_is_next)
{
	const struct crew_seat seats[3] = { { 9, true }, { 7, true },
		{ 8, true } };

	ck_assert_uint_eq(crew_choose(seats, 3), 1);
}
END_TEST

START_TEST(idle_sessions_stay_even)
{
	struct crew_seat seats[3] = { { 0 } };

	for (unsigned i = 0; i < 3200; i++)
		seats[crew_choose(seats, 3)].load++;
	/* 3200 / 16 is what the first does for all of them. */
	for (unsigned i = 0; i < 3; i++) {
		uint32_t load = seats[i].load + (i == 0 ? 200 : 0);

		ck_assert_uint_ge(load, 3400 / 3 - CREW_UNEVEN);
		ck_assert_uint_le(load, 3400 / 3 + CREW_UNEVEN);
	}
	/* One that lost its own fills up first, busy or not. */
	seats[2].load = 0;
	seats[2].busy = true;
	ck_assert_uint_eq(crew_choose(seats, 3), 2);
}
END_TEST

START_TEST(many_workers_leave_the_first_to_the_queue)
{
	struct crew_seat seats[24] = { { 0 } };

	for (unsigned i = 0; i < 2400; i++)
		seats[crew_choose(seats, 24)].load++;
	ck_assert_uint_lt(seats[0].load, 2 * CREW_UNEVEN);
	ck_assert_uint_ge(seats[23].load, 90);
}
END_TEST

START_TEST(a_crew_picks_among_its_own)
{
	struct err err;
	struct crew *c = crew_start(2, &nothing, NULL, &err);

	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(crew_count(c), 2);
	for (unsigned i = 0; i < 200; i++) {
		struct worker *w = crew_pick(c, 0);

		w->load++;
		if (i < CREW_UNEVEN)
			ck_assert_uint_eq(w->number, 0);
	}
	ck_assert_uint_ge(crew_pick(c, 0)->load, (200 - CREW_UNEVEN) / 2);
	crew_quit(c);
	ck_assert_uint_eq(crew_pick(c, 0)->load, 0);
	crew_join(c);
	ck_assert_uint_eq(alive, 0);
}
END_TEST

/* 50 ms are a sample; three quarters of that are most of it. */
START_TEST(a_busy_worker_gets_nothing_new)
{
	struct err err;
	struct crew *c = crew_start(2, &nothing, NULL, &err);
	struct worker *first = crew_pick(c, 0);

	ck_assert_uint_eq(first->number, 0);
	first->ran_ns = 38000000;
	ck_assert_ptr_eq(crew_pick(c, 49), first); /* too early to tell */
	ck_assert_ptr_ne(crew_pick(c, 50), first);
	ck_assert_ptr_ne(crew_pick(c, 99), first);
	first->ran_ns += 37000000;
	ck_assert_ptr_eq(crew_pick(c, 100), first);
	/* After long rest, too; and a clock that fails says nothing. */
	first->ran_ns += 100000000;
	ck_assert_ptr_eq(crew_pick(c, 1000), first);
	first->ran_ns = 0;
	ck_assert_ptr_eq(crew_pick(c, 1050), first);
	crew_join(c);
}
END_TEST

START_TEST(a_worker_that_cannot_start_leaves_none)
{
	struct err err;

	ck_assert_ptr_null(crew_start(5, &nothing, NULL, &err));
	ck_assert_str_eq(err.text, "no more of them");
	ck_assert_uint_eq(alive, 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, few_share_what_few_can_do);
	tcase_add_test(tc, when_all_are_busy_the_least_laden_is_next);
	tcase_add_test(tc, idle_sessions_stay_even);
	tcase_add_test(tc, many_workers_leave_the_first_to_the_queue);
	tcase_add_test(tc, a_crew_picks_among_its_own);
	tcase_add_test(tc, a_busy_worker_gets_nothing_new);
	tcase_add_test(tc, a_worker_that_cannot_start_leaves_none);
}

SUITE_MAIN("crew", fill)
