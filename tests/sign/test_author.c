#include "tests/lib/suite.h"

#include <string.h>

#include "base/buf.h"
#include "sign/author.h"

static const struct {
	const char *from, *want; /* domains, parted by blanks */
} cases[] = {
	{ "a@b.test", "b.test" },
	{ " <a@B.Test> ", "b.test" },
	{ "Ann <a@b.test>", "b.test" },
	{ "\"Ann, <x@evil.test>\" <a@b.test>", "b.test" },
	{ "x@evil.test <a@b.test>", "b.test" },
	{ "Ann (x@evil.test) <a@b.test> (,y@evil.test)", "b.test" },
	{ "Ann (a (nested) one \\) x@evil.test) <a@b.test>", "b.test" },
	{ "a@b.test, c@d.test", "b.test d.test" },
	{ "a@b.test,\r\n c@b.test, d@e.test", "b.test e.test" },
	{ "Team: a@b.test, <c@d.test>;", "b.test d.test" },
	{ "Team: ;", "" },
	{ "a@b\xc3\xbc"
	  "cher.test",
	    "xn--bcher-kva.test" },
	{ "\"quoted.part\"@b.test", "b.test" },
	/* Nobody: it is not clear whom. */
	{ "<a@b.test> x@evil.test", "" },
	{ "<@route.test,@other.test:a@b.test>", "" },
	{ "a @ b.test", "" },
	{ "a@b(x).test", "" },
	{ "a@b.test, c @ d.test", "" },
	/* Nobody. */
	{ "", "" },
	{ "Ann", "" },
	{ "@b.test", "" },
	{ "a@", "" },
	{ "<a@b.test", "" },
	{ "\"a@b.test", "" },
	{ "a@b.test (x", "" },
	{ "a@b..test", "" },
	{ "a@[192.0.2.1]", "" },
};

START_TEST(a_from_names_domains)
{
	struct author_domain got[AUTHORS_MAX];
	struct buf text = { 0 };
	size_t n = authors_read(span_text(cases[_i].from), got);

	for (size_t i = 0; i < n; i++)
		(void)buf_printf(&text, "%s%s", i > 0 ? " " : "", got[i].text);
	ck_assert_msg(span_equal(buf_span(&text), span_text(cases[_i].want)),
	    "%s gives \"%.*s\"", cases[_i].from, SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}
END_TEST

START_TEST(many_are_bounded)
{
	struct author_domain got[AUTHORS_MAX];
	struct buf from = { 0 };

	for (int i = 0; i < 500; i++)
		(void)buf_printf(&from, "%sa@b%d.test", i > 0 ? "," : "", i);
	ck_assert_uint_eq(authors_read(buf_span(&from), got), AUTHORS_MAX);
	ck_assert_str_eq(got[15].text, "b15.test");
	buf_clear(&from);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_from_names_domains, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, many_are_bounded);
}

SUITE_MAIN("author", fill)
