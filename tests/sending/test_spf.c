/* Records of domains that are nobody's, and what they say of an address. */
#include "tests/lib/suite.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sending/spf.h"
#include "tests/sending/zone.h"

static const struct zone_row zone[] = {
	{ "ip4.test", DNS_TXT, "v=spf1 ip4:192.0.2.0/24 -all" },
	{ "ip4one.test", DNS_TXT, "v=spf1 ip4:192.0.2.1 ~all" },
	{ "ip4none.test", DNS_TXT, "v=spf1 ip4:198.51.100.0/24" },
	{ "ip4odd.test", DNS_TXT, "v=spf1 ip4:192.0.2.2/31 ?all" },
	{ "ip6.test", DNS_TXT, "v=spf1 ip6:2001:db8::/32 -all" },
	{ "ip6all.test", DNS_TXT, "v=spf1 ip6:::/0 -all" },
	{ "upper.test", DNS_TXT, "V=SPF1 IP4:192.0.2.0/24 -ALL" },
	{ "others.test", DNS_TXT, "google-site-verification=x" },
	{ "others.test", DNS_TXT, "v=spf10 -all" },
	{ "others.test", DNS_TXT, "v=spf1  +all  " },
	{ "two.test", DNS_TXT, "v=spf1 -all" },
	{ "two.test", DNS_TXT, "v=spf1 +all" },
	{ "empty.test", DNS_TXT, "v=spf1" },
	{ "a.test", DNS_TXT, "v=spf1 a -all" },
	{ "a.test", DNS_A, "192.0.2.1" },
	{ "a.test", DNS_AAAA, "2001:db8::1" },
	{ "abits.test", DNS_TXT, "v=spf1 a:a.test/24//64 -all" },
	{ "afar.test", DNS_TXT, "v=spf1 a:a.test/32 -all" },
	{ "mx.test", DNS_TXT, "v=spf1 mx -all" },
	{ "mx.test", DNS_MX, "void.test" },
	{ "mx.test", DNS_MX, "a.test" },
	{ "mxmany.test", DNS_TXT, "v=spf1 mx -all" },
	{ "mxmany.test", DNS_MX,
	    "m1.test m2.test m3.test m4.test m5.test "
	    "m6.test m7.test m8.test m9.test m10.test m11.test" },
	{ "ptr.test", DNS_TXT, "v=spf1 ptr ptr:x.test -all" },
	{ "exists.test", DNS_TXT, "v=spf1 exists:%{ir}.list.test -all" },
	{ "1.2.0.192.list.test", DNS_A, "127.0.0.2" },
	{ "exists6.test", DNS_TXT, "v=spf1 exists:%{i}.%{v}.list.test -all" },
	{ "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1"
	  ".ip6.list.test",
	    DNS_A, "127.0.0.2" },
	{ "macro.mail.test", DNS_TXT,
	    "v=spf1 exists:%{d2}.%{l}.%{o1r}.%{h}.%{s}.%%.%-.%{p}.y.test "
	    "-all" },
	{ "mail.test.postmaster.macro.mail.relay.example.postmaster@macro.mail."
	  "test"
	  ".%.%20.unknown.y.test",
	    DNS_A, "127.0.0.2" },
	{ "letters.test", DNS_TXT, "v=spf1 exists:%{L1r-}.%{S}.z.test -all" },
	{ "postmaster.postmaster%40letters.test.z.test", DNS_A, "127.0.0.2" },
	{ "include.test", DNS_TXT, "v=spf1 include:ip4.test ~all" },
	{ "includeno.test", DNS_TXT,
	    "v=spf1 include:ip4none.test "
	    "include:ip4one.test -all" },
	{ "includefail.test", DNS_TXT, "v=spf1 include:two.test -all" },
	{ "includenone.test", DNS_TXT, "v=spf1 include:nothing.test -all" },
	{ "includebad.test", DNS_TXT, "v=spf1 include:bad.test -all" },
	{ "notinclude.test", DNS_TXT, "v=spf1 -include:ip4.test +all" },
	{ "includedown.test", DNS_TXT, "v=spf1 include:down.test -all" },
	{ "down.test", DNS_TXT, NULL },
	{ "redirect.test", DNS_TXT, "v=spf1 redirect=ip4.test" },
	{ "redirectd.test", DNS_TXT, "v=spf1 redirect=_spf.%{d}" },
	{ "_spf.redirectd.test", DNS_TXT, "v=spf1 exists:%{d}.x.test -all" },
	{ "_spf.redirectd.test.x.test", DNS_A, "127.0.0.2" },
	{ "redirectall.test", DNS_TXT, "v=spf1 redirect=ip4.test ?all" },
	{ "redirectnone.test", DNS_TXT, "v=spf1 redirect=nothing.test" },
	{ "loop.test", DNS_TXT, "v=spf1 include:loop.test -all" },
	{ "round.test", DNS_TXT, "v=spf1 redirect=round.test" },
	{ "ten.test", DNS_TXT,
	    "v=spf1 a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test "
	    "a:a.test a:a.test a:a.test a:a.test ip4:192.0.2.9 -all" },
	{ "eleven.test", DNS_TXT,
	    "v=spf1 a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test "
	    "a:a.test a:a.test a:a.test a:a.test ptr -all" },
	{ "voids.test", DNS_TXT, "v=spf1 a:v1.test a:v2.test +all" },
	{ "voids3.test", DNS_TXT,
	    "v=spf1 a:v1.test mx:v2.test "
	    "exists:v3.test +all" },
	{ "bad.test", DNS_TXT, "v=spf1 ip4:192.0.2.0/24 ipv4:1.2.3.4 -all" },
	{ "unknown.test", DNS_TXT, "v=spf1 x-new=%{t}; exp=e.%{d} +all" },
};

