/*
 * order: what the operator wants done to a message, and whether it can be. Pure: it
 * looks at the legs and changes nothing.
 */
#ifndef DISPATCH_ORDER_H
#define DISPATCH_ORDER_H

#include <stdbool.h>

struct leg;
struct message;

enum order_verb {
	ORDER_HOLD,
	ORDER_RELEASE,
	ORDER_RETRY,
	ORDER_BOUNCE, /* the sender is told */
	ORDER_REMOVE, /* nobody is */
	ORDER_STOP, /* its account is stopped: held with all others of it */
	ORDER_UNDO, /* and goes on as it was before that */
};

struct order {
	enum order_verb verb;
	/*
	 * Of these recipients alone, by their index; NULL: of all. A domain's are
	 * held and released together: there it means each leg that has one of them.
	 */
	const bool *only; /* borrowed */
};

enum order_verdict {
	ORDER_CAN, /* of some recipient at least */
	ORDER_IS_HELD, /* it is not tried before it is released */
	ORDER_IS_FUTURE, /* the same: its sender wants it so */
	ORDER_IS_HELD_ALREADY,
	ORDER_IS_NOT_HELD,
	ORDER_IS_UNFILTERED, /* a filter is to see it first */
	ORDER_IS_STOPPED, /* its account is: that is to be undone */
	ORDER_IS_AT_HOST, /* a connection has it just now */
	ORDER_IS_OVER, /* nobody of it waits any more */
};
enum { ORDER_VERDICTS = ORDER_IS_OVER + 1 };
/* One word for programs, and words for people. */
const char *order_verdict_name(enum order_verdict v);
const char *order_verdict_text(enum order_verdict v);

enum order_verdict
order_judge(const struct order *order, const struct message *m);
/* Whether that leg is to have the order. */
bool order_is_for(const struct order *order, const struct leg *leg);

#endif
