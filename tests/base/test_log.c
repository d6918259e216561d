#include "tests/lib/suite.h"

#include <string.h>

#include "base/log.h"

#define S(lit)                                                                 \
	{                                                                      \
		(lit), sizeof(lit) - 1                                         \
	}

START_TEST(a_level_lets_through_what_is_worse)
{
	log_set_level(LOG_WARN);
	ck_assert(log_level_is_on(LOG_ERROR));
	ck_assert(log_level_is_on(LOG_WARN));
	ck_assert(!log_level_is_on(LOG_INFO));
	log_set_level(LOG_DEBUG);
	ck_assert(log_level_is_on(LOG_DEBUG));
	log_set_level(LOG_INFO);
	ck_assert_str_eq(log_level_name(LOG_WARN), "warn");
}
END_TEST

static const struct {
	struct span text;
	const char *want;
} quotes[] = {
	{ S(""), "\"\"" },
	{ S("plain text"), "\"plain text\"" },
	{ S("say \"no\""), "\"say \\\"no\\\"\"" },
	{ S("back\\slash"), "\"back\\\\slash\"" },
	{ S("a\r\nb\0c\x1b"), "\"a\\x0d\\x0ab\\x00c\\x1b\"" },
	{ S("\xc3\xa4\x7f"), "\"\\xc3\\xa4\\x7f\"" },
};

START_TEST(peer_text_is_quoted)
{
	ck_assert_str_eq(log_quote(quotes[_i].text), quotes[_i].want);
}
END_TEST

START_TEST(long_peer_text_is_cut)
{
	char text[2000];
	const char *quoted;

	memset(text, _i == 0 ? 'a' : '\x01', sizeof text);
	quoted = log_quote(span_make(text, sizeof text));
	ck_assert_uint_le(strlen(quoted), 406);
	ck_assert(span_ends_nocase(span_text(quoted), SPAN("...\"")));
	ck_assert(quoted[0] == '"');
}
END_TEST

START_TEST(eight_quoted_texts_live_at_once)
{
	const char *all[8];
	char text[2] = "0";

	for (int i = 0; i < 8; i++) {
		text[0] = (char)('0' + i);
		all[i] = log_quote_text(text);
	}
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(all[i][1], '0' + i);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, a_level_lets_through_what_is_worse);
	tcase_add_loop_test(tc, peer_text_is_quoted, 0, (int)ARRAY_LEN(quotes));
	tcase_add_loop_test(tc, long_peer_text_is_cut, 0, 2);
	tcase_add_test(tc, eight_quoted_texts_live_at_once);
}

SUITE_MAIN("log", fill)
