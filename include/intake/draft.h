/*
 * draft: a message on its way in, before the spool has it: an envelope in the
 * making, and content, of which the lines that we put in front (the head) are kept
 * apart. Every message comes in as a draft, whoever brings it: a client, a report
 * of ours, an import. It goes through one table of steps (steps.c), each of which
 * answers at once or later, and may refuse with a reply. Pure: what a step cannot
 * do itself is a need, and intake_io does it.
 */
#ifndef INTAKE_DRAFT_H
#define INTAKE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "mail/header.h"
#include "mail/mend.h"

struct address;
struct aliases;
struct body_hash;
struct conf;
struct content;
struct draft_rcpt;
struct envelope;
struct progress;

/* Who brings it, a bit each. */
enum draft_origin {
	DRAFT_SUBMITTED = 1, /* a client: the header is looked over */
	DRAFT_REPORT = 2, /* we ourselves */
	DRAFT_IMPORTED = 4, /* it was a message before, and has a past */
	/* It is one, which filters are asked about after acceptance. */
	DRAFT_FILTERED = 8,
};

/* When a step has its turn. */
enum draft_stage {
	DRAFT_SENDER, /* the sender is known */
	DRAFT_RCPT, /* one more recipient is: the last one */
	DRAFT_BEGINS, /* the envelope is whole */
	DRAFT_HEADER, /* the header section is whole */
	DRAFT_PIECE, /* more content has come */
	DRAFT_ENDS, /* all of it has */
};

enum draft_need {
	DRAFT_NOTHING, /* the stage is over; see draft_is_refused() */
	/* Room in the account's budgets: SENDER a message, else d->asked. */
	DRAFT_RESERVE,
	DRAFT_SUPPRESSED, /* whether the recipient d->asked is refused to it */
	DRAFT_OPEN, /* an entry in the spool, and its id */
	DRAFT_PASS, /* the body goes to disk */
	DRAFT_FILTER, /* filters look at it, and change it */
	DRAFT_REWRITE, /* what they changed takes the place of what is on disk */
	DRAFT_COMMIT, /* all of it becomes durable */
};

/* The most content that may be added before draft_look(). */
enum { DRAFT_TAKE_MAX = 32 * 1024 };

/* Where the client came in, and how, for filters; all borrowed. */
struct draft_place {
	struct span listener; /* its name */
	struct span address; /* numeric, and its port; empty: not known */
	uint16_t port;
	uint16_t client_port;
	struct span mechanism; /* of the login; empty: there was none */
};

/* What filters see of a draft, and make of it. */
struct draft_filtered {
	struct draft_place place; /* the owner's to set */
	/* Owned: parameters, MAIL's and each RCPT's, each ended by a NUL. */
	struct buf said;
	struct buf trace; /* owned: the first lines of the head, unseen */
	struct buf fields; /* owned: the others, and the client's header */
	uint64_t
	    body_at; /* in what was given, or in draft.body: behind the header */
	bool is_changed; /* the header, the body or the sender */
	bool is_body_changed;
	struct buf new_body; /* owned: what it is then, unless it is `rest` */
	/* Behind head and body, what `rest` has from there on; borrowed. */
	struct content *rest;
	uint64_t rest_at;
	bool is_discarded; /* it is taken, and thrown away */
	const char *refused_by; /* a filter's name, of conf; NULL: none did */
	struct buf held_by; /* owned: the filter, and why; empty: none does */
};

/* `{0}` is one that nobody has begun. Zeroed again by draft_clear(). */
struct draft {
	enum draft_origin origin;
	const struct conf *conf; /* borrowed; DRAFT_SUBMITTED only */
	/* Borrowed until it is cleared: who brings it, and how. */
	struct span account, helo, client, tls_version, tls_cipher;
	/* The same: the account's key, if it is one, and what narrows that. */
	struct span key, send_as;
	/* Borrowed while a step runs: the owner's to keep right; or NULL. */
	const struct aliases *aliases;
	int64_t now; /* wall clock, ms: the owner's to keep right */
	uint64_t random; /* for a Message-ID */

	uint64_t id; /* of the message, once it is open */
	int64_t arrived; /* wall clock, ms; 0: it has no arrival but `now` */
	char *sender; /* owned; NULL: unknown, "": the null path */
	uint32_t flags; /* enum envelope_flags */
	bool needs_utf8; /* an address or the header is more than ASCII */
	struct buf attrs; /* owned: of the message */
	struct buf rcpts; /* owned: texts of recipients */
	struct draft_rcpt *named; /* owned: where those are */
	uint32_t nrcpt, named_cap;
	uint32_t asked; /* the recipient that a need is about */

