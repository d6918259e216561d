/* What a record says of recipients, and what is kept of it in memory. */
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "mail/reason.h"
#include "src/spool/record_priv.h"
#include "tests/lib/suite.h"

static struct buf out;
static struct rows_reader reader;
static struct reason *later, *other_later, *no;

static struct reason *
said(const char *text)
{
	struct words w = { .status = SPAN("4.7.1"),
		.host = SPAN("mx.test [192.0.2.1]:25"),
		.what = SPAN("what"),
		.said = span_text(text),
		.stage = STAGE_RCPT };

	return reason_new(&w);
}

static void
setup(void)
{
	out = (struct buf){ 0 };
	reader = (struct rows_reader){ 0 };
	later = said("450 later");
	other_later = said("450 later");
	no = said("550 no");
}

static void
teardown(void)
{
	rows_close(&reader);
	buf_clear(&out);
	reason_unref(later);
	reason_unref(other_later);
	reason_unref(no);
}

static void
open_rows(void)
{
	ck_assert(rows_open(&reader, buf_span(&out), RECORD_VERSION));
}

START_TEST(every_field_comes_back)
{
	struct progress in = { .rcpt = 70000,
		.state = RCPT_EXPIRED,
		.held = true,
		.tries = 300,
		.step = 2,
		.last = 1111111111111,
		.due = -5,
		.stood = 86400,
		.reason = later,
		.other = { "\x39\x05\x02\x00hi", 6 } };
	struct progress got;

	rows_encode(&in, 1, NULL, &out);
	open_rows();
	ck_assert(rows_next(&reader, &got, NULL));
	ck_assert_uint_eq(got.rcpt, 70000);
	ck_assert_int_eq(got.state, RCPT_EXPIRED);
	ck_assert(got.held);
	ck_assert_uint_eq(got.tries, 300);
	ck_assert_uint_eq(got.step, 2);
	ck_assert_int_eq(got.last, 1111111111111);
	ck_assert_int_eq(got.due, -5);
	ck_assert_uint_eq(got.stood, 86400);
	ck_assert(reason_equal(got.reason, later));
	ck_assert(span_equal(got.other, in.other));
	ck_assert(!rows_next(&reader, &got, NULL));
	ck_assert_uint_eq(reader.at.len, 0);
}
END_TEST

START_TEST(equal_words_are_stated_once)
{
	struct progress in[] = { { .reason = later }, { .rcpt = 1 },
		{ .rcpt = 2, .reason = no },
		{ .rcpt = 3, .reason = other_later } };
	struct progress got;

	rows_encode(in, ARRAY_LEN(in), NULL, &out);
	open_rows();
	ck_assert_uint_eq(reader.nwords, 2);
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		ck_assert(rows_next(&reader, &got, NULL));
		ck_assert_uint_eq(got.rcpt, i);
		ck_assert(reason_equal(got.reason, in[i].reason));
	}
}
END_TEST

START_TEST(many_rows_are_as_good_as_few)
{
	enum { N = 300 };
	struct progress in[N], got;

	for (uint32_t i = 0; i < N; i++)
		in[i] = (struct progress){
			.rcpt = i, .tries = i, .reason = i % 3 == 0 ? no : later
		};
	rows_encode(in, N, NULL, &out);
	open_rows();
	ck_assert_uint_eq(reader.nwords, 2);
	for (uint32_t i = 0; i < N; i++) {
		ck_assert(rows_next(&reader, &got, NULL));
		ck_assert_uint_eq(got.tries, i);
		ck_assert(reason_equal(got.reason, in[i].reason));
	}
}
END_TEST

