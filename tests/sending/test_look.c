/* One look at a domain, from a table of records: what is asked, and the verdict. */
#include "tests/lib/suite.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "sending/look.h"
#include "sign/key.h"
#include "tests/sending/zone.h"

#define P "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RIGHT "v=DKIM1; k=ed25519; p=" P

static const char key_text[] =
    "Postern DKIM key\ndomain: example.com\n"
    "selector: one\nstate: active\nmade: 1\nsince: 2\n"
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

/* What stands at the names of a case; NULL: nothing; "": nobody answers. */
static const struct {
	const char *name, *domain, *mail_from;
	unsigned addresses; /* of ours: 192.0.2.1, 192.0.2.2 */
	bool has_key;
	const char *spf, *dkim, *dmarc; /* of example.com */
	enum sending_verdict want;
	const char *advice; /* is in it; NULL: there is none */
} cases[] = {
	{ "all is in order", "example.com", "example.com", 1, true,
	    "v=spf1 ip4:192.0.2.1 -all", RIGHT, "v=DMARC1; p=reject",
	    SENDING_GOOD, NULL },
	{ "no DMARC record", "example.com", "example.com", 1, true,
	    "v=spf1 ip4:192.0.2.1 -all", RIGHT, NULL, SENDING_INCOMPLETE,
	    "DMARC: publish a TXT record at _dmarc.example.com" },
	{ "SPF alone", "example.com", "example.com", 1, false,
	    "v=spf1 ip4:192.0.2.1 -all", NULL, "v=DMARC1; p=none",
	    SENDING_INCOMPLETE, "DKIM: make a key" },
	{ "DKIM alone", "example.com", "example.com", 1, true, "v=spf1 -all",
	    RIGHT, "v=DMARC1; p=none", SENDING_INCOMPLETE,
	    "SPF: mend the record of example.com" },
	{ "one address is not covered", "example.com", "example.com", 2, false,
	    "v=spf1 ip4:192.0.2.1 ~all", NULL, "v=DMARC1; p=none",
	    SENDING_REFUSED, "192.0.2.2" },
	{ "neither", "example.com", "example.com", 1, false, NULL, NULL, NULL,
	    SENDING_REFUSED, "SPF: publish a TXT record at example.com" },
	{ "DKIM record is another key", "example.com", "example.com", 1, true,
	    NULL, "v=DKIM1; k=ed25519; p=AAAA", NULL, SENDING_REFUSED,
	    "postern dkim show example.com" },
	{ "MAIL FROM of somebody else", "example.com", "other.test", 1, false,
	    NULL, NULL, "v=DMARC1; p=reject", SENDING_REFUSED,
	    "it passes for other.test" },
	{ "MAIL FROM of a subdomain", "example.com", "in.example.com", 1, false,
	    NULL, NULL, "v=DMARC1; p=reject", SENDING_INCOMPLETE, "DKIM:" },
	{ "the same, strictly", "example.com", "in.example.com", 1, false, NULL,
	    NULL, "v=DMARC1; p=reject; aspf=s", SENDING_REFUSED, "in.example" },
	{ "a subdomain by its parent's key", "sub.example.com",
	    "sub.example.com", 1, true, NULL, RIGHT,
	    "v=DMARC1; p=reject; sp=none", SENDING_INCOMPLETE, "SPF: publish" },
	{ "the same, strictly, of DKIM", "sub.example.com", "sub.example.com",
	    1, true, NULL, RIGHT, "v=DMARC1; p=reject; adkim=s",
	    SENDING_REFUSED, "postern dkim add sub.example.com" },
	{ "our addresses are not known", "example.com", "example.com", 0, false,
	    "v=spf1 -all", NULL, NULL, SENDING_UNKNOWN, "set public-address" },
	{ "not known, but signed", "example.com", "example.com", 0, true,
	    "v=spf1 -all", RIGHT, NULL, SENDING_INCOMPLETE, "public-address" },
	{ "nobody answers for SPF", "example.com", "example.com", 1, false, "",
	    NULL, NULL, SENDING_UNKNOWN, "SPF: not known yet" },
	{ "nobody answers for DKIM", "example.com", "example.com", 1, true,
	    "v=spf1 -all", "", NULL, SENDING_UNKNOWN, "do not answer" },
};

static const char *
or_nobody(const char *value)
{
	return value != NULL && value[0] == '\0' ? NULL : value;
}

