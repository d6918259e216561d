/*
 * header: the header section of a message (RFC 5322 2.2) while it passes
 * through: found, looked over, a field taken out. Text from a client; nothing
 * here trusts it.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"
#include "base/span.h"

struct header_field {
	struct span name;
	struct span value; /* folded lines included, without the last CRLF */
	struct span raw; /* all of it, with its line ends */
};

/* Takes the next field; false at the blank line, the end, or what is none. */
bool header_next(struct span *rest, struct header_field *out);

/*
 * Where the header section ends in `text`, which grows from the front.
 * `*scanned` is the caller's and starts at 0: what has been looked at already.
 */
enum header_end {
	HEADER_MORE, /* not in what is here */
	HEADER_BLANK, /* *end is behind the blank line */
	HEADER_NO_BLANK, /* *end is at a line that cannot be a header's */
};
enum header_end header_find_end(struct span text, size_t *scanned, size_t *end);

/* What a submission server must know of it (RFC 6409 section 8). */
struct header_facts {
	bool has_date;
	bool has_message_id; /* "<>" and an empty one do not count */
	bool has_bcc;
	unsigned received; /* how many Received lines */
};

void header_review(struct span header, struct header_facts *out);

/*
 * Takes every field of that name out of data[0 .. len), in place. Returns the
 * new length; what is behind the header moves along.
 */
size_t header_remove(char *data, size_t len, struct span name);

#endif
