/*
 * address: paths of RFC 5321 4.1.2, parsed once at the edge. The parts are
 * spans into the text that was parsed. What is taken is wider than the grammar,
 * since only the next host knows its mailboxes: dots anywhere in a local part,
 * any length that fits. What address_write() writes is within it. Letters beyond
 * ASCII (RFC 6531) may stand in either part; whether that is allowed here and now,
 * the caller knows.
 */
#ifndef SMTP_ADDRESS_H
#define SMTP_ADDRESS_H

#include "base/buf.h"
#include "base/span.h"

enum {
	ADDRESS_DOMAIN_MAX = 255, /* RFC 5321 4.5.3.1.2 */
	/* 4.5.3.1 says what everybody must take, not what nobody may exceed:
	   lists and SRS write local parts of more than 64. */
	ADDRESS_MAX = 320,
	ADDRESS_WRITTEN_MAX =
	    ADDRESS_MAX + 2, /* with quotes that were not there */
};

struct address {
	struct span text; /* without <> and source route; empty: null path */
	struct span local; /* as it came, quotes included */
	struct span domain; /* without a dot at its end; "[...]": a literal */
	bool is_plain; /* `text` is how it leaves */
	bool is_utf8; /* it has letters beyond ASCII (RFC 6531) */
};

enum address_status {
	ADDRESS_OK,
	ADDRESS_NO_BRACKETS, /* neither <...> nor name@domain */
	ADDRESS_NO_DOMAIN,
	ADDRESS_BAD_LOCAL,
	ADDRESS_BAD_DOMAIN,
	ADDRESS_BAD_CHAR, /* a control character, or none at all */
	ADDRESS_TOO_LONG,
};

/*
 * Takes a path "<...>", or a mailbox up to the next blank, from the front of *in
 * and moves *in behind it. A source route is dropped (RFC 5321 appendix C). "<>"
 * is ADDRESS_OK with empty text; "<postmaster>" (RFC 5321 4.1.1.3) has an empty
 * domain and is ADDRESS_OK too.
 */
enum address_status address_parse_path(struct span *in, struct address *out);
/* A mailbox without brackets: all of `in`. */
enum address_status address_parse(struct span in, struct address *out);
bool address_is_null(const struct address *a);
/*
 * Appends the mailbox as it leaves and is shown, at most ADDRESS_WRITTEN_MAX
 * bytes: quoted only where the grammar wants it, and with as few backslashes as
 * possible (RFC 5321 4.1.2). Two ways to write a mailbox come out the same. For
 * the null path it appends nothing.
 */
void address_write(const struct address *a, struct buf *out);
/*
 * Whether two local parts, as they came, mean the same but for case: "a" is a.
 */
bool address_local_equal_nocase(struct span a, struct span b);
/* Why, in words for the client. */
const char *address_status_text(enum address_status s);

/* "example.com", RFC 5321 4.1.2 Domain (LDH and '_', labels of up to 63). */
bool domain_is_valid(struct span domain);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
bool domain_is_literal(struct span domain);

#endif
