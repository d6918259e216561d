#include "tests/lib/suite.h"

#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "policy/aliases.h"
#include "policy/authors.h"
#include "policy/identity.h"

/*
 * The account: ann@own.test, with its sub-addresses, all of lists.test, and
 * sales@own.test by the aliases. Everything else is somebody else's.
 */
static char *send_as[] = { (char[]){ "$login" }, (char[]){ "$login+*" },
	(char[]){ "*@lists.test" } };
static struct conf_account account = { .send_as = send_as, .nsend_as = 3 };
static struct identity who;
static struct aliases *aliases;

static void
setup(void)
{
	static const uint64_t seed[2] = { 1, 2 };
	struct err err;

	aliases = aliases_parse(SPAN("sales@own.test ann@own.test\n"
				     "boss@own.test bob@own.test\n"),
	    seed, &err);
	ck_assert_ptr_nonnull(aliases);
	who = (struct identity){ .account = &account,
		.aliases = aliases,
		.login = SPAN("ann@own.test"),
		.hostname = SPAN("relay.test") };
}

static void
teardown(void)
{
	aliases_unref(aliases);
}

enum {
	OWN = AUTHORS_OWN,
	FOREIGN = AUTHORS_FOREIGN,
	UNCLEAR = AUTHORS_UNCLEAR
};

