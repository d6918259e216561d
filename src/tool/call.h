/*
 * call: one verb (ctl/verbs.h) with its arguments, on its way to a running relay
 * and back.
 */
#ifndef TOOL_CALL_H
#define TOOL_CALL_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "ctl/verbs.h"
#include "tool.h"

struct ctl_client;

struct call {
	enum verb_id verb;
	struct ctl_client *client; /* owned */
	json_t *request; /* owned: without "ids" and "after" */
	json_t *ids; /* owned; NULL: none were named */
	bool json;
	bool said_loading;
};

/*
 * Reads what stands behind the verb. EXIT_OK, and *help if only that is wanted; or
 * it has been said what is wrong. call_clear() in any case.
 */
int
call_read(struct call *c, enum verb_id verb, int argc, char **argv, bool *help);
void call_clear(struct call *c);
/* The answer to it as it is, in one piece; NULL and `err`. */
json_t *call_ask(struct call *c, struct err *err);
/* The request for one message. The caller's. */
json_t *call_request_for(const struct call *c, const char *id);
/*
 * Asks page by page until there is no more. `request` (borrowed) instead of the
 * call's own, or NULL. 0, or -1 and `err`.
 */
int call_pages(struct call *c, const json_t *request,
    void (*take)(const json_t *page, void *arg), void *arg, struct err *err);

const char *call_text(const json_t *o, const char *key);
long long call_number(const json_t *o, const char *key);

#endif
