/*
 * What a message waits for beside its legs. Nothing is counted by walking over
 * recipients but when a report is due: legs and recipients keep the message's
 * counters as they change.
 */
#include "dispatch/message.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "facts/fact.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "mail/wishes.h"

const char *
message_state_name(enum message_state state)
{
	static const char *const names[MESSAGE_STATES] = { "quiet", "gathering",
		"again", "reporting", "over" };

	return names[state];
}

const char *
message_event_name(enum message_event_type type)
{
	static const char *const names[MESSAGE_EVENTS] = { "moved", "due",
		"told", "not told" };

	return names[type];
}

/* --- recipients --- */

int64_t
recipient_last(const struct recipient *r)
{
	return (int64_t)r->last * 1000;
}

bool
recipient_is_untold(const struct recipient *r)
{
	return recipient_has_failed(r) || r->state == RCPT_RELAYED;
}

bool
recipient_has_failed(const struct recipient *r)
{
	return r->state == RCPT_FAILED || r->state == RCPT_EXPIRED;
}

enum rcpt_state
recipient_once_told(const struct recipient *r)
{
	return r->state == RCPT_RELAYED ? RCPT_DELIVERED : RCPT_REPORTED;
}

void
recipient_set_reason(struct recipient *r, struct reason *reason)
{
	if (reason == NULL)
		return;
	(void)reason_ref(reason);
	reason_unref(r->reason);
	r->reason = reason;
}

/*
 * What moves a recipient from state to state; anything else is a bug:
 *
 *   queued           -> delivered, relayed, failed, expired, removed
 *   failed, expired  -> reported, removed
 *   relayed          -> delivered
 */
static bool
may_become(enum rcpt_state from, enum rcpt_state to)
{
	if (from == RCPT_QUEUED)
		return to == RCPT_DELIVERED || to == RCPT_RELAYED ||
		       to == RCPT_FAILED || to == RCPT_EXPIRED ||
		       to == RCPT_REMOVED;
	if (from == RCPT_RELAYED)
		return to == RCPT_DELIVERED;
	return (from == RCPT_FAILED || from == RCPT_EXPIRED) &&
	       (to == RCPT_REPORTED || to == RCPT_REMOVED);
}

void
message_set_state(struct message *m, uint32_t rcpt, enum rcpt_state state)
{
	struct recipient *r = &m->rcpts[rcpt];

	assert(may_become((enum rcpt_state)r->state, state));
	m->untold -= recipient_is_untold(r);
	r->state = (uint8_t)state;
	m->untold += recipient_is_untold(r);
}

bool
message_has_failures(const struct message *m)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		if (recipient_has_failed(&m->rcpts[i]))
			return true;
	return false;
}

void
message_forget_untold(struct message *m)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		const struct recipient *r = &m->rcpts[i];

		if (recipient_is_untold(r))
			message_set_state(m, i,
			    recipient_has_failed(r) ? RCPT_REMOVED
						    : RCPT_DELIVERED);
	}
}

/* --- times --- */

uint64_t
message_age(const struct message *m, uint64_t now)
{
	int64_t age = (int64_t)now - m->born;

	return age < 0 ? 0 : (uint64_t)age;
}

uint64_t
message_release_at(const struct message *m)
{
	int64_t at = m->born + (int64_t)m->release * 1000;

	return at < 1 ? 1 : (uint64_t)at;
}

/* RFC 2852: who asked to be told by a time is told then, and not again. */
static bool
has_notice(const struct message *m)
{
	return m->by != 0 && !m->by_returns;
}

/* After what time its sender is warned; 0: never. */
static uint64_t
warning_after(const struct message *m, const struct message_options *o)
{
	if (has_notice(m))
		return (uint64_t)m->by * 1000;
	return o->delay_warning < o->expire ? o->delay_warning : 0;
}

static bool
wants_warning(const struct message *m, const struct message_options *o)
{
	return warning_after(m, o) != 0 && (m->flags & MESSAGE_WARNED) == 0 &&
	       m->env->sender[0] != '\0';
}