static const struct {
	const char *header; /* without the last CRLF */
	int want;
} cases[] = {
	/* What mail clients and programs write. */
	{ "From: ann@own.test", OWN },
	{ "From: <ann@own.test>", OWN },
	{ "FROM: ANN@OWN.TEST", OWN },
	{ "From: Ann <ann@own.test>", OWN },
	{ "From: \"Ann B. Meier\" <ann@own.test>", OWN },
	{ "From: Ann B. Meier <ann@own.test>", OWN },
	{ "From: \"Meier, Ann\" <ann@own.test>", OWN },
	{ "From: =?utf-8?Q?Ann_M=C3=BCller?= <ann@own.test>", OWN },
	{ "From: =?iso-8859-1?Q?Ann_M=FCller?= <ann@own.test>", OWN },
	{ "From: =?windows-1252?B?QW5uIE38bGxlcg==?= <ann@own.test>", OWN },
	{ "From: =?iso-2022-jp?B?GyRCJDMbKEI=?= <ann@own.test>", OWN },
	{ "From: =?gb18030?B?1tDOxA==?= <ann@own.test>", OWN },
	{ "From: =?koi8-r?B?4c7OwQ==?= <ann@own.test>", OWN },
	{ "From: Ann M\xc3\xbcller <ann@own.test>", OWN },
	{ "From: Ann M\xfcller <ann@own.test>", OWN },
	{ "From: ann@own.test (Ann Meier)", OWN },
	{ "From: (Ann) ann@own.test", OWN },
	{ "From: Ann (at work) <ann@own.test> (yes)", OWN },
	{ "From: ann@own.test <ann@own.test>", OWN },
	{ "From: \"ann@own.test\" <ann@own.test>", OWN },
	{ "From: \"Ann (ann+x@own.test)\" <ann@own.test>", OWN },
	{ "From: Ann\r\n <ann@own.test>", OWN },
	{ "From:\r\n\tAnn\r\n\t<ann@own.test>", OWN },
	{ "From:ann@own.test", OWN },
	{ "From: < ann@own.test >", OWN },
	{ "From: \"ann\"@own.test", OWN },
	{ "From: ann+news@own.test", OWN },
	{ "From: sales@own.test", OWN },
	{ "From: \"Sales\" <SALES@own.test>, ann@own.test", OWN },
	{ "From: a@lists.test, b@lists.test,", OWN },
	{ "From: Team: a@lists.test, B <b@lists.test>;", OWN },
	{ "From: \"Ann @ Work\" <ann@own.test>", OWN },
	{ "From: \"Release v1@2.0\" <ann@own.test>", OWN },
	{ "From: \"5 pm @ 10.30\" <ann@own.test>", OWN },
	{ "From: ann@own.test\r\nSender: sales@own.test", OWN },
	{ "From: ann@own.test\r\nResent-From: ann@own.test\r\n"
	  "Resent-From: a@lists.test",
	    OWN },
	{ "Subject: no From at all", OWN },
	{ "Reply-To: ceo@bank.test\r\nTo: ceo@bank.test\r\nX-From: "
	  "ceo@bank.test\r\nFrom: ann@own.test",
	    OWN },
	{ "From: ann@own.test\r\n\r\nFrom: ceo@bank.test", OWN },

	/* Somebody else, plainly. */
	{ "From: ceo@bank.test", FOREIGN },
	{ "From: <ceo@bank.test>", FOREIGN },
	{ "From: Ann <ceo@bank.test>", FOREIGN },
	{ "from: ceo@bank.test", FOREIGN },
	{ "fRoM:ceo@bank.test", FOREIGN },
	{ "From : ceo@bank.test", FOREIGN },
	{ "From\t: ceo@bank.test", FOREIGN },
	{ "From: boss@own.test", FOREIGN },
	{ "From: anna@own.test", FOREIGN },
	{ "From: ann@own.test.bank.test", FOREIGN },
	{ "From: ann@x.own.test", FOREIGN },
	{ "From: ann@own.test, ceo@bank.test", FOREIGN },
	{ "From: ceo@bank.test, ann@own.test", FOREIGN },
	{ "From: Team: ann@own.test, ceo@bank.test;", FOREIGN },
	{ "From: Team: ceo@bank.test;, ann@own.test", FOREIGN },
	{ "From: ceo@[192.0.2.1]", FOREIGN },
	{ "From: ceo@b\xc3\xa4nk.test", FOREIGN },
	{ "From: ceo@\r\n bank.test", UNCLEAR },
	{ "From: ann@own.test\r\nSender: ceo@bank.test", FOREIGN },
	{ "From: ann@own.test\r\nResent-From: ceo@bank.test", FOREIGN },
	{ "From: ann@own.test\r\nResent-Sender: ceo@bank.test", FOREIGN },
	{ "Resent-From: ann@own.test\r\nFrom: ceo@bank.test", FOREIGN },

	/* Two fields. */
	{ "From: ann@own.test\r\nFrom: ann@own.test", UNCLEAR },
	{ "From: ann@own.test\r\nSubject: x\r\nFROM: ceo@bank.test", UNCLEAR },
	{ "From: ann@own.test\r\nFrom : ceo@bank.test", UNCLEAR },
	{ "From: ann@own.test\r\nSender: ann@own.test\r\nsender: "
	  "ann@own.test",
	    UNCLEAR },
	{ "From: ann@own.test\r\nSender: ann@own.test, sales@own.test",
	    UNCLEAR },

	/* An address in a name or comment. */
	{ "From: \"ceo@bank.test\" <ann@own.test>", FOREIGN },
	{ "From: ceo@bank.test <ann@own.test>", FOREIGN },
	{ "From: \"Ceo <ceo@bank.test>\" <ann@own.test>", FOREIGN },
	{ "From: \"ceo\\@bank.test\" <ann@own.test>", FOREIGN },
	{ "From: ceo\"@\"bank.test <ann@own.test>", FOREIGN },
	{ "From: \"ceo @ bank.test\" <ann@own.test>", FOREIGN },
	{ "From: \"ceo@\r\n bank.test\" <ann@own.test>", FOREIGN },
	{ "From: \"(ceo@bank.test) Ann\" <ann@own.test>", FOREIGN },
	{ "From: (ceo@bank.test) <ann@own.test>", FOREIGN },
	{ "From: ann@own.test (ceo@bank.test)", FOREIGN },
	{ "From: ann@own.test (a (b (ceo@bank.test)))", FOREIGN },
	{ "From: <ann@own.test> (ceo@bank.test)", FOREIGN },
	{ "From: \"ceo@[192.0.2.1]\" <ann@own.test>", FOREIGN },
	{ "From: \"@bank.test\" <ann@own.test>", FOREIGN },
	{ "From: \"ann@own.test ceo@bank.test\" <ann@own.test>", FOREIGN },
	{ "From: ceo@bank.test: ann@own.test;", FOREIGN },
	{ "From: \"ceo@bank.test\": ann@own.test;", FOREIGN },
	{ "From: \"ceo@b\xc3\xa4nk.test\" <ann@own.test>", FOREIGN },
	{ "From: \"ceo\xef\xbc\xa0"
	  "bank.test\" <ann@own.test>",
	    FOREIGN }, /* U+FF20 */
	{ "From: \"ceo\xef\xb9\xab"
	  "bank\xe3\x80\x82test\" <ann@own.test>",
	    FOREIGN }, /* U+FE6B, U+3002 */
	{ "From: \"ceo@bank\xe2\x80\x8b.test\" <ann@own.test>",
	    FOREIGN }, /* U+200B */
	{ "From: \"ceo\xe2\x80\x8b@\xe2\x81\xa0"
	  "bank.test\" <ann@own.test>",
	    FOREIGN },
	{ "From: \"ceo@\xff"
	  "bank.test\" <ann@own.test>",
	    FOREIGN },
	{ "From: \"\xe2\x80\xaetset.knab@oec\" <ann@own.test>",
	    UNCLEAR }, /* U+202E */
	/* The same encoded (RFC 2047), wherever it stands. */
	{ "From: =?utf-8?Q?ceo=40bank.test?= <ann@own.test>", FOREIGN },
	{ "From: =?utf-8?B?Y2VvQGJhbmsudGVzdA==?= <ann@own.test>", FOREIGN },
	{ "From: \"=?utf-8?B?Y2VvQGJhbmsudGVzdA==?=\" <ann@own.test>",
	    FOREIGN },
	{ "From: (=?utf-8?B?Y2VvQGJhbmsudGVzdA==?=) <ann@own.test>", FOREIGN },
	{ "From: =?utf-8?Q?ceo?= =?utf-8?Q?=40bank?=\r\n =?utf-8?Q?.test?= "
	  "<ann@own.test>",
	    FOREIGN },
	{ "From: =?utf-8?Q?ceo=40?=bank.test <ann@own.test>", FOREIGN },
	{ "From: =?utf-7?Q?ceo+AEA-bank.test?= <ann@own.test>", FOREIGN },
	{ "From: =?utf-16be?B?AGMAZQBvAEAAYgBhAG4AawAuAHQAZQBzAHQ=?= "
	  "<ann@own.test>",
	    FOREIGN },
	{ "From: =?us-ascii*en?Q?ceo=40bank.test?= <ann@own.test>", FOREIGN },
	{ "From: =?x-unknown?Q?ceo=40bank.test?= <ann@own.test>", UNCLEAR },
	{ "From: =?utf-8//TRANSLIT?Q?x?= <ann@own.test>", UNCLEAR },
	{ "From: =?utf-8?X?ceo=40bank.test?= <ann@own.test>", UNCLEAR },
	{ "From: =?utf-8?Q?ceo=40bank.test <ann@own.test>", UNCLEAR },
	{ "From: =?utf-8?Q?ceo =40bank.test?= <ann@own.test>", UNCLEAR },
	{ "From: =?utf-8?B?Y2VvQGJhbmsudGVzdA=?= <ann@own.test>", UNCLEAR },
	{ "From: =?utf-8?Q?=3D=3Futf-8=3FQ=3Fceo=3D40bank.test=3F=3D?= "
	  "<ann@own.test>",
	    UNCLEAR },
	{ "From: <=?utf-8?Q?ceo?=@own.test>", UNCLEAR },
	{ "From: =?utf-8?Q?ceo=40bank.test?=", UNCLEAR },

	/* What programs put together in different ways. */
	{ "From: <ceo@bank.test> <ann@own.test>", UNCLEAR },
	{ "From: <ann@own.test> ceo@bank.test", UNCLEAR },
	{ "From: @<ann@own.test>", UNCLEAR },
	{ "From: Ann @home <ann@own.test>", UNCLEAR },
	{ "From: ann@own.test x <ann@own.test>", UNCLEAR },
	{ "From: <<ceo@bank.test>ann@own.test>", UNCLEAR },
	{ "From: ann@own.test ceo@bank.test", UNCLEAR },
	{ "From: <@bank.test:ann@own.test>", UNCLEAR },
	{ "From: <@bank.test,@x.test:ann@own.test>", UNCLEAR },
	{ "From: <ann@own.test(ceo@bank.test)>", UNCLEAR },
	{ "From: <ann (x) @own.test>", UNCLEAR },
	{ "From: <ann @own.test>", UNCLEAR },
	{ "From: ann@own.test, <>", UNCLEAR },
	{ "From: \"Ann <ann@own.test>", UNCLEAR },
	{ "From: (Ann <ann@own.test>", UNCLEAR },
	{ "From: Ann) <ann@own.test>", UNCLEAR },
	{ "From: <ann@own.test", UNCLEAR },
	{ "From: ann@own.test>", UNCLEAR },
	{ "From: Ann \\<ceo@bank.test> <ann@own.test>", UNCLEAR },
	{ "From: ann@own.test; ceo@bank.test", UNCLEAR },
	{ "From: Team: ann@own.test", UNCLEAR },
	{ "From: A: B: ann@own.test;;", UNCLEAR },
	{ "From: Team:;", UNCLEAR },
	{ "From: (nobody)", UNCLEAR },
	{ "From: Ann", UNCLEAR },
	{ "From: root", UNCLEAR },
	{ "From: Meier, Ann <ann@own.test>", UNCLEAR },
	{ "From: <\"ceo@bank.test\"@lists.test>", UNCLEAR },
	{ "From: <\"ceo@bank.test> x\"@lists.test>", UNCLEAR },
	{ "From: <\"a b\"@lists.test>", UNCLEAR },
	{ "From: ann@own.test\x01", UNCLEAR },
	{ "From: \x01"
	  "Ann <ann@own.test>",
	    UNCLEAR },
	{ "From: ann@own.test@bank.test", UNCLEAR },
	{ "From: a@b@lists.test", UNCLEAR },
	{ "From: ann@", UNCLEAR },
	{ "From: ann@own..test", UNCLEAR },
	{ "From: ann@own.test.", UNCLEAR },
};

