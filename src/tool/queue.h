/* queue: what `postern` prints of what waits. Each is the end of a call. */
#ifndef TOOL_QUEUE_H
#define TOOL_QUEUE_H

#include "call.h"

int queue_list(struct call *c);
int queue_show(struct call *c);
int queue_cat(struct call *c);
/* All about a message, for people. */
void queue_print(const json_t *m);
/* --- steer.c --- */
int queue_steer(struct call *c);
/* --- summary.c --- */
int queue_summary(struct call *c);

#endif
