/*
 * standings: accounts that are stopped or braked, in a small file of their own: what
 * the operator ordered holds though the database beside the spool is deleted, damaged
 * or on a full disk. The file is whole at all times; it is written in the pool.
 */
#ifndef INTAKE_STANDINGS_IO_H
#define INTAKE_STANDINGS_IO_H

#include <stdbool.h>

#include "base/span.h"
#include "intake/ledger_io.h"

struct standings;

/* Never LEDGER_IN_ORDER. The name is borrowed for the call. */
typedef void (*standing_cb)(
    struct span name, enum ledger_standing standing, void *arg);

/* The text of such a file. False: it is not whole; what can be read is told. */
bool standings_parse(struct span text, standing_cb each, void *arg);

/* Copies the path. */
struct standings *standings_new(const char *path);
/* Blocks; for the start. True: the file is there, and names all there are. */
bool standings_read(struct standings *s, standing_cb each, void *arg);
/* In memory, until standings_save(). From every thread. */
void standings_set(
    struct standings *s, struct span name, enum ledger_standing standing);
/*
 * Writes what is set by now; what cannot be written is told, and tried again. On one
 * loop. The callback (or NULL) comes once, later.
 */
void standings_save(
    struct standings *s, struct loop *loop, ledger_recorded_cb cb, void *arg);
/* Writes what is not written, and calls back whoever waits. Blocks; at the end. */
void standings_end(struct standings *s);
/* When the loop has ended. */
void standings_free(struct standings *s);

#endif
