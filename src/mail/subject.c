/*
 *   subject_text: the field is found -> encoded_decode (RFC 2047) -> put_clean
 *   (UTF-8 that is valid and shows something; the rest becomes a blank or '?')
 */
#include "mail/subject.h"

#include <stdint.h>

#include "base/utf8.h"
#include "mail/encoded.h"
#include "mail/header.h"

enum {
	LOOKED_AT = 4096, /* bytes; decoded, they get no more */
	CHARSETS = 4, /* that are loaded for it */
};

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
	unsigned charsets = CHARSETS;
	struct header_field f;

	while (header_next(&header, &f)) {
		if (!span_equal_nocase(f.name, SPAN("subject")))
			continue;
		(void)encoded_decode(
		    span_to(f.value, LOOKED_AT), &charsets, &text);
		put_clean(span_trim(buf_span(&text)), out);
		break;
	}
	buf_clear(&text);
}
