#include "fixture.h"

#include "src/spool/le_priv.h"

enum { LARGE = 100 * 1000 };

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

/* A text of that length which no other `seed` has. */
static char *
text_of(unsigned seed, size_t len)
{
	char *text = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + (seed * 5 + i * (seed + 3) / 7) % 26);
	text[len] = '\0';
	return text;
}

/* As a client brings it, in pieces of that size. */
static struct spool_entry *
bring(const char *text, size_t len, size_t piece)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);

	for (size_t at = 0; at < len; at += piece) {
		struct answer a = { 0 };
		struct buf b = { 0 };

		(void)buf_append(
		    &b, text + at, len - at < piece ? len - at : piece);
		spool_entry_append_take(e, &b, on_status, &a);
		box_wait(&box, &a);
		ck_assert_int_eq(a.status, SPOOL_OK);
	}
	return e;
}

static uint64_t
store_in(const char *text, size_t len, size_t piece)
{
	struct spool_entry *e = bring(text, len, piece);
	uint64_t id = spool_entry_id(e);
	struct envelope *env = envelope_of(id, len, 1);
	struct answer a = { 0 };

	spool_commit(e, env, NULL, on_status, &a);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	free(env);
	return id;
}

static uint64_t
store(unsigned seed, size_t len)
{
	char *text = text_of(seed, len);
	uint64_t id = store_in(text, len, 16 * 1024);

	free(text);
	return id;
}

static void
expect(uint64_t id, unsigned seed, size_t len)
{
	char *text = text_of(seed, len);

	box_expect(&box, id, text);
	free(text);
}

/* It is done, and that is on stable storage: a later commit was answered. */
static void
finish(uint64_t id)
{
	spool_done(box.spool, id);
	spool_done(box.spool, box_store(&box, "later"));
	ck_assert_uint_ne(box_store(&box, "later still"), 0);
}

static void
wait_for_files(size_t n)
{
	while (box_count(&box, "content") != n)
		continue;
}

static bool
has_file(uint64_t id)
{
	char *path = box_content_path(&box, id);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

static struct answer
fetch_to_send(uint64_t id)
{
	struct answer a = { 0 };

	spool_fetch_to_send(box.spool, id, box.loop, on_content, &a);
	box_wait(&box, &a);
	return a;
}

START_TEST(the_file_of_what_is_done_serves_the_next)
{
	uint64_t first = store(1, LARGE), second;

	finish(first);
	/* Shorter, so that some of the first stays behind it. */
	second = store(2, LARGE / 2);
	ck_assert_uint_eq(box_count(&box, "content"), 1);
	ck_assert(has_file(first));
	expect(second, 2, LARGE / 2);
	box_reopen(&box);
	expect(second, 2, LARGE / 2);
	finish(second);
	/* Longer again, and of a file that a start found: that one goes. */
	expect(store(3, LARGE * 2), 3, LARGE * 2);
	wait_for_files(1);
	ck_assert(!has_file(first));
}
END_TEST

START_TEST(a_file_that_is_read_is_not_written_over)
{
	uint64_t first = store(1, LARGE), second;
	struct answer a = fetch_to_send(first);
	char *text, *wanted = text_of(1, LARGE);

	ck_assert_int_eq(a.status, SPOOL_OK);
	finish(first);
	second = store(2, LARGE);
	ck_assert(has_file(second));
	text = content_text(a.content);
	ck_assert_str_eq(text, wanted);
	free(text);
	free(wanted);
	content_unref(a.content);
	expect(second, 2, LARGE);
	wait_for_files(1);
}
END_TEST

START_TEST(the_file_of_a_client_that_went_away_serves_the_next)
{
	char *text = text_of(1, LARGE);
	struct spool_entry *e = bring(text, LARGE, 16 * 1024);
	uint64_t first = spool_entry_id(e), second;

	spool_entry_drop(e);
	second = store(2, LARGE);
	ck_assert(has_file(first) && !has_file(second));
	/* Its name was on no stable storage before. */
	box_reopen(&box);
	expect(second, 2, LARGE);
	free(text);
}
END_TEST

START_TEST(a_file_that_could_not_be_written_serves_nobody)
{
	char *text = text_of(1, LARGE);
	struct spool_entry *e = bring(text, LARGE, 16 * 1024);
	struct answer a = { 0 };
	struct buf b = { 0 };
	uint64_t second;

	(void)buf_append(&b, text, LARGE);
	atomic_store(&box.fault.fail_at, atomic_load(&box.fault.calls) + 1);
	spool_entry_append_take(e, &b, on_status, &a);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_FAULT);
	spool_entry_drop(e);
	second = store(2, LARGE);
	ck_assert(has_file(second));
	wait_for_files(1);
	free(text);
}
END_TEST

