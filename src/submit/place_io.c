#include "place_io.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "intake/draft.h"

/* An address that stands for an IPv4 one is written as that. */
static uint16_t
write_address(const struct sockaddr_storage *at, char *out, socklen_t size)
{
	const struct sockaddr_in *v4 = (const void *)at;
	const struct sockaddr_in6 *v6 = (const void *)at;

	out[0] = '\0';
	if (at->ss_family == AF_INET) {
		(void)inet_ntop(AF_INET, &v4->sin_addr, out, size);
		return ntohs(v4->sin_port);
	}
	if (at->ss_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		(void)inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, out, size);
	else
		(void)inet_ntop(AF_INET6, &v6->sin6_addr, out, size);
	return ntohs(v6->sin6_port);
}

void
place_of(int fd, const char *client, struct place *out)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof at;
	char peer[64];

	if (getsockname(fd, (struct sockaddr *)&at, &len) == 0)
		out->port =
		    write_address(&at, out->address, sizeof out->address);
	len = sizeof at;
	if (getpeername(fd, (struct sockaddr *)&at, &len) != 0)
		return;
	out->client_port = write_address(&at, peer, sizeof peer);
	if (strcmp(peer, client) != 0)
		out->client_port = 0;
}

void
place_tell(const struct place *p, struct draft_place *out)
{
	*out = (struct draft_place){
		.listener = span_text(p->listener),
		.address = span_text(p->address),
		.port = p->port,
		.client_port = p->client_port,
		.mechanism = span_text(p->mechanism),
	};
}
