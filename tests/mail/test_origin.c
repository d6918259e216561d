#include "tests/lib/suite.h"

#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/origin.h"

static const struct {
	const char *account, *sender, *author, *want;
} cases[] = {
	{ "ann", "ann@Example.COM", "", "example.com" },
	{ "ann", "ann@example.com", "shop.test", "shop.test" },
	{ "ann", "", "shop.test", "shop.test" },
	{ "ann", "", "", "" }, /* the null path, and nobody */
	{ "ann", "\"a@b\"@example.com", "", "example.com" },
	{ "ann",
	    "ann@b\xc3\xbc"
	    "cher.example",
	    "", "xn--bcher-kva.example" },
	{ "ann", "postmaster", "", "" },
	{ "", "ann@example.com", "shop.test", "" }, /* a report of ours */
};

START_TEST(a_message_has_an_origin)
{
	struct span rcpt = SPAN("x@y.test");
	struct buf attrs = { 0 };
	struct envelope_parts parts = { .id = 1,
		.nrcpt = 1,
		.account = span_text(cases[_i].account),
		.sender = span_text(cases[_i].sender),
		.rcpt = &rcpt };
	struct envelope *env;
	char room[IDN_SIZE];
	struct span got;

	if (cases[_i].author[0] != '\0')
		attrs_put(&attrs, ATTR_AUTHOR, span_text(cases[_i].author));
	parts.attrs = buf_span(&attrs);
	env = envelope_new(&parts);
	got = origin_domain(env, room);
	ck_assert_msg(
	    span_equal(got, span_text(cases[_i].want)), "%.*s", SPAN_ARG(got));
	if (got.len > 0)
		ck_assert(origin_is_known(env));
	free(env);
	buf_clear(&attrs);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_message_has_an_origin, 0, ARRAY_LEN(cases));
}

SUITE_MAIN("origin", fill)
