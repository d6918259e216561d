/*
 * listing: what waits, page by page. Which messages, and where to go on, is the
 * scan's (scan.h); beside it a request says
 *
 *   {"brief": true}             of each message only the first recipient
 *   {"at": N, "at_id": ID}      of that message, if it comes first, the rest:
 *                               from recipient N on
 *
 * and the answer has "at" and "at_id" for the next request, when the page ended in
 * the middle of a message. A row whose "from" is not 0 goes on where the page before
 * ended.
 */
#ifndef DESK_LISTING_H
#define DESK_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct message;
struct reason;
struct scan;

/* Bytes of a page, about, and so a few milliseconds of the loop. */
enum { LISTING_PAGE = 48 * 1024 };

/* {"messages": [...], "missing": [ID, ...], "more": ...} */
json_t *
listing_page(struct scan *s, const json_t *request, uint64_t now, int64_t wall);
/*
 * One message, from recipient "at" of the request on; "more" is in the row.
 * `whole`: words for each recipient, for those that were cut in memory; or NULL.
 */
json_t *listing_one(const struct message *m, const json_t *request,
    struct reason *const *whole, uint64_t now, int64_t wall);
/* Whether it would have to show words that were cut. */
bool listing_is_cut(const struct message *m);

#endif
