/*
 * pages: what the relay says over HTTP: /healthz (200 or 503, and each reason) and
 * /metrics (Prometheus' text form). No name of a person or message is in them.
 */
#ifndef DESK_PAGES_H
#define DESK_PAGES_H

#include "base/span.h"

struct conf;
struct http_page;
struct queue;
struct router;
struct spool;
struct tls_server;

/* What the pages tell of; borrowed, outlives the server. */
struct pages {
	struct spool *spool;
	const struct queue *queue;
	struct router *router;
	/* Where the newest ones are: a reload changes them. */
	struct conf *const *conf;
	struct tls_server *const *tls;
	int64_t started; /* wall ms */
};

/* http_handler; `arg` is a struct pages. */
void pages_write(struct span path, struct http_page *page, void *arg);

#endif
