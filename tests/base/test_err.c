#include "tests/lib/suite.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

START_TEST(each_level_adds_its_half)
{
	struct err err;

	ck_assert_int_eq(err_set(&err, -5, "line %d", 3), -5);
	ck_assert_int_eq(err_wrap(&err, -6, "read %s", "a.conf"), -6);
	ck_assert_str_eq(err.text, "read a.conf: line 3");
	ck_assert_int_eq(err_wrap(&err, -7, "start"), -7);
	ck_assert_str_eq(err.text, "start: read a.conf: line 3");
}
END_TEST

START_TEST(the_system_says_why)
{
	struct err err;

	errno = ENOENT;
	ck_assert_int_eq(err_errno(&err, "open %s", "x"), -ENOENT);
	ck_assert_str_eq(err.text, "open x: No such file or directory");
	errno = 0;
	ck_assert_int_lt(err_errno(&err, "open"), 0);
}
END_TEST

START_TEST(long_stories_are_cut_and_stay_text)
{
	char text[2000];
	struct err err;

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	(void)err_set(&err, -1, "%s", text);
	ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
	for (int i = 0; i < 5; i++) {
		(void)err_wrap(&err, -1, "%s", text);
		ck_assert_uint_lt(strlen(err.text), sizeof err.text);
	}
	errno = EIO;
	(void)err_errno(&err, "%s", text);
	ck_assert_ptr_nonnull(strstr(err.text, "Input/output error"));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, each_level_adds_its_half);
	tcase_add_test(tc, the_system_says_why);
	tcase_add_test(tc, long_stories_are_cut_and_stay_text);
}

SUITE_MAIN("err", fill)
