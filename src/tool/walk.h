/*
 * walk: what waits in a running relay, page by page (src/desk/listing.h), put
 * together to whole messages again.
 */
#ifndef TOOL_WALK_H
#define TOOL_WALK_H

#include "call.h"

struct walk {
	bool is_brief; /* of each message the first recipient only */
	void (*each)(json_t *m, void *arg);
	/* An id that was named, and is not there; NULL: it does not matter. */
	void (*missing)(const char *id, void *arg);
	void *arg;
	json_t *open; /* the walk's own */
};

/*
 * Calls `each` for every message that the call chooses. A message that was over
 * before its last page came is left out. 0, or -1 and `err`.
 */
int walk_all(struct call *c, struct walk *w, struct err *err);
/* One message with all its recipients, the caller's to decref; NULL and `err`. */
json_t *walk_one(struct call *c, const char *id, struct err *err);

#endif
