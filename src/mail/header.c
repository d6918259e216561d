#include "mail/header.h"

#include <string.h>

/* RFC 5322 2.2: a field name is printable ASCII but the colon. */
static size_t
name_length(struct span s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] > ' ' && s.ptr[n] < 127 && s.ptr[n] != ':')
		n++;
	return n;
}

static bool
is_field_start(struct span line)
{
	size_t n = name_length(line);

	if (n == 0)
		return false;
	/* Blanks before the colon are old (RFC 5322 4.5) and still met. */
	while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t'))
		n++;
	return n < line.len && line.ptr[n] == ':';
}

static bool
is_continuation(struct span s)
{
	return s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t');
}

static struct span
first_line(struct span s)
{
	size_t end = span_find(s, '\n');

	return span_to(s, end + 1);
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line of blanks alone is still no value, wherever it is folded. */
static struct span
trim_folds(struct span s)
{
	while (s.len > 0 && is_white(s.ptr[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_white(s.ptr[0]))
		s = span_from(s, 1);
	return s;
}

bool
header_next(struct span *rest, struct header_field *out)
{
	struct span line = first_line(*rest);
	size_t len, colon;

	if (!is_field_start(line))
		return false;
	len = line.len;
	while (len < rest->len && is_continuation(span_from(*rest, len)))
		len += first_line(span_from(*rest, len)).len;
	out->raw = span_to(*rest, len);
	out->name = span_to(*rest, name_length(*rest));
	colon = span_find(out->raw, ':');
	out->value = trim_folds(span_from(out->raw, colon + 1));
	*rest = span_from(*rest, len);
	return true;
}

enum header_end
header_find_end(struct span text, size_t *scanned, size_t *end)
{
	while (*scanned < text.len) {
		struct span line = span_from(text, *scanned);
		size_t lf = span_find(line, '\n');

		if (lf == line.len)
			return HEADER_MORE;
		line = span_to(line, lf + 1);
		if (span_equal(line, SPAN("\r\n"))) {
			*end = *scanned + 2;
			return HEADER_BLANK;
		}
		if (!is_field_start(line) &&
		    !(is_continuation(line) && *scanned > 0)) {
			*end = *scanned;
			return HEADER_NO_BLANK;
		}
		*scanned += line.len;
	}
	return HEADER_MORE;
}

/* RFC 5322 3.6.4 wants <left@right>; "<>" is what a careless client sends. */
static bool
is_message_id(struct span value)
{
	return !span_is_empty(value) && !span_equal(value, SPAN("<>"));
}

void
header_review(struct span header, struct header_facts *out)
{
	struct header_field f;

	*out = (struct header_facts){ 0 };
	while (header_next(&header, &f)) {
		if (span_equal_nocase(f.name, SPAN("date")))
			out->has_date |= !span_is_empty(f.value);
		else if (span_equal_nocase(f.name, SPAN("message-id")))
			out->has_message_id |= is_message_id(f.value);
		else if (span_equal_nocase(f.name, SPAN("bcc")) ||
			 span_equal_nocase(f.name, SPAN("resent-bcc")))
			out->has_bcc = true;
		else if (span_equal_nocase(f.name, SPAN("received")))
			out->received++;
	}
}

size_t
header_remove(char *data, size_t len, struct span name)
{
	struct span rest = span_make(data, len);
	struct header_field f;

	while (header_next(&rest, &f)) {
		size_t at = (size_t)(f.raw.ptr - data);

		if (!span_equal_nocase(f.name, name))
			continue;
		memmove(data + at, data + at + f.raw.len, len - at - f.raw.len);
		len -= f.raw.len;
		rest = span_make(data + at, len - at);
	}
	return len;
}
