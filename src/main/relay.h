/*
 * relay: the whole road, wired: listeners -> sessions -> spool -> queue ->
 * lanes. One struct holds everything; nothing is global, so several may run in
 * one process.
 */
#ifndef MAIN_RELAY_H
#define MAIN_RELAY_H

#include <stdbool.h>

struct findings;
struct relay;

/*
 * Reads the configuration, opens everything it names, and takes connections
 * from the moment it returns (served once relay_run() runs). `f` gets what was
 * found on the way; NULL when there is an error among it.
 */
struct relay *relay_new(const char *conf_file, struct findings *f);
/*
 * Blocks until a clean stop (SIGTERM or SIGINT). SIGHUP reloads. False: it
 * stopped because it could not go on; the log says why.
 */
bool relay_run(struct relay *r);
/* After relay_run(), or instead of it. */
void relay_free(struct relay *r);

#endif
