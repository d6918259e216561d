/* Moments as RFC 3339 section 5.6 writes them. */
#include "base/stamp.h"
#include "tests/lib/suite.h"

#include "base/buf.h"

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

START_TEST(a_moment)
{
	struct buf out = { .max = 64 };
	int64_t ms = -1000;

	ck_assert_int_eq(stamp_parse(span_text(times[_i].text), &ms),
	    times[_i].seconds >= 0);
	if (times[_i].seconds < 0)
		return;
	ck_assert_int_eq(ms, times[_i].seconds * 1000);
	stamp_write(ms, &out);
	ck_assert(stamp_parse(buf_span(&out), &ms));
	ck_assert_int_eq(ms, times[_i].seconds * 1000);
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_moment, 0, (int)ARRAY_LEN(times));
}

SUITE_MAIN("stamp", fill)
