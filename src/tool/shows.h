/* shows: an answer of the relay as a person reads it, on standard output. */
#ifndef TOOL_SHOWS_H
#define TOOL_SHOWS_H

#include <jansson.h>

void status_print(const json_t *o);

#endif
