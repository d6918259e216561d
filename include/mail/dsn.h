/*
 * dsn: the report that tells a sender what became of a message: RFC 3464 in
 * a multipart/report (RFC 6522), in words first, then for programs, then the
 * original's header (RFC 3464 section 2: text/rfc822-headers).
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "mail/words.h"

enum dsn_action {
	DSN_FAILED,
	DSN_DELAYED,
	DSN_RELAYED, /* to a host that sends no reports: RFC 3461 5.2.3 */
};

struct dsn_rcpt {
	struct span address;
	struct span original; /* ORCPT, "type;xtext"; may be empty */
	struct words words; /* the last ones; has a status */
	bool is_expired; /* its time was over, and that is why */
	uint32_t tries;
	int64_t last; /* of the last attempt, wall ms; 0: none */
};

struct dsn {
	enum dsn_action action;
	struct span hostname; /* ours */
	struct span qid; /* of the original */
	struct span report_qid;
	struct span sender; /* gets the report */
	struct span envid; /* ENVID, xtext; may be empty */
	int64_t arrived, now;
	uint32_t retry_for; /* s; DSN_DELAYED: how long we go on trying */
	bool is_by; /* DSN_RELAYED: as its BY asked for (RFC 2852) */
	uint64_t boundary; /* random */
	struct span header; /* the original's, as it is on disk */
	struct span content; /* all of the original, to be shown; or empty */
	bool is_8bit; /* the content may be */
	bool is_utf8; /* the message was sent with SMTPUTF8 (RFC 6531) */
	struct span subject; /* of it, for people (subject.h); may be empty */
	const struct dsn_rcpt *rcpts;
	size_t nrcpts;
};

/*
 * The whole message, header and all, in canonical form: 7-bit, if the content is
 * and the message was not sent with SMTPUTF8; else by RFC 6533. Its own header has
 * other letters only in the sender's address.
 */
void dsn_write(struct buf *out, const struct dsn *d);

#endif
