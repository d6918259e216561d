/*
 * logger: where the log's lines go: standard error or a file, as text or JSON,
 * each with its time. One write a line, so that lines of several threads do not
 * mix.
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
/* The log writes nothing any more. */
void logger_close(struct logger *l);

#endif
