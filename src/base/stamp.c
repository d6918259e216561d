#include "base/stamp.h"

#include <time.h>

#include "base/buf.h"

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
stamp_parse(struct span s, int64_t *ms)
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
stamp_write(int64_t ms, struct buf *out)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[32];
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)buf_append_text(out, text);
}
