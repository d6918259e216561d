/* Kinds, and who hears of them. */
#include "tests/lib/suite.h"

#include <string.h>

#include "base/metrics.h"
#include "facts/fact.h"

static struct {
	unsigned heard;
	enum fact_kind kind;
	uint64_t n;
} log_heard, all_heard;

static void
hear_log(const struct fact *fact, void *arg)
{
	ck_assert_ptr_eq(arg, &log_heard);
	log_heard.heard++;
	log_heard.kind = fact->kind;
	log_heard.n = fact_find(fact, "n")->number;
}

static void
hear_all(const struct fact *fact, void *arg)
{
	(void)arg;
	all_heard.heard++;
	all_heard.kind = fact->kind;
}

static unsigned made;

static struct fact_field
make(void)
{
	made++;
	return fact_number("n", made);
}

static void
setup(void)
{
	memset(&log_heard, 0, sizeof log_heard);
	made = 0;
	log_set_level(LOG_INFO);
	facts_set_log(hear_log, &log_heard);
}

static void
teardown(void)
{
	facts_set_log(NULL, NULL);
	log_set_level(LOG_INFO);
}

START_TEST(each_kind_has_a_name)
{
	enum fact_kind kind = (enum fact_kind)_i;

	ck_assert_ptr_nonnull(fact_name(kind));
	ck_assert(fact_level(kind) <= LOG_DEBUG);
	for (const char *p = fact_name(kind); *p != '\0'; p++)
		ck_assert(ascii_is_alnum(*p) || *p == '_');
}
END_TEST

START_TEST(the_log_hears_what_its_level_lets_through)
{
	FACT(DONE, make());
	ck_assert_uint_eq(log_heard.heard, 1);
	ck_assert_int_eq(log_heard.kind, FACT_DONE);
	ck_assert_uint_eq(log_heard.n, 1);
	FACT(LEG, make());
	ck_assert_uint_eq(made, 1); /* nobody wants it: it is not made */
	log_set_level(LOG_ERROR);
	FACT(DONE, make());
	FACT(SITE_CLOSED, make());
	ck_assert_uint_eq(log_heard.heard, 1);
	FACT(SPOOL_FAULT, make());
	ck_assert_uint_eq(log_heard.heard, 2);
	facts_set_log(NULL, NULL);
	FACT(SPOOL_FAULT, make());
	ck_assert_uint_eq(made, 2);
}
END_TEST

START_TEST(what_is_counted_is_so_without_a_reader)
{
	int64_t before = metric_get(METRIC_DELIVERED);

	facts_set_log(NULL, NULL);
	FACT(DELIVERED, make());
	ck_assert_int_eq(metric_get(METRIC_DELIVERED), before + 1);
	ck_assert_uint_eq(made, 0);
}
END_TEST

START_TEST(other_sinks_hear_what_they_want_whatever_the_level)
{
	static const enum fact_kind kinds[] = { FACT_LEG, FACT_SPOOL_FAULT };

	facts_add_sink(hear_all, NULL, kinds, 2);
	log_set_level(LOG_ERROR);
	FACT(DONE, make());
	ck_assert_uint_eq(made, 0);
	FACT(LEG, make());
	ck_assert_uint_eq(all_heard.heard, 1);
	ck_assert_int_eq(all_heard.kind, FACT_LEG);
	ck_assert_uint_eq(log_heard.heard, 0);
	FACT(SPOOL_FAULT, make());
	ck_assert_uint_eq(all_heard.heard, 2);
	ck_assert_uint_eq(log_heard.heard, 1);
	facts_forget_sinks();
	FACT(LEG, make());
	ck_assert_uint_eq(all_heard.heard, 2);
}
END_TEST

START_TEST(a_field_is_found_by_its_name)
{
	const struct fact_field fields[] = { fact_number("a", 1),
		fact_string("b", NULL) };
	const struct fact fact = { FACT_DONE, fields, 2 };

	ck_assert_ptr_eq(fact_find(&fact, "b"), &fields[1]);
	ck_assert(span_is_empty(fields[1].text));
	ck_assert_ptr_null(fact_find(&fact, "c"));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_kind_has_a_name, 0, FACT_KINDS);
	tcase_add_test(tc, the_log_hears_what_its_level_lets_through);
	tcase_add_test(tc, what_is_counted_is_so_without_a_reader);
	tcase_add_test(tc, other_sinks_hear_what_they_want_whatever_the_level);
	tcase_add_test(tc, a_field_is_found_by_its_name);
}

SUITE_MAIN("fact", fill)