/*
 * After a long stop all are late at once. Most go in the first minutes; the others
 * are told of one after the other: a sixteenth of the delay behind the start, and
 * spread over two more of them.
 */
static uint64_t
not_before(const struct message *m, const struct message_options *o)
{
	uint64_t part = o->delay_warning / 16, spread = 0;

	if (o->started == 0 || m->born >= (int64_t)o->started)
		return 0;
	if (part > 0) /* ids of one moment differ in their last digits */
		spread = m->env->id * UINT64_C(0x9e3779b97f4a7c15) % (2 * part);
	return o->started + part + spread;
}

/* While it is held the warning's time stands still; RFC 2852's goes on. */
static uint64_t
stood_of(const struct message *m, const struct leg *leg)
{
	return has_notice(m) ? 0 : leg->stood;
}

/*
 * When the sender is to hear of the delay, UINT64_MAX: never. Nobody is warned of
 * what the operator holds, and its time stands still. (What waits for filters does
 * not stand still.) That is seen by walking over
 * the legs, but not before a leg that was never held is late.
 */
static uint64_t
warning_at(
    const struct message *m, const struct message_options *o, uint64_t now)
{
	int64_t first = m->born + (int64_t)warning_after(m, o), at = INT64_MAX;

	if (first > (int64_t)now)
		return (uint64_t)first;
	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		const struct leg *leg = &m->legs[i];

		if (!leg_stands_still(leg) && leg->state != LEG_OVER &&
		    first + (int64_t)stood_of(m, leg) < at)
			at = first + (int64_t)stood_of(m, leg);
	}
	if (at == INT64_MAX)
		return UINT64_MAX;
	if (at < (int64_t)not_before(m, o))
		at = (int64_t)not_before(m, o);
	return at < 1 ? 1 : (uint64_t)at;
}

static bool
is_for_filters_alone(unsigned flags)
{
	return (flags & MESSAGE_HOLDS) == MESSAGE_UNFILTERED;
}

void
message_set_flags(struct message *m, unsigned flags, uint64_t now)
{
	bool was = is_for_filters_alone(m->flags);

	m->flags = flags & MESSAGE_FLAGS;
	if (was == is_for_filters_alone(flags))
		return;
	/* From how long it stood to since when, and back. */
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if (m->legs[i].state == LEG_HELD)
			m->legs[i].stood = now - m->legs[i].stood;
}

/* --- states --- */

/* The one place where a message's state changes. */
static void
enter(struct message *m, enum message_state to)
{
	if (m->state != to)
		FACT(MESSAGE, fact_id("qid", m->env->id),
		    fact_word("from",
			message_state_name((enum message_state)m->state)),
		    fact_word("to", message_state_name(to)));
	m->state = to & 7;
}

static enum message_need
report(struct message *m)
{
	enter(m, MESSAGE_REPORTING);
	return m->env->sender[0] == '\0' ? MESSAGE_DROP : MESSAGE_REPORT;
}

/* Before that a further report is too soon. */
static uint64_t
next_report(const struct message *m)
{
	return m->reported == 0
		   ? 0
		   : (uint64_t)m->reported * 1000 + MESSAGE_REPORT_APART_MS;
}

/* When the failures there are must be told of at the latest. */
static uint64_t
report_by(const struct message *m, uint64_t now)
{
	uint64_t at = now + MESSAGE_GATHER_MS;

	return at > next_report(m) ? at : next_report(m);
}

/* Nothing more will join them soon. */
static bool
is_gathered(const struct message *m, uint64_t now)
{
	return m->open == 0 || (m->in_hand == 0 && now >= next_report(m));
}

