/*
 * message: what waits as one: its envelope, its legs, and what its sender is to
 * be told. A pure core as the legs are: message_step() decides when a report
 * goes out, when the delay is told of, and when all is done.
 *
 *   QUIET -> GATHERING (failures wait for company) -> REPORTING -> QUIET
 *   REPORTING -> AGAIN (the report could not be stored) -> REPORTING
 *   QUIET -> OVER, when no leg is open and everything was told
 */
#ifndef DISPATCH_MESSAGE_H
#define DISPATCH_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "dispatch/leg.h"
#include "mail/envelope.h"

enum message_state {
	MESSAGE_QUIET,
	MESSAGE_GATHERING, /* something failed; the report waits a while */
	MESSAGE_AGAIN, /* its report could not be stored, and waits a moment */
	MESSAGE_REPORTING, /* a report is being stored */
	MESSAGE_OVER,
};
enum { MESSAGE_STATES = MESSAGE_OVER + 1 };
const char *message_state_name(enum message_state state);

/* Before which others of its account it goes (RFC 6710): the sign of it. */
enum message_urgency { URGENCY_USUAL, URGENCY_HIGH, URGENCY_LOW };
enum { URGENCIES = URGENCY_LOW + 1 };

struct message {
	struct due due; /* of the report, or of the warning */
	struct slot *slot; /* borrowed: its place in the queue */
	struct list awake, idle; /* the queue's */
	uint32_t
	    pins; /* who has it from one turn to the next: it must not rest */
	struct envelope *env; /* owned */
	int64_t born; /* monotonic ms; before the start: negative */
	uint64_t report_at; /* GATHERING: the latest moment; AGAIN: the next */
	uint32_t reported; /* monotonic s of the last report; 0: none */
	uint32_t open; /* legs that are not over */
	uint32_t in_hand; /* of these: under way */
	/* What its sender wishes (mail/wishes.h), s since it was born; 0: nothing. */
	uint32_t release; /* it is not tried before */
	uint32_t by : 31; /* it is delivered by then, */
	uint32_t by_returns : 1; /* or comes back; else its sender is told */
	uint32_t untold : 20; /* recipients whose end is to be told yet */
	uint32_t state : 3; /* enum message_state */
	uint32_t flags : 7; /* enum message_flags */
	uint32_t urgency : 2; /* enum message_urgency */
	struct leg *legs; /* env->ngroups of them, in this block */
	struct recipient rcpts[];
};

enum message_event_type {
	MESSAGE_MOVED, /* something happened to a leg */
	MESSAGE_DUE, /* message->due.at has come */
	MESSAGE_TOLD, /* the report is stored, or nobody is to have one */
	MESSAGE_NOT_TOLD, /* it could not be stored */
};
enum { MESSAGE_EVENTS = MESSAGE_NOT_TOLD + 1 };
const char *message_event_name(enum message_event_type type);

/* Recipients, as indices into the envelope. */
struct message_event {
	enum message_event_type type;
	uint64_t now;
	const uint32_t *rcpts; /* MESSAGE_TOLD: of whom */
	uint32_t nrcpts;
};

enum message_need {
	MESSAGE_NOTHING, /* beyond being woken at due.at, if it is set */
	MESSAGE_REPORT, /* a report of all that failed, to the sender */
	MESSAGE_DROP, /* the same, but there is nobody to tell */
	MESSAGE_WARN, /* the sender is to hear of the delay */
	MESSAGE_RELEASE, /* it may go now: MESSAGE_FUTURE is gone */
	MESSAGE_DONE, /* to be forgotten */
};

struct message_options {
	uint64_t expire, delay_warning; /* ms; delay_warning 0: none */
	/*
	 * When the relay started, ms: who waited longer than the delay because
	 * it did not run is warned of only some time after that, if at all.
	 */
	uint64_t started;
};

enum {
	MESSAGE_GATHER_MS = 60000,
	MESSAGE_REPORT_APART_MS = 3600000,
	MESSAGE_REPORT_AGAIN_MS = 10000, /* when it could not be stored */
	MESSAGE_NEVER = 0, /* of due.at: it need not be woken */
};

/* Sets message->due.at, too: MESSAGE_NEVER, or when it is to be woken. */
enum message_need message_step(struct message *m,
    const struct message_event *ev, const struct message_options *options);

/* One with its legs and recipients, but nothing is said of them yet. */
struct message *message_alloc_take(struct envelope *env);
/*
 * Takes the envelope. `rows` (env->nrcpt, borrowed) is what the spool knew at a
 * start; NULL for a new message.
 */
struct message *
message_new(struct envelope *env, const struct progress *rows, uint32_t flags,
    const struct leg_options *options, uint64_t now, int64_t wall);
void message_free(struct message *m);

/* The first of its times and its legs', as the heap has them; MESSAGE_NEVER. */
uint64_t message_next_time(const struct message *m);
/*
 * Changes message->flags. Its legs' time stands still while something holds it, but
 * for the filters that it waits for: that is a delay as any other.
 */
void message_set_flags(struct message *m, unsigned flags, uint64_t now);
/* When MESSAGE_FUTURE goes, monotonic ms. */
uint64_t message_release_at(const struct message *m);
/* ms */
uint64_t message_age(const struct message *m, uint64_t now);
/* The only place where a recipient's state changes: it counts what is untold. */
void message_set_state(struct message *m, uint32_t rcpt, enum rcpt_state state);
/*
 * Whether the next report is about recipients that failed, else about those that
 * were relayed: what is not told yet is told in two reports.
 */
bool message_has_failures(const struct message *m);
/* An end that nobody was told of yet is nobody's business any more. */
void message_forget_untold(struct message *m);
/* Whether its sender is to be told of its end, and was not yet. */
bool recipient_is_untold(const struct recipient *r);
/* Whether that end is a failure. */
bool recipient_has_failed(const struct recipient *r);
/* What it is when its sender was told. */
enum rcpt_state recipient_once_told(const struct recipient *r);
/* Takes a reference; NULL leaves the one that is there. */
void recipient_set_reason(struct recipient *r, struct reason *reason);
/* When the last attempt was made, wall ms; 0: none was. */
int64_t recipient_last(const struct recipient *r);

#endif
