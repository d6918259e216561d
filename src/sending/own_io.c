/*
 * Those of the configuration; else those that the system would send from: a socket is
 * connected, without a packet, to an address that is nobody's, and asked for its own
 * end. One that is private is of no use: receivers see another one.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/network.h"
#include "conf/conf.h"
#include "domains_parts_io.h"

/* Private, of a provider's own network (RFC 6598), or no address at all. */
static bool
is_private(const struct sockaddr *sa)
{
	static const char *const others[] = { "0.0.0.0/8", "100.64.0.0/10",
		"::" };
	struct network n, of;

	if (network_of(sa, &of) && network_is_private(&of))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (network_parse(span_text(others[i]), &n) &&
		    network_contains(&n, sa))
			return true;
	return false;
}

static bool
read_address(const char *text, union dns_address *out)
{
	*out = (union dns_address){ 0 };
	out->sa.sa_family = AF_INET;
	if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1)
		return true;
	out->sa.sa_family = AF_INET6;
	return inet_pton(AF_INET6, text, &out->in6.sin6_addr) == 1;
}

/* Documentation addresses (RFC 5737, RFC 3849): they have the default route. */
static bool
learn(const char *nobody, union dns_address *out)
{
	union dns_address to;
	socklen_t len = sizeof *out;
	bool known = false;
	int fd;

	if (!read_address(nobody, &to))
		return false;
	to.in.sin_port = htons(25); /* at the same place in both */
	fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	len = to.sa.sa_family == AF_INET ? sizeof to.in : sizeof to.in6;
	if (connect(fd, &to.sa, len) == 0) {
		len = sizeof *out;
		known = getsockname(fd, &out->sa, &len) == 0;
	}
	(void)close(fd);
	return known && !is_private(&out->sa);
}

unsigned
own_addresses(
    const struct conf *conf, union dns_address out[LOOK_ADDRESSES_MOST])
{
	unsigned n = 0;

	for (size_t i = 0; i < conf->npublic_addresses; i++)
		if (n < LOOK_ADDRESSES_MOST &&
		    read_address(conf->public_addresses[i], &out[n]))
			n++;
	if (conf->npublic_addresses > 0)
		return n;
	n += learn("192.0.2.1", &out[n]);
	n += learn("2001:db8::1", &out[n]);
	return n;
}
