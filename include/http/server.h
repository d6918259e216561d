/*
 * http server: a few pages for machines that watch the relay (libmicrohttpd),
 * on the loop's own thread. GET and HEAD only; what a page says is the
 * handler's business.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct http_server;
struct loop;

struct http_page {
	unsigned status; /* 200, 404, 503 ... */
	const char *type; /* static text */
	struct buf body;
};

/* Fills in the page for a path; on the loop's thread. */
typedef void (*http_handler)(
    struct span path, struct http_page *page, void *arg);

/* `address` is "host:port" as conf_parse_address() takes it. */
struct http_server *http_server_open(struct loop *loop, const char *address,
    http_handler handler, void *arg, struct err *err);
/* Connections are cut. NULL is allowed. */
void http_server_close(struct http_server *s);

#endif