static enum message_need
on_moved(struct message *m, const struct message_event *ev,
    const struct message_options *o)
{
	(void)o;
	if (m->untold == 0 && m->open == 0) {
		enter(m, MESSAGE_OVER);
		return MESSAGE_DONE;
	}
	if (m->untold == 0) { /* the operator removed what had failed */
		enter(m, MESSAGE_QUIET);
		return MESSAGE_NOTHING;
	}
	if (m->state == MESSAGE_AGAIN)
		return MESSAGE_NOTHING; /* the spool has its ten seconds */
	if (m->state == MESSAGE_QUIET) {
		m->report_at = report_by(m, ev->now);
		enter(m, MESSAGE_GATHERING);
	}
	return is_gathered(m, ev->now) ? report(m) : MESSAGE_NOTHING;
}

static enum message_need
on_due(struct message *m, const struct message_event *ev,
    const struct message_options *o)
{
	if ((m->flags & MESSAGE_FUTURE) != 0 &&
	    message_release_at(m) <= ev->now) {
		message_set_flags(
		    m, m->flags & ~(unsigned)MESSAGE_FUTURE, ev->now);
		return MESSAGE_RELEASE;
	}
	if (m->state != MESSAGE_QUIET && m->report_at <= ev->now)
		return report(m);
	if (m->state == MESSAGE_QUIET && (m->untold > 0 || m->open == 0))
		return on_moved(m, ev, o); /* as the spool left it */
	if (!wants_warning(m, o) || warning_at(m, o, ev->now) > ev->now)
		return MESSAGE_NOTHING;
	m->flags |= MESSAGE_WARNED;
	return MESSAGE_WARN;
}

static enum message_need
on_told(struct message *m, const struct message_event *ev,
    const struct message_options *o)
{
	for (uint32_t i = 0; i < ev->nrcpts; i++)
		if (recipient_is_untold(&m->rcpts[ev->rcpts[i]]))
			message_set_state(m, ev->rcpts[i],
			    recipient_once_told(&m->rcpts[ev->rcpts[i]]));
	m->reported = ev->now == 0 ? 1 : (uint32_t)((ev->now + 999) / 1000);
	enter(m, MESSAGE_QUIET);
	return on_moved(m, ev, o);
}

static enum message_need
on_not_told(struct message *m, const struct message_event *ev,
    const struct message_options *o)
{
	enter(m, MESSAGE_AGAIN);
	m->report_at = ev->now + MESSAGE_REPORT_AGAIN_MS;
	if (m->untold == 0)
		return on_moved(m, ev, o);
	return MESSAGE_NOTHING;
}

static void
set_due(struct message *m, const struct message_options *o, uint64_t now)
{
	uint64_t at = UINT64_MAX;

	if (m->state == MESSAGE_GATHERING || m->state == MESSAGE_AGAIN)
		at = m->report_at;
	if (m->state <= MESSAGE_AGAIN && wants_warning(m, o) &&
	    warning_at(m, o, now) < at)
		at = warning_at(m, o, now);
	if ((m->flags & MESSAGE_FUTURE) != 0 && message_release_at(m) < at)
		at = message_release_at(m);
	m->due.at = at == UINT64_MAX ? MESSAGE_NEVER : at;
}

#define IN(state) (1u << MESSAGE_##state)

static const struct {
	enum message_event_type event;
	unsigned states;
	enum message_need (*does)(struct message *m,
	    const struct message_event *ev, const struct message_options *o);
} table[] = {
	{ MESSAGE_MOVED, IN(QUIET) | IN(GATHERING) | IN(AGAIN), on_moved },
	{ MESSAGE_DUE, IN(QUIET) | IN(GATHERING) | IN(AGAIN), on_due },
	{ MESSAGE_TOLD, IN(REPORTING), on_told },
	{ MESSAGE_NOT_TOLD, IN(REPORTING), on_not_told },
};

enum message_need
message_step(struct message *m, const struct message_event *ev,
    const struct message_options *options)
{
	enum message_need need = MESSAGE_NOTHING;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].event == ev->type &&
		    (table[i].states & (1u << m->state)) != 0) {
			need = table[i].does(m, ev, options);
			break;
		}
	set_due(m, options, ev->now);
	return need;
}

/* --- coming in --- */

