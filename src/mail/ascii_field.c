/*
 * What a field is decides how it is written: addresses (names in front of them, and
 * comments), MIME's fields (parameters), and all others, which are text.
 *
 * Text is written word by word. Words with letters beyond ASCII that stand together
 * become encoded words, the blanks between them included, since a reader drops those
 * between two encoded words (RFC 2047 6.2). The rest stays as it is.
 */
#include "mail/ascii_field.h"

#include <string.h>

#include "base/utf8.h"
#include "smtp/base64.h"
#include "smtp/idn.h"

enum {
	WORD_MOST = 75, /* RFC 2047 2 */
	/* Without "=?unknown-8bit?B?" and "?=": what is left is for the text. */
	LETTERS_MOST = WORD_MOST - 19,
};

static bool
is_any_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* --- encoded words --- */

static const char *
charset_of(struct span text)
{
	return utf8_is_valid(text) ? "utf-8" : "unknown-8bit";
}

static bool
needs_hex(char c)
{
	/* RFC 2047 5 (3): what may stand in every place. */
	return !ascii_is_alnum(c) && !is_any_of(c, "!*+-/");
}

/* How long it is in the encoding "Q". */
static size_t
q_length(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == ' ' || !needs_hex(text.ptr[i]) ? 1 : 3;
	return n;
}

static void
write_q(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == ' ')
			(void)buf_append_char(out, '_');
		else if (needs_hex(c))
			(void)buf_printf(out, "=%02X", (unsigned char)c);
		else
			(void)buf_append_char(out, c);
	}
}

/* One word of it; characters are not cut in two. */
static struct span
piece_of(struct span text, bool is_utf8, bool as_q)
{
	size_t n = 0, letters = 0;

	while (n < text.len) {
		struct span rest = span_from(text, n);
		uint32_t c;
		size_t len = is_utf8 ? utf8_first(rest, &c) : 1;

		letters = as_q ? letters + q_length(span_to(rest, len))
			       : BASE64_ENCODED_LEN(n + len);
		if (letters > LETTERS_MOST)
			break;
		n += len;
	}
	return span_to(text, n);
}

static void
write_words(struct span text, struct buf *out)
{
	const char *charset = charset_of(text);
	bool is_utf8 = strcmp(charset, "utf-8") == 0;
	bool as_q = q_length(text) <= 2 * BASE64_ENCODED_LEN(text.len);
	bool is_first = true;

	while (text.len > 0) {
		struct span piece = piece_of(text, is_utf8, as_q);

		text = span_from(text, piece.len);
		if (!is_first)
			(void)buf_append_text(out, "\r\n ");
		is_first = false;
		(void)buf_printf(out, "=?%s?%c?", charset, as_q ? 'Q' : 'B');
		if (as_q)
			write_q(piece, out);
		else
			(void)base64_encode(piece, out);
		(void)buf_append_text(out, "?=");
	}
}

/* --- text --- */

/* Without the line ends of folds, and with blanks for tabs. */
static void
unfold(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c != '\r' && c != '\n')
			(void)buf_append_char(out, c == '\t' ? ' ' : c);
	}
}

static size_t
word_length(struct span text)
{
	size_t n = 0;

	while (n < text.len && !ascii_is_white(text.ptr[n]))
		n++;
	return n;
}

static size_t
blank_length(struct span text)
{
	size_t n = 0;

	while (n < text.len && ascii_is_white(text.ptr[n]))
		n++;
	return n;
}

static bool
is_encoded(struct span word)
{
	return span_starts(word, SPAN("=?")) && word.len > 6 &&
	       word.ptr[word.len - 1] == '=' && word.ptr[word.len - 2] == '?';
}

/* Up to the last word beyond ASCII before one that is encoded already. */
static size_t
run_length(struct span text)
{
	size_t at = 0, run = 0;

	while (at < text.len) {
		struct span word = span_to(
		    span_from(text, at), word_length(span_from(text, at)));

		if (is_encoded(word) && span_is_ascii(word))
			break;
		at += word.len;
		if (!span_is_ascii(word))
			run = at;
		at += blank_length(span_from(text, at));
	}
	return run;
}

/*
 * Text: at a word's beginning, or with a blank in front. A run takes the blank
 * before it in, when that stands behind an encoded word.
 */