START_TEST(each_header_is_judged_as_its_readers_may_read_it)
{
	char *header = mem_printf("%s\r\n", cases[_i].header);
	struct authors got;

	authors_review(span_text(header), &who, &got);
	ck_assert_msg((int)got.verdict == cases[_i].want,
	    "%s\nis %d, expected %d (%s, <%s>)", header, got.verdict,
	    cases[_i].want, got.why == NULL ? "" : got.why, got.address);
	/* What is said of the first fault is said as that fault is. */
	ck_assert_msg(
	    got.told != AUTHORS_UNCLEAR || got.why != NULL, "%s", header);
	ck_assert_msg((got.told == AUTHORS_OWN) == (got.verdict == AUTHORS_OWN),
	    "%s", header);
	free(header);
}
END_TEST

START_TEST(a_foreign_address_is_told_as_one_though_the_field_is_there_twice)
{
	struct authors got;

	authors_review(
	    SPAN("From: <ann@own.test>\r\nFrom: <ceo@bank.test>\r\n"), &who,
	    &got);
	ck_assert(got.verdict == AUTHORS_UNCLEAR);
	ck_assert(got.told == AUTHORS_FOREIGN);
	ck_assert_str_eq(got.address, "ceo@bank.test");
	ck_assert_ptr_null(got.why);
}
END_TEST

