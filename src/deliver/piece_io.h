/*
 * piece_io: a read of the next piece of a large content, on the lane's loop when
 * it need not wait, else in the pool. It owns what it uses.
 */
#ifndef DELIVER_PIECE_IO_H
#define DELIVER_PIECE_IO_H

#include "spool/content.h"

enum { PIECE = 64 * 1024 };

struct lane_io;

struct piece {
	struct lane_io *io; /* borrowed: a lane does not end under a read */
	struct content *content; /* owned reference */
	struct content_reader reader;
	int64_t len; /* negative: failed */
	char *data; /* owned */
	struct err err;
};

/* From where `reader` stands. */
struct piece *piece_new(struct lane_io *io, struct content *content,
    const struct content_reader *reader);
void piece_free(struct piece *p);
/* Of a struct piece: fills `len`, and `data` or `err`. */
void piece_read(void *piece);

#endif
