#include "ctl/attributes.h"

#include <stdio.h>
#include <string.h>

#include "mail/attrs.h"

/* Bytes; what has a name needs less than what is left. */
enum { OTHERS_MAX = ATTRS_MAX - 1024 };

json_t *
digits_show(struct span bytes)
{
	struct buf text = { .max = 2 * bytes.len + 1 };
	json_t *o;

	for (size_t i = 0; i < bytes.len; i++)
		(void)buf_printf(&text, "%02x", (unsigned char)bytes.ptr[i]);
	o = json_stringn(buf_span(&text).ptr, buf_len(&text));
	buf_clear(&text);
	return o;
}

/* As digits_show() writes them. */
static int
digit(char c)
{
	return c == ascii_lower(c) ? ascii_hex(c) : -1;
}

bool
digits_read(struct span text, struct buf *out)
{
	for (size_t i = 0; i + 1 < text.len; i += 2) {
		int high = digit(text.ptr[i]), low = digit(text.ptr[i + 1]);

		if (high < 0 || low < 0 ||
		    !buf_append_char(out, (char)(high << 4 | low)))
			return false;
	}
	return text.len % 2 == 0;
}

static void
put_lower(json_t *o, const char *keyword, struct span value)
{
	char key[32];
	size_t n = 0;

	for (; keyword[n] != '\0' && n + 1 < sizeof key; n++)
		key[n] = ascii_lower(keyword[n]);
	key[n] = '\0';
	(void)json_object_set_new(o, key, json_stringn(value.ptr, value.len));
}

/*
 * What the relay found in the content, and can find again: it is not shown, and not
 * believed of a file, whose content may have been changed.
 */
static bool
is_of_content(const struct param_text *p)
{
	struct span whole = p->whole;
	struct attr a;

	return attrs_next(&whole, &a) &&
	       (a.tag == ATTR_BODY_HASH || a.tag == ATTR_AUTHOR ||
		   a.tag == ATTR_HELD_BY || a.tag == ATTR_CAME);
}

void
attributes_show(json_t *o, struct span attrs)
{
	struct buf other = { 0 };
	struct param_text p;
	json_t *all;

	if (span_is_empty(attrs))
		return;
	all = json_object();
	while (params_next(&attrs, &p)) {
		if (p.keyword != NULL) {
			put_lower(all, p.keyword, p.value);
			continue;
		}
		if (!is_of_content(&p))
			(void)buf_append_span(&other, p.whole);
	}
	if (buf_len(&other) > 0)
		(void)json_object_set_new(
		    all, "other", digits_show(buf_span(&other)));
	buf_clear(&other);
	if (json_object_size(all) > 0)
		(void)json_object_set_new(o, "parameters", all);
	else
		json_decref(all);
}

/* Attributes, and none that has a name here: such a one would not be read. */
static bool
are_others(struct span attrs)
{
	struct param_text p;

	if (!attrs_are_valid(attrs))
		return false;
	while (params_next(&attrs, &p))
		if (p.keyword != NULL || is_of_content(&p))
			return false;
	return true;
}

static bool
read_other(struct span text, struct params *out)
{
	struct buf bytes = { 0 };
	bool ok = digits_read(text, &bytes);

	ok = ok && are_others(buf_span(&bytes)) &&
	     buf_len(&out->attrs) + buf_len(&bytes) <= OTHERS_MAX &&
	     buf_append_span(&out->attrs, buf_span(&bytes));
	buf_clear(&bytes);
	if (!ok)
		(void)snprintf(out->wrong, sizeof out->wrong,
		    "\"other\" is no attribute in hexadecimal digits");
	return ok;
}

bool
attributes_read(const json_t *o, enum param_place place, struct params *out)
{
	json_t *all = json_object_get(o, "parameters"), *value;
	const char *key;

	json_object_foreach(all, key, value)
	{
		struct span text = span_make(
		    json_string_value(value), json_string_length(value));

		if (!json_is_string(value)) {
			(void)snprintf(out->wrong, sizeof out->wrong,
			    "\"%.60s\" is no string", key);
			return false;
		}
		if (strcmp(key, "other") == 0
			? !read_other(text, out)
			: !params_read(out, place, span_text(key), text))
			return false;
	}
	return true;
}
