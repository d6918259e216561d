#include "tests/lib/suite.h"

#include "base/span.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "mail/envelope.h"

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

static struct message *
add(uint64_t id)
{
	static const struct leg_options options = { .expire = 1000 };
	struct span rcpt = SPAN("x@b.test");
	struct envelope_parts parts = {
		.id = id, .sender = SPAN("a@s.test"), .rcpt = &rcpt, .nrcpt = 1
	};
	struct message *m =
	    message_new(envelope_new(&parts), NULL, 0, &options, 1, 1);

	queue_add_take(queue, m);
	return m;
}

/* All in their order, as a walk finds them: a digit each. */
static void
expect(uint64_t after, const char *ids)
{
	char got[32] = "";
	size_t n = 0;

	for (struct message *m = queue_after(queue, after); m != NULL;
	     m = queue_next(queue, m))
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

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_empty_queue_has_nobody);
	tcase_add_test(tc, messages_stand_in_the_order_of_their_ids);
	tcase_add_test(tc, a_walk_goes_on_behind_an_id);
	tcase_add_test(tc, what_is_taken_out_is_the_callers);
}

SUITE_MAIN("queue", fill)
