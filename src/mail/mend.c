/*
 * Each line has a kind. Fields, and what continues one, go by; a blank line
 * behind a field ends the header. Any other line is odd, and what follows it says
 * what it is: look_for_fields() is asked before the first field, where blank
 * lines and mbox lines may stand, look_for_rest() behind a stray line. Both see
 * whole lines only and no further than MEND_LOOK_MAX, so that their answer does
 * not depend on how much has come.
 */
#include "mail/mend.h"

#include <assert.h>

#include "mail/header.h"

enum { STRAYS_MAX = 3 };

enum kind {
	KIND_FIELD,
	KIND_OLD_FIELD, /* blanks before the colon: to many readers it is none */
	KIND_MORE, /* continues a field: white space, then text */
	KIND_WHITE, /* white space alone */
	KIND_BLANK,
	KIND_MBOX, /* "From a@b.test Mon Nov  2 10:00:00 2026" */
	KIND_STRAY,
};

/* --- lines --- */

/* Names that are evidence of a header. Fewer than 64: see `seen`. */
static const struct known {
	struct span name;
	/* FAMILY: all that begin so; they come as often as they like. */
	enum { ONCE, OFTEN, FAMILY } how;
} known_names[] = {
	{ { "from", 4 }, ONCE },
	{ { "to", 2 }, ONCE },
	{ { "cc", 2 }, ONCE },
	{ { "bcc", 3 }, ONCE },
	{ { "subject", 7 }, ONCE },
	{ { "date", 4 }, ONCE },
	{ { "message-id", 10 }, ONCE },
	{ { "mime-version", 12 }, ONCE },
	{ { "content-type", 12 }, ONCE },
	{ { "content-transfer-encoding", 25 }, ONCE },
	{ { "content-disposition", 19 }, ONCE },
	{ { "content-", 8 }, FAMILY },
	{ { "reply-to", 8 }, ONCE },
	{ { "sender", 6 }, ONCE },
	{ { "return-path", 11 }, ONCE },
	{ { "references", 10 }, ONCE },
	{ { "in-reply-to", 11 }, ONCE },
	{ { "user-agent", 10 }, ONCE },
	{ { "importance", 10 }, ONCE },
	{ { "priority", 8 }, ONCE },
	{ { "precedence", 10 }, ONCE },
	{ { "organization", 12 }, ONCE },
	{ { "auto-submitted", 14 }, ONCE },
	{ { "errors-to", 9 }, ONCE },
	{ { "disposition-notification-to", 27 }, ONCE },
	{ { "thread-topic", 12 }, ONCE },
	{ { "thread-index", 12 }, ONCE },
	{ { "received", 8 }, OFTEN },
	{ { "delivered-to", 12 }, OFTEN },
	{ { "dkim-", 5 }, FAMILY },
	{ { "arc-", 4 }, FAMILY },
	{ { "authentication-", 15 }, FAMILY },
	{ { "resent-", 7 }, FAMILY },
	{ { "list-", 5 }, FAMILY },
	{ { "x-", 2 }, FAMILY },
};

static const struct known *
find_known(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(known_names); i++) {
		const struct known *k = &known_names[i];

		if (k->how == FAMILY ? span_starts_nocase(name, k->name)
				     : span_equal_nocase(name, k->name))
			return k;
	}
	return NULL;
}

static struct span
name_of(struct span line)
{
	struct header_field f;

	return header_next(&line, &f) ? f.name : span_to(line, 0);
}

static bool
is_known(struct span line)
{
	return find_known(name_of(line)) != NULL;
}

/* Notes the field's name; false when it may come once and came before. */
static bool
note_name(uint64_t *seen, struct span line)
{
	const struct known *k = find_known(name_of(line));
	uint64_t bit;

	if (k == NULL || k->how != ONCE)
		return true;
	bit = UINT64_C(1) << (k - known_names);
	if ((*seen & bit) != 0)
		return false;
	*seen |= bit;
	return true;
}

static struct span
without_white(struct span s)
{
	while (s.len > 0 && ascii_is_white(s.ptr[0]))
		s = span_from(s, 1);
	return s;
}

/* "From ", or ">From " as a file of mail quotes it. */
static bool
is_from_line(struct span line)
{
	while (line.len > 0 && line.ptr[0] == '>')
		line = span_from(line, 1);
	return span_starts(line, SPAN("From "));
}

