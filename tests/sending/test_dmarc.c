#include "tests/lib/suite.h"

#include <string.h>

#include "base/mem.h"
#include "sending/dmarc.h"
#include "tests/sending/zone.h"

enum { DKIM_STRICT = 1, SPF_STRICT = 2, REPORTS = 4, NO = 8 };

static const struct {
	const char *text;
	enum dmarc_policy p, sp;
	unsigned facts;
	const char *why;
} cases[] = {
	{ "v=DMARC1; p=none", DMARC_NOTHING, DMARC_NOTHING, 0, "" },
	{ "v=DMARC1;p=reject", DMARC_REJECT, DMARC_REJECT, 0, "" },
	{ "v = DMARC1 ; p = Quarantine ;", DMARC_QUARANTINE, DMARC_QUARANTINE,
	    0, "" },
	{ "v=DMARC1; p=reject; sp=none; adkim=s; aspf=r", DMARC_REJECT,
	    DMARC_NOTHING, DKIM_STRICT, "" },
	{ "v=DMARC1; p=none; aspf=s; rua=mailto:d@x.test; pct=5; new=x",
	    DMARC_NOTHING, DMARC_NOTHING, SPF_STRICT | REPORTS, "" },
	{ "v=DMARC1; rua=mailto:d@x.test", DMARC_NOTHING, DMARC_NOTHING,
	    REPORTS, "p=none" },
	{ "v=DMARC1; p=reject; sp=odd; rua=mailto:d@x.test", DMARC_NOTHING,
	    DMARC_NOTHING, REPORTS, "p=none" },
	{ "v=DMARC1", DMARC_NOTHING, DMARC_NOTHING, NO, "p=" },
	{ "v=DMARC1; p=odd", DMARC_NOTHING, DMARC_NOTHING, NO, "p=" },
	{ "v=DMARC1; p=reject; sp=odd", DMARC_NOTHING, DMARC_NOTHING, NO,
	    "p=" },
	{ "v=dmarc1; p=none", DMARC_NOTHING, DMARC_NOTHING, NO, "v=DMARC1" },
	{ "p=none; v=DMARC1", DMARC_NOTHING, DMARC_NOTHING, NO, "v=DMARC1" },
	{ "v=DMARC12; p=none", DMARC_NOTHING, DMARC_NOTHING, NO, "v=DMARC1" },
	{ "", DMARC_NOTHING, DMARC_NOTHING, NO, "v=DMARC1" },
};

START_TEST(a_record_is_read)
{
	unsigned facts = cases[_i].facts;
	char why[DMARC_WHY_SIZE];
	struct dmarc d;

	ck_assert_int_eq(
	    dmarc_read(span_text(cases[_i].text), &d, why), (facts & NO) == 0);
	ck_assert_msg(strstr(why, cases[_i].why) != NULL &&
			  (why[0] == '\0') == (cases[_i].why[0] == '\0'),
	    "%s", why);
	if ((facts & NO) != 0)
		return;
	ck_assert_int_eq(d.policy, cases[_i].p);
	ck_assert_int_eq(d.sub_policy, cases[_i].sp);
	ck_assert_int_eq(d.is_dkim_strict, (facts & DKIM_STRICT) != 0);
	ck_assert_int_eq(d.is_spf_strict, (facts & SPF_STRICT) != 0);
	ck_assert_int_eq(d.has_reports, (facts & REPORTS) != 0);
}
END_TEST

static const struct zone_row zone[] = {
	{ "one.test", DNS_TXT, "something else" },
	{ "one.test", DNS_TXT, "v=DMARC1; p=reject" },
	{ "two.test", DNS_TXT, "v=DMARC1; p=reject" },
	{ "two.test", DNS_TXT, "v=DMARC1; p=none" },
	{ "other.test", DNS_TXT, "something else" },
	{ "wrong.test", DNS_TXT, "v=DMARC1; q=none" },
	{ "down.test", DNS_TXT, NULL },
};

static const struct {
	const char *name;
	enum dmarc_status want;
} finds[] = { { "one.test", DMARC_FOUND }, { "two.test", DMARC_WRONG },
	{ "other.test", DMARC_MISSING }, { "none.test", DMARC_MISSING },
	{ "wrong.test", DMARC_WRONG }, { "down.test", DMARC_UNANSWERED } };

START_TEST(the_one_record_counts)
{
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	char why[DMARC_WHY_SIZE];
	struct dmarc d;

	zone_answer(zone, ARRAY_LEN(zone), finds[_i].name, DNS_TXT, a);
	ck_assert_int_eq(dmarc_find(a, &d, why), finds[_i].want);
	ck_assert_int_eq(d.policy,
	    finds[_i].want == DMARC_FOUND ? DMARC_REJECT : DMARC_NOTHING);
	free(a);
}
END_TEST

START_TEST(domains_of_one_owner_align)
{
	ck_assert(dmarc_aligns("example.com", "example.com", true));
	ck_assert(!dmarc_aligns("example.com", "mail.example.com", true));
	ck_assert(dmarc_aligns("example.com", "mail.example.com", false));
	ck_assert(dmarc_aligns("news.example.co.uk", "example.co.uk", false));
	ck_assert(!dmarc_aligns("a.co.uk", "b.co.uk", false));
	ck_assert(!dmarc_aligns("example.com", "example.net", false));
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_record_is_read, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, the_one_record_counts, 0, ARRAY_LEN(finds));
	tcase_add_test(tc, domains_of_one_owner_align);
}

SUITE_MAIN("dmarc", fill)
