/*
 * logger: where the log's lines go: standard error or a file, as text or JSON,
 * each with its time. Lines are written some milliseconds after they were said,
 * many at a time and in the order in which they were said; errors at once.
 */
#ifndef MAIN_LOGGER_H
#define MAIN_LOGGER_H

#include "base/err.h"

struct conf;
struct logger;

/* Becomes the log's writer. The file of the configuration is opened. */
struct logger *logger_open(const struct conf *conf, struct err *err);
/* Opens the file again (it may have been moved away), or another one. */
int logger_reload(struct logger *l, const struct conf *conf, struct err *err);
/* Writes what waits; then the log writes nothing any more. */
void logger_close(struct logger *l);

#endif