static void
write_text(struct span text, struct buf *out)
{
	bool behind_encoded = false;

	while (text.len > 0) {
		size_t blank = blank_length(text);
		struct span rest = span_from(text, blank);
		struct span word = span_to(rest, word_length(rest));
		struct buf plain = { 0 };

		if (span_is_ascii(word)) {
			(void)buf_append_span(out, span_to(text, blank));
			(void)buf_append_span(out, word);
			behind_encoded = is_encoded(word);
			text = span_from(rest, word.len);
			continue;
		}
		word = span_to(rest, run_length(rest));
		if (behind_encoded)
			(void)buf_append_char(&plain, ' ');
		unfold(word, &plain);
		(void)buf_append_span(out, span_to(text, blank));
		write_words(buf_span(&plain), out);
		buf_clear(&plain);
		behind_encoded = true;
		text = span_from(rest, word.len);
		blank = blank_length(text);
		/* An encoded word follows: the blank between is text. */
		if (is_encoded(span_to(span_from(text, blank),
			word_length(span_from(text, blank))))) {
			(void)buf_append_text(out, " =?utf-8?Q?_?=");
		}
	}
}

/* --- addresses --- */

/* Behind the text that opens with `open`, as a comment or a quoted string. */
static size_t
enclosed_length(struct span s, char open)
{
	char close = open == '(' ? ')' : open == '<' ? '>' : '"';
	unsigned depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '\\' && open != '<')
			i++;
		else if (open == '(' && c == '(')
			depth++;
		else if (c == close && i > 0 && (open != '(' || --depth == 0))
			return i + 1;
	}
	return s.len;
}

static void
unquote(struct span quoted, struct buf *out)
{
	for (size_t i = 0; i < quoted.len; i++) {
		if (quoted.ptr[i] == '"')
			continue;
		if (quoted.ptr[i] == '\\' && i + 1 < quoted.len)
			i++;
		if (quoted.ptr[i] != '\r' && quoted.ptr[i] != '\n')
			(void)buf_append_char(out, quoted.ptr[i]);
	}
}

/* Of an address that is more than ASCII: only its domain may be. */
static bool
write_address(struct span address, struct buf *out)
{
	size_t at = span_find_last(address, '@');
	char text[IDN_SIZE];
	struct span domain;

	if (at == address.len || !span_is_ascii(span_to(address, at)))
		return false;
	domain =
	    idn_to_ascii(span_trim_white(span_from(address, at + 1)), text);
	(void)buf_append_span(out, span_to(address, at + 1));
	(void)buf_append_span(out, domain);
	return !span_is_empty(domain);
}

static bool
write_bracketed(struct span s, struct buf *out)
{
	struct span inner = span_to(span_from(s, 1), s.len - 2);

	if (s.ptr[s.len - 1] != '>')
		return false;
	(void)buf_append_char(out, '<');
	if (!write_address(span_trim_white(inner), out))
		return false;
	(void)buf_append_char(out, '>');
	return true;
}

/* The inside of a comment is text, but for its brackets and backslashes. */
static void
write_comment(struct span s, struct buf *out)
{
	struct buf plain = { 0 };

	for (size_t i = 1; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '\\' && i + 1 < s.len)
			c = s.ptr[++i];
		else if (c == ')' && i + 1 == s.len)
			break;
		if (c != '\r' && c != '\n')
			(void)buf_append_char(&plain, c);
	}
	(void)buf_append_char(out, '(');
	write_words(buf_span(&plain), out);
	(void)buf_append_char(out, ')');
	buf_clear(&plain);
}

/* A word of a phrase, or an address that stands without brackets. */
static size_t
atom_length(struct span s)
{
	size_t n = 0;

	while (n < s.len && !ascii_is_white(s.ptr[n]) &&
	       !is_any_of(s.ptr[n], "()<>,;:\""))
		n++;
	return n;
}

/*
 * The words of a phrase that stand together, quoted or not: up to the last one
 * beyond ASCII. Fills in what they say.
 */
static size_t
phrase_length(struct span s, struct buf *plain)
{
	size_t at = 0, run = 0, said = 0;

	while (at < s.len) {
		struct span rest = span_from(s, at);
		size_t n = rest.ptr[0] == '"' ? enclosed_length(rest, '"')
					      : atom_length(rest);
		struct span word = span_to(rest, n);

		if (n == 0 || is_encoded(word) ||
		    (rest.ptr[0] != '"' && span_find(word, '@') < n))
			break;
		unquote(word, plain);
		at += n;
		if (!span_is_ascii(word)) {
			run = at;
			said = buf_len(plain);
		}
		n = blank_length(span_from(s, at));
		if (n > 0)
			(void)buf_append_char(plain, ' ');
		at += n;
	}
	buf_truncate(plain, said);
	return run;
}

