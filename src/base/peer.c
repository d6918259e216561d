#include "base/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/*
 * Hosts, networks, and both families are told apart by bits with which no IPv6
 * address begins that is routed (RFC 4291 2.4).
 */
#define IPV4 (UINT64_C(1) << 32)
#define IPV4_NETWORK (UINT64_C(1) << 33)
#define IPV6_NETWORK (UINT64_C(1) << 62)

static struct peer
peer_v4(const unsigned char a[4])
{
	uint32_t n = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 |
		     (uint32_t)a[2] << 8 | a[3];

	return (
	    struct peer){ .host = IPV4 | n, .network = IPV4_NETWORK | n >> 8 };
}

static struct peer
peer_v6(const unsigned char a[16])
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | a[i];
	/* ::1 and its kin: the first /64 is a number too. */
	return (struct peer){ .host = n == 0 ? 1 : n,
		.network = IPV6_NETWORK | n >> 16 };
}

struct peer
peer_of(const char *address)
{
	unsigned char v4[4];
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, v4) == 1)
		return peer_v4(v4);
	if (inet_pton(AF_INET6, address, &v6) != 1)
		return (struct peer){ 0 };
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return peer_v4(v6.s6_addr + 12);
	return peer_v6(v6.s6_addr);
}

void
peer_text(const struct sockaddr_storage *at, char out[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *v4 = (const void *)at;
	const struct in6_addr *a6 =
	    &((const struct sockaddr_in6 *)at)->sin6_addr;

	out[0] = '\0';
	if (at->ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN);
	else if (at->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(a6))
		(void)inet_ntop(
		    AF_INET, a6->s6_addr + 12, out, INET6_ADDRSTRLEN);
	else if (at->ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, a6, out, INET6_ADDRSTRLEN);
}
