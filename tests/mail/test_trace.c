#include "tests/lib/suite.h"

#include <string.h>

#include "mail/trace.h"

static const struct {
	int64_t wall;
	const char *text;
} dates[] = {
	{ 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
	{ 999, "Thu, 01 Jan 1970 00:00:00 +0000" },
	{ 951782400000, "Tue, 29 Feb 2000 00:00:00 +0000" },
	{ 1000000000000, "Sun, 09 Sep 2001 01:46:40 +0000" },
	{ 1234567890123, "Fri, 13 Feb 2009 23:31:30 +0000" },
	{ 1767225599000, "Wed, 31 Dec 2025 23:59:59 +0000" },
	{ 2147483648000, "Tue, 19 Jan 2038 03:14:08 +0000" },
};

START_TEST(a_date_is_written)
{
	char out[DATE_SIZE];

	date_format(dates[_i].wall, out);
	ck_assert_str_eq(out, dates[_i].text);
}
END_TEST

START_TEST(a_mad_clock_writes_a_date_that_fits)
{
	static const int64_t mad[] = { INT64_MIN, INT64_MAX, -1,
		253402300800000 };
	char out[DATE_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(mad); i++) {
		date_format(mad[i], out);
		ck_assert_uint_lt(strlen(out), DATE_SIZE);
	}
}
END_TEST

static void
expect(struct buf *out, const char *want)
{
	ck_assert_msg(span_equal(buf_span(out), span_text(want)), "%.*s",
	    SPAN_ARG(buf_span(out)));
	buf_clear(out);
}

static struct trace
usual(void)
{
	return (struct trace){
		.helo = SPAN("client.test"),
		.client = SPAN("192.0.2.9"),
		.hostname = SPAN("relay.test"),
		.protocol = SPAN("ESMTPSA"),
		.tls = SPAN("TLSv1.3"),
		.cipher = SPAN("TLS_AES_256_GCM_SHA384"),
		.rcpt = SPAN("b@c.test"),
		.qid = SPAN("8c01"),
		.when = 1000000000000,
	};
}

START_TEST(received_says_from_whom_by_whom_and_how)
{
	struct trace t = usual();
	struct buf out = { 0 };

	trace_write_received(&out, &t);
	expect(&out, "Received: from client.test ([192.0.2.9])\r\n"
		     "\tby relay.test (Postern) with ESMTPSA id 8c01\r\n"
		     "\tfor <b@c.test>\r\n"
		     "\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3);\r\n"
		     "\tSun, 09 Sep 2001 01:46:40 +0000\r\n");
}
END_TEST

START_TEST(received_leaves_out_what_is_not_known)
{
	struct trace t = usual();
	struct buf out = { 0 };

	t.rcpt = SPAN("");
	t.cipher = SPAN("");
	t.helo = SPAN("");
	t.client = SPAN("2001:db8::9");
	t.priority = SPAN("-3");
	trace_write_received(&out, &t);
	expect(&out, "Received: from unknown ([IPv6:2001:db8::9])\r\n"
		     "\tby relay.test (Postern) with ESMTPSA id 8c01\r\n"
		     "\tPRIORITY -3;\r\n"
		     "\tSun, 09 Sep 2001 01:46:40 +0000\r\n");
}
END_TEST

static const char *const helos[] = {
	"x\r\nBcc: evil@x.test",
	"x (comment) \"quoted\"",
	"x;y<z>",
	"\xc3\xa4\x01\x7f",
};

START_TEST(a_client_cannot_write_in_its_name_what_does_harm)
{
	struct trace t = usual();
	struct buf out = { 0 };
	struct span line, all;

	t.helo = span_text(helos[_i]);
	trace_write_received(&out, &t);
	all = buf_span(&out);
	line = span_cut(&all, '\n');
	ck_assert(span_ends_nocase(line, SPAN(" ([192.0.2.9])\r")));
	line = span_to(span_from(line, 15), t.helo.len);
	for (size_t i = 0; i < line.len; i++)
		ck_assert(ascii_is_alnum(line.ptr[i]) ||
			  strchr(".-_:[]?", line.ptr[i]) != NULL);
	buf_clear(&out);
}
END_TEST

START_TEST(missing_fields_are_written)
{
	struct buf out = { 0 };

	trace_write_date(&out, 0);
	expect(&out, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n");
	trace_write_from(&out, SPAN("\"a b\"@c.test"));
	expect(&out, "From: <\"a b\"@c.test>\r\n");
	trace_write_message_id(&out, SPAN("8c01"), 0xabc, SPAN("relay.test"));
	expect(&out, "Message-ID: <8c01.abc@relay.test>\r\n");
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_date_is_written, 0, (int)ARRAY_LEN(dates));
	tcase_add_test(tc, a_mad_clock_writes_a_date_that_fits);
	tcase_add_test(tc, received_says_from_whom_by_whom_and_how);
	tcase_add_test(tc, received_leaves_out_what_is_not_known);
	tcase_add_loop_test(tc,
	    a_client_cannot_write_in_its_name_what_does_harm, 0,
	    (int)ARRAY_LEN(helos));
	tcase_add_test(tc, missing_fields_are_written);
}

SUITE_MAIN("trace", fill)
