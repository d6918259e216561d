#include "tests/lib/suite.h"

#include "mail/transfer.h"

#define X10 "xxxxxxxxxx"
#define X70 X10 X10 X10 X10 X10 X10 X10

static const struct {
	enum transfer_way way;
	struct span in, want;
} cases[] = {
	{ TRANSFER_AS_IT_IS, { "a\xff\0b", 4 }, { "a\xff\0b", 4 } },
	{ TRANSFER_QUOTED_PRINTABLE, { "", 0 }, { "", 0 } },
	{ TRANSFER_QUOTED_PRINTABLE, { "a=b\r\n", 5 }, { "a=3Db\r\n", 7 } },
	{ TRANSFER_QUOTED_PRINTABLE, { "\xc3\xbc", 2 }, { "=C3=BC", 6 } },
	/* Blanks at the end of a line would be lost on the way. */
	{ TRANSFER_QUOTED_PRINTABLE, { "a \t\r\nb \r\n", 9 },
	    { "a =09\r\nb=20\r\n", 13 } },
	{ TRANSFER_QUOTED_PRINTABLE, { "a ", 2 }, { "a=20", 4 } },
	{ TRANSFER_QUOTED_PRINTABLE, { " \r\n", 3 }, { "=20\r\n", 5 } },
	/* Only CRLF is a line's end. */
	{ TRANSFER_QUOTED_PRINTABLE, { "a\nb\rc\r\r\nd\0", 10 },
	    { "a=0Ab=0Dc=0D\r\nd=00", 18 } },
	{ TRANSFER_QUOTED_PRINTABLE, { "a\r", 2 }, { "a=0D", 4 } },
	{ TRANSFER_QUOTED_PRINTABLE, { ".a\r\nFrom b\r\n..", 14 },
	    { "=2Ea\r\n=46rom b\r\n=2E.", 20 } },
	/* 76 characters at most, the "=" at the end included. */
	{ TRANSFER_QUOTED_PRINTABLE, { X70 "12345\r\n", 77 },
	    { X70 "12345\r\n", 77 } },
	{ TRANSFER_QUOTED_PRINTABLE, { X70 "123456", 76 },
	    { X70 "12345=\r\n6", 79 } },
	{ TRANSFER_QUOTED_PRINTABLE, { X70 "123\xc3", 74 },
	    { X70 "123=\r\n=C3", 79 } },
	{ TRANSFER_QUOTED_PRINTABLE, { X70 "12345.", 76 },
	    { X70 "12345=\r\n=2E", 81 } },
	/* A line that the text did not have is never a delimiter. */
	{ TRANSFER_QUOTED_PRINTABLE, { X70 "12345--x", 78 },
	    { X70 "12345=\r\n=2D-x", 83 } },
	{ TRANSFER_MEND_QUOTED, { "a\n--x\r\n--y", 10 },
	    { "a\r\n=2D-x\r\n=2D-y", 15 } },
	{ TRANSFER_BASE64, { "", 0 }, { "", 0 } },
	{ TRANSFER_BASE64, { "a", 1 }, { "YQ==", 4 } },
	{ TRANSFER_BASE64, { "abcd", 4 }, { "YWJjZA==", 8 } },
	{ TRANSFER_BASE64,
	    { "123456789012345678901234567890123456789012345678901234567", 57 },
	    { "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Nj"
	      "c4OTAxMjM0NTY3",
		76 } },
	{ TRANSFER_BASE64,
	    { "123456789012345678901234567890123456789012345678901234567x",
		58 },
	    { "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Nj"
	      "c4OTAxMjM0NTY3\r\neA==",
		82 } },
	{ TRANSFER_MEND_QUOTED, { "a=3D\xfc\r\n b\0=\r\n", 13 },
	    { "a=3D=FC\r\n b=00=\r\n", 17 } },
	{ TRANSFER_MEND_QUOTED, { "a\nb\rc\r", 6 }, { "a\r\nb=0Dc=0D", 11 } },
	{ TRANSFER_MEND_BASE64, { "YW\xff\nJj\0\r\nZA=\r=-", 15 },
	    { "YWJjZA==", 8 } },
};

START_TEST(octets_pass_and_are_what_they_were)
{
	struct buf out = { 0 };

	for (size_t step = 1; step <= cases[_i].in.len + 1; step++) {
		struct transfer t = { .way = cases[_i].way };
		struct span rest = cases[_i].in;

		while (rest.len > 0) {
			transfer_add(&t, span_to(rest, step), &out);
			rest = span_from(rest, step);
		}
		transfer_end(&t, &out);
		ck_assert_msg(span_equal(buf_span(&out), cases[_i].want),
		    "case %d by %zu gives '%.*s'", _i, step,
		    SPAN_ARG(buf_span(&out)));
		buf_reset(&out);
	}
	buf_clear(&out);
}
END_TEST

/* No line is beyond what RFC 5321 lets a host take, and no escape is cut. */
START_TEST(what_claims_to_be_quoted_is_folded_between_escapes)
{
	struct transfer t = { .way = TRANSFER_MEND_QUOTED };
	struct buf out = { 0 };
	struct span rest;
	size_t n = 0;

	for (int i = 0; i < 700; i++)
		transfer_add(&t, SPAN("=41b"), &out);
	transfer_end(&t, &out);
	rest = buf_span(&out);
	while (rest.len > 0) {
		struct span line = span_cut(&rest, '\n');

		ck_assert_uint_le(line.len, 998);
		if (rest.len > 0)
			ck_assert(span_ends_nocase(line, SPAN("=\r")));
		if (rest.len > 0)
			line = span_to(line, line.len - 2);
		while (line.len > 0 && span_starts(line, SPAN("=41b"))) {
			line = span_from(line, 4);
			n++;
		}
		if (span_equal(line, SPAN("=41"))) {
			rest = span_from(rest, 1);
			n++;
		} else {
			ck_assert_uint_eq(line.len, 0);
		}
	}
	ck_assert_uint_eq(n, 700);
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, octets_pass_and_are_what_they_were, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, what_claims_to_be_quoted_is_folded_between_escapes);
}

SUITE_MAIN("transfer", fill)
