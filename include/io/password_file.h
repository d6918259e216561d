/* password_file: a password that stands in a file of its own, in one line. */
#ifndef IO_PASSWORD_FILE_H
#define IO_PASSWORD_FILE_H

#include "base/err.h"

struct secret;

/* Without its line end; 1 to 1023 bytes. */
int password_file_read(const char *file, struct secret *out, struct err *err);

#endif
