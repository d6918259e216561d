/*
 * words: what was said last about a recipient, and by whom: fields, which stay
 * fields on their way from a host's reply to the log, the report and the spool.
 * A peer's text is in `said` and nowhere else, and is never taken apart again.
 */
#ifndef MAIL_WORDS_H
#define MAIL_WORDS_H

#include "base/buf.h"
#include "base/span.h"

enum {
	WORDS_STATUS_MAX = 12, /* "5.123.123" and its NUL */
	WORDS_SAID_MAX = 2048, /* of a reply, all lines */
};

/*
 * What had been asked for, or said, when it happened. Stored as numbers in the
 * spool: append only, never renumber.
 */
enum stage {
	STAGE_NONE = 0, /* nobody knows (older spools), or no one was asked */
	STAGE_ROUTE = 1, /* the name servers, or the configuration */
	STAGE_CONNECT = 2,
	STAGE_GREETING = 3,
	STAGE_EHLO = 4,
	STAGE_STARTTLS = 5, /* the handshake, too */
	STAGE_AUTH = 6,
	STAGE_MAIL = 7,
	STAGE_RCPT = 8,
	STAGE_DATA = 9, /* the go-ahead */
	STAGE_CONTENT = 10, /* the content, and the answer to its end */
};
enum { STAGE_COUNT = STAGE_CONTENT + 1 };
/* "connecting", "MAIL", "the end of the content"; "" for STAGE_NONE. */
const char *stage_name(unsigned stage);

struct words {
	struct span status; /* "4.7.1" (RFC 3463) */
	struct span host; /* whom it is about; empty: no host was asked */
	struct span what; /* in our words, one line; may be empty */
	struct span said; /* the host's words, lines parted by LF; or empty */
	enum stage stage;
};

/*
 * A reply's lines as they are kept: heap, parted by LF, other control bytes
 * made blanks, cut at WORDS_SAID_MAX.
 */
char *words_keep(struct span reply);

/* As one text, which older spools have, and back. */
void words_write(struct buf *out, const struct words *w);
/*
 * Spans point into `text`. Of what still older versions wrote ("STATUS HOST said:
 * TEXT", where TEXT was a peer's) all but the status is shown as it is.
 */
struct words words_read(struct span text);

/* "greeting: 554-no / 554 go away": `what` and `said` on one line. */
void words_join(struct buf *out, const struct words *w);
/* "4.3.2 mx.test [192.0.2.1]:25 said: 450 later": all of it on one line. */
void words_say(struct buf *out, const struct words *w);

#endif
