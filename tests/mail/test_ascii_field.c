#include "tests/lib/suite.h"

#include "mail/ascii_field.h"

#define UE "\xc3\xbc"
#define ABCD "\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0"

static const struct {
	const char *field, *want; /* want NULL: there is no way */
} cases[] = {
	{ "Subject: " UE "\r\n", "Subject: =?utf-8?Q?=C3=BC?=\r\n" },
	{ "Subject: a b" UE " c " UE " d e\r\n",
	    "Subject: a =?utf-8?Q?b=C3=BC_c_=C3=BC?= d e\r\n" },
	{ "Subject: \xfc x\r\n", "Subject: =?unknown-8bit?Q?=FC?= x\r\n" },
	{ "X-A: " UE "\r\n\t" UE "\r\n", "X-A: =?utf-8?Q?=C3=BC_=C3=BC?=\r\n" },
	/* A blank next to what is encoded already is said, or it would go. */
	{ "Subject: =?utf-8?Q?a?= " UE " =?utf-8?Q?b?=\r\n",
	    "Subject: =?utf-8?Q?a?= =?utf-8?Q?_=C3=BC?= =?utf-8?Q?_?= "
	    "=?utf-8?Q?b?=\r\n" },
	{ "Subject: \xd0\xb0\xd0\xb1\xd0\xb2\xd0\xb3\xd0\xb4\xd0\xb5\r\n",
	    "Subject: =?utf-8?B?0LDQsdCy0LPQtNC1?=\r\n" },
	/* Words of at most 75 characters, each of whole letters. */
	{ "Subject: " ABCD ABCD ABCD ABCD ABCD ABCD "\r\n",
	    "Subject: "
	    "=?utf-8?B?"
	    "0LDQsNCw0LDQsNCw0LDQsNCw0LDQsNCw0LDQsNCw0LDQsNCw0LDQsNCw?=\r\n"
	    " =?utf-8?B?0LDQsNCw?=\r\n" },
	{ "From: J" UE "rgen <a@b.test>\r\n",
	    "From: =?utf-8?Q?J=C3=BCrgen?= <a@b.test>\r\n" },
	{ "From: \"J" UE "rgen \\\"X\\\" M.\" <a@b.test>, \"B\" <b@b.test>\r\n",
	    "From: =?utf-8?Q?J=C3=BCrgen_=22X=22_M=2E?= <a@b.test>, \"B\" "
	    "<b@b.test>\r\n" },
	{ "To: a b" UE " \"c" UE "\" d <a@b.test>,\r\n x@y.test\r\n",
	    "To: a =?utf-8?Q?b=C3=BC_c=C3=BC?= d <a@b.test>,\r\n "
	    "x@y.test\r\n" },
	{ "Cc: a@b.test (J" UE " \\( (x))\r\n",
	    "Cc: a@b.test (=?utf-8?Q?J=C3=BC_=28_=28x=29?=)\r\n" },
	{ "To: Gr" UE "ppe: a@b.test, b@b.test;\r\n",
	    "To: =?utf-8?Q?Gr=C3=BCppe?=: a@b.test, b@b.test;\r\n" },
	{ "To: A <a@b" UE "cher.test>, a@b" UE "cher.test\r\n",
	    "To: A <a@xn--bcher-kva.test>, a@xn--bcher-kva.test\r\n" },
	{ "To: <" UE "@b.test>\r\n", NULL },
	{ "Reply-To: " UE "@b.test\r\n", NULL },
	{ "Reply-To: \"" UE "\"@b.test\r\n", NULL },
	{ "To: <" UE "@b.test\r\n", NULL },
	{ "Content-Type: text/plain; name=\"a" UE ".txt\"; x=y\r\n",
	    "Content-Type: text/plain; name*=utf-8''a%C3%BC.txt; x=y\r\n" },
	{ "Content-Disposition: attachment;\r\n filename=" UE "; size=1\r\n",
	    "Content-Disposition: attachment;\r\n filename*=utf-8''%C3%BC; "
	    "size=1\r\n" },
	{ "Content-Type: text/" UE "; a=b\r\n",
	    "Content-Type: text/??; a=b\r\n" },
	{ "Subject: a\r\n", "Subject: a\r\n" },
	{ "Subject:\r\n", "Subject:\r\n" },
	{ "From: \"a\r\n", "From: \"a\r\n" },
	{ "From: (" UE "\r\n", "From: (=?utf-8?Q?=C3=BC?=)\r\n" },
	{ "From: \"" UE "\r\n", "From: =?utf-8?Q?=C3=BC?=\r\n" },
	{ "From: \\" UE "\r\n", "From: =?utf-8?Q?=C3=BC?=\r\n" },
};

START_TEST(fields_are_ascii)
{
	struct span rest = span_text(cases[_i].field);
	struct buf out = { 0 };
	struct header_field f;
	bool ok;

	ck_assert(header_next(&rest, &f));
	ok = ascii_field_write(&f, &out);
	ck_assert_msg(ok == (cases[_i].want != NULL), "%s", cases[_i].field);
	if (ok)
		ck_assert_msg(
		    span_equal(buf_span(&out), span_text(cases[_i].want)),
		    "%s gives %.*s", cases[_i].field, SPAN_ARG(buf_span(&out)));
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, fields_are_ascii, 0, ARRAY_LEN(cases));
}

SUITE_MAIN("ascii_field", fill)
