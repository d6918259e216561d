#include "tests/lib/suite.h"

#include <string.h>

#include "sign/key.h"
#include "sign/record.h"

#define P "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static struct key *key;

static void
setup(void)
{
	static const char text[] =
	    "Postern DKIM key\ndomain: football.example.com\n"
	    "selector: brisbane\nstate: active\nmade: 1\nsince: 2\n"
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	    "-----END PRIVATE KEY-----\n";
	struct err err;

	key = key_parse(span_text(text), &err);
	ck_assert_ptr_nonnull(key);
}

static void
teardown(void)
{
	key_unref(key);
}

static const struct {
	const char *text;
	enum record_verdict want;
	const char *why;
} cases[] = {
	{ "v=DKIM1; k=ed25519; p=" P, RECORD_RIGHT, "" },
	{ "k=ed25519;p=" P ";", RECORD_RIGHT, "" },
	{ " v = DKIM1 ; h=sha1:sha256; k=ED25519; s=email; p = 11qYAYKxCrfV "
	  "S/7TyWQHOg7hcvPapiMlrwIaaPcHURo= ; n=a note",
	    RECORD_RIGHT, "" },
	{ "v=DKIM1; k=ed25519; t=s; s=*; p=" P, RECORD_RIGHT, "" },
	{ "v=DKIM1; p=" P, RECORD_DIFFERENT, "its k=" },
	{ "v=DKIM1; k=ed25519; p=", RECORD_DIFFERENT, "revoked" },
	{ "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS", RECORD_DIFFERENT,
	    "cut short" },
	{ "v=DKIM1; k=ed25519; p=A1qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
	    RECORD_DIFFERENT, "another key" },
	{ "v=DKIM2; k=ed25519; p=" P, RECORD_DIFFERENT, "its v=" },
	{ "v=DKIM1; k=ed25519; h=sha1; p=" P, RECORD_DIFFERENT, "its h=" },
	{ "v=DKIM1; k=ed25519; s=web; p=" P, RECORD_DIFFERENT, "its s=" },
	{ "v=spf1 -all", RECORD_DIFFERENT, "no p=" },
	{ "", RECORD_DIFFERENT, "no p=" },
};

START_TEST(a_record_is_compared)
{
	struct span text = span_text(cases[_i].text);
	char why[RECORD_WHY_MAX];

	ck_assert_str_eq(record_verdict_name(record_judge(key, &text, 1, why)),
	    record_verdict_name(cases[_i].want));
	ck_assert_msg(strstr(why, cases[_i].why) != NULL, "%s", why);
	if (cases[_i].want != RECORD_RIGHT)
		ck_assert_ptr_nonnull(strstr(why, "publish"));
}
END_TEST

START_TEST(none_is_missing_and_several_are_too_many)
{
	struct span both[] = { span_text(key_record(key)),
		span_text(key_record(key)) };
	char why[RECORD_WHY_MAX];

	ck_assert_int_eq(record_judge(key, NULL, 0, why), RECORD_MISSING);
	ck_assert_int_eq(record_judge(key, both, 2, why), RECORD_DIFFERENT);
	ck_assert_ptr_nonnull(strstr(why, "several"));
	ck_assert_int_eq(record_judge(key, both, 1, why), RECORD_RIGHT);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_record_is_compared, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, none_is_missing_and_several_are_too_many);
}

SUITE_MAIN("record", fill)
