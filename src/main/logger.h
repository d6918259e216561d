/*
 * logger: where the log's lines go: standard error or a file, as text or JSON,
 * each with its time. Lines are written some milliseconds after they were said,
 * many at a time and in the order in which they were said; errors at once. Nobody
 * ever waits for the log: when it is not read, lines are dropped, those of level
 * info and debug first, and it says `log_dropped lines=N` when it goes on.
 */
#ifndef MAIN_LOGGER_H
#define MAIN_LOGGER_H

#include "base/err.h"

struct conf;
struct logger;
struct logger_next;

/* Becomes the log's writer. The file of the configuration is opened. */
struct logger *logger_open(const struct conf *conf, struct err *err);
/*
 * A reload: opens the file again (it may have been moved away), or another one,
 * and changes nothing yet; NULL and `err` when it cannot be had. logger_take()
 * takes it, and what is said from then on goes there.
 */
struct logger_next *logger_prepare(const struct conf *conf, struct err *err);
void logger_take(struct logger *l, struct logger_next *next);
/* Instead of taking it; NULL is allowed. */
void logger_discard(struct logger_next *next);
/*
 * Writes what waits, for two seconds at most; then the log writes nothing any
 * more.
 */
void logger_close(struct logger *l);

#endif
