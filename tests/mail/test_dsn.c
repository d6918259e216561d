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

static const struct dsn_rcpt two[] = {
	{
	    .address = { "x@c.test", 8 },
	    .status = { "5.1.1", 5 },
	    .reply = { "550 5.1.1 no such user", 22 },
	    .host = { "mx.c.test [192.0.2.7]", 21 },
	    .last = 1000000000000,
	},
	{
	    .address = { "y@d.test", 8 },
	    .status = { "4.4.7", 5 },
	    .reply = { "too old", 7 },
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
	    "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
	    "Last-Attempt-Date: Sun, 09 Sep 2001 01:46:40 +0000\r\n\r\n"));
	ck_assert(has(parts[2], "Final-Recipient: rfc822; y@d.test\r\n"
				"Action: failed\r\nStatus: 4.4.7\r\n"
				"Diagnostic-Code: x-postern; too old\r\n\r\n"));
	ck_assert(!has(parts[2], "Will-Retry-Until"));
	ck_assert(has(parts[1], "<x@c.test>:\r\n"));
	ck_assert(has(parts[1], "mx.c.test [192.0.2.7] said:\r\n"));
	ck_assert(has(parts[1], "550 5.1.1 no such user\r\n"));
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

	r.reply = r.host = r.address = span_text(evil[_i]);
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
	}
}
END_TEST

START_TEST(long_words_of_a_peer_are_cut)
{
	static char text[20000];
	struct dsn_rcpt r = two[0];
	struct dsn d = usual(DSN_FAILED);

	memset(text, 'a', sizeof text);
	r.reply = span_make(text, sizeof text);
	d.rcpts = &r;
	d.nrcpts = 1;
	dsn_write(&out, &d);
	check_form(buf_span(&out));
	ck_assert_uint_lt(buf_len(&out), 5000);
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
	tcase_add_test(tc, a_warning_says_how_long_it_goes_on);
	tcase_add_test(tc, the_original_header_is_shown_in_seven_bits);
	tcase_add_loop_test(
	    tc, a_peer_cannot_write_lines, 0, (int)ARRAY_LEN(evil));
	tcase_add_test(tc, long_words_of_a_peer_are_cut);
	tcase_add_test(tc, an_address_is_never_folded);
}

SUITE_MAIN("dsn", fill)
