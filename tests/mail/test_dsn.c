#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "mail/dsn.h"
#include "mail/header.h"

static struct buf out;

static void
setup(void)
{
	buf_init(&out, 0);
}

static void
teardown(void)
{
	buf_clear(&out);
}

/* A span, where a constant is needed. */
#define LIT(text)                                                              \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static const struct dsn_rcpt two[] = {
	{
	    .address = LIT("x@c.test"),
	    .words = { .status = LIT("5.1.1"),
		.said =
		    LIT("550-5.1.1 no such user\n550 5.1.1 see "
			"https://why.test/a-long-way/to-say?what=it&is=about"),
		.host = LIT("mx.c.test [192.0.2.7]") },
	    .last = 1000000000000,
	},
	{
	    .address = LIT("y@d.test"),
	    .words = { .status = LIT("5.1.2"),
		.what = LIT("The domain d.test does not exist") },
	},
};

static struct dsn
usual(enum dsn_action action)
{
	return (struct dsn){
		.action = action,
		.hostname = SPAN("relay.test"),
		.qid = SPAN("8c01"),
		.report_qid = SPAN("8c02"),
		.sender = SPAN("a@b.test"),
		.arrived = 1000000000000,
		.now = 1000000100000,
		.retry_for = 7200,
		.boundary = 0xabcdef,
		.header = SPAN("Subject: hi\r\n there\r\nX-8: \xc3\xa4\r\n"),
		.subject = SPAN("hi there"),
		.rcpts = two,
		.nrcpts = 2,
	};
}

/* As long as an address may be, with blanks where other text is folded. */
static const char long_address[] =
    "\"a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b "
    "a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a "
    "b "
    "a b\"@c.test";

static const char boundary[] = "--postern-0000000000abcdef";

static bool
has(struct span in, const char *what)
{
	return memmem(in.ptr, in.len, what, strlen(what)) != NULL;
}

/* Lines end in CRLF, are short enough, and hold nothing but ASCII. */
static void
check_form(struct span text)
{
	while (!span_is_empty(text)) {
		struct span line = span_cut(&text, '\n');

		ck_assert(line.len > 0 && line.ptr[line.len - 1] == '\r');
		ck_assert_uint_le(line.len, 999);
		line.len--;
		for (size_t i = 0; i < line.len; i++) {
			ck_assert_int_ne(line.ptr[i], '\r');
			ck_assert_int_ne(line.ptr[i], '\0');
			ck_assert_uint_lt((unsigned char)line.ptr[i], 128);
		}
	}
}

/* The parts between the boundaries; the text before the first is parts[0]. */
static size_t
cut_parts(struct span text, struct span parts[8])
{
	size_t n = 0, blen = sizeof boundary - 1;
	const char *start = text.ptr, *at = text.ptr;
	const char *end = text.ptr + text.len;

	while (n < 7) {
		at = memmem(at, (size_t)(end - at), boundary, blen);
		if (at == NULL)
			break;
		/* Not the one in the Content-Type field. */
		if (at[-1] != '\n') {
			at += blen;
			continue;
		}
		parts[n++] = span_make(start, (size_t)(at - start));
		at += blen;
		start = at;
	}
	parts[n] = span_make(start, (size_t)(end - start));
	return n;
}

START_TEST(a_report_has_its_three_parts)
{
	struct dsn d = usual(DSN_FAILED);
	struct span parts[8], head;
	struct header_field f;
	size_t scanned = 0, end = 0;
	bool saw_type = false;

	dsn_write(&out, &d);
	check_form(buf_span(&out));
	ck_assert(
	    header_find_end(buf_span(&out), &scanned, &end) == HEADER_BLANK);
	head = span_to(buf_span(&out), end);
	ck_assert(has(head, "To: <a@b.test>\r\n"));
	ck_assert(has(head, "From: Mail delivery <MAILER-DAEMON@relay.test>"));
	ck_assert(has(head, "Auto-Submitted: auto-replied\r\n"));
	ck_assert(has(head, "Message-ID: <8c02.abcdef@relay.test>\r\n"));
	while (header_next(&head, &f))
		saw_type |= span_equal(f.name, SPAN("Content-Type")) &&
			    has(f.value, "report-type=delivery-status") &&
			    has(f.value, "\"postern-0000000000abcdef\"");
	ck_assert(saw_type);
	ck_assert_uint_eq(cut_parts(buf_span(&out), parts), 4);
	ck_assert(has(parts[1], "Content-Type: text/plain"));
	ck_assert(has(parts[2], "Content-Type: message/delivery-status"));
	ck_assert(has(parts[3], "Content-Type: text/rfc822-headers"));
	ck_assert(span_equal(parts[4], SPAN("--\r\n")));
}
END_TEST

