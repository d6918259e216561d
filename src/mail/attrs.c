/* u16 tag, u16 length (both little endian), the value. */
#include "mail/attrs.h"

#include <assert.h>

enum { HEAD = 4 };

static uint16_t
get16(const char *p)
{
	return (uint16_t)((uint8_t)p[0] | (uint8_t)p[1] << 8);
}

void
attrs_put(struct buf *out, uint16_t tag, struct span value)
{
	char head[HEAD] = { (char)(tag & 0xff), (char)(tag >> 8),
		(char)(value.len & 0xff), (char)(value.len >> 8) };

	assert(value.len <= ATTRS_MAX);
	(void)buf_append(out, head, sizeof head);
	(void)buf_append_span(out, value);
}

bool
attrs_next(struct span *at, struct attr *out)
{
	size_t len;

	if (at->len < HEAD)
		return false;
	len = get16(at->ptr + 2);
	if (at->len - HEAD < len)
		return false;
	out->tag = get16(at->ptr);
	out->value = span_make(at->ptr + HEAD, len);
	*at = span_from(*at, HEAD + len);
	return true;
}

struct span
attrs_get(struct span attrs, uint16_t tag)
{
	struct attr a;

	while (attrs_next(&attrs, &a))
		if (a.tag == tag)
			return a.value;
	return SPAN("");
}

bool
attrs_are_valid(struct span attrs)
{
	struct attr a;

	while (attrs_next(&attrs, &a))
		;
	return span_is_empty(attrs);
}
