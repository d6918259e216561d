#include "tests/lib/suite.h"

#include <string.h>

#include "base/span.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "mail/envelope.h"
#include "sched/heap.h"

static struct queue *queue;

static void
setup(void)
{
	queue = queue_new();
}

static void
teardown(void)
{
	queue_free(queue);
}

/* It came in at that moment. */
static struct message *
add_at(uint64_t id, int64_t arrived)
{
	static const struct leg_options options = { .expire = 1000 };
	struct span rcpt = SPAN("x@b.test");
	struct envelope_parts parts = { .id = id,
		.arrived = arrived,
		.sender = SPAN("a@s.test"),
		.rcpt = &rcpt,
		.nrcpt = 1 };
	struct message *m =
	    message_new(envelope_new(&parts), NULL, 0, &options, 1, 1);

	queue_add_take(queue, m);
	return m;
}

static struct message *
add(uint64_t id)
{
	return add_at(id, 0);
}

static struct message *
first(void)
{
	return queue_after(queue, (struct queue_place){ INT64_MIN, 0 });
}

static struct message *
next(const struct message *m)
{
	return queue_after(queue, queue_place_of(m));
}

/* All in their order, as a walk finds them: a digit each. */
static void
expect(uint64_t after, const char *ids)
{
	char got[32] = "";
	size_t n = 0;

	for (struct message *m =
		 queue_after(queue, (struct queue_place){ 0, after });
	     m != NULL; m = next(m))
		got[n++] = (char)('0' + m->env->id);
	ck_assert_str_eq(got, ids);
}

START_TEST(an_empty_queue_has_nobody)
{
	ck_assert_uint_eq(queue_count(queue), 0);
	ck_assert_ptr_null(queue_find(queue, 1));
	expect(0, "");
}
END_TEST

START_TEST(messages_stand_in_the_order_of_their_ids)
{
	struct message *five = add(5);

	add(7);
	add(3); /* read back from an older file */
	add(6);
	add(1);
	expect(0, "13567");
	ck_assert_uint_eq(queue_count(queue), 5);
	ck_assert_ptr_eq(queue_find(queue, 5), five);
	ck_assert_ptr_null(queue_find(queue, 4));
}
END_TEST

/* An import brings old mail under new numbers. */
START_TEST(the_order_is_that_of_arrival)
{
	struct message *m;
	char got[8] = "";
	size_t n = 0;

	add_at(1, 500);
	add_at(2, 300);
	add_at(3, 300);
	add_at(4, -5);
	add_at(5, 900);
	for (m = first(); m != NULL; m = next(m))
		got[n++] = (char)('0' + m->env->id);
	ck_assert_str_eq(got, "42315");
	m = queue_after(queue, (struct queue_place){ 300, 2 });
	ck_assert_uint_eq(m->env->id, 3);
	m = queue_after(queue, (struct queue_place){ 301, 0 });
	ck_assert_uint_eq(m->env->id, 1);
}
END_TEST

/* Whatever comes and goes, a walk finds what is there, in order. */
START_TEST(many_come_and_go)
{
	enum { MANY = 3000 };
	uint64_t x = 1, count = 0;
	struct queue_place last = { INT64_MIN, 0 };

	for (uint64_t id = 1; id <= MANY; id++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		add_at(id, (int64_t)(x >> 40) % 700);
	}
	for (uint64_t id = 3; id <= MANY; id += 3) {
		struct message *gone = queue_find(queue, id);

		queue_remove(queue, gone);
		message_free(gone);
	}
	for (struct message *m = first(); m != NULL; m = next(m)) {
		struct queue_place at = queue_place_of(m);

		ck_assert(at.arrived > last.arrived ||
			  (at.arrived == last.arrived && at.id > last.id));
		ck_assert_uint_ne(at.id % 3, 0);
		last = at;
		count++;
	}
	ck_assert_uint_eq(count, MANY - MANY / 3);
	ck_assert_uint_eq(queue_count(queue), count);
}
END_TEST

START_TEST(a_walk_goes_on_behind_an_id)
{
	for (uint64_t id = 1; id < 9; id += 2)
		add(id);
	expect(3, "57");
	expect(4, "57"); /* that message is gone meanwhile */
	expect(7, "");
	expect(9, "");
}
END_TEST

START_TEST(what_is_taken_out_is_the_callers)
{
	struct message *m;

	add(1);
	m = add(2);
	add(3);
	queue_remove(queue, m);
	expect(0, "13");
	expect(2, "3");
	ck_assert_ptr_null(queue_find(queue, 2));
	ck_assert_uint_eq(queue_count(queue), 2);
	ck_assert_uint_eq(m->env->id, 2);
	message_free(m);
}
END_TEST

/* --- at rest --- */

/* Which woke, a digit each, and what stood for it in a heap. */
static char woken[32];
static struct due *was_due;

