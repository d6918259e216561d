/*
 * wishes: when a message is to go, and before which others, as its sender asked by
 * parameters of MAIL: BY (RFC 2852), HOLDFOR and HOLDUNTIL (RFC 4865), MT-PRIORITY
 * (RFC 6710), and over what, by REQUIRETLS (RFC 8689). Read from what a client writes and from what is kept of it
 * (mail/attrs.h). Pure.
 */
#ifndef MAIL_WISHES_H
#define MAIL_WISHES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	WISHES_HOLD_MOST =
	    30 * 24 * 3600, /* s: later than that none is released */
	WISHES_PRIORITY_MOST = 9, /* and -9 is the least; 0 is the usual one */
};

/* "120;R", "-5;NT". Zero: it was not asked for. */
struct deliver_by {
	int64_t seconds; /* from when the message may go; may be negative */
	bool is_asked;
	bool
	    returns; /* R: it comes back; else its sender is told of the delay */
	bool traces; /* T: each relay that takes part tells */
};

/* False: it is none (RFC 2852 section 4), or R with no time left. */
bool deliver_by_parse(struct span text, struct deliver_by *out);
/* " BY=..." with the time that is left after `age` seconds. */
void
deliver_by_write(const struct deliver_by *by, int64_t age, struct buf *out);
bool wishes_parse_priority(struct span text, int *priority);

/* What is kept of a message: its attributes. */
struct deliver_by wishes_by(struct span mail_attrs);
/* Not before that time, ms since 1970; 0: at once. */
int64_t wishes_release(struct span mail_attrs);
int wishes_priority(struct span mail_attrs);
/* RFC 8689: it goes over verified TLS, to hosts that promise the same, or not. */
bool wishes_tls(struct span mail_attrs);

#endif
