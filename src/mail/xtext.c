#include "mail/xtext.h"

/* Upper case only (RFC 3461 4); -1: none. */
static int
digit(char c)
{
	return ascii_lower(c) == c && ascii_is_alpha(c) ? -1 : ascii_hex(c);
}

/* Takes a character off the front; -1: that is none. */
static int
take(struct span *text)
{
	char c = text->ptr[0];
	int high, low;

	if (c != '+') {
		*text = span_from(*text, 1);
		return c > ' ' && c <= '~' && c != '=' ? c : -1;
	}
	if (text->len < 3) {
		*text = SPAN("");
		return -1;
	}
	high = digit(text->ptr[1]);
	low = digit(text->ptr[2]);
	*text = span_from(*text, 3);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool
xtext_is_valid(struct span text)
{
	if (span_is_empty(text))
		return false;
	while (!span_is_empty(text)) {
		int c = take(&text);

		if (c < ' ' || c > '~')
			return false;
	}
	return true;
}

void
xtext_decode(struct span text, struct buf *out)
{
	while (!span_is_empty(text)) {
		int c = take(&text);

		if (c != -1)
			(void)buf_append_char(out, (char)c);
	}
}
