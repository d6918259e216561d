/*
 * tls_peer: the certificate that a client showed, and what it is worth. What it says
 * of itself counts only where an authority of ours has signed it.
 */
#ifndef IO_TLS_PEER_H
#define IO_TLS_PEER_H

#include <stdbool.h>

#include "base/err.h"

struct conf;
struct ssl_ctx_st;
struct ssl_st;

enum { TLS_PEER_ADDRESS_SIZE = 256 };

struct tls_peer {
	bool is_there; /* it showed one, and has its key */
	unsigned char sha256[32]; /* of the certificate */
	bool is_verified; /* by tls.client-ca, and its time is now */
	char address[TLS_PEER_ADDRESS_SIZE]; /* its mail address, or "" */
};

/* Clients are asked for one, where the configuration knows what to do with it. */
int
tls_peer_ask(struct ssl_ctx_st *ctx, const struct conf *conf, struct err *err);
/* Whether the file has certificates of authorities. */
int tls_peer_look(const char *client_ca, struct err *err);
void tls_peer_get(const struct ssl_st *ssl, struct tls_peer *out);

#endif
