/*
 * filter_io: a draft's way through all filters of the configuration, in its order,
 * each of which sees what those before it changed. A body that is on disk is read
 * from there, piece by piece; a new one that is large goes there. On one loop.
 */
#ifndef INTAKE_FILTER_IO_H
#define INTAKE_FILTER_IO_H

#include <stdbool.h>
#include <stdint.h>

struct content;
struct draft;
struct filtering;
struct loop;
struct milter_ways;
struct spool_entry;

/* The reply if the draft is refused, or NULL; valid for the call. */
typedef void (*filter_cb)(const char *refusal, void *arg);

struct filter_options {
	struct loop *loop; /* borrowed, as all of these */
	struct milter_ways *ways;
	/* The draft's, where what it has passed is. */
	struct spool_entry *entry;
	struct draft *draft; /* lives until the callback */
	filter_cb cb; /* once, and later */
	void *arg;
};

struct filtering *filter_start(const struct filter_options *options);
/* It ends as soon as may be, with a refusal; the callback comes still. */
void filter_hurry(struct filtering *f);
/*
 * After the callback; frees. d->rest, if it is set, is read until then, and no
 * longer.
 */
void filter_end(struct filtering *f);

#endif
