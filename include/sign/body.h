/*
 * body: the hash of a message's body in its relaxed canonical form (RFC 6376
 * 3.4.4), taken while the body comes, in pieces of any length. Takes a few hundred
 * bytes of memory, however long the body is, and whatever is in it.
 */
#ifndef SIGN_BODY_H
#define SIGN_BODY_H

#include "base/span.h"

enum { BODY_HASH_SIZE = 32 }; /* SHA-256 */

struct body_hash;

struct body_hash *body_hash_new(void);
/* NULL is allowed. */
void body_hash_free(struct body_hash *h);
/* The next bytes behind the blank line that ends the header. */
void body_hash_add(struct body_hash *h, struct span bytes);
/* All of it has come. False: OpenSSL failed. Nothing may be added any more. */
bool body_hash_end(struct body_hash *h, unsigned char out[BODY_HASH_SIZE]);

#endif
