#include "fixture.h"

static struct box box;

static void
setup(void)
{
	box_init(&box);
	ck_assert_msg(box_open(&box), "%s", box.err.text);
}

static void
teardown(void)
{
	box_clear(&box);
}

START_TEST(a_committed_message_is_there_after_a_restart)
{
	uint64_t id = box_store(&box, "Hello\r\n");
	const struct loaded *l;

	ck_assert_uint_ne(id, 0);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 1);
	l = box_loaded(&box, id);
	ck_assert(l != NULL);
	ck_assert_str_eq(l->env->account, "ann@example.test");
	ck_assert_str_eq(l->env->sender, "ann+list@example.test");
	ck_assert_str_eq(l->env->rcpts[1].address, "other@example.test");
	ck_assert_int_eq(l->env->arrived, 1234567890123);
	ck_assert_uint_eq(l->env->flags, ENVELOPE_8BIT);
	ck_assert_uint_eq(l->env->nrcpt, 2);
	ck_assert_uint_eq(l->env->size, strlen("Received: test\r\nHello\r\n"));
	ck_assert_int_eq(l->rows[1].state, RCPT_QUEUED);
	box_expect(&box, id, "test\r\nHello\r\n");
}
END_TEST

START_TEST(content_is_held_until_the_message_rests_and_read_after_it)
{
	uint64_t id = box_store(&box, "Hello\r\n");
	struct progress p = { .rcpt = 0, .tries = 1 };
	struct answer a = box_fetch(&box, id), again = box_fetch(&box, id);

	ck_assert(a.content == again.content);
	content_unref(again.content);
	/* One part of it was tried, others may be on their way still. */
	spool_progress(box.spool, id, &p, 1);
	again.content = spool_content(box.spool, id);
	ck_assert(a.content == again.content);
	content_unref(again.content);
	spool_rest(box.spool, id);
	ck_assert_ptr_null(spool_content(box.spool, id));
	again = box_fetch(&box, id);
	ck_assert(a.content != again.content);
	content_unref(a.content);
	content_unref(again.content);
	box_expect(&box, id, "\r\nHello\r\n");
}
END_TEST

/* Of `index`: what is in memory, whoever has it. */
static uint64_t
in_memory(void)
{
	return content_budget_bytes(journal_of(box.spool)->index.budget);
}

/* About a thousand octets each; the first one's id. */
static uint64_t
store_some(int n, uint64_t most)
{
	char body[1000];
	uint64_t first = 0;

	memset(body, 'x', sizeof body - 1);
	body[sizeof body - 1] = '\0';
	for (int i = 0; i < n; i++) {
		uint64_t id = box_store(&box, body);

		first = first == 0 ? id : first;
		ck_assert_uint_le(in_memory(), most);
	}
	return first;
}

START_TEST(held_content_stays_within_its_budget)
{
	uint64_t first;

	box.options.held_max = 3000;
	box_reopen(&box);
	first = store_some(10, 3000);
	ck_assert_uint_gt(in_memory(), 1000);
	ck_assert_ptr_null(spool_content(box.spool, first));
	box_expect(&box, first, "xxx");
}
END_TEST

/* A lane has it, whether the spool let go of it or not (_i). */
START_TEST(what_others_have_counts_in_the_budget)
{
	struct content *taken[2];
	uint64_t id;

	box.options.held_max = 3000;
	box_reopen(&box);
	for (int i = 0; i < 2; i++) {
		id = store_some(1, 3000);
		taken[i] = spool_content(box.spool, id);
		ck_assert_ptr_nonnull(taken[i]);
		if (_i == 1)
			spool_rest(box.spool, id);
	}
	(void)store_some(5, 3000);
	ck_assert_uint_gt(in_memory(), 2000);
	content_unref(taken[0]);
	content_unref(taken[1]);
	/* It is held no more by anybody: there is room again. */
	ck_assert_uint_lt(in_memory(), 2000);
	id = store_some(2, 3000);
	taken[0] = spool_content(box.spool, id);
	ck_assert_ptr_nonnull(taken[0]);
	content_unref(taken[0]);
}
END_TEST

START_TEST(what_is_in_use_beyond_the_budget_leaves_nothing_held)
{
	struct answer a[4];
	uint64_t id[4];

	box.options.held_max = 3000;
	box_reopen(&box);
	for (int i = 0; i < 4; i++) {
		id[i] = store_some(1, 3000);
		spool_rest(box.spool, id[i]);
	}
	for (int i = 0; i < 4; i++)
		a[i] = box_fetch(&box, id[i]);
	ck_assert_uint_gt(in_memory(), 4000);
	(void)store_some(1, 5000);
	ck_assert_uint_lt(in_memory(), 4500);
	for (int i = 0; i < 4; i++)
		content_unref(a[i].content);
	ck_assert_uint_eq(in_memory(), 0);
}
END_TEST

