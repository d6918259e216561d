/*
 * idn: domains with letters beyond ASCII (U-labels, RFC 5890). Clients, hosts and
 * people write them so; name servers, certificates and hosts without SMTPUTF8
 * know them by their A-labels ("xn--..."). Mapped by UTS #46, as browsers do.
 */
#ifndef SMTP_IDN_H
#define SMTP_IDN_H

#include "base/span.h"

enum { IDN_SIZE = 256 };

/*
 * The domain by its A-labels: itself where it is ASCII, else in `out`. Empty: it
 * is no domain, or too long.
 */
struct span idn_to_ascii(struct span domain, char out[IDN_SIZE]);
/* Whether two ways to write a domain mean the same one. */
bool idn_equal(struct span a, struct span b);

#endif
