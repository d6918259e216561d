/* state_priv: what the files of state share. */
#ifndef STATE_STATE_PRIV_H
#define STATE_STATE_PRIV_H

#include "db.h"
#include "state/state.h"

/* Of the moment that a batch is written. */
struct state_batch {
	struct db *db; /* borrowed */
	int64_t wall; /* ms since 1970 */
	int64_t boot; /* which start of the machine it is; 0: not known */
	int64_t steady; /* ms since then */
};

/* Answers; false: it could not be read (db->status says why). */
bool accounts_answer(const struct state_batch *now, struct span name,
    size_t known_most, state_account_cb cb, void *arg);
bool
accounts_stopped(const struct state_batch *now, state_name_cb cb, void *arg);

bool suppressed_answer(
    const struct state_batch *now, state_suppressed_cb cb, void *arg);
bool sending_answer(
    const struct state_batch *now, size_t most, state_sending_cb cb, void *arg);

bool
key_uses_answer(const struct state_batch *now, state_key_use_cb cb, void *arg);
bool homes_answer(const struct state_batch *now, int64_t since, size_t most,
    state_home_cb cb, void *arg);

#endif
