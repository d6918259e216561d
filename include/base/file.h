/*
 * file: what is done with whole files, by whoever has one open. Blocks; for the
 * start, a reload, the pool and the tool.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/*
 * For a library that opens a path by itself: 0 when that is a file, and read to an
 * end. Whoever opened a pipe or a device would wait for it; what is not there at
 * all is 0, too, for the library to say. The message begins with `what`.
 */
int file_is_readable(const char *what, const char *path, struct err *err);
/* The same of one that is read here: opened for reading, or a negative code. */
int file_open(const char *path, struct err *err);
/* All that is left in it; -EFBIG when that is more than `most`, which is set in
   the buffer. */
int file_read_all(int fd, size_t most, struct buf *text, struct err *err);
/* All of it; `path` is for the message. */
int file_write_all(int fd, struct span s, const char *path, struct err *err);
/* So that names in the folder are as they are after a power cut, too. */
int file_sync_folder(const char *folder, struct err *err);

/*
 * A number that changes when the file does, to see whether it did: `sum` goes in
 * (FILE_MARK to begin with), so that one number may stand for several files.
 */
#define FILE_MARK UINT64_C(0xcbf29ce484222325)
uint64_t file_mark(uint64_t sum, const struct stat *st);
/* The same of a path; one that is not there has a mark of its own. */
uint64_t file_mark_path(uint64_t sum, const char *path);

#endif
