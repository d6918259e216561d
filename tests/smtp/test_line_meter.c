#include "tests/lib/suite.h"

#include <string.h>

#include "base/buf.h"
#include "smtp/line_meter.h"

static struct buf text;

static void
teardown(void)
{
	buf_clear(&text);
}

static void
add_line(size_t octets)
{
	for (size_t i = 0; i < octets; i++)
		(void)buf_append_char(&text, 'x');
	(void)buf_append_text(&text, "\r\n");
}

/* The same, cut into pieces of that size. */
static bool
fits(size_t piece, size_t most)
{
	struct line_meter m = { 0 };
	struct span left = buf_span(&text);

	while (left.len > 0) {
		struct span some = span_to(left, piece);

		if (!line_meter_take(&m, some, most))
			return false;
		left = span_from(left, some.len);
	}
	return true;
}

static bool
fits_however(size_t most)
{
	bool whole = fits(SIZE_MAX, most);

	for (size_t piece = 1; piece <= buf_len(&text); piece++)
		ck_assert_int_eq(fits(piece, most), whole);
	return whole;
}

START_TEST(a_line_has_its_most)
{
	ck_assert(fits_however(5));
	add_line(0);
	add_line(5);
	add_line(1);
	ck_assert(fits_however(5));
	ck_assert(!fits_however(4));
	add_line(6);
	ck_assert(!fits_however(5));
	ck_assert(fits_however(6));
}
END_TEST

START_TEST(wherever_it_stands)
{
	for (size_t before = 0; before < 30; before++) {
		buf_reset(&text);
		for (size_t i = 0; i < before; i++)
			add_line(i % 7);
		add_line(11);
		add_line(3);
		ck_assert(fits_however(11));
		ck_assert(!fits_however(10));
	}
}
END_TEST

START_TEST(one_without_an_end)
{
	for (int i = 0; i < 7; i++)
		(void)buf_append_char(&text, 'x');
	ck_assert(fits_however(7));
	ck_assert(fits_however(6)); /* CRLF may come still */
	ck_assert(!fits_however(5));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, a_line_has_its_most);
	tcase_add_test(tc, wherever_it_stands);
	tcase_add_test(tc, one_without_an_end);
}

SUITE_MAIN("line_meter", fill)
