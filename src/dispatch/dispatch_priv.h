/* The parts of dispatch, for the files that are it. */
#ifndef DISPATCH_DISPATCH_PRIV_H
#define DISPATCH_DISPATCH_PRIV_H

#include "base/map.h"
#include "conf/conf.h"
#include "dispatch/dispatch.h"
#include "dispatch/history.h"
#include "dispatch/leg.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "route/router.h"
#include "sched/heap.h"
#include "sched/site.h"
#include "sched/turns.h"

/* What a `struct due` in the heap is part of. */
enum due_kind { DUE_LEG, DUE_MESSAGE, DUE_CHANNEL, DUE_FILTER, DUE_RESTING };

struct dispatch {
	struct loop *loop; /* borrowed: the relay's */
	const struct conf *conf; /* owned reference */
	struct spool *spool; /* borrowed */
	struct dispatch_lanes out;
	struct leg_options leg_options;
	struct message_options message_options;
	uint64_t started; /* monotonic ms */
	struct queue *queue; /* owned */
	struct router *router; /* owned */
	struct history *history; /* owned */
	struct heap heap; /* of legs, messages and channels */
	struct deadline *alarm; /* owned: the heap's first, or a pause's end */
	struct leg_facts facts; /* of the step under way, until they are told */
	struct list serve; /* struct channel: at the end of this turn */
	struct list idle; /* struct outgoing, without work; oldest first */
	struct list busy; /* those that have work, or end */
	struct turns all; /* channels that want one of all lanes */
	struct reason *bounced; /* owned reference: by the operator */
	struct map addresses; /* struct address: those that lanes go to */
	struct list crowded; /* those that channels wait for */
	struct list curious; /* struct asking, without a leg */
	struct list waits; /* struct wait, of operators */
	void (*failed)(const struct envelope *env, struct span rcpt,
	    const struct words *words, void *arg); /* or NULL */
	void *failed_arg;
	struct dispatch_budget budget; /* who says when there is room */
	struct dispatch_filters filters; /* who asks them */
	struct map filtering; /* struct filtering by id */
	struct turns filter_line;
	uint32_t filters_asked; /* messages that they are asked about */
	struct list walks; /* struct walk */
	struct list domain_holds; /* struct domain_hold */
	struct map domains_held; /* the same, by domain and site */
	void (*mistrusted)(struct span domain, const char *site,
	    const struct words *words, void *arg); /* or NULL, as the next */
	void (*held_before)(struct span domain, void *arg);
	void *mistrusted_arg;
	struct list held_lines; /* struct held_line */
	struct map held_by, held; /* the same by account; struct held by id */
	struct deadline *held_alarm; /* owned: the first of the lines' */
	struct reason *held_reason; /* owned reference */
	uint32_t lanes, lanes_most, reports; /* under way */
	uint32_t retiring; /* lanes that end because they were idle */
	/* Borrowed: of those that are awake the next to be routed anew. */
	struct message *walk;
	uint32_t era; /* how often there was a new configuration */
	bool running;
	struct end_of_turn *turn; /* its parcel is under way; NULL: none */
	uint64_t health_at; /* when the spool was asked last */
	bool is_paused; /* the spool cannot record what is delivered */
	void (*idle_cb)(void *arg); /* NULL: nobody asked */
	void *idle_arg;
};

/* --- dispatch_io.c --- */

/* Whether nothing of that account may go out. */
bool dispatch_is_stopped(const struct dispatch *d, struct span account);
/* The event with the time of now. */
struct leg_event
dispatch_event(const struct dispatch *d, enum leg_event_type type);
/* Has the leg take the event, and does what the leg needs then. */
void
dispatch_step(struct dispatch *d, struct leg *leg, const struct leg_event *ev);
/* What is told with a fact beside the recipient's own words. */
struct leg_fact_more {
	const char *tls; /* of the connection; NULL or "": none */
};
/*
 * Records and tells what the steps since the last call did to the message, and
 * does what it needs then. The message may be gone after it.
 */
