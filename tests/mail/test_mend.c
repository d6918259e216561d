#include "tests/lib/suite.h"

#include <string.h>

#include "mail/header.h"
#include "mail/mend.h"

#define MBOX "From ann@b.test Mon Nov  2 10:00:00 2026\r\n"
#define GIT                                                                    \
	"From 3b1e7c0d9f5a4b2c8d6e0f1a2b3c4d5e6f708192 Mon Sep 17 00:00:00 "   \
	"2001\r\n"
#define BOM "\xef\xbb\xbf"

/*
 * `text`, its header as it leaves (NULL: as it is), and the text behind it (NULL:
 * the message is refused). A blank line in between is not written here.
 */
static const struct {
	const char *name, *text, *header, *body;
} cases[] = {
	/* --- as it should be --- */
	{ "plain", "A: b\r\nC: d\r\n e\r\n\r\nbody\r\n", NULL, "body\r\n" },
	{ "no_text", "A: b\r\n\r\n", NULL, "" },
	{ "header_only", "A: b\r\n", NULL, "" },
	{ "nothing", "", NULL, "" },
	{ "blank_line_alone", "\r\n", "", "" },
	{ "empty_header", "\r\nbody\r\n", "", "body\r\n" },
	{ "old_blank_before_colon", "From : a\r\nTo\t :b : c\r\n\r\nx\r\n",
	    "From: a\r\nTo:b : c\r\n", "x\r\n" },
	{ "fold_of_blanks", "A: b\r\n \r\n c\r\n\r\nx\r\n", "A: b\r\n c\r\n",
	    "x\r\n" },

	/* --- text without a header, or without a blank line --- */
	{ "text_alone", "Hello,\r\nhow are you: fine\r\n", "",
	    "Hello,\r\nhow are you: fine\r\n" },
	{ "text_of_fields", "just text\r\nBcc: more text\r\n", "",
	    "just text\r\nBcc: more text\r\n" },
	{ "text_at_once", "Subject: a\r\nHello,\r\n\r\nthere\r\n",
	    "Subject: a\r\n", "Hello,\r\n\r\nthere\r\n" },
	{ "form",
	    "Subject: form\r\nA new entry\r\nName: Bob\r\nDate: now\r\n"
	    "\r\nHello\r\n",
	    "Subject: form\r\n",
	    "A new entry\r\nName: Bob\r\nDate: now\r\n\r\nHello\r\n" },
	{ "forwarded",
	    "From: a\r\nSubject: Fwd: b\r\nSee below.\r\nFrom: c\r\n"
	    "Subject: b\r\n\r\nx\r\n",
	    "From: a\r\nSubject: Fwd: b\r\n",
	    "See below.\r\nFrom: c\r\nSubject: b\r\n\r\nx\r\n" },
	{ "field_twice_behind", "Subject: a\r\ntext\r\nTo: b\r\nTo: c\r\n\r\n",
	    "Subject: a\r\n", "text\r\nTo: b\r\nTo: c\r\n\r\n" },
	{ "text_and_no_end", "Subject: a\r\ntext\r\nTo: you\r\n",
	    "Subject: a\r\n", "text\r\nTo: you\r\n" },
	{ "text_from", "Subject: a\r\nFrom now on it is 10:00.\r\n",
	    "Subject: a\r\n", "From now on it is 10:00.\r\n" },
	{ "text_from_alone", "From Monday on we open at 10.\r\nSee you\r\n", "",
	    "From Monday on we open at 10.\r\nSee you\r\n" },
	{ "indented_text", "  Dear all\r\n\r\nhello\r\n", "",
	    "  Dear all\r\n\r\nhello\r\n" },
	{ "indented_text_2", "\tNote: one\r\nHello\r\n", "",
	    "\tNote: one\r\nHello\r\n" },
	{ "indented_text_3", "  Dear all\r\n\r\nDate: today\r\n", "",
	    "  Dear all\r\n\r\nDate: today\r\n" },
	{ "equation", "Subject: a;\r\nb=c\r\n\r\nx\r\n", "Subject: a;\r\n",
	    "b=c\r\n\r\nx\r\n" },
	{ "text_behind_a_fold", "To: a,\r\n b\r\nHello\r\n", "To: a,\r\n b\r\n",
	    "Hello\r\n" },
	{ "dear_all", "To: a@b\r\nSubject: Dear all,\r\nwe meet at a@b\r\n",
	    "To: a@b\r\nSubject: Dear all,\r\n", "we meet at a@b\r\n" },

	/* --- mbox --- */
	{ "mbox", MBOX "From: a\r\n\r\nx\r\n",
	    "X-Mailbox-Line: " MBOX "From: a\r\n", "x\r\n" },
	{ "git", GIT "From: a\r\nSubject: [PATCH] b\r\n\r\nx\r\n",
	    "X-Mailbox-Line: " GIT "From: a\r\nSubject: [PATCH] b\r\n",
	    "x\r\n" },
	{ "quoted_mbox", ">" MBOX "X-A: a\r\n\r\nx\r\n",
	    "X-Mailbox-Line: >" MBOX "X-A: a\r\n", "x\r\n" },
	{ "two", MBOX ">>" MBOX "A: a\r\n\r\n",
	    "X-Mailbox-Line: " MBOX "X-Mailbox-Line: >>" MBOX "A: a\r\n", "" },
	{ "undated", "From root\r\nTo: a\r\n\r\nx\r\n",
	    "X-Mailbox-Line: From root\r\nTo: a\r\n", "x\r\n" },
	{ "undated_quoted", ">From root\r\nTo: a\r\nx\r\n",
	    "X-Mailbox-Line: >From root\r\nTo: a\r\n", "x\r\n" },
	{ "in_the_middle", "From: a\r\n" MBOX "To: b\r\n\r\nx\r\n",
	    "From: a\r\nX-Mailbox-Line: " MBOX "To: b\r\n", "x\r\n" },
	{ "at_the_end", "From: a\r\n>" MBOX "\r\nx\r\n",
	    "From: a\r\nX-Mailbox-Line: >" MBOX, "x\r\n" },
	{ "rfc_date", "From a@b Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nx\r\n",
	    "X-Mailbox-Line: From a@b Mon, 02 Nov 2026 10:00:00 +0000\r\n",
	    "x\r\n" },
	{ "in_the_text", "From: a\r\n\r\n" MBOX "x\r\n", NULL, MBOX "x\r\n" },
	{ "blank_behind_it", MBOX "\r\nFrom: a\r\n\r\nx\r\n",
	    "X-Mailbox-Line: " MBOX "From: a\r\n", "x\r\n" },

	/* --- in front --- */
	{ "mark", BOM "From: a\r\n\r\nx\r\n", "From: a\r\n", "x\r\n" },
	{ "mark_and_any_field", BOM "A: a\r\n\r\nx\r\n", "A: a\r\n", "x\r\n" },
	{ "mark_and_mbox", BOM MBOX "A: a\r\n\r\nx\r\n",
	    "X-Mailbox-Line: " MBOX "A: a\r\n", "x\r\n" },
	{ "mark_and_blank", BOM "\r\nFrom: a\r\n\r\nx\r\n", "From: a\r\n",
	    "x\r\n" },
	{ "mark_and_text", BOM "Hello\r\n", "", BOM "Hello\r\n" },
	{ "mark_blank_text", BOM "\r\nHello\r\n", "", "Hello\r\n" },
	{ "mark_later_is_text", "A: a\r\n" BOM "B: b\r\n", "A: a\r\n",
	    BOM "B: b\r\n" },
	{ "half_a_mark",
	    "\xef\xbb"
	    "A: a\r\n",
	    "",
	    "\xef\xbb"
	    "A: a\r\n" },
	{ "blank", "\r\nSubject: a\r\n\r\nx\r\n", "Subject: a\r\n", "x\r\n" },
	{ "blanks", "\r\n\r\n \r\n\t\r\n\r\nTo: a\r\n\r\nx\r\n", "To: a\r\n",
	    "x\r\n" },
	{ "blank_and_mbox", "\r\n" MBOX "To: a\r\n\r\nx\r\n",
	    "X-Mailbox-Line: " MBOX "To: a\r\n", "x\r\n" },
	{ "blank_and_no_end", "\r\nTo: a\r\nhello\r\n", "To: a\r\n",
	    "hello\r\n" },
	{ "blank_and_text", "\r\n\r\nNote: x\r\n", "", "\r\nNote: x\r\n" },
	{ "blank_and_text_2", "\r\nhello\r\nTo: you\r\n", "",
	    "hello\r\nTo: you\r\n" },
	{ "white_and_text", " \r\nhello\r\n", "", " \r\nhello\r\n" },
	{ "white", "  \r\nTo: a\r\n\r\nx\r\n", "To: a\r\n", "x\r\n" },
	{ "continuation", " a\r\nSubject: b\r\n\r\n", NULL, NULL },
	{ "indented", "    From: a\r\n    To: b\r\n\r\n", NULL, NULL },
	{ "first_line_indented", "\tFrom: a\r\nTo: b\r\n\r\n", NULL, NULL },
	{ "blank_and_indented", "\r\n  From: a\r\n  To: b\r\n\r\nx\r\n", NULL,
	    NULL },
	{ "continued_mbox", MBOX " x\r\nTo: b\r\n\r\n", NULL, NULL },

	/* --- stray lines --- */
	{ "stray_in_front", "*** hello ***\r\nFrom: a\r\nTo: b\r\n\r\nx\r\n",
	    "X-Unparsed-Line: *** hello ***\r\nFrom: a\r\nTo: b\r\n", "x\r\n" },
	{ "no_colon", "From: a\r\nSubject b\r\nTo: c\r\n\r\nx\r\n",
	    "From: a\r\nX-Unparsed-Line: Subject b\r\nTo: c\r\n", "x\r\n" },
	{ "blank_in_the_name", "From: a\r\nReply To: b\r\nTo: c\r\n\r\nx\r\n",
	    "From: a\r\nX-Unparsed-Line: Reply To: b\r\nTo: c\r\n", "x\r\n" },
	{ "no_name", "From: a\r\n: b\r\nTo: c\r\n\r\nx\r\n",
	    "From: a\r\nX-Unparsed-Line: : b\r\nTo: c\r\n", "x\r\n" },
	{ "name_of_8bit", "From: a\r\n\xc3\xa4: b\r\nTo: c\r\n\r\nx\r\n",
	    "From: a\r\nX-Unparsed-Line: \xc3\xa4: b\r\nTo: c\r\n", "x\r\n" },
	{ "wrapped_subject",
	    "Subject: a long\r\none it is\r\nTo: c\r\n\r\nx\r\n",
	    "Subject: a long\r\n one it is\r\nTo: c\r\n", "x\r\n" },
	{ "wrapped_twice", "Subject: a\r\nb\r\nc\r\nTo: c\r\n\r\nx\r\n",
	    "Subject: a\r\n b\r\n c\r\nTo: c\r\n", "x\r\n" },
	{ "two_places", "Subject: a\r\nb\r\nTo: c\r\nd e: f\r\nCc: g\r\n\r\n",
	    "Subject: a\r\n b\r\nTo: c\r\nX-Unparsed-Line: d e: f\r\nCc: g\r\n",
	    "" },
	{ "four_are_text", "A: a\r\nb\r\nc\r\nd\r\ne\r\nTo: c\r\n\r\n",
	    "A: a\r\n", "b\r\nc\r\nd\r\ne\r\nTo: c\r\n\r\n" },
	{ "wrapped_parameter",
	    "Content-Type: multipart/mixed;\r\nboundary=\"ab\"\r\n\r\nx\r\n",
	    "Content-Type: multipart/mixed;\r\n boundary=\"ab\"\r\n", "x\r\n" },
	{ "wrapped_recipients",
	    "Bcc: a@b, \r\nc@d,\r\ne@f\r\nSubject: x\r\ntext\r\n",
	    "Bcc: a@b, \r\n c@d,\r\n e@f\r\nSubject: x\r\n", "text\r\n" },
	{ "wrapped_no_more", "To: a@b,\r\nc@d\r\nmail e@f\r\n",
	    "To: a@b,\r\n c@d\r\n", "mail e@f\r\n" },
	{ "received_twice_behind",
	    "Received: a\r\nstray\r\nReceived: b\r\nX-A: c\r\nX-A: d\r\n\r\n",
	    "Received: a\r\nX-Unparsed-Line: stray\r\nReceived: b\r\nX-A: c\r\n"
	    "X-A: d\r\n",
	    "" },

	/* --- white space for a blank line --- */
	{ "white_before_text", "Subject: a\r\n \r\nHello\r\n", "Subject: a\r\n",
	    "Hello\r\n" },
	{ "white_before_a_link", "Subject: a\r\n\t\r\nhttps://b.test/\r\n",
	    "Subject: a\r\n", "https://b.test/\r\n" },
	{ "white_inside", "Subject: a\r\n\t\r\nTo: b\r\n\r\nx\r\n",
	    "Subject: a\r\nTo: b\r\n", "x\r\n" },
	{ "white_before_blank", "Subject: a\r\n \r\n\r\nx\r\n",
	    "Subject: a\r\n", "x\r\n" },
	{ "white_at_the_end", "Subject: a\r\n \r\n", "Subject: a\r\n", "" },
};