START_TEST(each_recipient_has_its_fields)
{
	struct dsn d = usual(DSN_FAILED);
	struct span parts[8];

	dsn_write(&out, &d);
	(void)cut_parts(buf_span(&out), parts);
	ck_assert(has(parts[2],
	    "\r\n\r\nReporting-MTA: dns; relay.test\r\n"
	    "X-Postern-ID: 8c01\r\n"
	    "Arrival-Date: Sun, 09 Sep 2001 01:46:40 +0000\r\n\r\n"));
	ck_assert(has(parts[2],
	    "\r\n\r\nFinal-Recipient: rfc822; x@c.test\r\n"
	    "Action: failed\r\nStatus: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.c.test\r\n"
	    "Diagnostic-Code: smtp; 550-5.1.1 no such user\r\n"
	    "\t550 5.1.1 see https://why.test/a-long-way/to-say?what=it&is="
	    "about\r\n"
	    "Last-Attempt-Date: Sun, 09 Sep 2001 01:46:40 +0000\r\n\r\n"));
	ck_assert(has(parts[2], "Final-Recipient: rfc822; y@d.test\r\n"
				"Action: failed\r\nStatus: 5.1.2\r\n"
				"Diagnostic-Code: x-postern; The domain d.test "
				"does not exist\r\n\r\n"));
	ck_assert(!has(parts[2], "Will-Retry-Until"));
	ck_assert(has(parts[1], "    Subject: hi there\r\n"));
	ck_assert(has(parts[1],
	    "\r\n<x@c.test>:\r\n"
	    "    mx.c.test [192.0.2.7] said:\r\n"
	    "    550-5.1.1 no such user\r\n"
	    "    550 5.1.1 see https://why.test/a-long-way/to-say?what=it&is="
	    "about\r\n"
	    "\r\n<y@d.test>:\r\n"
	    "    The domain d.test does not exist\r\n"));
	ck_assert(!has(parts[1], "expired"));
	ck_assert(!has(parts[1], "tried "));
}
END_TEST

static const struct {
	int64_t age;
	const char *words;
} ages[] = {
	{ 1000, "after 1 second." },
	{ 119999, "after 119 seconds." },
	{ 120000, "after 2 minutes." },
	{ 7200000, "after 2 hours." },
	{ 172799999, "after 47 hours." },
	{ 432000000, "after 5 days." },
};

START_TEST(an_expired_one_says_how_long_and_how_often)
{
	struct dsn_rcpt r = two[0];
	struct dsn d = usual(DSN_FAILED);
	struct span parts[8];

	r.words.status = SPAN("5.4.7");
	r.is_expired = true;
	r.tries = 42;
	r.last = 1000000060000;
	d.rcpts = &r;
	d.nrcpts = 1;
	d.now = d.arrived + ages[_i].age;
	dsn_write(&out, &d);
	check_form(buf_span(&out));
	(void)cut_parts(buf_span(&out), parts);
	ck_assert(has(parts[1], "has expired: it could not"));
	ck_assert(has(parts[1], "    The message expired "));
	ck_assert(has(parts[1], ages[_i].words));
	ck_assert(has(parts[1],
	    "    It was tried 42 times since Sun, 09 Sep 2001 01:46:40 +0000,"
	    "\r\n    the last time on Sun, 09 Sep 2001 01:47:40 +0000.\r\n"
	    "    mx.c.test [192.0.2.7] said:\r\n"
	    "    550-5.1.1 no such user\r\n"));
	ck_assert(has(parts[2], "Action: failed\r\nStatus: 5.4.7\r\n"));
}
END_TEST

START_TEST(one_that_was_never_tried_says_so)
{
	struct dsn_rcpt r = two[1];
	struct dsn d = usual(DSN_FAILED);

	r.is_expired = true;
	d.rcpts = &r;
	d.nrcpts = 1;
	dsn_write(&out, &d);
	ck_assert(has(buf_span(&out),
	    "    No attempt was made since Sun, 09 Sep 2001 01:46:40 +0000."));
	ck_assert(!has(buf_span(&out), "It was tried"));
}
END_TEST

START_TEST(expired_and_failed_ones_are_told_apart)
{
	struct dsn_rcpt both[] = { two[0], two[1] };
	struct dsn d = usual(DSN_FAILED);
	struct span text;

	both[1].is_expired = true;
	d.rcpts = both;
	dsn_write(&out, &d);
	text = buf_span(&out);
	ck_assert(has(text, "could not be delivered to the recipients below"));
	ck_assert(!has(text, "has expired: it"));
	ck_assert(has(text, "<y@d.test>:\r\n    The message expired after"));
	ck_assert(has(text, "<x@c.test>:\r\n    mx.c.test"));
}
END_TEST