void dispatch_settle(
    struct dispatch *d, struct message *m, const struct leg_fact_more *words);
void dispatch_message_event(
    struct dispatch *d, struct message *m, const struct message_event *ev);
/* Whether deliveries can be recorded; if not, it looks again soon. */
bool dispatch_may_deliver(struct dispatch *d);
/* The end of a turn: lines are served, the alarm is set. */
void dispatch_end_turn(struct dispatch *d);
/* It rings when the first of all times has come. */
void dispatch_set_alarm(struct dispatch *d);
/* The same now: what is due has its turn. */
void dispatch_on_alarm(void *dispatch);

static inline struct span
dispatch_account(const struct leg *leg)
{
	return span_text(leg->message->env->account);
}

/* --- asking_io.c --- */

/* The leg is ROUTING, and is told when its way is known, at once or later. */
void asking_start(struct dispatch *d, struct leg *leg);
/* It is ROUTING no more. NULL is allowed. */
void asking_stop(struct dispatch *d, struct asking *asks);
/* The router's answer. */
void
asking_on_routed(struct route_waiter *w, const struct route *route, void *arg);
void asking_forget_curious(struct dispatch *d);

/* --- arrivals_io.c --- */

/*
 * The message is another one now, with the same id. Takes the envelope; `rows` has
 * what is known of its recipients.
 */
void dispatch_replace(struct dispatch *d, struct message *m,
    struct envelope *env, const struct progress *rows, unsigned flags);

/* --- rest_io.c --- */

/* Whose messages rest when nothing is to be done with them for a while. */
void rest_init(struct dispatch *d);
/* The times of the message go into the heap. */
void rest_arm(struct dispatch *d, struct message *m);
/* These leave it, and nobody goes on from the message: it leaves, or rests. */
void rest_disarm(struct dispatch *d, struct message *m);
/* Something was done with it, and there may be nothing more to do. */
void rest_note(struct dispatch *d, struct message *m);
/* The end of a turn. */
void rest_all_idle(struct dispatch *d);

/* --- filters_io.c --- */

void filters_init(struct dispatch *d);
void filters_clear(struct dispatch *d);
/* It has MESSAGE_UNFILTERED: it came, or was loaded. */
void filters_wait(struct dispatch *d, struct message *m);
/* The message leaves. */
void filters_gone(struct dispatch *d, const struct message *m);
/* Its time has come, or the operator wants it now; the configuration is new. */
void filters_due(struct dispatch *d, struct due *due);
void filters_ask_now(struct dispatch *d, const struct message *m);
void filters_ask_all(struct dispatch *d);
/* The end of a turn. */
void filters_serve(struct dispatch *d);

/* --- lines_io.c --- */

/* The channel is served at the end of this turn. */
void lines_mark(struct dispatch *d, struct channel *c);
void lines_serve_marked(struct dispatch *d);
/* All that have somebody in line: the spool records again. */
void lines_mark_all(struct dispatch *d);
void lines_mark_site(struct dispatch *d, struct site *s);
/* The operator's word: who goes there by hand finds it open. */
void lines_open(struct dispatch *d, struct site *s);
/* The channel is served at that time (monotonic ms). */
void lines_wake_at(struct dispatch *d, struct channel *c, uint64_t at);
void lines_forget(struct dispatch *d);

/* --- addresses_io.c --- */

struct address;
/* Where a lane to that host goes. */
struct address *
address_of(struct dispatch *d, const struct target *t, uint32_t host);
/* Hosts of the target whose address has all the lanes that it may, a bit each. */
uint32_t addresses_full(const struct dispatch *d, const struct target *t);
void address_lane_opened(struct address *a);
/* It is without work; `node` leaves the list with the lane's idleness. */
void address_lane_is_idle(struct address *a, struct list *node);
void address_lane_retires(struct address *a);
/* Marks those that waited for it. The address may be gone then. */
void address_lane_ended(struct dispatch *d, struct address *a, bool retired);
/*
 * The channel waits until a lane ends to one of the full hosts that a leg may go to
 * which has tried those.
 */
