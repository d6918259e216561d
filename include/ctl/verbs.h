/*
 * verbs: what may be asked for, in one table: of a running relay over the control
 * socket, and of `postern` beside it. Who serves it, asks it, explains it or
 * completes it walks this table. Values only.
 *
 * A request is {"do": NAME, ...}, with a member for each option that was given
 * ("--dry-run" is "dry_run": true, "--older 2h" is "older": "2h"), "ids" for the
 * ids, and "what" for another argument.
 */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum verb_id {
	VERB_STATUS,
	VERB_RELOAD,
	VERB_SESSIONS,
	VERB_SESSIONS_END,
	VERB_TRACE,
	VERB_EXPLAIN,
	VERB_SUPPRESS_LIST,
	VERB_SUPPRESS_ADD,
	VERB_SUPPRESS_REMOVE,
	VERB_SUPPRESS_IMPORT,
	VERB_SUPPRESS_EXPORT,
	VERB_ACCOUNT_SHOW,
	VERB_ACCOUNT_STOP,
	VERB_ACCOUNT_UNDO,
	VERB_ACCOUNT_PURGE,
	VERB_DOMAIN_LOOK,
	VERB_DOMAIN_RELEASE,
	VERB_QUEUE_LIST,
	VERB_QUEUE_SUMMARY,
	VERB_QUEUE_SHOW,
	VERB_QUEUE_WHY,
	VERB_QUEUE_CAT,
	VERB_QUEUE_RETRY,
	VERB_QUEUE_HOLD,
	VERB_QUEUE_RELEASE,
	VERB_QUEUE_BOUNCE,
	VERB_QUEUE_REMOVE,
	VERB_CHECK, /* this one and the next need no running relay */
	VERB_USER,
	VERB_DKIM,
	VERB_SPOOL,
};
enum { VERBS = VERB_SPOOL + 1 };

enum verb_right {
	RIGHT_READ, /* looks */
	RIGHT_OPERATE, /* changes something: the log says who did it */
	RIGHT_ALONE, /* is not asked of the relay */
};

enum verb_option {
	OPTION_JSON = 1,
	OPTION_ID = 1 << 1,
	OPTION_ACCOUNT = 1 << 2,
	OPTION_FROM = 1 << 3,
	OPTION_TO = 1 << 4,
	OPTION_DOMAIN = 1 << 5,
	OPTION_SITE = 1 << 6,
	OPTION_OLDER = 1 << 7,
	OPTION_REASON = 1 << 8,
	OPTION_HELD = 1 << 9,
	OPTION_ALL = 1 << 10,
	OPTION_DRY_RUN = 1 << 11,
	OPTION_BY = 1 << 12,
	OPTION_STDIN = 1 << 13,
	OPTION_FORCE = 1 << 14,
	OPTION_YES = 1 << 15,
	OPTION_REACHED = 1 << 16,
	OPTIONS_FILTER = OPTION_ID | OPTION_ACCOUNT | OPTION_FROM | OPTION_TO |
			 OPTION_DOMAIN | OPTION_SITE | OPTION_OLDER |
			 OPTION_REASON | OPTION_HELD | OPTION_ALL,
};

/* What may stand behind a verb beside its options. */
enum verb_words {
	WORDS_NONE,
	WORDS_IDS, /* any number of them; "-": from standard input */
	WORDS_ONE,
	WORDS_OWN, /* the command's own business */
};

struct verb {
	const char *name; /* as it is typed, and as a request has it */
	const char *args; /* for the usage line */
	enum verb_right right;
	enum verb_words words;
	unsigned options; /* enum verb_option */
	bool must_choose; /* nothing is done without an id, a filter or --all */
	const char *help; /* a line of it, under 50 characters */
};
extern const struct verb verbs[VERBS];

struct verb_option_row {
	enum verb_option option;
	const char *name; /* with its dashes */
	const char *key; /* in a request */
	const char *value; /* what it wants, for people; NULL: nothing */
	const char *help;
};
enum { VERB_OPTION_ROWS = 17 };
extern const struct verb_option_row verb_options[VERB_OPTION_ROWS];

/* Its verb_id; VERBS: there is none of that name. */
unsigned verb_find(struct span name);
/* NULL: there is none. */
const struct verb_option_row *verb_option_find(struct span name);

#endif
