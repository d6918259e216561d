#include "tests/lib/suite.h"

#include <string.h>

#include "mail/parts.h"

/*
 * Content, and its items: H header (with its form: leaf, multipart, message,
 * sealed), B body, - between. What is in brackets is what stood there.
 */
static const struct {
	const char *text, *want;
} cases[] = {
	{ "", "" },
	{ "A: b\r\n", "Hl[A: b\r\n]" },
	{ "A: b\r\n\r\n", "Hl[A: b\r\n\r\n]" },
	{ "A: b\r\n\r\nc\r\n", "Hl[A: b\r\n\r\n]B[c\r\n]" },
	{ "A: b\r\ntext\r\n", "Hl[A: b\r\n]B[text\r\n]" },
	{ "A: b\r\n\r\n--x\r\n-", "Hl[A: b\r\n\r\n]B[--x\r\n-]" },
	/* The line end before a delimiter is the delimiter's. */
	{ "Content-Type: multipart/mixed; boundary=x\r\n\r\nhi\r\n--x\r\n"
	  "A: b\r\n\r\nc\r\n\r\n--x--\r\nend\r\n",
	    "Hm[Content-Type: multipart/mixed; boundary=x\r\n\r\n]-[hi]"
	    "-[\r\n--x\r\n]Hl[A: "
	    "b\r\n\r\n]B[c\r\n]-[\r\n--x--\r\n]-[end\r\n]" },
	/* Without a preamble, and parts without headers. */
	{ "Content-Type: multipart/mixed; boundary=\"x y\"\r\n\r\n--x y\r\n\r\n"
	  "c\r\n--x y \t\r\n--x y--",
	    "Hm[Content-Type: multipart/mixed; boundary=\"x y\"\r\n\r\n]"
	    "-[--x y\r\n]Hl[\r\n]B[c]-[\r\n--x y \t\r\n]Hl[]-[--x y--]" },
	/* A delimiter where the blank line should be. */
	{ "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nA: b\r\n"
	  "--x--\r\n",
	    "Hm[Content-Type: multipart/mixed; boundary=x\r\n\r\n]-[--x\r\n]"
	    "Hl[A: b\r\n]-[--x--\r\n]" },
	/* What only looks like one. */
	{ "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n"
	  "--xy\r\n --x\r\nz--x\r\n--\r\n---x\r\n\n--x\r\n--x--\r\n",
	    "Hm[Content-Type: multipart/mixed; boundary=x\r\n\r\n]-[--x\r\n]"
	    "Hl[\r\n]B[--xy\r\n --x\r\nz--x\r\n--\r\n---x\r\n\n--x]"
	    "-[\r\n--x--\r\n]" },
	/* An outer one ends the inner. */
	{ "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
	  "Content-Type: multipart/alternative; boundary=xy\r\n\r\n--xy\r\n\r\n"
	  "c\r\n--x\r\n\r\nd\r\n--xy\r\n--x--\r\n",
	    "Hm[Content-Type: multipart/mixed; boundary=x\r\n\r\n]-[--x\r\n]"
	    "Hm[Content-Type: multipart/alternative; boundary=xy\r\n\r\n]"
	    "-[--xy\r\n]Hl[\r\n]B[c]-[\r\n--x\r\n]Hl[\r\n]B[d\r\n--xy]"
	    "-[\r\n--x--\r\n]" },
	/* Behind its last delimiter a multipart has no more parts. */
	{ "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n--x\r\n"
	  "A: b\r\n",
	    "Hm[Content-Type: multipart/mixed; boundary=x\r\n\r\n]-[--x--\r\n]"
	    "-[--x\r\nA: b\r\n]" },
	{ "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
	  "Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nc\r\n--x--\r\n",
	    "Hm[Content-Type: multipart/mixed; boundary=x\r\n\r\n]-[--x\r\n]"
	    "Hg[Content-Type: message/rfc822\r\n\r\n]Hl[A: b\r\n\r\n]B[c]"
	    "-[\r\n--x--\r\n]" },
	{ "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\n"
	  "A: b\r\n\r\nc\r\n--x\r\nContent-Type: text/plain\r\n\r\nd\r\n"
	  "--x--\r\n",
	    "Hm[Content-Type: multipart/digest; boundary=x\r\n\r\n]-[--x\r\n]"
	    "Hg[\r\n]Hl[A: b\r\n\r\n]B[c]-[\r\n--x\r\n]"
	    "Hl[Content-Type: text/plain\r\n\r\n]B[d]-[\r\n--x--\r\n]" },
	/* Not looked into. */
	{ "Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\nc\r\n",
	    "Hs[Content-Type: multipart/signed; boundary=x\r\n\r\n]"
	    "B[--x\r\n\r\nc\r\n]" },
	{ "Content-Type: multipart/mixed\r\n\r\n--x\r\n",
	    "Hs[Content-Type: multipart/mixed\r\n\r\n]B[--x\r\n]" },
	{ "Content-Type: message/partial; id=a\r\n\r\nc\r\n",
	    "Hs[Content-Type: message/partial; id=a\r\n\r\n]B[c\r\n]" },
	{ "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64"
	  "\r\n\r\nYQ==\r\n",
	    "Hl[Content-Type: message/rfc822\r\nContent-Transfer-Encoding: "
	    "base64\r\n\r\n]B[YQ==\r\n]" },
	/* As people write it. */
	{ "content-TYPE:\r\n MULTIPART (a (b) \\) c) / Mixed ; "
	  "charset=\"a;\\\"\";\r\n"
	  "\tBoundary = \"x\\y\" (z)\r\n\r\n--xy--\r\n",
	    "Hm[content-TYPE:\r\n MULTIPART (a (b) \\) c) / Mixed ; "
	    "charset=\"a;\\\"\";\r\n\tBoundary = \"x\\y\" (z)\r\n\r\n]"
	    "-[--xy--\r\n]" },
	{ "Content-Type: multipart/mixed; boundary=a/b=c:d\r\n\r\n"
	  "--a/b=c:d--\r\n",
	    "Hm[Content-Type: multipart/mixed; boundary=a/b=c:d\r\n\r\n]"
	    "-[--a/b=c:d--\r\n]" },
	/* The first counts. */
	{ "Content-Type: text/plain\r\nContent-Type: multipart/mixed; "
	  "boundary=x\r\n\r\n--x--\r\n",
	    "Hl[Content-Type: text/plain\r\nContent-Type: multipart/mixed; "
	    "boundary=x\r\n\r\n]B[--x--\r\n]" },
	{ "Content-Type: multipart/mixed; boundary=x; boundary=y\r\n\r\n"
	  "--x--\r\n",
	    "Hm[Content-Type: multipart/mixed; boundary=x; boundary=y\r\n\r\n]"
	    "-[--x--\r\n]" },
};

