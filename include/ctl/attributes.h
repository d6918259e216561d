/*
 * attributes: what a message or a recipient carries beyond its addresses, as JSON:
 * {"envid": "QQ314159", "ret": "FULL"}, the parameters of MAIL and RCPT by their
 * names in lower case, as the client wrote them; those of a newer version as
 * hexadecimal digits in "other". For listings, and for files that the spool is
 * exported to and imported from.
 */
#ifndef CTL_ATTRIBUTES_H
#define CTL_ATTRIBUTES_H

#include <jansson.h>
#include <stdbool.h>

#include "mail/param.h"

/* Bytes of a newer version, as hexadecimal digits. */
json_t *digits_show(struct span bytes);
/* Appends what they mean, up to what is none; false: there is such a one. */
bool digits_read(struct span text, struct buf *out);
/* Sets `o`["parameters"]; not when there is none. */
void attributes_show(json_t *o, struct span attrs);
/*
 * Reads what attributes_show() wrote in `o`, or nothing. False: there is one that
 * is wrong; out->wrong says so.
 */
bool
attributes_read(const json_t *o, enum param_place place, struct params *out);

#endif