struct result {
	enum mend_end found;
	struct mend_scan scan;
	size_t end;
};

/* Its end, found when `step` bytes come at a time. */
static struct result
find(struct span text, size_t step)
{
	struct result r = { .found = MEND_MORE };

	for (size_t n = 0; n < text.len && r.found == MEND_MORE; n += step)
		r.found =
		    mend_find_end(span_to(text, n), false, &r.scan, &r.end);
	if (r.found == MEND_MORE)
		r.found = mend_find_end(text, true, &r.scan, &r.end);
	return r;
}

static void
check_case(size_t i, size_t step)
{
	struct span text = span_text(cases[i].text), header;
	const char *name = cases[i].name, *body = cases[i].body;
	struct result r = find(text, step);
	struct buf out = { 0 };

	ck_assert_msg((r.found == MEND_INDENTED) == (body == NULL), "%s", name);
	if (body == NULL)
		return;
	ck_assert_msg(span_equal(span_from(text, r.end), span_text(body)),
	    "%s at %zu: %zu", name, step, r.end);
	header = span_to(text, r.end);
	if (r.scan.is_odd) {
		mend_write(header, &out);
		header = buf_span(&out);
	}
	if (r.found == MEND_BLANK) {
		ck_assert(header.len >= 2 &&
			  memcmp(header.ptr + header.len - 2, "\r\n", 2) == 0);
		header.len -= 2;
	}
	ck_assert_msg(!r.scan.is_odd || cases[i].header != NULL, "%s", name);
	if (cases[i].header != NULL)
		ck_assert_msg(span_equal(header, span_text(cases[i].header)),
		    "%s: %.*s", name, SPAN_ARG(header));
	buf_clear(&out);
}

