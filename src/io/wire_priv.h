/*
 * wire: what lies between OpenSSL and a descriptor. What OpenSSL writes is
 * gathered until wire_flush(), so that records which can go together (the
 * last flight of a handshake, tickets, a reply, close_notify) leave in one
 * call to the kernel. Of what the peer sends it holds nothing: OpenSSL reads
 * ahead (tls.c), and the kernel puts it right where it is decrypted.
 */
#ifndef IO_WIRE_PRIV_H
#define IO_WIRE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

struct bio_st;

/* For SSL_set_bio(), whose SSL owns it then. The descriptor stays the caller's. */
struct bio_st *wire_new(int fd);
/*
 * Sends what was gathered, as far as the peer takes it. Returns 0, or a
 * negative errno when the connection is broken; what was gathered is gone then.
 */
int wire_flush(struct bio_st *wire);
/*
 * Once the kernel had less than was asked for, it is not asked again: not
 * before this says that the descriptor is readable.
 */
void wire_look_again(struct bio_st *wire);
/* Whether something gathered is still to be sent. */
bool wire_is_waiting(struct bio_st *wire);
/* Whether it takes nothing more from OpenSSL until some of that was sent. */
bool wire_is_full(struct bio_st *wire);

#endif
