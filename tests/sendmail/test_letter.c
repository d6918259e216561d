#include "tests/lib/suite.h"

#include "sendmail/letter.h"

static const struct {
	bool dot_ends;
	const char *in, *want;
} lines[] = {
	{ true, "", "" },
	{ true, "a\nb\n", "a\r\nb\r\n" },
	{ true, "a\r\nb", "a\r\nb\r\n" },
	{ true, "\n\n", "\r\n\r\n" },
	{ true, "a\n.\nb\n", "a\r\n" },
	{ true, "a\r\n.\r\nb\r\n", "a\r\n" },
	{ true, "a\n.", "a\r\n" },
	{ true, "..\n.a\n", "..\r\n.a\r\n" },
	{ false, "a\n.\nb\n", "a\r\n.\r\nb\r\n" },
	{ false, ".", ".\r\n" },
	/* What is no line's end stays, for the relay to judge. */
	{ true, "a\rb\n", "a\rb\r\n" },
	{ true, ".\r\r\n", ".\r\r\n" },
	{ true, "\ra\r", "\ra\r\r\n" },
	{ true, ".\rx\n", ".\rx\r\n" },
};

START_TEST(lines_end_in_crlf_and_a_dot_ends_all)
{
	struct span in = span_text(lines[_i].in);
	struct buf out = { 0 };

	for (size_t step = 1; step <= in.len + 1; step++) {
		struct letter_lines l = { .dot_ends = lines[_i].dot_ends };
		struct span rest = in;

		while (rest.len > 0) {
			letter_lines_add(&l, span_to(rest, step), &out);
			rest = span_from(rest, step);
		}
		letter_lines_end(&l, &out);
		ck_assert_msg(
		    span_equal(buf_span(&out), span_text(lines[_i].want)),
		    "line %d gives '%.*s'", _i, SPAN_ARG(buf_span(&out)));
		buf_reset(&out);
	}
	buf_clear(&out);
}
END_TEST

#define FROM "From: \"Ann \\\"A\\\" B\" <ann@h.test>\r\n"

static const struct {
	const char *in, *want;
} headers[] = {
	/* Nothing but text. */
	{ "", FROM "\r\n" },
	{ "\r\n", FROM "\r\n" },
	{ "Subject: x\r\n", FROM "Subject: x\r\n\r\n" },
	{ "Subject: x\r\n\r\n", FROM "Subject: x\r\n\r\n" },
	/* As cron writes it. */
	{ "From: root (Cron Daemon)\r\nTo: root\r\n\r\n",
	    "From: root@h.test (Cron Daemon)\r\nTo: root@h.test\r\n\r\n" },
	{ "From: A <a>, b@c.test\r\ncc: x (z),\r\n <q>\r\n\r\n",
	    "From: A <a@h.test>, b@c.test\r\ncc: x@h.test (z),\r\n "
	    "<q@h.test>\r\n\r\n" },
	{ "From: A <a@b.test>\r\nX-To: a\r\nTo: g: a, b;\r\n\r\n",
	    "From: A <a@b.test>\r\nX-To: a\r\nTo: g: a@h.test, b@h.test;\r\n"
	    "\r\n" },
	/* What cannot be read stays. */
	{ "From: a b c\r\n\r\n", "From: a b c\r\n\r\n" },
	{ "From ann Mon Nov  2 10:00:00 2026\r\nFrom: a@b.test\r\n\r\n",
	    "From: a@b.test\r\n\r\n" },
};

static const struct letter_sender ann = { .address = { "ann@h.test", 10 },
	.name = { "Ann \"A\" B", 9 },
	.hostname = { "h.test", 6 } };

START_TEST(a_header_is_made_whole)
{
	struct buf out = { 0 };

	letter_header_write(span_text(headers[_i].in), &ann, &out);
	ck_assert_msg(span_equal(buf_span(&out), span_text(headers[_i].want)),
	    "%s gives %.*s", headers[_i].in, SPAN_ARG(buf_span(&out)));
	buf_clear(&out);
}
END_TEST

START_TEST(a_name_beyond_ascii_is_encoded)
{
	struct letter_sender s = ann;
	struct buf out = { 0 };

	s.name = SPAN("J\xc3\xb6rg");
	letter_header_write(SPAN(""), &s, &out);
	ck_assert(span_equal(buf_span(&out),
	    SPAN("From: =?utf-8?Q?J=C3=B6rg?= <ann@h.test>\r\n\r\n")));
	buf_clear(&out);
}
END_TEST

