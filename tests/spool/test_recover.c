#include "fixture.h"

#include "base/crc32c.h"
#include "src/spool/le_priv.h"

static struct box box;

/* A segment's file, to be spoilt and put back. */
struct image {
	char *path;
	uint8_t *bytes;
	size_t size;
};

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

static struct image
image_read(unsigned number)
{
	struct image im = { 0 };
	struct stat st;
	int fd;

	im.path = mem_printf("%s/journal/%08u", box.directory, number);
	fd = open(im.path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	im.size = (size_t)st.st_size;
	im.bytes = mem_alloc(im.size);
	ck_assert_int_eq(read(fd, im.bytes, im.size), im.size);
	(void)close(fd);
	return im;
}

static void
image_write(const struct image *im, const uint8_t *bytes)
{
	int fd = open(im->path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, im->size, 0), im->size);
	(void)close(fd);
}

static void
image_clear(struct image *im)
{
	free(im->path);
	free(im->bytes);
}

static void
flip(unsigned segment, uint64_t at)
{
	struct image im = image_read(segment);

	im.bytes[at] ^= 1;
	image_write(&im, im.bytes);
	image_clear(&im);
}

static struct live *
live_of(uint64_t id)
{
	struct live *live = index_get(&journal_of(box.spool)->index, id);

	ck_assert(live != NULL);
	return live;
}

static uint64_t
set_aside(void)
{
	struct spool_health h;

	spool_health(box.spool, &h);
	return h.set_aside;
}

START_TEST(a_torn_tail_costs_nothing_else_wherever_it_tears)
{
	uint64_t first = box_store(&box, "the first");
	uint64_t last = box_store(&box, "the last");
	size_t from = live_of(last)->offset, len = live_of(last)->length;
	struct image im;
	uint8_t *torn;

	box_close(&box);
	im = image_read(1);
	torn = mem_alloc(im.size);
	for (size_t cut = 0; cut <= len; cut++) {
		memcpy(torn, im.bytes, im.size);
		/* Zeros, or what the blocks held before. */
		memset(torn + from + cut, cut % 2 == 0 ? 0 : 0xa5,
		    im.size - from - cut);
		image_write(&im, torn);
		ck_assert_msg(box_open(&box), "%s", box.err.text);
		ck_assert_uint_eq(set_aside(), 0);
		box_expect(&box, first, "the first");
		if (box_loaded(&box, last) != NULL)
			box_expect(&box, last, "the last");
		else
			ck_assert_uint_lt(cut, len);
		ck_assert_uint_eq(
		    box.nloaded, 1 + (box_loaded(&box, last) != NULL));
		box_close(&box);
	}
	/* Life goes on, and the tear is not found again as damage. */
	memset(im.bytes + from + 50, 0, im.size - from - 50);
	image_write(&im, im.bytes);
	ck_assert(box_open(&box));
	ck_assert_uint_ne(box_store(&box, "after"), 0);
	for (int i = 0; i < 2; i++) {
		box_reopen(&box);
		ck_assert_uint_eq(set_aside(), 0);
		ck_assert_uint_eq(box.nloaded, 2);
	}
	free(torn);
	image_clear(&im);
}
END_TEST

