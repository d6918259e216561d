/* help: what can be asked for, from the table of verbs; each fits a screen. */
#ifndef TOOL_HELP_H
#define TOOL_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "ctl/verbs.h"

/* All commands. */
void help_of_all(FILE *out);
/* Of verbs that begin with that word; false: none are told together so. */
bool help_of_group(FILE *out, const char *word);
/* One of them, with its options. */
void help_of_verb(FILE *out, enum verb_id verb);

#endif
