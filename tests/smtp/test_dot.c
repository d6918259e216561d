#include "tests/lib/suite.h"

#include <string.h>

#include "smtp/dot.h"

#define S(lit)                                                                 \
	{                                                                      \
		(lit), sizeof(lit) - 1                                         \
	}

/* What is on the wire, what it says, what is seen on the way. */
static const struct {
	const char *name;
	struct span wire;
	const char *rest; /* behind the end; NULL: there is no end */
	struct span content;
	bool bare, nul, has_8bit, has_dots;
} cases[] = {
	{ "nothing", S(".\r\n"), "", S(""), 0, 0, 0, 0 },
	{ "plain", S("a\r\nb\r\n.\r\nQUIT\r\n"), "QUIT\r\n", S("a\r\nb\r\n"), 0,
	    0, 0, 0 },
	{ "stuffed", S("..a\r\n...\r\n..\r\n.\r\n"), "", S(".a\r\n..\r\n.\r\n"),
	    0, 0, 0, 1 },
	{ "dots_inside_lines", S("a.\r\n b..\r\n.\r\n"), "",
	    S("a.\r\n b..\r\n"), 0, 0, 0, 0 },
	{ "single_dot_is_dropped", S(".a\r\n.\r\n"), "", S("a\r\n"), 0, 0, 0,
	    0 },
	{ "eight_bit", S("\xc3\xa4\r\n.\r\n"), "", S("\xc3\xa4\r\n"), 0, 0, 1,
	    0 },
	{ "lf_dot_lf_is_no_end", S("a\n.\nb\r\n.\r\n"), "", S("a\n.\nb\r\n"), 1,
	    0, 0, 0 },
	{ "lf_dot_crlf_is_no_end", S("a\n.\r\nMAIL\r\n.\r\n"), "",
	    S("a\n.\r\nMAIL\r\n"), 1, 0, 0, 0 },
	{ "crlf_dot_lf_is_no_end", S("a\r\n.\nMAIL\r\n.\r\n"), "",
	    S("a\r\n\nMAIL\r\n"), 1, 0, 0, 0 },
	{ "cr_dot_cr_is_no_end", S("a\r.\rb\r\n.\r\n"), "", S("a\r.\rb\r\n"), 1,
	    0, 0, 0 },
	{ "crlf_dot_cr_is_no_end", S("a\r\n.\rb\r\n.\r\n"), "",
	    S("a\r\n\rb\r\n"), 1, 0, 0, 0 },
	{ "crlf_dot_cr_cr_lf_is_no_end", S("a\r\n.\r\r\nb\r\n.\r\n"), "",
	    S("a\r\n\r\r\nb\r\n"), 1, 0, 0, 0 },
	{ "cr_cr_lf_is_bare", S("a\r\r\n.\r\n"), "", S("a\r\r\n"), 1, 0, 0, 0 },
	{ "nul_in_a_line", S("a\0b\r\n.\r\n"), "", S("a\0b\r\n"), 0, 1, 0, 0 },
	{ "nul_behind_the_dot", S(".\0\r\n.\r\n"), "", S("\0\r\n"), 0, 1, 0,
	    0 },
	{ "nul_makes_no_end", S("a\r\n.\0\r\n.\r\n"), "", S("a\r\n\0\r\n"), 0,
	    1, 0, 0 },
	{ "cr_at_the_end", S("a\r"), NULL, S("a"), 0, 0, 0, 0 },
	{ "dot_cr_at_the_end", S("a\r\n.\r"), NULL, S("a\r\n"), 0, 0, 0, 0 },
	{ "blank_lines", S("\r\n\r\n.\r\n"), "", S("\r\n\r\n"), 0, 0, 0, 0 },
	{ "second_end_is_not_ours", S(".\r\n.\r\n"), ".\r\n", S(""), 0, 0, 0,
	    0 },
	{ "all_at_once",
	    S("x: y\r\n\r\n..\r\na\n.\nb\r.\r\xff\0c\r\n..x\r\n.\r\n."), ".",
	    S("x: y\r\n\r\n.\r\na\n.\nb\r.\r\xff\0c\r\n.x\r\n"), 1, 1, 1, 1 },
};

