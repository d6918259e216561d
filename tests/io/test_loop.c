/* The loop's mailbox, its pool, and its end. */
#include "tests/lib/suite.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "base/span.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/work.h"

enum { THREADS = 6, EACH = 5000 };

struct letter {
	struct parcel parcel;
	unsigned thread, number;
};

static struct loop *loop;
static unsigned next_of[THREADS]; /* the number that must come next */
static unsigned opened;
static pthread_t home; /* the loop's thread */

static void
setup(void)
{
	loop = loop_new();
	home = pthread_self();
}

static void
teardown(void)
{
	loop_free(loop);
}

static struct letter *
letter_of(struct parcel *p)
{
	return (struct letter *)(void *)((char *)p -
					 offsetof(struct letter, parcel));
}

static void
on_letter(struct parcel *p)
{
	struct letter *l = letter_of(p);

	ck_assert(pthread_equal(pthread_self(), home));
	ck_assert_uint_eq(l->number, next_of[l->thread]++);
	free(l);
	if (++opened == THREADS * EACH)
		loop_stop(loop);
}

static void
post(unsigned thread, unsigned number)
{
	struct letter *l = MEM_NEW(struct letter);

	l->parcel.open = on_letter;
	l->thread = thread;
	l->number = number;
	mailbox_post(loop, &l->parcel);
}

static void *
write_letters(void *arg)
{
	unsigned thread = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < EACH; i++)
		post(thread, i);
	return NULL;
}

START_TEST(every_parcel_comes_once_and_each_threads_in_order)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, write_letters, (void *)i),
		    0);
	loop_run(loop);
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	ck_assert_uint_eq(opened, THREADS * EACH);
}
END_TEST

START_TEST(what_comes_at_the_end_is_opened_all_the_same)
{
	loop_stop(loop);
	post(0, 0);
	loop_run(loop);
	post(0, 1);
	loop_free(loop);
	ck_assert_uint_eq(opened, 2);
	loop = NULL;
}
END_TEST

/* A parcel may post another one to the same loop. */
static void
on_chain(struct parcel *p)
{
	if (++opened < 100) {
		mailbox_post(loop, p);
	} else {
		free(letter_of(p));
		loop_stop(loop);
	}
}

START_TEST(a_parcel_may_be_posted_again_from_its_opening)
{
	struct letter *l = MEM_NEW(struct letter);

	l->parcel.open = on_chain;
	mailbox_post(loop, &l->parcel);
	loop_run(loop);
	ck_assert_uint_eq(opened, 100);
}
END_TEST

/* --- two loops, and a wait outside of one --- */

static struct loop *other;

static void *
run_other(void *arg)
{
	(void)arg;
	loop_run(other);
	return NULL;
}

static void
on_end_of_other(struct parcel *p)
{
	free(letter_of(p));
	loop_stop(other);
}

static void
on_end_other(struct parcel *p)
{
	struct letter *l = MEM_NEW(struct letter);
	pthread_t thread;

	free(letter_of(p));
	ck_assert_int_eq(pthread_create(&thread, NULL, run_other, NULL), 0);
	l->parcel.open = on_end_of_other;
	mailbox_post(other, &l->parcel);
	mailbox_flush();
	(void)pthread_join(thread, NULL); /* here, not in the loop */
	opened++;
	loop_stop(loop);
}

START_TEST(who_waits_outside_of_its_loop_flushes_first)
{
	struct letter *l = MEM_NEW(struct letter);

	other = loop_new();
	l->parcel.open = on_end_other;
	mailbox_post(loop, &l->parcel);
	loop_run(loop);
	ck_assert_uint_eq(opened, 1);
	loop_free(other);
}
END_TEST

/* --- falling asleep while something comes --- */

enum { BALLS = 3, BOUNCES = 20000 };

static unsigned bounces;

static void on_ball_there(struct parcel *p);

/* At home: counts, and sends it back. */
static void
on_ball_here(struct parcel *p)
{
	ck_assert(pthread_equal(pthread_self(), home));
	if (++bounces < BOUNCES) {
		p->open = on_ball_there;
		mailbox_post(other, p);
		return;
	}
	free(letter_of(p));
	if (bounces == BOUNCES + BALLS - 1)
		loop_stop(loop);
}

static void
on_ball_there(struct parcel *p)
{
	p->open = on_ball_here;
	mailbox_post(loop, p);
}