START_TEST(a_header_is_found_and_mended)
{
	check_case((size_t)_i, SIZE_MAX / 2);
}
END_TEST

START_TEST(it_is_the_same_however_it_comes)
{
	for (size_t step = 1; step <= strlen(cases[_i].text); step++)
		check_case((size_t)_i, step);
}
END_TEST

/* A stray line and, behind a field that ends `more` beyond the view, a header. */
static void
write_far(struct buf *text, int more)
{
	static const char start[] = "Subject: a\r\n", stray[] = "b\r\n";
	static const char rest[] = "\r\nTo: a\r\n\r\n";
	size_t end = sizeof start - 1 + MEND_LOOK_MAX - (sizeof rest - 1);

	(void)buf_printf(text, "%s%sX-A: ", start, stray);
	while (buf_len(text) < (size_t)((int)end + more))
		(void)buf_append_char(text, 'x');
	(void)buf_append_text(text, rest);
}

START_TEST(it_looks_no_further_than_it_says)
{
	for (int more = -3; more <= 3; more++) {
		struct buf text = { 0 };
		struct result whole, pieces;

		write_far(&text, more);
		whole = find(buf_span(&text), SIZE_MAX / 2);
		pieces = find(buf_span(&text), 1);
		ck_assert(whole.found == pieces.found);
		ck_assert_uint_eq(whole.end, pieces.end);
		ck_assert(
		    whole.found == (more <= 0 ? MEND_BLANK : MEND_NO_BLANK));
		buf_clear(&text);
	}
}
END_TEST

/* Nobody waits for what is too far away, however long the line is. */
START_TEST(it_waits_no_longer_than_it_looks)
{
	struct mend_scan scan = { 0 };
	struct buf text = { 0 };
	size_t end;

	write_far(&text, 100);
	ck_assert(mend_find_end(span_to(buf_span(&text), 4000), false, &scan,
		      &end) == MEND_MORE);
	ck_assert(mend_find_end(span_to(buf_span(&text), 12 + MEND_LOOK_MAX),
		      false, &scan, &end) == MEND_MORE);
	ck_assert(mend_find_end(span_to(buf_span(&text), 13 + MEND_LOOK_MAX),
		      false, &scan, &end) == MEND_NO_BLANK);
	ck_assert_uint_eq(end, 12);
	buf_clear(&text);
}
END_TEST

static void
fill(TCase *tc)
{
	int n = (int)ARRAY_LEN(cases);

	tcase_add_loop_test(tc, a_header_is_found_and_mended, 0, n);
	tcase_add_loop_test(tc, it_is_the_same_however_it_comes, 0, n);
	tcase_add_test(tc, it_looks_no_further_than_it_says);
	tcase_add_test(tc, it_waits_no_longer_than_it_looks);
}

SUITE_MAIN("mend", fill)
