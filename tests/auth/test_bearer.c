#include "tests/lib/suite.h"

#include "src/auth/bearer.h"

#define TEXT(text)                                                             \
	{                                                                      \
		(text), sizeof(text) - 1                                       \
	}

static const struct {
	enum bearer_kind kind;
	struct span in;
	const char *account, *token; /* account NULL: it is no such message */
} cases[] = {
	{ BEARER_OAUTH, TEXT("n,,\1auth=Bearer abc\1\1"), "", "abc" },
	{ BEARER_OAUTH,
	    TEXT("y,a=u@b.test,\1host=h\1port=1\1auth=bearer a.b-c_~+/=\1\1"),
	    "u@b.test", "a.b-c_~+/=" },
	{ BEARER_OAUTH, TEXT("n,a=x=2Cy=3Dz,\1auth=Bearer abc\1\1"), "x,y=z",
	    "abc" },
	{ BEARER_X, TEXT("user=u@b.test\1auth=Bearer abc\1\1"), "u@b.test",
	    "abc" },
	{ BEARER_X, TEXT("auth=Bearer abc\1user=u\1\1"), "u", "abc" },
	{ BEARER_OAUTH, TEXT(""), NULL, NULL },
	{ BEARER_OAUTH, TEXT("\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,,\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,,auth=Bearer abc\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("p=x,,\1auth=Bearer abc\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,b=c,\1auth=Bearer abc\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,a=x=2y,\1auth=Bearer abc\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,a=x\0y,\1auth=Bearer abc\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,,\1auth=Bearer abc\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,,\1auth=Bearer a c\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,,\1auth=Bearer \1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,,\1auth=Basic abc\1\1"), NULL, NULL },
	{ BEARER_OAUTH, TEXT("n,,\1auth=Bearer a\1auth=Bearer b\1\1"), NULL,
	    NULL },
	{ BEARER_OAUTH, TEXT("n,,\1auth=Bearer abc\1\1x"), NULL, NULL },
	{ BEARER_X, TEXT("n,,\1auth=Bearer abc\1\1"), "", "abc" },
	{ BEARER_X, TEXT("user=u\1\1"), NULL, NULL },
	{ BEARER_X, TEXT("user=u\0\1auth=Bearer abc\1\1"), NULL, NULL },
};

START_TEST(messages_are_read_strictly)
{
	struct bearer b;
	bool ok = bearer_parse(cases[_i].kind, cases[_i].in, &b);

	ck_assert_msg(ok == (cases[_i].account != NULL), "case %d", _i);
	if (!ok)
		return;
	ck_assert_str_eq(b.account, cases[_i].account);
	ck_assert(span_equal(b.token, span_text(cases[_i].token)));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, messages_are_read_strictly, 0, ARRAY_LEN(cases));
}

SUITE_MAIN("bearer", fill)
