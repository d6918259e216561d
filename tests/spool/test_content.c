#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/metrics.h"
#include "spool/content.h"
#include "src/spool/content_file_priv.h"
#include "tests/lib/suite.h"

static struct content *
in_memory(const char *head, const char *body)
{
	struct buf h = { 0 }, b = { 0 };

	(void)buf_append_text(&h, head);
	(void)buf_append_text(&b, body);
	return content_new_take(&h, &b);
}

static struct content *
in_file(const char *before, const char *text)
{
	char name[] = "/tmp/content-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, before, strlen(before)), strlen(before));
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	ck_assert_int_eq(unlink(name), 0);
	return content_new_file(fd, strlen(before), strlen(text));
}

START_TEST(bytes_in_memory_are_counted_while_they_are_held)
{
	int64_t before = metric_get(METRIC_CONTENT_HELD);
	struct content *c = in_memory("abc", "defg");

	ck_assert_int_eq(metric_get(METRIC_CONTENT_HELD), before + 7);
	ck_assert(content_ref(c) == c);
	content_unref(c);
	ck_assert_int_eq(metric_get(METRIC_CONTENT_HELD), before + 7);
	content_unref(c);
	ck_assert_int_eq(metric_get(METRIC_CONTENT_HELD), before);
	content_unref(NULL);
}
END_TEST

static const struct {
	const char *head, *body;
	uint64_t offset;
	int n;
	const char *first, *second;
} pieces[] = {
	{ "abc", "defg", 0, 2, "abc", "defg" },
	{ "abc", "defg", 2, 2, "c", "defg" },
	{ "abc", "defg", 3, 1, "defg", NULL },
	{ "abc", "defg", 6, 1, "g", NULL },
	{ "abc", "defg", 7, 0, NULL, NULL },
	{ "abc", "defg", 700, 0, NULL, NULL },
	{ "", "defg", 1, 1, "efg", NULL },
	{ "abc", "", 0, 1, "abc", NULL },
	{ "", "", 0, 0, NULL, NULL },
};

START_TEST(pieces_begin_at_the_offset)
{
	struct content *c = in_memory(pieces[_i].head, pieces[_i].body);
	struct span got[2];

	ck_assert_int_eq(
	    content_pieces(c, pieces[_i].offset, got), pieces[_i].n);
	if (pieces[_i].n > 0)
		ck_assert(span_equal(got[0], span_text(pieces[_i].first)));
	if (pieces[_i].n > 1)
		ck_assert(span_equal(got[1], span_text(pieces[_i].second)));
	content_unref(c);
}
END_TEST

START_TEST(a_read_gives_the_same_from_memory_and_from_a_file)
{
	const char *text = "abcdefghij";
	struct content *from[] = { in_memory("abc", "defghij"),
		in_file("junk", text) };

	for (size_t k = 0; k < 2; k++) {
		struct content *c = from[k];
		char got[16];
		struct err err;

		ck_assert_uint_eq(content_size(c), 10);
		ck_assert(content_is_in_memory(c) == (k == 0));
		for (size_t at = 0; at <= 12; at++)
			for (size_t len = 0; len <= 12; len++) {
				size_t left = at < 10 ? 10 - at : 0;
				size_t want = len < left ? len : left;

				ck_assert_int_eq(
				    content_read(c, at, got, len, &err), want);
				ck_assert_mem_eq(got, text + at % 10, want);
			}
		content_unref(c);
	}
}
END_TEST

START_TEST(a_file_that_became_shorter_is_an_error)
{
	char name[] = "/tmp/content-XXXXXX", got[8];
	int fd = mkstemp(name);
	struct content *c = content_new_file(fd, 0, 5);
	struct err err;

	ck_assert_int_lt(content_read(c, 0, got, 5, &err), 0);
	ck_assert_int_eq(unlink(name), 0);
	content_unref(c);
}
END_TEST

/*
 * "0123456789", of which the first `head` octets stand in front of a file, with the
 * checksum of `said`.
 */
