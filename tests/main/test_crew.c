/* Which worker a session goes to. The workers here are made up. */
#include "src/main/crew.h"

#include "tests/lib/suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "src/main/worker.h"

enum { EVEN_WITHIN = 64 }; /* how many more one may have than another */

struct worker {
	uint32_t load;
	unsigned number;
};

static unsigned alive;

struct worker *
worker_start(const struct worker *like, struct loop *queue, struct spool *spool,
    struct auth *auth, const struct worker_events *events, struct err *err)
{
	unsigned number = like == NULL ? 0 : like->number + 1;
	struct worker *w;

	(void)queue, (void)spool, (void)auth, (void)events;
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
worker_quit(struct worker *w)
{
	w->load = 0;
}

void
worker_abort(struct worker *w)
{
	w->load = 0;
}

uint32_t
worker_load(const struct worker *w)
{
	return w->load;
}

uint64_t
worker_ran_ns(const struct worker *w)
{
	(void)w;
	return 0;
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

	for (unsigned i = 0; i < 3000; i++)
		seats[crew_choose(seats, 3)].load++;
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_ge(seats[i].load, 1000 - EVEN_WITHIN);
		ck_assert_uint_le(seats[i].load, 1000 + EVEN_WITHIN);
	}
	/* One that lost its own fills up first, busy or not. */
	seats[2].load = 0;
	seats[2].busy = true;
	ck_assert_uint_eq(crew_choose(seats, 3), 2);
}
END_TEST

START_TEST(a_crew_picks_among_its_own)
{
	struct err err;
	struct crew *c = crew_start(2, NULL, NULL, NULL, NULL, &err);

	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(crew_count(c), 2);
	for (unsigned i = 0; i < 200; i++) {
		struct worker *w = crew_pick(c);

		w->load++;
		if (i < EVEN_WITHIN)
			ck_assert_uint_eq(w->number, 0);
	}
	ck_assert_uint_ge(crew_pick(c)->load, (200 - EVEN_WITHIN) / 2);
	crew_quit(c);
	ck_assert_uint_eq(crew_pick(c)->load, 0);
	crew_join(c);
	ck_assert_uint_eq(alive, 0);
}
END_TEST

START_TEST(a_worker_that_cannot_start_leaves_none)
{
	struct err err;

	ck_assert_ptr_null(crew_start(5, NULL, NULL, NULL, NULL, &err));
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
	tcase_add_test(tc, a_crew_picks_among_its_own);
	tcase_add_test(tc, a_worker_that_cannot_start_leaves_none);
}

SUITE_MAIN("crew", fill)
