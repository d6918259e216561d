#include "milter/fields.h"

#include <string.h>

#include "mail/header.h"

static bool
is_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f ||
		    name.ptr[i] == ':')
			return false;
	return name.len > 0 && name.len <= FIELDS_NAME_MAX;
}

/* The next line of a value: filters end lines by LF, CRLF or, wrongly, CR. */
static struct span
cut_line(struct span *value)
{
	struct span line = *value;
	size_t n = 0;

	while (n < value->len && value->ptr[n] != '\n' && value->ptr[n] != '\r')
		n++;
	line = span_to(*value, n);
	if (n + 1 < value->len && value->ptr[n] == '\r' &&
	    value->ptr[n + 1] == '\n')
		n++;
	*value = span_from(*value, n < value->len ? n + 1 : n);
	return line;
}

/*
 * A line that is folded begins with a blank, whatever the filter wrote, and one
 * without anything in it is left out: some read it as the header's end.
 */
static void
write_field(const struct field_text *f, struct buf *out)
{
	struct span value = f->value;
	bool is_first = true;

	(void)buf_append_span(out, f->name);
	(void)buf_append_char(out, ':');
	do {
		struct span line = cut_line(&value);

		if (is_first) {
			if (!f->has_space)
				(void)buf_append_char(out, ' ');
			(void)buf_append_span(out, line);
		} else if (!span_is_empty(span_trim(line))) {
			(void)buf_append_text(out, "\r\n");
			if (line.ptr[0] != ' ' && line.ptr[0] != '\t')
				(void)buf_append_char(out, '\t');
			(void)buf_append_span(out, line);
		}
		is_first = false;
	} while (!span_is_empty(value));
	(void)buf_append_text(out, "\r\n");
}

const char *
field_wrong(const struct field_text *f, size_t line)
{
	struct span value = f->value;
	size_t before = f->name.len + 2;

	if (!is_name(f->name))
		return "the name of a field is none";
	if (memchr(value.ptr, '\0', value.len) != NULL)
		return "a field has a NUL in it";
	while (!span_is_empty(value)) {
		if (before + cut_line(&value).len > line)
			return "a line of a field is too long";
		before = 1;
	}
	return NULL;
}

/* Puts the text in the place of `len` bytes at `at`. */
static bool
put(struct buf *header, size_t at, size_t len, struct span text)
{
	char *data;
	size_t behind;

	if (text.len > len) {
		if (buf_reserve(header, text.len - len) == NULL)
			return false;
		buf_added(header, text.len - len);
		behind = buf_len(header) - at - text.len;
	} else {
		behind = buf_len(header) - at - len;
	}
	data = header->data + header->head + at;
	memmove(data + text.len, data + len, behind);
	if (text.len > 0)
		memcpy(data, text.ptr, text.len);
	if (text.len < len)
		buf_truncate(header, at + text.len + behind);
	return true;
}

static bool
put_field(struct buf *header, size_t at, size_t len, const struct field_text *f)
{
	struct buf text = { .max = header->max };
	bool fits;

	write_field(f, &text);
	fits = !buf_is_over(&text) && put(header, at, len, buf_span(&text));
	buf_clear(&text);
	return fits;
}

bool
fields_add(struct buf *header, const struct field_text *f)
{
	return put_field(header, buf_len(header), 0, f);
}

bool
fields_insert(struct buf *header, uint32_t index, const struct field_text *f)
{
	struct span rest = buf_span(header);
	struct header_field field;
	uint32_t n = 1;

	while (n < index && header_next(&rest, &field))
		n++;
	return put_field(header, buf_len(header) - rest.len, 0, f);
}

bool
fields_change(struct buf *header, uint32_t index, const struct field_text *f)
{
	struct span rest = buf_span(header);
	struct header_field field;
	uint32_t n = 0;

	while (header_next(&rest, &field)) {
		size_t at = buf_len(header) - rest.len - field.raw.len;

		if (!span_equal_nocase(field.name, f->name) ||
		    ++n < (index == 0 ? 1 : index))
			continue;
		if (span_is_empty(span_trim_white(f->value)))
			return put(header, at, field.raw.len, SPAN(""));
		return put_field(header, at, field.raw.len, f);
	}
	return span_is_empty(span_trim_white(f->value)) ||
	       fields_add(header, f);
}
