/* shows: an answer of the relay as a person reads it, on standard output. */
#ifndef TOOL_SHOWS_H
#define TOOL_SHOWS_H

#include <jansson.h>

#include "call.h"

void status_print(const json_t *o);
void account_print(const json_t *o);
void domain_print(const json_t *o);

/* --- the ends of calls --- */

int account_purge(struct call *c);
int sessions_show(struct call *c);
int sessions_end(struct call *c);
int trace_show(struct call *c);
int suppress_list(struct call *c);
int suppress_change(struct call *c);
int suppress_import(struct call *c);

#endif
