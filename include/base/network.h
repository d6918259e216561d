/*
 * network: a range of addresses, as RFC 4632 and RFC 4291 write it. A value. An
 * IPv4 address that is written as one of IPv6 (::ffff:192.0.2.1) is the same.
 */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct sockaddr;

struct network {
	uint8_t bytes[16]; /* IPv4: mapped into IPv6 */
	uint8_t bits; /* of these 128 */
};

/* "192.0.2.0/24", "2001:db8::/32", or one address. */
bool network_parse(struct span text, struct network *out);
/* Whether all of the other one is in it. */
bool network_has(const struct network *n, const struct network *other);
bool network_contains(const struct network *n, const struct sockaddr *sa);
/* Whether one of them does. */
bool networks_contain(
    const struct network *list, size_t n, const struct sockaddr *sa);
/* The network of that address alone; false: it is of another family. */
bool network_of(const struct sockaddr *sa, struct network *out);
/* Loopback, and what RFC 1918, 3927, 4193 and 4291 keep within a site. */
bool network_is_private(const struct network *n);
/* More of the internet than anybody has: less than /8, or of IPv6 /16. */
bool network_is_wide(const struct network *n);

#endif
