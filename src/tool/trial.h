/*
 * trial: a message of one's own by the way that mail to an address takes, for
 * `postern check --network --send`. It goes out from this process, whether the
 * relay runs or not, and is not signed.
 */
#ifndef TOOL_TRIAL_H
#define TOOL_TRIAL_H

#include "base/err.h"
#include "base/findings.h"

struct conf;

/* An address that a message can be sent to? Negative: why not. */
int trial_address(const char *address, struct err *err);
/* Sends it, and says what the host that took or refused it said. */
void
trial_send(const struct conf *conf, const char *address, struct findings *f);

#endif
