/*
 * log_target: what log.target names, as a descriptor that is written at the end
 * of: standard error, or a file that is a log already or new.
 */
#ifndef MAIN_LOG_TARGET_H
#define MAIN_LOG_TARGET_H

#include "base/err.h"

struct conf;

/* Negative, and `err`, when it cannot be had. */
int log_target_open(const struct conf *conf, struct err *err);
/* Standard error stays open; a negative one is none. */
void log_target_close(int fd);

#endif
