#include "tests/lib/suite.h"

#include <string.h>

#include "src/sign/relaxed.h"

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

static void
on_bytes(struct span bytes, void *arg)
{
	(void)arg;
	ck_assert(buf_append_span(&out, bytes));
}

static const struct {
	const char *in, *want;
} bodies[] = {
	/* RFC 6376 3.4.6 */
	{ " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n" },
	{ "", "" },
	{ "\r\n", "" },
	{ "\r\n\r\n\r\n", "" },
	{ " \t \r\n \r\n", "" },
	{ "   ", "" },
	{ "a", "a\r\n" },
	{ "a\r\n", "a\r\n" },
	{ "a  ", "a\r\n" },
	{ "a\r\n  ", "a\r\n" },
	{ "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
	{ "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n" },
	{ "a\r\n \r\n\t\r\nb\r\n", "a\r\n\r\n\r\nb\r\n" },
	{ "a b  c\t\td \t e\r\n", "a b c d e\r\n" },
	{ "a \r\n b\r\n", "a\r\n b\r\n" },
	{ "\t\ta\r\n", " a\r\n" },
	{ "a \t\r\n\t\r\n", "a\r\n" },
	/* What is no line's end is text. */
	{ "a\rb\r\n", "a\rb\r\n" },
	{ "a\r\r\nb\r\n", "a\r\r\nb\r\n" },
	{ "a\nb\r\n", "a\nb\r\n" },
	{ "a \n \rb", "a \n \rb\r\n" },
	{ "a\r", "a\r\r\n" },
	{ "a \r \r\n", "a \r\r\n" },
	{ "\xff\xfe \x80\r\n", "\xff\xfe \x80\r\n" },
};

static void
expect(const char *name, const char *want)
{
	ck_assert_msg(span_equal(buf_span(&out), span_text(want)),
	    "%s gives \"%.*s\"", name, SPAN_ARG(buf_span(&out)));
}

START_TEST(a_body_is_relaxed_however_it_is_cut)
{
	struct span in = span_text(bodies[_i].in);

	for (size_t piece = 1; piece <= in.len + 1; piece++) {
		struct relaxed_body b = { .sink = on_bytes };

		for (size_t at = 0; at < in.len; at += piece)
			relaxed_body_add(&b, span_to(span_from(in, at), piece));
		relaxed_body_end(&b);
		expect(bodies[_i].in, bodies[_i].want);
		buf_reset(&out);
	}
}
END_TEST

/* However many blank lines wait, they take no memory, and all come. */
START_TEST(blank_lines_are_counted)
{
	struct relaxed_body b = { .sink = on_bytes };

	relaxed_body_add(&b, SPAN("a"));
	for (int i = 0; i < 1000; i++)
		relaxed_body_add(&b, SPAN("\r\n"));
	ck_assert_uint_eq(buf_len(&out), 1);
	relaxed_body_add(&b, SPAN("b"));
	ck_assert_uint_eq(buf_len(&out), 2002);
	relaxed_body_end(&b);
	ck_assert_uint_eq(buf_len(&out), 2004);
}
END_TEST

static const struct {
	const char *in, *want;
} headers[] = {
	/* RFC 6376 3.4.5 */
	{ "A: X\r\n", "a:X" },
	{ "B : Y\t\r\n\tZ  \r\n", "b:Y Z" },
	{ "Subject:\r\n", "subject:" },
	{ "Subject: \r\n  \r\n", "subject:" },
	{ "SUBJECT:a:b  c", "subject:a:b c" },
	{ "To:\r\n a@b.test,\r\n\t c@d.test\r\n", "to:a@b.test, c@d.test" },
};

START_TEST(a_field_is_relaxed)
{
	relaxed_field(span_text(headers[_i].in), &out);
	expect(headers[_i].in, headers[_i].want);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, a_body_is_relaxed_however_it_is_cut, 0, (int)ARRAY_LEN(bodies));
	tcase_add_test(tc, blank_lines_are_counted);
	tcase_add_loop_test(tc, a_field_is_relaxed, 0, (int)ARRAY_LEN(headers));
}

SUITE_MAIN("relaxed", fill)