static void
expect(int i, const struct dot_reader *r, struct span rest,
    const struct buf *out, const char *how)
{
	const char *name = cases[i].name;

	ck_assert_msg(
	    span_equal(buf_span(out), cases[i].content), "%s %s", name, how);
	ck_assert_msg((r->state == DOT_END) == (cases[i].rest != NULL),
	    "%s %s: state %d", name, how, (int)r->state);
	if (cases[i].rest != NULL)
		ck_assert_msg(span_equal(rest, span_text(cases[i].rest)),
		    "%s %s: rest", name, how);
	ck_assert_msg(r->bare == cases[i].bare, "%s %s: bare", name, how);
	ck_assert_msg(r->nul == cases[i].nul, "%s %s: nul", name, how);
	ck_assert_msg(r->has_8bit == cases[i].has_8bit, "%s %s", name, how);
	ck_assert_msg(
	    r->has_dots == cases[i].has_dots, "%s %s: dots", name, how);
}

START_TEST(content_is_read_whole)
{
	struct dot_reader r = { 0 };
	struct span in = cases[_i].wire;
	struct buf out = { 0 };

	ck_assert(dot_read(&r, &in, &out));
	expect(_i, &r, in, &out, "whole");
	buf_clear(&out);
}
END_TEST

/* Reads in[0 .. end) and adds what is left of it. */
static struct span
read_to(struct dot_reader *r, struct span in, size_t at, size_t end,
    struct buf *out)
{
	struct span part = span_from(span_to(in, end), at);

	ck_assert(dot_read(r, &part, out));
	return span_from(in, (size_t)(part.ptr - in.ptr));
}

START_TEST(two_splits_anywhere_change_nothing)
{
	struct span in = cases[_i].wire;

	for (size_t a = 0; a <= in.len; a++)
		for (size_t b = a; b <= in.len; b++) {
			struct dot_reader r = { 0 };
			struct buf out = { 0 };
			struct span rest = read_to(&r, in, 0, a, &out);

			if (r.state != DOT_END)
				rest = read_to(&r, in, a, b, &out);
			if (r.state != DOT_END)
				rest = read_to(&r, in, b, in.len, &out);
			expect(_i, &r, rest, &out, "split");
			buf_clear(&out);
		}
}
END_TEST

START_TEST(byte_by_byte_is_the_same)
{
	struct span in = cases[_i].wire, rest = in;
	struct dot_reader r = { 0 };
	struct buf out = { 0 };

	for (size_t i = 0; i < in.len && r.state != DOT_END; i++)
		rest = read_to(&r, in, i, i + 1, &out);
	expect(_i, &r, rest, &out, "bytes");
	buf_clear(&out);
}
END_TEST

