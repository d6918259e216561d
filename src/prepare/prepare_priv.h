/* prepare_priv: one look at what a configuration names. */
#ifndef PREPARE_PRIV_H
#define PREPARE_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/findings.h"
#include "prepare/prepare.h"

struct look {
	const struct conf *conf; /* borrowed */
	long pid; /* a running relay; 0: none */
	struct findings *findings; /* borrowed */
};

/* "FILE:LINE: key: what", or "FILE: key (default): what" for line 0. */
void look_found(const struct look *l, enum finding_level level, const char *key,
    int line, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same of a text that begins with its key: "FILE:LINE: text". */
void look_said(const struct look *l, enum finding_level level, int line,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* For an option outside of titled sections. */
#define look_option(l, level, key, ...)                                        \
	look_found(                                                            \
	    (l), (level), (key), conf_line((l)->conf, (key)), __VA_ARGS__)

/*
 * "it is root's, mode 0700, and this is postern: chown postern X": why a system's
 * error came, and what to do. Appends nothing when it knows nothing.
 */
const char *whose(const char *path, char *out, size_t size);
/* The same of a file that was to be read; "" unless the system denies that. */
const char *why_denied(const char *path, char *out, size_t size);
enum { WHY_SIZE = 512 };
/* The folder that a path is in; the caller's to free. */
char *folder_of(const char *path);

enum held { HELD_NO, HELD_YES, HELD_UNKNOWN };
/* Whether that process listens at the port. */
enum held held_port(long pid, uint16_t port);
/* Who has a lock (flock) on the file; 0: nobody that can be seen. */
long held_lock(const char *path);

/* Each looks at one thing, in this order. */
void look_at_certificates(const struct look *l);
void look_at_accounts(const struct look *l);
void look_at_aliases(const struct look *l);
void look_at_countries(const struct look *l);
void look_at_spool(const struct look *l);
void look_at_state(const struct look *l);
void look_at_log(const struct look *l);
void look_at_sockets(const struct look *l);
void look_at_ports(const struct look *l);
void look_at_http(const struct look *l);
void look_at_routes(const struct look *l);
void look_at_resolver(const struct look *l);
void look_at_filters(const struct look *l);
void look_at_descriptors(const struct look *l);

#endif
