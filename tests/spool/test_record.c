#include <string.h>

#include "base/mem.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "src/spool/group_priv.h"
#include "src/spool/record_priv.h"
#include "tests/lib/suite.h"

enum { SALT = 12345, SEGMENT = 7, START = GROUP_ALIGN };

/* A segment's bytes with one group in it. */
static struct record_area area;
static uint8_t *bytes;
static struct group group;

static void
setup(void)
{
	group_begin(&group, SALT, SEGMENT, START, NULL);
}

static void
teardown(void)
{
	group_clear(&group);
	free(bytes);
	bytes = NULL;
}

static void
add(enum record_type type, uint64_t id, const char *own, const char *tail)
{
	struct span content = span_text(tail);
	uint8_t *p = group_record(&group, type, id, strlen(own));

	memcpy(p, own, strlen(own));
	(void)group_record_end(&group, &content, 1);
}

static void
finish(void)
{
	size_t n;
	uint64_t at;
	struct iovec *v = group_finish(&group, &n, &at);

	bytes = mem_zalloc(1, 16 * GROUP_ALIGN);
	for (size_t i = 0; i < n; i++) {
		memcpy(bytes + at, v[i].iov_base, v[i].iov_len);
		at += v[i].iov_len;
	}
	ck_assert_uint_eq(at % GROUP_ALIGN, 0);
	area = (struct record_area){
		.bytes = bytes, .size = at, .salt = SALT, .segment = SEGMENT
	};
}

START_TEST(a_group_reads_back_record_by_record)
{
	struct record r;

	add(RECORD_MESSAGE, 1, "own", "content");
	add(RECORD_DONE, 2, "", "");
	add(RECORD_PROGRESS, 3, "12345678", "");
	finish();
	ck_assert_int_eq(record_read(&area, START, &r), RECORD_OK);
	ck_assert(span_equal(r.payload, SPAN("owncontent")));
	ck_assert_uint_eq(r.head.type, RECORD_MESSAGE);
	ck_assert_uint_eq(r.head.id, 1);
	ck_assert_uint_eq(r.head.group, START);
	ck_assert_uint_eq(r.head.left, 2);
	ck_assert_int_eq(record_read(&area, r.end, &r), RECORD_OK);
	ck_assert_uint_eq(r.head.type, RECORD_DONE);
	ck_assert_int_eq(record_read(&area, r.end, &r), RECORD_OK);
	ck_assert_uint_eq(r.head.left, 0);
	ck_assert_uint_eq(r.end, 2 * GROUP_ALIGN);
	ck_assert_uint_eq(r.end, area.size);
	ck_assert_uint_eq(
	    record_seek(&area, START + 1), START + group_record_size(10));
}
END_TEST

