#include "help.h"

#include <string.h>

#include "base/span.h"

/* Verbs of two words that are told together: by their first one. */
static const struct group {
	const char *word;
	const char *help; /* of all of them */
	const char *args; /* for the usage line */
	unsigned options;
} groups[] = {
	{ "account", "how an account stands, and its end", "NAME", 0 },
	{ "suppress", "recipients refused to accounts",
	    "[ADDRESS] [--account NAME]", OPTION_ACCOUNT },
	{ "queue", "what waits, listed and steered",
	    "[ID ...|-] [FILTER ...] [--dry-run]",
	    OPTIONS_FILTER | OPTION_DRY_RUN | OPTION_BY },
};

static const struct group *
group_of(const struct verb *v)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		size_t len = strlen(groups[i].word);

		if (strncmp(v->name, groups[i].word, len) == 0 &&
		    v->name[len] == ' ')
			return &groups[i];
	}
	return NULL;
}

static void
print_options(FILE *out, unsigned options)
{
	for (size_t i = 0; i < VERB_OPTION_ROWS; i++) {
		const struct verb_option_row *o = &verb_options[i];
		char name[40];

		if ((options & o->option) == 0)
			continue;
		(void)snprintf(name, sizeof name, "%s %s", o->name,
		    o->value == NULL ? "" : o->value);
		(void)fprintf(out, "  %-18s %s\n", name, o->help);
	}
}

static void
print_group(FILE *out, const struct group *g)
{
	char name[40];

	(void)snprintf(name, sizeof name, "%s VERB", g->word);
	(void)fprintf(
	    out, "  %-14s %s (postern %s --help)\n", name, g->help, g->word);
}

void
help_of_all(FILE *out)
{
	const struct group *before = NULL;

	(void)fputs("usage: postern [-c FILE] COMMAND ...\n", out);
	for (size_t i = 0; i < VERBS; i++) {
		const struct group *g = group_of(&verbs[i]);

		if (g == NULL)
			(void)fprintf(
			    out, "  %-14s %s\n", verbs[i].name, verbs[i].help);
		else if (g != before)
			print_group(out, g);
		before = g;
	}
	(void)fputs("postern COMMAND --help tells more of one.\n"
		    "  -c FILE        configuration (" SYSCONFDIR
		    "/postern/postern.conf)\n"
		    "  --json         behind a command: JSON, for programs\n"
		    "  --version, -V  print the version\n",
	    out);
}

bool
help_of_group(FILE *out, const char *word)
{
	const struct group *g = NULL;

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (strcmp(groups[i].word, word) == 0)
			g = &groups[i];
	if (g == NULL)
		return false;
	(void)fprintf(
	    out, "usage: postern [-c FILE] %s VERB %s\n", g->word, g->args);
	for (size_t i = 0; i < VERBS; i++)
		if (group_of(&verbs[i]) == g)
			(void)fprintf(out, "  %-18s %s\n",
			    verbs[i].name + strlen(word) + 1, verbs[i].help);
	print_options(out, g->options);
	return true;
}

void
help_of_verb(FILE *out, enum verb_id verb)
{
	const struct verb *v = &verbs[verb];

	(void)fprintf(out, "usage: postern [-c FILE] %s %s\n  %s\n", v->name,
	    v->args, v->help);
	print_options(out, v->options);
	if (v->words == WORDS_IDS)
		(void)fputs("Filters are \"and\"; * stands for anything. "
			    "\"-\" reads ids from standard input.\n",
		    out);
}
