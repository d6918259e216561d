#include "sending/dmarc.h"

#include <stdio.h>
#include <string.h>

#include "dns/answer.h"
#include "sign/keyring.h"

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	static const char *const names[DMARC_POLICIES] = { "none", "quarantine",
		"reject" };

	return names[p];
}

static bool
read_policy(struct span s, enum dmarc_policy *out)
{
	for (int p = 0; p < DMARC_POLICIES; p++)
		if (span_equal_nocase(s,
			span_text(dmarc_policy_name((enum dmarc_policy)p)))) {
			*out = (enum dmarc_policy)p;
			return true;
		}
	return false;
}

/* What is read while the tags pass. */
struct tags {
	struct dmarc *out;
	bool has_policy, has_sub, is_bad;
};

/* RFC 7489 6.3: unknown tags, and wrong values of most, are as if not there. */
static void
take_tag(struct tags *t, struct span name, struct span value)
{
	if (span_equal_nocase(name, SPAN("p"))) {
		t->has_policy = read_policy(value, &t->out->policy);
		t->is_bad |= !t->has_policy;
	} else if (span_equal_nocase(name, SPAN("sp"))) {
		t->has_sub = read_policy(value, &t->out->sub_policy);
		t->is_bad |= !t->has_sub;
	} else if (span_equal_nocase(name, SPAN("adkim"))) {
		t->out->is_dkim_strict = span_equal_nocase(value, SPAN("s"));
	} else if (span_equal_nocase(name, SPAN("aspf"))) {
		t->out->is_spf_strict = span_equal_nocase(value, SPAN("s"));
	} else if (span_equal_nocase(name, SPAN("rua"))) {
		t->out->has_reports =
		    span_starts_nocase(value, SPAN("mailto:"));
	}
}

/* The first tag is the version, in just these letters. */
static bool
take_version(struct span *text)
{
	struct span value = span_cut(text, ';');
	struct span name = span_trim_white(span_cut(&value, '='));

	return span_equal_nocase(name, SPAN("v")) &&
	       span_equal(span_trim_white(value), SPAN("DMARC1"));
}

bool
dmarc_read(struct span text, struct dmarc *out, char why[DMARC_WHY_SIZE])
{
	struct tags t = { .out = out };

	*out = (struct dmarc){ 0 };
	why[0] = '\0';
	if (!take_version(&text)) {
		(void)snprintf(
		    why, DMARC_WHY_SIZE, "it does not begin with v=DMARC1");
		return false;
	}
	while (text.len > 0) {
		struct span value = span_cut(&text, ';');
		struct span name = span_trim_white(span_cut(&value, '='));

		take_tag(&t, name, span_trim_white(value));
	}
	/* RFC 7489 6.6.3: p=none is meant when reports are wanted. */
	if ((t.is_bad || !t.has_policy) && !out->has_reports) {
		(void)snprintf(why, DMARC_WHY_SIZE,
		    "its p= or sp= is missing, or not none, quarantine or "
		    "reject");
		return false;
	}
	if (t.is_bad || !t.has_policy) {
		out->policy = out->sub_policy = DMARC_NOTHING;
		(void)snprintf(why, DMARC_WHY_SIZE,
		    "its p= or sp= is wrong: receivers take it for p=none");
	} else if (!t.has_sub) {
		out->sub_policy = out->policy;
	}
	return true;
}

enum dmarc_status
dmarc_find(const struct dns_answer *answer, struct dmarc *out,
    char why[DMARC_WHY_SIZE])
{
	struct span found = SPAN("");
	unsigned n = 0;

	*out = (struct dmarc){ 0 };
	why[0] = '\0';
	if (answer->status == DNS_FAILED) {
		(void)snprintf(why, DMARC_WHY_SIZE,
		    "the name servers do not answer: %.100s",
		    answer->why == NULL ? "" : answer->why);
		return DMARC_UNANSWERED;
	}
	for (unsigned i = 0; answer->status == DNS_DATA && i < answer->ntxt;
	     i++) {
		struct span text = span_make(
		    answer->text + answer->txt[i].at, answer->txt[i].len);
		struct span rest = text;

		if (!take_version(&rest))
			continue;
		found = text;
		n++;
	}
	if (n == 0)
		return DMARC_MISSING;
	if (n > 1) {
		(void)snprintf(why, DMARC_WHY_SIZE,
		    "there are %u records, and may be one", n);
		return DMARC_WRONG;
	}
	return dmarc_read(found, out, why) ? DMARC_FOUND : DMARC_WRONG;
}

bool
dmarc_aligns(const char *author, const char *domain, bool is_strict)
{
	if (is_strict)
		return strcmp(author, domain) == 0;
	return strcmp(organisational_domain(author),
		   organisational_domain(domain)) == 0;
}
