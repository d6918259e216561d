/*
 * summary: how much waits, in groups: by domain, site, account, reason and age. A
 * page has what a turn of the scan met, and whoever walks the pages adds them up:
 *
 *   {"messages": N, "recipients": N,
 *    "domain": {NAME: [messages, recipients, age of the oldest in seconds], ...},
 *    "site": ..., "account": ..., "reason": ..., "age": ..., "more": ...}
 *
 * Counted are recipients that wait. A message counts once in each group that it has
 * recipients in.
 */
#ifndef DESK_SUMMARY_H
#define DESK_SUMMARY_H

#include <jansson.h>
#include <stdint.h>

struct scan;

/* "by" of the request: one of the groups; else all five. */
json_t *summary_page(struct scan *s, const json_t *request);

#endif
