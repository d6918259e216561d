#include "ctl/verbs.h"

#define CHOOSE "[ID ...|-] [FILTER ...]"
#define STEER CHOOSE " [--dry-run]"
enum {
	LOOK = OPTIONS_FILTER | OPTION_JSON,
	CHANGE = OPTIONS_FILTER | OPTION_DRY_RUN | OPTION_JSON,
};

const struct verb verbs[VERBS] = {
	[VERB_STATUS] = { "status", "", RIGHT_READ, WORDS_NONE, OPTION_JSON,
	    false, "a running relay in one page" },
	[VERB_RELOAD] = { "reload", "", RIGHT_OPERATE, WORDS_NONE, OPTION_JSON,
	    false, "its configuration is read again" },
	[VERB_SESSIONS] = { "sessions", "[--account NAME]", RIGHT_READ,
	    WORDS_NONE, OPTION_ACCOUNT | OPTION_JSON, false,
	    "who is connected" },
	[VERB_SESSIONS_END] = { "sessions end", "SID|--account NAME",
	    RIGHT_OPERATE, WORDS_ONE, OPTION_ACCOUNT | OPTION_JSON, true,
	    "end a session, or all of an account" },
	[VERB_TRACE] = { "trace", "ID|MESSAGE-ID", RIGHT_READ, WORDS_ONE,
	    OPTION_JSON, true, "what became of a message" },
	[VERB_EXPLAIN] = { "explain",
	    "ADDRESS [--account NAME] [--from ADDRESS]", RIGHT_READ, WORDS_ONE,
	    OPTION_ACCOUNT | OPTION_FROM | OPTION_JSON, true,
	    "what would become of mail to ADDRESS, and why" },
	[VERB_SUPPRESS_LIST] = { "suppress list", "[ADDRESS] [--account NAME]",
	    RIGHT_READ, WORDS_ONE, OPTION_ACCOUNT | OPTION_JSON, false,
	    "recipients that are refused to accounts" },
	[VERB_SUPPRESS_ADD] = { "suppress add", "ADDRESS --account NAME",
	    RIGHT_OPERATE, WORDS_ONE, OPTION_ACCOUNT | OPTION_JSON, true,
	    "refuse a recipient to an account" },
	[VERB_SUPPRESS_REMOVE] = { "suppress remove", "ADDRESS --account NAME",
	    RIGHT_OPERATE, WORDS_ONE, OPTION_ACCOUNT | OPTION_JSON, true,
	    "it may be written to again" },
	[VERB_SUPPRESS_IMPORT] = { "suppress import", "--account NAME < FILE",
	    RIGHT_OPERATE, WORDS_NONE, OPTION_ACCOUNT | OPTION_JSON, true,
	    "refuse those of a file: an address a line" },
	[VERB_SUPPRESS_EXPORT] = { "suppress export", "[--account NAME]",
	    RIGHT_READ, WORDS_NONE, OPTION_ACCOUNT | OPTION_JSON, false,
	    "the list as CSV, which import reads" },
	[VERB_ACCOUNT_SHOW] = { "account show", "NAME", RIGHT_READ, WORDS_ONE,
	    OPTION_JSON, true, "what an account has used, and may still" },
	[VERB_ACCOUNT_STOP] = { "account stop", "NAME [--dry-run]",
	    RIGHT_OPERATE, WORDS_ONE, OPTION_DRY_RUN | OPTION_JSON, true,
	    "no login, no session, nothing of it goes out" },
	[VERB_ACCOUNT_UNDO] = { "account undo", "NAME [--dry-run]",
	    RIGHT_OPERATE, WORDS_ONE, OPTION_DRY_RUN | OPTION_JSON, true,
	    "all as it was before account stop" },
	[VERB_ACCOUNT_PURGE] = { "account purge", "NAME [--yes | --reached]",
	    RIGHT_OPERATE, WORDS_ONE, OPTION_YES | OPTION_REACHED | OPTION_JSON,
	    true, "forget what waits of one that is stopped" },
	[VERB_DOMAIN_LOOK] = { "domain look", "DOMAIN", RIGHT_OPERATE,
	    WORDS_ONE, OPTION_JSON, true,
	    "ask for its SPF, DKIM and DMARC records now" },
	[VERB_DOMAIN_RELEASE] = { "domain release", "DOMAIN", RIGHT_OPERATE,
	    WORDS_ONE, OPTION_JSON, true,
	    "send its mail though hosts did not believe it" },
	[VERB_QUEUE_LIST] = { "queue list", CHOOSE, RIGHT_READ, WORDS_IDS, LOOK,
	    false, "what waits, oldest first" },
	[VERB_QUEUE_SUMMARY] = { "queue summary", CHOOSE " [--by WHAT]",
	    RIGHT_READ, WORDS_IDS, LOOK | OPTION_BY, false,
	    "how much waits, of what" },
	[VERB_QUEUE_SHOW] = { "queue show", CHOOSE, RIGHT_READ, WORDS_IDS, LOOK,
	    true, "all about a message" },
	[VERB_QUEUE_WHY] = { "queue why", CHOOSE, RIGHT_READ, WORDS_IDS, LOOK,
	    true, "the same: why it waits" },
	[VERB_QUEUE_CAT] = { "queue cat", CHOOSE, RIGHT_READ, WORDS_IDS,
	    OPTIONS_FILTER, true, "the message itself" },
	[VERB_QUEUE_RETRY] = { "queue retry", STEER, RIGHT_OPERATE, WORDS_IDS,
	    CHANGE, true, "now, instead of when it is due" },
	[VERB_QUEUE_HOLD] = { "queue hold", STEER, RIGHT_OPERATE, WORDS_IDS,
	    CHANGE, true, "not until it is released" },
	[VERB_QUEUE_RELEASE] = { "queue release", STEER, RIGHT_OPERATE,
	    WORDS_IDS, CHANGE, true, "what was held goes on" },
	[VERB_QUEUE_BOUNCE] = { "queue bounce", STEER, RIGHT_OPERATE, WORDS_IDS,
	    CHANGE, true, "give it back to its sender" },
	[VERB_QUEUE_REMOVE] = { "queue remove", STEER, RIGHT_OPERATE, WORDS_IDS,
	    CHANGE, true, "forget it; nobody is told" },
	[VERB_CHECK] = { "check", "--network [DOMAIN] --send ADDRESS",
	    RIGHT_ALONE, WORDS_OWN, OPTION_JSON, false,
	    "the configuration and what it names" },
	[VERB_USER] = { "user",
	    "list|show|add|passwd|suspend|resume|remove|key", RIGHT_ALONE,
	    WORDS_OWN, OPTION_STDIN | OPTION_JSON, false, "accounts" },
	[VERB_DKIM] = { "dkim",
	    "add|list|show|activate|retire DOMAIN [SELECTOR]", RIGHT_ALONE,
	    WORDS_OWN, OPTION_FORCE | OPTION_JSON, false,
	    "keys that sign mail, and their records" },
	[VERB_SPOOL] = { "spool", "check | export DIR | import DIR",
	    RIGHT_ALONE, WORDS_OWN, OPTION_JSON, false,
	    "the spool, while no relay uses it" },
};

