#include "mail/header.h"

#include <string.h>

/* RFC 5322 2.2: a field name is printable ASCII but the colon. */
size_t
header_name_length(struct span s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] > ' ' && s.ptr[n] < 127 && s.ptr[n] != ':')
		n++;
	return n;
}

bool
header_is_field_start(struct span line)
{
	size_t n = header_name_length(line);

	if (n == 0)
		return false;
	/* Blanks before the colon are old (RFC 5322 4.5) and still met. */
	while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t'))
		n++;
	return n < line.len && line.ptr[n] == ':';
}

bool
header_has_addresses(struct span name)
{
	static const struct span names[] = { { "From", 4 }, { "Sender", 6 },
		{ "Reply-To", 8 }, { "To", 2 }, { "Cc", 2 }, { "Bcc", 3 },
		{ "Resent-From", 11 }, { "Resent-Sender", 13 },
		{ "Resent-To", 9 }, { "Resent-Cc", 9 }, { "Resent-Bcc", 10 },
		{ "Disposition-Notification-To", 27 }, { "Errors-To", 9 },
		{ "Return-Receipt-To", 17 }, { "Mail-Followup-To", 16 },
		{ "Mail-Reply-To", 13 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_equal_nocase(name, names[i]))
			return true;
	return false;
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

bool
header_next(struct span *rest, struct header_field *out)
{
	struct span line = first_line(*rest);
	size_t len, colon;

	if (!header_is_field_start(line))
		return false;
	len = line.len;
	while (len < rest->len && is_continuation(span_from(*rest, len)))
		len += first_line(span_from(*rest, len)).len;
	out->raw = span_to(*rest, len);
	out->name = span_to(*rest, header_name_length(*rest));
	colon = span_find(out->raw, ':');
	/* A line of blanks alone is still no value, wherever it is folded. */
	out->value = span_trim_white(span_from(out->raw, colon + 1));
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
		if (!header_is_field_start(line) &&
		    !(is_continuation(line) && *scanned > 0)) {
			*end = *scanned;
			return HEADER_NO_BLANK;
		}
		*scanned += line.len;
	}
	return HEADER_MORE;
}

/* --- what a submission server looks at --- */

enum field {
	FIELD_OTHER,
	FIELD_FROM,
	FIELD_DATE,
	FIELD_MESSAGE_ID,
	FIELD_BCC,
	FIELD_RECEIVED,
	FIELD_RETURN_PATH,
};

static const struct {
	struct span name;
	enum field field;
	bool says; /* it must say something (RFC 5322 3.6) */
} fields[] = {
	{ { "from", 4 }, FIELD_FROM, true },
	{ { "date", 4 }, FIELD_DATE, true },
	{ { "bcc", 3 }, FIELD_BCC, false },
	{ { "sender", 6 }, FIELD_OTHER, true },
	{ { "received", 8 }, FIELD_RECEIVED, false },
	{ { "message-id", 10 }, FIELD_MESSAGE_ID, true },
	{ { "resent-bcc", 10 }, FIELD_BCC, false },
	{ { "return-path", 11 }, FIELD_RETURN_PATH, false },
	{ { "resent-from", 11 }, FIELD_OTHER, true },
	{ { "resent-sender", 13 }, FIELD_OTHER, true },
};

/* Nothing, or an address or id without its inside: a careless client's. */
static bool
says_nothing(struct span value)
{
	struct span inside;

	if (span_is_empty(value) || value.ptr[value.len - 1] != '>')
		return span_is_empty(value);
	inside = span_trim_white(span_to(value, value.len - 1));
	return !span_is_empty(inside) && inside.ptr[inside.len - 1] == '<';
}

/* The lengths of those names: most of a header's fields are none of them. */
#define LENGTHS                                                                \
	(1u << 3 | 1u << 4 | 1u << 6 | 1u << 8 | 1u << 10 | 1u << 11 | 1u << 13)

static enum field
field_of(const struct header_field *f, bool *is_empty)
{
	*is_empty = false;
	if (f->name.len > 13 || (LENGTHS >> f->name.len & 1) == 0)
		return FIELD_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (fields[i].name.len != f->name.len ||
		    !span_equal_nocase(fields[i].name, f->name))
			continue;
		*is_empty = fields[i].says && says_nothing(f->value);
		return fields[i].field;
	}
	return FIELD_OTHER;
}

void
header_review(struct span header, struct header_facts *out)
{
	struct header_field f;
	bool is_empty;

	*out = (struct header_facts){ 0 };
	while (header_next(&header, &f)) {
		enum field field = field_of(&f, &is_empty);

		if (is_empty) {
			out->has_empty = true;
			continue;
		}
		switch (field) {
		case FIELD_FROM: out->has_from = true; break;
		case FIELD_DATE: out->has_date = true; break;
		case FIELD_MESSAGE_ID:
			if (!out->has_message_id)
				out->message_id = f.value;
			out->has_message_id = true;
			break;
		case FIELD_BCC: out->has_bcc = true; break;
		case FIELD_RETURN_PATH: out->has_return_path = true; break;
		case FIELD_RECEIVED: out->received++; break;
		case FIELD_OTHER: break;
		}
	}
}

/* Takes out all fields of that name; without one, those that say nothing. */
static size_t
take_out(char *data, size_t len, struct span name)
{
	struct span rest = span_make(data, len);
	struct header_field f;

	while (header_next(&rest, &f)) {
		size_t at = (size_t)(f.raw.ptr - data);
		bool goes = span_equal_nocase(f.name, name);

		if (span_is_empty(name))
			(void)field_of(&f, &goes);
		if (!goes)
			continue;
		memmove(data + at, data + at + f.raw.len, len - at - f.raw.len);
		len -= f.raw.len;
		rest = span_make(data + at, len - at);
	}
	return len;
}

size_t
header_remove(char *data, size_t len, struct span name)
{
	return take_out(data, len, name);
}

size_t
header_remove_empty(char *data, size_t len)
{
	return take_out(data, len, span_make("", 0));
}
