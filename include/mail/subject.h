/*
 * subject: the Subject of a message as a person reads it. Text from a client:
 * decoded as far as it is what it says (RFC 2047), cleaned, and bounded.
 */
#ifndef MAIL_SUBJECT_H
#define MAIL_SUBJECT_H

#include "base/buf.h"
#include "base/span.h"

enum { SUBJECT_MOST = 300 }; /* bytes; what is longer is cut, and shows it */

/*
 * Appends the first Subject of that header as UTF-8, on one line, without
 * control characters; nothing when there is none. Words in a charset that
 * the system does not know, or that are broken, stay as they are written.
 */
void subject_text(struct span header, struct buf *out);

#endif