/* Pieces of one kind that follow each other count as one. */
struct told {
	struct buf text;
	char last;
};

static void
tell(struct told *t, char kind, const char *form, struct span text)
{
	if (text.len == 0 && kind != 'H')
		return;
	if (kind == t->last && kind == 'B') {
		buf_truncate(&t->text, buf_len(&t->text) - 1);
	} else {
		(void)buf_append_char(&t->text, kind);
		(void)buf_append_text(&t->text, form);
		(void)buf_append_char(&t->text, '[');
	}
	(void)buf_append_span(&t->text, text);
	(void)buf_append_char(&t->text, ']');
	t->last = kind;
}

/* All that comes out, in order, is all that went in. */
static void
walk(struct span text, size_t step, struct told *told, struct buf *all)
{
	static const char *const forms[] = { [PART_LEAF] = "l",
		[PART_MULTIPART] = "m",
		[PART_MESSAGE] = "g",
		[PART_SEALED] = "s" };
	struct parts p = { 0 };
	struct parts_item item;

	for (;;) {
		enum parts_what what = parts_next(&p, text.len == 0, &item);

		(void)buf_append_span(all, item.text);
		if (what == PARTS_END)
			break;
		switch (what) {
		case PARTS_MORE:
			parts_add(&p, span_to(text, step));
			text = span_from(text, step);
			break;
		case PARTS_HEADER:
			tell(told, 'H', forms[item.part.form], item.text);
			break;
		case PARTS_BODY: tell(told, 'B', "", item.text); break;
		case PARTS_BETWEEN: tell(told, '-', "", item.text); break;
		case PARTS_END:
		case PARTS_FAULT: ck_abort_msg("a fault");
		}
	}
	parts_clear(&p);
}