#define FOUR "192.0.2.1"
#define NINE "192.0.2.9"
#define SIX "2001:db8::1"

static const struct {
	const char *domain, *address;
	enum spf_result want;
	const char *why;
	unsigned lookups;
} cases[] = {
	{ "ip4.test", FOUR, SPF_PASS, "\"ip4:192.0.2.0/24\" in the record", 0 },
	{ "ip4.test", "192.0.3.1", SPF_FAIL, "\"-all\"", 0 },
	{ "ip4.test", SIX, SPF_FAIL, "\"-all\"", 0 },
	{ "ip4one.test", FOUR, SPF_PASS, "", 0 },
	{ "ip4one.test", NINE, SPF_SOFTFAIL, "\"~all\"", 0 },
	{ "ip4none.test", FOUR, SPF_NEUTRAL, "nothing in the record of ip4none",
	    0 },
	{ "ip4odd.test", "192.0.2.3", SPF_PASS, "", 0 },
	{ "ip4odd.test", FOUR, SPF_NEUTRAL, "\"?all\"", 0 },
	{ "ip6.test", SIX, SPF_PASS, "", 0 },
	{ "ip6.test", "2001:db9::1", SPF_FAIL, "", 0 },
	{ "ip6.test", FOUR, SPF_FAIL, "", 0 },
	{ "ip6all.test", SIX, SPF_PASS, "", 0 },
	{ "ip6all.test", FOUR, SPF_FAIL, "", 0 },
	{ "upper.test", FOUR, SPF_PASS, "", 0 },
	{ "others.test", FOUR, SPF_PASS, "", 0 },
	{ "two.test", FOUR, SPF_PERMERROR, "2 records", 0 },
	{ "nothing.test", FOUR, SPF_NONE, "no TXT record of v=spf1", 0 },
	{ "empty.test", FOUR, SPF_NEUTRAL, "nothing in the record", 0 },
	{ "a.test", FOUR, SPF_PASS, "\"a\"", 1 },
	{ "a.test", SIX, SPF_PASS, "\"a\"", 1 },
	{ "a.test", NINE, SPF_FAIL, "\"-all\"", 1 },
	{ "abits.test", NINE, SPF_PASS, "\"a:a.test/24//64\"", 1 },
	{ "abits.test", "2001:db8::ffff", SPF_PASS, "", 1 },
	{ "abits.test", "2001:db8:1::1", SPF_FAIL, "", 1 },
	{ "afar.test", NINE, SPF_FAIL, "", 1 },
	{ "mx.test", FOUR, SPF_PASS, "\"mx\"", 1 },
	{ "mx.test", NINE, SPF_FAIL, "", 1 },
	{ "mxmany.test", FOUR, SPF_PERMERROR, "more than 10 hosts", 1 },
	{ "ptr.test", FOUR, SPF_FAIL, "(ptr is not looked at)", 2 },
	{ "exists.test", "192.0.2.1", SPF_PASS, "", 1 },
	{ "exists.test", NINE, SPF_FAIL, "", 1 },
	{ "exists6.test", SIX, SPF_PASS, "", 1 },
	{ "macro.mail.test", FOUR, SPF_PASS, "", 1 },
	{ "letters.test", FOUR, SPF_PASS, "", 1 },
	{ "include.test", FOUR, SPF_PASS, "the record of ip4.test", 1 },
	{ "include.test", "192.0.3.1", SPF_SOFTFAIL, "\"~all\"", 1 },
	{ "includeno.test", FOUR, SPF_PASS, "the record of ip4one.test", 2 },
	{ "includeno.test", NINE, SPF_FAIL, "includeno.test", 2 },
	{ "includefail.test", FOUR, SPF_PERMERROR, "2 records", 1 },
	{ "includenone.test", FOUR, SPF_PERMERROR, "without a record", 1 },
	{ "includebad.test", FOUR, SPF_PERMERROR, "\"ipv4:1.2.3.4\"", 1 },
	{ "notinclude.test", FOUR, SPF_FAIL, "", 1 },
	{ "notinclude.test", "192.0.3.1", SPF_PASS, "\"+all\"", 1 },
	{ "includedown.test", FOUR, SPF_TEMPERROR, "do not answer for down",
	    1 },
	{ "down.test", FOUR, SPF_TEMPERROR, "do not answer", 0 },
	{ "redirect.test", FOUR, SPF_PASS, "the record of ip4.test", 1 },
	{ "redirect.test", "192.0.3.1", SPF_FAIL, "the record of ip4.test", 1 },
	{ "redirectd.test", FOUR, SPF_PASS, "_spf.redirectd.test", 2 },
	{ "redirectall.test", FOUR, SPF_NEUTRAL, "\"?all\"", 0 },
	{ "redirectnone.test", FOUR, SPF_PERMERROR, "leads to nothing.test",
	    1 },
	{ "loop.test", FOUR, SPF_PERMERROR, "more than 10 lookups", 10 },
	{ "round.test", FOUR, SPF_PERMERROR, "more than 10 lookups", 10 },
	{ "ten.test", NINE, SPF_PASS, "", 10 },
	{ "eleven.test", NINE, SPF_PERMERROR, "at \"ptr\"", 10 },
	{ "voids.test", FOUR, SPF_PASS, "", 2 },
	{ "voids3.test", FOUR, SPF_PERMERROR, "more than 2 lookups find", 3 },
	{ "bad.test", FOUR, SPF_PERMERROR, "is no term", 0 },
	{ "unknown.test", FOUR, SPF_PASS, "", 0 },
};

