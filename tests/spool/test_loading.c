/*
 * A start that keeps nobody waiting: messages are taken while those of before are
 * still read. The disk lets the thread that reads go on only when the test says so.
 */
#include "fixture.h"

#include <pthread.h>

#include "io/deadline.h"

enum { MANY = 400 };

static struct box box;
static uint64_t ids[MANY];
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static bool has_loaded;
static int loaded_rc;

static ssize_t
gated_pread(void *arg, int fd, void *to, size_t len, off_t at)
{
	char name[16] = "";

	(void)pthread_getname_np(pthread_self(), name, sizeof name);
	if (strcmp(name, "loader") == 0) {
		(void)pthread_mutex_lock(&gate);
		(void)pthread_mutex_unlock(&gate);
	}
	return disk_system.pread(arg, fd, to, len, at);
}

static void
on_loaded(int rc, const struct err *err, void *arg)
{
	struct box *b = arg;

	loaded_rc = rc;
	b->err = *err;
	has_loaded = true;
}

static void
fill(void)
{
	char body[300];

	memset(body, 'a', sizeof body - 1);
	body[sizeof body - 1] = '\0';
	ck_assert(box_open(&box));
	for (size_t i = 0; i < MANY; i++)
		ids[i] = box_store(&box, body);
	box_close(&box);
}

static void
setup(void)
{
	box_init(&box);
	box.fault.disk.pread = gated_pread;
	has_loaded = false;
	fill();
	box.options.loop = box.loop;
	box.on_loaded = on_loaded;
	(void)pthread_mutex_lock(&gate);
	ck_assert_msg(box_open(&box), "%s", box.err.text);
}

static void
let_go(void)
{
	(void)pthread_mutex_unlock(&gate);
}

static void
load_all(void)
{
	let_go();
	while (!has_loaded)
		(void)uv_run(loop_uv(box.loop), UV_RUN_ONCE);
	ck_assert_int_eq(loaded_rc, 0);
}

static void
teardown(void)
{
	box_clear(&box);
}

static struct spool_health
health(void)
{
	struct spool_health h;

	spool_health(box.spool, &h);
	return h;
}

static void
expect_arrived(size_t from, size_t n)
{
	ck_assert_uint_eq(box.nloaded, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(box.loaded[i].env->id, ids[from + i]);
}

START_TEST(messages_are_taken_before_the_old_ones_are_read)
{
	uint64_t new = box_store(&box, "new");
	struct spool_health h = health();

	ck_assert_uint_gt(new, ids[MANY - 1]);
	ck_assert_uint_eq(box.nloaded, 0);
	ck_assert(h.is_loading);
	ck_assert_uint_eq(h.nread, 0);
	ck_assert_uint_gt(h.ntoread, 2);
	box_expect(&box, new, "new");
	load_all();
	/* The new one is known to who took it, and does not arrive. */
	expect_arrived(0, MANY);
	ck_assert(!health().is_loading);
	ck_assert_uint_eq(health().messages, MANY + 1);
	box.options.loop = NULL;
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, MANY + 1);
	ck_assert_uint_eq(box.loaded[MANY].env->id, new);
}
END_TEST

START_TEST(what_is_new_has_its_whole_life_meanwhile)
{
	struct progress row = { .rcpt = 0, .state = RCPT_DELIVERED };
	uint64_t done = box_store(&box, "done"), kept = box_store(&box, "kept");
	struct answer a = { 0 };

	spool_progress(box.spool, kept, &row, 1);
	spool_done_synced(box.spool, done, box.loop, on_status, &a);
	box_wait(&box, &a);
	ck_assert_int_eq(a.status, SPOOL_OK);
	load_all();
	expect_arrived(0, MANY);
	box.options.loop = NULL;
	box_reopen(&box);
	ck_assert_ptr_null(box_loaded(&box, done));
	ck_assert_int_eq(box_loaded(&box, kept)->rows[0].state, RCPT_DELIVERED);
}
END_TEST

/* A segment that was not read has no live message yet, and must not go. */
START_TEST(no_segment_goes_before_it_is_read)
{
	size_t before = box_count(&box, "journal");

	for (int i = 0; i < 300; i++)
		spool_done(box.spool, box_store(&box, "short life"));
	ck_assert_uint_ge(box_count(&box, "journal"), before);
	load_all();
	expect_arrived(0, MANY);
	box_expect(&box, ids[0], "aaa");
}
END_TEST

START_TEST(a_new_content_file_is_no_orphan)
{
	static char body[200 * 1024 + 1];
	struct sent s;

	memset(body, 'b', sizeof body - 1);
	box_send(&box, &s, body, sizeof body - 1);
	ck_assert_int_eq(box_sent(&box, &s), SPOOL_OK);
	ck_assert_uint_eq(box_count(&box, "content"), 1);
	load_all();
	ck_assert_uint_eq(box_count(&box, "content"), 1);
	box_expect(&box, s.id, body);
	box.options.loop = NULL;
	box_reopen(&box);
	ck_assert_ptr_nonnull(box_loaded(&box, s.id));
}
END_TEST

START_TEST(a_stop_meanwhile_loses_nothing)
{
	uint64_t new = box_store(&box, "new");

	if (_i == 1) /* some have arrived */
		load_all();
	else
		let_go();
	box_close(&box);
	(void)uv_run(loop_uv(box.loop), UV_RUN_NOWAIT);
	box.options.loop = NULL;
	ck_assert(box_open(&box));
	ck_assert_uint_eq(box.nloaded, MANY + 1);
	ck_assert_ptr_nonnull(box_loaded(&box, new));
}
END_TEST

START_TEST(a_restart_after_new_segments_has_all)
{
	static char body[3000];
	uint64_t new[60];

	memset(body, 'c', sizeof body - 1);
	for (size_t i = 0; i < ARRAY_LEN(new); i++) /* some segments of them */
		new[i] = box_store(&box, body);
	let_go();
	box_close(&box);
	has_loaded = false;
	(void)pthread_mutex_lock(&gate);
	ck_assert(box_open(&box));
	load_all();
	ck_assert_uint_eq(box.nloaded, MANY + ARRAY_LEN(new));
	for (size_t i = 0; i < ARRAY_LEN(new); i++)
		ck_assert_uint_eq(box.loaded[MANY + i].env->id, new[i]);
}
END_TEST

static void
fill_case(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, messages_are_taken_before_the_old_ones_are_read);
	tcase_add_test(tc, what_is_new_has_its_whole_life_meanwhile);
	tcase_add_test(tc, no_segment_goes_before_it_is_read);
	tcase_add_test(tc, a_new_content_file_is_no_orphan);
	tcase_add_loop_test(tc, a_stop_meanwhile_loses_nothing, 0, 2);
	tcase_add_test(tc, a_restart_after_new_segments_has_all);
}

SUITE_MAIN("loading", fill_case)