static bool
is_day(struct span s)
{
	static const struct span days[] = { { "Mon ", 4 }, { "Tue ", 4 },
		{ "Wed ", 4 }, { "Thu ", 4 }, { "Fri ", 4 }, { "Sat ", 4 },
		{ "Sun ", 4 }, { "Mon,", 4 }, { "Tue,", 4 }, { "Wed,", 4 },
		{ "Thu,", 4 }, { "Fri,", 4 }, { "Sat,", 4 }, { "Sun,", 4 } };

	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		if (span_starts(s, days[i]))
			return true;
	return false;
}

static bool
is_time(struct span s)
{
	return s.len >= 5 && ascii_is_digit(s.ptr[0]) &&
	       ascii_is_digit(s.ptr[1]) && s.ptr[2] == ':' &&
	       ascii_is_digit(s.ptr[3]) && ascii_is_digit(s.ptr[4]);
}

/* A day and then a time: text that begins with "From " hardly has both. */
static bool
is_mbox_line(struct span line)
{
	bool has_day = false;

	if (!is_from_line(line))
		return false;
	for (size_t i = 1; i < line.len; i++) {
		if (line.ptr[i - 1] != ' ')
			continue;
		has_day |= is_day(span_from(line, i));
		if (has_day && is_time(span_from(line, i)))
			return true;
	}
	return false;
}

static enum kind
kind_of(struct span line)
{
	size_t n = header_name_length(line);

	if (n > 0 && n < line.len && line.ptr[n] == ':')
		return KIND_FIELD;
	if (n > 0 && header_is_field_start(line))
		return KIND_OLD_FIELD;
	if (span_equal(line, SPAN("\r\n")))
		return KIND_BLANK;
	if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
		return span_is_empty(without_white(line)) ? KIND_WHITE
							  : KIND_MORE;
	return is_mbox_line(line) ? KIND_MBOX : KIND_STRAY;
}

/* The whole line at `at`, a mark at the very front not counted; else empty. */
static struct span
line_at(struct span text, size_t at)
{
	struct span rest = { text.ptr + at, text.len - at };
	size_t lf = span_find(rest, '\n');

	rest.len = lf == rest.len ? 0 : lf + 1;
	if (at == 0 && span_starts(rest, SPAN_BYTE_ORDER_MARK))
		rest = span_from(rest, SPAN_BYTE_ORDER_MARK.len);
	return rest;
}

static size_t
end_of(struct span text, struct span line)
{
	return (size_t)(line.ptr - text.ptr) + line.len;
}

/* --- looking ahead --- */

enum ahead { AHEAD_MORE, AHEAD_HEADER, AHEAD_TEXT, AHEAD_INDENTED };

struct view {
	struct span text;
	bool is_all;
	size_t from; /* it looks no further than MEND_LOOK_MAX from here */
};

/* The next line; false when there is none, and *why says what that means. */
static bool
next_line(const struct view *v, size_t at, struct span *line, enum ahead *why)
{
	*line = line_at(v->text, at);
	if (!span_is_empty(*line) &&
	    end_of(v->text, *line) - v->from <= MEND_LOOK_MAX)
		return true;
	*why = v->is_all || v->text.len - v->from > MEND_LOOK_MAX ? AHEAD_TEXT
								  : AHEAD_MORE;
	return false;
}

/* Whether a header begins at `at`, behind lines that may stand before one. */
static enum ahead
look_for_fields(const struct view *v, size_t at)
{
	bool indented = false;
	struct span line, inner;
	enum ahead why;

	for (; next_line(v, at, &line, &why); at = end_of(v->text, line)) {
		switch (kind_of(line)) {
		case KIND_FIELD:
		case KIND_OLD_FIELD:
			if (!is_known(line))
				return AHEAD_TEXT;
			return indented ? AHEAD_INDENTED : AHEAD_HEADER;
		case KIND_MORE:
			inner = without_white(line);
			if (is_known(inner))
				return AHEAD_INDENTED;
			indented = true;
			break;
		case KIND_BLANK:
			/* Indented text, and its end. */
			if (indented)
				return AHEAD_TEXT;
			break;
		case KIND_WHITE:
		case KIND_MBOX: break;
		case KIND_STRAY:
			if (!is_from_line(line))
				return AHEAD_TEXT;
			break;
		}
	}
	return why;
}

