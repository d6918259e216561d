#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "policy/aliases.h"
#include "smtp/address.h"

static const uint64_t seed[2] = { 3, 4 };

static struct aliases *
parse(const char *text)
{
	struct err err = { "" };
	struct aliases *a = aliases_parse(span_text(text), seed, &err);

	ck_assert_msg(a != NULL, "%s", err.text);
	return a;
}

static bool
has(const struct aliases *a, const char *address, const char *account)
{
	struct address parsed;

	ck_assert(address_parse(span_text(address), &parsed) == ADDRESS_OK);
	return aliases_has(a, &parsed, span_text(account));
}

START_TEST(an_address_is_found_however_it_is_written)
{
	struct aliases *a = parse("# ours\r\n"
				  "\n"
				  "sales@own.test\tann@own.test\r\n"
				  "  Info@Own.Test   ANN@own.test  \n"
				  "sales@own.test bob\n"
				  "\"mei..shop\"@own.test ann@own.test\n"
				  "post@b\xc3\xbc"
				  "cher.test ann@own.test");

	ck_assert_uint_eq(aliases_count(a), 5);
	ck_assert(has(a, "sales@own.test", "ann@own.test"));
	ck_assert(has(a, "SALES@OWN.test.", "Ann@own.test"));
	ck_assert(has(a, "\"sales\"@own.test", "ann@own.test"));
	ck_assert(has(a, "sales@own.test", "BOB"));
	ck_assert(has(a, "info@own.test", "ann@own.test"));
	ck_assert(has(a, "mei..shop@own.test", "ann@own.test"));
	ck_assert(has(a, "post@xn--bcher-kva.test", "ann@own.test"));
	ck_assert(!has(a, "info@own.test", "bob"));
	ck_assert(!has(a, "sales@own.test", "carl"));
	ck_assert(!has(a, "sales@x.own.test", "bob"));
	ck_assert(!has(a, "sale@own.test", "bob"));
	aliases_unref(aliases_ref(a));
	ck_assert(has(a, "sales@own.test", "bob"));
	aliases_unref(a);
	aliases_unref(parse(""));
	a = parse("\xef\xbb\xbf"
		  "sales@own.test ann");
	ck_assert(has(a, "sales@own.test", "ann"));
	aliases_unref(a);
}
END_TEST

static const struct {
	const char *text, *want;
} wrong[] = {
	{ "a@b.test ann\nsales ann\n", "line 2: the address has no domain" },
	{ "a@b.test\n", "line 1: expected \"address account\"" },
	{ "a@b.test ann bob\n", "line 1: expected \"address account\"" },
	{ "\n\n@b.test ann\n", "line 3: the part before the @ is not valid" },
	{ "*@b.test ann extra\n", "line 1: expected" },
	{ "a@b..test ann\n", "line 1: the domain is not valid" },
};

START_TEST(a_wrong_line_is_named)
{
	struct err err = { "" };

	ck_assert_ptr_null(
	    aliases_parse(span_text(wrong[_i].text), seed, &err));
	ck_assert_msg(strstr(err.text, wrong[_i].want) == err.text,
	    "%s gives %s", wrong[_i].text, err.text);
}
END_TEST

START_TEST(ten_thousand_are_found)
{
	struct buf text = { 0 };
	struct aliases *a;
	char name[64];

	for (int i = 0; i < 10000; i++)
		(void)buf_printf(&text, "a%d@own.test user%d\n", i, i % 7);
	(void)buf_append_char(&text, '\0');
	a = parse(buf_span(&text).ptr);
	buf_clear(&text);
	ck_assert_uint_eq(aliases_count(a), 10000);
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof name, "a%d@own.test", i);
		(void)snprintf(name + 40, 20, "user%d", i % 7);
		ck_assert(has(a, name, name + 40));
		ck_assert(!has(a, name, "user7"));
	}
	aliases_unref(a);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, an_address_is_found_however_it_is_written);
	tcase_add_loop_test(tc, a_wrong_line_is_named, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, ten_thousand_are_found);
}

SUITE_MAIN("aliases", fill)