/* A wake that is lost leaves both asleep: the test would not end. */
START_TEST(no_wake_is_lost_between_two_loops)
{
	pthread_t thread;

	other = loop_new();
	ck_assert_int_eq(pthread_create(&thread, NULL, run_other, NULL), 0);
	for (int i = 0; i < BALLS; i++) {
		struct letter *l = MEM_NEW(struct letter);

		l->parcel.open = on_ball_there;
		mailbox_post(other, &l->parcel);
	}
	loop_run(loop);
	{
		struct letter *l = MEM_NEW(struct letter);

		l->parcel.open = on_end_of_other;
		mailbox_post(other, &l->parcel);
	}
	(void)pthread_join(thread, NULL);
	loop_free(other);
}
END_TEST

static uv_timer_t timer;

static void
on_restless(struct parcel *p)
{
	opened++;
	if (uv_is_closing((uv_handle_t *)&timer))
		free(letter_of(p));
	else
		mailbox_post(loop, p);
}

static void
on_turn(uv_timer_t *t)
{
	uv_close((uv_handle_t *)t, NULL);
	loop_stop(loop);
}

/* Posting to oneself without end keeps neither timers nor descriptors out. */
START_TEST(a_restless_loop_goes_on_turning)
{
	struct letter *l = MEM_NEW(struct letter);

	(void)uv_timer_init(loop_uv(loop), &timer);
	(void)uv_timer_start(&timer, on_turn, 5, 0);
	l->parcel.open = on_restless;
	mailbox_post(loop, &l->parcel);
	loop_run(loop);
	ck_assert_uint_gt(opened, 1);
}
END_TEST

struct task {
	bool has_run, is_done;
	pthread_t where;
};

static void
run_task(void *arg)
{
	struct task *t = arg;

	t->where = pthread_self();
	t->has_run = true;
}

static void
on_task(void *arg)
{
	struct task *t = arg;

	ck_assert(t->has_run && !t->is_done);
	ck_assert(pthread_equal(pthread_self(), home));
	t->is_done = true;
}

START_TEST(work_runs_elsewhere_and_is_done_here)
{
	struct task tasks[40] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		work_run(loop, run_task, on_task, &tasks[i]);
	ck_assert(!tasks[0].is_done);
	loop_stop(loop);
	loop_run(loop);
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
		ck_assert(tasks[i].is_done);
		ck_assert(!pthread_equal(tasks[i].where, home));
	}
}
END_TEST

START_TEST(a_loop_that_never_ran_can_be_freed)
{
	post(0, 0);
	loop_free(loop);
	ck_assert_uint_eq(opened, 1);
	loop_free(NULL);
	loop = NULL;
}
END_TEST

START_TEST(random_bytes_fill_everything)
{
	unsigned char bytes[1000], any[1000] = { 0 };

	for (int round = 0; round < 20; round++) {
		memset(bytes, 0, sizeof bytes);
		random_fill(bytes, sizeof bytes);
		for (size_t i = 0; i < sizeof bytes; i++)
			any[i] |= bytes[i];
	}
	for (size_t i = 0; i < sizeof any; i++)
		ck_assert_uint_ne(any[i], 0);
	ck_assert(random_u32() != random_u32() || random_u32() != random_u32());
}
END_TEST

/* As a long read at the start does: the loop does not turn meanwhile. */
START_TEST(time_stands_still_until_it_is_refreshed)
{
	uint64_t before = loop_now(loop), end = uv_hrtime() + 20000000;

	while (uv_hrtime() < end)
		continue;
	ck_assert_uint_eq(loop_now(loop), before);
	loop_refresh(loop);
	ck_assert_uint_ge(loop_now(loop), before + 10);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_parcel_comes_once_and_each_threads_in_order);
	tcase_add_test(tc, what_comes_at_the_end_is_opened_all_the_same);
	tcase_add_test(tc, a_parcel_may_be_posted_again_from_its_opening);
	tcase_add_test(tc, who_waits_outside_of_its_loop_flushes_first);
	tcase_add_test(tc, no_wake_is_lost_between_two_loops);
	tcase_add_test(tc, a_restless_loop_goes_on_turning);
	tcase_add_test(tc, work_runs_elsewhere_and_is_done_here);
	tcase_add_test(tc, a_loop_that_never_ran_can_be_freed);
	tcase_add_test(tc, time_stands_still_until_it_is_refreshed);
	tcase_add_test(tc, random_bytes_fill_everything);
}

SUITE_MAIN("loop", fill)
