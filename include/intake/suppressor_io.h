/*
 * suppressor: the recipients that are refused to accounts (policy/suppression.h),
 * for all threads, behind a lock that nobody holds for long; kept by `state`. Until
 * that has been read after a start, which takes a moment, nobody is refused.
 */
#ifndef INTAKE_SUPPRESSOR_IO_H
#define INTAKE_SUPPRESSOR_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "policy/suppression.h"

struct state;
struct suppressor;

/* Borrows the state; NULL: nothing is kept. */
struct suppressor *suppressor_new(struct state *state);
/* After state_close(). */
void suppressor_free(struct suppressor *s);

/*
 * The reply to RCPT, appended, when the address is refused to the account; else
 * false. Names as they are, in any case; `now`: ms since 1970.
 */
bool suppressor_refuses(struct suppressor *s, struct span account,
    struct span address, int64_t now, struct buf *reply);
/*
 * From now on. Only the account and the address may be as they are. False: the
 * address is none, or there are as many as may be.
 */
bool suppressor_add(struct suppressor *s, const struct suppressed *one);
/* False: it was not there. */
bool suppressor_remove(
    struct suppressor *s, struct span account, struct span address);
/*
 * Some of them, in order, from the one behind (account, address) on, to which both
 * are moved; the callback is called under the lock. False: that was the last.
 */
bool suppressor_list(struct suppressor *s, struct buf *account,
    struct buf *address, size_t most,
    void (*each)(const struct suppressed *one, void *arg), void *arg);

#endif
