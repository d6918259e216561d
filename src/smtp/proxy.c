#include "smtp/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const char v1_begin[] = "PROXY ";
static const char v2_signature[12] = { '\r', '\n', '\r', '\n', '\0', '\r', '\n',
	'Q', 'U', 'I', 'T', '\n' };

enum {
	V2_FIXED = 16,
	V2_VERSION = 2,
	V2_LOCAL = 0,
	V2_PROXY = 1,
	V2_INET = 1,
	V2_INET6 = 2,
	V2_STREAM = 1,
	V4_BLOCK = 12,
	V6_BLOCK = 36,
};

/* Whether it can still become that. */
static bool
begins(struct span in, const char *what, size_t len)
{
	size_t n = in.len < len ? in.len : len;

	return memcmp(in.ptr, what, n) == 0;
}

/* --- version 1: a line --- */

static bool
is_port(struct span text)
{
	uint64_t n;

	/* "Heading zeroes are not permitted": they could be taken for octal. */
	if (text.len > 1 && text.ptr[0] == '0')
		return false;
	return text.len > 0 && span_to_u64(text, UINT16_MAX, &n);
}

/*
 * As the relay writes it itself, since it is a key for limits and networks: an IPv4
 * client at a balancer's socket for both families is one of IPv4.
 */
static bool
write_address(int family, const void *bytes, char out[PROXY_ADDRESS_SIZE])
{
	struct in6_addr v6;

	if (family == AF_INET6) {
		memcpy(&v6, bytes, sizeof v6);
		if (IN6_IS_ADDR_V4MAPPED(&v6))
			return write_address(AF_INET, v6.s6_addr + 12, out);
	}
	return inet_ntop(family, bytes, out, PROXY_ADDRESS_SIZE) != NULL;
}

static bool
take_address(int family, struct span text, char out[PROXY_ADDRESS_SIZE])
{
	unsigned char bytes[16];

	if (text.len == 0 || text.len >= PROXY_ADDRESS_SIZE)
		return false;
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return inet_pton(family, out, bytes) == 1 &&
	       write_address(family, bytes, out);
}

static enum proxy_status
parse_line(struct span line, struct proxy *out)
{
	char unused[PROXY_ADDRESS_SIZE];
	struct span family, source, target, port;
	int af;

	family = span_cut(&line, ' ');
	if (span_equal(family, SPAN("UNKNOWN")))
		return PROXY_LOCAL; /* what follows is to be ignored */
	if (!span_equal(family, SPAN("TCP4")) &&
	    !span_equal(family, SPAN("TCP6")))
		return PROXY_BAD;
	af = family.ptr[3] == '4' ? AF_INET : AF_INET6;
	source = span_cut(&line, ' ');
	target = span_cut(&line, ' ');
	port = span_cut(&line, ' ');
	if (!take_address(af, source, out->client) ||
	    !take_address(af, target, unused) || !is_port(port) ||
	    !is_port(line))
		return PROXY_BAD;
	return PROXY_CLIENT;
}

static enum proxy_status
parse_v1(struct span in, struct proxy *out)
{
	struct span line = span_to(in, PROXY_V1_MOST);
	size_t end = span_find(line, '\n');

	if (end == line.len) {
		out->length = in.len + 1;
		return in.len < PROXY_V1_MOST ? PROXY_MORE : PROXY_BAD;
	}
	out->length = end + 1;
	if (end == 0 || line.ptr[end - 1] != '\r')
		return PROXY_BAD;
	line = span_to(line, end - 1);
	return parse_line(span_from(line, sizeof v1_begin - 1), out);
}

/* --- version 2: octets --- */

static enum proxy_status
parse_block(unsigned family, struct span block, struct proxy *out)
{
	bool is_v6 = family == (V2_INET6 << 4 | V2_STREAM);

	if (!is_v6 && family != (V2_INET << 4 | V2_STREAM))
		return PROXY_LOCAL; /* a socket in a file system, or unspecified */
	if (block.len < (size_t)(is_v6 ? V6_BLOCK : V4_BLOCK))
		return PROXY_BAD;
	return write_address(is_v6 ? AF_INET6 : AF_INET, block.ptr, out->client)
		   ? PROXY_CLIENT
		   : PROXY_BAD;
}

static enum proxy_status
parse_v2(struct span in, struct proxy *out)
{
	const unsigned char *p = (const unsigned char *)in.ptr;
	size_t rest;

	if (in.len < V2_FIXED) {
		out->length = V2_FIXED;
		return PROXY_MORE;
	}
	rest = (size_t)p[14] << 8 | p[15];
	out->length = V2_FIXED + rest;
	if (p[12] >> 4 != V2_VERSION || out->length > PROXY_V2_MOST)
		return PROXY_BAD;
	if (in.len < out->length)
		return PROXY_MORE;
	if ((p[12] & 15) == V2_LOCAL)
		return PROXY_LOCAL;
	if ((p[12] & 15) != V2_PROXY)
		return PROXY_BAD;
	return parse_block(p[13], span_to(span_from(in, V2_FIXED), rest), out);
}

enum proxy_status
proxy_parse(struct span in, struct proxy *out)
{
	*out = (struct proxy){ .length = PROXY_FIRST };
	if (in.len == 0)
		return PROXY_MORE;
	if (begins(in, v2_signature, sizeof v2_signature))
		return in.len < PROXY_FIRST ? PROXY_MORE : parse_v2(in, out);
	if (begins(in, v1_begin, sizeof v1_begin - 1))
		return in.len < PROXY_FIRST ? PROXY_MORE : parse_v1(in, out);
	return PROXY_BAD;
}