/* The same with bare LFs mended. `ends`: it looks as if it had ended. */
static const struct {
	const char *name;
	struct span wire, content;
	bool ended, bare, has_dots, ends;
} mended[] = {
	{ "lf_is_a_line_end", S("a\nb\n\nc\r\n.\r\n"), S("a\r\nb\r\n\r\nc\r\n"),
	    1, 0, 0, 0 },
	{ "first_of_all", S("\n\r\n.\r\n"), S("\r\n\r\n"), 1, 0, 0, 0 },
	{ "lf_dot_lf_is_content", S("a\n.\nb\r\n.\r\n"), S("a\r\n.\r\nb\r\n"),
	    1, 0, 1, 0 },
	{ "lf_dot_crlf_is_content", S("a\n.\r\nMAIL\r\n.\r\n"),
	    S("a\r\n.\r\nMAIL\r\n"), 1, 0, 1, 0 },
	{ "crlf_dot_lf_is_content", S("a\r\n.\nMAIL\r\n.\r\n"),
	    S("a\r\n.\r\nMAIL\r\n"), 1, 0, 1, 0 },
	{ "first_dot_lf_is_content", S(".\n.\r\n"), S(".\r\n.\r\n"), 0, 0, 1,
	    1 },
	{ "dots_behind_lf_stay", S("a\n.b\n..c\n...\r\n.\r\n"),
	    S("a\r\n.b\r\n..c\r\n...\r\n"), 1, 0, 1, 0 },
	{ "dots_behind_crlf_go", S("a\n\r\n..b\r\n.c\n.\r\n"),
	    S("a\r\n\r\n.b\r\nc\r\n.\r\n"), 0, 0, 1, 1 },
	{ "no_dots", S("a\n b.\nc..\r\n.\r\n"), S("a\r\n b.\r\nc..\r\n"), 1, 0,
	    0, 0 },
	{ "it_looks_ended_by_lf", S("a\n.\n"), S("a\r\n.\r\n"), 0, 0, 1, 1 },
	{ "it_looks_ended_by_crlf", S("a\r\n.\n"), S("a\r\n.\r\n"), 0, 0, 1,
	    1 },
	{ "but_goes_on", S("a\n.\r\nb"), S("a\r\n.\r\nb"), 0, 0, 1, 0 },
	{ "more_than_a_dot", S("a\n..\r\n"), S("a\r\n..\r\n"), 0, 0, 1, 0 },
	{ "cr_stays_bare", S("a\rb\n.\r\n"), S("a\rb\r\n.\r\n"), 0, 1, 1, 1 },
	{ "cr_dot_cr_is_no_end", S("a\r.\rb\r\n.\r\n"), S("a\r.\rb\r\n"), 1, 1,
	    0, 0 },
	{ "crlf_dot_cr_is_no_end", S("a\r\n.\rb\r\n.\r\n"), S("a\r\n\rb\r\n"),
	    1, 1, 0, 0 },
	{ "lf_dot_cr_is_no_end", S("a\n.\rb\r\n.\r\n"), S("a\r\n.\rb\r\n"), 1,
	    1, 1, 0 },
	{ "cr_cr_lf", S("a\r\r\n.\r\n"), S("a\r\r\n"), 1, 1, 0, 0 },
};

START_TEST(a_bare_lf_is_mended)
{
	struct span wire = mended[_i].wire;

	for (size_t cut = 0; cut <= wire.len; cut++) {
		struct dot_reader r = { .mends = true };
		struct buf out = { 0 };
		struct span rest = read_to(&r, wire, 0, cut, &out);

		if (r.state != DOT_END)
			rest = read_to(&r, wire, cut, wire.len, &out);
		ck_assert_msg(span_equal(buf_span(&out), mended[_i].content) &&
				  rest.len == 0 &&
				  (r.state == DOT_END) == mended[_i].ended &&
				  r.bare == mended[_i].bare &&
				  r.has_dots == mended[_i].has_dots &&
				  r.looks_ended == mended[_i].ends,
		    "%s at %zu", mended[_i].name, cut);
		buf_clear(&out);
	}
}
END_TEST

/* Behind a line of each length, so that it stands anywhere in a block. */
START_TEST(where_it_stands_changes_nothing)
{
	for (size_t shift = 2; shift < 140; shift++) {
		struct dot_reader r = { 0 };
		struct buf wire = { 0 }, out = { 0 };
		struct span in;

		for (size_t i = 2; i < shift; i++)
			(void)buf_append_char(&wire, 'x');
		(void)buf_append_text(&wire, "\r\n");
		(void)buf_append_span(&wire, cases[_i].wire);
		in = buf_span(&wire);
		ck_assert(dot_read(&r, &in, &out));
		buf_consume(&out, shift);
		expect(_i, &r, in, &out, "shifted");
		buf_clear(&wire);
		buf_clear(&out);
	}
}
END_TEST