/* Many lanes may want it. */
START_TEST(what_was_fetched_to_send_is_there_for_others_until_it_rests)
{
	uint64_t id = box_store(&box, "Hello\r\n");
	struct answer a = { 0 };
	struct content *again;

	spool_rest(box.spool, id);
	spool_fetch_to_send(box.spool, id, box.loop, on_content, &a);
	box_wait(&box, &a);
	again = spool_content(box.spool, id);
	ck_assert(again == a.content);
	content_unref(again);
	content_unref(a.content);
	spool_rest(box.spool, id);
	ck_assert_uint_eq(in_memory(), 0);
}
END_TEST

START_TEST(what_is_done_stays_gone)
{
	uint64_t id = box_store(&box, "one"), other = box_store(&box, "two");
	struct answer a;

	spool_done(box.spool, id);
	a = box_fetch(&box, id);
	ck_assert_int_eq(a.status, SPOOL_ABSENT);
	ck_assert(a.content == NULL);
	for (int i = 0; i < 3; i++) {
		box_reopen(&box);
		ck_assert_uint_eq(box.nloaded, 1);
		ck_assert(box_loaded(&box, other) != NULL);
	}
}
END_TEST

/* As long as one can be. */
static struct reason *
long_reason(void)
{
	char text[WORDS_SAID_MAX];
	struct words w = { 0 };

	memset(text, 'd', sizeof text);
	w.said = span_make(text, sizeof text);
	return reason_new(&w);
}

START_TEST(progress_and_flags_outlive_a_restart)
{
	uint64_t id = box_store(&box, "one");
	struct progress p[] = {
		{ .rcpt = 1,
		    .state = RCPT_QUEUED,
		    .tries = 3,
		    .last = 1111111111111,
		    .due = 2222222222222,
		    .stood = 3600 },
		{ .rcpt = 0,
		    .state = RCPT_DELIVERED,
		    .tries = 1,
		    .last = 1111111111112,
		    .reason = reason_of("250 ok") },
		{ .rcpt = 77, .state = RCPT_FAILED },
	};
	const struct loaded *l;
	struct reason *whole;

	p[0].reason = long_reason();
	spool_progress(box.spool, id, p, 3);
	spool_set_flags(box.spool, id, MESSAGE_HELD | MESSAGE_WARNED);
	spool_progress(box.spool, id + 1, p, 2);
	spool_done(box.spool, id + 1);
	for (int i = 0; i < 2; i++) {
		box_reopen(&box);
		l = box_loaded(&box, id);
		ck_assert(l != NULL);
		ck_assert_uint_eq(l->flags, MESSAGE_HELD | MESSAGE_WARNED);
		ck_assert_int_eq(l->rows[0].state, RCPT_DELIVERED);
		ck_assert(reason_says(l->rows[0].reason, "250 ok"));
		ck_assert_uint_eq(l->rows[1].tries, 3);
		ck_assert_int_eq(l->rows[1].last, 1111111111000);
		ck_assert_int_eq(l->rows[1].due, 2222222223000);
		ck_assert_uint_eq(l->rows[1].stood, 3600);
		whole = reason_whole(l->rows[1].reason);
		ck_assert(reason_equal(whole, p[0].reason));
		reason_unref(whole);
	}
	reason_unref(p[0].reason);
	reason_unref(p[1].reason);
}
END_TEST

START_TEST(the_newest_news_are_the_last_written)
{
	enum { NEWS = 3000 };
	struct progress p = { .reason = long_reason() };
	uint64_t id;

	/* Far more than fits a segment, so that some have to wait. */
	box.options.segment_size = 16 * 1024;
	box_reopen(&box);
	id = box_store(&box, "x");
	for (uint32_t i = 1; i <= NEWS; i++) {
		p.tries = i;
		spool_progress(box.spool, id, &p, 1);
	}
	box_reopen(&box);
	ck_assert_uint_eq(box_loaded(&box, id)->rows[0].tries, NEWS);
	reason_unref(p.reason);
}
END_TEST

START_TEST(ids_only_grow_also_over_restarts)
{
	struct spool_entry *e;
	uint64_t last = 0, id;

	for (int i = 0; i < 100; i++) {
		if (i == 50)
			/* A clock that was far ahead before the restart. */
			spool_id_seen(box.spool, last + (1ULL << 50));
		if (i % 25 == 0) {
			ck_assert_uint_ne(box_store(&box, "x"), 0);
			box_reopen(&box);
		}
		e = spool_entry_open(box.spool, box.loop);
		id = spool_entry_id(e);
		spool_entry_drop(e);
		ck_assert_uint_gt(id, last);
		last = id;
	}
}
END_TEST

