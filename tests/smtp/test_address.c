#include "tests/lib/suite.h"

#include <string.h>

#include "smtp/address.h"

#define A8 "aaaaaaaa"
#define A64 A8 A8 A8 A8 A8 A8 A8 A8
#define A128 A64 A64
#define A63 "aaaaaaa" A8 A8 A8 A8 A8 A8 A8
/* A domain of 191 bytes: with a local part of 128 it makes 320. */
#define D191 A63 "." A63 "." A8 A8 A8 A8 A8 A8 A8 "aaaaaaa"

/* `text`, `domain`: what comes out; NULL: not asked. */
static const struct {
	const char *name, *in;
	enum address_status want;
	const char *text, *domain;
} paths[] = {
	{ "plain", "<a@b.test>", ADDRESS_OK, "a@b.test", "b.test" },
	{ "null_path_is_an_address", "<>", ADDRESS_OK, "", "" },
	{ "postmaster_needs_no_domain", "<PostMaster>", ADDRESS_OK,
	    "PostMaster", "" },
	{ "nobody_else_does_not", "<root>", ADDRESS_NO_DOMAIN, NULL, NULL },
	{ "quoted_postmaster_is_another", "<\"postmaster\">", ADDRESS_NO_DOMAIN,
	    NULL, NULL },
	{ "all_atext", "<!#$%&'*+-/=?^_`{|}~1@b.test>", ADDRESS_OK,
	    "!#$%&'*+-/=?^_`{|}~1@b.test", "b.test" },
	{ "dots_inside", "<a.b.c@b.test>", ADDRESS_OK, "a.b.c@b.test",
	    "b.test" },
	{ "dot_in_front", "<.a@b.test>", ADDRESS_OK, ".a@b.test", "b.test" },
	{ "dot_at_the_end", "<a.@b.test>", ADDRESS_OK, "a.@b.test", "b.test" },
	{ "two_dots", "<a..b@b.test>", ADDRESS_OK, "a..b@b.test", "b.test" },
	{ "quoted_with_blank", "<\"a b\"@c.test>", ADDRESS_OK, "\"a b\"@c.test",
	    "c.test" },
	{ "quoted_with_bracket_and_at", "<\"a>@b\"@c.test>", ADDRESS_OK,
	    "\"a>@b\"@c.test", "c.test" },
	{ "quoted_pair", "<\"a\\\"b\\\\\"@c.test>", ADDRESS_OK,
	    "\"a\\\"b\\\\\"@c.test", "c.test" },
	{ "quoted_nothing", "<\"\"@c.test>", ADDRESS_OK, "\"\"@c.test",
	    "c.test" },
	{ "quote_not_closed", "<\"a@c.test>", ADDRESS_NO_BRACKETS, NULL, NULL },
	{ "text_behind_the_quote", "<\"a\"b@c.test>", ADDRESS_BAD_LOCAL, NULL,
	    NULL },
	{ "quote_in_the_middle", "<a\"b\"@c.test>", ADDRESS_BAD_LOCAL, NULL,
	    NULL },
	{ "source_route_is_dropped", "<@x.test,@y.test:a@b.test>", ADDRESS_OK,
	    "a@b.test", "b.test" },
	{ "source_route_to_nobody", "<@x.test:>", ADDRESS_BAD_LOCAL, NULL,
	    NULL },
	{ "source_route_without_colon", "<@x.test>", ADDRESS_BAD_LOCAL, NULL,
	    NULL },
	{ "source_route_with_blanks", "<@x.test, @y.test:a@b.test>", ADDRESS_OK,
	    "a@b.test", "b.test" },
	{ "source_route_of_no_hosts", "<@@;:a@b.test>", ADDRESS_BAD_LOCAL, NULL,
	    NULL },
	{ "source_route_of_nothing", "<:a@b.test>", ADDRESS_BAD_LOCAL, NULL,
	    NULL },
	{ "source_route_of_a_mailbox", "<x@y.test:a@b.test>",
	    ADDRESS_BAD_DOMAIN, NULL, NULL },
	{ "two_at", "<a@b@c.test>", ADDRESS_BAD_DOMAIN, NULL, NULL },
	{ "no_space_inside", "<a @c.test>", ADDRESS_BAD_LOCAL, NULL, NULL },
	{ "no_space_in_domain", "<a@c .test>", ADDRESS_BAD_DOMAIN, NULL, NULL },
	{ "tab", "<a\t@c.test>", ADDRESS_BAD_CHAR, NULL, NULL },
	{ "utf8", "<\xc3\xa4@c.test>", ADDRESS_OK, "\xc3\xa4@c.test",
	    "c.test" },
	{ "utf8_quoted", "<\"\xc3\xa4 b\"@c.test>", ADDRESS_OK,
	    "\"\xc3\xa4 b\"@c.test", "c.test" },
	{ "utf8_domain",
	    "<a@gr\xc3\xbc\xc3\x9f"
	    "e.test>",
	    ADDRESS_OK,
	    "a@gr\xc3\xbc\xc3\x9f"
	    "e.test",
	    "gr\xc3\xbc\xc3\x9f"
	    "e.test" },
	{ "label_too_long_by_letters", "<a@\xc3\xa4" A63 ".test>",
	    ADDRESS_BAD_DOMAIN, NULL, NULL },
	{ "domain_with_a_blank", "<a@b\xc2\xa0.test>", ADDRESS_BAD_DOMAIN, NULL,
	    NULL },
	{ "domain_of_an_accent", "<a@\xcc\x81.test>", ADDRESS_BAD_DOMAIN, NULL,
	    NULL },
	{ "surrogate", "<\xed\xa0\x80@c.test>", ADDRESS_BAD_CHAR, NULL, NULL },
	{ "beyond_unicode", "<\xf4\x90\x80\x80@c.test>", ADDRESS_BAD_CHAR, NULL,
	    NULL },
	{ "c1_control", "<a\xc2\x85@c.test>", ADDRESS_BAD_CHAR, NULL, NULL },
	{ "turns_the_line", "<a\xe2\x80\xae@c.test>", ADDRESS_BAD_CHAR, NULL,
	    NULL },
	{ "latin1", "<\xe4@c.test>", ADDRESS_BAD_CHAR, NULL, NULL },
	{ "half_a_letter", "<a@b.\xc3>", ADDRESS_BAD_CHAR, NULL, NULL },
	{ "half_a_letter_inside", "<\xe4\xbe@b.test>", ADDRESS_BAD_CHAR, NULL,
	    NULL },
	{ "no_first_byte", "<\x80@b.test>", ADDRESS_BAD_CHAR, NULL, NULL },
	{ "overlong_of_three", "<\xe0\x80\xaf@b.test>", ADDRESS_BAD_CHAR, NULL,
	    NULL },
	{ "overlong", "<\xc0\xaf@b.test>", ADDRESS_BAD_CHAR, NULL, NULL },
	{ "utf8_and_control", "<\xc3\xa4\x01@c.test>", ADDRESS_BAD_CHAR, NULL,
	    NULL },
	{ "delete_in_quotes", "<\"a\x7f\"@c.test>", ADDRESS_BAD_CHAR, NULL,
	    NULL },
	{ "no_local_part", "<@>", ADDRESS_BAD_LOCAL, NULL, NULL },
	{ "empty_domain", "<a@>", ADDRESS_BAD_DOMAIN, NULL, NULL },
	{ "no_brackets", "a@b.test", ADDRESS_OK, "a@b.test", "b.test" },
	{ "no_brackets_quoted", "\"a b>@c\"@b.test", ADDRESS_OK,
	    "\"a b>@c\"@b.test", "b.test" },
	{ "no_brackets_route", "@x.test:a@b.test", ADDRESS_OK, "a@b.test",
	    "b.test" },
	{ "no_brackets_bad_domain", "a@b..test", ADDRESS_BAD_DOMAIN, NULL,
	    NULL },
	{ "no_brackets_no_domain", "root", ADDRESS_NO_BRACKETS, NULL, NULL },
	{ "name_and_brackets", "Ann <a@b.test>", ADDRESS_NO_BRACKETS, NULL,
	    NULL },
	{ "not_closed", "<a@b.test", ADDRESS_NO_BRACKETS, NULL, NULL },
	{ "not_opened", "a@b.test>", ADDRESS_NO_BRACKETS, NULL, NULL },
	{ "brackets_twice", "<<a@b.test>>", ADDRESS_BAD_LOCAL, NULL, NULL },
	{ "blanks_inside_the_brackets", "< a@b.test >", ADDRESS_OK, "a@b.test",
	    "b.test" },
	{ "dot_behind_the_domain", "<a@b.test.>", ADDRESS_OK, "a@b.test.",
	    "b.test" },
	{ "two_dots_behind_it", "<a@b.test..>", ADDRESS_BAD_DOMAIN, NULL,
	    NULL },
	{ "the_root_alone", "<a@.>", ADDRESS_BAD_DOMAIN, NULL, NULL },
	{ "nothing", "", ADDRESS_NO_BRACKETS, NULL, NULL },
	{ "one_bracket", "<", ADDRESS_NO_BRACKETS, NULL, NULL },
	{ "ipv4_literal", "<a@[192.0.2.1]>", ADDRESS_OK, "a@[192.0.2.1]",
	    "[192.0.2.1]" },
	{ "ipv6_literal", "<a@[IPv6:2001:db8::1]>", ADDRESS_OK,
	    "a@[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]" },
	{ "bad_literal", "<a@[192.0.2.256]>", ADDRESS_BAD_DOMAIN, NULL, NULL },
	{ "ipv6_without_its_tag", "<a@[2001:db8::1]>", ADDRESS_BAD_DOMAIN, NULL,
	    NULL },
	{ "local_part_of_64", "<" A64 "@b.test>", ADDRESS_OK, NULL, "b.test" },
	{ "local_part_of_65", "<" A64 "a@b.test>", ADDRESS_OK, NULL, "b.test" },
	{ "address_of_320", "<" A128 "@" D191 ">", ADDRESS_OK, NULL, D191 },
	{ "address_of_321", "<" A128 "a@" D191 ">", ADDRESS_TOO_LONG, NULL,
	    NULL },
	{ "address_of_322", "<" A128 A128 A64 "a>", ADDRESS_TOO_LONG, NULL,
	    NULL },
	{ "label_of_63", "<a@" A63 ".test>", ADDRESS_OK, NULL, NULL },
	{ "label_of_64", "<a@" A64 ".test>", ADDRESS_BAD_DOMAIN, NULL, NULL },
};