START_TEST(pages_of_the_last_group_may_be_missing_in_any_order)
{
	enum { N = 24, PAGES = 6 };
	static struct sent sent[N];
	struct journal *j = journal_of(box.spool);
	uint64_t start, end;
	char body[1000];
	struct image im;
	uint8_t *torn;

	memset(body, 'x', sizeof body);
	for (int i = 0; i < N; i++)
		box_send(&box, &sent[i], body, sizeof body);
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(box_sent(&box, &sent[i]), SPOOL_OK);
	spool_done(box.spool, 1); /* unknown: changes nothing */
	start = j->group.start;
	end = round_up(j->group.at, GROUP_ALIGN);
	box_close(&box);
	im = image_read(1);
	torn = mem_alloc(im.size);
	for (unsigned set = 1; set < 1 << PAGES; set++) {
		memcpy(torn, im.bytes, im.size);
		for (unsigned page = 0; page < PAGES; page++)
			if (set & 1U << page && start + page * 4096 < end)
				memset(torn + start + page * 4096, 0, 4096);
		image_write(&im, torn);
		ck_assert_msg(box_open(&box), "%s", box.err.text);
		ck_assert_uint_eq(set_aside(), 0);
		ck_assert_uint_eq(box_store(&box, "x") == 0, false);
		box_reopen(&box);
		/* What was kept once is kept, and no noise is made of it. */
		ck_assert_uint_eq(set_aside(), 0);
		for (size_t i = 0; i < box.nloaded; i++) {
			struct answer a =
			    box_fetch(&box, box.loaded[i].env->id);

			ck_assert_int_eq(a.status, SPOOL_OK);
			content_unref(a.content);
		}
		box_close(&box);
		for (unsigned n = 2; n < 9; n++) {
			char *path =
			    mem_printf("%s/journal/%08u", box.directory, n);

			(void)unlink(path);
			free(path);
		}
	}
	free(torn);
	image_clear(&im);
}
END_TEST

static const struct {
	const char *name;
	int64_t at; /* in the record */
} spots[] = {
	{ "magic", 0 },
	{ "type", 4 },
	{ "length", 9 },
	{ "id", 24 },
	{ "payload_crc", 32 },
	{ "head_crc", 36 },
	{ "envelope", RECORD_HEADER + 2 },
	{ "address", RECORD_HEADER + 60 },
	{ "content", -10 },
};

START_TEST(damage_in_the_middle_sets_aside_that_message_only)
{
	uint64_t id[5];
	uint64_t at;

	for (int i = 0; i < 5; i++)
		id[i] = box_store(&box, "some content");
	at = live_of(id[2])->offset;
	at = spots[_i].at >= 0
		 ? at + (uint64_t)spots[_i].at
		 : at + live_of(id[2])->length + (uint64_t)spots[_i].at;
	box_close(&box);
	flip(1, at);
	ck_assert_msg(box_open(&box), "%s", box.err.text);
	ck_assert_msg(box.nloaded == 4, "%s", spots[_i].name);
	ck_assert(box_loaded(&box, id[2]) == NULL);
	ck_assert_uint_eq(set_aside(), 1);
	ck_assert_uint_eq(box_count(&box, "damaged"), 1);
	ck_assert_uint_ne(box_store(&box, "new"), 0);
	/* The next one finds it again, in a segment that is not the last. */
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 5);
	ck_assert_uint_eq(set_aside(), 1);
	ck_assert_uint_eq(box_count(&box, "damaged"), 1);
}
END_TEST

START_TEST(damage_in_a_message_that_is_done_is_nobodys_loss)
{
	uint64_t id = box_store(&box, "one"), other = box_store(&box, "two");
	uint64_t at = live_of(id)->offset + RECORD_HEADER;

	spool_done(box.spool, id);
	box_close(&box);
	flip(1, at);
	ck_assert(box_open(&box));
	ck_assert_uint_eq(set_aside(), 0);
	ck_assert_uint_eq(box.nloaded, 1);
	ck_assert(box_loaded(&box, other) != NULL);
}
END_TEST

START_TEST(a_damaged_page_of_the_disk_hides_no_later_message)
{
	uint64_t id[4];
	struct image im;

	for (int i = 0; i < 4; i++)
		id[i] = box_store(&box, "some content");
	ck_assert_uint_eq(live_of(id[1])->offset % 4096, 0);
	im = image_read(1);
	memset(im.bytes + live_of(id[1])->offset, 0, 4096);
	box_close(&box);
	image_write(&im, im.bytes);
	image_clear(&im);
	ck_assert(box_open(&box));
	ck_assert_uint_eq(box.nloaded, 3);
	ck_assert_uint_eq(set_aside(), 1);
}
END_TEST

