/*
 *   HEADER --> BODY ------> (delimiter) --> HEADER ...
 *      |  \                     ^     \
 *      |   +--> BETWEEN --------+      +--> BETWEEN (behind the last one)
 *      +--> HEADER (of a message in a part)
 *
 * Of a body, all goes out but the end of what is here that could yet be part of a
 * delimiter: the line end in front of a delimiter belongs to it (RFC 2046 5.1.1).
 */
#include "mail/parts.h"

#include <assert.h>
#include <string.h>

#include "mail/header.h"

enum {
	/* A delimiter's line: boundary, dashes, blanks behind it. */
	DELIMITER_MAX = PARTS_BOUNDARY_MAX + 100,
};

void
parts_clear(struct parts *p)
{
	buf_clear(&p->in);
	*p = (struct parts){ 0 };
}

void
parts_add(struct parts *p, struct span text)
{
	bool fits;

	assert(text.len <= PARTS_ADD_MAX);
	p->in.max = PARTS_HEADER_MAX + 2 * PARTS_ADD_MAX;
	buf_consume(&p->in, p->out);
	p->out = 0;
	fits = buf_append_span(&p->in, text);
	assert(fits);
}

/* --- values of fields (RFC 2045 5.1) --- */

/* Behind white space and comments. */
static struct span
skip(struct span s)
{
	unsigned depth = 0;

	while (s.len > 0 &&
	       (depth > 0 || ascii_is_white(s.ptr[0]) || s.ptr[0] == '(')) {
		if (s.ptr[0] == '\\' && s.len > 1)
			s = span_from(s, 1);
		else if (s.ptr[0] == '(')
			depth++;
		else if (s.ptr[0] == ')')
			depth--;
		s = span_from(s, 1);
	}
	return s;
}

static bool
is_token_char(char c)
{
	return c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* Takes a token from *s, and what may stand before it. */
static struct span
take_token(struct span *s)
{
	size_t n = 0;
	struct span token;

	*s = skip(*s);
	while (n < s->len && is_token_char(s->ptr[n]))
		n++;
	token = span_to(*s, n);
	*s = span_from(*s, n);
	return token;
}

static bool
take_char(struct span *s, char c)
{
	*s = skip(*s);
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = span_from(*s, 1);
	return true;
}

/*
 * A value, quoted or not, to `out`; its length, or `size` where it is longer than
 * that allows. What is not quoted ends at white space or a semicolon: careless
 * programs leave the quotes away where they are needed.
 */
static size_t
take_value(struct span *s, char *out, size_t size)
{
	bool quoted = take_char(s, '"');
	size_t n = 0;

	for (; s->len > 0; *s = span_from(*s, 1)) {
		char c = s->ptr[0];

		if (quoted ? c == '"' : ascii_is_white(c) || c == ';')
			break;
		if (quoted && c == '\\' && s->len > 1) {
			*s = span_from(*s, 1);
			c = s->ptr[0];
		}
		if (quoted && span_starts(*s, SPAN("\r\n"))) {
			*s = span_from(*s, 1);
			continue;
		}
		if (n < size)
			out[n++] = c;
	}
	if (quoted)
		(void)take_char(s, '"');
	return n;
}

static void
read_boundary(struct span rest, struct parts_level *level)
{
	char value[PARTS_BOUNDARY_MAX];

	while (take_char(&rest, ';')) {
		struct span name = take_token(&rest);
		size_t n;

		if (!take_char(&rest, '='))
			continue;
		n = take_value(&rest, value, sizeof value);
		if (level->length > 0 ||
		    !span_equal_nocase(name, SPAN("boundary")))
			continue;
		while (n > 0 && value[n - 1] == ' ')
			n--;
		if (n == sizeof value)
			continue;
		memcpy(level->boundary, value, n);
		level->length = n;
	}
}

static bool
has_boundary(const struct parts_level *level)
{
	for (size_t i = 0; i < level->length; i++)
		if (level->boundary[i] < ' ' || level->boundary[i] > '~')
			return false;
	return level->length > 0;
}

static void
seal(struct part *part, const char *why)
{
	part->form = PART_SEALED;
	part->why_sealed = why;
}

static void
read_message_type(struct span subtype, struct part *part)
{
	if (span_equal_nocase(subtype, SPAN("rfc822")) &&
	    part->encoding == ENCODING_NONE)
		part->form = PART_MESSAGE;
	/* RFC 2046 5.2.2.1, 5.2.3: both are 7bit, always. */
	if (span_equal_nocase(subtype, SPAN("partial")))
		seal(part, "a fragment of a message (message/partial)");
	if (span_equal_nocase(subtype, SPAN("external-body")))
		seal(part, "a message/external-body");
}

static void
read_type(struct span value, struct part *part, struct parts_level *level)
{
	struct span type = take_token(&value), subtype = { "", 0 };

	if (take_char(&value, '/'))
		subtype = take_token(&value);
	part->has_type = !span_is_empty(subtype);
	if (!part->has_type)
		return;
	part->is_text = span_equal_nocase(type, SPAN("text"));
	if (span_equal_nocase(type, SPAN("message")))
		read_message_type(subtype, part);
	if (!span_equal_nocase(type, SPAN("multipart")))
		return;
	read_boundary(value, level);
	level->is_digest = span_equal_nocase(subtype, SPAN("digest"));
	part->form = PART_MULTIPART;
	if (span_equal_nocase(subtype, SPAN("signed")))
		seal(part, "a part that its author signed (multipart/signed)");
	else if (!has_boundary(level))
		seal(part, "a multipart without a boundary that all can read");
}

static enum part_encoding
encoding_of(struct span value)
{
	static const struct {
		struct span name;
		enum part_encoding encoding;
	} known[] = {
		{ { "7bit", 4 }, ENCODING_NONE },
		{ { "8bit", 4 }, ENCODING_NONE },
		{ { "binary", 6 }, ENCODING_NONE },
		{ { "quoted-printable", 16 }, ENCODING_QUOTED_PRINTABLE },
		{ { "base64", 6 }, ENCODING_BASE64 },
	};
	struct span word = take_token(&value);

	if (span_is_empty(word))
		return ENCODING_NONE;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_equal_nocase(word, known[i].name))
			return known[i].encoding;
	return ENCODING_OTHER;
}

