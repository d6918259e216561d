/*
 * trace: the header lines that a submission server puts in front: Received
 * (RFC 5321 4.4, with RFC 3848's protocol, RFC 8314 section 4.3's TLS cipher
 * and RFC 6710's priority), and Date, Message-ID and From where they are missing (RFC 6409
 * section 8).
 */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum { DATE_SIZE = 40 };

/* RFC 5322 3.3 date-time in UTC. */
void date_format(int64_t wall_ms, char out[DATE_SIZE]);

struct trace {
	struct span helo; /* what the client called itself */
	struct span client; /* its address, numeric */
	struct span hostname; /* ours */
	struct span protocol; /* "ESMTPSA" ... */
	struct span tls; /* "TLSv1.3", or empty */
	struct span cipher; /* its IANA name, or empty */
	struct span rcpt; /* the one recipient; empty when there are more */
	struct span priority; /* MT-PRIORITY; empty when none was asked for */
	struct span qid;
	int64_t when;
};

void trace_write_received(struct buf *out, const struct trace *t);
void trace_write_date(struct buf *out, int64_t wall_ms);
/* `address`: as it leaves on the wire. */
void trace_write_from(struct buf *out, struct span address);
void trace_write_message_id(
    struct buf *out, struct span qid, uint64_t random, struct span hostname);

#endif