START_TEST(path_is_parsed)
{
	char in[600];
	struct span rest;
	struct address got;
	enum address_status status;

	(void)strcpy(in, paths[_i].in);
	(void)strcat(in, " SIZE=1");
	rest = span_text(in);
	status = address_parse_path(&rest, &got);
	ck_assert_msg(
	    status == paths[_i].want, "%s: %d", paths[_i].name, (int)status);
	ck_assert(address_status_text(status)[0] != '\0');
	if (status != ADDRESS_OK)
		return;
	ck_assert_msg(
	    span_equal(rest, SPAN(" SIZE=1")), "%s: rest", paths[_i].name);
	if (paths[_i].text != NULL)
		ck_assert(span_equal(got.text, span_text(paths[_i].text)));
	if (paths[_i].domain != NULL)
		ck_assert(span_equal(got.domain, span_text(paths[_i].domain)));
	ck_assert(got.is_utf8 == (strncmp(paths[_i].name, "utf8", 4) == 0));
	ck_assert(address_is_null(&got) == (strcmp(paths[_i].in, "<>") == 0));
}
END_TEST

/* What leaves for what came; both name one mailbox. */
static const struct {
	const char *in, *out;
} writes[] = {
	{ "a@b.test", "a@b.test" },
	{ "A.b+c@B.test", "A.b+c@B.test" },
	{ "a@b.test.", "a@b.test" },
	{ "mei..shop@d.test", "\"mei..shop\"@d.test" },
	{ "shop.@d.test", "\"shop.\"@d.test" },
	{ ".mei@d.test", "\".mei\"@d.test" },
	{ "...@d.test", "\"...\"@d.test" },
	{ "\"mei..shop\"@d.test", "\"mei..shop\"@d.test" },
	{ "\"a\"@d.test", "a@d.test" },
	{ "\"a.b\"@d.test", "a.b@d.test" },
	{ "\"\\a\\.\\b\"@d.test", "a.b@d.test" },
	{ "\"\"@d.test", "\"\"@d.test" },
	{ "\"a b\"@d.test", "\"a b\"@d.test" },
	{ "\"a\\ b\"@d.test", "\"a b\"@d.test" },
	{ "\"a\\\"b\\\\\"@d.test", "\"a\\\"b\\\\\"@d.test" },
	{ "\"a@b\"@d.test", "\"a@b\"@d.test" },
	{ "\"a\"@[192.0.2.1]", "a@[192.0.2.1]" },
};

