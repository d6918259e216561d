#include "fixture.h"

static struct box box;

static void
setup(void)
{
	box_init(&box);
	box.spool = mem_spool_open();
}

static void
teardown(void)
{
	box_clear(&box);
}

START_TEST(a_stored_message_is_fetched_until_it_is_done)
{
	uint64_t id = box_store(&box, "hello");
	struct answer a;

	ck_assert_uint_ne(id, 0);
	box_expect(&box, id, "test\r\nhello");
	spool_done(box.spool, id);
	a = box_fetch(&box, id);
	ck_assert_int_eq(a.status, SPOOL_ABSENT);
}
END_TEST

START_TEST(appended_chunks_make_the_content)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);
	uint64_t id = spool_entry_id(e);
	struct envelope *env = envelope_of(id, 13, 1);
	struct content *head = content_of("head", "", 0);
	struct answer done = { 0 };

	for (int i = 0; i < 3; i++) {
		struct answer a = { 0 };
		struct buf b = { 0 };

		(void)buf_append_text(&b, "abc");
		spool_entry_append_take(e, &b, on_status, &a);
		ck_assert(!a.is_there);
		box_wait(&box, &a);
		ck_assert_int_eq(a.status, SPOOL_OK);
	}
	ck_assert_uint_eq(spool_entry_appended(e), 9);
	spool_commit(e, env, head, on_status, &done);
	ck_assert(!done.is_there);
	box_wait(&box, &done);
	content_unref(head);
	free(env);
	box_expect(&box, id, "headabcabcabc");
}
END_TEST

START_TEST(what_was_appended_is_read_and_another_entry_takes_its_place)
{
	struct spool_entry *old = spool_entry_open(box.spool, box.loop), *e;
	uint64_t id = spool_entry_id(old);
	struct envelope *env = envelope_of(id, 3, 1);
	struct answer a = { 0 };
	struct buf b = { 0 };
	char *text;

	(void)buf_append_text(&b, "old");
	spool_entry_append_take(old, &b, NULL, NULL);
	spool_entry_read(old, on_content, &a);
	ck_assert(!a.is_there);
	box_wait(&box, &a);
	text = content_text(a.content);
	ck_assert_str_eq(text, "old");
	free(text);
	content_unref(a.content);
	e = spool_entry_again(old);
	ck_assert_uint_eq(spool_entry_id(e), id);
	(void)buf_append_text(&b, "new");
	spool_entry_append_take(e, &b, NULL, NULL);
	spool_entry_drop(old);
	a = (struct answer){ 0 };
	spool_commit(e, env, NULL, on_status, &a);
	box_wait(&box, &a);
	free(env);
	box_expect(&box, id, "new");
}
END_TEST

START_TEST(commits_fail_as_often_as_they_are_told)
{
	struct spool_health h;

	mem_spool_fail(box.spool, 2, SPOOL_FULL);
	ck_assert_uint_eq(box_store(&box, "one"), 0);
	ck_assert_uint_eq(box_store(&box, "two"), 0);
	ck_assert_uint_ne(box_store(&box, "three"), 0);
	spool_health(box.spool, &h);
	ck_assert_uint_eq(h.messages, 1);
	ck_assert(h.accepting && h.recording);
}
END_TEST

static void
on_words(enum spool_status status, struct reason *const *reasons, uint32_t n,
    void *arg)
{
	struct answer *a = arg;

	on_status(status, a);
	if (n == 2 && reasons[0] == NULL && reason_says(reasons[1], "why"))
		a->content = content_of("", "", 0);
}

