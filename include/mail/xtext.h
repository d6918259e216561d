/*
 * xtext: how the parameters of RFC 3461 write text (section 4): "+HH" for what may
 * not stand in a parameter. Pure.
 */
#ifndef MAIL_XTEXT_H
#define MAIL_XTEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

/* Whether it is some, of printable ASCII once it is decoded. */
bool xtext_is_valid(struct span text);
/* Appends what it means; what is no xtext in it is left out. */
void xtext_decode(struct span text, struct buf *out);

#endif
