#include "tests/lib/suite.h"

#include <string.h>

#include "mail/subject.h"

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

static const struct {
	const char *header, *want;
} cases[] = {
	{ "Subject: hi\r\n", "hi" },
	{ "To: x\r\nSUBJECT:\t hi there \r\nX: y\r\n", "hi there" },
	{ "Subject: one\r\nSubject: two\r\n", "one" },
	{ "Subject: a\r\n folded\r\n\tline\r\n", "a folded line" },
	{ "Subject:\r\n", "" },
	{ "To: x\r\n", "" },
	{ "", "" },
	{ "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n", "Gr\xc3\xbc\xc3\x9f"
						   "e" },
	{ "Subject: =?UTF-8?q?Gr=C3=BC=c3=9fe_an_alle?=\r\n",
	    "Gr\xc3\xbc\xc3\x9f"
	    "e an alle" },
	{ "Subject: =?utf-8*de?Q?ja?= gut\r\n", "ja gut" },
	{ "Subject: =?us-ascii?Q?a=3Fb?=\r\n", "a?b" },
	/* RFC 2047 6.2 and 8: blanks between two words are not shown. */
	{ "Subject: =?utf-8?Q?a?= =?utf-8?Q?b?=\r\n", "ab" },
	{ "Subject: =?utf-8?Q?a?=\r\n =?utf-8?B?Yg==?= c\r\n", "ab c" },
	{ "Subject: =?utf-8?Q?a?= b =?utf-8?Q?c?=\r\n", "a b c" },
	/* A letter cut in two, as some clients do. */
	{ "Subject: =?utf-8?Q?=C3?= =?utf-8?Q?=BC?=\r\n", "\xc3\xbc" },
	{ "Subject: =?iso-2022-jp?B?GyRCJDMbKEI=?=\r\n", "\xe3\x81\x93" },
	/* What cannot be read stays as it is written. */
	{ "Subject: =?x-nowhere?B?GyRCJDMbKEI=?=\r\n",
	    "=?x-nowhere?B?GyRCJDMbKEI=?=" },
	{ "Subject: =?utf-8?B?R3LD?\r\n", "=?utf-8?B?R3LD?" },
	{ "Subject: =?utf-8?B?R3L*?=\r\n", "=?utf-8?B?R3L*?=" },
	{ "Subject: =?utf-8?Q?=4?=\r\n", "=?utf-8?Q?=4?=" },
	{ "Subject: =?utf-8?X?abc?=\r\n", "=?utf-8?X?abc?=" },
	{ "Subject: =?utf-8?Q?a b?=\r\n", "=?utf-8?Q?a b?=" },
	{ "Subject: =?\r\n", "=?" },
	/* Bytes without a charset: UTF-8, or nothing that is known. */
	{ "Subject: Gr\xc3\xbc\xc3\x9f"
	  "e\r\n",
	    "Gr\xc3\xbc\xc3\x9f"
	    "e" },
	{ "Subject: Gr\xfc\xdf"
	  "e\r\n",
	    "Gr??e" },
	{ "Subject: =?utf-8?Q?=C0=80=ED=A0=80=F4=90=80=80=FF?=\r\n",
	    "??????????" },
	/* Nothing that begins a line, moves a cursor or turns the text. */
	{ "Subject: =?utf-8?Q?a=0D=0ABcc:_b=00=1B[2J=7F?=\r\n",
	    "a  Bcc: b  [2J " },
	{ "Subject: =?utf-8?Q?a=C2=85=E2=80=A8=E2=80=AEb?=\r\n", "a   b" },
	{ "Subject: \x1b[2Jx\x07\r\n", "[2Jx " },
};

START_TEST(a_subject_is_what_a_person_reads)
{
	subject_text(span_text(cases[_i].header), &out);
	ck_assert_msg(span_equal(buf_span(&out), span_text(cases[_i].want)),
	    "%s gives %.*s", cases[_i].header, SPAN_ARG(buf_span(&out)));
}
END_TEST

/* It is cut between two letters, and shows it. */
START_TEST(a_long_subject_is_cut)
{
	struct buf header = { 0 };

	(void)buf_append_text(&header, "Subject: ");
	for (int i = 0; i < _i; i++)
		(void)buf_append_char(&header, 'x');
	for (int i = 0; i < 100000; i++)
		(void)buf_append_text(&header, "\xe2\x82\xac");
	subject_text(buf_span(&header), &out);
	ck_assert_uint_le(buf_len(&out), SUBJECT_MOST);
	ck_assert_uint_ge(buf_len(&out), SUBJECT_MOST - 6);
	ck_assert(span_ends_nocase(buf_span(&out), SPAN("\xe2\x82\xac...")));
	buf_clear(&header);
}
END_TEST

START_TEST(one_of_nothing_but_beginnings_takes_no_time)
{
	static const char *const parts[] = { "=?", "=?utf-8?q?", "=?utf-8?B?a",
		" =?utf-8?q?a?=" };
	struct buf header = { 0 };

	(void)buf_append_text(&header, "Subject: ");
	for (int i = 0; i < 20000; i++)
		(void)buf_append_text(&header, parts[_i]);
	subject_text(buf_span(&header), &out);
	ck_assert_uint_le(buf_len(&out), SUBJECT_MOST);
	buf_clear(&header);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, a_subject_is_what_a_person_reads, 0, (int)ARRAY_LEN(cases));
	tcase_add_loop_test(tc, a_long_subject_is_cut, 0, 3);
	tcase_add_loop_test(
	    tc, one_of_nothing_but_beginnings_takes_no_time, 0, 4);
}

SUITE_MAIN("subject", fill)
