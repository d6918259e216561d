#include "milter/packet.h"

#include <string.h>

static uint32_t
number_at(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
}

static void
set_number(char *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(n >> (24 - 8 * i));
}

enum packet_status
packet_read(struct span *in, struct packet *out)
{
	uint32_t len;

	if (in->len < PACKET_HEAD)
		return PACKET_MORE;
	len = number_at(in->ptr);
	if (len == 0)
		return PACKET_EMPTY;
	if (len > PACKET_MOST)
		return PACKET_TOO_LONG;
	if (in->len - PACKET_HEAD < len)
		return PACKET_MORE;
	out->letter = in->ptr[PACKET_HEAD];
	out->data = span_make(in->ptr + PACKET_HEAD + 1, len - 1);
	*in = span_from(*in, PACKET_HEAD + (size_t)len);
	return PACKET_OK;
}

bool
packet_take_number(struct span *data, uint32_t *out)
{
	if (data->len < 4)
		return false;
	*out = number_at(data->ptr);
	*data = span_from(*data, 4);
	return true;
}

bool
packet_take_text(struct span *data, struct span *out)
{
	size_t end = span_find(*data, '\0');

	if (end == data->len)
		return false;
	*out = span_to(*data, end);
	*data = span_from(*data, end + 1);
	return true;
}

size_t
packet_begin(struct buf *out, char letter)
{
	size_t at = buf_len(out);

	packet_put_number(out, 0);
	(void)buf_append_char(out, letter);
	return at;
}

void
packet_put_number(struct buf *out, uint32_t n)
{
	char bytes[4];

	set_number(bytes, n);
	(void)buf_append(out, bytes, sizeof bytes);
}

void
packet_put_text(struct buf *out, struct span text)
{
	(void)buf_append_span(out, span_to(text, span_find(text, '\0')));
	(void)buf_append_char(out, '\0');
}

void
packet_end(struct buf *out, size_t at)
{
	size_t len = buf_len(out) - at;

	if (!buf_is_over(out))
		set_number(
		    out->data + out->head + at, (uint32_t)(len - PACKET_HEAD));
}

void
packet_write(struct buf *out, char letter, struct span data)
{
	size_t at = packet_begin(out, letter);

	(void)buf_append_span(out, data);
	packet_end(out, at);
}
