#include "tests/lib/suite.h"

#include <string.h>

#include "base/mem.h"
#include "mail/header.h"

/* `end` of the header; -1: not in it. */
static const struct {
	const char *name, *text;
	enum header_end want;
	int end;
} ends[] = {
	{ "blank_line", "A: b\r\nC: d\r\n\r\nbody\r\n", HEADER_BLANK, 14 },
	{ "blank_line_first", "\r\nbody\r\n", HEADER_BLANK, 2 },
	{ "folded", "A: b\r\n c\r\n\td\r\n\r\nbody", HEADER_BLANK, 16 },
	{ "blank_before_colon", "A : b\r\n\r\n", HEADER_BLANK, 9 },
	{ "no_value", "A:\r\n\r\n", HEADER_BLANK, 6 },
	{ "line_of_blanks_continues", "A: b\r\n  \r\n\r\nx\r\n", HEADER_BLANK,
	    12 },
	{ "no_blank_line", "A: b\r\nbody text\r\n", HEADER_NO_BLANK, 6 },
	{ "no_header", "body text\r\n", HEADER_NO_BLANK, 0 },
	{ "continuation_of_nothing", " b: c\r\n", HEADER_NO_BLANK, 0 },
	{ "mbox_line", "From a@b.test Mon 10:00\r\nA: b\r\n", HEADER_NO_BLANK,
	    0 },
	{ "colon_first", ": b\r\n", HEADER_NO_BLANK, 0 },
	{ "eight_bit_name", "\xc3\xa4: b\r\n", HEADER_NO_BLANK, 0 },
	{ "nothing", "", HEADER_MORE, -1 },
	{ "half_a_line", "A: b", HEADER_MORE, -1 },
	{ "whole_lines_only", "A: b\r\n", HEADER_MORE, -1 },
	{ "half_a_blank_line", "A: b\r\n\r", HEADER_MORE, -1 },
};

START_TEST(the_end_is_found)
{
	struct span text = span_text(ends[_i].text);
	size_t scanned = 0, end = 0;

	ck_assert_msg(header_find_end(text, &scanned, &end) == ends[_i].want,
	    "%s", ends[_i].name);
	if (ends[_i].end >= 0)
		ck_assert_uint_eq(end, ends[_i].end);
}
END_TEST

START_TEST(the_end_is_the_same_however_the_text_grows)
{
	struct span text = span_text(ends[_i].text);

	for (size_t cut = 0; cut <= text.len; cut++) {
		size_t scanned = 0, end = 0;
		enum header_end got =
		    header_find_end(span_to(text, cut), &scanned, &end);

		if (got == HEADER_MORE)
			got = header_find_end(text, &scanned, &end);
		ck_assert_msg(
		    got == ends[_i].want, "%s at %zu", ends[_i].name, cut);
		if (ends[_i].end >= 0)
			ck_assert_uint_eq(end, ends[_i].end);
	}
}
END_TEST

START_TEST(the_end_is_the_same_byte_by_byte)
{
	struct span text = span_text(ends[_i].text);
	enum header_end got = HEADER_MORE;
	size_t scanned = 0, end = 0;

	for (size_t n = 0; n <= text.len && got == HEADER_MORE; n++)
		got = header_find_end(span_to(text, n), &scanned, &end);
	ck_assert_msg(got == ends[_i].want, "%s", ends[_i].name);
	if (ends[_i].end >= 0)
		ck_assert_uint_eq(end, ends[_i].end);
}
END_TEST

START_TEST(fields_come_one_by_one)
{
	struct span rest = SPAN("Subject: one\r\n  two\r\nX-Y :\t z \r\n"
				"Empty:\r\n\r\nBody: no\r\n");
	struct header_field f;

	ck_assert(header_next(&rest, &f));
	ck_assert(span_equal(f.name, SPAN("Subject")));
	ck_assert(span_equal(f.value, SPAN("one\r\n  two")));
	ck_assert(span_equal(f.raw, SPAN("Subject: one\r\n  two\r\n")));
	ck_assert(header_next(&rest, &f));
	ck_assert(span_equal(f.name, SPAN("X-Y")));
	ck_assert(span_equal(f.value, SPAN("z")));
	ck_assert(header_next(&rest, &f));
	ck_assert(span_equal(f.name, SPAN("Empty")));
	ck_assert(span_is_empty(f.value));
	ck_assert(!header_next(&rest, &f));
	ck_assert(span_equal(rest, SPAN("\r\nBody: no\r\n")));
}
END_TEST

static const struct {
	const char *header;
	bool date, id, bcc;
	unsigned received;
} reviews[] = {
	{ "\r\n", 0, 0, 0, 0 },
	{ "Date: now\r\nMessage-ID: <a@b>\r\n\r\n", 1, 1, 0, 0 },
	{ "date: now\r\nMESSAGE-id: <a@b>\r\nbCC: x\r\n", 1, 1, 1, 0 },
	{ "Message-ID: <>\r\n", 0, 0, 0, 0 },
	{ "Message-ID:\r\n", 0, 0, 0, 0 },
	{ "Message-ID:  \r\n\t\r\n", 0, 0, 0, 0 },
	{ "Message-ID: <>\r\nMessage-ID: <a@b>\r\n", 0, 1, 0, 0 },
	{ "Message-ID:\r\n <a@b>\r\n", 0, 1, 0, 0 },
	{ "Date:\r\n", 0, 0, 0, 0 },
	{ "X-Date: now\r\nDate-X: now\r\n", 0, 0, 0, 0 },
	{ "Received: a\r\nReceived: b\r\n c\r\nreceived: d\r\n", 0, 0, 0, 3 },
	{ "A: b\r\n\r\nDate: in the body\r\n", 0, 0, 0, 0 },
	{ "A: b\r\n Date: folded\r\n", 0, 0, 0, 0 },
	{ "Date : old form\r\n", 1, 0, 0, 0 },
};

