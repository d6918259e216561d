#include "tests/lib/suite.h"

#include <string.h>

#include "smtp/idn.h"

#define L16 "aaaaaaaaaaaaaaaa"
#define L63 L16 L16 L16 "aaaaaaaaaaaaaaa"

/* `out`: NULL: it is none. */
static const struct {
	const char *in, *out;
} domains[] = {
	{ "b.test", "b.test" },
	{ "B.Test", "B.Test" },
	{ "b\xc3\xbc"
	  "cher.example",
	    "xn--bcher-kva.example" },
	{ "B\xc3\x9c"
	  "CHER.example",
	    "xn--bcher-kva.example" },
	{ "bu\xcc\x88"
	  "cher.example",
	    "xn--bcher-kva.example" },
	{ "fa\xc3\x9f.de", "xn--fa-hia.de" },
	{ "\xe4\xbe\x8b\xe3\x80\x82test", "xn--fsq.test" },
	{ "\xef\xbd\x81.test", "a.test" },
	{ "\xcc\x81.test", NULL },
	{ "b\xc2\xa0.test", NULL },
	{ "b\xc3\xbc_.test", "xn--b_-xka.test" },
	{ "b\xc3\xbc!.test", NULL },
	{ "\xff.test", NULL },
	{ "\xc3\xbc" L63 ".test", NULL },
	{ "\xc3\xbc." L63 "." L63 "." L63 "." L63, NULL },
};

START_TEST(a_domain_has_one_name_in_ascii)
{
	char text[IDN_SIZE];
	struct span got = idn_to_ascii(span_text(domains[_i].in), text);

	ck_assert_msg(span_equal(got, span_text(domains[_i].out)), "%s: %.*s",
	    domains[_i].in, SPAN_ARG(got));
}
END_TEST

START_TEST(no_domain_is_longer)
{
	static const char letter[] = "\xc3\xbc";
	char text[IDN_SIZE], most[3000];

	for (size_t n = 1; n < sizeof most / 2; n++) {
		memcpy(most + 2 * (n - 1), letter, 2);
		ck_assert_uint_lt(
		    idn_to_ascii(span_make(most, 2 * n), text).len, IDN_SIZE);
	}
	ck_assert(span_is_empty(idn_to_ascii(SPAN("\xc3\xbc\0x"), text)));
}
END_TEST

START_TEST(two_ways_to_write_one)
{
	struct span u = SPAN("B\xc3\xbc"
			     "cher.example"),
		    a = SPAN("xn--BCHER-kva.example"), none = SPAN("\xcc\x81");

	ck_assert(idn_equal(u, a));
	ck_assert(idn_equal(a, u));
	ck_assert(idn_equal(a, a));
	ck_assert(idn_equal(SPAN("b.test"), SPAN("B.test")));
	ck_assert(!idn_equal(u, SPAN("bucher.example")));
	ck_assert(!idn_equal(none, none));
	ck_assert(!idn_equal(SPAN("b.test"), none));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_domain_has_one_name_in_ascii, 0, (int)ARRAY_LEN(domains));
	tcase_add_test(tc, no_domain_is_longer);
	tcase_add_test(tc, two_ways_to_write_one);
}

SUITE_MAIN("idn", fill)
