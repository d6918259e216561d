#include "tests/lib/suite.h"

#include <jansson.h>
#include <string.h>

#include "base/log.h"

#define S(lit)                                                                 \
	{                                                                      \
		(lit), sizeof(lit) - 1                                         \
	}

static struct buf lines;

static void
keep(enum log_level level, const char *line, void *arg)
{
	struct buf *to = arg;

	(void)buf_printf(to, "%s:%s\n", log_level_name(level), line);
}

static void
setup(void)
{
	buf_init(&lines, 0);
	log_set_writer(keep, &lines);
	log_set_level(LOG_INFO);
}

static void
teardown(void)
{
	log_set_writer(NULL, NULL);
	buf_clear(&lines);
}

static void
expect(const char *want)
{
	ck_assert_msg(span_equal(buf_span(&lines), span_text(want)), "%.*s",
	    SPAN_ARG(buf_span(&lines)));
}

START_TEST(lines_below_the_level_are_dropped)
{
	log_debug("one n=%d", 1);
	log_info("two n=%d", 2);
	log_set_level(LOG_DEBUG);
	log_debug("three");
	log_set_level(LOG_ERROR);
	log_warn("four");
	log_error("five");
	expect("info:two n=2\ndebug:three\nerror:five\n");
}
END_TEST

START_TEST(without_a_writer_lines_go_nowhere)
{
	log_set_writer(NULL, NULL);
	ck_assert(!log_is_on(LOG_ERROR));
	log_error("lost");
	expect("");
}
END_TEST

START_TEST(a_line_end_in_a_value_forges_no_second_line)
{
	log_info("event what=a\r\naccepted qid=1");
	expect("info:event what=a  accepted qid=1\n");
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	char text[5000];

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	log_info("event what=%s", text);
	ck_assert_uint_lt(buf_len(&lines), 2100);
	ck_assert_uint_gt(buf_len(&lines), 1900);
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

static const struct {
	struct span address;
	const char *want;
} addresses[] = {
	{ S(""), "<>" },
	{ S("ann@a.test"), "<ann@a.test>" },
	{ S("SRS0=x=y@a.test"), "<SRS0=x=y@a.test>" },
	{ S("ann@[IPv6:2001:db8::1]"), "<ann@[IPv6:2001:db8::1]>" },
	{ S("\"bob b\"@d.test"), "\"<\\\"bob b\\\"@d.test>\"" },
	{ S("x qid=1 user=boss"), "\"<x qid=1 user=boss>\"" },
	{ S("a>b"), "\"<a>b>\"" },
	{ S("a\\b@c"), "\"<a\\\\b@c>\"" },
	{ S("\xc3\xa4@c"), "\"<\\xc3\\xa4@c>\"" },
	{ S("a\0b\n"), "\"<a\\x00b\\x0a>\"" },
};

START_TEST(an_address_forges_no_field)
{
	ck_assert_str_eq(
	    log_address(addresses[_i].address), addresses[_i].want);
}
END_TEST

START_TEST(a_long_address_is_cut)
{
	char text[2000];

	memset(text, 'a', sizeof text);
	ck_assert_uint_le(
	    strlen(log_address(span_make(text, sizeof text))), 410);
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

/* Every line becomes JSON that a parser takes, with this member in it. */
static const struct {
	const char *line, *key, *value;
} facts[] = {
	{ "accepted qid=8c01 user=ann", "event", "accepted" },
	{ "accepted qid=8c01 user=ann", "user", "ann" },
	{ "started", "event", "started" },
	{ "x from=<a@b.test> size=12", "from", "<a@b.test>" },
	{ "x what=\"two words\" n=1", "what", "two words" },
	{ "x what=\"say \\\"no\\\"\" n=1", "what", "say \"no\"" },
	{ "x what=\"say \\\"no\\\"\" n=1", "n", "1" },
	{ "x what=\"back\\\\slash\" n=1", "what", "back\\slash" },
	{ "x what=\"back\\\\\" n=1", "what", "back\\" },
	{ "x what=\"a\\x0d\\x0ab\"", "what", "a\\x0d\\x0ab" },
	{ "x what=\"\\\\x41\"", "what", "\\x41" },
	{ "x what=\"\" n=2", "what", "" },
	{ "x what= n=2", "what", "" },
	{ "x what=a\tb", "what", "a\tb" },
	{ "x what=a\x01z", "what", "a\x01z" },
	{ "x what=a\\b\"c", "what", "a\\b\"c" },
	{ "x what=\"cut of", "what", "cut of" },
	{ "x what=\"cut off\\", "what", "cut off\\" },
	{ "x a=b=c", "a", "b=c" },
	{ "x a\"b=c", "a?b", "c" },
	{ "x what=\xff\xfe", "what", "\\xff\\xfe" },
	{ "x what=\"<\\\"bob b\\\"@d.test>\"", "what", "<\"bob b\"@d.test>" },
	{ "", "event", "" },
};

START_TEST(a_line_becomes_json)
{
	struct buf out = { 0 };
	json_error_t why;
	json_t *o;

	log_to_json(LOG_WARN, "2026-01-02T03:04:05Z", facts[_i].line, &out);
	o = json_loadb(buf_span(&out).ptr, buf_len(&out), 0, &why);
	ck_assert_msg(
	    o != NULL, "%s: %.*s", why.text, SPAN_ARG(buf_span(&out)));
	ck_assert_str_eq(json_string_value(json_object_get(o, "time")),
	    "2026-01-02T03:04:05Z");
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "level")), "warn");
	ck_assert_str_eq(json_string_value(json_object_get(o, facts[_i].key)),
	    facts[_i].value);
	json_decref(o);
	buf_clear(&out);
}
END_TEST

START_TEST(any_peer_text_survives_quoting_and_json)
{
	struct buf out = { 0 };
	json_t *o;
	char text[300];

	for (int i = 0; i < 256; i++)
		text[i] = (char)i;
	log_info("x what=%s n=1", log_quote(span_make(text + _i, 32)));
	ck_assert(span_ends_nocase(buf_span(&lines), SPAN(" n=1\n")));
	buf_truncate(&lines, buf_len(&lines) - 1);
	(void)buf_append_char(&lines, '\0');
	log_to_json(LOG_INFO, "now", buf_span(&lines).ptr + 5, &out);
	o = json_loadb(buf_span(&out).ptr, buf_len(&out), 0, NULL);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(json_string_value(json_object_get(o, "n")), "1");
	json_decref(o);
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_below_the_level_are_dropped);
	tcase_add_test(tc, without_a_writer_lines_go_nowhere);
	tcase_add_test(tc, a_line_end_in_a_value_forges_no_second_line);
	tcase_add_test(tc, a_long_line_is_cut);
	tcase_add_loop_test(tc, peer_text_is_quoted, 0, (int)ARRAY_LEN(quotes));
	tcase_add_loop_test(
	    tc, an_address_forges_no_field, 0, ARRAY_LEN(addresses));
	tcase_add_test(tc, a_long_address_is_cut);
	tcase_add_loop_test(tc, long_peer_text_is_cut, 0, 2);
	tcase_add_test(tc, eight_quoted_texts_live_at_once);
	tcase_add_loop_test(tc, a_line_becomes_json, 0, (int)ARRAY_LEN(facts));
	tcase_add_loop_test(
	    tc, any_peer_text_survives_quoting_and_json, 0, 225);
}

SUITE_MAIN("log", fill)
