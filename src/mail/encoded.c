/*
 * Words that follow each other in one charset are one text that was cut, by some
 * in the middle of a letter: take_run() puts their bytes together, and convert()
 * makes them UTF-8.
 */
#include "mail/encoded.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>

#include "smtp/base64.h"

enum { CHARSET_MOST = 40 };

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
	return w->is_base64 || ascii_lower(encoding.ptr[0]) == 'q';
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

	while (n < s.len && ascii_is_white(s.ptr[n]))
		n++;
	return n;
}

/* No name of a charset makes the library do anything but look it up. */
static iconv_t
open_charset(struct span charset)
{
	char name[CHARSET_MOST + 1];

	if (charset.len == 0 || charset.len > CHARSET_MOST)
		return (iconv_t)-1;
	for (size_t i = 0; i < charset.len; i++) {
		char c = charset.ptr[i];

		if (!ascii_is_alnum(c) && c != '-' && c != '_' && c != '.' &&
		    c != ':')
			return (iconv_t)-1;
		name[i] = c;
	}
	name[charset.len] = '\0';
	return iconv_open("UTF-8", name);
}

static void
convert_all(iconv_t cd, struct span in, struct buf *out)
{
	char room[256], *from = (char *)(uintptr_t)in.ptr, *to;
	size_t left = in.len, space;

	while (left > 0) {
		to = room;
		space = sizeof room;
		if (iconv(cd, &from, &left, &to, &space) == (size_t)-1 &&
		    errno != E2BIG) {
			/* No letter begins here. */
			(void)buf_append(out, room, sizeof room - space);
			(void)buf_append_char(out, '?');
			from++;
			left--;
			continue;
		}
		(void)buf_append(out, room, sizeof room - space);
	}
	to = room;
	space = sizeof room;
	(void)iconv(cd, NULL, NULL, &to, &space);
	(void)buf_append(out, room, sizeof room - space);
}

static bool
convert(
    struct span charset, struct span bytes, unsigned *charsets, struct buf *out)
{
	iconv_t cd;

	if (span_equal_nocase(charset, SPAN("utf-8")) ||
	    span_equal_nocase(charset, SPAN("us-ascii")))
		return buf_append_span(out, bytes);
	if (*charsets == 0)
		return false;
	--*charsets;
	cd = open_charset(charset);
	if (cd == (iconv_t)-1)
		return false;
	convert_all(cd, bytes, out);
	(void)iconv_close(cd);
	return true;
}

/* How long the run of words at the front is that is decoded; 0: it is not. */
static size_t
take_run(struct span s, const struct word *first, unsigned *charsets,
    struct buf *out)
{
	struct buf bytes = { 0 };
	struct word w = *first;
	size_t len = 0, gap = 0;

	while (decode_word(&w, &bytes)) {
		len += gap + w.len;
		/* RFC 2047 6.2: what parts two encoded words is not shown. */
		gap = blanks(span_from(s, len));
		if (!find_word(span_from(s, len + gap), &w) ||
		    !span_equal_nocase(w.charset, first->charset))
			break;
	}
	if (len > 0 &&
	    !convert(first->charset, buf_span(&bytes), charsets, out))
		len = 0;
	buf_clear(&bytes);
	return len;
}

bool
encoded_decode(struct span s, unsigned *charsets, struct buf *out)
{
	bool after_word = false, fine = true;
	struct word w;

	while (!span_is_empty(s)) {
		size_t gap = after_word ? blanks(s) : 0, len = 0;

		if (gap > 0 && find_word(span_from(s, gap), &w))
			s = span_from(s, gap);
		if (find_word(s, &w))
			len = take_run(s, &w, charsets, out);
		after_word = len > 0;
		if (len == 0) {
			fine = fine && !span_starts(s, SPAN("=?"));
			/* RFC 5322 2.2.3: a fold's line end is no text. */
			if (s.ptr[0] != '\r' && s.ptr[0] != '\n')
				(void)buf_append_char(out, s.ptr[0]);
			len = 1;
		}
		s = span_from(s, len);
	}
	return fine;
}

bool
encoded_looks(struct span text)
{
	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.ptr[i] == '=' && text.ptr[i + 1] == '?')
			return true;
	return false;
}
