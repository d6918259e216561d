/*
 * brake: whether an account departs from its own habit. Signs of a stolen password
 * are counted: recipients that it never wrote to before and recipients that their
 * hosts do not know, both within an hour; and what only adds to these: headers that
 * were refused since they name somebody else, networks and countries from which it
 * never logged in (within a day), messages a minute. What it did in the past weeks
 * is its habit. Over a mark the brake falls: one of the first two above four times
 * its habit, or some of them together. A new account's habit is a floor, and nothing
 * brakes while both of the first two are below it. Pure.
 */
#ifndef POLICY_BRAKE_H
#define POLICY_BRAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "policy/window.h"

enum brake_sign {
	BRAKE_NEW,
	BRAKE_UNKNOWN,
	BRAKE_FORGED,
	BRAKE_PLACES, /* a network; a country is BRAKE_COUNTRY of them */
	BRAKE_PACE /* messages */
};
enum { BRAKE_SIGNS = BRAKE_PACE + 1, BRAKE_COUNTRY = 3 };
/* "recipients it never wrote to before". */
const char *brake_sign_text(enum brake_sign sign);

/* `{0}` is one of a new account. */
struct brake {
	struct {
		struct window window;
		/* Of the past weeks: an hour, or the most in a window. */
		double habit;
		int64_t at; /* monotonic ms: of when that is */
		/* The most in a window of the hour that began then. */
		uint32_t peak;
		int64_t peak_since;
	} signs[BRAKE_SIGNS];
};

struct brake_view {
	uint32_t now[BRAKE_SIGNS], limit[BRAKE_SIGNS]; /* in its window */
};

void brake_clear(struct brake *b);
/* True: it is over the mark now. */
bool brake_note(struct brake *b, enum brake_sign sign, uint32_t n, int64_t now);
void brake_look(struct brake *b, int64_t now, struct brake_view *out);
/* As bytes, as window_write() has them; and back, `passed` ms later. */
void brake_write(struct brake *b, int64_t now, struct buf *out);
bool brake_read(struct brake *b, struct span *in, int64_t passed, int64_t now);
/* It was right so: what is in the windows is part of the habit. */
void brake_forgive(struct brake *b, int64_t now);

#endif