START_TEST(a_mailbox_is_written_in_one_way)
{
	struct span in = span_text(writes[_i].in), text;
	struct buf out = { 0 };
	struct address a, again;

	ck_assert(address_parse(in, &a) == ADDRESS_OK);
	address_write(&a, &out);
	text = buf_span(&out);
	ck_assert_msg(span_equal(text, span_text(writes[_i].out)), "%s: %.*s",
	    writes[_i].in, SPAN_ARG(text));
	ck_assert(address_parse(text, &again) == ADDRESS_OK);
	ck_assert(address_local_equal_nocase(a.local, again.local));
	buf_clear(&out);
}
END_TEST

START_TEST(the_null_path_is_written_as_nothing)
{
	struct span in = SPAN("<>");
	struct buf out = { 0 };
	struct address a;

	ck_assert(address_parse_path(&in, &a) == ADDRESS_OK);
	address_write(&a, &out);
	ck_assert_uint_eq(buf_len(&out), 0);
	buf_clear(&out);
}
END_TEST

START_TEST(the_longest_fits_with_its_quotes)
{
	struct buf out = { .max = ADDRESS_WRITTEN_MAX };
	struct address a;

	ck_assert(address_parse(SPAN("." A64 A63 "@" D191), &a) == ADDRESS_OK);
	address_write(&a, &out);
	ck_assert(!buf_is_over(&out));
	ck_assert_uint_eq(buf_len(&out), ADDRESS_WRITTEN_MAX);
	buf_clear(&out);
}
END_TEST

