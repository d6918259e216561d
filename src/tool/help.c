#include "help.h"

#include <string.h>

#include "config.h"

static const char queue[] = "queue ";

static bool
is_of_queue(const struct verb *v)
{
	return strncmp(v->name, queue, strlen(queue)) == 0;
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

void
help_of_all(FILE *out)
{
	bool has_queue = false;

	(void)fputs("usage: postern [-c FILE] COMMAND ...\n", out);
	for (size_t i = 0; i < VERBS; i++) {
		if (!is_of_queue(&verbs[i]))
			(void)fprintf(
			    out, "  %-14s %s\n", verbs[i].name, verbs[i].help);
		else if (!has_queue)
			(void)fputs("  queue VERB     what waits, listed and "
				    "steered (postern queue --help)\n",
			    out);
		has_queue |= is_of_queue(&verbs[i]);
	}
	(void)fputs("postern COMMAND --help tells more of one.\n"
		    "  -c FILE        configuration (" SYSCONFDIR
		    "/postern/postern.conf)\n"
		    "  --json         behind a command: JSON, for programs\n"
		    "  --version, -V  print the version\n",
	    out);
}

void
help_of_queue(FILE *out)
{
	(void)fputs("usage: postern [-c FILE] queue VERB [ID ...|-] "
		    "[FILTER ...] [--dry-run]\n",
	    out);
	for (size_t i = 0; i < VERBS; i++)
		if (is_of_queue(&verbs[i]))
			(void)fprintf(out, "  %-18s %s\n",
			    verbs[i].name + strlen(queue), verbs[i].help);
	print_options(out, OPTIONS_FILTER | OPTION_DRY_RUN | OPTION_BY);
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
