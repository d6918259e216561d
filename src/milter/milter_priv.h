/* milter_priv: what the files of this core share. */
#ifndef MILTER_MILTER_PRIV_H
#define MILTER_MILTER_PRIV_H

#include "milter/milter.h"
#include "milter/packet.h"
#include "smtp/dot.h"
#include "smtp/line_meter.h"

enum milter_state {
	STATE_OPTIONS,
	STATE_CONNECT,
	STATE_HELO,
	STATE_MAIL,
	STATE_RCPT,
	STATE_DATA,
	STATE_HEADER,
	STATE_HEADER_END,
	STATE_BODY,
	STATE_END,
	STATE_OVER,
};

/* Macros go with the letters of states, as a filter numbers these. */
enum macro_stage {
	MACROS_CONNECT,
	MACROS_HELO,
	MACROS_MAIL,
	MACROS_RCPT,
	MACROS_DATA,
	MACROS_END,
	MACROS_HEADER_END,
	MACROS_STAGES,
	MACROS_NONE = MACROS_STAGES,
};

enum {
	MACRO_LIST_MOST = 2048, /* octets of the names that a filter wants */
	REPLY_MOST = 480, /* octets of a reply to the client */
	OUT_ENOUGH = 256 * 1024, /* octets that are written at once */
	CHANGES_MOST =
	    65536, /* octets of addresses that it adds, or takes out */
};

struct milter {
	const struct milter_message *message; /* borrowed */
	struct milter_limits limits;
	enum milter_state state;
	uint32_t version, actions, protocol; /* as agreed */
	bool waits; /* for an answer */
	bool wants_piece;
	bool is_full; /* what there is to be written leaves first */
	bool skips; /* the rest of the body */
	bool is_done; /* all of the state is said */
	uint32_t rcpt; /* the next one to be told */
	struct span fields; /* of the header, that are to be told */
	bool has_list[MACROS_STAGES];
	char *lists[MACROS_STAGES]; /* owned: macros that it wants */
	struct buf in; /* owned: what is no whole packet yet */

	struct buf header; /* owned: as it is changed */
	struct buf body; /* owned: a piece of the new one */
	struct dot_reader lines; /* of the new body */
	struct line_meter meter;
	uint64_t body_size;
	struct buf texts; /* owned: what changes point into */
	struct milter_change *changes; /* owned */
	size_t changes_cap;
	struct buf reply, why, quarantine; /* owned */
	struct milter_outcome outcome;
};

/* --- macros.c --- */

/* The macros of a stage, in front of the command of that letter. */
void macros_write(const struct milter *m, enum macro_stage stage, char letter,
    struct buf *out);

/* --- changes.c: what a filter wants changed --- */

/* Whether that letter asks for a change. */
bool change_is_one(char letter);
/* NULL, or what is wrong with it. */
const char *change_take(struct milter *m, const struct packet *p);
/* The last line of a new body ends, too; NULL, or what is wrong. */
const char *change_end_body(struct milter *m);

/* --- answer.c --- */

/*
 * A filter's own reply to the client, made fit for it; false: it is none. `out` is
 * a text then, NUL and all.
 */
bool answer_read_reply(struct span text, struct buf *out);
/* Appends text of a filter: what is not printable ASCII becomes '?'. */
void answer_clean(struct span text, size_t most, struct buf *out);

#endif