static struct content *
checked(const char *said, size_t head)
{
	static const struct span all = { "0123456789", 10 };
	char name[] = "/tmp/content-XXXXXX";
	struct span in_file = span_from(all, head);
	int fd = mkstemp(name);

	ck_assert_int_eq(write(fd, in_file.ptr, in_file.len), in_file.len);
	ck_assert_int_eq(unlink(name), 0);
	return content_new_stored(fd,
	    content_file_found(&(struct stored){ .file = 1,
		.size = in_file.len,
		.crc = crc32c(0, said, strlen(said)) }),
	    span_to(all, head));
}

START_TEST(a_reader_gives_all_of_what_is_whole)
{
	size_t head = (size_t)_i / 2;
	struct content *c = checked("0123456789" + head, head);
	struct content_reader r = { .now = _i % 2 == 1 };
	char got[11] = "";
	struct err err;

	for (size_t at = 0; at < 10; at += 4)
		ck_assert_int_eq(
		    content_next(&r, c, got + at, 4, &err), at == 8 ? 2 : 4);
	ck_assert_str_eq(got, "0123456789");
	ck_assert_int_eq(content_next(&r, c, got, 4, &err), 0);
	ck_assert_int_eq(content_verify(c, &err), 0);
	content_unref(c);
}
END_TEST

START_TEST(a_reader_never_gives_the_end_of_what_is_damaged)
{
	struct content *c = checked("0123456780" + _i, (size_t)_i);
	struct content_reader r = { 0 };
	char got[11];
	struct err err;

	ck_assert_int_eq(content_next(&r, c, got, 4, &err), 4);
	ck_assert_int_eq(content_next(&r, c, got, 4, &err), 4);
	ck_assert_int_eq(content_next(&r, c, got, 4, &err), -EBADMSG);
	ck_assert_int_eq(content_next(&r, c, got, 4, &err), -EBADMSG);
	ck_assert_int_eq(content_verify(c, &err), -EBADMSG);
	content_unref(c);
}
END_TEST

START_TEST(a_head_is_read_with_the_file_behind_it)
{
	struct content *c = checked("3456789", 3);
	struct err err;
	char got[11];

	ck_assert_uint_eq(content_size(c), 10);
	ck_assert(!content_is_in_memory(c));
	ck_assert(span_equal(content_head(c), SPAN("012")));
	for (size_t at = 0; at <= 10; at++)
		for (size_t len = 0; len <= 10; len++) {
			size_t want = len < 10 - at ? len : 10 - at;

			ck_assert_int_eq(
			    content_read(c, at, got, len, &err), want);
			ck_assert_mem_eq(got, "0123456789" + at, want);
		}
	content_unref(c);
}
END_TEST

/* Where the system would have to wait for its disk. */
START_TEST(a_head_comes_though_the_file_behind_it_would_be_waited_for)
{
	struct content_reader r = { .now = true };
	char name[] = "/tmp/content-XXXXXX", got[10];
	int fd = mkstemp(name);
	struct content *c;
	struct err err;
	int64_t n;

	ck_assert_int_eq(write(fd, "3456789", 7), 7);
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(fsync(fd), 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	c = content_new_stored(fd,
	    content_file_found(&(struct stored){
		.file = 1, .size = 7, .crc = crc32c(0, "3456789", 7) }),
	    SPAN("012"));
	n = content_next(&r, c, got, 10, &err);
	ck_assert(n == 3 || n == 10);
	r.now = false;
	if (n == 3)
		ck_assert_int_eq(content_next(&r, c, got + 3, 7, &err), 7);
	ck_assert_mem_eq(got, "0123456789", 10);
	content_unref(c);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, bytes_in_memory_are_counted_while_they_are_held);
	tcase_add_loop_test(
	    tc, pieces_begin_at_the_offset, 0, ARRAY_LEN(pieces));
	tcase_add_test(tc, a_read_gives_the_same_from_memory_and_from_a_file);
	tcase_add_test(tc, a_head_is_read_with_the_file_behind_it);
	tcase_add_test(
	    tc, a_head_comes_though_the_file_behind_it_would_be_waited_for);
	tcase_add_loop_test(tc, a_reader_gives_all_of_what_is_whole, 0, 22);
	tcase_add_loop_test(
	    tc, a_reader_never_gives_the_end_of_what_is_damaged, 0, 7);
	tcase_add_test(tc, a_file_that_became_shorter_is_an_error);
}

SUITE_MAIN("content", fill)
