#include "dispatch/order.h"

#include <stddef.h>

#include "dispatch/leg.h"
#include "dispatch/message.h"

static const struct {
	const char *name, *text;
} verdicts[ORDER_VERDICTS] = {
	[ORDER_CAN] = { "done", "done" },
	[ORDER_IS_HELD] = { "held",
	    "it is held, and not tried before postern queue release" },
	[ORDER_IS_FUTURE] = { "held",
	    "its sender wants it to wait (postern queue release lets it go "
	    "now)" },
	[ORDER_IS_HELD_ALREADY] = { "already held", "it is held already" },
	[ORDER_IS_NOT_HELD] = { "not held", "it is not held" },
	[ORDER_IS_UNFILTERED] = { "not filtered",
	    "a filter is to see it before it leaves (postern queue why says "
	    "which; postern queue retry asks the filter now)" },
	[ORDER_IS_STOPPED] = { "account stopped",
	    "its account is stopped (postern account undo)" },
	[ORDER_IS_AT_HOST] = { "being delivered",
	    "a connection has it just now, with others" },
	[ORDER_IS_OVER] = { "over",
	    "nobody of it waits any more; only its sender is to be told" },
};

const char *
order_verdict_name(enum order_verdict v)
{
	return verdicts[v].name;
}

const char *
order_verdict_text(enum order_verdict v)
{
	return verdicts[v].text;
}

/* Who waits in a leg, and who of them is meant. */
struct meant {
	bool some, all;
};

static struct meant
meant_in(const struct order *order, const struct leg *leg)
{
	const struct message *m = leg->message;
	struct meant meant = { false, true };

	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = m->env->rcpts[i].next) {
		bool is_meant = order->only == NULL || order->only[i];

		if (m->rcpts[i].state != RCPT_QUEUED)
			continue;
		meant.some |= is_meant;
		meant.all &= is_meant;
	}
	return meant;
}

static bool
is_out(const struct leg *leg)
{
	return leg->state == LEG_LANE || leg->state == LEG_LEAVING;
}

/* It is held, and not by a word of the operator's about it. */
static bool
is_held_otherwise(const struct leg *leg)
{
	unsigned flags = leg->message->flags;

	return (leg->is_mistrusted || (flags & MESSAGE_HOLDS) != 0) &&
	       (flags & MESSAGE_HELD) == 0;
}

/* Whether it is held, or will be as soon as it is back. */
static bool
is_held(const struct leg *leg)
{
	return leg->state == LEG_HELD ||
	       (leg->state == LEG_LEAVING && leg->wish == WISH_HOLD);
}

static enum order_verdict
judge_leg(const struct order *order, const struct leg *leg)
{
	struct meant meant = meant_in(order, leg);
	unsigned holds = leg->message->flags & MESSAGE_HOLDS;
	bool is_stopped = (holds & MESSAGE_STOPPED) != 0;

	if (leg->state == LEG_OVER || !meant.some)
		return ORDER_IS_OVER;
	switch (order->verb) {
	case ORDER_HOLD:
		/* As a whole it is held by the operator, too, from now on. */
		return is_held(leg) &&
			       !(is_held_otherwise(leg) && order->only == NULL)
			   ? ORDER_IS_HELD_ALREADY
			   : ORDER_CAN;
	case ORDER_STOP: return is_stopped ? ORDER_IS_HELD_ALREADY : ORDER_CAN;
	case ORDER_UNDO: return is_stopped ? ORDER_CAN : ORDER_IS_NOT_HELD;
	case ORDER_RELEASE:
		if (is_stopped)
			return ORDER_IS_STOPPED;
		if (is_held(leg) && holds == MESSAGE_UNFILTERED)
			return ORDER_IS_UNFILTERED;
		return is_held(leg) ? ORDER_CAN : ORDER_IS_NOT_HELD;
	case ORDER_RETRY:
		/* Its filters are asked. */
		if (is_held(leg) && (holds & MESSAGE_UNFILTERED) != 0)
			return ORDER_CAN;
		if (is_held(leg) && holds == MESSAGE_FUTURE)
			return ORDER_IS_FUTURE;
		return is_held(leg) ? ORDER_IS_HELD : ORDER_CAN;
	case ORDER_BOUNCE:
	case ORDER_REMOVE: break;
	}
	/* A connection gives back all that it has of a leg, or nothing. */
	return is_out(leg) && !meant.all ? ORDER_IS_AT_HOST : ORDER_CAN;
}

bool
order_is_for(const struct order *order, const struct leg *leg)
{
	return judge_leg(order, leg) == ORDER_CAN;
}

enum order_verdict
order_judge(const struct order *order, const struct message *m)
{
	enum order_verdict all = ORDER_IS_OVER;

	for (uint32_t i = 0; i < m->env->ngroups && all != ORDER_CAN; i++) {
		enum order_verdict one = judge_leg(order, &m->legs[i]);

		if (one == ORDER_CAN || all == ORDER_IS_OVER)
			all = one;
	}
	/* Its end is to be told yet: that can be spared its sender. */
	if (order->verb == ORDER_REMOVE && order->only == NULL && m->untold > 0)
		all = ORDER_CAN;
	return all;
}