/* The records of a case, and two that are always there. */
static size_t
make_zone(size_t i, struct zone_row rows[5])
{
	size_t n = 0;

	rows[n++] = (struct zone_row){ "other.test", DNS_TXT,
		"v=spf1 ip4:192.0.2.0/24 -all" };
	rows[n++] = (struct zone_row){ "in.example.com", DNS_TXT,
		"v=spf1 ip4:192.0.2.0/24 -all" };
	if (cases[i].spf != NULL)
		rows[n++] = (struct zone_row){ "example.com", DNS_TXT,
			or_nobody(cases[i].spf) };
	if (cases[i].dkim != NULL)
		rows[n++] = (struct zone_row){ "one._domainkey.example.com",
			DNS_TXT, or_nobody(cases[i].dkim) };
	if (cases[i].dmarc != NULL)
		rows[n++] = (struct zone_row){ "_dmarc.example.com", DNS_TXT,
			cases[i].dmarc };
	return n;
}

static void
run(size_t i, struct sending *out)
{
	struct dns_answer *a = MEM_NEW(struct dns_answer);
	union dns_address ours[2] = { 0 };
	struct zone_row rows[5];
	size_t n = make_zone(i, rows);
	struct spf_question q;
	struct key *key;
	struct look *l;
	struct err err;
	bool more;

	for (unsigned k = 0; k < 2; k++) {
		ours[k].in.sin_family = AF_INET;
		ours[k].in.sin_addr.s_addr = htonl(0xc0000201 + k);
	}
	key = key_parse(span_text(key_text), &err);
	ck_assert_ptr_nonnull(key);
	l = look_new(&(struct look_of){ span_text(cases[i].domain),
	    span_text(cases[i].mail_from), SPAN("relay.test"), ours,
	    cases[i].addresses, &key, cases[i].has_key });
	key_unref(key);
	for (more = look_step(l, NULL, &q); more; more = look_step(l, a, &q))
		zone_answer(rows, n, q.name, q.type, a);
	*out = *look_verdict(l);
	look_free(l);
	free(a);
}

START_TEST(a_look_comes_to_a_verdict)
{
	struct buf advice = { 0 };
	struct sending s;

	run((size_t)_i, &s);
	sending_advise(&s, &advice);
	(void)buf_append_char(&advice, '\0');
	ck_assert_msg(s.verdict == cases[_i].want, "%s: %s\n%s", cases[_i].name,
	    sending_verdict_name(s.verdict), buf_span(&advice).ptr);
	if (cases[_i].advice == NULL)
		ck_assert_str_eq(buf_span(&advice).ptr, "");
	else
		ck_assert_msg(
		    strstr(buf_span(&advice).ptr, cases[_i].advice) != NULL,
		    "%s: %s", cases[_i].name, buf_span(&advice).ptr);
	buf_clear(&advice);
}
END_TEST

START_TEST(a_verdict_is_the_same_as_bytes)
{
	struct buf bytes = { 0 }, again = { 0 };
	struct sending s, got;

	run((size_t)_i, &s);
	sending_write(&s, &bytes);
	ck_assert(sending_read(buf_span(&bytes), &got));
	ck_assert_int_eq(got.verdict, s.verdict);
	ck_assert_int_eq(got.dkim.status, s.dkim.status);
	ck_assert_str_eq(got.spf.why, s.spf.why);
	ck_assert_str_eq(got.mail_from, s.mail_from);
	sending_write(&got, &again);
	ck_assert(span_equal(buf_span(&bytes), buf_span(&again)));
	for (size_t n = 0; n < buf_len(&bytes); n++)
		(void)sending_read(span_to(buf_span(&bytes), n), &got);
	bytes.data[bytes.head + 4] = 99; /* no such verdict */
	ck_assert(!sending_read(buf_span(&bytes), &got));
	buf_clear(&bytes);
	buf_clear(&again);
}
END_TEST

/* RFC 7489 6.6.3: the subdomain's own record, else its owner's sp=. */
START_TEST(a_subdomain_has_its_owners_policy)
{
	struct sending s;

	run(10, &s);
	ck_assert_str_eq(s.dmarc.domain, "example.com");
	ck_assert_int_eq(s.dmarc.policy, DMARC_NOTHING);
	ck_assert(s.dmarc.passes);
	run(0, &s);
	ck_assert_int_eq(s.dmarc.policy, DMARC_REJECT);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_look_comes_to_a_verdict, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(
	    tc, a_verdict_is_the_same_as_bytes, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, a_subdomain_has_its_owners_policy);
}

SUITE_MAIN("look", fill)