static const struct {
	const char *a, *b;
	bool same;
} locals[] = {
	{ "ann", "ANN", true },
	{ "ann", "\"ann\"", true },
	{ "\"\\a\\nn\"", "Ann", true },
	{ "a..b", "\"a..b\"", true },
	{ "", "", true },
	{ "", "\"\"", true },
	{ "ann", "anna", false },
	{ "anna", "ann", false },
	{ "\"ann", "ann", false },
	{ "\"", "", false },
	{ "\"ann \"", "ann", false },
	{ "\"a\\\\nn\"", "ann", false },
};

START_TEST(local_parts_are_compared_by_what_they_mean)
{
	struct span a = span_text(locals[_i].a), b = span_text(locals[_i].b);

	ck_assert(address_local_equal_nocase(a, b) == locals[_i].same);
	ck_assert(address_local_equal_nocase(b, a) == locals[_i].same);
}
END_TEST

START_TEST(a_mailbox_is_all_of_the_text)
{
	struct address got;

	ck_assert(address_parse(SPAN("a@b.test"), &got) == ADDRESS_OK);
	ck_assert(span_equal(got.local, SPAN("a")));
	ck_assert(address_parse(SPAN("a@b.test "), &got) != ADDRESS_OK);
	ck_assert(address_parse(SPAN(" a@b.test"), &got) != ADDRESS_OK);
	ck_assert(address_parse(SPAN("<a@b.test>"), &got) != ADDRESS_OK);
	ck_assert(address_parse(SPAN("a@b.test\0"), &got) == ADDRESS_BAD_CHAR);
	ck_assert(address_parse(SPAN(""), &got) != ADDRESS_OK);
	ck_assert(address_parse(SPAN("\"a\\"), &got) != ADDRESS_OK);
}
END_TEST

static const struct {
	const char *domain;
	bool fine;
} domains[] = {
	{ "b.test", true },
	{ "localhost", true },
	{ "1.2.3.4", true },
	{ "_dmarc.b.test", true },
	{ "xn--bcher-kva.test", true },
	{ "a-b.test", true },
	{ "", false },
	{ ".", false },
	{ "b.test.", false },
	{ ".b.test", false },
	{ "b..test", false },
	{ "-b.test", false },
	{ "b-.test", false },
	{ "b.test-", false },
	{ "b.-test", false },
	{ "b test", false },
	{ "b\n.test", false },
	{ "b/test", false },
	{ A63 "." A63 "." A63 "." A63, true },
	{ A63 "." A63 "." A63 "." A63 ".a", false },
};

START_TEST(domain_is_checked)
{
	ck_assert_msg(
	    domain_is_valid(span_text(domains[_i].domain)) == domains[_i].fine,
	    "%s", domains[_i].domain);
	ck_assert(!domain_is_literal(span_text(domains[_i].domain)));
}
END_TEST

static const char *const no_literals[] = {
	"[",
	"[]",
	"[1.2.3]",
	"[1.2.3.4",
	"1.2.3.4]",
	"[1.2.3.4 ]",
	"[IPv6:]",
	"[IPv6:1.2.3.4]",
	"[IPv6:2001:db8::1::2]",
	"[IPv6:fe80::1%eth0]",
	"[host]",
	"[IPv6:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
};

START_TEST(what_is_no_address_is_no_literal)
{
	ck_assert_msg(!domain_is_literal(span_text(no_literals[_i])), "%s",
	    no_literals[_i]);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, path_is_parsed, 0, (int)ARRAY_LEN(paths));
	tcase_add_loop_test(
	    tc, a_mailbox_is_written_in_one_way, 0, (int)ARRAY_LEN(writes));
	tcase_add_test(tc, the_null_path_is_written_as_nothing);
	tcase_add_test(tc, the_longest_fits_with_its_quotes);
	tcase_add_loop_test(tc, local_parts_are_compared_by_what_they_mean, 0,
	    (int)ARRAY_LEN(locals));
	tcase_add_test(tc, a_mailbox_is_all_of_the_text);
	tcase_add_loop_test(tc, domain_is_checked, 0, (int)ARRAY_LEN(domains));
	tcase_add_loop_test(tc, what_is_no_address_is_no_literal, 0,
	    (int)ARRAY_LEN(no_literals));
}

SUITE_MAIN("address", fill)