START_TEST(a_segment_with_both_headers_damaged_is_still_read)
{
	struct image im;

	ck_assert_uint_ne(box_store(&box, "one"), 0);
	box_reopen(&box);
	ck_assert_uint_ne(box_store(&box, "two"), 0);
	box_close(&box);
	im = image_read(1 + (unsigned)_i);
	memset(im.bytes, 0xff, 4096);
	image_write(&im, im.bytes);
	image_clear(&im);
	ck_assert(box_open(&box));
	ck_assert_uint_eq(box.nloaded, 2);
	ck_assert_uint_eq(set_aside(), 1);
}
END_TEST

START_TEST(a_roll_that_was_cut_short_is_no_segment)
{
	char *path = mem_printf("%s/journal/00000002", box.directory);
	uint64_t id = box_store(&box, "one");
	int fd;

	box_close(&box);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ck_assert_int_eq(ftruncate(fd, 64 * 1024), 0);
	(void)close(fd);
	ck_assert(box_open(&box));
	ck_assert_uint_eq(set_aside(), 0);
	ck_assert(box_loaded(&box, id) != NULL);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_uint_ne(box_store(&box, "two"), 0);
	box_reopen(&box);
	ck_assert_uint_eq(box.nloaded, 2);
	ck_assert_uint_eq(set_aside(), 0);
	free(path);
}
END_TEST

START_TEST(a_missing_segment_is_told_and_the_rest_is_read)
{
	char *path = mem_printf("%s/journal/00000002", box.directory);

	for (int i = 0; i < 3; i++) {
		ck_assert_uint_ne(box_store(&box, "one"), 0);
		box_reopen(&box);
	}
	box_close(&box);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(box_open(&box));
	ck_assert_uint_eq(box.nloaded, 2);
	ck_assert_uint_eq(set_aside(), 1);
	free(path);
}
END_TEST

START_TEST(a_newer_format_is_refused_in_words)
{
	struct image im;

	ck_assert_uint_ne(box_store(&box, "one"), 0);
	box_close(&box);
	im = image_read(1);
	le_put32(im.bytes + 8, SEGMENT_VERSION + 1);
	le_put32(im.bytes + SEGMENT_HEADER - 4,
	    crc32c(0, im.bytes, SEGMENT_HEADER - 4));
	image_write(&im, im.bytes);
	image_clear(&im);
	ck_assert(!box_open(&box));
	ck_assert_msg(
	    strstr(box.err.text, "newer") != NULL, "%s", box.err.text);
}
END_TEST

START_TEST(the_first_starts_of_an_empty_spool_leave_it_empty)
{
	for (int i = 0; i < 3; i++)
		box_reopen(&box);
	ck_assert_uint_eq(box_count(&box, "journal"), 0);
	ck_assert_uint_eq(box.nloaded, 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_torn_tail_costs_nothing_else_wherever_it_tears);
	tcase_add_test(tc, pages_of_the_last_group_may_be_missing_in_any_order);
	tcase_add_loop_test(tc,
	    damage_in_the_middle_sets_aside_that_message_only, 0,
	    ARRAY_LEN(spots));
	tcase_add_test(tc, damage_in_a_message_that_is_done_is_nobodys_loss);
	tcase_add_test(tc, a_damaged_page_of_the_disk_hides_no_later_message);
	tcase_add_loop_test(
	    tc, a_segment_with_both_headers_damaged_is_still_read, 0, 2);
	tcase_add_test(tc, a_roll_that_was_cut_short_is_no_segment);
	tcase_add_test(tc, a_missing_segment_is_told_and_the_rest_is_read);
	tcase_add_test(tc, a_newer_format_is_refused_in_words);
	tcase_add_test(tc, the_first_starts_of_an_empty_spool_leave_it_empty);
}

SUITE_MAIN("recover", fill)
