/*
 * findings: what was found when something was looked at, in the order in which
 * it was found: each with a level and words that say what, which, why and what
 * to do. For the start, a reload and `postern check`, which find the same.
 */
#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include <stddef.h>

#include "base/buf.h"

enum finding_level {
	FINDING_OK, /* looked at, and in order */
	FINDING_WARNING, /* hardly meant, and yet it runs */
	FINDING_ERROR, /* it does not run like that */
};

struct finding {
	enum finding_level level;
	char *text; /* owned */
};

/* Zero is none. */
struct findings {
	struct finding *all; /* owned */
	size_t n;
};

void findings_add(struct findings *f, enum finding_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
size_t findings_count(const struct findings *f, enum finding_level level);
/* All of that level, parted by "; ". */
void findings_join(
    const struct findings *f, enum finding_level level, struct buf *out);
const char *finding_level_name(enum finding_level level);
void findings_clear(struct findings *f);

#endif
