/*
 * leg: the recipients of one domain of one message: what the schedule holds, what
 * is routed, what stands in a line, what a lane takes and brings back. A pure
 * core: an event goes in; the leg's state, its recipients and their times change,
 * and what is to be done follows from the new state (leg_step() says it). Time
 * and random come as arguments.
 */
#ifndef DISPATCH_LEG_H
#define DISPATCH_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "mail/progress.h"
#include "sched/backoff.h"
#include "sched/heap.h"
#include "sched/turns.h"

struct asking;
struct channel;
struct lane;
struct message;
struct reason;

enum leg_state {
	LEG_WAITING, /* for its time */
	LEG_HELD, /* its message is, or is_mistrusted; see leg_stands_still() */
	LEG_ROUTING, /* its way is being looked up */
	LEG_LINE, /* for a lane, in its channel's line */
	LEG_LANE, /* a lane has it */
	LEG_LEAVING, /* the same, and the lane was asked for it */
	LEG_OVER, /* nothing more happens to its recipients, but for a report */
};
enum { LEG_STATES = LEG_OVER + 1 };
const char *leg_state_name(enum leg_state state);

/* One recipient's numbers, and the words that it shares with others. */
struct recipient {
	uint64_t due; /* monotonic ms: not before */
	struct reason *reason; /* owned reference; NULL: nothing was said yet */
	uint32_t last; /* wall s of the last attempt; 0: none */
	uint16_t tries;
	uint8_t state; /* enum rcpt_state */
	uint8_t step : 7; /* of the back-off */
	uint8_t is_out : 1; /* a lane has it */
};

/* Why a leg was called back from its lane. The later ones outweigh. */
enum leg_wish { WISH_NONE, WISH_HOLD, WISH_EXPIRE, WISH_BOUNCE, WISH_REMOVE };

struct leg {
	struct due due; /* its next time, or the end of its time */
	struct turn turn; /* in its channel's line */
	struct message *message; /* borrowed: owns it */
	struct channel *channel; /* borrowed; LINE, LANE and LEAVING only */
	union {
		struct lane *lane; /* borrowed; LANE and LEAVING only */
		struct asking *asks; /* ROUTING: the dispatcher's, or NULL */
	};
	/* ms that its time stood still; while it does: since when, monotonic */
	uint64_t stood;
	uint32_t first; /* recipient; the others are linked to it */
	uint32_t era; /* which configuration its way is of */
	uint32_t tried; /* hosts of its channel, a bit each */
	uint8_t state; /* enum leg_state */
	uint8_t answered; /* hosts that put it off in this attempt */
	uint8_t
	    returned : 7; /* how often it came back for another connection */
	uint8_t
	    is_rerouted : 1; /* it stood in line, and its way is asked anew */
	uint8_t wish : 3; /* enum leg_wish */
	uint8_t is_next : 1; /* it had come to its turn: to its line's front */
	uint8_t may_wait : 1; /* a host put it off, or was not to be had */
	uint8_t by_hand : 1; /* `retry`: moves no step of the back-off */
	uint8_t is_mistrusted : 1; /* it waits for its author's domain */
	uint8_t is_let : 1; /* the operator let it go in spite of that */
};

enum { LEG_HOSTS_ASKED = 2, LEG_HOSTS_MOST = 32, LEG_RETURNED_MOST = 127 };

enum leg_event_type {
	LEG_DUE, /* leg->due.at has come */
	LEG_ROUTED, /* `channel` takes it */
	LEG_UNROUTED, /* there is no way: `outcome`, `reason` */
	LEG_REROUTE, /* the configuration is new, or the way is old */
	LEG_TAKEN, /* `lane` took those that are due and is_out */
	LEG_BACK, /* from its lane: `outcomes` */
	LEG_HOLD, /* the operator's words */
	LEG_RELEASE,
	LEG_RETRY,
	LEG_BOUNCE,
	LEG_REMOVE,
	LEG_MISTRUST, /* its author's domain is held at its site: `reason` */
	LEG_STOP, /* the relay stops */
};
enum { LEG_EVENTS = LEG_STOP + 1 };
const char *leg_event_name(enum leg_event_type type);

/* What became of a recipient; deliver/outcome.h decides which. */
enum leg_outcome {
	LEG_NOT_TRIED, /* nothing was said about it */
	LEG_DELIVERED,
	LEG_NEXT_TRANSACTION,
	LEG_NEXT_CONNECTION,
	LEG_NEXT_HOST,
	LEG_ELSEWHERE,
	LEG_LATER,
	LEG_MISTRUSTED, /* put off until its author's domain is mended */
	LEG_FAILED,
};

