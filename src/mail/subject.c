/*
 *   subject_text: the field is found -> decode (encoded words, RFC 2047; what
 *   stands between two of them goes when it is blank) -> put_clean (UTF-8 that
 *   is valid and shows something; the rest becomes a blank or '?')
 */
#include "mail/subject.h"

#include <stdint.h>

#include "base/utf8.h"
#include "mail/header.h"
#include "smtp/base64.h"

enum { LOOKED_AT = 4096 }; /* bytes; decoded, they get no more */

/* --- encoded words --- */

struct word {
	struct span charset, text;
	bool is_base64;
	size_t len; /* of all of it */
};

/* RFC 2047 2: =?charset*language?encoding?text?= without a blank. */
static bool
find_word(struct span s, struct word *w)
{
	struct span rest, encoding;
	size_t end = 0;

	if (!span_starts(s, SPAN("=?")))
		return false;
	rest = span_from(s, 2);
	w->charset = span_cut(&rest, '?');
	w->charset = span_to(w->charset, span_find(w->charset, '*'));
	encoding = span_cut(&rest, '?');
	while (end + 1 < rest.len &&
	       (rest.ptr[end] != '?' || rest.ptr[end + 1] != '='))
		if ((unsigned char)rest.ptr[end++] <= ' ')
			return false;
	if (end + 1 >= rest.len || encoding.len != 1)
		return false;
	w->text = span_to(rest, end);
	w->len = (size_t)(rest.ptr + end + 2 - s.ptr);
	w->is_base64 = ascii_lower(encoding.ptr[0]) == 'b';
	if (!w->is_base64 && ascii_lower(encoding.ptr[0]) != 'q')
		return false;
	return span_equal_nocase(w->charset, SPAN("utf-8")) ||
	       span_equal_nocase(w->charset, SPAN("us-ascii"));
}

static bool
decode_q(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '_') {
			c = ' ';
		} else if (c == '=') {
			if (i + 2 >= s.len || ascii_hex(s.ptr[i + 1]) < 0 ||
			    ascii_hex(s.ptr[i + 2]) < 0)
				return false;
			c = (char)(ascii_hex(s.ptr[i + 1]) << 4 |
				   ascii_hex(s.ptr[i + 2]));
			i += 2;
		}
		(void)buf_append_char(out, c);
	}
	return true;
}

static bool
decode_word(const struct word *w, struct buf *out)
{
	size_t before = buf_len(out);

	if (w->is_base64 ? base64_decode(w->text, out) : decode_q(w->text, out))
		return true;
	buf_truncate(out, before);
	return false;
}

static size_t
blanks(struct span s)
{
	size_t n = 0;

	while (n < s.len && (s.ptr[n] == ' ' || s.ptr[n] == '\t' ||
				s.ptr[n] == '\r' || s.ptr[n] == '\n'))
		n++;
	return n;
}

static void
decode(struct span s, struct buf *out)
{
	bool after_word = false;
	struct word w;

	while (!span_is_empty(s)) {
		size_t gap = blanks(s);

		/* RFC 2047 6.2: what parts two encoded words is not shown. */
		if (gap > 0 && after_word && find_word(span_from(s, gap), &w))
			s = span_from(s, gap);
		if (find_word(s, &w) && decode_word(&w, out)) {
			s = span_from(s, w.len);
			after_word = true;
			continue;
		}
		/* RFC 5322 2.2.3: a fold's line end is no part of the text. */
		if (s.ptr[0] != '\r' && s.ptr[0] != '\n')
			(void)buf_append_char(out, s.ptr[0]);
		after_word = false;
		s = span_from(s, 1);
	}
}

/* --- characters --- */

static void
put_clean(struct span s, struct buf *out)
{
	size_t begin = buf_len(out);

	while (!span_is_empty(s)) {
		uint32_t c = '?';
		size_t len = utf8_first(s, &c);

		if (buf_len(out) - begin + 4 + 3 > SUBJECT_MOST) {
			(void)buf_append_text(out, "...");
			return;
		}
		if (len == 0)
			(void)buf_append_char(out, '?');
		else if (utf8_is_control(c) && buf_len(out) == begin)
			; /* nothing stands before the first letter */
		else if (utf8_is_control(c))
			(void)buf_append_char(out, ' ');
		else
			(void)buf_append(out, s.ptr, len);
		s = span_from(s, len == 0 ? 1 : len);
	}
}

void
subject_text(struct span header, struct buf *out)
{
	struct buf text = { 0 };
	struct header_field f;

	while (header_next(&header, &f)) {
		if (!span_equal_nocase(f.name, SPAN("subject")))
			continue;
		decode(span_to(f.value, LOOKED_AT), &text);
		put_clean(span_trim(buf_span(&text)), out);
		break;
	}
	buf_clear(&text);
}
