/*
 * address: paths of RFC 5321 4.1.2, parsed once at the edge. The parts are
 * spans into the text that was parsed.
 */
#ifndef SMTP_ADDRESS_H
#define SMTP_ADDRESS_H

#include "base/span.h"

enum {
	ADDRESS_LOCAL_MAX = 64, /* RFC 5321 4.5.3.1.1 */
	ADDRESS_DOMAIN_MAX = 255, /* 4.5.3.1.2 */
	ADDRESS_MAX = 254, /* 4.5.3.1.3: a path is 256 with its <> */
};

struct address {
	struct span text; /* without <> and source route; empty: null path */
	struct span local; /* as written, quotes included */
	struct span domain; /* as written; "[...]" for a literal */
};

enum address_status {
	ADDRESS_OK,
	ADDRESS_NO_BRACKETS, /* not <...> */
	ADDRESS_NO_DOMAIN,
	ADDRESS_BAD_LOCAL,
	ADDRESS_BAD_DOMAIN,
	ADDRESS_BAD_CHAR, /* control or 8-bit byte */
	ADDRESS_TOO_LONG,
};

/*
 * Takes a path "<...>" from the front of *in and moves *in behind it. A source
 * route is dropped (RFC 5321 appendix C). "<>" is ADDRESS_OK with empty text;
 * "<postmaster>" (RFC 5321 4.1.1.3) has an empty domain and is ADDRESS_OK too.
 */
enum address_status address_parse_path(struct span *in, struct address *out);
/* A mailbox without brackets: all of `in`. */
enum address_status address_parse(struct span in, struct address *out);
bool address_is_null(const struct address *a);
/* Why, in words for the client. */
const char *address_status_text(enum address_status s);

/* "example.com", RFC 5321 4.1.2 Domain (LDH and '_', labels of up to 63). */
bool domain_is_valid(struct span domain);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
bool domain_is_literal(struct span domain);

#endif