static uint64_t
between(int64_t from, int64_t to)
{
	return to > from ? (uint64_t)(to - from) : 0;
}

/*
 * So much of its time has passed at most when a leg begins. A clock that jumped
 * ahead makes everything old. So nothing expires right at a start; there is time
 * for one more attempt.
 */
static uint64_t
most_passed(const struct leg_options *o)
{
	return o->expire - (o->expire / 2 < 60000 ? o->expire / 2 : 60000);
}

static void
resume(struct message *m, const struct progress *row,
    const struct leg_options *o, uint64_t now, int64_t wall)
{
	struct recipient *r = &m->rcpts[row->rcpt];
	int64_t wait = row->due - wall;
	uint64_t longest = backoff_delay(&o->backoff, UINT16_MAX, 0);

	r->state = (uint8_t)row->state;
	r->tries = row->tries > UINT16_MAX ? UINT16_MAX : (uint16_t)row->tries;
	r->step = row->step > 127 ? 127 : row->step & 127;
	r->last = row->last <= 0 ? 0 : (uint32_t)(row->last / 1000);
	r->reason = reason_ref(row->reason);
	if (wait < 0)
		wait = 0;
	r->due = now + ((uint64_t)wait > longest ? longest : (uint64_t)wait);
	m->untold += recipient_is_untold(r);
}

static bool
is_row_held(const struct message *m, const struct progress *rows, uint32_t at)
{
	if ((m->flags & MESSAGE_HOLDS) != 0)
		return true;
	for (; rows != NULL && at != ENVELOPE_NO_MORE;
	     at = m->env->rcpts[at].next)
		if (rows[at].held && rows[at].state == RCPT_QUEUED)
			return true;
	return false;
}

/* The same, and its time stands still by that. */
static bool
row_stands_still(
    const struct message *m, const struct progress *rows, uint32_t at)
{
	return !is_for_filters_alone(m->flags) && is_row_held(m, rows, at);
}

static bool
is_row_mistrusted(
    const struct message *m, const struct progress *rows, uint32_t at)
{
	for (; rows != NULL && at != ENVELOPE_NO_MORE;
	     at = m->env->rcpts[at].next)
		if (rows[at].is_mistrusted && rows[at].state == RCPT_QUEUED)
			return true;
	return false;
}

/* For how long a held row was, or one was that is not held any more. */
static int64_t
row_stood(const struct progress *row, int64_t wall)
{
	int64_t stood = (int64_t)row->stood * 1000;

	if (row->state != RCPT_QUEUED || !row->held || stood == 0)
		return stood;
	return wall > stood ? wall - stood : 0;
}

/*
 * For how long the leg was held until the start, by the recipient that has the
 * longest time. Older records do not say since when one is held: it was not
 * before the last attempt.
 */
static int64_t
stood_for(const struct message *m, const struct progress *rows, uint32_t first,
    bool is_held, int64_t wall)
{
	int64_t stood = 0, last = m->env->arrived;
	bool is_known = !is_held;

	for (uint32_t i = first; rows != NULL && i != ENVELOPE_NO_MORE;
	     i = m->env->rcpts[i].next) {
		if (row_stood(&rows[i], wall) > stood)
			stood = row_stood(&rows[i], wall);
		if (rows[i].last > last)
			last = rows[i].last;
		is_known |= rows[i].held && rows[i].stood != 0;
	}
	if (!is_known && wall - last > stood)
		stood = wall - last;
	return stood;
}

/* The longest of its legs. */
static uint64_t
longest_stood(
    const struct message *m, const struct progress *rows, int64_t wall)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		uint32_t first = m->env->groups[i];
		uint64_t stood = (uint64_t)stood_for(
		    m, rows, first, row_stands_still(m, rows, first), wall);

		if (stood > longest)
			longest = stood;
	}
	return longest;
}

/* How old it was when the spool last knew, as far as clocks can be trusted. */
static uint64_t
age_at_start(const struct message *m, const struct progress *rows,
    const struct leg_options *o, int64_t wall)
{
	uint64_t age = between(m->env->arrived, wall),
		 most = most_passed(o) + longest_stood(m, rows, wall);

	return age < most ? age : most;
}

