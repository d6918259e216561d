/*
 * settings: what the daemon does with what was found in its configuration, at the
 * start and at a reload.
 */
#ifndef MAIN_SETTINGS_H
#define MAIN_SETTINGS_H

#include "base/err.h"

struct auth;
struct conf;
struct findings;

/* What is wrong, then what is hardly meant; a line each. */
void settings_log(const struct findings *f);
/*
 * Mechanisms whose plug-in is missing are not offered; an error when none is
 * left.
 */
int
settings_drop_mechanisms(struct conf *conf, struct auth *auth, struct err *err);

#endif