/*
 * Whether the header goes on behind a stray line: only fields that mail has and
 * this header has not yet, up to a blank line. The header of a forwarded
 * message, and a form's "Name: ..." lines, are text.
 */
static enum ahead
look_for_rest(const struct view *v, size_t at, uint64_t seen)
{
	struct span line;
	bool any = false;
	unsigned strays = 1;
	enum ahead why;

	for (; next_line(v, at, &line, &why); at = end_of(v->text, line)) {
		switch (kind_of(line)) {
		case KIND_FIELD:
		case KIND_OLD_FIELD:
			if (!is_known(line) || !note_name(&seen, line))
				return AHEAD_TEXT;
			any = true;
			break;
		case KIND_MORE:
			if (!any)
				return AHEAD_TEXT;
			break;
		case KIND_STRAY:
			if (++strays > STRAYS_MAX)
				return AHEAD_TEXT;
			break;
		case KIND_BLANK: return any ? AHEAD_HEADER : AHEAD_TEXT;
		case KIND_MBOX: break;
		case KIND_WHITE: return AHEAD_TEXT;
		}
	}
	return why;
}

/*
 * What a line of white space alone within a header is: part of a folded field,
 * when a continuation or a field that mail has follows, or the end; else it was
 * meant as the blank line.
 */
static enum ahead
look_behind_white(const struct view *v, size_t at)
{
	struct span line;
	enum ahead why;

	for (; next_line(v, at, &line, &why); at = end_of(v->text, line)) {
		switch (kind_of(line)) {
		case KIND_WHITE: break;
		case KIND_FIELD:
		case KIND_OLD_FIELD:
			return is_known(line) ? AHEAD_HEADER : AHEAD_TEXT;
		case KIND_MORE:
		case KIND_BLANK: return AHEAD_HEADER;
		case KIND_MBOX:
		case KIND_STRAY: return AHEAD_TEXT;
		}
	}
	return why;
}

/* --- what an odd line is --- */

