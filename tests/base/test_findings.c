#include "tests/lib/suite.h"

#include "base/findings.h"

START_TEST(they_are_counted_and_joined_by_level)
{
	struct findings f = { 0 };
	struct buf out = { 0 };

	findings_join(&f, FINDING_ERROR, &out);
	ck_assert_uint_eq(buf_len(&out), 0);
	findings_add(&f, FINDING_ERROR, "line %d", 3);
	findings_add(&f, FINDING_OK, "fine");
	findings_add(&f, FINDING_ERROR, "and %s", "more");
	ck_assert_uint_eq(f.n, 3);
	ck_assert_uint_eq(findings_count(&f, FINDING_ERROR), 2);
	ck_assert_uint_eq(findings_count(&f, FINDING_OK), 1);
	ck_assert_uint_eq(findings_count(&f, FINDING_WARNING), 0);
	findings_join(&f, FINDING_ERROR, &out);
	ck_assert(span_equal(buf_span(&out), SPAN("line 3; and more")));
	ck_assert_str_eq(f.all[1].text, "fine");
	findings_clear(&f);
	ck_assert_uint_eq(f.n, 0);
	findings_clear(&f);
	buf_clear(&out);
}
END_TEST

START_TEST(levels_have_names)
{
	ck_assert_str_eq(finding_level_name(FINDING_OK), "ok");
	ck_assert_str_eq(finding_level_name(FINDING_WARNING), "warning");
	ck_assert_str_eq(finding_level_name(FINDING_ERROR), "error");
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, they_are_counted_and_joined_by_level);
	tcase_add_test(tc, levels_have_names);
}

SUITE_MAIN("findings", fill)