const struct verb_option_row verb_options[VERB_OPTION_ROWS] = {
	{ OPTION_ID, "--id", "id", "ID", "this message; may come often" },
	{ OPTION_ACCOUNT, "--account", "account", "NAME",
	    "of this account (\"\": our own reports)" },
	{ OPTION_FROM, "--from", "from", "ADDRESS",
	    "its sender (\"\": the null one)" },
	{ OPTION_TO, "--to", "to", "ADDRESS", "a recipient that waits" },
	{ OPTION_DOMAIN, "--domain", "domain", "DOMAIN",
	    "recipients of this domain" },
	{ OPTION_SITE, "--site", "site", "SITE",
	    "those that go there (see status)" },
	{ OPTION_OLDER, "--older", "older", "TIME", "than so much: 2h" },
	{ OPTION_REASON, "--reason", "reason", "TEXT",
	    "those that wait for that reason" },
	{ OPTION_HELD, "--held", "held", NULL, "what is held" },
	{ OPTION_ALL, "--all", "all", NULL, "everything" },
	{ OPTION_DRY_RUN, "--dry-run", "dry_run", NULL,
	    "say what would be done, and do nothing" },
	{ OPTION_BY, "--by", "by", "WHAT",
	    "domain, site, account, reason or age" },
	{ OPTION_JSON, "--json", "json", NULL, "for programs" },
	{ OPTION_STDIN, "--stdin", "stdin", NULL,
	    "the password is a line of standard input" },
	{ OPTION_FORCE, "--force", "force", NULL,
	    "without a look at the DNS, or at what is left" },
	{ OPTION_YES, "--yes", "yes", NULL,
	    "do it; without it, say what would be done" },
	{ OPTION_REACHED, "--reached", "reached", NULL,
	    "whom it reached already, as CSV" },
};

unsigned
verb_find(struct span name)
{
	unsigned i = 0;

	while (i < VERBS && !span_equal(name, span_text(verbs[i].name)))
		i++;
	return i;
}

const struct verb_option_row *
verb_option_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(verb_options); i++)
		if (span_equal(name, span_text(verb_options[i].name)))
			return &verb_options[i];
	return NULL;
}
