/*
 * listing: what waits, page by page. A request says where to go on:
 *
 *   {"after": ID}             the messages behind that one; none: from the first
 *   {"after": ID, "at": N}    the rest of that message, from recipient N on,
 *                             and what is behind it
 *   {"brief": true}           of each message only the first recipient
 *
 * and so does the answer, which has "more", and "after" and "at" for the next
 * request. A row whose "from" is not 0 goes on where the page before ended.
 */
#ifndef DESK_LISTING_H
#define DESK_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct message;
struct queue;
struct reason;

/* Bytes of a page, about, and so a few milliseconds of the loop. */
enum { LISTING_PAGE = 256 * 1024 };

/* {"messages": [...], "more": ...} */
json_t *listing_page(
    const struct queue *q, const json_t *request, uint64_t now, int64_t wall);
/*
 * One message, from recipient "at" of the request on; "more" is in the row.
 * `whole`: words for each recipient, for those that were cut in memory; or NULL.
 */
json_t *listing_one(const struct message *m, const json_t *request,
    struct reason *const *whole, uint64_t now, int64_t wall);
/* Whether it would have to show words that were cut. */
bool listing_is_cut(const struct message *m);
/* The id that the request has there; 0: none, or none that is one. */
uint64_t listing_id(const json_t *request, const char *key);

#endif
