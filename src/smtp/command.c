#include "smtp/command.h"

#include <string.h>

static bool
has_bare(struct span line)
{
	return memchr(line.ptr, '\r', line.len) != NULL ||
	       memchr(line.ptr, '\0', line.len) != NULL;
}

enum command_line_status
command_take_line(struct span *in, struct span *line)
{
	size_t end = span_find(*in, '\n');

	if (end == in->len)
		return in->len > COMMAND_LINE_MAX ? COMMAND_LINE_TOO_LONG
						  : COMMAND_LINE_MORE;
	if (end > COMMAND_LINE_MAX)
		return COMMAND_LINE_TOO_LONG;
	*line = span_to(*in, end);
	*in = span_from(*in, end + 1);
	/* Only CRLF ends a line (RFC 5321 2.3.8); a bare LF smuggles. */
	if (line->len == 0 || line->ptr[line->len - 1] != '\r')
		return COMMAND_LINE_BARE;
	line->len--;
	return has_bare(*line) ? COMMAND_LINE_BARE : COMMAND_LINE_OK;
}

void
command_parse(struct span line, struct command *out)
{
	size_t n = 0;

	while (n < line.len && line.ptr[n] != ' ')
		n++;
	out->verb = span_to(line, n);
	out->args = span_trim(span_from(line, n));
}

static bool
is_keyword(struct span s)
{
	if (s.len == 0 || !ascii_is_alnum(s.ptr[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!ascii_is_alnum(s.ptr[i]) && s.ptr[i] != '-')
			return false;
	return true;
}

/* Letters beyond ASCII are for the parameter to judge (RFC 6531 3.3). */
static bool
is_value(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] >= 0 && s.ptr[i] <= ' ') || s.ptr[i] == 127 ||
		    s.ptr[i] == '=')
			return false;
	return s.len > 0;
}

int
command_next_param(struct span *rest, struct command_param *out)
{
	struct span word;
	size_t eq;

	if (span_is_empty(span_trim(*rest)))
		return 0;
	if (rest->ptr[0] != ' ')
		return -1;
	*rest = span_trim(*rest);
	word = span_to(*rest, span_find(*rest, ' '));
	*rest = span_from(*rest, word.len);
	eq = span_find(word, '=');
	out->keyword = span_to(word, eq);
	out->has_value = eq < word.len;
	out->value = span_from(word, eq + 1);
	if (!is_keyword(out->keyword) ||
	    (out->has_value && !is_value(out->value)))
		return -1;
	return 1;
}