	struct buf head; /* owned: the lines we put in front */
	struct buf body; /* owned: what came after them, and is not passed */
	struct content *given; /* borrowed: all of it, instead; or NULL */
	/* DRAFT_FILTERED: as it was accepted, and who is to get it still. */
	const struct envelope *stored; /* borrowed, as the next */
	const bool *open; /* stored->nrcpt of them */
	uint64_t passed; /* octets of the body that went to disk before */
	/* What is known of a message with a past; borrowed. */
	const struct progress *rows;
	uint32_t message_flags;

	struct mend_scan scan;
	struct header_facts header;
	size_t header_end; /* in body, while its steps run */
	size_t behind_header; /* octets of body behind it, as they began */
	bool is_anybody; /* the owner's: any address may be its own */
	bool wants_hash; /* the owner's: mail is signed here (sign/body.h) */
	struct body_hash *hash; /* owned; NULL: none is taken */
	size_t hashed; /* in body: what comes before is not to be hashed */
	struct draft_filtered *filtered; /* owned; NULL: there are no filters */
	bool header_done;
	bool has_new_dots; /* a line begins with a dot that did not so before */
	char *message_id; /* owned: as it stands in the header, or NULL */
	bool is_forged; /* refused since the header names somebody else */
	bool is_open; /* in the spool: to be dropped if it is given up */
	bool is_reserved; /* in budgets: to be given back if it is given up */
	const char *refusal; /* the reply; NULL: none so far */
	const char *why; /* the same for the log; NULL: the reply says it */
	char *words; /* owned: a refusal that has something in it, or NULL */
	enum draft_stage stage;
	size_t step; /* the next one of the table */
	enum draft_need need; /* of the step before it */
};

/* Frees what it owns. The owner drops its entry, if it is open. */
void draft_clear(struct draft *d);
/* As the address leaves (address_write()); copied. */
void draft_set_sender(struct draft *d, const struct address *from);
/* The same. False: it is named already, and stays one recipient. */
bool
draft_add_rcpt(struct draft *d, const struct address *to, struct span attrs);
/* The last one is not taken. */
void draft_drop_rcpt(struct draft *d);
/* For addresses that are written so already; each recipient is one. */
void draft_set_written_sender(struct draft *d, struct span from);
void draft_add_written(struct draft *d, struct span to, struct span attrs);
/* The Message-ID of a header that is ours, in a body that is whole. */
void draft_note_written(struct draft *d);
/* The address of that recipient, as it leaves. */
struct span draft_rcpt(const struct draft *d, uint32_t i);
/* The finished envelope; free() it. `size`: of the content. */
struct envelope *draft_envelope(const struct draft *d, uint64_t size);
/* What the client said behind the path of MAIL, or of that RCPT. */
void draft_said(struct draft *d, struct span params);
struct span draft_params(const struct draft *d, uint32_t rcpt);
enum { DRAFT_MAIL = UINT32_MAX };
/* That one is no recipient any more; those behind it move up. */
void draft_remove_rcpt(struct draft *d, uint32_t i);
/* Octets of content, where none was given: passed, and still here. */
uint64_t draft_size(const struct draft *d);

/*
 * It is not taken: the first reply counts (borrowed; a text that stays). Content
 * that is there, and that comes yet, is dropped.
 */
void draft_refuse(struct draft *d, const char *reply);
/* The same for a reply that is made for it; `why` is for the log, and stays. */
void draft_refuse_with(struct draft *d, const char *why, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
bool draft_is_refused(const struct draft *d);
/* What was refused is over; the draft goes on as it was before that stage. */
void draft_forgive(struct draft *d);

/* Goes through the steps of a stage, until one needs something. */
enum draft_need draft_run(struct draft *d, enum draft_stage stage);
/*
 * What was needed is done, or was not to be had: `refusal` is the reply, or NULL.
 * Goes on with the steps of that stage.
 */
enum draft_need draft_answered(struct draft *d, const char *refusal);
/* Makes room for DRAFT_TAKE_MAX more of content. */
void draft_reserve(struct draft *d);
/*
 * Content was added to d->body; `is_all`: the last of it. Once the header section
 * is whole its stage is run.
 */
enum draft_need draft_look(struct draft *d, bool is_all);

/* --- after.c: a message that is stored becomes a draft again --- */

/*
 * `d` is zero but for conf, now and random. The envelope, and who is to get it still,
 * live until the draft is cleared.
 */
void after_begin(struct draft *d, const struct envelope *env, const bool *open);
/*
 * `text`: the front of the content with all of the header, or (is_all) the whole,
 * which is copied. The content is borrowed until the draft is cleared. False: the
 * header is none of ours, or does not end in the text. Then draft_run(DRAFT_ENDS).
 */
bool after_take_content(
    struct draft *d, struct content *content, struct span text, bool is_all);
/* Whether filters want anything of it changed. */
bool after_has_changes(const struct draft *d);
/* Recipients that they took out; `news` has room for stored->nrcpt. How many. */
size_t after_news(const struct draft *d, struct progress *news);

#endif