static const struct {
	const char *header;
	enum letter_status status;
	const char *rcpts, *bad;
} rcpts[] = {
	{ "Subject: x\r\n\r\n", LETTER_OK, "", "" },
	{ "To: a, B <b@c.test>\r\nCc: x (y)\r\nBcc: z\r\n\r\n", LETTER_OK,
	    "a@h.test b@c.test x@h.test z@h.test ", "" },
	{ "To: a\r\nTo: b\r\n\r\n", LETTER_OK, "a@h.test b@h.test ", "" },
	{ "To: g: a, b@c.test;, d\r\n\r\n", LETTER_OK,
	    "a@h.test b@c.test d@h.test ", "" },
	{ "To: undisclosed-recipients:;\r\nBcc: z\r\n\r\n", LETTER_OK,
	    "z@h.test ", "" },
	/* It was sent before, and is sent on. */
	{ "To: a\r\nResent-To: b\r\nResent-Bcc: c\r\n\r\n", LETTER_OK,
	    "b@h.test c@h.test ", "" },
	{ "From a Mon\r\nTo: a\r\n\r\n", LETTER_OK, "a@h.test ", "" },
	{ "To: a b c\r\n\r\n", LETTER_UNCLEAR, "", "To" },
	{ "To: a\r\nCc: <b\r\n\r\n", LETTER_UNCLEAR, "a@h.test ", "Cc" },
};

START_TEST(a_header_says_to_whom_it_goes)
{
	struct letter_rcpts r = { 0 };
	struct span bad = { "", 0 };
	struct buf all = { 0 };

	ck_assert_int_eq(letter_header_rcpts(span_text(rcpts[_i].header),
			     SPAN("h.test"), &r, &bad),
	    rcpts[_i].status);
	for (size_t i = 0; i < r.n; i++)
		(void)buf_printf(&all, "%s ", r.list[i]);
	ck_assert_msg(span_equal(buf_span(&all), span_text(rcpts[_i].rcpts)),
	    "%s gives %.*s", rcpts[_i].header, SPAN_ARG(buf_span(&all)));
	if (rcpts[_i].status != LETTER_OK)
		ck_assert(span_equal(bad, span_text(rcpts[_i].bad)));
	letter_rcpts_clear(&r);
	buf_clear(&all);
}
END_TEST

/* A command's line would end there, or the address. */
START_TEST(an_address_has_no_control_characters)
{
	static const struct span texts[] = { { "\"a\0\"@b.test", 11 },
		{ "\"a\rb\"@b.test", 12 }, { "\"a\nb\"@b.test", 12 },
		{ "a\0@b.test", 9 }, { "\"a\x7f\"@b.test", 11 } };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct letter_rcpts r = { 0 };

		ck_assert_int_eq(letter_rcpts_add(&r, texts[i], SPAN("h.test")),
		    LETTER_UNCLEAR);
		ck_assert_uint_eq(r.n, 0);
		letter_rcpts_clear(&r);
	}
}
END_TEST

START_TEST(recipients_have_a_bound)
{
	struct letter_rcpts r = { 0 };
	struct buf text = { 0 };

	for (int i = 0; i < 1001; i++)
		(void)buf_append_text(&text, "a,");
	for (int i = 0; i < 99; i++)
		ck_assert_int_eq(
		    letter_rcpts_add(&r, buf_span(&text), SPAN("h")),
		    LETTER_OK);
	ck_assert_uint_eq(r.n, 99 * 1001);
	ck_assert_int_eq(
	    letter_rcpts_add(&r, buf_span(&text), SPAN("h")), LETTER_TOO_MANY);
	ck_assert_uint_eq(r.n, LETTER_RCPTS_MAX);
	letter_rcpts_clear(&r);
	buf_clear(&text);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, lines_end_in_crlf_and_a_dot_ends_all, 0, ARRAY_LEN(lines));
	tcase_add_loop_test(tc, a_header_is_made_whole, 0, ARRAY_LEN(headers));
	tcase_add_test(tc, a_name_beyond_ascii_is_encoded);
	tcase_add_loop_test(
	    tc, a_header_says_to_whom_it_goes, 0, ARRAY_LEN(rcpts));
	tcase_add_test(tc, an_address_has_no_control_characters);
	tcase_add_test(tc, recipients_have_a_bound);
}

SUITE_MAIN("letter", fill)