/* Words of ours beside the host's. */
START_TEST(what_we_saw_is_not_the_hosts_word)
{
	struct dsn_rcpt r = two[0];
	struct dsn d = usual(DSN_FAILED);
	struct span parts[8];

	r.words.said = SPAN("");
	r.words.what = SPAN("connection refused");
	d.rcpts = &r;
	d.nrcpts = 1;
	dsn_write(&out, &d);
	(void)cut_parts(buf_span(&out), parts);
	ck_assert(
	    has(parts[1], "    mx.c.test [192.0.2.7]: connection refused\r\n"));
	ck_assert(!has(parts[1], "said:"));
	ck_assert(has(parts[2], "Remote-MTA: dns; mx.c.test\r\n"
				"Diagnostic-Code: x-postern; connection "
				"refused\r\n"));
	buf_reset(&out);
	r.words.said = SPAN("454 no");
	dsn_write(&out, &d);
	(void)cut_parts(buf_span(&out), parts);
	ck_assert(has(parts[1], "    mx.c.test [192.0.2.7]: connection "
				"refused:\r\n    454 no\r\n"));
	ck_assert(has(parts[2], "Diagnostic-Code: smtp; 454 no\r\n"));
}
END_TEST

/* RFC 2045 6.7: the part stays 7-bit; nothing else changes. */
START_TEST(a_subject_of_other_letters_is_quoted)
{
	struct dsn d = usual(DSN_FAILED);
	struct span parts[8], rest;

	d.subject = SPAN("Gr\xc3\xbc\xc3\x9f"
			 "e = \xe2\x82\xac ");
	dsn_write(&out, &d);
	check_form(buf_span(&out));
	ck_assert_uint_eq(cut_parts(buf_span(&out), parts), 4);
	ck_assert(has(parts[1], "Content-Type: text/plain; charset=utf-8\r\n"
				"Content-Transfer-Encoding: "
				"quoted-printable\r\n\r\n"));
	ck_assert(
	    has(parts[1], "    Subject: Gr=C3=BC=C3=9Fe =3D =E2=82=AC=20\r\n"));
	rest = parts[1];
	while (!span_is_empty(rest))
		ck_assert_uint_le(span_cut(&rest, '\n').len, 77);
	buf_reset(&out);
	d.subject = SPAN("Gruesse");
	dsn_write(&out, &d);
	ck_assert(has(buf_span(&out), "charset=us-ascii"));
	ck_assert(!has(buf_span(&out), "quoted-printable"));
}
END_TEST

START_TEST(a_warning_says_how_long_it_goes_on)
{
	struct dsn d = usual(DSN_DELAYED);

	dsn_write(&out, &d);
	ck_assert(has(buf_span(&out), "Action: delayed\r\n"));
	ck_assert(has(buf_span(&out),
	    "Will-Retry-Until: Sun, 09 Sep 2001 03:48:20 +0000\r\n"));
	ck_assert(has(buf_span(&out), "another 2 h"));
	ck_assert(!has(buf_span(&out), "Action: failed"));
}
END_TEST

START_TEST(the_original_header_is_shown_in_seven_bits)
{
	struct dsn d = usual(DSN_FAILED);
	struct span parts[8];

	d.header = SPAN("Subject: hi\r\n there\r\nX-8: \xc3\xa4\r\n"
			"no field\r\nSecret: body\r\n");
	dsn_write(&out, &d);
	(void)cut_parts(buf_span(&out), parts);
	ck_assert(
	    has(parts[3], "\r\n\r\nSubject: hi\r\n there\r\nX-8: ??\r\n\r\n"));
	ck_assert(!has(parts[3], "Secret"));
}
END_TEST

static const char *const evil[] = {
	"550 no\r\nBcc: evil@x.test",
	"550 no\r\n\r\nevil body",
	"550 no\nStatus: 2.0.0",
	"550 no\rStatus: 2.0.0",
	"550\r\n--postern-0000000000abcdef--\r\n",
	"550 \x01\x7f\xff\x1b[2J",
	"550 no\n\n\nStatus: 2.0.0\n \n \n",
	"550                                                                  "
	"                                                                     "
	"     --postern-0000000000abcdef--",
};

