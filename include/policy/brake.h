/*
 * brake: whether an account departs from its own habit. Signs of a stolen password
 * are counted over the last hour: recipients that it never wrote to before,
 * recipients that their hosts do not know, and headers that were refused since they
 * name somebody else. What it did in the past weeks is its habit. Over a mark the
 * brake falls: one of the first two above four times its habit, or some of them
 * together. A new account's habit is a floor, and nothing brakes while both of the
 * first two are below it. Pure.
 */
#ifndef POLICY_BRAKE_H
#define POLICY_BRAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "policy/window.h"

enum brake_sign { BRAKE_NEW, BRAKE_UNKNOWN, BRAKE_FORGED };
enum { BRAKE_SIGNS = BRAKE_FORGED + 1 };
/* "recipients it never wrote to before". */
const char *brake_sign_text(enum brake_sign sign);

/* `{0}` is one of a new account. */
struct brake {
	struct {
		struct window hour;
		double habit; /* an hour, of the past weeks */
		int64_t at; /* monotonic ms: of when that is */
	} signs[BRAKE_SIGNS];
};

struct brake_view {
	uint32_t now[BRAKE_SIGNS], limit[BRAKE_SIGNS]; /* of the last hour */
};

void brake_clear(struct brake *b);
/* True: it is over the mark now. */
bool brake_note(struct brake *b, enum brake_sign sign, uint32_t n, int64_t now);
void brake_look(struct brake *b, int64_t now, struct brake_view *out);
/* As bytes, as window_write() has them; and back, `passed` ms later. */
void brake_write(struct brake *b, int64_t now, struct buf *out);
bool brake_read(struct brake *b, struct span *in, int64_t passed, int64_t now);
/* It was right so: what is in the last hour is part of the habit. */
void brake_forgive(struct brake *b, int64_t now);

#endif
