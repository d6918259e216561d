#include "smtp/base64.h"

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
base64_encode(struct span in, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)in.ptr;
	size_t len = BASE64_ENCODED_LEN(in.len);
	char *to;

	if (len == 0)
		return true;
	to = buf_reserve(out, len);
	if (to == NULL)
		return false;
	for (size_t left = in.len; left > 0; p += 3, to += 4) {
		size_t n = left < 3 ? left : 3;
		uint32_t bits = (uint32_t)p[0] << 16;

		bits |= n > 1 ? (uint32_t)p[1] << 8 : 0;
		bits |= n > 2 ? p[2] : 0;
		to[0] = alphabet[bits >> 18];
		to[1] = alphabet[bits >> 12 & 63];
		to[2] = n > 1 ? alphabet[bits >> 6 & 63] : '=';
		to[3] = n > 2 ? alphabet[bits & 63] : '=';
		left -= n;
	}
	buf_added(out, len);
	return true;
}

/* The value of a letter, or 64. */
static uint32_t
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Four letters, the last `pad` of them being '='. */
static bool
decode_group(const char *p, size_t pad, unsigned char out[3])
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		uint32_t value = i < 4 - pad ? value_of(p[i]) : 0;

		if (value > 63)
			return false;
		bits = bits << 6 | value;
	}
	/* RFC 4648 3.5: what the padding stands for must be zero. */
	if ((pad == 1 && (bits & 0xff) != 0) ||
	    (pad == 2 && (bits & 0xffff) != 0))
		return false;
	out[0] = (unsigned char)(bits >> 16);
	out[1] = (unsigned char)(bits >> 8);
	out[2] = (unsigned char)bits;
	return true;
}

bool
base64_decode_into(struct span in, void *out, size_t size, size_t *len)
{
	unsigned char *to = out;
	size_t pad = 0;

	*len = 0;
	if (in.len == 0)
		return true;
	if (in.len % 4 != 0)
		return false;
	if (in.ptr[in.len - 1] == '=')
		pad = in.ptr[in.len - 2] == '=' ? 2 : 1;
	if (in.len / 4 * 3 - pad > size)
		return false;
	for (size_t i = 0; i < in.len; i += 4) {
		size_t here = i + 4 == in.len ? pad : 0;
		unsigned char group[3];

		if (!decode_group(in.ptr + i, here, group))
			return false;
		for (size_t k = 0; k < 3 - here; k++)
			*to++ = group[k];
	}
	*len = in.len / 4 * 3 - pad;
	return true;
}

bool
base64_decode(struct span in, struct buf *out)
{
	size_t most = BASE64_DECODED_MAX(in.len), len;
	char *to;

	if (in.len == 0)
		return true;
	if (in.len % 4 != 0)
		return false;
	/* The padding is not content: a maximum that fits exactly is enough. */
	for (size_t i = 1; i <= 2 && in.ptr[in.len - i] == '='; i++)
		most--;
	to = buf_reserve(out, most);
	if (to == NULL || !base64_decode_into(in, to, most, &len))
		return false;
	buf_added(out, len);
	return true;
}
