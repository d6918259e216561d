#include "tests/lib/suite.h"

#include "mail/attrs.h"

static struct buf bytes;

static void
setup(void)
{
	bytes = (struct buf){ .max = 1 << 20 };
}

static void
teardown(void)
{
	buf_clear(&bytes);
}

START_TEST(what_is_put_is_got)
{
	struct span at;
	struct attr a;

	attrs_put(&bytes, 300, SPAN("one"));
	attrs_put(&bytes, 2, SPAN(""));
	attrs_put(&bytes, 3, SPAN("three"));
	at = buf_span(&bytes);
	ck_assert(attrs_are_valid(at));
	ck_assert(span_equal(attrs_get(at, 300), SPAN("one")));
	ck_assert(span_is_empty(attrs_get(at, 2)));
	ck_assert(span_equal(attrs_get(at, 3), SPAN("three")));
	ck_assert(span_is_empty(attrs_get(at, 4)));
	ck_assert(attrs_next(&at, &a));
	ck_assert_uint_eq(a.tag, 300);
	ck_assert(attrs_next(&at, &a));
	ck_assert_uint_eq(a.tag, 2);
	ck_assert_uint_eq(a.value.len, 0);
	ck_assert(attrs_next(&at, &a));
	ck_assert(!attrs_next(&at, &a));
}
END_TEST

START_TEST(the_longest_value_goes_in)
{
	char *big = calloc(1, ATTRS_MAX);

	attrs_put(&bytes, 1, span_make(big, ATTRS_MAX));
	ck_assert(attrs_are_valid(buf_span(&bytes)));
	ck_assert_uint_eq(
	    attrs_get(buf_span(&bytes), 1).len, (size_t)ATTRS_MAX);
	free(big);
}
END_TEST

START_TEST(bytes_that_are_none_are_not_read)
{
	attrs_put(&bytes, 1, SPAN("value"));
	for (size_t n = 1; n < buf_len(&bytes); n++) {
		struct span cut = span_to(buf_span(&bytes), n);
		struct attr a;

		ck_assert(!attrs_are_valid(cut));
		ck_assert(!attrs_next(&cut, &a));
		ck_assert_uint_eq(cut.len, n);
	}
	ck_assert(attrs_are_valid(SPAN("")));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_put_is_got);
	tcase_add_test(tc, the_longest_value_goes_in);
	tcase_add_test(tc, bytes_that_are_none_are_not_read);
}

SUITE_MAIN("attrs", fill)
