/*
 * reply: a server's answer as a client reads it (RFC 5321 4.2), in one piece or
 * many, with its enhanced status code (RFC 3463) when it has one.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/span.h"

enum {
	REPLY_LINE_MAX = 2048, /* RFC 5321 4.5.3.1.5 says 512; some say more */
	REPLY_MAX = 16384, /* a whole reply */
};

struct reply {
	int code; /* 200 to 599 */
	struct span text; /* all lines as they came, spans the input */
	struct span enhanced; /* "5.7.1", or empty */
};

enum reply_status {
	REPLY_OK, /* one whole reply taken from `in` */
	REPLY_MORE, /* not whole yet, `in` untouched */
	REPLY_BAD_CODE,
	REPLY_MIXED_CODES, /* RFC 5321 4.2.1: all lines, same code */
	REPLY_TOO_LONG,
};

enum reply_status reply_parse(struct span *in, struct reply *out);

/* The next line of a reply's text, without code and line end; false: end. */
bool reply_next_line(struct span *text, struct span *line);

static inline bool
reply_is_good(const struct reply *r)
{
	return r->code >= 200 && r->code < 300;
}

static inline bool
reply_is_temporary(const struct reply *r)
{
	return r->code >= 400 && r->code < 500;
}

#endif