START_TEST(every_flipped_bit_is_noticed)
{
	size_t len = group_record_size(10);
	struct record r;

	add(RECORD_MESSAGE, 1, "own", "content");
	finish();
	for (size_t bit = 0; bit < (RECORD_HEADER + 10) * 8; bit++) {
		bytes[START + bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(record_read(&area, START, &r),
		    bit < RECORD_HEADER * 8 ? RECORD_BAD_HEADER
					    : RECORD_BAD_PAYLOAD);
		if (bit >= RECORD_HEADER * 8)
			ck_assert_uint_eq(r.head.id, 1);
		bytes[START + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_uint_ge(len, RECORD_HEADER + 10);
	ck_assert_int_eq(record_read(&area, START, &r), RECORD_OK);
}
END_TEST

START_TEST(every_truncation_is_noticed)
{
	struct record r;

	add(RECORD_MESSAGE, 1, "own", "content");
	finish();
	for (size_t cut = 0; cut < RECORD_HEADER + 10; cut++) {
		area.size = START + cut;
		ck_assert_int_eq(record_read(&area, START, &r),
		    cut < RECORD_HEADER ? RECORD_BAD_HEADER
					: RECORD_BAD_PAYLOAD);
	}
	area.size = START + RECORD_HEADER + 10;
	ck_assert_int_eq(record_read(&area, START, &r), RECORD_OK);
}
END_TEST

START_TEST(a_record_is_valid_only_in_its_spool_segment_and_place)
{
	struct record_area other;
	struct record r;

	add(RECORD_MESSAGE, 1, "own", "content");
	finish();
	other = area;
	other.salt++;
	ck_assert_int_eq(record_read(&other, START, &r), RECORD_BAD_HEADER);
	other = area;
	other.segment++;
	ck_assert_int_eq(record_read(&other, START, &r), RECORD_BAD_HEADER);
	other = area;
	other.base = 8;
	ck_assert_int_eq(record_read(&other, START, &r), RECORD_BAD_HEADER);
}
END_TEST

START_TEST(kinds_and_versions_of_the_future_are_told_apart_from_damage)
{
	struct record r;

	add((enum record_type)(RECORD_CANCEL + 1), 1, "own", "");
	finish();
	ck_assert_int_eq(record_read(&area, START, &r), RECORD_NEWER);
}
END_TEST

/* --- payloads --- */

static const struct span rcpts[] = { { "a@x.test", 8 }, { "", 0 },
	{ "c@x.test", 8 } };
#define ALL_ATTRS SPAN("\x02\0\x03\0all")
static const struct span attrs[] = { { "\x04\0\x01\0a", 5 }, { "", 0 },
	{ "\xff\xff\x02\0cc\x03\0\0\0", 10 } };

/* As if it had been read with its header. */
static struct record
record_of(const void *p, size_t len)
{
	return (struct record){ .head = { .type = RECORD_MESSAGE,
				    .id = 9,
				    .version = RECORD_VERSION },
		.payload = span_make(p, len) };
}

static bool
decode(const void *p, size_t len, struct message_found *found)
{
	struct record rec = record_of(p, len);

	return record_message_decode(&rec, found);
}

static char *
encode(const struct row *rows, uint64_t file, size_t *len)
{
	struct envelope *env = envelope_new(&(struct envelope_parts){
	    .id = 9,
	    .size = 4,
	    .arrived = -5,
	    .flags = ENVELOPE_UTF8,
	    .nrcpt = 3,
	    .account = SPAN("acc"),
	    .sender = SPAN(""),
	    .attrs = ALL_ATTRS,
	    .rcpt = rcpts,
	    .rcpt_attrs = attrs,
	});
	struct record_message m = { .env = env,
		.rows = rows,
		.flags = MESSAGE_HELD,
		.stored = { .file = file, .crc = 77 } };
	struct buf out = { 0 };

	record_message_encode(&m, &out);
	if (file == 0)
		(void)buf_append_text(&out, "body");
	free(env);
	*len = buf_len(&out);
	buf_fit(&out);
	return buf_take(&out).data;
}

START_TEST(a_message_comes_back_as_it_went)
{
	struct words w = { .status = SPAN("4.7.1"), .what = SPAN("why") };
	struct reason *why = reason_new(&w);
	struct row rows[3] = { [1] = { .last = 1,
				   .due = 2,
				   .stood = 40,
				   .tries = 3,
				   .state = RCPT_EXPIRED,
				   .reason = why } };
	struct message_found found;
	size_t len;
	char *p = encode(rows, 0, &len);

	ck_assert(decode(p, len, &found));
	ck_assert_uint_eq(found.env->id, 9);
	ck_assert_int_eq(found.env->arrived, -5);
	ck_assert_uint_eq(found.env->flags, ENVELOPE_UTF8);
	ck_assert_str_eq(found.env->account, "acc");
	ck_assert_str_eq(found.env->sender, "");
	ck_assert_str_eq(found.env->rcpts[1].address, "");
	ck_assert_str_eq(found.env->rcpts[2].address, "c@x.test");
	ck_assert(span_equal(envelope_attrs(found.env), ALL_ATTRS));
	for (uint32_t i = 0; i < 3; i++)
		ck_assert(
		    span_equal(envelope_rcpt_attrs(found.env, i), attrs[i]));
	ck_assert_uint_eq(found.flags, MESSAGE_HELD);
	ck_assert_uint_eq(found.stored.crc, 77);
	ck_assert_uint_eq(found.stored.file, 0);
	ck_assert(span_equal(found.content, SPAN("body")));
	ck_assert(found.rows != NULL);
	ck_assert_uint_eq(found.rows[1].last, 1);
	ck_assert_uint_eq(found.rows[1].due, 2);
	ck_assert_uint_eq(found.rows[1].stood, 40);
	ck_assert_uint_eq(found.rows[1].tries, 3);
	ck_assert_uint_eq(found.rows[1].state, RCPT_EXPIRED);
	ck_assert(reason_equal(found.rows[1].reason, why));
	ck_assert_uint_eq(found.rows[2].state, RCPT_QUEUED);
	reason_unref(why);
	message_found_clear(&found);
	free(p);
}
END_TEST

START_TEST(fresh_recipients_need_no_rows)
{
	struct message_found found;
	size_t len;
	char *p = encode(NULL, 0, &len);

	ck_assert(decode(p, len, &found));
	ck_assert(found.rows == NULL);
	message_found_clear(&found);
	free(p);
}
END_TEST

START_TEST(a_record_names_the_file_that_has_the_content)
{
	uint64_t file = _i == 0 ? 9 : 5; /* the message's own name, another */
	struct message_found found;
	size_t len, own;
	char *p = encode(NULL, file, &len);

	free(encode(NULL, 9, &own));
	ck_assert_uint_eq(len, _i == 0 ? own : own + 8);
	ck_assert(decode(p, len, &found));
	ck_assert_uint_eq(found.stored.file, file);
	ck_assert_uint_eq(found.stored.size, 4);
	ck_assert_uint_eq(found.stored.crc, 77);
	ck_assert_str_eq(found.env->account, "acc");
	ck_assert_uint_eq(found.content.len, 0);
	message_found_clear(&found);
	/* No file has no name. */
	if (_i == 1) {
		memset(p + 48, 0, 8);
		ck_assert(!decode(p, len, &found));
	}
	free(p);
}
END_TEST

/* Whether it decodes with so much of the content at its end. */
static bool
decode_with(const char *head, uint8_t version, struct message_found *found)
{
	static char all[1000]; /* what is found points into it */
	struct record rec;
	size_t len;
	char *p = encode(NULL, 5, &len);

	memcpy(all, p, len);
	memcpy(all + len, head, strlen(head));
	free(p);
	rec = record_of(all, len + strlen(head));
	rec.head.version = version;
	return record_message_decode(&rec, found);
}

START_TEST(the_head_of_what_is_in_a_file_is_in_the_record)
{
	struct message_found found;

	ck_assert(decode_with("bod", RECORD_VERSION, &found));
	ck_assert(span_equal(found.content, SPAN("bod")));
	ck_assert_uint_eq(found.stored.size, 1);
	ck_assert_uint_eq(found.env->size, 4);
	message_found_clear(&found);
	ck_assert(decode_with("body", RECORD_VERSION, &found));
	ck_assert_uint_eq(found.stored.size, 0);
	message_found_clear(&found);
	/* No more than there is of it. */
	ck_assert(!decode_with("body!", RECORD_VERSION, &found));
	/* Before version 4 none of it was here. */
	ck_assert(decode_with("", 3, &found));
	ck_assert_uint_eq(found.stored.size, 4);
	message_found_clear(&found);
	ck_assert(!decode_with("b", 3, &found));
}
END_TEST

START_TEST(no_part_of_a_message_is_one)
{
	uint64_t file = _i == 0 ? 0 : 5;
	struct message_found found;
	size_t len;
	char *p = encode(NULL, file, &len);

	for (size_t cut = 0; cut < len; cut++) {
		/* A copy of its own, so that a read too far is seen. */
		char *part = mem_dup(p, cut == 0 ? 1 : cut);

		ck_assert(!decode(part, cut, &found));
		free(part);
	}
	free(p);
}
END_TEST

START_TEST(a_changed_message_never_reads_beyond_its_end)
{
	size_t len;
	char *p = encode(NULL, 0, &len);

	for (size_t bit = 0; bit < len * 8; bit++) {
		char *copy = mem_dup(p, len);
		struct message_found found;

		copy[bit / 8] ^= (char)(1 << bit % 8);
		if (decode(copy, len, &found))
			message_found_clear(&found);
		free(copy);
	}
	free(p);
}
END_TEST

START_TEST(progress_comes_back_as_it_went)
{
	struct words w = { .status = SPAN("5.7.1"), .said = SPAN("a\nb") };
	struct progress in = {
		.rcpt = 4, .state = RCPT_FAILED, .reason = reason_new(&w)
	};
	struct progress got;
	struct buf out = { 0 };
	struct rows_reader r;
	struct record rec;

	record_progress_encode(&in, 1, &out);
	rec = record_of(buf_span(&out).ptr, buf_len(&out));
	ck_assert(record_progress_open(&rec, &r));
	ck_assert(rows_next(&r, &got, NULL));
	ck_assert_uint_eq(got.rcpt, 4);
	ck_assert_int_eq(got.state, RCPT_FAILED);
	ck_assert(reason_equal(got.reason, in.reason));
	ck_assert_uint_eq(r.at.len, 0);
	rows_close(&r);
	reason_unref(in.reason);
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_group_reads_back_record_by_record);
	tcase_add_test(tc, every_flipped_bit_is_noticed);
	tcase_add_test(tc, every_truncation_is_noticed);
	tcase_add_test(
	    tc, a_record_is_valid_only_in_its_spool_segment_and_place);
	tcase_add_test(
	    tc, kinds_and_versions_of_the_future_are_told_apart_from_damage);
	tcase_add_test(tc, a_message_comes_back_as_it_went);
	tcase_add_test(tc, fresh_recipients_need_no_rows);
	tcase_add_loop_test(
	    tc, a_record_names_the_file_that_has_the_content, 0, 2);
	tcase_add_test(tc, the_head_of_what_is_in_a_file_is_in_the_record);
	tcase_add_loop_test(tc, no_part_of_a_message_is_one, 0, 2);
	tcase_add_test(tc, a_changed_message_never_reads_beyond_its_end);
	tcase_add_test(tc, progress_comes_back_as_it_went);
}

SUITE_MAIN("record", fill)