void addresses_wait(struct dispatch *d, struct channel *c, uint32_t tried);
/* The end of a turn: idle lanes retire where others wait for their address. */
void addresses_make_room(struct dispatch *d);

/* --- reports_io.c --- */

void reports_send(struct dispatch *d, struct message *m);
void reports_drop(struct dispatch *d, struct message *m);
void reports_warn(struct dispatch *d, struct message *m);

/* --- operator_io.c --- */

/*
 * Legs that were called back may be back, or it is too late for them: their host has
 * the message, and may take its time. `is_done`: all of them are over.
 */
void operator_back(struct dispatch *d, struct message *m, bool is_done);
/* The relay ends: who waits gets an answer. */
void operator_forget(struct dispatch *d);

/* --- brake_io.c --- */

/* What the steps since the last call say of the account's recipients. */
void brake_note_facts(struct dispatch *d, const struct message *m);

/* --- walk_io.c --- */

/* A walk over all messages that wait, as a part of its owner's struct. */
struct walk {
	struct list node; /* in dispatch->walks */
	struct dispatch *dispatch; /* borrowed */
	struct deadline *next; /* owned */
	struct queue_place place; /* behind which it goes on */
	void (*each)(struct walk *w, struct message *m);
	/* The owner's to free; `is_whole` is false when the relay ends first. */
	void (*over)(struct walk *w, bool is_whole);
};

/* `each` and `over` are set. It begins behind this call. */
void walk_begin(struct walk *w, struct dispatch *d);
void walks_forget(struct dispatch *d);

/* --- times_io.c --- */

/* The options say otherwise for how long messages wait. */
void times_are_new(struct dispatch *d);

/* --- mistrust_io.c --- */

void mistrust_init(struct dispatch *d);
void mistrust_clear(struct dispatch *d);
/* Why mail of the message's author is held at that site; NULL: it is not. */
struct reason *mistrust_of(
    const struct dispatch *d, const struct message *m, const struct site *site);
/* The leg is held for that, without an attempt: the log says so. */
void mistrust_tell(const struct leg *leg, const struct site *site);
/* Whether one more pair of a domain and a site can be held. */
bool mistrust_has_room(const struct dispatch *d);
/* What came back from that site: it may be that it does not believe the author. */
void mistrust_note(struct dispatch *d, const struct message *m,
    const struct site *site, const struct attempt *a);
void mistrust_loaded(struct dispatch *d, const struct message *m);

/* --- budget_io.c --- */

void budget_init(struct dispatch *d);
void budget_clear_lines(struct dispatch *d);
/* It is held until its account's budget has room; it came, or was loaded. */
void budget_held(struct dispatch *d, struct message *m, bool is_new);
/* It is not any more, if it was: released by hand, when it counts, or over. */
void budget_unheld(struct dispatch *d, struct message *m, bool counts);
/* It is another one now. */
void budget_moved(struct dispatch *d, struct message *to);
/* All lines ask at once: the configuration is new. */
void budget_ask_all(struct dispatch *d);
void budget_on_alarm(void *dispatch);

/* --- facts.c --- */

/* The words of a reason in one line, which stands in `room`. */
struct fact_field facts_reason(const struct reason *reason, struct buf *room);
/* Tells who asked for it (dispatch_on_failed()). */
void facts_tell_failed(const struct dispatch *d, const struct leg_fact *fact);
void facts_log(const struct leg_fact *fact, const struct leg_fact_more *words,
    uint64_t now);
/* The same as values, for who asks what became of a message. */
void facts_keep(struct history *h, const struct leg_fact *fact,
    const struct leg_fact_more *words, uint64_t now, int64_t wall);
void facts_keep_accepted(struct history *h, const struct envelope *env,
    const struct dispatch_origin *from);
/* The leg has joined the line of what is closed: when that opens, and why. */
void facts_log_in_line(const struct leg *leg, uint64_t now);

#endif
