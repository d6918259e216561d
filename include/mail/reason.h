/*
 * reason: words (mail/words.h) that many share: why recipients wait or failed.
 * Made once where it happened, and counted by reference, from any thread. The
 * schedule, the spool's index and all recipients and messages that got the same
 * reply hold the same one. Its words never change, but that a folded one, when
 * memory is short, is cut: then it has the first REASON_CUT octets only.
 */
#ifndef MAIL_REASON_H
#define MAIL_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "mail/words.h"

struct reason;

/*
 * A copy of the words, made fit to be kept: no control bytes but the LF between
 * the lines of `said`, which is cut at WORDS_SAID_MAX, as the others are at
 * REASON_FIELD_MAX. One reference.
 */
enum {
	REASON_FIELD_MAX = 511,
	/* Room for it on one line, as words_say() has it. */
	REASON_TEXT_MAX = 2 * WORDS_SAID_MAX + 2 * REASON_FIELD_MAX,
};
struct reason *reason_new(const struct words *words);
/*
 * One that has all the words of `r` until it is cut, for whoever keeps it. What
 * has no more than REASON_CUT octets, or is folded, is returned itself. One
 * reference.
 */
enum { REASON_CUT = 200 };
struct reason *reason_fold(struct reason *r);
bool reason_is_folded(const struct reason *r);
/*
 * Lets go of all but the first REASON_CUT octets of a folded one, for all who
 * hold it; who has a reference from reason_whole() keeps the whole.
 */
void reason_cut(struct reason *r);
/* Somebody else knows the rest. It never becomes whole again. */
bool reason_is_cut(const struct reason *r);
/* NULL is allowed, here and below: no words. */
struct reason *reason_ref(struct reason *r);
void reason_unref(struct reason *r);

/*
 * All that is in memory of it, which never changes: one reference, to the words
 * as they were given, or to `r` itself. Who reads words does so by this.
 */
struct reason *reason_whole(struct reason *r);
/*
 * Its spans live as long as the reason. Of a folded one, whether it is cut or
 * not, these are the first REASON_CUT octets.
 */
struct words reason_words(const struct reason *r);
/* Whether there are more references than so many. */
bool reason_has_more(const struct reason *r, unsigned than);
/*
 * Bytes that are the same for equal ones, and for these only; of a folded one
 * those of what is left when it is cut.
 */
struct span reason_key(const struct reason *r);
bool reason_equal(const struct reason *a, const struct reason *b);
/* Bytes that it takes, about; the whole of a folded one with it. */
size_t reason_memory(struct reason *r);

#endif
