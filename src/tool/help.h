/* help: what can be asked for, from the table of verbs; each fits a screen. */
#ifndef TOOL_HELP_H
#define TOOL_HELP_H

#include <stdio.h>

#include "ctl/verbs.h"

/* All commands. */
void help_of_all(FILE *out);
/* Those of the queue, and what chooses messages. */
void help_of_queue(FILE *out);
/* One of them, with its options. */
void help_of_verb(FILE *out, enum verb_id verb);

#endif