/* Who wrote it, a Return-Path, and fields that say nothing. */
static const struct {
	const char *header;
	bool from, empty, return_path;
	const char *left; /* without what says nothing; NULL: as it is */
} authors[] = {
	{ "\r\n", 0, 0, 0, NULL },
	{ "From: a@b\r\n\r\n", 1, 0, 0, NULL },
	{ "FROM : Ann <a@b>\r\nReturn-Path: <>\r\n\r\n", 1, 0, 1, NULL },
	{ "From:\r\n a@b\r\n\r\n", 1, 0, 0, NULL },
	{ "Resent-From: a@b\r\nX-From: a@b\r\n\r\n", 0, 0, 0, NULL },
	{ "\r\nFrom: a@b\r\nReturn-Path: x\r\n", 0, 0, 0, NULL },
	{ "From:\r\nA: b\r\n\r\nx", 0, 1, 0, "A: b\r\n\r\nx" },
	{ "From: \r\n \t\r\nA: b\r\n\r\n", 0, 1, 0, "A: b\r\n\r\n" },
	{ "From: <>\r\n\r\n", 0, 1, 0, "\r\n" },
	{ "from: \"Ann\" < \r\n >\r\n\r\n", 0, 1, 0, "\r\n" },
	{ "From: <>\r\nFrom: a@b\r\n\r\n", 1, 1, 0, "From: a@b\r\n\r\n" },
	{ "From: > a\r\nTo:\r\nReply-To: <>\r\n\r\n", 1, 0, 0, NULL },
	{ "Sender:\r\nResent-From: <>\r\nResent-Sender:\r\nDate:\r\n"
	  "Message-ID: <>\r\nMessage-ID: <a@b>\r\n\r\n",
	    0, 1, 0, "Message-ID: <a@b>\r\n\r\n" },
};

START_TEST(who_wrote_it_is_looked_for)
{
	char *data = mem_strdup(authors[_i].header);
	const char *left = authors[_i].left;
	struct header_facts facts;
	size_t len;

	header_review(span_text(data), &facts);
	ck_assert_msg(facts.has_from == authors[_i].from &&
			  facts.has_empty == authors[_i].empty &&
			  facts.has_return_path == authors[_i].return_path,
	    "%s", data);
	len = header_remove_empty(data, strlen(data));
	ck_assert_msg(span_equal(span_make(data, len),
			  span_text(left == NULL ? authors[_i].header : left)),
	    "%.*s", (int)len, data);
	free(data);
}
END_TEST

START_TEST(the_header_is_looked_over)
{
	struct header_facts facts;

	header_review(span_text(reviews[_i].header), &facts);
	ck_assert_msg(facts.has_date == reviews[_i].date &&
			  facts.has_message_id == reviews[_i].id &&
			  facts.has_bcc == reviews[_i].bcc &&
			  facts.received == reviews[_i].received,
	    "%s", reviews[_i].header);
}
END_TEST

static const struct {
	const char *before, *after;
} removals[] = {
	{ "A: b\r\n\r\nBcc: body\r\n", "A: b\r\n\r\nBcc: body\r\n" },
	{ "Bcc: x\r\nA: b\r\n\r\n", "A: b\r\n\r\n" },
	{ "A: b\r\nBcc: x\r\n\r\nbody", "A: b\r\n\r\nbody" },
	{ "A: b\r\nbcc: x,\r\n y,\r\n\tz\r\nC: d\r\n\r\nbody",
	    "A: b\r\nC: d\r\n\r\nbody" },
	{ "Bcc: x\r\nBCC : y\r\nBcc:\r\n\r\nbody", "\r\nbody" },
	{ "Bccx: x\r\nX-Bcc: y\r\n\r\n", "Bccx: x\r\nX-Bcc: y\r\n\r\n" },
	{ "A: b\r\n Bcc: folded\r\n\r\n", "A: b\r\n Bcc: folded\r\n\r\n" },
	{ "Bcc: x\r\n", "" },
	{ "Bcc: no line end", "" },
	{ "", "" },
};

START_TEST(a_field_is_taken_out)
{
	char *data = mem_strdup(removals[_i].before);
	size_t len = header_remove(data, strlen(data), SPAN("Bcc"));

	ck_assert_msg(
	    span_equal(span_make(data, len), span_text(removals[_i].after)),
	    "%.*s", (int)len, data);
	free(data);
}
END_TEST

static void
fill(TCase *tc)
{
	int n = (int)ARRAY_LEN(ends);

	tcase_add_loop_test(tc, the_end_is_found, 0, n);
	tcase_add_loop_test(
	    tc, the_end_is_the_same_however_the_text_grows, 0, n);
	tcase_add_loop_test(tc, the_end_is_the_same_byte_by_byte, 0, n);
	tcase_add_test(tc, fields_come_one_by_one);
	tcase_add_loop_test(
	    tc, the_header_is_looked_over, 0, (int)ARRAY_LEN(reviews));
	tcase_add_loop_test(
	    tc, who_wrote_it_is_looked_for, 0, (int)ARRAY_LEN(authors));
	tcase_add_loop_test(
	    tc, a_field_is_taken_out, 0, (int)ARRAY_LEN(removals));
}

SUITE_MAIN("header", fill)
