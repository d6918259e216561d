/*
 * parts: the structure of a message's content (RFC 2045, 2046), walked from the
 * front while it comes: headers of entities, what stands in them, and what stands
 * between. Text from a client: whatever it is, each octet comes out again, once and
 * in order. Pure; takes memory for one header, and no more.
 */
#ifndef MAIL_PARTS_H
#define MAIL_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	PARTS_DEPTH_MAX = 50, /* of entities in each other */
	PARTS_HEADER_MAX = 1 << 20, /* octets of an entity's header */
	PARTS_BOUNDARY_MAX = 200, /* RFC 2046 5.1.1 has 70 */
	PARTS_ADD_MAX = 64 * 1024, /* octets at a time */
};

/* What an entity's body is made of. */
enum part_form {
	PART_LEAF, /* of octets */
	PART_MULTIPART, /* of parts */
	PART_MESSAGE, /* of a message: message/rfc822 */
	/* Of octets that must stay as they are, see `why_sealed`. */
	PART_SEALED,
};

/* RFC 2045 6.1. */
enum part_encoding {
	ENCODING_NONE, /* 7bit, 8bit or binary, or it is not said */
	ENCODING_QUOTED_PRINTABLE,
	ENCODING_BASE64,
	ENCODING_OTHER,
};

struct part {
	enum part_form form;
	enum part_encoding encoding;
	bool is_message; /* the header is a message's, not a part's */
	bool has_type, has_mime_version;
	bool is_text; /* text/..., which is what nothing said means */
	bool has_blank; /* a blank line ends the header */
	const char *why_sealed; /* static */
};

enum parts_what {
	PARTS_MORE, /* nothing more can be said of what is here */
	PARTS_HEADER, /* `text` is all of an entity's header, `part` what it says */
	PARTS_BODY, /* `text` is of the body of the last entity */
	PARTS_BETWEEN, /* delimiters, and what stands before and behind parts */
	PARTS_END, /* of all */
	PARTS_FAULT, /* a header is too long: nothing more comes */
};

struct parts_item {
	struct span text; /* borrowed until the next call */
	struct part part;
};

struct parts_level {
	char boundary[PARTS_BOUNDARY_MAX]; /* no text: a message has none */
	size_t length;
	bool is_closed; /* its last delimiter has come */
	bool is_digest; /* its parts are messages, where they do not say */
};

/* `{0}` is the beginning. Its own. */
struct parts {
	enum {
		PARTS_IN_HEADER,
		PARTS_IN_BODY,
		PARTS_IN_BETWEEN,
		PARTS_ENDED,
	} state;
	struct buf in; /* owned: what has come, and is not out yet */
	size_t out; /* octets of it that the caller has */
	size_t seen; /* octets of a header that were looked at */
	bool in_line; /* `in` begins in the middle of a line */
	bool is_part; /* the next header is a part's, and not a message's */
	unsigned depth;
	struct parts_level levels[PARTS_DEPTH_MAX];
};

void parts_clear(struct parts *p);
/* More of the content, at most PARTS_ADD_MAX, after PARTS_MORE. */
void parts_add(struct parts *p, struct span text);
/* The next item. `is_all`: all of the content was added. */
enum parts_what
parts_next(struct parts *p, bool is_all, struct parts_item *out);

#endif
