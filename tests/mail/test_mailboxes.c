#include "tests/lib/suite.h"

#include "base/buf.h"
#include "mail/mailboxes.h"

/* Each mailbox as {before|address|after}; at the end "!" where it is unclear. */
static const struct {
	const char *value, *want;
} cases[] = {
	{ "", "" },
	{ " , ,", "" },
	{ "a@b", "{|a@b|}" },
	{ "a@b,c@d", "{|a@b|}{|c@d|}" },
	{ " a@b , c@d ", "{ |a@b| }{ |c@d| }" },
	{ "<a@b>", "{|a@b|}" },
	{ "X <a@b> (y)", "{X |a@b| (y)}" },
	{ "\"X, Y\" <a@b>", "{\"X, Y\" |a@b|}" },
	{ "\"X \\\" <c@d>\" <a@b>", "{\"X \\\" <c@d>\" |a@b|}" },
	{ "(x (y) \\) z) a@b (w)", "{(x (y) \\) z) |a@b| (w)}" },
	{ "x@y <a@b>", "{x@y |a@b|}" },
	{ "x @y <a@b>", "!" },
	{ "@ <a@b>", "{@ |a@b|}" },
	{ "X\r\n <a@b\r\n >", "{X\r\n |a@b|}" },
	{ "\"a\"@b", "{|\"a\"@b|}" },
	{ "<\"a,b\"@c>", "!" },
	{ "a@[IPv6:::1]", "{|a@[IPv6:::1]|}" },
	{ "<a@[IPv6:::1]>", "{|a@[IPv6:::1]|}" },
	{ "G: a@b, X <c@d>; , e@f", "{G||}{ |a@b|}{ X |c@d|}{ |e@f|}" },
	{ "G:;", "{G||}" },
	{ "\"G H\": a@b;", "{\"G H\"||}{ |a@b|}" },
	{ "a@b c@d", "!" },
	{ "a@b, X Y", "{|a@b|}!" },
	{ "a@b, (x)", "{|a@b|}!" },
	{ "<a@b> x", "!" },
	{ "<a@b> <c@d>", "!" },
	{ "<a <b@c>>", "!" },
	{ "<a@b", "!" },
	{ "a@b>", "!" },
	{ "<>", "!" },
	{ "<@x:a@b>", "!" },
	{ "@x:a@b", "{@x||}{|a@b|}!" },
	{ "<a @b>", "!" },
	{ "<a(x)@b>", "!" },
	{ "<a\\@b>", "!" },
	{ "\"a@b", "!" },
	{ "(a@b", "!" },
	{ "a@b)", "!" },
	{ "a@[b", "!" },
	{ "a;b", "!" },
	{ "<a@b>:c@d;", "!" },
	{ ": a@b;", "!" },
	{ "G: H: a@b;;", "{G||}!" },
	{ "G: a@b", "{G||}{ |a@b|}!" },
	{ "a\x01@b", "!" },
	{ "a\\b@c", "!" },
};

START_TEST(a_list_is_read_or_it_is_unclear)
{
	struct mailboxes m = mailboxes_of(span_text(cases[_i].value));
	struct buf out = { 0 };
	struct mailbox one;

	while (mailboxes_next(&m, &one))
		(void)buf_printf(&out, "{%.*s|%.*s|%.*s}", SPAN_ARG(one.before),
		    SPAN_ARG(one.address), SPAN_ARG(one.after));
	if (m.unclear != NULL)
		(void)buf_append_char(&out, '!');
	ck_assert_msg(span_equal(buf_span(&out), span_text(cases[_i].want)),
	    "%s gives %.*s (%s)", cases[_i].value, SPAN_ARG(buf_span(&out)),
	    m.unclear == NULL ? "" : m.unclear);
	ck_assert(!mailboxes_next(&m, &one));
	buf_clear(&out);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_list_is_read_or_it_is_unclear, 0, ARRAY_LEN(cases));
}

SUITE_MAIN("mailboxes", fill)