START_TEST(what_is_told_is_the_first_fault)
{
	struct authors got;

	authors_review(SPAN("Date: x\r\nSender: <ceo@b\xff"
			    "nk.test>\r\nFrom: boss@own.test\r\n"),
	    &who, &got);
	ck_assert(got.verdict == AUTHORS_UNCLEAR);
	ck_assert(span_equal(got.field, SPAN("Sender")));
	ck_assert_str_eq(got.address, "ceo@b?nk.test");
	ck_assert_ptr_nonnull(got.why);
	ck_assert(got.of[AUTHOR_SENDER] == AUTHORS_UNCLEAR);
	ck_assert(got.of[AUTHOR_FROM] == AUTHORS_FOREIGN);
	ck_assert(got.of[AUTHOR_RESENT_FROM] == AUTHORS_OWN);
	authors_review(
	    SPAN(
		"From: \"Ceo =?utf-8?q?ceo=40bank.test?=\" <ann@own.test>\r\n"),
	    &who, &got);
	ck_assert_str_eq(got.address, "ceo@bank.test");
	ck_assert_str_eq(got.why, "it is in a name");
	authors_review(SPAN("From: ceo@bank.test\r\n"), &who, &got);
	ck_assert_ptr_null(got.why);
}
END_TEST

static const struct {
	const char *header, *name;
} names[] = {
	{ "From: Scanner 3 <scan@local.test>\r\n", "Scanner 3 " },
	{ "From: \"A, B\"\r\n <scan@local.test>\r\n", "\"A, B\"\r\n " },
	{ "From: scan@local.test (Scanner)\r\n", "" },
	{ "From: scan@local.test\r\n", "" },
	{ "From: \"ceo@bank.test\" <scan@local.test>\r\n", "" },
	{ "From: A <a@local.test>, B <b@local.test>\r\n", "" },
	{ "From: A <a@local.test> x\r\n", "" },
};

