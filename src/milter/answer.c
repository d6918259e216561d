#include "milter_priv.h"

void
answer_clean(struct span text, size_t most, struct buf *out)
{
	text = span_to(text, most);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		(void)buf_append_char(out, c >= ' ' && c < 0x7f ? c : '?');
	}
}

static bool
is_code(struct span line)
{
	return line.len >= 3 && (line.ptr[0] == '4' || line.ptr[0] == '5') &&
	       ascii_is_digit(line.ptr[1]) && ascii_is_digit(line.ptr[2]) &&
	       line.ptr[1] <= '5' &&
	       (line.len == 3 || line.ptr[3] == ' ' || line.ptr[3] == '-');
}

/* "5.7.1" in front of the text, which goes on behind it. */
static struct span
take_status(struct span *text, char class)
{
	struct span rest = *text, status = span_cut(&rest, ' ');
	struct span left = status;
	int parts = 0;

	while (parts < 3) {
		struct span part = span_cut(&left, '.');
		uint64_t n;

		if (!span_to_u64(part, 999, &n) || part.len > 3)
			return SPAN("");
		parts++;
		if (parts == 1 && (part.len != 1 || part.ptr[0] != class))
			return SPAN("");
	}
	if (!span_is_empty(left) || status.ptr[status.len - 1] == '.')
		return SPAN("");
	*text = rest;
	return status;
}

/* The text of a line, in which a percent sign is written twice. */
static void
append_text(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len && buf_len(out) < REPLY_MOST; i++) {
		answer_clean(span_make(text.ptr + i, 1), 1, out);
		if (text.ptr[i] == '%' && i + 1 < text.len &&
		    text.ptr[i + 1] == '%')
			i++;
	}
}

static struct span
cut_line(struct span *text)
{
	struct span line = span_cut(text, '\n');

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

bool
answer_read_reply(struct span text, struct buf *out)
{
	struct span first = cut_line(&text), code, status, line;

	buf_reset(out);
	if (!is_code(first))
		return false;
	code = span_to(first, 3);
	line = span_from(first, first.len > 3 ? 4 : 3);
	status = take_status(&line, code.ptr[0]);
	(void)buf_append_span(out, code);
	if (span_is_empty(status))
		(void)buf_printf(out, " %c.7.1 ", code.ptr[0]);
	else
		(void)buf_printf(out, " %.*s ", SPAN_ARG(status));
	append_text(span_trim(line), out);
	while (!span_is_empty(text)) {
		line = cut_line(&text);
		if (!is_code(line) || !span_equal(span_to(line, 3), code))
			return false;
		line = span_from(line, line.len > 3 ? 4 : 3);
		(void)take_status(&line, code.ptr[0]);
		(void)buf_append_char(out, ' ');
		append_text(span_trim(line), out);
	}
	(void)buf_append_char(out, '\0');
	return true;
}
