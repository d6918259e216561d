/*
 * pages: what the relay says over HTTP: /healthz (200 or 503, and why) and
 * /metrics (Prometheus' text form). No name of a person or message is in them.
 */
#ifndef DESK_PAGES_H
#define DESK_PAGES_H

#include "base/span.h"

struct http_page;
struct pages;
struct queue;
struct spool;

/* What the pages tell of; borrowed, outlives the server. */
struct pages {
	struct spool *spool;
	const struct queue *queue;
};

/* http_handler; `arg` is a struct pages. */
void pages_write(struct span path, struct http_page *page, void *arg);

#endif
