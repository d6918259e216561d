/*
 * places: from where an account logged in before: networks, or countries, as
 * numbers. The last few of them; whoever comes from one again moves it to the
 * front. Pure.
 */
#ifndef POLICY_PLACES_H
#define POLICY_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum { PLACES_MOST = 32 };

/* `{0}` is an account's that never logged in. */
struct places {
	uint64_t *list; /* owned: who was seen last comes last */
	uint32_t n, cap;
};

/* `place` is not 0. True: the account has others, and not this one. */
bool places_note(struct places *p, uint64_t place);
/* It was noted last: noting it again changes nothing. */
bool places_is_last(const struct places *p, uint64_t place);
void places_clear(struct places *p);
void places_write(const struct places *p, struct buf *out);
/* False, and none, when the bytes are damaged. */
bool places_read(struct places *p, struct span *in);

#endif
