/*
 * reason: words (mail/words.h) that many share: why recipients wait or failed. Made
 * once where it happened, never changed, and counted by reference, from any
 * thread. The schedule, the spool's index and all recipients and messages that
 * got the same reply hold the same one.
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
	REASON_FIELD_MAX = 512,
	/* Room for it on one line, as words_say() has it. */
	REASON_TEXT_MAX = 2 * WORDS_SAID_MAX + 2 * REASON_FIELD_MAX,
};
struct reason *reason_new(const struct words *words);
/*
 * The first REASON_CUT octets of its text, for when there is no room for all:
 * one reference. What is no longer than that is returned itself.
 */
enum { REASON_CUT = 200 };
struct reason *reason_cut(struct reason *r);
/* Somebody else knows the rest. */
bool reason_is_cut(const struct reason *r);
/* NULL is allowed, here and below: no words. */
struct reason *reason_ref(struct reason *r);
void reason_unref(struct reason *r);

/* Its spans live as long as the reason. */
struct words reason_words(const struct reason *r);
/* Whether others than the caller have a reference. */
bool reason_is_shared(const struct reason *r);
/* Bytes that are the same for equal ones, and for these only. */
struct span reason_key(const struct reason *r);
bool reason_equal(const struct reason *a, const struct reason *b);
/* Bytes that it takes, about. */
size_t reason_memory(const struct reason *r);

#endif
