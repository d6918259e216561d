/*
 * home: where a journal lives: its disk, its folders, and the sizes it was opened
 * with. Made by journal.c or inspect.c, and never changed while anybody works there.
 */
#ifndef SPOOL_HOME_PRIV_H
#define SPOOL_HOME_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "disk_priv.h"

struct home {
	const struct disk *disk; /* borrowed: static, or the test's */
	char *directory; /* owned */
	int root, folder, contents; /* owned; -1: not open */
	uint64_t segment_size;
	double reserve_percent; /* of the file system's blocks and inodes */
	bool read_only; /* inspect.c: look, change nothing */
};

#endif
