/*
 * Rows of versions 1 and 2: 32 bytes (README.md), of a message the address
 * behind them, then the words as one text.
 */
#include "le_priv.h"
#include "rows_priv.h"

enum { FIXED = 32, DETAIL_MAX = 3072 };

bool
older_next(struct span *at, struct progress *out, struct span *address,
    struct span *detail)
{
	struct span raw;
	const uint8_t *p;

	if (!rows_take(at, FIXED, &raw))
		return false;
	p = (const uint8_t *)raw.ptr;
	*out = (struct progress){
		.rcpt = address == NULL ? le_get32(p) : 0,
		.state = (enum rcpt_state)le_get32(p + 4),
		.tries = le_get32(p + 8),
		.step = le_get32(p + 8), /* each try moved it */
		.last = (int64_t)le_get64(p + 16),
		.due = (int64_t)le_get64(p + 24),
	};
	return le_get32(p + 4) < RCPT_STATE_COUNT &&
	       le_get32(p + 12) <= DETAIL_MAX &&
	       (address == NULL || rows_take_text(at, le_get32(p), address)) &&
	       rows_take(at, le_get32(p + 12), detail);
}
