/*
 * settings: the configuration file as the daemon reads it, at the start and at a
 * reload.
 */
#ifndef MAIN_SETTINGS_H
#define MAIN_SETTINGS_H

#include "base/buf.h"
#include "base/err.h"

struct auth;
struct conf;

struct conf *
settings_read(const char *file, struct buf *warnings, struct err *err);
void settings_log_warnings(const struct buf *warnings);
/*
 * Mechanisms whose plug-in is missing are not offered; an error when none is
 * left.
 */
int
settings_drop_mechanisms(struct conf *conf, struct auth *auth, struct err *err);

#endif
