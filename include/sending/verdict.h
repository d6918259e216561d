/*
 * verdict: what is known of a domain that mail is sent from: what its SPF record says
 * of our addresses, whether our DKIM key for it can be checked, what its DMARC record
 * asks for, and what receivers will make of it. A value; as bytes, too. Pure.
 */
#ifndef SENDING_VERDICT_H
#define SENDING_VERDICT_H

#include <stdbool.h>

#include "base/buf.h"
#include "sending/dmarc.h"
#include "sending/spf.h"

enum sending_verdict {
	SENDING_UNKNOWN, /* not looked at yet, or the name servers are silent */
	SENDING_GOOD, /* SPF, DKIM and DMARC are all in order */
	SENDING_INCOMPLETE, /* it passes, by one of them alone, or without DMARC */
	SENDING_REFUSED, /* neither SPF nor DKIM speaks for it */
};
enum { SENDING_VERDICTS = SENDING_REFUSED + 1 };
/* "good" */
const char *sending_verdict_name(enum sending_verdict v);

enum dkim_status {
	DKIM_NO_KEY, /* nothing is signed for it */
	DKIM_RIGHT, /* its record is that of a key that signs */
	DKIM_WRONG,
	DKIM_UNANSWERED,
};
enum { DKIM_STATUSES = DKIM_UNANSWERED + 1 };
const char *dkim_status_name(enum dkim_status s);
/* "none", for what is missing. */
const char *dmarc_status_name(enum dmarc_status s);

enum {
	SENDING_NAME_SIZE = 256,
	SENDING_WHY_SIZE = SPF_WHY_SIZE + 64,
	SENDING_RECORD_SIZE = 512,
};

struct sending {
	enum sending_verdict verdict;
	char domain[SENDING_NAME_SIZE], mail_from[SENDING_NAME_SIZE];
	struct {
		bool is_known; /* false: our addresses are not */
		bool is_aligned;
		enum spf_result result; /* the worst of our addresses' */
		unsigned lookups;
		char record[SENDING_RECORD_SIZE], why[SENDING_WHY_SIZE];
	} spf;
	struct {
		enum dkim_status status;
		bool is_aligned;
		char domain[SENDING_NAME_SIZE]; /* whose key it is */
		char why[SENDING_WHY_SIZE];
	} dkim;
	struct {
		enum dmarc_status status;
		enum dmarc_policy policy; /* for this domain */
		bool passes; /* a message of ours would */
		char domain[SENDING_NAME_SIZE]; /* where the record is */
		char why[SENDING_WHY_SIZE];
	} dmarc;
};

/* Fills in what follows from the others: alignment, `passes`, the verdict. */
void sending_judge(struct sending *s, const struct dmarc *dmarc);
/* What to do, a line each that ends in LF; nothing when all is in order. */
void sending_advise(const struct sending *s, struct buf *out);
/* As bytes, and back. False: they are none. */
void sending_write(const struct sending *s, struct buf *out);
bool sending_read(struct span in, struct sending *out);

#endif