START_TEST(parts_are_found)
{
	struct told told = { 0 };
	struct buf all = { 0 };

	walk(span_text(cases[_i].text), PARTS_ADD_MAX, &told, &all);
	ck_assert_msg(
	    span_equal(buf_span(&told.text), span_text(cases[_i].want)),
	    "%s\n gives\n%.*s", cases[_i].text, SPAN_ARG(buf_span(&told.text)));
	ck_assert(span_equal(buf_span(&all), span_text(cases[_i].text)));
	buf_clear(&told.text);
	buf_clear(&all);
}
END_TEST

/* In pieces the same headers are found; what is between may come in more items. */
START_TEST(nothing_is_lost_in_pieces)
{
	struct span text = span_text(cases[_i].text);

	for (size_t step = 1; step <= text.len; step++) {
		struct told told = { 0 };
		struct buf all = { 0 };
		size_t headers = 0, wanted = 0;

		walk(text, step, &told, &all);
		ck_assert(span_equal(buf_span(&all), text));
		for (size_t i = 0; i + 2 < buf_len(&told.text); i++)
			headers +=
			    memcmp(buf_span(&told.text).ptr + i, "H", 1) == 0;
		for (const char *c = cases[_i].want; *c != '\0'; c++)
			wanted += *c == 'H';
		ck_assert_uint_eq(headers, wanted);
		buf_clear(&told.text);
		buf_clear(&all);
	}
}
END_TEST

START_TEST(what_a_header_says)
{
	static const char text[] =
	    "MIME-Version: 1.0\r\nContent-Type: image/png"
	    "\r\nContent-Transfer-Encoding: (x) "
	    "Quoted-Printable\r\n\r\n";
	struct parts p = { 0 };
	struct parts_item item;

	parts_add(&p, span_text(text));
	ck_assert_int_eq(parts_next(&p, true, &item), PARTS_HEADER);
	ck_assert(item.part.has_mime_version && item.part.has_type &&
		  item.part.has_blank && !item.part.is_text);
	ck_assert_int_eq(item.part.encoding, ENCODING_QUOTED_PRINTABLE);
	parts_clear(&p);
	parts_add(&p, SPAN("Content-Transfer-Encoding: x-uuencode\r\na\r\n"));
	ck_assert_int_eq(parts_next(&p, true, &item), PARTS_HEADER);
	ck_assert(!item.part.has_mime_version && !item.part.has_type &&
		  !item.part.has_blank && item.part.is_text);
	ck_assert_int_eq(item.part.encoding, ENCODING_OTHER);
	parts_clear(&p);
}
END_TEST

START_TEST(depth_and_headers_have_bounds)
{
	struct buf text = { 0 }, all = { 0 };
	struct told told = { 0 };
	struct parts p = { 0 };
	struct parts_item item;
	char line[1001];

	for (int i = 0; i < PARTS_DEPTH_MAX + 2; i++)
		(void)buf_append_text(
		    &text, "Content-Type: message/rfc822\r\n\r\n");
	walk(buf_span(&text), 1000, &told, &all);
	ck_assert_uint_eq(buf_len(&all), buf_len(&text));
	ck_assert(span_find(buf_span(&told.text), 's') < buf_len(&told.text));
	memset(line, 'a', sizeof line);
	line[1] = ':';
	line[999] = '\r';
	line[1000] = '\n';
	for (int i = 0; i <= PARTS_HEADER_MAX / 1001; i++) {
		ck_assert_int_eq(parts_next(&p, false, &item), PARTS_MORE);
		parts_add(&p, span_make(line, sizeof line));
	}
	ck_assert_int_eq(parts_next(&p, false, &item), PARTS_FAULT);
	parts_clear(&p);
	buf_clear(&text);
	buf_clear(&all);
	buf_clear(&told.text);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, parts_are_found, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, nothing_is_lost_in_pieces, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, what_a_header_says);
	tcase_add_test(tc, depth_and_headers_have_bounds);
}

SUITE_MAIN("parts", fill)
