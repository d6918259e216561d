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
	/* RFC 2852 section 4: by-time may have either sign. */
	{ "+120;R", 120, " BY=110;R" },
	{ "+999999999;N", 999999999, " BY=999999989;N" },
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
	{ "-+1;N", 0, NULL },
	{ "+-1;N", 0, NULL },
	{ "+;N", 0, NULL },
	{ "+0;R", 0, NULL },
	{ "+1000000000;N", 0, NULL },
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
	tcase_add_test(tc, a_priority_has_one_digit);
	tcase_add_test(tc, they_are_read_from_attributes);
}

SUITE_MAIN("wishes", fill)