/* As the journal's: what rests is fetched, news are answered, words come. */
START_TEST(it_answers_as_the_journal_does)
{
	uint64_t id = box_store(&box, "hello");
	struct progress p = { .rcpt = 1, .reason = reason_of("why") };
	struct answer a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	struct content *content = spool_content(box.spool, id);

	ck_assert_ptr_nonnull(content);
	content_unref(content);
	spool_rest(box.spool, id);
	ck_assert_ptr_null(spool_content(box.spool, id));
	box_expect(&box, id, "hello");
	spool_progress_synced(box.spool, id, &p, 1, box.loop, on_status, &a);
	spool_set_flags_synced(box.spool, id + 1, 0, box.loop, on_status, &b);
	spool_fetch_reasons(box.spool, id, box.loop, on_words, &c);
	spool_fetch_reasons(box.spool, id + 1, box.loop, on_words, &d);
	box_wait(&box, &a);
	box_wait(&box, &b);
	box_wait(&box, &c);
	box_wait(&box, &d);
	ck_assert_int_eq(a.status, SPOOL_OK);
	ck_assert_int_eq(b.status, SPOOL_ABSENT);
	ck_assert_int_eq(c.status, SPOOL_OK);
	ck_assert_ptr_nonnull(c.content);
	ck_assert_int_eq(d.status, SPOOL_ABSENT);
	content_unref(c.content);
	reason_unref(p.reason);
}
END_TEST

START_TEST(a_dropped_entry_leaves_nothing)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);
	struct answer a = { 0 };
	struct buf b = { 0 };

	(void)buf_append_text(&b, "abc");
	spool_entry_append_take(e, &b, on_status, &a);
	spool_entry_drop(e);
	ck_assert_uint_ne(box_store(&box, "after"), 0);
	ck_assert(!a.is_there);
	spool_entry_drop(spool_entry_open(box.spool, box.loop));
}
END_TEST

static void
on_lost(uint64_t id, void *arg)
{
	*(uint64_t *)arg = id;
}

START_TEST(what_another_machine_takes_is_told_and_gone)
{
	uint64_t lost = 0, id;
	struct spool_options o = { .kind = SPOOL_MEMORY, .loop = box.loop };
	struct spool_events on = { .lost = on_lost, .arg = &lost };
	struct err err;

	spool_close(box.spool);
	box.spool = spool_open(&o, &on, &err);
	id = box_store(&box, "hello");
	mem_spool_lose(box.spool, id);
	ck_assert_uint_eq(lost, 0); /* not before the call returned */
	while (lost == 0)
		(void)uv_run(loop_uv(box.loop), UV_RUN_ONCE);
	ck_assert_uint_eq(lost, id);
	ck_assert_int_eq(box_fetch(&box, id).status, SPOOL_ABSENT);
}
END_TEST

/* Two machines that share a spool never give the same. */
START_TEST(ids_have_the_number_of_their_machine)
{
	struct spool_options o = {
		.kind = SPOOL_MEMORY, .loop = box.loop, .machine = 200
	};
	struct spool_events on = { 0 };
	uint64_t first = box_store(&box, "one"), id, next;
	struct err err;

	ck_assert_uint_eq(first >> SPOOL_MACHINE_SHIFT, 0);
	spool_close(box.spool);
	box.spool = spool_open(&o, &on, &err);
	id = box_store(&box, "two");
	next = box_store(&box, "three");
	ck_assert_uint_eq(id >> SPOOL_MACHINE_SHIFT, 200);
	ck_assert_uint_gt(next, id);
	/* Below it they tell the time alike: ms, and ten bits to count with. */
	id &= ((uint64_t)1 << SPOOL_MACHINE_SHIFT) - 1;
	ck_assert_uint_ge(id, first);
	ck_assert_uint_lt((id - first) >> 10, 60000);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_stored_message_is_fetched_until_it_is_done);
	tcase_add_test(tc, appended_chunks_make_the_content);
	tcase_add_test(
	    tc, what_was_appended_is_read_and_another_entry_takes_its_place);
	tcase_add_test(tc, commits_fail_as_often_as_they_are_told);
	tcase_add_test(tc, it_answers_as_the_journal_does);
	tcase_add_test(tc, a_dropped_entry_leaves_nothing);
	tcase_add_test(tc, what_another_machine_takes_is_told_and_gone);
	tcase_add_test(tc, ids_have_the_number_of_their_machine);
}

SUITE_MAIN("mem", fill)
