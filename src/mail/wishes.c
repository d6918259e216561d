#include "mail/wishes.h"

#include "base/stamp.h"
#include "mail/attrs.h"

enum { BY_MOST = 999999999 }; /* RFC 2852 4: nine digits */

/* --- BY --- */

static bool
take_sign(struct span *text)
{
	if (text->len == 0 || text->ptr[0] != '-')
		return false;
	*text = span_from(*text, 1);
	return true;
}

bool
deliver_by_parse(struct span text, struct deliver_by *out)
{
	struct span time = span_cut(&text, ';');
	bool is_negative = take_sign(&time);
	uint64_t n;

	*out = (struct deliver_by){ 0 };
	if (!is_negative && span_starts(time, SPAN("+")))
		time = span_from(time, 1);
	if (!span_to_u64(time, BY_MOST, &n) || time.len > 9 || text.len == 0 ||
	    text.len > 2)
		return false;
	out->seconds = is_negative ? -(int64_t)n : (int64_t)n;
	out->returns = ascii_lower(text.ptr[0]) == 'r';
	out->traces = text.len == 2;
	if ((!out->returns && ascii_lower(text.ptr[0]) != 'n') ||
	    (out->traces && ascii_lower(text.ptr[1]) != 't'))
		return false;
	out->is_asked = true;
	return !out->returns || out->seconds > 0;
}

void
deliver_by_write(const struct deliver_by *by, int64_t age, struct buf *out)
{
	int64_t left = by->seconds - age;

	if (left < -BY_MOST)
		left = -BY_MOST;
	/* It is not late yet, or it would not go. */
	if (by->returns && left < 1)
		left = 1;
	(void)buf_printf(out, " BY=%lld;%s%s", (long long)left,
	    by->returns ? "R" : "N", by->traces ? "T" : "");
}

struct deliver_by
wishes_by(struct span mail_attrs)
{
	struct deliver_by by;
	struct span kept = attrs_get(mail_attrs, ATTR_BY);

	if (span_is_empty(kept) || !deliver_by_parse(kept, &by))
		return (struct deliver_by){ 0 };
	return by;
}

int64_t
wishes_release(struct span mail_attrs)
{
	struct span kept = attrs_get(mail_attrs, ATTR_HOLDUNTIL);
	int64_t ms;

	return span_is_empty(kept) || !stamp_parse(kept, &ms) ? 0 : ms;
}

/* --- MT-PRIORITY --- */

bool
wishes_parse_priority(struct span text, int *priority)
{
	bool is_negative = take_sign(&text);
	uint64_t n;

	if (text.len != 1 || !span_to_u64(text, WISHES_PRIORITY_MOST, &n))
		return false;
	*priority = is_negative ? -(int)n : (int)n;
	return true;
}

int
wishes_priority(struct span mail_attrs)
{
	struct span kept = attrs_get(mail_attrs, ATTR_PRIORITY);
	int n = 0;

	return span_is_empty(kept) || !wishes_parse_priority(kept, &n) ? 0 : n;
}

bool
wishes_tls(struct span mail_attrs)
{
	return !span_is_empty(attrs_get(mail_attrs, ATTR_REQUIRETLS));
}