static struct spf *
begin(const char *domain, const char *address)
{
	union dns_address a = { .sa = { .sa_family = AF_INET } };

	if (inet_pton(AF_INET, address, &a.in.sin_addr) != 1) {
		a.sa.sa_family = AF_INET6;
		ck_assert_int_eq(
		    inet_pton(AF_INET6, address, &a.in6.sin6_addr), 1);
	}
	return spf_new(&(struct spf_of){
	    span_text(domain), &a, SPAN("mail.relay.example") });
}

static void
run(struct spf *s, const struct zone_row *rows, size_t n)
{
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	struct spf_question q;
	bool more = spf_step(s, NULL, &q);

	while (more) {
		zone_answer(rows, n, q.name, q.type, a);
		more = spf_step(s, a, &q);
	}
	free(a);
}

START_TEST(a_record_covers_an_address_or_not)
{
	struct spf *s = begin(cases[_i].domain, cases[_i].address);

	run(s, zone, ARRAY_LEN(zone));
	ck_assert_msg(spf_result(s) == cases[_i].want &&
			  strstr(spf_why(s), cases[_i].why) != NULL,
	    "%s: %s, %s", cases[_i].domain, spf_result_name(spf_result(s)),
	    spf_why(s));
	ck_assert_msg(spf_lookups(s) == cases[_i].lookups, "%s: %u lookups",
	    cases[_i].domain, spf_lookups(s));
	spf_free(s);
}
END_TEST

