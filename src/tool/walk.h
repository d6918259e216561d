/*
 * walk: what waits in a running relay, page by page (src/desk/listing.h), put
 * together to whole messages again.
 */
#ifndef TOOL_WALK_H
#define TOOL_WALK_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"

struct ctl_client;

/*
 * Calls `each` for every waiting message, with all its recipients; `is_brief`:
 * with the first one only. A message that was over before its last page came is
 * left out.
 */
int walk_all(struct ctl_client *c, bool is_brief,
    void (*each)(json_t *m, void *arg), void *arg, struct err *err);
/* One message with all its recipients, the caller's to decref; NULL and `err`. */
json_t *walk_one(struct ctl_client *c, const char *id, struct err *err);

#endif
