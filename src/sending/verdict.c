#include "sending/verdict.h"

#include <stddef.h>
#include <string.h>

#include "mail/attrs.h"

const char *
sending_verdict_name(enum sending_verdict v)
{
	static const char *const names[SENDING_VERDICTS] = { "unknown", "good",
		"incomplete", "refused" };

	return names[v];
}

const char *
dkim_status_name(enum dkim_status s)
{
	static const char *const names[DKIM_STATUSES] = { "no key", "right",
		"wrong", "unanswered" };

	return names[s];
}

const char *
dmarc_status_name(enum dmarc_status s)
{
	static const char *const names[] = { "found", "none", "wrong",
		"unanswered" };

	return names[s];
}

/* What might still speak for it, if only somebody answered. */
static bool
is_open(const struct sending *s)
{
	return s->dkim.status == DKIM_UNANSWERED || !s->spf.is_known ||
	       s->spf.result == SPF_TEMPERROR;
}

void
sending_judge(struct sending *s, const struct dmarc *d)
{
	bool by_spf, by_dkim;

	s->spf.is_aligned =
	    dmarc_aligns(s->domain, s->mail_from, d->is_spf_strict);
	s->dkim.is_aligned =
	    s->dkim.status != DKIM_NO_KEY &&
	    dmarc_aligns(s->domain, s->dkim.domain, d->is_dkim_strict);
	by_spf =
	    s->spf.is_known && s->spf.result == SPF_PASS && s->spf.is_aligned;
	by_dkim = s->dkim.status == DKIM_RIGHT && s->dkim.is_aligned;
	s->dmarc.passes = by_spf || by_dkim;
	if (by_spf && by_dkim && s->dmarc.status == DMARC_FOUND)
		s->verdict = SENDING_GOOD;
	else if (s->dmarc.passes)
		s->verdict = SENDING_INCOMPLETE;
	else
		s->verdict = is_open(s) ? SENDING_UNKNOWN : SENDING_REFUSED;
}

/* --- what to do --- */

static void
advise_spf(const struct sending *s, struct buf *out)
{
	if (!s->spf.is_known)
		(void)buf_printf(out, "SPF: %s\n", s->spf.why);
	else if (s->spf.result == SPF_NONE)
		(void)buf_printf(out,
		    "SPF: publish a TXT record at %s that names the addresses "
		    "of this relay (v=spf1 ip4:... ~all)\n",
		    s->mail_from);
	else if (s->spf.result == SPF_TEMPERROR)
		(void)buf_printf(out,
		    "SPF: not known yet, and asked again: %s\n", s->spf.why);
	else if (s->spf.result != SPF_PASS)
		(void)buf_printf(out, "SPF: mend the record of %s: %s\n",
		    s->mail_from, s->spf.why);
	else if (!s->spf.is_aligned)
		(void)buf_printf(out,
		    "SPF: it passes for %s, which is not the From's %s: send "
		    "with MAIL FROM of that domain\n",
		    s->mail_from, s->domain);
}

static void
advise_dkim(const struct sending *s, struct buf *out)
{
	if (s->dkim.status == DKIM_NO_KEY)
		(void)buf_printf(out,
		    "DKIM: make a key (postern dkim add %s) and publish its "
		    "records\n",
		    s->domain);
	else if (s->dkim.status != DKIM_RIGHT)
		(void)buf_printf(out, "DKIM: %s (postern dkim show %s)\n",
		    s->dkim.why, s->dkim.domain);
	else if (!s->dkim.is_aligned)
		(void)buf_printf(out,
		    "DKIM: the key is of %s, and the DMARC record (adkim=s) "
		    "wants one of %s (postern dkim add %s)\n",
		    s->dkim.domain, s->domain, s->domain);
}

void
sending_advise(const struct sending *s, struct buf *out)
{
	advise_spf(s, out);
	advise_dkim(s, out);
	if (s->dmarc.status == DMARC_MISSING)
		(void)buf_printf(out,
		    "DMARC: publish a TXT record at _dmarc.%s (v=DMARC1; "
		    "p=none; rua=mailto:...)\n",
		    s->domain);
	else if (s->dmarc.status != DMARC_FOUND)
		(void)buf_printf(out, "DMARC: %s\n", s->dmarc.why);
}

/* --- as bytes --- */

/* Numbers in files: append only. */
static const struct text {
	uint16_t tag;
	size_t at, size;
} texts[] = {
#define TEXT(tag, member)                                                      \
	{                                                                      \
		tag, offsetof(struct sending, member),                         \
		    sizeof((struct sending *)0)->member                        \
	}
	TEXT(2, domain),
	TEXT(3, mail_from),
	TEXT(4, spf.record),
	TEXT(5, spf.why),
	TEXT(6, dkim.domain),
	TEXT(7, dkim.why),
	TEXT(8, dmarc.domain),
	TEXT(9, dmarc.why),
#undef TEXT
};
enum { TAG_NUMBERS = 1, NUMBERS = 10 };

void
sending_write(const struct sending *s, struct buf *out)
{
	const char numbers[NUMBERS] = { (char)s->verdict, (char)s->spf.is_known,
		(char)s->spf.is_aligned, (char)s->spf.result,
		(char)s->spf.lookups, (char)s->dkim.status,
		(char)s->dkim.is_aligned, (char)s->dmarc.status,
		(char)s->dmarc.policy, (char)s->dmarc.passes };

	attrs_put(out, TAG_NUMBERS, span_make(numbers, sizeof numbers));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		attrs_put(out, texts[i].tag,
		    span_text((const char *)s + texts[i].at));
}

static bool
read_numbers(struct span in, struct sending *out)
{
	const unsigned char *n = (const unsigned char *)in.ptr;

	if (in.len != NUMBERS || n[0] >= SENDING_VERDICTS ||
	    n[3] >= SPF_RESULTS || n[5] >= DKIM_STATUSES ||
	    n[7] > DMARC_UNANSWERED || n[8] >= DMARC_POLICIES)
		return false;
	out->verdict = (enum sending_verdict)n[0];
	out->spf.is_known = n[1] != 0;
	out->spf.is_aligned = n[2] != 0;
	out->spf.result = (enum spf_result)n[3];
	out->spf.lookups = n[4];
	out->dkim.status = (enum dkim_status)n[5];
	out->dkim.is_aligned = n[6] != 0;
	out->dmarc.status = (enum dmarc_status)n[7];
	out->dmarc.policy = (enum dmarc_policy)n[8];
	out->dmarc.passes = n[9] != 0;
	return true;
}

bool
sending_read(struct span in, struct sending *out)
{
	memset(out, 0, sizeof *out);
	if (!attrs_are_valid(in) ||
	    !read_numbers(attrs_get(in, TAG_NUMBERS), out))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct span value = attrs_get(in, texts[i].tag);
		char *to = (char *)out + texts[i].at;

		value = span_to(value, texts[i].size - 1);
		for (size_t k = 0; k < value.len; k++)
			to[k] = value.ptr[k] < ' ' || value.ptr[k] == 0x7f
				    ? '?'
				    : value.ptr[k];
	}
	return true;
}
