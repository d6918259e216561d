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

/* Of what may be a field's name at the line's front; 0: nothing. */
size_t header_name_length(struct span line);
/* Whether the line begins with a name and a colon, blanks between or not. */
bool header_is_field_start(struct span line);

/* Takes the next field; false at the blank line, the end, or what is none. */
bool header_next(struct span *rest, struct header_field *out);

/* Whether the value of a field of that name is a list of addresses. */
bool header_has_addresses(struct span name);

/*
 * Where the header section ends in `text`, which is one of ours (mail/mend.h finds
 * a client's) and grows from the front. `*scanned` is the caller's and starts at
 * 0: what has been looked at already.
 */
enum header_end {
	HEADER_MORE, /* not in what is here */
	HEADER_BLANK, /* *end is behind the blank line */
	HEADER_NO_BLANK, /* *end is at a line that cannot be a header's */
};
enum header_end header_find_end(struct span text, size_t *scanned, size_t *end);

/* What a submission server must know of it (RFC 6409 section 8). */
struct header_facts {
	bool has_date; /* one that says nothing does not count, nor below */
	bool has_message_id;
	bool has_from;
	bool has_empty; /* header_remove_empty() finds something */
	bool has_bcc;
	bool has_return_path;
	unsigned received; /* how many Received lines */
	struct span message_id; /* the first one; points into the header */
};

void header_review(struct span header, struct header_facts *out);

/*
 * Takes every field of that name out of data[0 .. len), in place. Returns the
 * new length; what is behind the header moves along.
 */
size_t header_remove(char *data, size_t len, struct span name);
/*
 * The same for fields that must say something (RFC 5322 3.6) and say nothing, or
 * "<>": who authored, who sent it, Date and Message-ID.
 */
size_t header_remove_empty(char *data, size_t len);

#endif
