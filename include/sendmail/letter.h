/*
 * letter: a message as a program of this machine hands it in (cron, PHP, mail): lines
 * that LF ends, addresses without a domain, no From. It becomes what a submission
 * server takes, and its header says to whom it goes. Pure.
 */
#ifndef SENDMAIL_LETTER_H
#define SENDMAIL_LETTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	LETTER_HEADER_MAX = 1 << 20, /* octets of a header */
	LETTER_RCPTS_MAX = 100000,
};

/* Lines of any kind become lines that CRLF ends. `{0}` is the beginning. */
struct letter_lines {
	bool dot_ends; /* the owner's: a line that is a dot alone is the end */
	bool has_cr; /* the last octet */
	bool is_ended; /* by that dot */
	size_t at; /* octets in the line so far, and what the first one is: */
	bool is_dot;
};

/* Appends `octets`, up to the end; at most twice as many. */
void
letter_lines_add(struct letter_lines *l, struct span octets, struct buf *out);
/* Nothing more comes: ends the last line. */
void letter_lines_end(struct letter_lines *l, struct buf *out);

/* Who sends it; all borrowed. */
struct letter_sender {
	struct span address; /* for From, where there is none */
	struct span name; /* the same: a person's; may be empty */
	struct span hostname; /* of addresses that have no domain */
};

/* Addresses, as they were written; each with a domain. */
struct letter_rcpts {
	char **list; /* owned, each of them too */
	size_t n, cap;
};

void letter_rcpts_clear(struct letter_rcpts *r);
/* One address, or several with commas between, as a field To has them. */
enum letter_status {
	LETTER_OK,
	LETTER_UNCLEAR, /* it is no list of addresses */
	LETTER_TOO_MANY,
};
enum letter_status letter_rcpts_add(
    struct letter_rcpts *r, struct span text, struct span hostname);

/*
 * Writes the header (lines that CRLF ends, with or without the blank line) as it
 * leaves: addresses have domains, From is there, and a blank line ends it. The line
 * of a file of mail ("From a@b.test Mon ...") in front goes.
 */
void letter_header_write(
    struct span header, const struct letter_sender *sender, struct buf *out);
/*
 * To whom the header says that it goes: Resent-To, -Cc and -Bcc where there are any,
 * else To, Cc and Bcc. `bad`: the name of a field that is LETTER_UNCLEAR.
 */
enum letter_status letter_header_rcpts(struct span header, struct span hostname,
    struct letter_rcpts *out, struct span *bad);

#endif