START_TEST(kept_files_make_room_when_it_is_short)
{
	finish(store(1, LARGE));
	ck_assert_uint_eq(box_count(&box, "content"), 1);
	box.fault.is_full = true;
	/* As after the second for which an answer holds. */
	journal_of(box.spool)->space.known = false;
	ck_assert_int_eq(spool_room(box.spool, LARGE), SPOOL_FULL);
	wait_for_files(0);
}
END_TEST

START_TEST(a_clean_stop_leaves_no_file_behind)
{
	finish(store(1, LARGE));
	box_close(&box);
	ck_assert_uint_eq(box_count(&box, "content"), 0);
}
END_TEST

START_TEST(content_of_any_length_and_cut_comes_back)
{
	static const size_t lens[] = { 1, 4095, 4096, 4097, 8191, 8192, 12288,
		12289, 40000 },
			    pieces[] = { 1000, 4095, 4096, 4097, 50000 };
	size_t len = lens[_i % (int)ARRAY_LEN(lens)],
	       piece = pieces[_i / (int)ARRAY_LEN(lens)];
	uint64_t first = store(1, LARGE), second;
	char *text = text_of(2, len);

	finish(first);
	second = store_in(text, len, piece);
	ck_assert(has_file(first));
	box_expect(&box, second, text);
	box_reopen(&box);
	box_expect(&box, second, text);
	free(text);
}
END_TEST

START_TEST(more_files_than_stay_open_are_read_by_name)
{
	enum { MANY = WARM_MOST + 8, LEN = 9000 };
	uint64_t ids[MANY];

	for (unsigned i = 0; i < MANY; i++)
		ids[i] = store(i, LEN);
	for (unsigned i = 0; i < MANY; i++) {
		struct answer a = fetch_to_send(ids[i]);
		char *wanted = text_of(i, LEN), *text;

		ck_assert_int_eq(a.status, SPOOL_OK);
		text = content_text(a.content);
		ck_assert_str_eq(text, wanted);
		content_unref(a.content);
		free(text);
		free(wanted);
	}
}
END_TEST

/* Changes a byte of the record that says that message `id` is done. */
static void
lose_done(uint64_t id)
{
	char *path = mem_printf("%s/journal/00000001", box.directory);
	int fd = open(path, O_RDWR);
	static uint8_t bytes[64 * 1024];
	size_t found = 0;

	ck_assert_int_gt(fd, 0);
	ck_assert_int_gt(pread(fd, bytes, sizeof bytes, 0), 0);
	for (size_t at = SEGMENT_FIRST; at + RECORD_HEADER < sizeof bytes;
	     at += RECORD_ALIGN)
		if (memcmp(bytes + at, "PoRc", 4) == 0 &&
		    bytes[at + 4] == RECORD_DONE &&
		    le_get64(bytes + at + 24) == id)
			found = at;
	ck_assert_uint_gt(found, 0);
	ck_assert_int_eq(pwrite(fd, "?", 1, (off_t)found + 33), 1);
	(void)close(fd);
	free(path);
}

/* A start where both claim the file of `first`, whose "done" is lost. */
static void
start_with_two_claims(uint64_t first, uint64_t second)
{
	ck_assert(has_file(first) && !has_file(second));
	ck_assert_uint_ne(box_store(&box, "one group more"), 0);
	box_close(&box);
	lose_done(first);
	ck_assert(box_open(&box));
	ck_assert(box_loaded(&box, first) == NULL);
	expect(second, 2, LARGE);
}

START_TEST(of_two_that_claim_a_file_the_second_has_it)
{
	uint64_t first = store(1, LARGE);
	struct spool_health h;

	finish(first);
	start_with_two_claims(first, store(2, LARGE));
	spool_health(box.spool, &h);
	ck_assert_uint_ge(h.set_aside, 1);
}
END_TEST

