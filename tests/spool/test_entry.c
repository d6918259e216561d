#include "fixture.h"

enum { CHUNKS = 9, BIG = CHUNKS * 20000 };

static struct box box;
static char big[BIG + 1];

static void
setup(void)
{
	box_init(&box);
	ck_assert(box_open(&box));
	for (int i = 0; i < BIG; i++)
		big[i] = (char)('a' + i * 7 % 26);
}

static void
teardown(void)
{
	box_clear(&box);
}

static enum spool_status
append(struct spool_entry *e, const char *text, size_t len)
{
	struct answer a = { 0 };
	struct buf b = { 0 };

	(void)buf_append(&b, text, len);
	spool_entry_append_take(e, &b, on_status, &a);
	box_wait(&box, &a);
	return a.status;
}

static struct spool_entry *
append_all(void)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);

	for (int i = 0; i < CHUNKS; i++)
		ck_assert_int_eq(
		    append(e, big + i * (BIG / CHUNKS), BIG / CHUNKS),
		    SPOOL_OK);
	ck_assert_uint_eq(spool_entry_appended(e), BIG);
	return e;
}

static enum spool_status
commit_behind(struct spool_entry *e, const char *head)
{
	struct content *front = content_of(head, "", 0);
	struct envelope *env = envelope_of(
	    spool_entry_id(e), strlen(head) + spool_entry_appended(e), 1);
	struct answer a = { 0 };

	spool_commit(e, env, front, on_status, &a);
	box_wait(&box, &a);
	content_unref(front);
	free(env);
	return a.status;
}

static enum spool_status
commit(struct spool_entry *e)
{
	return commit_behind(e, "");
}

static void
spoil(uint64_t id, off_t at)
{
	char *path = box_content_path(&box, id);
	int fd = open(path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "!", 1, at), 1);
	(void)close(fd);
	free(path);
}

static void
cut(uint64_t id, off_t to)
{
	char *path = box_content_path(&box, id);

	ck_assert_int_eq(truncate(path, to), 0);
	free(path);
}

START_TEST(appended_content_is_a_file_until_it_is_done)
{
	struct spool_entry *e = append_all();
	uint64_t id = spool_entry_id(e);

	ck_assert_int_eq(commit(e), SPOOL_OK);
	box_expect(&box, id, big);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 1);
	ck_assert_uint_eq(box.loaded[0].env->size, BIG);
	box_expect(&box, id, big);
	ck_assert_uint_eq(box_count(&box, "content"), 1);
	spool_done(box.spool, id);
	box_close(&box);
	ck_assert_uint_eq(box_count(&box, "content"), 0);
}
END_TEST

static off_t
file_size(uint64_t id)
{
	char *path = box_content_path(&box, id);
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	free(path);
	return st.st_size;
}

static void
expect_content(const struct answer *a, const char *head)
{
	char *all = mem_printf("%s%s", head, big), *text;

	ck_assert_int_eq(a->status, SPOOL_OK);
	text = content_text(a->content);
	ck_assert(strcmp(text, all) == 0);
	ck_assert(span_equal(content_head(a->content), span_text(head)));
	content_unref(a->content);
	free(text);
	free(all);
}

/* However it is read. */
static void
expect_both(uint64_t id, const char *head)
{
	struct answer whole = box_fetch(&box, id), to_send = { 0 };

	expect_content(&whole, head);
	spool_fetch_to_send(box.spool, id, box.loop, on_content, &to_send);
	box_wait(&box, &to_send);
	expect_content(&to_send, head);
}

START_TEST(the_head_stays_in_the_record)
{
	struct spool_entry *e = append_all();
	uint64_t id = spool_entry_id(e);
	char long_head[5000];

	ck_assert_int_eq(commit_behind(e, "Received: us\r\n"), SPOOL_OK);
	ck_assert_int_eq(file_size(id), (BIG + 4095) / 4096 * 4096);
	expect_both(id, "Received: us\r\n");
	box_reopen(&box);
	ck_assert_uint_eq(box.loaded[0].env->size, BIG + 14);
	expect_both(id, "Received: us\r\n");
	/* However long: where else could it be? */
	memset(long_head, 'h', sizeof long_head - 1);
	long_head[sizeof long_head - 1] = '\0';
	e = append_all();
	id = spool_entry_id(e);
	ck_assert_int_eq(commit_behind(e, long_head), SPOOL_OK);
	expect_both(id, long_head);
	box_reopen(&box);
	expect_both(id, long_head);
}
END_TEST

START_TEST(large_content_from_memory_becomes_a_file_too)
{
	uint64_t id = box_store(&box, big);

	ck_assert_uint_eq(box_count(&box, "content"), 1);
	expect_both(id, "Received: test\r\n");
	box_reopen(&box);
	expect_both(id, "Received: test\r\n");
}
END_TEST

START_TEST(a_head_that_is_large_itself_is_in_the_file)
{
	struct envelope *env;
	struct content *c;
	struct spool_entry *e;
	struct answer a = { 0 };
	uint64_t id;

	e = spool_entry_open(box.spool, box.loop);
	id = spool_entry_id(e);
	c = content_of(big, "end", 3);
	env = envelope_of(id, content_size(c), 1);
	spool_commit(e, env, c, on_status, &a);
	box_wait(&box, &a);
	content_unref(c);
	free(env);
	ck_assert_int_eq(a.status, SPOOL_OK);
	box_reopen(&box);
	ck_assert_int_ge(file_size(id), BIG + 3);
	box_expect(&box, id, "end");
}
END_TEST

