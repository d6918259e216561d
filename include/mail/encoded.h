/*
 * encoded: words that are written in ASCII and stand for others (RFC 2047), as a
 * person reads them. Text from a client: what cannot be decoded stays as it is
 * written, and is told.
 */
#ifndef MAIL_ENCODED_H
#define MAIL_ENCODED_H

#include "base/buf.h"
#include "base/span.h"

/*
 * Appends the text with its encoded words decoded to UTF-8, from any charset that
 * the system knows, wherever they stand (RFC 2047 5 forbids some places, and
 * programs decode there all the same), and without the line ends of folds. Bytes
 * that are none of their charset become '?'; those outside of encoded words are
 * copied. False: something looks like an encoded word still.
 *
 * A charset but UTF-8 and US-ASCII may have to be loaded from disk, a millisecond
 * each time: `*charsets` is how many may be, and is lowered by those that were;
 * words beyond it stay as they are written.
 */
bool encoded_decode(struct span text, unsigned *charsets, struct buf *out);
/* Whether anything in it begins as an encoded word does. */
bool encoded_looks(struct span text);

#endif
