#include "sign/record.h"

#include <stdio.h>

#include "dns/answer.h"
#include "sign/key.h"

struct tags {
	struct span v, k, p, h, s;
	bool has_v, has_k, has_p, has_h, has_s;
};

const char *
record_verdict_name(enum record_verdict v)
{
	static const char *const names[RECORD_VERDICTS] = {
		[RECORD_RIGHT] = "right",
		[RECORD_MISSING] = "missing",
		[RECORD_DIFFERENT] = "different",
		[RECORD_UNANSWERED] = "unanswered",
	};

	return names[v];
}

/* RFC 6376 3.2: name=value, parted by semicolons. */
static void
read_tags(struct span text, struct tags *t)
{
	*t = (struct tags){ 0 };
	while (text.len > 0) {
		struct span value = span_cut(&text, ';');
		struct span name = span_trim_white(span_cut(&value, '='));
		struct {
			char name;
			struct span *value;
			bool *has;
		} const known[] = {
			{ 'v', &t->v, &t->has_v },
			{ 'k', &t->k, &t->has_k },
			{ 'p', &t->p, &t->has_p },
			{ 'h', &t->h, &t->has_h },
			{ 's', &t->s, &t->has_s },
		};

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			if (name.len == 1 && name.ptr[0] == known[i].name &&
			    !*known[i].has) {
				*known[i].value = span_trim_white(value);
				*known[i].has = true;
			}
	}
}

/* Blanks may stand anywhere in base64. */
static bool
is_same_data(struct span a, struct span b)
{
	while (a.len > 0 || b.len > 0) {
		if (a.len > 0 && ascii_is_white(a.ptr[0]))
			a = span_from(a, 1);
		else if (b.len > 0 && ascii_is_white(b.ptr[0]))
			b = span_from(b, 1);
		else if (a.len > 0 && b.len > 0 && a.ptr[0] == b.ptr[0]) {
			a = span_from(a, 1);
			b = span_from(b, 1);
		} else {
			return false;
		}
	}
	return true;
}

static bool
lists(struct span list, struct span what, struct span also)
{
	while (list.len > 0) {
		struct span one = span_trim_white(span_cut(&list, ':'));

		if (span_equal_nocase(one, what) ||
		    span_equal_nocase(one, also))
			return true;
	}
	return false;
}

/* NULL: nothing is wrong with it. */
static const char *
fault_of(const struct key *k, struct span text)
{
	struct tags want, got;

	read_tags(span_text(key_record(k)), &want);
	read_tags(text, &got);
	if (!got.has_p)
		return "it has no p=";
	if (got.has_v && !span_equal(got.v, SPAN("DKIM1")))
		return "its v= is not DKIM1";
	if (got.p.len == 0)
		return "its p= is empty: the key is revoked";
	if (!span_equal_nocase(got.has_k ? got.k : SPAN("rsa"), want.k))
		return "its k= names another algorithm";
	if (!is_same_data(got.p, want.p))
		return got.p.len < want.p.len
			   ? "its p= is another key, or is cut short"
			   : "its p= is another key";
	if (got.has_h && !lists(got.h, SPAN("sha256"), SPAN("sha256")))
		return "its h= leaves out sha256";
	if (got.has_s && !lists(got.s, SPAN("email"), SPAN("*")))
		return "its s= leaves out email";
	return NULL;
}

enum record_verdict
record_judge(const struct key *k, const struct span *texts, size_t n,
    char why[RECORD_WHY_MAX])
{
	const char *fault = NULL;

	why[0] = '\0';
	if (n == 0) {
		(void)snprintf(why, RECORD_WHY_MAX,
		    "there is no TXT record; publish the one of "
		    "`postern dkim show`");
		return RECORD_MISSING;
	}
	/* RFC 6376 3.6.2.2: with several, verifiers take any. */
	if (n > 1)
		fault = "there are several TXT records";
	else
		fault = fault_of(k, texts[0]);
	if (fault == NULL)
		return RECORD_RIGHT;
	(void)snprintf(why, RECORD_WHY_MAX,
	    "%s; publish the one of `postern dkim show`, and no other", fault);
	return RECORD_DIFFERENT;
}

enum record_verdict
record_judge_answer(const struct key *k, const struct dns_answer *answer,
    char why[RECORD_WHY_MAX])
{
	struct span texts[DNS_TXT_MAX];

	if (answer->status == DNS_FAILED) {
		(void)snprintf(why, RECORD_WHY_MAX,
		    "the name servers do not answer: %.120s",
		    answer->why == NULL ? "" : answer->why);
		return RECORD_UNANSWERED;
	}
	for (unsigned i = 0; i < answer->ntxt; i++)
		texts[i] = span_make(
		    answer->text + answer->txt[i].at, answer->txt[i].len);
	return record_judge(
	    k, texts, answer->status == DNS_DATA ? answer->ntxt : 0, why);
}