/* As a later version might: one tag in each row that we do not know. */
START_TEST(tags_of_a_newer_version_stay_with_their_row)
{
	struct row row = { 0 }, *copy;
	struct progress p = { .other = { "\x39\x05\x02\x00hi"
					 "\x3a\x05\x01\x00x",
				  11 } };
	struct progress got;

	row_set(&row, &p);
	/* Our own news say nothing of them. */
	row_set(&row, &(struct progress){ .tries = 1 });
	ck_assert(span_equal(row_get(&row, 0).other, p.other));
	/* One of them is new: the other stays. */
	p.other = span_make("\x39\x05\x01\x00y", 5);
	row_set(&row, &p);
	copy = rows_copy(&row, 1);
	rows_encode(&(struct progress){ .other = row_get(copy, 0).other }, 1,
	    NULL, &out);
	open_rows();
	ck_assert(rows_next(&reader, &got, NULL));
	ck_assert(span_equal(
	    got.other, span_make("\x3a\x05\x01\x00x\x39\x05\x01\x00y", 10)));
	ck_assert(!row_is_fresh(&got));
	rows_free(copy, 1);
	free(row.other);
	reason_unref(row.reason);
}
END_TEST

/* Rows behind no words: what each of them must not be. */
static const struct {
	const char *name;
	struct span bytes;
} wrong[] = {
#define BYTES(text)                                                            \
	{                                                                      \
		text, sizeof text - 1                                          \
	}
	{ "no length", BYTES("\x05\x00\x00") },
	{ "cut", BYTES("\x05\x00\x00\x00\x05\x00\x01\x00") },
	{ "a tag without its value",
	    BYTES("\x04\x00\x00\x00\x05\x00\x01\x00") },
	{ "a tag cut", BYTES("\x03\x00\x00\x00\x05\x00\x00") },
	{ "a state that is none", BYTES("\x05\0\0\0\x03\0\x01\0\x07") },
	{ "held twice", BYTES("\x05\0\0\0\x04\0\x01\0\x02") },
	{ "tries of 33 bits", BYTES("\x09\0\0\0\x05\0\x05\0\0\0\0\0\x01") },
	{ "a number of nine bytes",
	    BYTES("\x0d\0\0\0\x07\0\x09\0\x01\0\0\0\0\0\0\0\0") },
	{ "words that are not there", BYTES("\x05\0\0\0\x09\0\x01\0\x01") },
	{ "words number 0", BYTES("\x05\0\0\0\x09\0\x01\0\0") },
	{ "an address in news", BYTES("\x05\0\0\0\x01\0\x01\0x") },
};

/* A time is kept in seconds, and nothing is due before it is. */
START_TEST(numbers_in_memory_take_16_bytes)
{
	static const struct {
		int64_t last, due;
		uint32_t tries, step;
		int64_t kept_last, kept_due;
		uint32_t kept_tries, kept_step;
	} cases[] = {
		{ 5000, 5000, 1, 1, 5000, 5000, 1, 1 },
		{ 5999, 5001, 65535, 255, 5000, 6000, 65535, 255 },
		{ -1, -1, 65536, 256, 0, 0, 65535, 255 },
		{ INT64_MAX, INT64_MAX, UINT32_MAX, UINT32_MAX,
		    (int64_t)UINT32_MAX * 1000, (int64_t)UINT32_MAX * 1000,
		    65535, 255 },
	};
	struct row row = { 0 };
	struct progress got;

	ck_assert_uint_eq(sizeof row - offsetof(struct row, last), 16);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		row_set(&row, &(struct progress){ .last = cases[i].last,
				  .due = cases[i].due,
				  .stood = 7,
				  .tries = cases[i].tries,
				  .step = cases[i].step,
				  .held = true,
				  .state = RCPT_REMOVED });
		got = row_get(&row, 3);
		ck_assert_int_eq(got.last, cases[i].kept_last);
		ck_assert_int_eq(got.due, cases[i].kept_due);
		ck_assert_uint_eq(got.stood, 7);
		ck_assert_uint_eq(got.tries, cases[i].kept_tries);
		ck_assert_uint_eq(got.step, cases[i].kept_step);
		ck_assert(got.held && got.state == RCPT_REMOVED);
	}
}
END_TEST

START_TEST(words_as_before_are_not_written_again)
{
	struct row row = { 0 };
	struct progress in = {
		.held = true, .reason = no, .is_reason_as_before = true
	};
	struct progress got;

	row_set(&row, &(struct progress){ .tries = 1, .reason = later });
	rows_encode(&in, 1, NULL, &out);
	open_rows();
	ck_assert_uint_eq(reader.nwords, 0);
	ck_assert(rows_next(&reader, &got, NULL));
	ck_assert(got.is_reason_as_before);
	ck_assert_ptr_null(got.reason);
	row_set(&row, &got);
	ck_assert(row.held && row.tries == 0);
	ck_assert_ptr_eq(row.reason, later);
	reason_unref(row.reason);
}
END_TEST