START_TEST(a_spool_in_use_is_refused_and_says_by_whom)
{
	struct spool_events on = { .message = on_load, .arg = &box };
	struct err err;
	char *pid = mem_printf("process %ld", (long)getpid());

	ck_assert(spool_open(&box.options, &on, &err) == NULL);
	ck_assert_msg(strstr(err.text, pid) != NULL, "%s", err.text);
	ck_assert_msg(strstr(err.text, box.directory) != NULL, "%s", err.text);
	free(pid);
}
END_TEST

START_TEST(a_path_that_is_no_folder_is_refused)
{
	struct spool_options o = { .directory = "/dev/null" };
	struct spool_events on = { .message = on_load, .arg = &box };
	struct err err;

	ck_assert(spool_open(&o, &on, &err) == NULL);
	ck_assert(strstr(err.text, "/dev/null") != NULL);
}
END_TEST

START_TEST(many_messages_at_once_share_groups_and_roll_over_segments)
{
	enum { N = 500 };
	static struct sent sent[N];
	struct spool_health h;
	char body[600];

	for (int i = 0; i < N; i++) {
		(void)snprintf(body, sizeof body, "%0500d", i);
		box_send(&box, &sent[i], body, strlen(body));
	}
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(box_sent(&box, &sent[i]), SPOOL_OK);
	spool_health(box.spool, &h);
	ck_assert(h.accepting && h.recording);
	ck_assert_uint_eq(h.messages, N);
	ck_assert_uint_gt(h.segments, 4);
	for (int round = 0; round < 2; round++) {
		box_reopen(&box);
		ck_assert_uint_eq(box.nloaded, N);
		for (int i = 0; i < N; i++) {
			(void)snprintf(body, sizeof body, "%0500d", i);
			box_expect(&box, sent[i].id, body);
		}
	}
}
END_TEST

START_TEST(a_message_larger_than_a_segment_gets_a_segment_of_its_size)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);
	uint64_t id = spool_entry_id(e);
	struct span rcpt[2000];
	struct envelope_parts parts = { .id = id, .nrcpt = 2000, .rcpt = rcpt };
	struct answer a = { 0 };
	struct envelope *env;
	char address[2000][60];

	for (int i = 0; i < 2000; i++) {
		(void)snprintf(
		    address[i], sizeof address[i], "somebody.%040d@x.test", i);
		rcpt[i] = span_text(address[i]);
	}
	env = envelope_new(&parts);
	spool_commit(e, env, NULL, on_status, &a);
	box_wait(&box, &a);
	free(env);
	ck_assert_int_eq(a.status, SPOOL_OK);
	ck_assert_uint_ne(box_store(&box, "after it"), 0);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 2);
	ck_assert_uint_eq(box.loaded[0].env->nrcpt, 2000);
	ck_assert_str_eq(box.loaded[0].env->rcpts[1999].address, address[1999]);
}
END_TEST

START_TEST(a_full_disk_is_told_before_the_message_comes)
{
	box.options.reserve_percent = 5;
	box_reopen(&box);
	ck_assert_int_eq(spool_room(box.spool, 1000), SPOOL_OK);
	ck_assert_int_eq(spool_room(box.spool, 1ULL << 62), SPOOL_FULL);
	box.fault.is_full = true;
	box_reopen(&box);
	ck_assert_int_eq(spool_room(box.spool, 1000), SPOOL_FULL);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_committed_message_is_there_after_a_restart);
	tcase_add_test(
	    tc, content_is_held_until_the_message_rests_and_read_after_it);
	tcase_add_test(tc, held_content_stays_within_its_budget);
	tcase_add_loop_test(tc, what_others_have_counts_in_the_budget, 0, 2);
	tcase_add_test(
	    tc, what_is_in_use_beyond_the_budget_leaves_nothing_held);
	tcase_add_test(
	    tc, what_was_fetched_to_send_is_there_for_others_until_it_rests);
	tcase_add_test(tc, what_is_done_stays_gone);
	tcase_add_test(tc, progress_and_flags_outlive_a_restart);
	tcase_add_test(tc, the_newest_news_are_the_last_written);
	tcase_add_test(tc, ids_only_grow_also_over_restarts);
	tcase_add_test(tc, a_spool_in_use_is_refused_and_says_by_whom);
	tcase_add_test(tc, a_path_that_is_no_folder_is_refused);
	tcase_add_test(
	    tc, many_messages_at_once_share_groups_and_roll_over_segments);
	tcase_add_test(
	    tc, a_message_larger_than_a_segment_gets_a_segment_of_its_size);
	tcase_add_test(tc, a_full_disk_is_told_before_the_message_comes);
}

SUITE_MAIN("journal", fill)
