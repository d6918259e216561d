#include "deliver/lane_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
lane_end_clear(struct lane_end *end)
{
	free(end->said);
	*end = (struct lane_end){ 0 };
}

void
lane_end_set(struct lane_end *end, const char *host, const char *status,
    const char *what)
{
	lane_end_clear(end);
	(void)snprintf(end->host, sizeof end->host, "%s", host);
	(void)snprintf(end->status, sizeof end->status, "%s", status);
	(void)snprintf(end->what, sizeof end->what, "%s", what);
}

struct words
lane_end_words(const struct lane_end *end)
{
	return (struct words){ .status = span_text(end->status),
		.host = span_text(end->host),
		.what = span_text(end->what),
		.said = span_text(end->said) };
}

/* RFC 3463 3.5: X.4.1, no answer from host. */
static bool
says_little(const struct lane_end *end)
{
	return end->what[0] == '\0' || strcmp(end->status, "4.4.1") == 0;
}

void
lane_end_keep(struct lane_end *kept, struct lane_end *end)
{
	if (kept->what[0] != '\0' && says_little(end)) {
		lane_end_clear(end);
		return;
	}
	lane_end_clear(kept);
	*kept = *end;
	*end = (struct lane_end){ 0 };
}

void
lane_end_settle(struct lane_end *end, struct lane_end *kept)
{
	if (end->failed && says_little(end) && !says_little(kept)) {
		kept->failed = end->failed;
		kept->untouched = end->untouched;
		lane_end_clear(end);
		*end = *kept;
		*kept = (struct lane_end){ 0 };
	}
	lane_end_clear(kept);
}
