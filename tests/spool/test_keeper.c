/*
 * Spares on a small file system: one that counts what lies in the journal's
 * folder, and what others are said to have taken.
 */
#include "fixture.h"

#include "mail/qid.h"

enum { SEGMENT = 1024 * 1024, RESERVE = 10 };

static struct box box;
static struct disk disk;
static uint64_t capacity;
static atomic_ullong others, least; /* `least`: that was ever left */
static atomic_uint zero_writes, others_come_at;
static atomic_bool removed;

static uint64_t
used(void)
{
	char *path = mem_printf("%s/journal", box.directory);
	DIR *dir = opendir(path);
	uint64_t sum = atomic_load(&others);
	struct dirent *entry;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
			sum += (uint64_t)st.st_size;
	if (dir != NULL)
		(void)closedir(dir);
	free(path);
	return sum;
}

static uint64_t
left(void)
{
	uint64_t taken = used();

	return taken < capacity ? capacity - taken : 0;
}

static int
small_statvfs(void *arg, int fd, struct statvfs *out)
{
	(void)arg, (void)fd;
	*out = (struct statvfs){ .f_frsize = 1, .f_bsize = 1 };
	out->f_blocks = capacity;
	out->f_bavail = left();
	return 0;
}

/* Only a spare is written with so much of nothing. */
static ssize_t
small_pwritev(void *arg, int fd, const struct iovec *v, int n, off_t at)
{
	ssize_t wrote;

	if (n == 1 && v[0].iov_len > 64 * 1024 &&
	    atomic_fetch_add(&zero_writes, 1) + 1 ==
		atomic_load(&others_come_at))
		atomic_store(&others, capacity);
	wrote = disk_system.pwritev(arg, fd, v, n, at);
	if (left() < atomic_load(&least))
		atomic_store(&least, left());
	return wrote;
}

static int
small_unlink(void *arg, int folder, const char *name)
{
	int rc = disk_system.unlink(arg, folder, name);

	if (strcmp(name, qid_format(1).text) == 0)
		atomic_store(&removed, true);
	return rc;
}

static void
setup(void)
{
	box_init(&box);
	box.options.segment_size = SEGMENT;
	box.options.reserve_percent = RESERVE;
	disk = disk_system;
	disk.statvfs = small_statvfs;
	disk.pwritev = small_pwritev;
	disk.unlink = small_unlink;
	atomic_store(&others, 0);
	atomic_store(&least, UINT64_MAX);
	atomic_store(&zero_writes, 0);
	atomic_store(&others_come_at, 0);
}

static void
teardown(void)
{
	box_clear(&box);
}

/* Whatever the keeper was asked for, it has done. */
static void
wait_for_keeper(void)
{
	struct journal *j = journal_of(box.spool);
	bool has = true;

	while (has) {
		(void)pthread_mutex_lock(&j->keeper.lock);
		has = j->keeper.wants_spare || !list_is_empty(&j->keeper.drops);
		(void)pthread_mutex_unlock(&j->keeper.lock);
	}
	/* It may be at the last of it; this one comes behind. */
	atomic_store(&removed, false);
	keeper_remove_file_take(
	    &j->keeper, content_file_found(&(struct stored){ .file = 1 }));
	while (!atomic_load(&removed))
		continue;
}

static bool
is_there(const char *name)
{
	char *path = mem_printf("%s/journal/%s", box.directory, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static const struct spool_events loads = { .message = on_load, .arg = &box };

/* The first message of a spool makes a segment, and has a spare made. */
static uint64_t
begin(uint64_t size)
{
	uint64_t id;

	capacity = size;
	box.spool = journal_open_on(&disk, &box.options, &loads, &box.err);
	ck_assert_msg(box.spool != NULL, "%s", box.err.text);
	/* As MAIL asks. The answer is remembered for a second. */
	ck_assert_int_eq(spool_room(box.spool, 100), SPOOL_OK);
	id = box_store(&box, "one");
	ck_assert_uint_ne(id, 0);
	wait_for_keeper();
	return id;
}

START_TEST(a_spare_is_made_where_there_is_room)
{
	(void)begin(4 * SEGMENT);
	ck_assert(is_there("spare-1"));
	ck_assert_uint_ge(left(), 2 * SEGMENT);
}
END_TEST

START_TEST(a_spare_leaves_the_reserve_alone)
{
	/* Room for a segment, half of another, and the reserve. */
	(void)begin(SEGMENT / 2 * 3 * 10 / 9);
	ck_assert(!is_there("spare-1") && !is_there("new"));
	ck_assert_uint_ge(atomic_load(&least), capacity / 100 * RESERVE);
	ck_assert_int_eq(spool_room(box.spool, 100), SPOOL_OK);
}
END_TEST

START_TEST(a_spare_that_would_just_touch_the_reserve_is_not_made)
{
	/* One byte is missing. */
	(void)begin((uint64_t)SEGMENT * 20 / 9);
	ck_assert(!is_there("spare-1") && !is_there("new"));
	ck_assert_uint_eq(atomic_load(&zero_writes), 0);
}
END_TEST

START_TEST(a_spare_is_given_up_when_others_take_the_room)
{
	atomic_store(&others_come_at, 2);
	(void)begin(8 * SEGMENT);
	ck_assert_uint_eq(atomic_load(&zero_writes), 2);
	ck_assert(!is_there("spare-1") && !is_there("new"));
}
END_TEST

/* Fills the first segment and delivers all of it, so that it is dropped. */
static void
drop_a_segment(void)
{
	static char body[50000];
	uint64_t ids[64];
	size_t n = 0;

	memset(body, 'x', sizeof body - 1);
	while (journal_of(box.spool)->segments.count < 2) {
		ck_assert_uint_lt(n, 64);
		ids[n] = box_store(&box, body);
		ck_assert_uint_ne(ids[n++], 0);
	}
	wait_for_keeper();
	for (size_t i = 0; i < n; i++)
		spool_done(box.spool, ids[i]);
}

static size_t
spares(void)
{
	return (size_t)is_there("spare-1") + is_there("spare-2");
}

START_TEST(a_dropped_segment_becomes_a_spare)
{
	spool_done(box.spool, begin(8 * SEGMENT));
	drop_a_segment();
	box_reopen(&box);
	ck_assert_uint_eq(spares(), 2);
}
END_TEST

START_TEST(below_the_reserve_a_dropped_segment_goes)
{
	spool_done(box.spool, begin(8 * SEGMENT));
	drop_a_segment();
	atomic_store(&others, capacity);
	box_close(&box);
	/* What was done is dropped at the next start. */
	box.spool = journal_open_on(&disk, &box.options, &loads, &box.err);
	ck_assert(box.spool != NULL);
	wait_for_keeper();
	ck_assert(!is_there("00000001"));
	ck_assert_uint_eq(spares(), 1);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_spare_is_made_where_there_is_room);
	tcase_add_test(tc, a_spare_leaves_the_reserve_alone);
	tcase_add_test(
	    tc, a_spare_that_would_just_touch_the_reserve_is_not_made);
	tcase_add_test(tc, a_spare_is_given_up_when_others_take_the_room);
	tcase_add_test(tc, a_dropped_segment_becomes_a_spare);
	tcase_add_test(tc, below_the_reserve_a_dropped_segment_goes);
}

SUITE_MAIN("keeper", fill)