/* At a letter beyond ASCII, or in front of what has one. False: no way. */
static bool
write_part(struct span *s, struct buf *out)
{
	char c = s->ptr[0];
	size_t n = c == '(' || c == '<' || c == '"' ? enclosed_length(*s, c)
						    : atom_length(*s);
	struct span part = span_to(*s, n > 0 ? n : 1);
	struct buf plain = { 0 };
	bool ok = true;

	if (span_is_ascii(part)) {
		(void)buf_append_span(out, part);
	} else if (c == '(') {
		write_comment(part, out);
	} else if (c == '<') {
		ok = write_bracketed(part, out);
	} else if (c != '"' && span_find(part, '@') < part.len) {
		ok = write_address(part, out);
	} else {
		part = span_to(*s, phrase_length(*s, &plain));
		write_words(buf_span(&plain), out);
		buf_clear(&plain);
		/* A local part in quotes. */
		ok = part.len == s->len || s->ptr[part.len] != '@';
	}
	*s = span_from(*s, part.len);
	return ok;
}

static bool
write_addresses(struct span value, struct buf *out)
{
	while (value.len > 0) {
		if (ascii_is_white(value.ptr[0])) {
			(void)buf_append_char(out, value.ptr[0]);
			value = span_from(value, 1);
		} else if (!write_part(&value, out)) {
			return false;
		}
	}
	return true;
}

/* --- MIME's fields: `type; name=value; name="value"` --- */

static void
write_parameter(struct span name, struct span value, struct buf *out)
{
	struct buf plain = { 0 };

	unquote(value, &plain);
	(void)buf_append_span(out, name);
	(void)buf_printf(out, "*=%s''", charset_of(buf_span(&plain)));
	for (size_t i = 0; i < buf_len(&plain); i++) {
		char c = buf_span(&plain).ptr[i];

		if (ascii_is_alnum(c) || is_any_of(c, "-._"))
			(void)buf_append_char(out, c);
		else
			(void)buf_printf(out, "%%%02X", (unsigned char)c);
	}
	buf_clear(&plain);
}

/* Up to the next semicolon that no quotes are around. */
static size_t
clause_length(struct span s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] != ';')
		n +=
		    s.ptr[n] == '"' ? enclosed_length(span_from(s, n), '"') : 1;
	return n < s.len ? n : s.len;
}

static void
write_without(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		(void)buf_append_char(
		    out, (unsigned char)text.ptr[i] > 127 ? '?' : text.ptr[i]);
}

/* It is ASCII (mail/parts.h), and must stay what it is: what follows it is not. */
static bool
is_boundary(struct span name)
{
	return span_ends_nocase(span_trim_white(name), SPAN("boundary"));
}

static void
write_mime(struct span value, struct buf *out)
{
	while (value.len > 0) {
		struct span clause = span_to(value, clause_length(value));
		size_t equals = span_find(clause, '=');
		struct span name = span_to(clause, equals);

		value = span_from(value, clause.len);
		if (span_is_ascii(clause))
			(void)buf_append_span(out, clause);
		else if (equals < clause.len && span_is_ascii(name) &&
			 !is_boundary(name))
			write_parameter(name,
			    span_trim_white(span_from(clause, equals + 1)),
			    out);
		else
			write_without(clause, out);
		if (value.len > 0) {
			(void)buf_append_char(out, ';');
			value = span_from(value, 1);
		}
	}
}

/* --- fields --- */

static bool
has_parameters(struct span name)
{
	return span_equal_nocase(name, SPAN("Content-Type")) ||
	       span_equal_nocase(name, SPAN("Content-Disposition")) ||
	       span_equal_nocase(name, SPAN("Content-Transfer-Encoding"));
}

bool
ascii_field_write(const struct header_field *field, struct buf *out)
{
	struct span value = field->value;
	size_t before = (size_t)(value.ptr - field->raw.ptr);
	bool ok = true;

	(void)buf_append_span(out, span_to(field->raw, before));
	if (header_has_addresses(field->name))
		ok = write_addresses(value, out);
	else if (has_parameters(field->name))
		write_mime(value, out);
	else
		write_text(value, out);
	(void)buf_append_span(out, span_from(field->raw, before + value.len));
	return ok;
}