/* Anything at all, long enough for the fast road, against byte by byte. */
static void
compare_roads(uint32_t random)
{
	static const struct span parts[] = { S("\r\n"), S("\r\n"), S("\r\n"),
		S("a line of some more bytes"), S("."), S("b"), S("\r\n.c"),
		S("\xe4"), S("\r\n.."), S("a line of some more bytes"),
		/* rare */
		S("\r"), S("\n"), S("\0"), S("\r\n.\r\n") };
	struct dot_reader fast = { 0 }, slow = { 0 };
	struct buf wire = { 0 }, out = { 0 }, expected = { 0 };
	struct span in, rest;

	for (int i = 0; i < 400; i++) {
		random = random * 1664525 + 1013904223;
		(void)buf_append_span(&wire,
		    parts[(random >> 16) % (random >> 28 == 0 ? 14 : 10)]);
	}
	in = rest = buf_span(&wire);
	ck_assert(dot_read(&fast, &in, &out));
	for (size_t i = 0; i < wire.tail && slow.state != DOT_END; i++)
		rest = read_to(&slow, buf_span(&wire), i, i + 1, &expected);
	ck_assert(fast.state == slow.state && fast.bare == slow.bare &&
		  fast.nul == slow.nul && fast.has_8bit == slow.has_8bit &&
		  fast.has_dots == slow.has_dots);
	ck_assert_uint_eq(in.len, rest.len);
	ck_assert(span_equal(buf_span(&out), buf_span(&expected)));
	buf_clear(&wire);
	buf_clear(&out);
	buf_clear(&expected);
}

START_TEST(both_roads_agree)
{
	for (uint32_t i = 0; i < 2000; i++)
		compare_roads(i * 7919);
}
END_TEST

START_TEST(the_end_is_found_when_nothing_fits_any_more)
{
	for (size_t piece = 1; piece < 30; piece++) {
		struct span wire =
		    SPAN("one\r\ntwo..\r\n..three\r\nfour\r\n.\r\nrest");
		struct dot_reader r = { 0 };
		struct buf out = { .max = 7 };
		bool fits = true;

		while (r.state != DOT_END && wire.len > 0) {
			struct span part = span_to(wire, piece);
			const char *from = part.ptr;

			fits = dot_read(&r, &part, &out) && fits;
			wire = span_from(wire, (size_t)(part.ptr - from));
		}
		ck_assert(!fits);
		ck_assert(span_equal(wire, SPAN("rest")));
		ck_assert_uint_le(buf_len(&out), 7);
		buf_clear(&out);
	}
}
END_TEST

/* --- against a reference --- */

/* What the header says, one byte after the other, in the plainest way. */
struct reference {
	struct buf content;
	bool ended, bare, nul, has_dots, looks_ended;
	size_t used;
};

/* The end of line at in[i], and how long it is; 0: none. */
static size_t
line_end(struct span in, size_t i, bool mends)
{
	if (in.ptr[i] == '\n')
		return mends ? 1 : 0;
	return in.ptr[i] == '\r' && i + 1 < in.len && in.ptr[i + 1] == '\n' ? 2
									    : 0;
}

static void
take_as_it_is(struct reference *r, char c)
{
	r->bare |= c == '\r' || c == '\n';
	r->nul |= c == '\0';
	(void)buf_append_char(&r->content, c);
}

/* Bytes that say nothing before the next has come are not taken at the end. */
static void
read_reference(struct reference *r, struct span in, bool mends)
{
	enum { BEHIND_CRLF, BEHIND_LF, WITHIN } at = BEHIND_CRLF;
	size_t i = 0, start = 0;

	while (i < in.len) {
		size_t end = line_end(in, i, mends);

		r->looks_ended = false;
		if (at == BEHIND_CRLF && in.ptr[i] == '.') {
			struct span rest = span_from(in, i + 1);

			if (rest.len == 0 || span_equal(rest, SPAN("\r")))
				return; /* it depends */
			if (span_starts(rest, SPAN("\r\n"))) {
				r->ended = true;
				r->used = i + 3;
				return;
			}
			at = WITHIN;
			start = i++;
			r->has_dots |= rest.ptr[0] == '.';
			if (rest.ptr[0] == '\n' && mends) {
				r->has_dots = true;
				(void)buf_append_char(&r->content, '.');
			}
			continue;
		}
		if (at != WITHIN)
			start = i;
		r->has_dots |= at == BEHIND_LF && in.ptr[i] == '.';
		if (end > 0) {
			(void)buf_append_text(&r->content, "\r\n");
			r->looks_ended = i == start + 1 && in.ptr[start] == '.';
			at = end == 2 ? BEHIND_CRLF : BEHIND_LF;
			i += end;
			continue;
		}
		if (in.ptr[i] == '\r' && i + 1 == in.len)
			return;
		take_as_it_is(r, in.ptr[i++]);
		at = WITHIN;
	}
}

