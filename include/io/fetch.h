/*
 * fetch: one HTTP request, by libcurl, which is loaded when it is first needed. Blocks:
 * for the pool. TLS is verified; no redirection is followed.
 */
#ifndef IO_FETCH_H
#define IO_FETCH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct fetch {
	const char
	    *url; /* borrowed, as the next; https, or http where allowed */
	const char *form; /* sent by POST, as a form; NULL: GET */
	const char *user, *password; /* Basic (RFC 7617); NULL: none */
	unsigned seconds; /* that all of it may take */
};

/*
 * Appends the body of a 200 to `out`, at most its maximum. 0, or negative and `err`:
 * no connection, no trust, too long, another status.
 */
int fetch_run(const struct fetch *f, struct buf *out, struct err *err);
/* Whether libcurl can be had. */
int fetch_try(struct err *err);

#endif
