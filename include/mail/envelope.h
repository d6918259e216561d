/*
 * envelope: what travels with a message beside its content (RFC 5321 2.3.1):
 * who handed it in, the reverse-path, the recipients, when and how. Made once,
 * in one block of memory, and never changed; all pointers point into the block.
 * Recipients keep the order they came in; those of one domain (whatever its
 * case) are a group, and linked.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include <stdint.h>

#include "base/span.h"

enum envelope_flags {
	ENVELOPE_8BIT = 1, /* BODY=8BITMIME, or content has 8-bit bytes */
	ENVELOPE_NO_DOTS = 2, /* no line of the content begins with a dot */
	ENVELOPE_REPORT = 4, /* made here: a bounce or a warning */
	/* RFC 6531: its addresses or its header are more than ASCII, and the
	   client said so */
	ENVELOPE_UTF8 = 8,
	ENVELOPE_UTF8_HEADER = 16, /* of those, the header */
	/* BODY=BINARYMIME, and it is: NUL, lines that CRLF does not end, or that
	   are longer than any host's */
	ENVELOPE_BINARY = 32,
};

enum { ENVELOPE_NO_MORE = UINT32_MAX };

struct envelope_rcpt {
	const char *address; /* forward-path without <> */
	uint16_t domain; /* where in the address the domain begins */
	uint16_t attrs; /* bytes of them, behind the address */
	uint32_t next; /* of its group, or ENVELOPE_NO_MORE */
};

struct envelope {
	uint64_t id;
	uint64_t size; /* of the content, bytes */
	int64_t arrived; /* wall clock, ms since 1970 */
	uint32_t flags; /* enum envelope_flags */
	uint32_t nrcpt, ngroups;
	uint32_t attrs; /* bytes of them, behind the account */
	const uint32_t *groups; /* the first recipient of each, ascending */
	const char *account; /* who logged in; "" for our own reports */
	const char *sender; /* reverse-path without <>; "" is the null one */
	struct envelope_rcpt rcpts[];
};

/* What an envelope is made of; all is copied. */
struct envelope_parts {
	uint64_t id, size;
	int64_t arrived;
	uint32_t flags, nrcpt;
	struct span account, sender;
	struct span attrs; /* of the message (mail/attrs.h) */
	const struct span *rcpt; /* nrcpt of them */
	const struct span *rcpt_attrs; /* the same; NULL: none has any */
};

/* One heap block; free() it. */
struct envelope *envelope_new(const struct envelope_parts *parts);
/* The domain of that recipient, as it was written. */
struct span envelope_domain(const struct envelope *env, uint32_t rcpt);
/* Which group has each recipient: env->nrcpt indices; free() it. */
uint32_t *envelope_groups_of(const struct envelope *env);
/* What the message, and what a recipient, carries beside (mail/attrs.h). */
struct span envelope_attrs(const struct envelope *env);
struct span envelope_rcpt_attrs(const struct envelope *env, uint32_t rcpt);
/* How much memory the block takes. */
size_t envelope_memory(const struct envelope *env);

#endif
