#include "facts/write.h"

#include "base/utf8.h"
#include "facts/fact.h"

/* Octets that are shown of a text; the rest is "...". */
enum { TEXT_MOST = 400, WORDS_MOST = 900 };

static size_t
most_of(const struct fact_field *f)
{
	return f->type == FACT_WORDS ? WORDS_MOST : TEXT_MOST;
}

static struct span
text_of(const struct fact_field *f)
{
	return f->id[0] != '\0' ? span_text(f->id) : f->text;
}

/* RFC 5321 4.1.2: in brackets, so that the null one is seen. */
static struct buf
path_of(struct span address)
{
	struct buf path = { 0 };

	(void)buf_append_char(&path, '<');
	(void)buf_append_span(&path, address);
	(void)buf_append_char(&path, '>');
	return path;
}

/* --- text --- */

/* printf would cost more than the rest of a line. */
static void
put_number(uint64_t n, struct buf *out)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	(void)buf_append(out, digits + at, sizeof digits - at);
}

static bool
is_clean(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* How much of it can stand as it is, at the most `most`. */
static size_t
clean_run(struct span text, size_t most)
{
	size_t n = 0;

	while (n < text.len && n < most && is_clean(text.ptr[n]))
		n++;
	return n;
}

static void
put_odd(char c, struct buf *out)
{
	if (c == '"' || c == '\\') {
		(void)buf_append_char(out, '\\');
		(void)buf_append_char(out, c);
	} else {
		(void)buf_printf(out, "\\x%02x", (unsigned char)c);
	}
}

static void
put_quoted(struct span text, size_t most, struct buf *out)
{
	size_t left = most - 8;

	(void)buf_append_char(out, '"');
	while (!span_is_empty(text)) {
		size_t before = buf_len(out), n = clean_run(text, left);

		(void)buf_append_span(out, span_to(text, n));
		text = span_from(text, n);
		if (!span_is_empty(text) && left - n >= 4) {
			put_odd(text.ptr[0], out);
			text = span_from(text, 1);
		} else if (!span_is_empty(text)) {
			(void)buf_append_text(out, "...");
			break;
		}
		left -=
		    buf_len(out) - before < left ? buf_len(out) - before : left;
	}
	(void)buf_append_char(out, '"');
}

/* Nothing that could be taken for more than an address. */
static bool
is_plain(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' ||
		    c == '<' || c == '>')
			return false;
	}
	return text.len < TEXT_MOST - 8;
}

static void
put_address(struct span address, struct buf *out)
{
	struct buf path;

	if (is_plain(address)) {
		(void)buf_append_char(out, '<');
		(void)buf_append_span(out, address);
		(void)buf_append_char(out, '>');
		return;
	}
	path = path_of(address);
	put_quoted(buf_span(&path), TEXT_MOST, out);
	buf_clear(&path);
}

/* It is ours, so this is for the day when it is not. */
static void
put_word(struct span word, struct buf *out)
{
	if (is_plain(word))
		(void)buf_append_span(out, word);
	else
		put_quoted(word, TEXT_MOST, out);
}

static void
put_value(const struct fact_field *f, struct buf *out)
{
	switch (f->type) {
	case FACT_TEXT:
	case FACT_WORDS: put_quoted(text_of(f), most_of(f), out); break;
	case FACT_WORD: put_word(text_of(f), out); break;
	case FACT_ADDRESS: put_address(f->text, out); break;
	case FACT_NUMBER:
	case FACT_MS:
	case FACT_S:
		put_number(f->number, out);
		(void)buf_append_text(out, f->type == FACT_MS  ? "ms"
					   : f->type == FACT_S ? "s"
							       : "");
		break;
	}
}

void
fact_write_text(const struct fact *fact, struct buf *out)
{
	(void)buf_append_text(out, fact_name(fact->kind));
	for (size_t i = 0; i < fact->nfields; i++) {
		if (fact->fields[i].name == NULL)
			continue;
		(void)buf_append_char(out, ' ');
		(void)buf_append_text(out, fact->fields[i].name);
		(void)buf_append_char(out, '=');
		put_value(&fact->fields[i], out);
	}
}

/* --- JSON --- */

/* What is no character is shown as \xNN, as in text. */
static void
put_string(struct span text, size_t most, struct buf *out)
{
	size_t begin = buf_len(out);

	(void)buf_append_char(out, '"');
	while (!span_is_empty(text)) {
		uint32_t c = 0;
		size_t len = utf8_first(text, &c);

		if (buf_len(out) - begin + 12 > most) {
			(void)buf_append_text(out, "...");
			break;
		}
		if (len == 0)
			(void)buf_printf(
			    out, "\\\\x%02x", (unsigned char)text.ptr[0]);
		else if (c < 0x20 || c == 0x7f)
			(void)buf_printf(out, "\\u%04x", (unsigned)c);
		else if (c == '"' || c == '\\')
			(void)buf_printf(out, "\\%c", (char)c);
		else
			(void)buf_append(out, text.ptr, len);
		text = span_from(text, len == 0 ? 1 : len);
	}
	(void)buf_append_char(out, '"');
}

static void
put_path(struct span address, struct buf *out)
{
	struct buf path = path_of(address);

	put_string(buf_span(&path), TEXT_MOST, out);
	buf_clear(&path);
}

static void
put_json(const struct fact_field *f, struct buf *out)
{
	switch (f->type) {
	case FACT_TEXT:
	case FACT_WORDS:
	case FACT_WORD: put_string(text_of(f), most_of(f), out); break;
	case FACT_ADDRESS: put_path(f->text, out); break;
	case FACT_NUMBER:
	case FACT_MS:
	case FACT_S: put_number(f->number, out); break;
	}
}

void
fact_write_json(const struct fact *fact, const char *stamp, struct buf *out)
{
	(void)buf_printf(out,
	    "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", stamp,
	    log_level_name(fact_level(fact->kind)), fact_name(fact->kind));
	for (size_t i = 0; i < fact->nfields; i++) {
		if (fact->fields[i].name == NULL)
			continue;
		(void)buf_printf(out, ",\"%s\":", fact->fields[i].name);
		put_json(&fact->fields[i], out);
	}
	(void)buf_append_char(out, '}');
}
