/*
 * Where a line may end at the latest, the last LF before that is looked for,
 * backward: in text of usual lines it is found at once, and some eight KiB are passed
 * over in one step.
 */
#include "smtp/line_meter.h"

#include <string.h>

enum { CRLF = 2 };

bool
line_meter_take(struct line_meter *m, struct span more, size_t most)
{
	for (;;) {
		size_t room = most + CRLF - m->open;
		size_t n = more.len < room ? more.len : room;
		const char *end = n == 0 ? NULL : memrchr(more.ptr, '\n', n);

		if (end != NULL) {
			m->open = 0;
			more = span_from(more, (size_t)(end - more.ptr) + 1);
			if (more.len > 0)
				continue;
			return true;
		}
		m->open += n;
		/* With all its room taken, it has no end in time. */
		return more.len == n && m->open < most + CRLF;
	}
}
