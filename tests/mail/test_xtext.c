#include "tests/lib/suite.h"

#include "mail/xtext.h"

static const struct {
	const char *text, *means; /* NULL: it is none */
} texts[] = {
	{ "QQ314159", "QQ314159" },
	{ "a+2Bb+3Dc", "a+b=c" },
	{ "+20", " " },
	{ "!~", "!~" },
	{ "", NULL },
	{ "a b", NULL },
	{ "a=b", NULL },
	{ "+", NULL },
	{ "+2", NULL },
	{ "+2b", NULL }, /* upper case only */
	{ "+2G", NULL },
	{ "+1F", NULL },
	{ "+7F", NULL },
	{ "+FF", NULL },
	{ "\x7f", NULL },
	{ "\xe4", NULL },
};

START_TEST(it_is_read_as_written)
{
	struct span text = span_text(texts[_i].text);
	struct buf out = { .max = 100 };

	ck_assert_int_eq(xtext_is_valid(text), texts[_i].means != NULL);
	if (texts[_i].means != NULL) {
		xtext_decode(text, &out);
		ck_assert(
		    span_equal(buf_span(&out), span_text(texts[_i].means)));
	}
	buf_clear(&out);
}
END_TEST

START_TEST(what_is_none_has_an_end)
{
	struct buf out = { .max = 100 };

	xtext_decode(SPAN("a+2bb+20c+4"), &out);
	ck_assert(span_equal(buf_span(&out), SPAN("ab c")));
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, what_is_none_has_an_end);
	tcase_add_loop_test(
	    tc, it_is_read_as_written, 0, (int)ARRAY_LEN(texts));
}

SUITE_MAIN("xtext", fill)