static void
compare(struct span in, size_t cut, size_t cut2, bool mends)
{
	struct dot_reader r = { .mends = mends };
	struct reference want = { .used = in.len };
	struct buf out = { 0 };
	struct span rest;

	read_reference(&want, in, mends);
	rest = read_to(&r, in, 0, cut, &out);
	if (r.state != DOT_END)
		rest = read_to(&r, in, cut, cut2, &out);
	if (r.state != DOT_END)
		rest = read_to(&r, in, cut2, in.len, &out);
	ck_assert(span_equal(buf_span(&out), buf_span(&want.content)));
	ck_assert((r.state == DOT_END) == want.ended);
	ck_assert_uint_eq(in.len - rest.len, want.used);
	ck_assert(r.bare == want.bare && r.nul == want.nul);
	ck_assert(r.has_dots == want.has_dots);
	if (r.state == DOT_LINE_START || r.state == DOT_BEHIND_LF)
		ck_assert(r.looks_ended == want.looks_ended);
	buf_clear(&out);
	buf_clear(&want.content);
}

/* All that can be written with these letters, up to seven of them. */
START_TEST(every_short_text_is_read_as_the_reference_does)
{
	static const char letters[] = { '\r', '\n', '.', 'a', '\0' };
	char text[7];

	for (size_t len = 0; len <= sizeof text; len++) {
		uint32_t count = 1;

		for (size_t i = 0; i < len; i++)
			count *= sizeof letters;
		for (uint32_t number = 0; number < count; number++) {
			uint32_t n = number;

			for (size_t i = 0; i < len; i++) {
				text[i] = letters[n % sizeof letters];
				n /= sizeof letters;
			}
			compare(span_make(text, len), number % (len + 1), len,
			    _i == 0);
		}
	}
}
END_TEST

/* Long ones, with lines as long as a block and longer, cut at every byte. */
START_TEST(long_texts_are_read_as_the_reference_does)
{
	static const struct span parts[] = { S("\r\n"), S("\n"), S("."), S("a"),
		S("\r\n."), S("\n."), S("\n.\n"), S("\r\n.\n"), S("\n.\r\n"),
		S("a line that is longer than one block is"), S("\r\n"),
		S("b\r\n"), S("c\n"), S(".."), S("\r"), S("\0") };
	uint32_t random = (uint32_t)_i * 2654435761u + 1;
	struct buf wire = { 0 };

	for (int i = 0; i < 24; i++) {
		random = random * 1664525 + 1013904223;
		/* The last two are rare: they make all of it bad. */
		(void)buf_append_span(&wire,
		    parts[(random >> 16) % (random >> 29 == 0 ? 16 : 14)]);
	}
	for (size_t cut = 0; cut <= wire.tail; cut++)
		compare(buf_span(&wire), cut,
		    cut + (random >> 20) % (wire.tail - cut + 1), _i % 4 != 0);
	buf_clear(&wire);
}
END_TEST

/* --- the writer --- */