/* Its entry was opened before the other's, and got its file after it. */
START_TEST(of_two_that_claim_a_file_the_later_record_has_it)
{
	struct spool_entry *e = spool_entry_open(box.spool, box.loop);
	uint64_t slow = spool_entry_id(e), quick = store(1, LARGE);
	struct envelope *env = envelope_of(slow, LARGE, 1);
	char *text = text_of(2, LARGE);
	struct answer a = { 0 };
	struct buf b = { 0 };

	ck_assert_uint_gt(quick, slow);
	finish(quick);
	(void)buf_append(&b, text, LARGE);
	spool_entry_append_take(e, &b, NULL, NULL);
	spool_commit(e, env, NULL, on_status, &a);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	start_with_two_claims(quick, slow);
	free(text);
	free(env);
}
END_TEST

START_TEST(a_kept_file_that_somebody_removed_serves_nobody)
{
	uint64_t first = store(1, LARGE), second;
	char *path = box_content_path(&box, first);

	finish(first);
	ck_assert_int_eq(unlink(path), 0);
	second = store(2, LARGE);
	box_reopen(&box);
	expect(second, 2, LARGE);
	free(path);
}
END_TEST

/* A quota, of which statvfs() knows nothing: full while files are kept. */
static int
allocate_in_quota(void *arg, int fd, off_t size)
{
	if (box_count(&box, "content") == 0)
		return fault_allocate(arg, fd, size);
	errno = EDQUOT;
	return -1;
}

START_TEST(kept_files_make_room_for_the_journal)
{
	struct keeper *k = &journal_of(box.spool)->keeper;
	struct spool_health h;

	finish(store(1, LARGE));
	ck_assert_uint_eq(box_count(&box, "content"), 1);
	box.fault.disk.allocate = allocate_in_quota;
	/* As where spares were given up. */
	(void)pthread_mutex_lock(&k->lock);
	for (int i = 0; i < SPARES; i++)
		k->spares[i] = SPARE_TAKEN;
	(void)pthread_mutex_unlock(&k->lock);
	while (box_store(&box, "until the segment is full") != 0)
		continue;
	do {
		spool_health(box.spool, &h);
	} while (!h.recording);
}
END_TEST

START_TEST(health_says_full_only_when_no_kept_file_is_left)
{
	struct journal *j = journal_of(box.spool);
	struct spool_health h;

	finish(store(1, LARGE));
	j->home.reserve_percent = 1;
	box.fault.is_full = true;
	j->space.known = false;
	spool_health(box.spool, &h);
	wait_for_files(0);
}
END_TEST

START_TEST(what_waits_keeps_no_room_of_what_was_larger)
{
	uint64_t first = store(1, LARGE * 4), second;
	struct stat st;
	char *path = box_content_path(&box, first);

	finish(first);
	second = store(2, LARGE / 10);
	ck_assert(has_file(first));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_le(st.st_size, LARGE);
	box_reopen(&box);
	expect(second, 2, LARGE / 10);
	free(path);
}
END_TEST

START_TEST(not_a_byte_is_sent_of_what_a_start_found_damaged)
{
	uint64_t id = store(1, LARGE);
	char *path = box_content_path(&box, id);
	int fd = open(path, O_WRONLY);

	ck_assert_int_eq(pwrite(fd, "!", 1, LARGE - 1), 1);
	(void)close(fd);
	free(path);
	box_reopen(&box);
	ck_assert_int_eq(fetch_to_send(id).status, SPOOL_DAMAGED);
}
END_TEST

