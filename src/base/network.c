#include "base/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"

enum { V4_AT = 12, V4_BITS = 96, TEXT_MOST = INET6_ADDRSTRLEN };

static void
map_v4(const void *four, uint8_t out[16])
{
	memset(out, 0, 10);
	out[10] = out[11] = 0xff;
	memcpy(out + V4_AT, four, 4);
}

bool
network_parse(struct span text, struct network *out)
{
	struct span rest = text, address = span_cut(&rest, '/');
	bool has_bits = address.len < text.len, is_v4;
	char copy[TEXT_MOST];
	uint8_t four[4];
	uint64_t bits;

	if (address.len == 0 || address.len >= sizeof copy)
		return false;
	memcpy(copy, address.ptr, address.len);
	copy[address.len] = '\0';
	is_v4 = inet_pton(AF_INET, copy, four) == 1;
	if (is_v4)
		map_v4(four, out->bytes);
	else if (inet_pton(AF_INET6, copy, out->bytes) != 1)
		return false;
	bits = is_v4 ? 32 : 128;
	if (has_bits && !span_to_u64(rest, bits, &bits))
		return false;
	out->bits = (uint8_t)(bits + (is_v4 ? V4_BITS : 0));
	return true;
}

static bool
begins_alike(const struct network *n, const uint8_t a[16])
{
	unsigned whole = n->bits / 8, left = n->bits % 8;

	if (memcmp(a, n->bytes, whole) != 0)
		return false;
	return left == 0 || (a[whole] ^ n->bytes[whole]) >> (8 - left) == 0;
}

bool
network_has(const struct network *n, const struct network *other)
{
	return other->bits >= n->bits && begins_alike(n, other->bytes);
}

bool
network_of(const struct sockaddr *sa, struct network *out)
{
	out->bits = 128;
	if (sa->sa_family == AF_INET)
		map_v4(
		    &((const struct sockaddr_in *)(const void *)sa)->sin_addr,
		    out->bytes);
	else if (sa->sa_family == AF_INET6)
		memcpy(out->bytes,
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
		    sizeof out->bytes);
	else
		return false;
	return true;
}

bool
network_contains(const struct network *n, const struct sockaddr *sa)
{
	struct network one;

	return network_of(sa, &one) && network_has(n, &one);
}

bool
networks_contain(
    const struct network *list, size_t n, const struct sockaddr *sa)
{
	for (size_t i = 0; i < n; i++)
		if (network_contains(&list[i], sa))
			return true;
	return false;
}

bool
network_is_private(const struct network *n)
{
	static const char *const ranges[] = { "127.0.0.0/8", "10.0.0.0/8",
		"172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1",
		"fc00::/7", "fe80::/10" };
	struct network range;

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (network_parse(span_text(ranges[i]), &range) &&
		    network_has(&range, n))
			return true;
	return false;
}

bool
network_is_wide(const struct network *n)
{
	struct network v4 = { .bits = V4_BITS };
	static const uint8_t zero[4] = { 0 };

	map_v4(zero, v4.bytes);
	if (network_is_private(n))
		return false;
	return network_has(&v4, n) ? n->bits < V4_BITS + 8 : n->bits < 16;
}