/* Each is a record's one term; the second says whether it is sound. */
static const struct {
	const char *term;
	bool is_sound;
} terms[] = { { "all", true }, { "-all", true }, { "all:x.test", false },
	{ "all/24", false }, { "!all", false }, { "-", false }, { "a", true },
	{ "a:x.test", true }, { "a:", false }, { "a/24", true },
	{ "a/0", true }, { "a/33", false }, { "a/024", false }, { "a/", false },
	{ "a//64", true }, { "a//129", false }, { "a/24//64", true },
	{ "a/24/64", false }, { "a:x", false }, { "a:x.1", false },
	{ "a:x.-y", false }, { "a:x.y-", false }, { "a:x.test.", true },
	{ "a:%{d}", true }, { "a:%{d/}/24", true }, { "a:%{z}.x.test", false },
	{ "a:%{d0}.x.test", false }, { "a:%{d", false }, { "a:%d", false },
	{ "a:x.%", false }, { "a:%{c}.x.test", false }, { "mx/24//64", true },
	{ "include", false }, { "include:x.test", true },
	{ "include:x.test/24", false }, { "exists:x.test", true },
	{ "exists", false }, { "ptr", true }, { "ptr:x.test", true },
	{ "ptr/24", false }, { "ip4:192.0.2.1", true }, { "ip4", false },
	{ "ip4:192.0.2.1/33", false }, { "ip4:192.0.2.1/", false },
	{ "ip4:192.0.2", false }, { "ip4:2001:db8::1", false },
	{ "ip6:2001:db8::/64", true }, { "ip6:192.0.2.1", false },
	{ "ip6:2001:db8::/129", false }, { "redirect=x.test", true },
	{ "redirect=", false }, { "redirect:x.test", false },
	{ "redirect=x.test redirect=x.test", false }, { "exp=x.test", true },
	{ "exp=x.test exp=y.test", false }, { "moo=x moo=y", true },
	{ "1=x", false }, { "foo", false }, { "a\tmx", false },
	{ "\xc3\xbc", false } };

START_TEST(a_term_is_sound_or_all_is_wrong)
{
	char record[100];
	struct zone_row one = { "t.test", DNS_TXT, record };
	struct spf *s = begin("t.test", FOUR);

	(void)snprintf(record, sizeof record, "v=spf1 %s", terms[_i].term);
	run(s, &one, 1);
	ck_assert_msg(
	    (strstr(spf_why(s), "no term") == NULL) == terms[_i].is_sound,
	    "%s: %s", record, spf_why(s));
	if (!terms[_i].is_sound)
		ck_assert_int_eq(spf_result(s), SPF_PERMERROR);
	for (const char *p = spf_why(s); *p != '\0'; p++)
		ck_assert(*p >= ' ' && *p <= '~');
	spf_free(s);
}
END_TEST

/* RFC 7208 7.3: labels go from the left. */
START_TEST(a_name_that_is_too_long_loses_labels)
{
	static const char longest[] =
	    "v=spf1 exists:%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.end.test "
	    "-all";
	char domain[64] = { 0 };
	struct zone_row one = { domain, DNS_TXT, longest };
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	struct spf_question q;
	struct spf *s;

	memset(domain, 'd', 40);
	(void)strcpy(domain + 40, ".test");
	s = begin(domain, FOUR);
	ck_assert(spf_step(s, NULL, &q));
	zone_answer(&one, 1, q.name, q.type, a);
	ck_assert(spf_step(s, a, &q));
	ck_assert_uint_le(strlen(q.name), 253);
	ck_assert_ptr_nonnull(strstr(q.name, ".end.test"));
	ck_assert_uint_gt(strlen(q.name), 180);
	spf_free(s);
	free(a);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_record_covers_an_address_or_not, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(
	    tc, a_term_is_sound_or_all_is_wrong, 0, ARRAY_LEN(terms));
	tcase_add_test(tc, a_name_that_is_too_long_loses_labels);
}

SUITE_MAIN("spf", fill)
