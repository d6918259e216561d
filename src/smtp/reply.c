#include "smtp/reply.h"

/* One line "250-text" or "250 text" or "250": its code, or -1. */
static int
line_code(struct span line)
{
	if (line.len < 3 || line.ptr[0] < '2' || line.ptr[0] > '5' ||
	    !ascii_is_digit(line.ptr[1]) || !ascii_is_digit(line.ptr[2]))
		return -1;
	if (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')
		return -1;
	return (line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 +
	       (line.ptr[2] - '0');
}

static struct span
without_cr(struct span line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* "5.7.1" in front of a line's text (RFC 3463 section 2), or nothing. */
static struct span
enhanced_code(struct span text)
{
	size_t at = 0;

	if (text.len < 5 || text.ptr[0] < '2' || text.ptr[0] > '5' ||
	    text.ptr[1] != '.')
		return span_make(text.ptr, 0);
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;

		at++;
		if (part == 0)
			at++; /* behind "5." */
		while (at < text.len && ascii_is_digit(text.ptr[at])) {
			at++;
			digits++;
		}
		if (digits == 0 || digits > 3)
			return span_make(text.ptr, 0);
		if (part == 0 && (at >= text.len || text.ptr[at] != '.'))
			return span_make(text.ptr, 0);
	}
	if (at < text.len && text.ptr[at] != ' ')
		return span_make(text.ptr, 0);
	return span_to(text, at);
}

enum reply_status
reply_parse(struct span *in, struct reply *out)
{
	size_t at = 0;
	int code = -1;

	out->enhanced = span_make("", 0);
	for (;;) {
		struct span rest = span_from(*in, at), line, enhanced;
		size_t end = span_find(rest, '\n');
		int this_code;

		if (end > REPLY_LINE_MAX || at + end > REPLY_MAX)
			return REPLY_TOO_LONG;
		if (end == rest.len)
			return REPLY_MORE;
		line = without_cr(span_to(rest, end));
		this_code = line_code(line);
		if (this_code == -1)
			return REPLY_BAD_CODE;
		if (code != -1 && this_code != code)
			return REPLY_MIXED_CODES;
		code = this_code;
		at += end + 1;
		/* RFC 2034 4: in every line; some hosts spare it in some. */
		enhanced = enhanced_code(span_from(line, 4));
		if (!span_is_empty(enhanced))
			out->enhanced = enhanced;
		if (line.len == 3 || line.ptr[3] == ' ') {
			out->code = code;
			out->text = span_to(*in, at);
			*in = span_from(*in, at);
			return REPLY_OK;
		}
	}
}

bool
reply_next_line(struct span *text, struct span *line)
{
	if (span_is_empty(*text))
		return false;
	*line = span_from(without_cr(span_cut(text, '\n')), 4);
	return true;
}
