/*
 * reasons: the words (reason.h) that are in memory, equal ones once, within a
 * budget. It forgets what nobody else holds; its owner's lock guards it.
 */
#ifndef MAIL_REASONS_H
#define MAIL_REASONS_H

#include <stddef.h>
#include <stdint.h>

#include "mail/reason.h"

struct reasons;

/*
 * `most`: bytes of whole words; what is left of those that were cut does not
 * count. `seed` is random, as hosts choose the words.
 */
struct reasons *reasons_new(size_t most, const uint64_t seed[2]);
/* Who still has a reference keeps it. */
void reasons_free(struct reasons *t);

/*
 * The one that is kept for words equal to these: one reference. When new words
 * would exceed the budget, those that came first are cut (reason_cut()), for
 * all who hold them; the new ones only when there is nothing else to cut. NULL
 * stays NULL, and what this table gave before stays what it is.
 */
struct reason *reasons_keep(struct reasons *t, struct reason *r);
/* How many there are, whole and cut, and the bytes of the whole ones. */
size_t reasons_count(const struct reasons *t);
size_t reasons_bytes(const struct reasons *t);

#endif
