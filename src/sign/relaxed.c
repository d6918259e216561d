/*
 * Most of a body is in its relaxed form already, so the walk looks for the places
 * where it may not be: blanks and line ends. What lies between two places where
 * something changes goes to the sink in one piece, as it stands.
 *
 * At such a place everything waits until the byte behind it is known: blanks may be
 * the last of a line, line ends the last of the body.
 */
#include "relaxed.h"

static bool
is_special(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
give(struct relaxed_body *b, struct span bytes)
{
	if (bytes.len > 0)
		b->sink(bytes, b->arg);
}

/* Text follows: what has waited stands in front of it. */
static void
give_waiting(struct relaxed_body *b)
{
	static const char ends[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
				   "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
	enum { AT_ONCE = (sizeof ends - 1) / 2 };

	while (b->lines > 0) {
		uint64_t n = b->lines < AT_ONCE ? b->lines : AT_ONCE;

		give(b, span_make(ends, (size_t)n * 2));
		b->lines -= n;
	}
	if (b->has_blank)
		give(b, SPAN(" "));
	/* It began no line's end, and so it is text. */
	if (b->has_cr)
		give(b, SPAN("\r"));
	b->has_blank = b->has_cr = false;
	b->has_text = true;
}

/* A byte at which something waits, or may come to wait. */
static void
take_special(struct relaxed_body *b, char c)
{
	if (c == '\n' && b->has_cr) {
		b->lines++;
		b->has_blank = b->has_cr = false;
		return;
	}
	if (b->has_cr || c == '\n')
		give_waiting(b);
	switch (c) {
	case '\r': b->has_cr = true; break;
	case '\n': give(b, SPAN("\n")); break; /* bare: text */
	default: b->has_blank = true; break;
	}
}

static bool
waits(const struct relaxed_body *b)
{
	return b->lines > 0 || b->has_blank || b->has_cr;
}

/*
 * How much of the front stays as it is: text, one space between text, and line ends
 * between text. The last bytes are left to the next call.
 */
static size_t
plain_run(struct span s)
{
	size_t i = 0;

	while (i < s.len) {
		const char *p = s.ptr + i;
		size_t left = s.len - i;

		if (!is_special(*p))
			i++;
		else if (*p == ' ' && left > 1 && !is_special(p[1]))
			i += 2;
		else if (*p == '\r' && left > 2 && p[1] == '\n' &&
			 !is_special(p[2]))
			i += 3;
		else
			break;
	}
	return i;
}

void
relaxed_body_add(struct relaxed_body *b, struct span s)
{
	while (s.len > 0) {
		size_t n;

		if (is_special(s.ptr[0])) {
			take_special(b, s.ptr[0]);
			s = span_from(s, 1);
			continue;
		}
		if (waits(b))
			give_waiting(b);
		n = plain_run(s);
		b->has_text = true;
		give(b, span_to(s, n));
		s = span_from(s, n);
	}
}

/* RFC 6376 3.4.4: a body that is not empty ends with one line end. */
void
relaxed_body_end(struct relaxed_body *b)
{
	if (b->has_cr)
		give_waiting(b);
	if (b->has_text)
		give(b, SPAN("\r\n"));
}

/* --- header --- */

static void
put_value(struct span value, struct buf *out)
{
	bool has_blank = false, has_text = false;

	while (value.len > 0) {
		size_t n = 0;

		while (n < value.len && !is_special(value.ptr[n]))
			n++;
		if (n == 0) {
			has_blank = true;
			value = span_from(value, 1);
			continue;
		}
		if (has_blank && has_text)
			(void)buf_append_char(out, ' ');
		(void)buf_append_span(out, span_to(value, n));
		value = span_from(value, n);
		has_blank = false;
		has_text = true;
	}
}

void
relaxed_field(struct span raw, struct buf *out)
{
	size_t colon = span_find(raw, ':');
	struct span name = span_trim(span_to(raw, colon));

	for (size_t i = 0; i < name.len; i++)
		(void)buf_append_char(out, ascii_lower(name.ptr[i]));
	(void)buf_append_char(out, ':');
	put_value(span_from(raw, colon < raw.len ? colon + 1 : colon), out);
}
