/*
 * log_target: what log.target names, as a descriptor that is written at the end
 * of: standard error, or a file that is a log already or new.
 */
#ifndef PREPARE_LOG_TARGET_H
#define PREPARE_LOG_TARGET_H

#include <stdbool.h>

#include "base/err.h"

struct conf;

/* Negative, and `err`, when it cannot be had. */
int log_target_open(const struct conf *conf, struct err *err);
/*
 * A file that has something in it must be a log of ours: nothing is written
 * behind a key or a message because of a slip in the configuration.
 */
bool log_target_is_ours(int fd);
/* Standard error stays open; a negative one is none. */
void log_target_close(int fd);

#endif