/* What was appended so far reads so; and the entry goes on as if nobody had. */
START_TEST(what_was_appended_is_read_before_the_commit)
{
	static const size_t lengths[] = { 1, 4095, 4096, 4097, LARGE,
		LARGE + 4095 };
	size_t len = lengths[_i % ARRAY_LEN(lengths)];
	char *text = text_of(1, len + 5000), *got;
	struct spool_entry *e = bring(text, len, 16 * 1024);
	struct answer a = { 0 };
	struct envelope *env;
	struct buf more = { 0 };
	uint64_t id = spool_entry_id(e);

	spool_entry_read(e, on_content, &a);
	ck_assert(!a.is_there);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	ck_assert_uint_eq(content_size(a.content), len);
	got = content_text(a.content);
	ck_assert(memcmp(got, text, len) == 0);
	free(got);
	content_unref(a.content);
	/* Taken without a callback it is read, too. */
	(void)buf_append(&more, text + len, 5000);
	spool_entry_append_take(e, &more, NULL, NULL);
	a = (struct answer){ 0 };
	spool_entry_read(e, on_content, &a);
	box_wait(&box, &a);
	got = content_text(a.content);
	ck_assert(memcmp(got, text, len + 5000) == 0);
	free(got);
	content_unref(a.content);
	a = (struct answer){ 0 };
	env = envelope_of(id, len + 5000, 1);
	spool_commit(e, env, NULL, on_status, &a);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	free(env);
	expect(id, 1, len + 5000);
	box_reopen(&box);
	expect(id, 1, len + 5000);
	free(text);
}
END_TEST

START_TEST(one_entry_takes_the_place_of_another)
{
	char *first = text_of(1, LARGE), *second = text_of(2, 2 * LARGE);
	struct spool_entry *old = bring(first, LARGE, 16 * 1024), *e;
	struct answer a = { 0 };
	struct buf b = { .max = SIZE_MAX };
	struct envelope *env;
	uint64_t id = spool_entry_id(old);

	e = spool_entry_again(old);
	ck_assert_uint_eq(spool_entry_id(e), id);
	ck_assert_uint_eq(spool_entry_appended(e), 0);
	(void)buf_append(&b, second, 2 * LARGE);
	spool_entry_append_take(e, &b, on_status, &a);
	box_wait(&box, &a);
	spool_entry_drop(old);
	a = (struct answer){ 0 };
	env = envelope_of(id, 2 * LARGE, 1);
	spool_commit(e, env, NULL, on_status, &a);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	free(env);
	expect(id, 2, 2 * LARGE);
	box_reopen(&box);
	ck_assert_ptr_nonnull(box_loaded(&box, id));
	expect(id, 2, 2 * LARGE);
	/* Of the first one nothing is left. */
	wait_for_files(1);
	finish(id);
	free(first);
	free(second);
}
END_TEST

START_TEST(an_entry_is_dropped_while_it_is_read)
{
	char *text = text_of(1, LARGE);
	struct spool_entry *e = bring(text, LARGE, 16 * 1024);
	struct answer a = { 0 };

	spool_entry_read(e, on_content, &a);
	spool_entry_drop(e);
	ck_assert_uint_ne(box_store(&box, "another"), 0);
	/* The pool may have it still. */
	while (atomic_load(&journal_of(box.spool)->space.open_entries) > 0)
		(void)uv_run(loop_uv(box.loop), UV_RUN_ONCE);
	ck_assert(!a.is_there);
	free(text);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, what_was_appended_is_read_before_the_commit, 0, 6);
	tcase_add_test(tc, one_entry_takes_the_place_of_another);
	tcase_add_test(tc, an_entry_is_dropped_while_it_is_read);
	tcase_add_test(tc, the_file_of_what_is_done_serves_the_next);
	tcase_add_test(tc, a_file_that_is_read_is_not_written_over);
	tcase_add_test(tc, the_file_of_a_client_that_went_away_serves_the_next);
	tcase_add_test(tc, a_file_that_could_not_be_written_serves_nobody);
	tcase_add_test(tc, kept_files_make_room_when_it_is_short);
	tcase_add_test(tc, a_clean_stop_leaves_no_file_behind);
	tcase_add_loop_test(
	    tc, content_of_any_length_and_cut_comes_back, 0, 45);
	tcase_add_test(tc, more_files_than_stay_open_are_read_by_name);
	tcase_add_test(tc, of_two_that_claim_a_file_the_second_has_it);
	tcase_add_test(tc, of_two_that_claim_a_file_the_later_record_has_it);
	tcase_add_test(tc, a_kept_file_that_somebody_removed_serves_nobody);
	tcase_add_test(tc, kept_files_make_room_for_the_journal);
	tcase_add_test(tc, health_says_full_only_when_no_kept_file_is_left);
	tcase_add_test(tc, what_waits_keeps_no_room_of_what_was_larger);
	tcase_add_test(tc, not_a_byte_is_sent_of_what_a_start_found_damaged);
}

SUITE_MAIN("content_file", fill)