static bool
is_list_name(struct span name)
{
	static const struct span names[] = { { "to", 2 }, { "cc", 2 },
		{ "bcc", 3 }, { "reply-to", 8 }, { "resent-to", 9 },
		{ "resent-cc", 9 }, { "resent-bcc", 10 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_equal_nocase(name, names[i]))
			return true;
	return false;
}

/* The last character before the line that is not white; `from`: no further. */
static char
char_before(struct span line, const char *from)
{
	const char *at = line.ptr;

	while (at > from && ascii_is_white(at[-1]))
		at--;
	return at > from ? at[-1] : '\0';
}

/*
 * A field, which begins at `field`, that was folded without white space: what it
 * lacks, the line has.
 */
static bool
is_unfinished(struct span field, struct span line)
{
	struct span name = name_of(field);

	switch (char_before(line, field.ptr)) {
	case ';':
		return span_starts_nocase(name, SPAN("content-")) &&
		       span_find(line, '=') < line.len;
	case ',': return is_list_name(name) && span_find(line, '@') < line.len;
	default: return false;
	}
}

/* Text that a line of text may continue. */
static bool
is_text_field(struct span field)
{
	struct span name = name_of(field);

	return span_equal_nocase(name, SPAN("subject")) ||
	       span_equal_nocase(name, SPAN("thread-topic")) ||
	       span_starts_nocase(name, SPAN("x-"));
}

/* Notes the names of the fields up to here, each once. */
static uint64_t
names_so_far(struct span text, struct mend_scan *scan)
{
	struct span line;

	for (; scan->noted < scan->at; scan->noted = end_of(text, line)) {
		line = line_at(text, scan->noted);
		(void)note_name(&scan->seen, line);
	}
	return scan->seen;
}

/* Odd lines go by with AHEAD_HEADER; at AHEAD_TEXT the header ends. */
static enum ahead
judge(const struct view *v, struct mend_scan *scan, struct span line,
    enum kind kind)
{
	size_t behind = end_of(v->text, line);

	switch (kind) {
	case KIND_FIELD:
	case KIND_OLD_FIELD:
	case KIND_MBOX: break;
	case KIND_MORE:
		if (!scan->has_field)
			return look_for_fields(v, scan->at);
		break;
	case KIND_WHITE:
		return scan->has_field ? look_behind_white(v, behind)
				       : look_for_fields(v, behind);
	case KIND_BLANK:
		return scan->has_field ? AHEAD_TEXT
				       : look_for_fields(v, behind);
	case KIND_STRAY:
		if (!scan->has_field && is_from_line(line))
			return look_for_fields(v, behind);
		if (scan->has_field &&
		    is_unfinished(line_at(v->text, scan->field), line))
			break;
		return look_for_rest(v, behind, names_so_far(v->text, scan));
	}
	return AHEAD_HEADER;
}

/* A line that is the header's. */
static void
go_by(
    struct span text, struct mend_scan *scan, struct span line, enum kind kind)
{
	size_t start = (size_t)(line.ptr - text.ptr);

	if (kind == KIND_FIELD || kind == KIND_OLD_FIELD) {
		scan->has_field = true;
		scan->field = start;
	}
	scan->is_odd |= kind != KIND_FIELD && kind != KIND_MORE;
	scan->is_odd |= start != scan->at; /* a mark stands before it */
	scan->at = end_of(text, line);
}

/* The line is the first that is no more than the header's end, or text. */
static enum mend_end
end_at(struct span text, struct mend_scan *scan, struct span line, size_t *end)
{
	enum kind kind = kind_of(line);

	*end = scan->at;
	if (kind == KIND_BLANK) {
		*end = end_of(text, line);
		scan->is_odd |= line.ptr != text.ptr + scan->at;
		return MEND_BLANK;
	}
	/* What was meant as the blank line is none: it goes, and one comes. */
	if (kind == KIND_WHITE && scan->has_field) {
		*end = end_of(text, line);
		scan->is_odd = true;
	}
	return MEND_NO_BLANK;
}

enum mend_end
mend_find_end(
    struct span text, bool is_all, struct mend_scan *scan, size_t *end)
{
	struct view v = { .text = text, .is_all = is_all };
	struct span line = line_at(text, scan->at);

	while (!span_is_empty(line)) {
		enum kind kind = kind_of(line);

		v.from = scan->at;
		switch (judge(&v, scan, line, kind)) {
		case AHEAD_MORE: return MEND_MORE;
		case AHEAD_INDENTED: return MEND_INDENTED;
		case AHEAD_TEXT: return end_at(text, scan, line, end);
		case AHEAD_HEADER: break;
		}
		go_by(text, scan, line, kind);
		line = line_at(text, scan->at);
	}
	if (!is_all)
		return MEND_MORE;
	*end = text.len;
	return MEND_NO_BLANK;
}

/* --- writing --- */

/* `field`: the first line of the last one before; empty: none. */
static void
write_stray(struct buf *out, struct span line, struct span field)
{
	bool follows = !span_is_empty(field);

	if (follows &&
	    (is_unfinished(field, line) ||
		(is_text_field(field) && span_find(line, ':') == line.len)))
		(void)buf_append_char(out, ' ');
	else if (is_from_line(line))
		(void)buf_append_text(out, "X-Mailbox-Line: ");
	else
		(void)buf_append_text(out, "X-Unparsed-Line: ");
	(void)buf_append_span(out, line);
}

void
mend_write(struct span header, struct buf *out)
{
	struct span field = { "", 0 }, line;

	assert(header.len == 0 || header.ptr[header.len - 1] == '\n');
	for (size_t at = 0; at < header.len; at = end_of(header, line)) {
		line = line_at(header, at);
		switch (kind_of(line)) {
		case KIND_OLD_FIELD:
			field = line;
			(void)buf_append_span(out, name_of(line));
			(void)buf_append_span(
			    out, span_from(line, span_find(line, ':')));
			break;
		case KIND_FIELD:
			field = line;
			(void)buf_append_span(out, line);
			break;
		case KIND_MORE: (void)buf_append_span(out, line); break;
		case KIND_WHITE: break;
		case KIND_BLANK:
			if (end_of(header, line) == header.len)
				(void)buf_append_span(out, line);
			break;
		case KIND_MBOX:
			(void)buf_append_text(out, "X-Mailbox-Line: ");
			(void)buf_append_span(out, line);
			break;
		case KIND_STRAY: write_stray(out, line, field); break;
		}
	}
}
