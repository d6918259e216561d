#include "tests/lib/suite.h"

#include "base/utf8.h"

static const struct {
	const char *text;
	size_t len;
	uint32_t c;
} firsts[] = {
	{ "a", 1, 'a' },
	{ "\x7f", 1, 0x7f },
	{ "\xc2\x80", 2, 0x80 },
	{ "\xdf\xbf", 2, 0x7ff },
	{ "\xe0\xa0\x80", 3, 0x800 },
	{ "\xed\x9f\xbf", 3, 0xd7ff },
	{ "\xee\x80\x80", 3, 0xe000 },
	{ "\xf0\x90\x80\x80", 4, 0x10000 },
	{ "\xf4\x8f\xbf\xbfx", 4, 0x10ffff },
	{ "\x80", 0, 0 },
	{ "\xc1\xbf", 0, 0 },
	{ "\xe0\x9f\xbf", 0, 0 },
	{ "\xed\xa0\x80", 0, 0 },
	{ "\xed\xbf\xbf", 0, 0 },
	{ "\xf0\x8f\xbf\xbf", 0, 0 },
	{ "\xf4\x90\x80\x80", 0, 0 },
	{ "\xf8\x88\x80\x80\x80", 0, 0 },
	{ "\xc3", 0, 0 },
	{ "\xe4\xbe", 0, 0 },
	{ "\xc3x", 0, 0 },
};

START_TEST(the_first_character)
{
	struct span text = span_text(firsts[_i].text);
	uint32_t c = 0;

	ck_assert_uint_eq(utf8_first(text, &c), firsts[_i].len);
	ck_assert_uint_eq(c, firsts[_i].c);
	ck_assert(utf8_is_valid(text) == (firsts[_i].len > 0));
}
END_TEST

START_TEST(what_shows_nothing_is_control)
{
	static const uint32_t control[] = { 0, '\n', 0x1f, 0x7f, 0x80, 0x9f,
		0x61c, 0x200e, 0x200f, 0x2028, 0x202e, 0x2066, 0x2069, 0xfeff };
	static const uint32_t not [] = { ' ', '~', 0xa0, 0xe4, 0x200d, 0x2010,
		0x202f, 0x2065, 0x206a, 0x1f4e7 };

	for (size_t i = 0; i < ARRAY_LEN(control); i++)
		ck_assert(utf8_is_control(control[i]));
	for (size_t i = 0; i < ARRAY_LEN(not ); i++)
		ck_assert(!utf8_is_control(not [i]));
	ck_assert(utf8_is_valid(SPAN("")));
	ck_assert(!utf8_is_valid(SPAN("a\xc3\xa4\xff")));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, the_first_character, 0, (int)ARRAY_LEN(firsts));
	tcase_add_test(tc, what_shows_nothing_is_control);
}

SUITE_MAIN("utf8", fill)