/* The tag is unknown to older versions, which keep it whatever they add. */
START_TEST(words_count_more_than_that_they_are_as_before)
{
	struct progress in = { .reason = no,
		.other = { "\x0a\x00\x01\x00\x01", 5 } };
	struct progress got;

	rows_encode(&in, 1, NULL, &out);
	open_rows();
	ck_assert(rows_next(&reader, &got, NULL));
	ck_assert(!got.is_reason_as_before);
	ck_assert(reason_equal(got.reason, no));
}
END_TEST

START_TEST(a_copy_keeps_words_whole)
{
	char text[300];
	struct row row = { 0 }, *copy;
	struct reason *all;

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	all = said(text);
	row.reason = reason_fold(all);
	copy = rows_copy(&row, 1);
	reason_cut(row.reason);
	ck_assert(reason_equal(copy[0].reason, all));
	rows_free(copy, 1);
	copy = rows_copy(&row, 1);
	ck_assert(reason_is_cut(copy[0].reason));
	rows_free(copy, 1);
	reason_unref(row.reason);
	reason_unref(all);
}
END_TEST

START_TEST(what_is_no_row_is_refused)
{
	struct progress got;

	(void)buf_append(&out, "\0\0\0\0", 4);
	(void)buf_append_span(&out, wrong[_i].bytes);
	open_rows();
	ck_assert_msg(!rows_next(&reader, &got, NULL), "%s", wrong[_i].name);
}
END_TEST

START_TEST(an_address_has_no_nul)
{
	struct row_who who;
	struct progress got;

	(void)buf_append(&out, "\0\0\0\0\x07\0\0\0\x01\0\x03\0a\0b", 15);
	open_rows();
	ck_assert(!rows_next(&reader, &got, &who));
}
END_TEST

/* A tag 12 whose value is an attribute of five bytes, of which four are there. */
START_TEST(attributes_of_a_recipient_are_whole)
{
	static const char bytes[] = "\0\0\0\0\x0c\0\0\0\x0c\0\x08\0"
				    "\x03\0\x05\0four";
	struct row_who who;
	struct progress got;

	(void)buf_append(&out, bytes, sizeof bytes - 1);
	open_rows();
	ck_assert(!rows_next(&reader, &got, &who));
	rows_close(&reader);
	out.data[out.head + 14] = 4;
	open_rows();
	ck_assert(rows_next(&reader, &got, &who));
	ck_assert(span_equal(who.attrs, SPAN("\x03\0\x04\0four")));
	rows_close(&reader);
	open_rows();
	ck_assert(!rows_next(&reader, &got, NULL)); /* news have none */
}
END_TEST

START_TEST(more_words_than_there_can_be_take_no_memory)
{
	(void)buf_append(&out, "\xff\xff\xff\xff\x00\x00\x00\x00", 8);
	ck_assert(!rows_open(&reader, buf_span(&out), RECORD_VERSION));
	ck_assert_ptr_null(reader.words);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_field_comes_back);
	tcase_add_test(tc, equal_words_are_stated_once);
	tcase_add_test(tc, many_rows_are_as_good_as_few);
	tcase_add_test(tc, tags_of_a_newer_version_stay_with_their_row);
	tcase_add_test(tc, numbers_in_memory_take_16_bytes);
	tcase_add_test(tc, words_as_before_are_not_written_again);
	tcase_add_test(tc, words_count_more_than_that_they_are_as_before);
	tcase_add_test(tc, a_copy_keeps_words_whole);
	tcase_add_loop_test(
	    tc, what_is_no_row_is_refused, 0, (int)ARRAY_LEN(wrong));
	tcase_add_test(tc, an_address_has_no_nul);
	tcase_add_test(tc, attributes_of_a_recipient_are_whole);
	tcase_add_test(tc, more_words_than_there_can_be_take_no_memory);
}

SUITE_MAIN("rows", fill)
