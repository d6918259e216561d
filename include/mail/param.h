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
	EXTENSION_DSN = 4, /* RFC 3461 */
	EXTENSION_SMTPUTF8 = 8, /* RFC 6531 */
	EXTENSION_MT_PRIORITY = 16, /* RFC 6710 */
	EXTENSION_DELIVERBY = 32, /* RFC 2852 */
	EXTENSION_FUTURERELEASE = 64, /* RFC 4865 */
	EXTENSION_REQUIRETLS = 128, /* RFC 8689 */
	EXTENSION_BINARYMIME = 256, /* RFC 3030 section 3 */
};

/* The one that the first word of an EHLO line names; 0: none of these. */
uint32_t extension_of(struct span word);
/* What EHLO's lines say beside the names. */
struct extensions_offer {
	uint64_t max_message; /* bytes */
	int64_t now; /* wall ms */
	bool has_tls; /* some are for connections that have it */
};
/* EHLO's lines for those that clients are offered, each ended. */
void extensions_write(const struct extensions_offer *offer, struct buf *out);

/* No recipient's attributes take more bytes. */
enum { PARAMS_RCPT_MAX = 640 };

enum param_place { PARAM_OF_MAIL, PARAM_OF_RCPT };

/* What the parameters of one command come to. Zero is the beginning. */
struct params {
	uint64_t
	    max_message; /* bytes: what SIZE may say; the reader's to set */
	int64_t now; /* the same: wall ms; 0: a message of the past is read */
	bool in_clear; /* the same: the session has no TLS */
	uint32_t flags; /* enum envelope_flags */
	bool holds; /* a time to wait for was named */
	uint32_t seen; /* rows of the table, a bit each */
	struct buf attrs; /* owned */
	struct buf kept; /* owned: a value as it is kept, where that differs */
	char wrong[160]; /* the reply to a wrong one */
};

void params_clear(struct params *p);
/*
 * One of them; false: it is wrong, and p->wrong is what to reply. The value is
 * empty where there is none.
 */
bool params_read(struct params *p, enum param_place place, struct span keyword,
    struct span value);

/* MT-PRIORITY goes no further than that. True: it was lowered. */
bool params_cap_priority(struct params *p, int most);

/* What a transaction is that is written to a host. */
struct param_sending {
	uint32_t extensions; /* the host's, as far as the message needs them */
	int64_t age; /* s: for how long it was ours, since it could go */
	uint64_t size; /* octets of the content as it leaves */
};

/* " KEYWORD=value" of each that the host is to have. */
void params_write_mail(const struct envelope *env,
    const struct param_sending *sending, struct buf *out);
void params_write_rcpt(const struct envelope *env, uint32_t rcpt,
    uint32_t extensions, struct buf *out);

/* What a recipient's sender wants to hear of (RFC 3461 4.1), a bit each. */
enum notify {
	NOTIFY_SUCCESS = 1,
	NOTIFY_FAILURE = 2,
	NOTIFY_DELAY = 4,
	NOTIFY_NEVER = 8, /* alone */
};
/* 0: the sender has not said. */
uint32_t params_notify(struct span rcpt_attrs);
/* Whether a report of that is wanted; who has not said wants all but successes. */
bool params_wants(struct span rcpt_attrs, enum notify what);
/*
 * Whether the sender wants to hear that the message was passed on to a host, which may
 * lack DSN (RFC 3461 5.2.3) or DELIVERBY (RFC 2852 4.1.4: BY=...;N), or, of any host,
 * because BY=...;T asked to.
 */
bool params_wants_relayed(struct span mail_attrs, struct span rcpt_attrs,
    bool lacks_dsn, bool lacks_by);
/* Whether a report of a failure has the whole message in it (RET=FULL). */
bool params_wants_full(struct span mail_attrs);

/* A kept one, to be shown, or written into a file and read again. */
struct param_text {
	const char *keyword; /* NULL: a newer version's */
	struct span value; /* borrowed: as the client wrote it */
	struct span whole; /* borrowed: the attribute's bytes */
};

/* The next one of the attributes; false: there is none. */
bool params_next(struct span *attrs, struct param_text *out);

#endif