START_TEST(a_name_is_kept_when_it_names_nobody_else)
{
	struct authors got;

	authors_review(span_text(names[_i].header), &who, &got);
	ck_assert_msg(span_equal(got.name, span_text(names[_i].name)),
	    "%s: '%.*s'", names[_i].header, SPAN_ARG(got.name));
}
END_TEST

/* Each may cost a look at the disk, which others wait for. */
START_TEST(a_header_has_eight_charsets_at_the_most)
{
	struct buf text = { 0 };
	struct authors got;

	(void)buf_append_text(&text, "From: ");
	for (int i = 0; i < 8; i++)
		(void)buf_append_text(
		    &text, "=?koi8-r?Q?=C1?= <a@lists.test>, ");
	(void)buf_append_text(&text, "=?utf-8?Q?x?= <a@lists.test>\r\n");
	authors_review(buf_span(&text), &who, &got);
	ck_assert(got.verdict == AUTHORS_OWN);
	(void)buf_append_text(
	    &text, "Sender: =?koi8-r?Q?=C1?= <a@lists.test>\r\n");
	authors_review(buf_span(&text), &who, &got);
	ck_assert(got.verdict == AUTHORS_UNCLEAR);
	buf_clear(&text);
}
END_TEST

START_TEST(a_field_has_a_hundred_addresses_at_the_most)
{
	struct buf text = { 0 };
	struct authors got;

	(void)buf_append_text(&text, "From: a@lists.test");
	for (int i = 0; i < 99; i++)
		(void)buf_append_text(&text, ",\r\n a@lists.test");
	(void)buf_append_text(&text, "\r\n");
	authors_review(buf_span(&text), &who, &got);
	ck_assert(got.verdict == AUTHORS_OWN);
	buf_truncate(&text, buf_len(&text) - 2);
	(void)buf_append_text(&text, ", a@lists.test\r\n");
	authors_review(buf_span(&text), &who, &got);
	ck_assert(got.verdict == AUTHORS_UNCLEAR);
	buf_clear(&text);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc,
	    each_header_is_judged_as_its_readers_may_read_it, 0,
	    ARRAY_LEN(cases));
	tcase_add_test(tc,
	    a_foreign_address_is_told_as_one_though_the_field_is_there_twice);
	tcase_add_test(tc, what_is_told_is_the_first_fault);
	tcase_add_loop_test(
	    tc, a_name_is_kept_when_it_names_nobody_else, 0, ARRAY_LEN(names));
	tcase_add_test(tc, a_header_has_eight_charsets_at_the_most);
	tcase_add_test(tc, a_field_has_a_hundred_addresses_at_the_most);
}

SUITE_MAIN("authors", fill)
