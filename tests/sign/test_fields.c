#include "tests/lib/suite.h"

#include <string.h>

#include "sign/fields.h"

#define SHUT "from:to:cc:subject:reply-to"

static const struct {
	const char *header, *names, *canonical;
} cases[] = {
	{ "From: <a@b.test>\r\n\r\n", "from:" SHUT, "from:<a@b.test>\r\n" },
	/* From the last to the first (RFC 6376 5.4.2). */
	{ "Received: x\r\nFrom: a@b.test\r\nTo: c@d.test\r\nX-Own: y\r\n"
	  "Subject:  hi\r\n there\r\n\r\n",
	    "subject:to:from:" SHUT,
	    "subject:hi there\r\nto:c@d.test\r\nfrom:a@b.test\r\n" },
	{ "To: one@d.test\r\nFrom: a@b.test\r\nTo: two@d.test\r\n\r\n",
	    "to:from:to:" SHUT,
	    "to:two@d.test\r\nfrom:a@b.test\r\nto:one@d.test\r\n" },
	{ "Date: d\r\nMessage-ID: <i>\r\nMIME-Version: 1.0\r\n"
	  "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n"
	  "In-Reply-To: <r>\r\nReferences: <r>\r\nSender: s@b.test\r\n"
	  "Reply-To: r@b.test\r\nCc: c@b.test\r\nFrom: a@b.test\r\n",
	    "from:cc:reply-to:sender:references:in-reply-to:"
	    "content-transfer-encoding:content-type:mime-version:message-id:"
	    "date:" SHUT,
	    "from:a@b.test\r\ncc:c@b.test\r\nreply-to:r@b.test\r\n"
	    "sender:s@b.test\r\nreferences:<r>\r\nin-reply-to:<r>\r\n"
	    "content-transfer-encoding:8bit\r\ncontent-type:text/plain\r\n"
	    "mime-version:1.0\r\nmessage-id:<i>\r\ndate:d\r\n" },
	/* RFC 8058 4 */
	{ "List-Unsubscribe: <https://u.test>\r\n"
	  "LIST-UNSUBSCRIBE-POST: List-Unsubscribe=One-Click\r\n"
	  "List-: odd\r\nList-Id;x: y\r\nFrom : a@b.test\r\n\r\n",
	    "from:list-unsubscribe-post:list-unsubscribe:" SHUT,
	    "from:a@b.test\r\n"
	    "list-unsubscribe-post:List-Unsubscribe=One-Click\r\n"
	    "list-unsubscribe:<https://u.test>\r\n" },
};

START_TEST(a_header_is_covered)
{
	struct fields f;

	ck_assert(fields_read(span_text(cases[_i].header), &f));
	ck_assert_msg(
	    span_equal(buf_span(&f.names), span_text(cases[_i].names)), "%.*s",
	    SPAN_ARG(buf_span(&f.names)));
	ck_assert_msg(
	    span_equal(buf_span(&f.canonical), span_text(cases[_i].canonical)),
	    "%.*s", SPAN_ARG(buf_span(&f.canonical)));
	fields_clear(&f);
}
END_TEST

START_TEST(the_first_from_is_found)
{
	struct fields f;

	ck_assert(fields_read(
	    SPAN("X: y\r\nFROM: one@b.test\r\nFrom: two@b.test\r\n\r\n"), &f));
	ck_assert(span_equal(f.from, SPAN("one@b.test")));
	fields_clear(&f);
}
END_TEST

START_TEST(without_from_there_is_nothing_to_sign)
{
	struct fields f;

	ck_assert(!fields_read(SPAN("To: a@b.test\r\n\r\n"), &f));
	fields_clear(&f);
}
END_TEST

START_TEST(too_many_fields_are_not_signed)
{
	struct buf header = { 0 };
	struct fields f;

	(void)buf_append_text(&header, "From: a@b.test\r\n");
	for (int i = 1; i < FIELDS_MAX; i++)
		(void)buf_append_text(&header, "To: c@d.test\r\n");
	ck_assert(fields_read(buf_span(&header), &f));
	fields_clear(&f);
	(void)buf_append_text(&header, "To: c@d.test\r\n");
	ck_assert(!fields_read(buf_span(&header), &f));
	fields_clear(&f);
	buf_clear(&header);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_header_is_covered, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, the_first_from_is_found);
	tcase_add_test(tc, without_from_there_is_nothing_to_sign);
	tcase_add_test(tc, too_many_fields_are_not_signed);
}

SUITE_MAIN("fields", fill)
