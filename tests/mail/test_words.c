#include "tests/lib/suite.h"

#include <stdlib.h>
#include <string.h>

#include "mail/words.h"

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

static const char *const kept[][2] = {
	{ "550 no\r\n", "550 no" },
	{ "550-5.1.1 no\r\n550 5.1.1 really\r\n",
	    "550-5.1.1 no\n550 5.1.1 really" },
	{ "550 a\tb\x01\x7f\r\n", "550 a b" },
	{ "550 a\rb\r\n", "550 ab" },
	{ "", "" },
	{ "\r\n", "" },
};

START_TEST(a_reply_is_kept_in_lines)
{
	char *got = words_keep(span_text(kept[_i][0]));

	ck_assert_str_eq(got, kept[_i][1]);
	free(got);
}
END_TEST

START_TEST(a_nul_does_not_end_a_reply)
{
	char *got = words_keep(SPAN("550 a\0b\r\n"));

	ck_assert_str_eq(got, "550 a b");
	free(got);
}
END_TEST

START_TEST(a_long_reply_is_cut)
{
	static char text[5000];
	char *got;

	memset(text, 'a', sizeof text);
	got = words_keep(span_make(text, sizeof text));
	ck_assert_uint_eq(strlen(got), WORDS_SAID_MAX);
	free(got);
}
END_TEST

/* A span, where a constant is needed. */
#define LIT(text)                                                              \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static const struct words all[] = {
	{ LIT("4.7.8"), LIT("mx.test [192.0.2.1]:25"), LIT("login refused"),
	    LIT("535-a\n535 b"), STAGE_AUTH },
	{ LIT("5.1.1"), LIT("[192.0.2.1]:25"), LIT(""),
	    LIT("550 mx.evil [192.0.2.9]:25 said: 250 ok"), STAGE_RCPT },
	{ LIT("5.1.2"), LIT(""), LIT("The domain x.test does not exist"),
	    LIT(""), STAGE_ROUTE },
	{ LIT("4.4.1"), LIT("mx.test [192.0.2.1]:25"),
	    LIT("connection refused"), LIT(""), STAGE_CONNECT },
};
static const char *const said[] = {
	"4.7.8 mx.test [192.0.2.1]:25: login refused: 535-a / 535 b",
	"5.1.1 [192.0.2.1]:25 said: 550 mx.evil [192.0.2.9]:25 said: 250 ok",
	"5.1.2 The domain x.test does not exist",
	"4.4.1 mx.test [192.0.2.1]:25: connection refused",
};

static void
ck_same(const struct words *a, const struct words *b)
{
	ck_assert(span_equal(a->status, b->status));
	ck_assert(span_equal(a->host, b->host));
	ck_assert(span_equal(a->what, b->what));
	ck_assert(span_equal(a->said, b->said));
}

START_TEST(what_is_written_is_read)
{
	struct buf line = { 0 };
	struct words got;

	words_write(&out, &all[_i]);
	got = words_read(buf_span(&out));
	ck_same(&got, &all[_i]);
	words_say(&line, &got);
	(void)buf_append_char(&line, '\0');
	ck_assert_str_eq(buf_span(&line).ptr, said[_i]);
	buf_clear(&line);
}
END_TEST

/* No field can be made of another's bytes. */
START_TEST(a_field_cannot_forge_the_next)
{
	struct words w = { .status = SPAN("5.1.1"),
		.host = SPAN("mx\tevil\n250 ok"),
		.what = SPAN("a\tb\nc"),
		.said = SPAN("550 x\t\n5.0.0\tmx.evil\t\n250 ok") };
	struct words got;

	words_write(&out, &w);
	got = words_read(buf_span(&out));
	ck_assert(span_equal(got.status, w.status));
	ck_assert(span_equal(got.host, SPAN("mx evil 250 ok")));
	ck_assert(span_equal(got.what, SPAN("a b c")));
	ck_assert(span_equal(got.said, SPAN("550 x \n5.0.0 mx.evil \n250 ok")));
}
END_TEST

static const struct {
	const char *text, *status, *host, *what, *said;
} older[] = {
	{ "4.2.0 mx.test [192.0.2.1]:25 said: 450 later", "4.2.0", "",
	    "mx.test [192.0.2.1]:25 said: 450 later", "" },
	{ "4.4.1 evil.example said: 250 ok", "4.4.1", "",
	    "evil.example said: 250 ok", "" },
	{ "5.1.2 MX of x.test: NXDOMAIN", "5.1.2", "", "MX of x.test: NXDOMAIN",
	    "" },
	{ "451 4.7.1 later", "", "", "451 4.7.1 later", "" },
	{ "2.0.0 ok", "", "", "2.0.0 ok", "" },
	{ "", "", "", "", "" },
	{ "5.1.1x\tmx\tw\n550 no", "", "mx", "w", "550 no" },
};

START_TEST(what_older_versions_wrote_is_read)
{
	struct words got = words_read(span_text(older[_i].text));

	ck_assert(span_equal(got.status, span_text(older[_i].status)));
	ck_assert(span_equal(got.host, span_text(older[_i].host)));
	ck_assert(span_equal(got.what, span_text(older[_i].what)));
	ck_assert(span_equal(got.said, span_text(older[_i].said)));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, a_reply_is_kept_in_lines, 0, (int)ARRAY_LEN(kept));
	tcase_add_test(tc, a_nul_does_not_end_a_reply);
	tcase_add_test(tc, a_long_reply_is_cut);
	tcase_add_loop_test(
	    tc, what_is_written_is_read, 0, (int)ARRAY_LEN(all));
	tcase_add_test(tc, a_field_cannot_forge_the_next);
	tcase_add_loop_test(
	    tc, what_older_versions_wrote_is_read, 0, (int)ARRAY_LEN(older));
}

SUITE_MAIN("words", fill)
