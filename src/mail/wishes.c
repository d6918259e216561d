#include "mail/wishes.h"

#include <stdio.h>
#include <time.h>

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

/* --- times --- */

/* So many digits, and the byte behind them; 0: none is. */
static bool
take_number(
    struct span *s, size_t digits, int least, int most, char behind, int *out)
{
	uint64_t n;

	if (s->len < digits + (behind != '\0'))
		return false;
	if (!span_to_u64(span_to(*s, digits), (uint64_t)most, &n) ||
	    n < (uint64_t)least)
		return false;
	*out = (int)n;
	*s = span_from(*s, digits);
	if (behind == '\0')
		return true;
	if (ascii_lower(s->ptr[0]) != behind)
		return false;
	*s = span_from(*s, 1);
	return true;
}

/* "Z", "+02:00": minutes. */
static bool
take_zone(struct span s, int *minutes)
{
	int sign = 1, h, m;

	*minutes = 0;
	if (span_equal_nocase(s, SPAN("Z")))
		return true;
	if (s.len == 0 || (s.ptr[0] != '+' && s.ptr[0] != '-'))
		return false;
	sign = s.ptr[0] == '-' ? -1 : 1;
	s = span_from(s, 1);
	if (!take_number(&s, 2, 0, 23, ':', &h) ||
	    !take_number(&s, 2, 0, 59, '\0', &m) || s.len > 0)
		return false;
	*minutes = sign * (h * 60 + m);
	return true;
}

static int
days_of(int month, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leaps);
}

bool
wishes_parse_time(struct span s, int64_t *ms)
{
	struct tm tm = { 0 };
	int year, month, zone;

	if (!take_number(&s, 4, 1970, 9999, '-', &year) ||
	    !take_number(&s, 2, 1, 12, '-', &month) ||
	    !take_number(&s, 2, 1, days_of(month, year), 't', &tm.tm_mday) ||
	    !take_number(&s, 2, 0, 23, ':', &tm.tm_hour) ||
	    !take_number(&s, 2, 0, 59, ':', &tm.tm_min) ||
	    !take_number(&s, 2, 0, 60, '\0', &tm.tm_sec))
		return false;
	if (s.len > 0 && s.ptr[0] == '.') { /* parts of a second */
		size_t n = 1;

		while (n < s.len && ascii_is_digit(s.ptr[n]))
			n++;
		if (n == 1)
			return false;
		s = span_from(s, n);
	}
	if (!take_zone(s, &zone))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	*ms = ((int64_t)timegm(&tm) - (int64_t)zone * 60) * 1000;
	return true;
}

void
wishes_write_time(int64_t ms, struct buf *out)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[32];
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)buf_append_text(out, text);
}

int64_t
wishes_release(struct span mail_attrs)
{
	struct span kept = attrs_get(mail_attrs, ATTR_HOLDUNTIL);
	int64_t ms;

	return span_is_empty(kept) || !wishes_parse_time(kept, &ms) ? 0 : ms;
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
