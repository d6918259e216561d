#include "tests/lib/suite.h"

#include "conf/conf.h"
#include "policy/identity.h"
#include "smtp/address.h"

#define LOGIN_ONLY                                                             \
	{                                                                      \
		"$login"                                                       \
	}

static const struct {
	const char *name;
	const char *send_as[3];
	const char *login, *from; /* from: a path */
	bool may;
} cases[] = {
	{ "own_address", LOGIN_ONLY, "ann@b.test", "<ann@b.test>", true },
	{ "case_does_not_matter", LOGIN_ONLY, "Ann@B.test", "<aNN@b.TEST>",
	    true },
	{ "another", LOGIN_ONLY, "ann@b.test", "<bob@b.test>", false },
	{ "another_domain", LOGIN_ONLY, "ann@b.test", "<ann@c.test>", false },
	{ "a_subdomain_is_another", LOGIN_ONLY, "ann@b.test", "<ann@x.b.test>",
	    false },
	{ "a_longer_local_part", LOGIN_ONLY, "ann@b.test", "<ann+x@b.test>",
	    false },
	{ "short_login_is_at_our_host", LOGIN_ONLY, "ann", "<ann@relay.test>",
	    true },
	{ "short_login_not_elsewhere", LOGIN_ONLY, "ann", "<ann@b.test>",
	    false },
	{ "null_path_never", { "*", "$login", "*@b.test" }, "ann", "<>",
	    false },
	{ "plus_is_the_login_s", { "$login+*" }, "ann@b.test", "<ann+x@B.test>",
	    true },
	{ "plus_in_any_case", { "$login+*" }, "Ann@b.test", "<aNN+X@b.test>",
	    true },
	{ "plus_and_nothing", { "$login+*" }, "ann@b.test", "<ann+@b.test>",
	    true },
	{ "plus_alone_is_not_the_login", { "$login+*" }, "ann@b.test",
	    "<ann@b.test>", false },
	{ "plus_of_somebody_else", { "$login+*" }, "ann@b.test",
	    "<anna+x@b.test>", false },
	{ "plus_of_a_longer_login", { "$login+*" }, "ann@b.test",
	    "<an+x@b.test>", false },
	{ "plus_elsewhere", { "$login+*" }, "ann@b.test", "<ann+x@c.test>",
	    false },
	{ "plus_in_quotes", { "$login+*" }, "ann@b.test",
	    "<\"ann+x y\"@b.test>", false },
	{ "plus_of_a_short_login", { "$login+*" }, "ann", "<ann+x@relay.test>",
	    true },
	{ "plus_of_a_short_login_elsewhere", { "$login+*" }, "ann",
	    "<ann+x@b.test>", false },
	{ "nothing_allowed", { NULL }, "ann", "<ann@relay.test>", false },
	{ "one_address", { "info@b.test" }, "ann", "<info@b.test>", true },
	{ "one_address_any_case", { "Info@b.test" }, "ann", "<iNFO@B.test>",
	    true },
	{ "one_address_only", { "info@b.test" }, "ann", "<ann@b.test>", false },
	{ "whole_domain", { "*@b.test" }, "app", "<anybody@B.test>", true },
	{ "whole_domain_not_below", { "*@b.test" }, "app", "<x@y.b.test>",
	    false },
	{ "whole_domain_not_its_tail", { "*@b.test" }, "app", "<x@ab.test>",
	    false },
	{ "quoted_at_is_not_the_domain", { "*@b.test" }, "app",
	    "<\"x@b.test\"@evil.test>", false },
	{ "everything", { "*" }, "app", "<x@y.test>", true },
	{ "second_pattern", { "$login", "*@b.test" }, "app", "<x@b.test>",
	    true },
	{ "no_pattern_fits", { "$login", "*@b.test" }, "app", "<x@c.test>",
	    false },
	{ "star_inside_is_a_letter", { "a*@b.test" }, "app", "<ab@b.test>",
	    false },
	{ "quotes_change_nothing", LOGIN_ONLY, "ann@b.test", "<\"ann\"@b.test>",
	    true },
	{ "nor_do_backslashes", { "ann@b.test" }, "app", "<\"\\ANN\"@b.test>",
	    true },
	{ "quotes_make_nobody_else", LOGIN_ONLY, "ann@b.test",
	    "<\"bob\"@b.test>", false },
	{ "quoted_login_at_our_host", LOGIN_ONLY, "ann", "<\"ann\"@relay.test>",
	    true },
	{ "quoted_whole_address", LOGIN_ONLY, "ann@b.test",
	    "<\"ann@b.test\"@b.test>", false },
	{ "dots_without_quotes", { "\"mei..shop\"@b.test" }, "app",
	    "<mei..shop@b.test>", true },
	{ "dots_with_quotes", { "mei..shop@b.test" }, "app",
	    "<\"mei..shop\"@b.test>", true },
	{ "dot_behind_the_domain", { "*@b.test" }, "app", "<x@b.test.>", true },
	{ "and_another", { "*@b.test" }, "app", "<x@evil.test.>", false },
};

START_TEST(verdict)
{
	struct conf_account account = { 0 };
	struct span path = span_text(cases[_i].from);
	char *patterns[3];
	struct identity who = { .account = &account,
		.hostname = SPAN("relay.test") };
	struct address from;

	for (size_t i = 0; i < 3 && cases[_i].send_as[i] != NULL; i++)
		patterns[account.nsend_as++] =
		    span_dup(span_text(cases[_i].send_as[i]));
	account.send_as = patterns;
	ck_assert(address_parse_path(&path, &from) == ADDRESS_OK);
	who.login = span_text(cases[_i].login);
	ck_assert_msg(
	    identity_owns(&who, &from) == cases[_i].may, "%s", cases[_i].name);
	for (size_t i = 0; i < account.nsend_as; i++)
		free(patterns[i]);
}
END_TEST

static const struct {
	const char *narrowed, *from;
	bool may;
} narrow[] = {
	{ "", "<x@b.test>", true },
	{ "", "<ann@relay.test>", true },
	{ "x@b.test", "<X@B.test>", true },
	{ "x@b.test", "<y@b.test>", false },
	{ "x@b.test", "<ann@relay.test>", false },
	{ "$login", "<ann@relay.test>", true },
	{ "$login", "<x@b.test>", false },
	{ "x@b.test,$login", "<ann@relay.test>", true },
	{ "x@b.test,*@c.test", "<y@c.test>", false }, /* not the account's */
	{ "*@b.test", "<y@b.test>", true },
	{ "x@b.test", "<>", false },
};

START_TEST(a_key_is_no_more_than_it_is_narrowed_to)
{
	char login[] = "$login", domain[] = "*@b.test";
	char *patterns[] = { login, domain };
	struct conf_account account = { .send_as = patterns, .nsend_as = 2 };
	struct span path = span_text(narrow[_i].from);
	struct identity who = { .account = &account,
		.login = SPAN("ann"),
		.hostname = SPAN("relay.test"),
		.narrowed = span_text(narrow[_i].narrowed) };
	struct address from;

	ck_assert(address_parse_path(&path, &from) == ADDRESS_OK);
	ck_assert_msg(identity_owns(&who, &from) == narrow[_i].may, "%s %s",
	    narrow[_i].narrowed, narrow[_i].from);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_key_is_no_more_than_it_is_narrowed_to, 0,
	    (int)ARRAY_LEN(narrow));
	tcase_add_loop_test(tc, verdict, 0, (int)ARRAY_LEN(cases));
}

SUITE_MAIN("identity", fill)
