/*
 * authors: who a header says that its message is from (RFC 5322 3.6.2, 3.6.6), and
 * whether all of them are the account. Facts in, verdict out; in doubt it is not.
 */
#ifndef POLICY_AUTHORS_H
#define POLICY_AUTHORS_H

#include <stdbool.h>

#include "base/span.h"
#include "smtp/address.h"

struct identity;

enum author_field {
	AUTHOR_FROM,
	AUTHOR_SENDER,
	AUTHOR_RESENT_FROM,
	AUTHOR_RESENT_SENDER,
	AUTHOR_FIELDS, /* how many */
};

enum authors_verdict {
	AUTHORS_OWN, /* or there is no such field */
	AUTHORS_FOREIGN, /* it names an address of somebody else */
	AUTHORS_UNCLEAR, /* programs may read it in different ways */
};

struct authors {
	enum authors_verdict verdict; /* the worst of all fields */
	enum authors_verdict of[AUTHOR_FIELDS];
	/* Of the first field that is not the account's own: */
	struct span field; /* its name; into the header */
	enum authors_verdict told; /* what is said of it, with the next two */
	char address[ADDRESS_MAX + 1]; /* fit to be shown; "": none */
	const char *
	    why; /* told AUTHORS_UNCLEAR, and a name's address; static, or NULL */
	/*
	 * Of a From with one mailbox: what stands in front of its bracket, when that
	 * is a name that names nobody else; else empty. Into the header.
	 */
	struct span name;
};

/* "Resent-From". */
struct span author_field_name(enum author_field field);
/* The header section: fields with CRLF, unfolded by nobody. */
void authors_review(
    struct span header, const struct identity *who, struct authors *out);

#endif
