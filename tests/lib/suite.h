/*
 * suite: what every Check program here begins with. A test file lists its
 * tests and ends with SUITE_MAIN; TAP goes to standard output when
 * CK_TAP_LOG_FILE_NAME says so (make check sets it).
 */
#ifndef TESTS_LIB_SUITE_H
#define TESTS_LIB_SUITE_H

#include <check.h>
#include <stdlib.h>

/* `fill` adds the tests to the one test case. */
static inline int
suite_run(const char *name, void (*fill)(TCase *tc))
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	int failed;

	fill(tc);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define SUITE_MAIN(name, fill)                                                 \
	int main(void)                                                         \
	{                                                                      \
		return suite_run((name), (fill));                              \
	}

#endif
