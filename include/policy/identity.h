/*
 * identity: who may send as whom. Facts in, verdict out.
 */
#ifndef POLICY_IDENTITY_H
#define POLICY_IDENTITY_H

#include "base/span.h"

struct address;
struct conf_account;

/*
 * Whether the account that logged in as `login` may use the address as
 * reverse-path. Patterns: "$login" (a login without a domain stands for
 * login@hostname), "name@domain", "*@domain", "*". Domains are compared
 * without regard to case, local parts too (no account may differ from another
 * by case alone), quotes that change nothing too. The null path is always allowed: notices of what was read or
 * could not be must not be answered (RFC 8098 2.1).
 */
bool identity_may_send(const struct conf_account *account, struct span login,
    struct span hostname, const struct address *from);

#endif