/* Of two fields of a name, the first counts. */
static void
read_fields(struct span header, struct part *part, struct span *type)
{
	bool has_encoding = false;
	struct header_field f;

	while (header_next(&header, &f)) {
		if (span_equal_nocase(f.name, SPAN("Content-Type")) &&
		    span_is_empty(*type))
			*type = f.value;
		if (span_equal_nocase(f.name, SPAN("MIME-Version")))
			part->has_mime_version = true;
		if (span_equal_nocase(
			f.name, SPAN("Content-Transfer-Encoding")) &&
		    !has_encoding) {
			has_encoding = true;
			part->encoding = encoding_of(f.value);
		}
	}
}

/* What the header says, and where its parts are. */
static void
read_header(struct parts *p, struct span header, struct part *part)
{
	struct parts_level level = { 0 };
	struct span type = { "", 0 };
	bool in_digest = p->depth > 0 && p->levels[p->depth - 1].is_digest;

	part->is_message = !p->is_part;
	part->is_text = true;
	read_fields(header, part, &type);
	read_type(type, part, &level);
	/* RFC 2046 5.1.5. */
	if (!part->has_type && in_digest && p->is_part &&
	    part->encoding == ENCODING_NONE)
		part->form = PART_MESSAGE;
	if (part->form != PART_MULTIPART && part->form != PART_MESSAGE)
		return;
	if (p->depth == PARTS_DEPTH_MAX)
		seal(part, "a part of a part, too often");
	else
		p->levels[p->depth++] = level;
}

/* --- delimiters --- */

static bool
matches(const struct parts_level *level, struct span line, bool *is_last)
{
	struct span rest;

	if (level->length == 0 || level->is_closed ||
	    !span_starts(line, span_make(level->boundary, level->length)))
		return false;
	rest = span_from(line, level->length);
	*is_last = span_starts(rest, SPAN("--"));
	if (*is_last)
		rest = span_from(rest, 2);
	/* Ended by CRLF, or the last of all. */
	if (span_ends_nocase(rest, SPAN("\r\n")))
		rest = span_to(rest, rest.len - 2);
	return span_is_empty(span_trim(rest));
}

/* Whose delimiter the line is: how many levels deep, the innermost first; 0: it is none. */
static unsigned
delimited_level(const struct parts *p, struct span line, bool *is_last)
{
	if (!span_starts(line, SPAN("--")))
		return 0;
	for (unsigned i = p->depth; i > 0; i--)
		if (matches(&p->levels[i - 1], span_from(line, 2), is_last))
			return i;
	return 0;
}

static bool
is_delimiter(const struct parts *p, struct span line)
{
	bool is_last;

	return delimited_level(p, line, &is_last) > 0;
}

static void
enter_delimited(struct parts *p, bool is_last)
{
	p->in_line = false;
	p->seen = 0;
	p->is_part = true;
	p->state = is_last ? PARTS_IN_BETWEEN : PARTS_IN_HEADER;
	p->levels[p->depth - 1].is_closed = is_last;
}

/* --- headers --- */

static enum parts_what
give_header(struct parts *p, struct span header, struct parts_item *out)
{
	unsigned before = p->depth;

	out->text = header;
	p->out = header.len;
	p->seen = 0;
	p->in_line = false;
	read_header(p, header, &out->part);
	p->is_part = false;
	if (p->depth == before)
		p->state = PARTS_IN_BODY;
	else if (out->part.form == PART_MULTIPART)
		p->state = PARTS_IN_BETWEEN;
	return PARTS_HEADER;
}