/* A peer's words, host and address never begin a line of their own. */
START_TEST(a_peer_cannot_write_lines)
{
	struct dsn_rcpt r = two[0];
	struct dsn d = usual(DSN_FAILED);
	struct span parts[8], rest, line;

	r.words.said = r.words.what = r.words.host = r.words.status =
	    r.address = span_text(evil[_i]);
	d.rcpts = &r;
	d.nrcpts = 1;
	dsn_write(&out, &d);
	check_form(buf_span(&out));
	ck_assert_uint_eq(cut_parts(buf_span(&out), parts), 4);
	rest = buf_span(&out);
	while (!span_is_empty(rest)) {
		line = span_cut(&rest, '\n');
		ck_assert(!span_starts(line, SPAN("Bcc")));
		ck_assert(!span_starts(line, SPAN("evil")));
		ck_assert(!span_starts(line, SPAN("Status: 2")));
		/* A line of blanks alone ends a header, for some. */
		ck_assert(line.len <= 1 || !span_is_empty(span_trim(
					       span_to(line, line.len - 1))));
	}
}
END_TEST

/* Blanks at the ends of lines and behind folds are not worth a line. */
START_TEST(a_peer_cannot_write_empty_lines)
{
	struct dsn_rcpt r = two[0];
	struct dsn d = usual(DSN_FAILED);

	r.words.said = SPAN("\n\n \n550-a\n\n \n   550 b\n \n");
	d.rcpts = &r;
	d.nrcpts = 1;
	dsn_write(&out, &d);
	ck_assert(
	    has(buf_span(&out), "Diagnostic-Code: smtp; 550-a\r\n\t550 b\r\n"));
	ck_assert(has(buf_span(&out), "said:\r\n    550-a\r\n    550 b\r\n"));
	buf_reset(&out);
	r.words.said = SPAN("550 345678901234567890123456789012345678901234567"
			    "890123456789012345678901234    5     6");
	dsn_write(&out, &d);
	ck_assert(has(buf_span(&out), "01234\r\n\t5     6\r\n"));
	/* Nothing begins with the blanks at which it is folded. */
	ck_assert(has(buf_span(&out), "01234    5     6\r\n"));
}
END_TEST

START_TEST(long_words_of_a_peer_are_cut)
{
	static char text[20000];
	struct dsn_rcpt r = two[0];
	struct dsn d = usual(DSN_FAILED);

	memset(text, 'a', sizeof text);
	r.words.said = span_make(text, sizeof text);
	d.rcpts = &r;
	d.nrcpts = 1;
	dsn_write(&out, &d);
	check_form(buf_span(&out));
	ck_assert_uint_lt(buf_len(&out), 2 * WORDS_SAID_MAX + 2500);
}
END_TEST

START_TEST(an_address_is_never_folded)
{
	struct dsn_rcpt one = two[0];
	struct dsn d = usual(DSN_FAILED);
	struct buf want = { 0 };

	one.address = span_text(long_address);
	d.rcpts = &one;
	d.nrcpts = 1;
	dsn_write(&out, &d);
	(void)buf_printf(&want, "\r\n<%s>:\r\n", long_address);
	(void)buf_append_char(&want, '\0');
	ck_assert(has(buf_span(&out), buf_span(&want).ptr));
	buf_reset(&want);
	(void)buf_printf(
	    &want, "\r\nFinal-Recipient: rfc822; %s\r\n", long_address);
	(void)buf_append_char(&want, '\0');
	ck_assert(has(buf_span(&out), buf_span(&want).ptr));
	check_form(buf_span(&out));
	buf_clear(&want);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_report_has_its_three_parts);
	tcase_add_test(tc, each_recipient_has_its_fields);
	tcase_add_loop_test(tc, an_expired_one_says_how_long_and_how_often, 0,
	    (int)ARRAY_LEN(ages));
	tcase_add_test(tc, one_that_was_never_tried_says_so);
	tcase_add_test(tc, expired_and_failed_ones_are_told_apart);
	tcase_add_test(tc, what_we_saw_is_not_the_hosts_word);
	tcase_add_test(tc, a_subject_of_other_letters_is_quoted);
	tcase_add_test(tc, a_warning_says_how_long_it_goes_on);
	tcase_add_test(tc, the_original_header_is_shown_in_seven_bits);
	tcase_add_loop_test(
	    tc, a_peer_cannot_write_lines, 0, (int)ARRAY_LEN(evil));
	tcase_add_test(tc, a_peer_cannot_write_empty_lines);
	tcase_add_test(tc, long_words_of_a_peer_are_cut);
	tcase_add_test(tc, an_address_is_never_folded);
}

SUITE_MAIN("dsn", fill)