struct leg_result {
	uint32_t rcpt;
	enum leg_outcome outcome;
	struct reason *reason; /* borrowed; NULL: the last one stays */
};

struct leg_event {
	enum leg_event_type type;
	uint64_t now; /* monotonic ms */
	int64_t wall; /* ms since 1970 */
	uint32_t random;
	/* LEG_ROUTED */
	struct channel *channel;
	uint32_t hosts; /* all that it has, a bit each */
	uint32_t era;
	/* LEG_UNROUTED; and why the operator bounced it, or it stood in line */
	enum leg_outcome outcome; /* LEG_LATER or LEG_FAILED */
	struct reason *reason;
	/*
	 * LEG_RETRY, LEG_BOUNCE, LEG_REMOVE: of these recipients of the message
	 * alone, by their index; NULL: of all. Borrowed.
	 */
	const bool *only;
	bool is_word; /* LEG_RELEASE: by the operator, whatever held it */
	/* LEG_TAKEN */
	struct lane *lane;
	/* LEG_BACK; of this leg's recipients that were out */
	const struct leg_result *results;
	uint32_t nresults;
	uint32_t host; /* bit of the host that the lane was at */
	bool is_unreached; /* the host was not to be had: it has not answered */
	bool has_next_host; /* one that was not tried yet, and may be */
	bool has_other_host; /* the same, or it may be some other time */
	bool blames_host; /* the next attempt begins at another one */
	bool lacks_dsn; /* the host sends no reports of success */
	bool lacks_by; /* it knows of no time to deliver by (RFC 2852) */
};

/* What the leg needs now. */
enum leg_need {
	LEG_NOTHING, /* nothing changed that asks for anything */
	LEG_WAIT, /* to be woken at leg->due.at */
	LEG_REST, /* nothing until the operator releases it */
	LEG_ROUTE, /* its way */
	LEG_JOIN, /* its place in the line of leg->channel */
	LEG_CARRY, /* to be handed to the lane */
	LEG_WITHDRAW, /* to be called back from its lane */
	LEG_END, /* to be forgotten */
};

enum leg_fact_type {
	LEG_FACT_DELIVERED,
	LEG_FACT_DEFERRED,
	LEG_FACT_FAILED,
	LEG_FACT_EXPIRED,
	LEG_FACT_REMOVED,
	LEG_FACT_HELD, /* only to be recorded: held or released */
};
/* What happened to a recipient: to be recorded, and told. */
struct leg_fact {
	const struct leg *leg; /* borrowed */
	uint32_t rcpt;
	enum leg_fact_type type;
};

/* What a step changed. Zero is an empty one; leg_facts_clear() frees. */
struct leg_facts {
	struct leg_fact *list; /* owned */
	uint32_t n, cap;
};
void leg_facts_clear(struct leg_facts *facts);

struct leg_options {
	struct backoff backoff; /* what it points to lives as long */
	uint64_t expire; /* ms */
};

/*
 * Takes the event. What happened to recipients is added to `facts`. A leg that
 * leaves a line or a question behind must be taken out of it by the caller, who
 * knows the state before. Any event is allowed in any state; those that mean
 * nothing there need nothing (the table in leg.c).
 */
enum leg_need leg_step(struct leg *leg, const struct leg_event *ev,
    const struct leg_options *options, struct leg_facts *facts);

/* What is known of its past: it is held; for so many ms it is, or was. */
struct leg_past {
	bool is_held, is_mistrusted;
	uint64_t stood;
};
/*
 * A new one of the message that it is part of, with its recipients as they are:
 * waiting, held or over.
 */
void leg_begin(struct leg *leg, struct leg_past past,
    const struct leg_options *options, uint64_t now);
/* Whether it is under way: asked for, in line or in a lane. */
bool leg_is_in_hand(const struct leg *leg);
/*
 * Whether it is held and does not become older by that. Its time goes on while its
 * message waits for filters and is held by nothing else.
 */
bool leg_stands_still(const struct leg *leg);
/* When it expires, if its time goes on; monotonic ms. */
uint64_t leg_end(const struct leg *leg, const struct leg_options *options);
/* leg->due, by what its state waits for; not while it is held. */
void leg_set_due(struct leg *leg, const struct leg_options *options);
/* Whether that recipient of it is to be tried now. */
bool leg_wants(const struct leg *leg, uint32_t rcpt, uint64_t now);
/* The rank that it stands in line with. */
enum turn_rank leg_rank(const struct leg *leg);
/* What is recorded of a recipient now. `reason` is borrowed from it. */
struct progress
leg_row(const struct leg *leg, uint32_t rcpt, uint64_t now, int64_t wall);

#endif