/* Whether the line is a header's; the first may not continue anything. */
static bool
is_of_header(const struct parts *p, struct span line)
{
	if (p->seen > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
		return true;
	return header_is_field_start(line);
}

static enum parts_what
next_of_header(
    struct parts *p, struct span text, bool is_all, struct parts_item *out)
{
	while (p->seen < text.len) {
		struct span line = span_from(text, p->seen);
		size_t lf = span_find(line, '\n');

		if (lf == line.len && !is_all)
			return text.len > PARTS_HEADER_MAX ? PARTS_FAULT
							   : PARTS_MORE;
		line = span_to(line, lf + 1);
		out->part.has_blank = span_equal(line, SPAN("\r\n"));
		if (out->part.has_blank)
			return give_header(
			    p, span_to(text, p->seen + line.len), out);
		if (is_delimiter(p, line) || !is_of_header(p, line))
			return give_header(p, span_to(text, p->seen), out);
		p->seen += line.len;
		if (p->seen > PARTS_HEADER_MAX)
			return PARTS_FAULT;
	}
	if (!is_all)
		return PARTS_MORE;
	if (text.len > 0)
		return give_header(p, text, out);
	p->state = PARTS_ENDED;
	return PARTS_END;
}

/* --- bodies --- */

/* Whether a delimiter may stand at `at`; with *is_open more must come to say. */
static bool
may_delimit(struct span text, size_t at, bool is_all, bool *is_open)
{
	struct span rest = span_from(text, at);

	*is_open = false;
	if (rest.len >= 2 && !span_starts(rest, SPAN("--")))
		return false;
	if (rest.len == 1 && rest.ptr[0] != '-')
		return false;
	if (!is_all)
		*is_open = rest.len < 2 || (span_find(rest, '\n') == rest.len &&
					       rest.len < DELIMITER_MAX);
	return rest.len >= 2;
}

static bool
is_line_end(struct span text, size_t lf)
{
	return lf > 0 && text.ptr[lf - 1] == '\r';
}

/*
 * The next place in *at where a delimiter is, or could yet be (*is_open); false:
 * none, up to the end.
 */
static bool
find_delimiter(const struct parts *p, struct span text, bool is_all, size_t *at,
    bool *is_open)
{
	size_t from = 0;

	for (bool here = !p->in_line;; here = true) {
		struct span rest = span_from(text, from);

		*at = from;
		if (here && may_delimit(text, from, is_all, is_open) &&
		    !*is_open &&
		    is_delimiter(p, span_to(rest, span_find(rest, '\n') + 1)))
			return true;
		if (here && *is_open)
			return true;
		do {
			from += span_find(span_from(text, from), '\n') + 1;
		} while (from <= text.len && !is_line_end(text, from - 1));
		if (from > text.len)
			return false;
	}
}

/* The octets up to `end`, of the body or between parts. */
static enum parts_what
give(struct parts *p, struct span text, size_t end, struct parts_item *out)
{
	out->text = span_to(text, end);
	p->out = end;
	p->in_line = true;
	return p->state == PARTS_IN_BODY ? PARTS_BODY : PARTS_BETWEEN;
}

static enum parts_what
give_delimiter(
    struct parts *p, struct span text, size_t at, struct parts_item *out)
{
	struct span line = span_from(text, at);
	bool is_last = false;

	line = span_to(line, span_find(line, '\n') + 1);
	p->depth = delimited_level(p, line, &is_last);
	out->text = span_to(text, at + line.len);
	p->out = out->text.len;
	enter_delimited(p, is_last);
	return PARTS_BETWEEN;
}

static enum parts_what
next_of_body(
    struct parts *p, struct span text, bool is_all, struct parts_item *out)
{
	bool is_open = false;
	size_t at, before;

	if (text.len == 0 && is_all) {
		p->state = PARTS_ENDED;
		return PARTS_END;
	}
	if (!find_delimiter(p, text, is_all, &at, &is_open)) {
		bool has_cr = text.len > 0 && text.ptr[text.len - 1] == '\r';

		before = text.len - (has_cr && !is_all);
		return before == 0 ? PARTS_MORE : give(p, text, before, out);
	}
	before = at >= 2 ? at - 2 : 0; /* without the line end */
	if (before > 0)
		return give(p, text, before, out);
	return is_open ? PARTS_MORE : give_delimiter(p, text, at, out);
}

enum parts_what
parts_next(struct parts *p, bool is_all, struct parts_item *out)
{
	struct span text;

	buf_consume(&p->in, p->out);
	p->out = 0;
	text = buf_span(&p->in);
	*out = (struct parts_item){ 0 };
	switch (p->state) {
	case PARTS_IN_HEADER: return next_of_header(p, text, is_all, out);
	case PARTS_IN_BODY:
	case PARTS_IN_BETWEEN: return next_of_body(p, text, is_all, out);
	case PARTS_ENDED: break;
	}
	return PARTS_END;
}
