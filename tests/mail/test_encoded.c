#include "tests/lib/suite.h"

#include "mail/encoded.h"

static const struct {
	const char *text, *want;
	bool fine;
} cases[] = {
	{ "", "", true },
	{ "plain", "plain", true },
	{ "a\r\n b", "a b", true },
	{ "=?utf-8?Q?a_b=21?=", "a b!", true },
	{ "=?utf-8?B?YWI=?= c", "ab c", true },
	/* Where RFC 2047 5 forbids it. */
	{ "x=?utf-8?Q?a?=y", "xay", true },
	{ "\"=?utf-8?Q?a?=\"", "\"a\"", true },
	/* One letter, cut in two. */
	{ "=?utf-8?Q?=C3?= =?UTF-8?B?vA==?=", "\xc3\xbc", true },
	{ "=?iso-8859-1?Q?=FC?= =?utf-8?Q?=C3=BC?=", "\xc3\xbc\xc3\xbc", true },
	{ "=?iso-8859-15?Q?=A4?=", "\xe2\x82\xac", true },
	{ "=?cp1252?Q?=80?=", "\xe2\x82\xac", true },
	{ "=?iso-2022-jp?B?GyRCJDMbKEI=?=", "\xe3\x81\x93", true },
	{ "=?utf-7?Q?+AEA-?=", "@", true },
	{ "=?utf-16be?B?AEA=?=", "@", true },
	/* No letters of that charset. */
	{ "=?euc-jp?Q?a=FF=FFb?=", "a??b", true },
	{ "=?shift_jis?Q?a=81?=", "a?", true },
	{ "=?utf-8?Q?=FF?=", "\xff", true },
	/* What is left as it is written. */
	{ "=?nowhere?Q?a?=", "=?nowhere?Q?a?=", false },
	{ "=?utf-8,x?Q?a?=", "=?utf-8,x?Q?a?=", false },
	{ "=??Q?a?=", "=??Q?a?=", false },
	{ "=?utf-8?Q?a", "=?utf-8?Q?a", false },
	{ "=?utf-8?Q?a b?=", "=?utf-8?Q?a b?=", false },
	{ "=?utf-8?Q?=4?=", "=?utf-8?Q?=4?=", false },
	{ "=?utf-8?B?YWI?=", "=?utf-8?B?YWI?=", false },
	{ "=?utf-8?Z?a?=", "=?utf-8?Z?a?=", false },
	{ "=?utf-8?Q?a?= =?utf-8?B?*?=", "a=?utf-8?B?*?=", false },
	{ "=?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?Q?a?=",
	    "=?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?Q?a?=", false },
	{ "= ?a", "= ?a", true },
};

START_TEST(words_are_decoded_as_people_see_them)
{
	struct buf out = { 0 };
	unsigned charsets = 4;
	bool fine = encoded_decode(span_text(cases[_i].text), &charsets, &out);

	ck_assert_msg(span_equal(buf_span(&out), span_text(cases[_i].want)),
	    "%s gives '%.*s'", cases[_i].text, SPAN_ARG(buf_span(&out)));
	ck_assert_msg(fine == cases[_i].fine, "%s", cases[_i].text);
	buf_clear(&out);
}
END_TEST

/* More than the room that a conversion has at once. */
START_TEST(a_long_word_is_whole)
{
	unsigned charsets = 1;
	struct buf text = { 0 }, out = { 0 };

	(void)buf_append_text(&text, "=?iso-8859-1?Q?");
	for (int i = 0; i < 1000; i++)
		(void)buf_append_text(&text, "=FC");
	(void)buf_append_text(&text, "?=");
	ck_assert(encoded_decode(buf_span(&text), &charsets, &out));
	ck_assert_uint_eq(buf_len(&out), 2000);
	for (size_t i = 0; i < 2000; i += 2)
		ck_assert(span_starts(
		    span_from(buf_span(&out), i), SPAN("\xc3\xbc")));
	buf_clear(&text);
	buf_clear(&out);
}
END_TEST

/* Each may cost a look at the disk. */
START_TEST(only_so_many_charsets_are_loaded)
{
	struct buf out = { 0 };
	unsigned charsets = 2;

	ck_assert(!encoded_decode(
	    SPAN("=?koi8-r?Q?=C1?= =?utf-8?Q?b?= =?cp1252?Q?c?= "
		 "=?koi8-r?Q?=C1?="),
	    &charsets, &out));
	ck_assert_uint_eq(charsets, 0);
	ck_assert(span_equal(buf_span(&out), SPAN("\xd0\xb0"
						  "bc=?koi8-r?Q?=C1?=")));
	buf_clear(&out);
}
END_TEST

START_TEST(what_looks_encoded)
{
	ck_assert(encoded_looks(SPAN("a=?b")));
	ck_assert(!encoded_looks(SPAN("a=b?")));
	ck_assert(!encoded_looks(SPAN("=")));
	ck_assert(!encoded_looks(SPAN("")));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, words_are_decoded_as_people_see_them, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, a_long_word_is_whole);
	tcase_add_test(tc, only_so_many_charsets_are_loaded);
	tcase_add_test(tc, what_looks_encoded);
}

SUITE_MAIN("encoded", fill)
