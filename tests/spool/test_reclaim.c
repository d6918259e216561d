#include "fixture.h"

enum { OLD = 100, BATCH = 50, BATCHES = 40 };

static struct box box;

static void
setup(void)
{
	box_init(&box);
	ck_assert(box_open(&box));
}

static void
teardown(void)
{
	box_clear(&box);
}

static void
pass(int n)
{
	static struct sent sent[BATCH];
	char body[1000];

	memset(body, 'x', sizeof body);
	for (int i = 0; i < n; i++)
		box_send(&box, &sent[i], body, sizeof body);
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(box_sent(&box, &sent[i]), SPOOL_OK);
	for (int i = 0; i < n; i++)
		spool_done(box.spool, sent[i].id);
}

static void
expect_bounded(void)
{
	struct spool_health h;

	spool_health(box.spool, &h);
	/* The rule, and what a group may add before it is looked at again. */
	ck_assert_uint_le(
	    h.used_bytes, 2 * h.live_bytes + 8 * box.options.segment_size);
}

START_TEST(few_old_messages_do_not_keep_the_segments_of_many)
{
	uint64_t old[OLD];
	struct progress p = {
		.rcpt = 1, .tries = 2, .reason = reason_of("451 later")
	};
	char body[32];

	for (int i = 0; i < OLD; i++) {
		(void)snprintf(body, sizeof body, "old message %d", i);
		old[i] = box_store(&box, body);
		spool_progress(box.spool, old[i], &p, 1);
	}
	reason_unref(p.reason);
	spool_set_flags(box.spool, old[0], MESSAGE_HELD);
	for (int i = 0; i < BATCHES; i++) {
		pass(BATCH);
		expect_bounded();
		(void)snprintf(body, sizeof body, "old message %d", i);
		box_expect(&box, old[i], body);
	}
	ck_assert_uint_gt(journal_of(box.spool)->segments.next_number, 30);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, OLD);
	for (int i = 0; i < OLD; i++) {
		const struct loaded *l = box_loaded(&box, old[i]);

		ck_assert(l != NULL);
		ck_assert_uint_eq(l->flags, i == 0 ? MESSAGE_HELD : 0);
		ck_assert_uint_eq(l->rows[1].tries, 2);
		ck_assert(reason_says(l->rows[1].reason, "451 later"));
		(void)snprintf(body, sizeof body, "old message %d", i);
		box_expect(&box, old[i], body);
	}
}
END_TEST

/* The number of the segment that holds it now. */
static uint64_t
where(uint64_t id)
{
	struct journal *j = journal_of(box.spool);
	uint64_t number;

	(void)pthread_mutex_lock(&j->lock);
	number = index_get(&j->index, id)->segment->number;
	(void)pthread_mutex_unlock(&j->lock);
	return number;
}

/*
 * A schedule that gets old ones behind young ones looks for their places. It is
 * looked at after each message: after a whole batch, both may have been copied
 * each time, and stand as they stood before.
 */
START_TEST(what_was_copied_comes_back_before_what_is_younger)
{
	uint64_t old = box_store(&box, "old"), young = box_store(&box, "young");
	int attempts = 0;

	while (where(young) == where(old)) {
		spool_done(box.spool, young);
		young = box_store(&box, "young");
	}
	while (where(old) <= where(young)) {
		ck_assert_int_lt(attempts++, 10000);
		pass(1);
	}
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 2);
	ck_assert_uint_eq(box.loaded[0].env->id, old);
	ck_assert_uint_eq(box.loaded[1].env->id, young);
}
END_TEST

START_TEST(a_copy_has_the_head_of_what_is_in_a_file)
{
	static char large[100001];
	char *all = mem_printf("Received: test\r\n%s",
	    (char *)memset(large, 'l', sizeof large - 1));
	struct answer a;
	uint64_t id = box_store(&box, large);
	uint64_t first = where(id);
	char *text;

	while (where(id) == first)
		pass(BATCH);
	for (int i = 0; i < 2; i++) {
		a = box_fetch(&box, id);
		ck_assert_int_eq(a.status, SPOOL_OK);
		text = content_text(a.content);
		ck_assert(strcmp(text, all) == 0);
		content_unref(a.content);
		free(text);
		box_reopen(&box);
	}
	free(all);
}
END_TEST

START_TEST(an_empty_spool_shrinks_to_one_segment_and_its_spares)
{
	struct spool_health h;

	for (int i = 0; i < 10; i++)
		pass(BATCH);
	box_reopen(&box);
	spool_health(box.spool, &h);
	ck_assert_uint_eq(h.messages, 0);
	ck_assert_uint_le(h.segments, 2);
	box_close(&box);
	ck_assert_uint_le(box_count(&box, "journal"), 1 + SPARES);
}
END_TEST

START_TEST(numbers_and_ids_go_on_from_the_segment_that_stays)
{
	uint64_t number;

	for (int i = 0; i < 10; i++)
		pass(BATCH);
	box_close(&box);
	ck_assert(box_open(&box));
	number = journal_of(box.spool)->segments.next_number;
	ck_assert_uint_gt(number, 5);
	box_reopen(&box);
	ck_assert_uint_eq(journal_of(box.spool)->segments.next_number, number);
}
END_TEST

START_TEST(a_damaged_old_message_is_kept_for_people_and_stops_nothing)
{
	uint64_t id = box_store(&box, "to be damaged");
	struct live *live = index_get(&journal_of(box.spool)->index, id);
	char *path = mem_printf("%s/journal/00000001", box.directory);
	int fd = open(path, O_WRONLY);
	struct answer a;

	ck_assert_int_eq(pwrite(fd, "!", 1, live->offset + 60), 1);
	(void)close(fd);
	spool_rest(box.spool, id);
	for (int i = 0; i < 15; i++)
		pass(BATCH);
	expect_bounded();
	a = box_fetch(&box, id);
	ck_assert_int_eq(a.status, SPOOL_DAMAGED);
	ck_assert_uint_eq(box_count(&box, "damaged"), 1);
	spool_done(box.spool, id);
	pass(1);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 0);
	free(path);
}
END_TEST

START_TEST(a_segment_that_is_being_read_never_becomes_a_spare)
{
	uint64_t id = box_store(&box, "read slowly");
	struct live *live = index_get(&journal_of(box.spool)->index, id);
	struct segment *s = segment_ref(live->segment);
	off_t at = live->offset;
	uint8_t before[64], after[64];

	ck_assert_int_eq(pread(s->fd, before, sizeof before, at), 64);
	spool_done(box.spool, id);
	for (int i = 0; i < 20; i++)
		pass(BATCH);
	box_close(&box);
	ck_assert_int_eq(pread(s->fd, after, sizeof after, at), 64);
	ck_assert_mem_eq(before, after, 64);
	segment_unref(s);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, few_old_messages_do_not_keep_the_segments_of_many);
	tcase_add_test(tc, what_was_copied_comes_back_before_what_is_younger);
	tcase_add_test(tc, a_copy_has_the_head_of_what_is_in_a_file);
	tcase_add_test(
	    tc, an_empty_spool_shrinks_to_one_segment_and_its_spares);
	tcase_add_test(tc, a_segment_that_is_being_read_never_becomes_a_spare);
	tcase_add_test(tc, numbers_and_ids_go_on_from_the_segment_that_stays);
	tcase_add_test(
	    tc, a_damaged_old_message_is_kept_for_people_and_stops_nothing);
}

SUITE_MAIN("reclaim", fill)
