#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/metrics.h"

START_TEST(a_counter_grows_and_a_gauge_is_set)
{
	int64_t before = metric_get(METRIC_CONNECTIONS);

	metric_add(METRIC_CONNECTIONS, 2);
	ck_assert_int_eq(metric_get(METRIC_CONNECTIONS), before + 2);
	metric_set(METRIC_SESSIONS, 7);
	metric_set(METRIC_SESSIONS, 5);
	ck_assert_int_eq(metric_get(METRIC_SESSIONS), 5);
}
END_TEST

START_TEST(each_has_a_name_of_its_own)
{
	for (int i = 0; i < METRIC_COUNT; i++) {
		ck_assert_ptr_nonnull(metric_info((enum metric)i)->help);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(metric_info((enum metric)i)->name,
			    metric_info((enum metric)k)->name);
	}
}
END_TEST

START_TEST(a_family_counts_by_label)
{
	enum family f = (enum family)_i;
	const struct family_info *info = family_info(f);

	ck_assert_uint_le(info->nlabels, FAMILY_LABELS_MAX);
	for (unsigned k = 0; k < info->nlabels; k++) {
		int64_t before = family_get(f, k);

		family_add(f, k, 3);
		ck_assert_int_eq(family_get(f, k), before + 3);
		for (unsigned other = 0; other < k; other++)
			ck_assert_str_ne(info->labels[k], info->labels[other]);
	}
}
END_TEST

START_TEST(what_filters_do_is_counted_by_name)
{
	uint64_t dids[FILTER_DIDS];
	char name[8];

	ck_assert_ptr_null(filter_counted(0, dids));
	filter_count(SPAN("one"), FILTER_HELD);
	filter_count(SPAN("two"), FILTER_AWAY);
	filter_count(SPAN("one"), FILTER_HELD);
	ck_assert_str_eq(filter_counted(0, dids), "one");
	for (int i = 0; i < FILTER_DIDS; i++)
		ck_assert_uint_eq(dids[i], i == FILTER_HELD ? 2 : 0);
	ck_assert_str_eq(filter_counted(1, dids), "two");
	ck_assert_uint_eq(dids[FILTER_AWAY], 1);
	ck_assert_ptr_null(filter_counted(2, dids));
	for (int i = 0; i < 2 * FILTERS_COUNTED; i++) {
		(void)snprintf(name, sizeof name, "n%d", i);
		filter_count(span_text(name), FILTER_PASSED);
	}
	ck_assert_str_eq(filter_counted(FILTERS_COUNTED - 1, dids), "other");
	ck_assert_uint_eq(dids[FILTER_PASSED], FILTERS_COUNTED + 3);
	ck_assert_ptr_null(filter_counted(FILTERS_COUNTED, dids));
	filter_count(
	    SPAN("a name that is longer than any is, by far"), FILTER_PASSED);
}
END_TEST

START_TEST(a_label_is_found_by_its_text)
{
	unsigned last = family_info(FAMILY_REFUSALS)->nlabels - 1;
	unsigned plain = family_label(FAMILY_LOGINS, SPAN("PLAIN"));

	ck_assert_str_eq(family_info(FAMILY_LOGINS)->labels[plain + LOGIN_BAD],
	    "mechanism=\"PLAIN\",result=\"bad\"");
	ck_assert_uint_lt(family_label(FAMILY_REFUSALS, SPAN("550")), last);
	ck_assert_uint_eq(family_label(FAMILY_REFUSALS, SPAN("599")), last);
	ck_assert_uint_eq(family_label(FAMILY_REFUSALS, SPAN("55")), last);
}
END_TEST

START_TEST(a_histogram_counts_what_is_below)
{
	const uint64_t *bounds = histogram_bounds();
	struct histogram_values before, after;

	histogram_get(HISTOGRAM_LOGIN, &before);
	histogram_add(HISTOGRAM_LOGIN, bounds[3]); /* its end belongs to it */
	histogram_add(HISTOGRAM_LOGIN, bounds[3] + 1);
	histogram_add(HISTOGRAM_LOGIN, bounds[HISTOGRAM_BUCKETS - 1] + 1);
	histogram_get(HISTOGRAM_LOGIN, &after);
	ck_assert_uint_eq(after.count - before.count, 3);
	ck_assert_uint_eq(after.below[2], before.below[2]);
	ck_assert_uint_eq(after.below[3], before.below[3] + 1);
	ck_assert_uint_eq(after.below[4], before.below[4] + 2);
	ck_assert_uint_eq(after.below[HISTOGRAM_BUCKETS - 1],
	    before.below[HISTOGRAM_BUCKETS - 1] + 2);
	ck_assert_uint_eq(after.sum_us - before.sum_us,
	    2 * bounds[3] + bounds[HISTOGRAM_BUCKETS - 1] + 2);
	for (int i = 1; i < HISTOGRAM_BUCKETS; i++)
		ck_assert_uint_gt(bounds[i], bounds[i - 1]);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, a_counter_grows_and_a_gauge_is_set);
	tcase_add_test(tc, each_has_a_name_of_its_own);
	tcase_add_loop_test(tc, a_family_counts_by_label, 0, FAMILY_COUNT);
	tcase_add_test(tc, what_filters_do_is_counted_by_name);
	tcase_add_test(tc, a_label_is_found_by_its_text);
	tcase_add_test(tc, a_histogram_counts_what_is_below);
}

SUITE_MAIN("metrics", fill)
