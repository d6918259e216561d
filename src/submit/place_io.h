/* place_io: where a connection came in, as filters are told (intake/draft.h). */
#ifndef SUBMIT_PLACE_IO_H
#define SUBMIT_PLACE_IO_H

#include <stdint.h>

struct draft_place;

struct place {
	char address[64]; /* ours; "": not known */
	char mechanism[32]; /* "": nobody has logged in by one */
	const char *listener; /* borrowed: of the configuration; or NULL */
	uint16_t port, client_port; /* 0: not known */
};

/*
 * Asks the socket. The client's port is known when the other end is the client
 * itself (`client`: numeric), and no balancer.
 */
void place_of(int fd, const char *client, struct place *out);
/* Borrows what it is made of. */
void place_tell(const struct place *p, struct draft_place *out);

#endif
