/*
 * ctl client: the operator's side of the control socket. Blocks; for the tool.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>

#include "base/err.h"

struct ctl_client;

struct ctl_client *ctl_client_open(const char *path, struct err *err);
/* How long an answer is waited for; a minute unless this is called. */
void ctl_client_set_patience(struct ctl_client *c, unsigned seconds);
/*
 * Sends the request (taken) and returns the answer (the caller's to decref);
 * NULL and `err` when there is none, or when it says {"error": "..."}.
 */
json_t *ctl_client_ask(struct ctl_client *c, json_t *request, struct err *err);
void ctl_client_close(struct ctl_client *c);

#endif
