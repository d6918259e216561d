/*
 * peer: where a connection comes from, as far as its address says: one host,
 * and the network around it. Limits and counters are kept by these, as whoever
 * has one IPv6 address has 2^64 of them.
 */
#ifndef BASE_PEER_H
#define BASE_PEER_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* 0 is none: the text is no numeric address. */
struct peer {
	uint64_t host; /* the IPv4 address, or the IPv6 /64 */
	uint64_t network; /* the IPv4 /24, or the IPv6 /48 */
};

/* "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1" (which is the first). */
struct peer peer_of(const char *address);
/*
 * An address as it is written, without its port; one that stands for an IPv4 address
 * as that. Empty for another family.
 */
void peer_text(const struct sockaddr_storage *at, char out[INET6_ADDRSTRLEN]);

#endif
