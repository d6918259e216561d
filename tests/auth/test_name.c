#include "tests/lib/suite.h"

#include "src/auth/name.h"

#define TEXT(text) (text), sizeof(text) - 1

static const struct {
	const char *mechanism;
	unsigned step;
	const char *message;
	size_t len;
	enum name_found want;
	const char *name, *password;
} cases[] = {
	{ "PLAIN", 0, TEXT("\0ann\0secret"), NAME_FOUND, "ann", "secret" },
	{ "PLAIN", 0, TEXT("bob\0ann\0secret"), NAME_FOUND, "ann", "secret" },
	{ "plain", 0, TEXT("\0ann\0"), NAME_FOUND, "ann", "" },
	{ "PLAIN", 0, TEXT("\0ann"), NAME_FOUND, "ann", "" },
	{ "PLAIN", 0, TEXT("ann"), NAME_FOUND, "", "" },
	{ "PLAIN", 0, TEXT(""), NAME_FOUND, "", "" },
	{ "LOGIN", 0, TEXT("ann"), NAME_FOUND, "ann", "" },
	{ "LOGIN", 1, TEXT("secret"), NAME_NONE, "", "secret" },
	{ "LOGIN", 0, TEXT(""), NAME_FOUND, "", "" },
	{ "SCRAM-SHA-256", 0, TEXT("n,,n=ann,r=abc"), NAME_FOUND, "ann", "" },
	{ "SCRAM-SHA-256", 0, TEXT("y,a=bob,n=ann,r=abc"), NAME_FOUND, "ann",
	    "" },
	{ "SCRAM-SHA-256-PLUS", 0, TEXT("p=tls-exporter,,n=ann,r=a"),
	    NAME_FOUND, "ann", "" },
	{ "SCRAM-SHA-256", 0, TEXT("n,,r=abc"), NAME_UNKNOWN, NULL, "" },
	{ "SCRAM-SHA-256", 0, TEXT(",,,"), NAME_UNKNOWN, NULL, "" },
	{ "SCRAM-SHA-256", 1, TEXT("c=biws,r=abc,p=xx"), NAME_NONE, "", "" },
	{ "OAUTHBEARER", 0, TEXT("n,a=ann,\1auth=Bearer x\1\1"), NAME_FOUND,
	    "ann", "Bearer x" },
	{ "OAUTHBEARER", 0, TEXT("n,,\1auth=Bearer x\1\1"), NAME_UNKNOWN, "",
	    "Bearer x" },
	{ "XOAUTH2", 0, TEXT("user=ann\1auth=Bearer x\1\1"), NAME_FOUND, "ann",
	    "Bearer x" },
	{ "XOAUTH2", 1, TEXT("\1"), NAME_NONE, "", "" },
	{ "XOAUTH2", 0, TEXT(""), NAME_UNKNOWN, "", "" },
	{ "GSSAPI", 0, TEXT("\0\1\2"), NAME_UNKNOWN, "", "" },
};

START_TEST(a_name_is_found_where_it_stands)
{
	struct span name, password;

	ck_assert_int_eq(
	    name_find(span_text(cases[_i].mechanism), cases[_i].step,
		span_make(cases[_i].message, cases[_i].len), &name, &password),
	    cases[_i].want);
	if (cases[_i].name != NULL)
		ck_assert(span_equal(name, span_text(cases[_i].name)));
	ck_assert(span_equal(password, span_text(cases[_i].password)));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_name_is_found_where_it_stands, 0, ARRAY_LEN(cases));
}

SUITE_MAIN("name", fill)
