/* spf_priv: what the files of SPF share: the terms of a record, and macros. */
#ifndef SENDING_SPF_PRIV_H
#define SENDING_SPF_PRIV_H

#include "base/buf.h"
#include "base/network.h"
#include "sending/spf.h"

/* --- spf_record.c: RFC 7208 4.6.1 and 5 --- */

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT,
	SPF_EXP, /* and all modifiers that nobody knows */
};

struct spf_term {
	enum spf_kind kind;
	enum spf_result qualifier; /* what it says of whom it covers */
	struct span whole; /* borrowed from the record, as the next */
	struct span domain; /* with its macros; empty: the record's own */
	struct network network; /* IP4, IP6 */
	uint8_t bits4, bits6; /* A, MX: of the addresses, so many */
};

enum spf_next { SPF_TERM, SPF_END, SPF_WRONG };

/* "v=spf1", and nothing that makes it another word. */
bool spf_is_record(struct span text);
/* Takes the next term from the front of what is left behind the version. */
enum spf_next spf_term_next(struct span *rest, struct spf_term *out);
/* True: each term is one. False: `bad` is the first that is not. */
bool spf_is_sound(struct span terms, struct span *bad);

/* --- spf_macro.c: RFC 7208 7 --- */

struct spf_macros {
	struct span sender_domain; /* of postmaster */
	struct span domain; /* whose record it is */
	struct span hostname;
	const union dns_address *address;
};

/* Whether it is a domain-spec: macros that are some, and an end that is a name. */
bool spf_is_domain_spec(struct span spec);
/* What the spec stands for, as a name to be asked for; false: it is no name. */
bool spf_expand(
    struct span spec, const struct spf_macros *m, char out[DNS_NAME_MAX]);

#endif