static void
take(struct spool_entry *e, const char *text, size_t len)
{
	struct buf b = { 0 };

	(void)buf_append(&b, text, len);
	spool_entry_append_take(e, &b, NULL, NULL);
}

START_TEST(what_is_only_taken_is_written_with_the_next_and_by_the_commit)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);
	uint64_t id = spool_entry_id(e);
	const size_t half = BIG / 2;

	take(e, big, 5);
	ck_assert_uint_eq(box_count(&box, "content"), 0);
	ck_assert_int_eq(append(e, big + 5, half), SPOOL_OK);
	ck_assert_uint_eq(box_count(&box, "content"), 1);
	take(e, big + 5 + half, 7);
	take(e, big + 12 + half, BIG - 12 - half);
	ck_assert_int_eq(commit(e), SPOOL_OK);
	box_expect(&box, id, big);
	/* So has the next start. */
	box_close(&box);
	ck_assert(box_open(&box));
	box_expect(&box, id, big);
	/* And one that is given up before anything was written. */
	e = spool_entry_open(box.spool, box.loop);
	take(e, "never", 5);
	spool_entry_drop(e);
}
END_TEST

START_TEST(dropped_entries_leave_no_file)
{
	struct spool_entry *e = append_all();
	struct answer a = { 0 };
	struct buf b = { 0 };

	ck_assert_uint_eq(box_count(&box, "content"), 1);
	spool_entry_drop(e);
	/* And one whose append is still under way. */
	e = append_all();
	(void)buf_append_text(&b, "more");
	spool_entry_append_take(e, &b, on_status, &a);
	spool_entry_drop(e);
	while (atomic_load(&journal_of(box.spool)->space.open_entries) > 0)
		(void)uv_run(loop_uv(box.loop), UV_RUN_ONCE);
	ck_assert(!a.is_there);
	box_close(&box);
	ck_assert_uint_eq(box_count(&box, "content"), 0);
}
END_TEST

START_TEST(an_unfinished_file_is_removed_at_the_next_start)
{
	struct spool_entry *e = append_all();
	uint64_t id = spool_entry_id(e);
	char *from = box_content_path(&box, id);
	char *to = box_content_path(&box, id + 1);

	/* What a crash leaves: the file, and no record. */
	ck_assert_int_eq(link(from, to), 0);
	spool_entry_drop(e);
	box_close(&box);
	ck_assert_uint_eq(box_count(&box, "content"), 1);
	box_reopen(&box);
	ck_assert_uint_eq(box_count(&box, "content"), 0);
	free(from);
	free(to);
}
END_TEST

START_TEST(a_changed_file_is_damaged_and_not_delivered)
{
	struct spool_entry *e = append_all();
	uint64_t id = spool_entry_id(e);
	struct answer a;

	ck_assert_int_eq(commit(e), SPOOL_OK);
	spoil(id, BIG / 2);
	a = box_fetch(&box, id);
	ck_assert_int_eq(a.status, SPOOL_DAMAGED);
	ck_assert(a.content == NULL);
}
END_TEST

START_TEST(a_file_that_is_too_short_sets_its_message_aside)
{
	struct spool_entry *e = append_all();
	uint64_t other = box_store(&box, "small"), id = spool_entry_id(e);
	struct spool_health h;

	ck_assert_int_eq(commit(e), SPOOL_OK);
	cut(id, BIG - 1);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 1);
	ck_assert(box_loaded(&box, other) != NULL);
	spool_health(box.spool, &h);
	ck_assert_uint_eq(h.set_aside, 1);
	ck_assert_uint_eq(box_count(&box, "damaged"), 1);
}
END_TEST

START_TEST(an_append_that_fails_fails_the_commit_and_nothing_else)
{
	struct spool_entry *e = append_all();

	box.fault.fail_at = atomic_load(&box.fault.calls) + 1;
	box.fault.error = ENOSPC;
	ck_assert_int_eq(append(e, big, 8192), SPOOL_FULL);
	ck_assert_int_eq(append(e, big, 8192), SPOOL_FULL);
	ck_assert_int_eq(commit(e), SPOOL_FULL);
	ck_assert_uint_ne(box_store(&box, "other"), 0);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 1);
	ck_assert_uint_eq(box_count(&box, "content"), 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, appended_content_is_a_file_until_it_is_done);
	tcase_add_test(tc, the_head_stays_in_the_record);
	tcase_add_test(tc, large_content_from_memory_becomes_a_file_too);
	tcase_add_test(tc, a_head_that_is_large_itself_is_in_the_file);
	tcase_add_test(
	    tc, what_is_only_taken_is_written_with_the_next_and_by_the_commit);
	tcase_add_test(tc, dropped_entries_leave_no_file);
	tcase_add_test(tc, an_unfinished_file_is_removed_at_the_next_start);
	tcase_add_test(tc, a_changed_file_is_damaged_and_not_delivered);
	tcase_add_test(tc, a_file_that_is_too_short_sets_its_message_aside);
	tcase_add_test(
	    tc, an_append_that_fails_fails_the_commit_and_nothing_else);
}

SUITE_MAIN("entry", fill)
