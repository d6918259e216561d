/*
 * prepare: all that a start needs from a configuration, looked at and not taken:
 * ports, folders, room, certificates, accounts, routes. posternd looks before it
 * starts and before it takes a new configuration, and `postern check` looks by
 * the same functions: what the one finds, the other finds. Changes nothing: no
 * file is made, and an address that is tried is given back.
 */
#ifndef PREPARE_PREPARE_H
#define PREPARE_PREPARE_H

#include "base/findings.h"

struct conf;

/* The file, and the system's name where it has none. NULL: there is an error. */
struct conf *prepare_read(const char *file, struct findings *f);
/*
 * What the configuration names. `pid` is a running relay that may have the ports,
 * the spool and the socket (ours at a reload); 0: there is none.
 */
void prepare_look(const struct conf *conf, long pid, struct findings *f);

#endif