static void
on_woken(struct message *m, struct due *due, void *arg)
{
	ck_assert_ptr_eq(arg, queue);
	woken[strlen(woken)] = (char)('0' + m->env->id);
	was_due = due;
}

static void
rest(uint64_t id)
{
	(void)queue_rest(queue_find(queue, id));
}

START_TEST(whoever_asks_for_one_that_rests_gets_it_awake)
{
	struct due *due;

	queue_on_woken(queue, on_woken, queue);
	for (uint64_t id = 1; id < 6; id++)
		add(id);
	due = queue_rest(queue_find(queue, 2));
	rest(4);
	ck_assert_str_eq(woken, "");
	ck_assert_uint_eq(queue_count(queue), 5);
	ck_assert_uint_eq(queue_find(queue, 2)->env->id, 2);
	ck_assert_str_eq(woken, "2");
	ck_assert_ptr_eq(was_due, due);
	(void)queue_find(queue, 2); /* which is awake already */
	expect(0, "12345");
	ck_assert_str_eq(woken, "24");
}
END_TEST

START_TEST(what_stands_in_a_heap_for_one_wakes_it)
{
	struct due *due;

	queue_on_woken(queue, on_woken, queue);
	add(7);
	due = queue_rest(add(8));
	ck_assert_uint_eq(queue_wake(queue, due)->env->id, 8);
	ck_assert_str_eq(woken, "8");
}
END_TEST

START_TEST(one_may_be_counted_and_told_the_time_of_at_rest)
{
	struct queue_place oldest;

	ck_assert(!queue_oldest(queue, &oldest));
	queue_on_woken(queue, on_woken, queue);
	add_at(1, 50);
	add_at(2, 40);
	rest(2);
	ck_assert(queue_has(queue, 2));
	ck_assert(!queue_has(queue, 3));
	ck_assert(queue_oldest(queue, &oldest));
	ck_assert_int_eq(oldest.arrived, 40);
	ck_assert_uint_eq(oldest.id, 2);
	ck_assert_str_eq(woken, "");
}
END_TEST

/* Whoever comes and goes stands in the order, awake or not. */
START_TEST(the_order_is_that_of_arrival_at_rest_too)
{
	for (uint64_t id = 9; id > 0; id--) {
		add_at(id, 0);
		if (id % 2 == 0)
			rest(id);
	}
	for (uint64_t id = 3; id < 9; id += 3) {
		struct message *gone = queue_find(queue, id);

		queue_remove(queue, gone);
		message_free(gone);
	}
	rest(4);
	rest(5);
	expect(0, "1245789");
	rest(1); /* and the end finds some of each kind */
}
END_TEST

static void
expect_awake(const char *ids)
{
	char got[32] = "";
	size_t n = 0;

	for (struct message *m = queue_first_awake(queue); m != NULL;
	     m = queue_next_awake(queue, m))
		got[n++] = (char)('0' + m->env->id);
	ck_assert_str_eq(got, ids);
}

START_TEST(those_that_are_awake_can_be_walked_over)
{
	struct message *gone;

	expect_awake("");
	for (uint64_t id = 1; id < 6; id++)
		add(id);
	rest(2);
	rest(4);
	expect_awake("135");
	(void)queue_find(queue, 4);
	gone = queue_find(queue, 3);
	queue_remove(queue, gone);
	message_free(gone);
	expect_awake("154");
}
END_TEST

START_TEST(those_that_are_idle_are_taken_once)
{
	struct message *one = add(1), *two = add(2), *three = add(3);

	queue_note_idle(queue, one);
	queue_note_idle(queue, two);
	queue_note_idle(queue, three);
	queue_note_idle(queue, one); /* again: it is the last now */
	(void)queue_rest(two);
	ck_assert_ptr_eq(queue_take_idle(queue), three);
	queue_remove(queue, one);
	message_free(one);
	ck_assert_ptr_null(queue_take_idle(queue));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_empty_queue_has_nobody);
	tcase_add_test(tc, messages_stand_in_the_order_of_their_ids);
	tcase_add_test(tc, the_order_is_that_of_arrival);
	tcase_add_test(tc, many_come_and_go);
	tcase_add_test(tc, a_walk_goes_on_behind_an_id);
	tcase_add_test(tc, what_is_taken_out_is_the_callers);
	tcase_add_test(tc, whoever_asks_for_one_that_rests_gets_it_awake);
	tcase_add_test(tc, what_stands_in_a_heap_for_one_wakes_it);
	tcase_add_test(tc, one_may_be_counted_and_told_the_time_of_at_rest);
	tcase_add_test(tc, the_order_is_that_of_arrival_at_rest_too);
	tcase_add_test(tc, those_that_are_awake_can_be_walked_over);
	tcase_add_test(tc, those_that_are_idle_are_taken_once);
}

SUITE_MAIN("queue", fill)
