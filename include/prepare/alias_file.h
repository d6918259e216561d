/* alias_file: the file that auth.aliases names, read whole. */
#ifndef PREPARE_ALIAS_FILE_H
#define PREPARE_ALIAS_FILE_H

#include "base/err.h"

struct aliases;

/* NULL, and `err` ("PATH: line 7: what"), when it cannot be had. */
struct aliases *alias_file_read(const char *path, struct err *err);

#endif
