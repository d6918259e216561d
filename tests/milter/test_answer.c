/* A filter's own reply becomes one that a client may hear. */
#include "tests/lib/suite.h"

#include <string.h>

#include "src/milter/milter_priv.h"

static const struct {
	const char *text, *want; /* NULL: it is no reply */
} cases[] = {
	{ "550 5.7.1 no", "550 5.7.1 no" },
	{ "451 4.7.1 later", "451 4.7.1 later" },
	{ "550 no status", "550 5.7.1 no status" },
	{ "450 no status", "450 4.7.1 no status" },
	/* RFC 2034 section 4: the classes are the same. */
	{ "550 4.7.1 mixed", "550 5.7.1 4.7.1 mixed" },
	{ "550 5.7 short", "550 5.7.1 5.7 short" },
	{ "550 5.7.1. dots", "550 5.7.1 5.7.1. dots" },
	{ "550 5.7.1.2 dots", "550 5.7.1 5.7.1.2 dots" },
	{ "550 55.7.1 twice", "550 5.7.1 55.7.1 twice" },
	{ "550 5.1234.1 long", "550 5.7.1 5.1234.1 long" },
	{ "550 5.7.1", "550 5.7.1 " },
	{ "550", "550 5.7.1 " },
	{ "550-5.7.1 a\r\n550 5.7.1 b", "550 5.7.1 a b" },
	{ "550-5.7.1 a\n550 b", "550 5.7.1 a b" },
	{ "550-5.7.1 a\r\n451 4.7.1 b", NULL },
	{ "550-5.7.1 a\r\nb", NULL },
	{ "550 5.7.1 100%%", "550 5.7.1 100%" },
	{ "550 5.7.1 100%", "550 5.7.1 100%" },
	{ "550 5.7.1 \x1b[1m\xff", "550 5.7.1 ?[1m?" },
	{ "550 5.7.1 a\rb", "550 5.7.1 a?b" },
	{ "250 2.0.0 fine", NULL },
	{ "354 go on", NULL },
	{ "599 beyond", NULL },
	{ "5500 long", NULL },
	{ "55", NULL },
	{ "", NULL },
	{ "\n550 5.7.1 behind", NULL },
	{ "no", NULL },
};

START_TEST(a_reply_is_made_fit)
{
	struct buf out = { 0 };
	bool is_one = answer_read_reply(span_text(cases[_i].text), &out);

	ck_assert_msg(is_one == (cases[_i].want != NULL), "%s", cases[_i].text);
	if (is_one)
		ck_assert_str_eq(buf_span(&out).ptr, cases[_i].want);
	buf_clear(&out);
}
END_TEST

START_TEST(it_has_a_bound)
{
	static char text[4000] = "550-5.7.1 ";
	struct buf out = { 0 };
	size_t n;

	memset(text + 10, 'x', 1000);
	memcpy(text + 1010, "\r\n550 5.7.1 y", 13);
	ck_assert(answer_read_reply(span_text(text), &out));
	n = strlen(buf_span(&out).ptr);
	ck_assert(n >= REPLY_MOST && n <= REPLY_MOST + 2);
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_reply_is_made_fit, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, it_has_a_bound);
}

SUITE_MAIN("answer", fill)
