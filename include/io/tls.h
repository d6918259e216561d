/*
 * tls: settings of both sides, made once and shared by connections. TLS 1.2 or
 * later, AEAD with forward secrecy only, no renegotiation, ALPN "smtp" or none
 * (so that a request meant for another protocol's server ends here). Only to a
 * host that need not be verified is any cipher taken that beats clear text.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

struct conf;
struct conf_certificate;
struct tls_server;
struct tls_client;
struct ssl_st;

/*
 * Reads the certificates of the configuration: the first is the default one,
 * the names in the others choose them by SNI. Counted by reference; shared by
 * all threads.
 */
struct tls_server *tls_server_new(const struct conf *conf, struct err *err);
/* What one of them is worth, for who looks before it is used. */
struct tls_facts {
	int days_left; /* negative when it is over */
	bool has_begun;
	bool has_name; /* it is for the host that was asked for */
};
int tls_look(const struct conf_certificate *c, const char *host,
    struct tls_facts *facts, struct err *err);
struct tls_server *tls_server_ref(struct tls_server *t);
void tls_server_unref(struct tls_server *t);
/* Of the certificate that ends first: days left, negative when over. */
int tls_server_days_left(const struct tls_server *t);
/* For a stream, which takes it. */
struct ssl_st *tls_server_session(struct tls_server *t);

/*
 * One a worker: it keeps the sessions that can be resumed, without a lock.
 * Whom to trust it shares with `like`, which may go first; without one it
 * reads the system's certificates, which takes tens of milliseconds.
 */
struct tls_client *
tls_client_new(const struct tls_client *like, struct err *err);
void tls_client_free(struct tls_client *t);
struct tls_client_options {
	const char *host; /* for SNI, and for the check if `verify` */
	bool verify; /* chain and name (RFC 9525), or no connection; without,
			weaker ciphers and versions will do */
	const char
	    *key; /* what a resumed session must share: peer, port, ... */
};
struct ssl_st *tls_client_session(
    struct tls_client *t, const struct tls_client_options *options);

/* Whether there is a channel binding to be had; derives nothing. */
bool tls_can_bind(const struct ssl_st *ssl);
/* Its name and bytes, as stream.h says; NULL when it cannot be derived. */
const char *tls_binding(struct ssl_st *ssl, unsigned char out[64], size_t *len);
/*
 * The other one, "tls-server-end-point" (RFC 5929 4), of a server's side: the hash of
 * our certificate. Its length; 0: there is none to be had.
 */
size_t tls_end_point(const struct ssl_st *ssl, unsigned char out[64]);

/* Why the last TLS call of this thread failed, in words. */
void
tls_error_text(const struct ssl_st *ssl, int rc, char *out, unsigned long size);

#endif