static const struct {
	const char *content, *wire;
} writes[] = {
	{ "", ".\r\n" },
	{ "a\r\n", "a\r\n.\r\n" },
	{ "a", "a\r\n.\r\n" },
	{ ".", "..\r\n.\r\n" },
	{ ".\r\n", "..\r\n.\r\n" },
	{ "..a\r\n.b\r\n", "...a\r\n..b\r\n.\r\n" },
	{ "a.\r\n\r\n.\r\n", "a.\r\n\r\n..\r\n.\r\n" },
};

START_TEST(content_is_stuffed_whatever_the_pieces)
{
	struct span content = span_text(writes[_i].content);

	for (size_t a = 0; a <= content.len; a++)
		for (size_t b = a; b <= content.len; b++) {
			struct dot_writer w = { 0 };
			struct buf out = { 0 };

			ck_assert(dot_write(&w, span_to(content, a), &out));
			ck_assert(dot_write(
			    &w, span_from(span_to(content, b), a), &out));
			ck_assert(dot_write(&w, span_from(content, b), &out));
			ck_assert(dot_write_end(&w, &out));
			ck_assert(span_equal(
			    buf_span(&out), span_text(writes[_i].wire)));
			buf_clear(&out);
		}
}
END_TEST

START_TEST(a_full_buffer_is_reported)
{
	struct dot_writer w = { 0 };
	struct buf out = { .max = 3 };

	ck_assert(!dot_write(&w, SPAN("abcd\r\n"), &out));
	buf_reset(&out);
	ck_assert(!dot_write(&w, SPAN("a\r\nbcd"), &out));
	ck_assert(!dot_write_end(&w, &out));
	buf_clear(&out);
}
END_TEST

/* Random clean content goes out and comes back as it was. */
START_TEST(what_is_written_is_read_again)
{
	static const char *const parts[] = { "\r\n", ".", "..", "a", "bc",
		"\xfe", " " };
	uint32_t random = (uint32_t)_i;
	struct buf content = { 0 }, wire = { 0 }, back = { 0 };
	struct dot_reader r = { 0 };
	struct dot_writer w = { 0 };
	struct span in;

	for (int i = 0; i < 60; i++) {
		random = random * 1664525 + 1013904223;
		(void)buf_append_text(&content, parts[(random >> 16) % 7]);
	}
	(void)buf_append_text(&content, "\r\n");
	in = buf_span(&content);
	ck_assert(dot_write(&w, span_to(in, random % 50), &wire));
	ck_assert(dot_write(&w, span_from(in, random % 50), &wire));
	ck_assert(dot_write_end(&w, &wire));
	in = buf_span(&wire);
	ck_assert(dot_read(&r, &in, &back));
	ck_assert(r.state == DOT_END && !r.bare && in.len == 0);
	ck_assert(span_equal(buf_span(&back), buf_span(&content)));
	buf_clear(&content);
	buf_clear(&wire);
	buf_clear(&back);
}
END_TEST

static void
fill(TCase *tc)
{
	int n = (int)ARRAY_LEN(cases);

	tcase_add_loop_test(tc, content_is_read_whole, 0, n);
	tcase_add_loop_test(tc, two_splits_anywhere_change_nothing, 0, n);
	tcase_add_loop_test(tc, byte_by_byte_is_the_same, 0, n);
	tcase_add_loop_test(tc, where_it_stands_changes_nothing, 0, n);
	tcase_add_loop_test(tc, a_bare_lf_is_mended, 0, (int)ARRAY_LEN(mended));
	tcase_add_test(tc, both_roads_agree);
	tcase_add_loop_test(
	    tc, every_short_text_is_read_as_the_reference_does, 0, 2);
	tcase_add_loop_test(
	    tc, long_texts_are_read_as_the_reference_does, 0, 200);
	tcase_add_test(tc, the_end_is_found_when_nothing_fits_any_more);
	tcase_add_loop_test(tc, content_is_stuffed_whatever_the_pieces, 0,
	    (int)ARRAY_LEN(writes));
	tcase_add_test(tc, a_full_buffer_is_reported);
	tcase_add_loop_test(tc, what_is_written_is_read_again, 0, 100);
}

SUITE_MAIN("dot", fill)
