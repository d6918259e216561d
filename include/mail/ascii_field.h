/*
 * ascii_field: a header field with letters beyond ASCII, for a host that takes none:
 * text as encoded words (RFC 2047), the values of MIME's parameters as RFC 2231 has
 * them, domains by their A-labels. Octets that are no UTF-8 are said to be
 * "unknown-8bit" (RFC 1428). Pure.
 */
#ifndef MAIL_ASCII_FIELD_H
#define MAIL_ASCII_FIELD_H

#include <stdbool.h>

#include "base/buf.h"
#include "mail/header.h"

/*
 * Appends the field, ended as it was. False: an address in it is one that only
 * SMTPUTF8 can say (letters in front of the @), and what was appended is of no use.
 */
MUST_CHECK bool
ascii_field_write(const struct header_field *field, struct buf *out);

#endif
