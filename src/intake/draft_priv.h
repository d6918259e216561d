/* draft_priv: what the files of intake share. */
#ifndef INTAKE_DRAFT_PRIV_H
#define INTAKE_DRAFT_PRIV_H

#include "conf/conf.h"
#include "intake/draft.h"
#include "policy/identity.h"

/* Where a recipient is in d->rcpts: the address, then its attributes. */
struct draft_rcpt {
	uint64_t hash; /* of the address, to find one named twice */
	uint32_t at;
	uint32_t said; /* in d->said: its parameters; 0: it has none */
	uint16_t address, attrs; /* bytes */
	uint32_t stored; /* which one of d->stored it is, and 1; 0: a new one */
	uint8_t unasked; /* enum unasked: a filter has added it */
};

/* What an added recipient was not asked about yet; the last one comes first. */
enum unasked { ALL_ASKED, BUDGET_UNASKED, SUPPRESSION_UNASKED };

enum {
	ID_KEPT = 250, /* octets of a Message-ID, to be told */
	DRAFT_SMALL_MAX = 96 * 1024, /* beyond it content leaves memory, */
	/* and then goes on in such pieces: with DRAFT_TAKE_MAX spool_piece() */
	DRAFT_CHUNK = 224 * 1024,
};

/* Which filters are asked about it. */
enum conf_when draft_when(const struct draft *d);
/* What filters see and make of it; made when it is first asked for. */
struct draft_filtered *draft_filtered(struct draft *d);
/* Whether an address that stays is more than ASCII. */
bool draft_has_utf8_address(const struct draft *d);

/* An address that is stored: as it leaves, and which one it is. */
void draft_add_stored(
    struct draft *d, struct span to, struct span attrs, uint32_t which);

/* --- after.c --- */

/* How the client came is noted, if a filter is to be asked later. */
enum draft_need after_note(struct draft *d);
/* The envelope of a draft that was stored before: its parts but for recipients. */
struct envelope_parts;
struct envelope *
after_envelope(const struct draft *d, struct envelope_parts *parts);

/* --- admit.c: steps of the stages DRAFT_SENDER and DRAFT_RCPT --- */

/* Whose it is; for a draft that a client brings. */
struct identity draft_identity(const struct draft *d);
/* "account ann@b.test", "key laptop of account ann@b.test"; for replies. */
enum { DRAFT_WHO_SIZE = 200 };
void draft_say_who(const struct draft *d, char out[DRAFT_WHO_SIZE]);
/* Whether the account may use the sender's address. */
enum draft_need admit_sender(struct draft *d);
/* How many recipients a message may have. */
enum draft_need admit_rcpt(struct draft *d);
/* Whether a host refused that recipient for good, to an account that minds. */
enum draft_need admit_suppressed(struct draft *d);
/* The next question about a recipient that filters added; NOTHING: there is none. */
enum draft_need admit_added(struct draft *d);
/*
 * One that a filter added is refused to the account: it is left out, and the message
 * is refused only if nobody stays.
 */
void admit_leave_out(struct draft *d, const char *refusal);

/*
 * --- fixups.c: what a submission server does to a header (RFC 6409 section 8) ---
 *
 * Steps of the stage DRAFT_HEADER. The header is d->body[0 .. d->header_end), and
 * d->header what was found in it.
 */

/* The header section ends there; `needs_blank`: no blank line ends it yet. */
void fixups_begin(struct draft *d, size_t end, bool needs_blank);

enum draft_need fixup_loop(struct draft *d);
enum draft_need fixup_private(struct draft *d);
enum draft_need fixup_empty(struct draft *d);
enum draft_need fixup_received(struct draft *d);
enum draft_need fixup_date(struct draft *d);
enum draft_need fixup_message_id(struct draft *d);
enum draft_need fixup_from(struct draft *d);
/*
 * What the header says: whoever said SMTPUTF8 may have one that is more than ASCII,
 * and needs hosts that take it (RFC 6531 3.2).
 */
void draft_note_letters(struct draft *d, struct span header);
/*
 * Appends the account's own address: its name, or the sender's address. False: it
 * has none that may stand in a header.
 */
bool draft_write_own(const struct draft *d, struct buf *out);

/* --- authors.c: who the header says that the message is from --- */

enum draft_need fixup_authors(struct draft *d);

/*
 * --- author.c: whose records receivers will ask about it (mail/origin.h) ---
 */

enum draft_need note_author(struct draft *d);

/*
 * --- changes.c: what a filter wants changed of the envelope ---
 *
 * An added recipient is asked about when all filters have spoken (admit_added()).
 */

struct milter_outcome;
/* NULL, or what is wrong with them: then none of them is made. */
const char *
changes_wrong(const struct draft *d, const struct milter_outcome *o);
void changes_make(struct draft *d, const struct milter_outcome *o);

/*
 * --- filtered.c: what filters see, and what follows from what they change ---
 */

/* The header is as it will be stored: keeps it for them. */
enum draft_need filters_keep(struct draft *d);
enum draft_need filters_ask(struct draft *d);
/*
 * What they changed is what is looked over, stored and signed: identity, the lines
 * that must be there, the author, and the flags that follow from the bytes.
 */
enum draft_need filters_review(struct draft *d);

/*
 * --- hash.c: the body's hash, which a signature needs (sign/body.h) ---
 *
 * Taken while the body passes, and kept among the message's attributes.
 */

/* The header is as it will be: what follows is the body. */
enum draft_need hash_begin(struct draft *d);
enum draft_need hash_piece(struct draft *d);
enum draft_need hash_end(struct draft *d);

#endif
