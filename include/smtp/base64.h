/*
 * base64 (RFC 4648 section 4), strictly: no white space, no foreign letter, the
 * padding there and the bits it stands for zero, so that each value has one
 * form only (RFC 4648 3.5).
 */
#ifndef SMTP_BASE64_H
#define SMTP_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/* How long `n` bytes are in base64, and at most the other way. */
#define BASE64_ENCODED_LEN(n) (((n) + 2) / 3 * 4)
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3)

/* Appends; false, and nothing is appended, when the buffer's maximum forbids. */
bool base64_encode(struct span in, struct buf *out);
/* The same; false also when `in` is not base64. */
bool base64_decode(struct span in, struct buf *out);
/* Into `size` bytes at `out`; false when it is not base64 or too long. */
bool base64_decode_into(struct span in, void *out, size_t size, size_t *len);

#endif
