/*
 * origin: the domain that a message says it is from: that of its first author (From),
 * which intake keeps as an attribute where it is another one than MAIL FROM's. Who
 * receives it asks that domain's records whether to believe it. Pure.
 */
#ifndef MAIL_ORIGIN_H
#define MAIL_ORIGIN_H

#include <stdbool.h>

#include "base/span.h"
#include "smtp/idn.h"

struct envelope;

/* Our own reports, and what came with neither, have none. */
bool origin_is_known(const struct envelope *env);
/* In lower case, by its A-labels, in `room` or the envelope; empty: none. */
struct span origin_domain(const struct envelope *env, char room[IDN_SIZE]);
/* The domain of MAIL FROM in the same form; empty: the null path. */
struct span origin_of_sender(struct span sender, char room[IDN_SIZE]);

#endif
