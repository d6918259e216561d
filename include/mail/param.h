/*
 * param: the parameters of MAIL and RCPT (RFC 5321 4.1.2, esmtp-param) that this
 * relay knows, in one table: which extension a parameter is of, how it is read
 * from a client, kept (mail/attrs.h), shown, and written to a next host. EHLO's
 * list, the session, the client, the spool's tools and listings go by the table,
 * so that a new parameter is a row here, and what it means. Pure.
 */
#ifndef MAIL_PARAM_H
#define MAIL_PARAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct envelope;

/* Extensions with parameters, a bit each. */
enum extension {
	EXTENSION_SIZE = 1, /* RFC 1870 */
	EXTENSION_8BITMIME = 2, /* RFC 6152 */
};

/* The one that the first word of an EHLO line names; 0: none of these. */
uint32_t extension_of(struct span word);
/* EHLO's lines for those that clients are offered, each ended. */
void extensions_offer(uint64_t max_message, struct buf *out);

/* No recipient's attributes take more bytes. */
enum { PARAMS_RCPT_MAX = 640 };

enum param_place { PARAM_OF_MAIL, PARAM_OF_RCPT };

/* What the parameters of one command come to. Zero is the beginning. */
struct params {
	uint64_t
	    max_message; /* bytes: what SIZE may say; the reader's to set */
	uint32_t flags; /* enum envelope_flags */
	uint32_t seen; /* rows of the table, a bit each */
	struct buf attrs; /* owned */
	char wrong[160]; /* the reply to a wrong one */
};

void params_clear(struct params *p);
/*
 * One of them; false: it is wrong, and p->wrong is what to reply. The value is
 * empty where there is none.
 */
bool params_read(struct params *p, enum param_place place, struct span keyword,
    struct span value);

/* " KEYWORD=value" of each that the host (by its extensions) is to have. */
void params_write_mail(
    const struct envelope *env, uint32_t extensions, struct buf *out);
void params_write_rcpt(const struct envelope *env, uint32_t rcpt,
    uint32_t extensions, struct buf *out);

/* A kept one, to be shown, or written into a file and read again. */
struct param_text {
	const char *keyword; /* NULL: a newer version's */
	struct span value; /* borrowed: as the client wrote it */
	struct span whole; /* borrowed: the attribute's bytes */
};

/* The next one of the attributes; false: there is none. */
bool params_next(struct span *attrs, struct param_text *out);

#endif
