#include "tests/lib/suite.h"

#include "mail/attrs.h"
#include "mail/wishes.h"

static struct buf out;

static void
teardown(void)
{
	buf_clear(&out);
}

/* --- BY (RFC 2852 section 4) --- */

static const struct {
	const char *text;
	int64_t seconds;
	const char *later; /* ten seconds later; NULL: it is none */
} bys[] = {
	{ "120;R", 120, " BY=110;R" },
	{ "120;rt", 120, " BY=110;RT" },
	{ "5;R", 5, " BY=1;R" },
	{ "5;N", 5, " BY=-5;N" },
	{ "0;N", 0, " BY=-10;N" },
	{ "-7;nT", -7, " BY=-17;NT" },
	{ "999999999;N", 999999999, " BY=999999989;N" },
	{ "-999999999;N", -999999999, " BY=-999999999;N" },
	{ "0;R", 0, NULL },
	{ "-1;R", 0, NULL },
	{ "1000000000;N", 0, NULL },
	{ "0000000001;N", 0, NULL },
	{ "--1;N", 0, NULL },
	{ "+1;N", 0, NULL },
	{ "1", 0, NULL },
	{ "1;", 0, NULL },
	{ ";R", 0, NULL },
	{ "-;N", 0, NULL },
	{ "1;X", 0, NULL },
	{ "1;RR", 0, NULL },
	{ "1;RTT", 0, NULL },
	{ "1;R;N", 0, NULL },
	{ "", 0, NULL },
};

START_TEST(a_time_to_deliver_by)
{
	struct deliver_by by;

	ck_assert_int_eq(deliver_by_parse(span_text(bys[_i].text), &by),
	    bys[_i].later != NULL);
	if (bys[_i].later == NULL)
		return;
	ck_assert_int_eq(by.seconds, bys[_i].seconds);
	deliver_by_write(&by, 10, &out);
	ck_assert(span_equal(buf_span(&out), span_text(bys[_i].later)));
}
END_TEST

/* --- times (RFC 3339 section 5.6) --- */

static const struct {
	const char *text;
	int64_t seconds; /* -1: it is none */
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2001-09-09T01:46:40Z", 1000000000 },
	{ "2001-09-09t01:46:40z", 1000000000 },
	{ "2001-09-09T03:46:40+02:00", 1000000000 },
	{ "2001-09-08T23:16:40-02:30", 1000000000 },
	{ "2001-09-09T01:46:40.987654Z", 1000000000 },
	{ "2024-02-29T00:00:00Z", 1709164800 },
	{ "2016-12-31T23:59:60Z", 1483228800 },
	{ "2023-02-29T00:00:00Z", -1 },
	{ "2100-02-29T00:00:00Z", -1 },
	{ "2001-13-09T01:46:40Z", -1 },
	{ "2001-00-09T01:46:40Z", -1 },
	{ "2001-04-31T01:46:40Z", -1 },
	{ "2001-09-09T24:00:00Z", -1 },
	{ "2001-09-09T01:60:40Z", -1 },
	{ "2001-09-09T01:46:61Z", -1 },
	{ "2001-09-09T01:46:40", -1 },
	{ "2001-09-09T01:46:40.Z", -1 },
	{ "2001-09-09T01:46:40+2:00", -1 },
	{ "2001-09-09T01:46:40+02:60", -1 },
	{ "2001-09-09T01:46:40Zx", -1 },
	{ "2001-09-09 01:46:40Z", -1 },
	{ "2001-9-9T01:46:40Z", -1 },
	{ "+001-09-09T01:46:40Z", -1 },
	{ "1000000000", -1 },
	{ "", -1 },
};

START_TEST(a_time_of_day)
{
	int64_t ms = -1000;

	ck_assert_int_eq(wishes_parse_time(span_text(times[_i].text), &ms),
	    times[_i].seconds >= 0);
	if (times[_i].seconds < 0)
		return;
	ck_assert_int_eq(ms, times[_i].seconds * 1000);
	wishes_write_time(ms, &out);
	ck_assert(wishes_parse_time(buf_span(&out), &ms));
	ck_assert_int_eq(ms, times[_i].seconds * 1000);
}
END_TEST

START_TEST(a_priority_has_one_digit)
{
	int n = 5;

	ck_assert(wishes_parse_priority(SPAN("-9"), &n));
	ck_assert_int_eq(n, -9);
	ck_assert(wishes_parse_priority(SPAN("0"), &n));
	ck_assert_int_eq(n, 0);
	ck_assert(!wishes_parse_priority(SPAN("10"), &n));
	ck_assert(!wishes_parse_priority(SPAN("+1"), &n));
	ck_assert(!wishes_parse_priority(SPAN("-"), &n));
	ck_assert(!wishes_parse_priority(SPAN(""), &n));
}
END_TEST

START_TEST(they_are_read_from_attributes)
{
	ck_assert(!wishes_by(SPAN("")).is_asked);
	ck_assert_int_eq(wishes_release(SPAN("")), 0);
	ck_assert_int_eq(wishes_priority(SPAN("")), 0);
	ck_assert(!wishes_tls(SPAN("")));
	attrs_put(&out, ATTR_BY, SPAN("7;R"));
	attrs_put(&out, ATTR_HOLDUNTIL, SPAN("2001-09-09T01:46:40Z"));
	attrs_put(&out, ATTR_PRIORITY, SPAN("-3"));
	attrs_put(&out, ATTR_REQUIRETLS, SPAN("yes"));
	ck_assert_int_eq(wishes_by(buf_span(&out)).seconds, 7);
	ck_assert_int_eq(wishes_release(buf_span(&out)), 1000000000000);
	ck_assert_int_eq(wishes_priority(buf_span(&out)), -3);
	ck_assert(wishes_tls(buf_span(&out)));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(
	    tc, a_time_to_deliver_by, 0, (int)(sizeof bys / sizeof *bys));
	tcase_add_loop_test(
	    tc, a_time_of_day, 0, (int)(sizeof times / sizeof *times));
	tcase_add_test(tc, a_priority_has_one_digit);
	tcase_add_test(tc, they_are_read_from_attributes);
}

SUITE_MAIN("wishes", fill)