/* What a leg begins with: it stood for what of the age has not passed for it. */
static struct leg_past
past_of(const struct message *m, const struct progress *rows, uint32_t first,
    const struct leg_options *o, uint64_t age, int64_t wall)
{
	struct leg_past past = { .is_held = is_row_held(m, rows, first),
		.is_mistrusted = is_row_mistrusted(m, rows, first) };
	int64_t stood =
	    stood_for(m, rows, first, row_stands_still(m, rows, first), wall);
	uint64_t passed = between(m->env->arrived + stood, wall);

	if (passed > most_passed(o))
		passed = most_passed(o);
	past.stood = age > passed ? age - passed : 0;
	return past;
}

static enum message_urgency
urgency_of(int priority)
{
	if (priority == 0)
		return URGENCY_USUAL;
	return priority > 0 ? URGENCY_HIGH : URGENCY_LOW;
}

/* Times count from its arrival, what it is delivered by from its release. */
static void
take_wishes(struct message *m)
{
	struct span attrs = envelope_attrs(m->env);
	struct deliver_by by = wishes_by(attrs);
	/* Never before: what is less than a second is one. */
	uint64_t release =
	    (between(m->env->arrived, wishes_release(attrs)) + 999) / 1000;

	/* A clock that jumped holds it no longer than one may ask for. */
	if (release > WISHES_HOLD_MOST + 1)
		release = WISHES_HOLD_MOST + 1;
	m->release = (uint32_t)release;
	m->urgency = urgency_of(wishes_priority(attrs)) & 3;
	if (!by.is_asked)
		return;
	by.seconds = by.seconds < 1 ? 1 : by.seconds;
	m->by = (m->release + (uint32_t)by.seconds) & INT32_MAX;
	m->by_returns = by.returns;
}

struct message *
message_alloc_take(struct envelope *env)
{
	size_t rcpts = env->nrcpt * sizeof(struct recipient);
	struct message *m = mem_zalloc(
	    1, sizeof *m + rcpts + env->ngroups * sizeof(struct leg));

	m->env = env;
	m->legs = (struct leg *)(void *)((char *)m->rcpts + rcpts);
	list_init(&m->awake);
	list_init(&m->idle);
	for (uint32_t i = 0; i < env->ngroups; i++) {
		m->legs[i].message = m;
		m->legs[i].first = env->groups[i];
	}
	return m;
}

struct message *
message_new(struct envelope *env, const struct progress *rows, uint32_t flags,
    const struct leg_options *options, uint64_t now, int64_t wall)
{
	struct message *m = message_alloc_take(env);
	uint64_t age = 0;

	m->flags = flags & MESSAGE_FLAGS;
	take_wishes(m);
	m->born = (int64_t)now;
	if (rows != NULL)
		age = age_at_start(m, rows, options, wall);
	m->born -= (int64_t)age;
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		m->rcpts[i].due = now;
		if (rows != NULL)
			resume(m, &rows[i], options, now, wall);
	}
	for (uint32_t i = 0; i < env->ngroups; i++)
		leg_begin(&m->legs[i],
		    rows == NULL
			? (struct leg_past){ .is_held = is_row_held(
						 m, NULL, env->groups[i]) }
			: past_of(m, rows, env->groups[i], options, age, wall),
		    options, now);
	return m;
}

uint64_t
message_next_time(const struct message *m)
{
	uint64_t at = m->due.at == MESSAGE_NEVER ? UINT64_MAX : m->due.at;

	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if (m->legs[i].state == LEG_WAITING && m->legs[i].due.at < at)
			at = m->legs[i].due.at;
	return at == UINT64_MAX ? MESSAGE_NEVER : at;
}

void
message_free(struct message *m)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		reason_unref(m->rcpts[i].reason);
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		family_add(FAMILY_LEGS, m->legs[i].state, -1);
	free(m->env);
	free(m);
}
