#include "place_io.h"

#include <string.h>

#include "base/peer.h"
#include "intake/draft.h"

static uint16_t
port_of(const struct sockaddr_storage *at)
{
	switch (at->ss_family) {
	case AF_INET: return ntohs(((const struct sockaddr_in *)at)->sin_port);
	case AF_INET6:
		return ntohs(((const struct sockaddr_in6 *)at)->sin6_port);
	default: return 0;
	}
}

void
place_of(int fd, const char *client, struct place *out)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof at;
	char peer[INET6_ADDRSTRLEN];

	if (getsockname(fd, (struct sockaddr *)&at, &len) == 0) {
		peer_text(&at, out->address);
		out->port = port_of(&at);
	}
	len = sizeof at;
	if (getpeername(fd, (struct sockaddr *)&at, &len) != 0)
		return;
	peer_text(&at, peer);
	out->client_port = strcmp(peer, client) == 0 ? port_of(&at) : 0;
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
