/*
 * identity: which addresses are an account's own. Facts in, verdict out.
 */
#ifndef POLICY_IDENTITY_H
#define POLICY_IDENTITY_H

#include <stdbool.h>

#include "base/span.h"

struct address;
struct aliases;
struct conf_account;

/* Who somebody is; all of it borrowed. */
struct identity {
	const struct conf_account *account; /* what its section says */
	const struct aliases *aliases; /* NULL: there are none */
	struct span login, hostname;
	bool is_anybody; /* root of this machine: every address is its own */
	/* It is no more than these: patterns with commas; empty: no less. */
	struct span narrowed;
};

/*
 * Whether the address is the account's, by send-as or by the aliases. Patterns:
 * "$login" (a login without a domain stands for login@hostname), "$login+*" (the
 * same with a plus and anything behind the local part), "name@domain", "*@domain",
 * "*". Domains are compared without regard to case, local parts too (no account may
 * differ from another by case alone), quotes that change nothing too. The null path
 * is nobody's: whether it may be used is the caller's to know.
 */
bool identity_owns(const struct identity *who, const struct address *address);
/* By what it is: the pattern, or "auth.aliases"; NULL: it is not. Borrowed. */
const char *
identity_why(const struct identity *who, const struct address *address);

#endif
