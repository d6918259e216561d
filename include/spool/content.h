/*
 * content: the bytes of a message in canonical form (CRLF line ends, not
 * dot-stuffed): the head, which is the lines that we put in front and is in memory,
 * and what the client sent, in memory too or in a file of the spool. Never changes;
 * counted by reference, from any thread.
 */
#ifndef SPOOL_CONTENT_H
#define SPOOL_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct content;
struct content_budget;
struct content_file;

/* Takes both buffers' memory; one reference. The bytes count as held. */
struct content *content_new_take(struct buf *head, struct buf *body);
/* Takes the descriptor; the content is its bytes [offset, offset + size). */
struct content *content_new_file(int fd, uint64_t offset, uint64_t size);
/*
 * What the spool stored in one of its files, whose checksum it knows, behind the
 * head, which is copied. Takes the descriptor, which is for reading, and a reference
 * of the file.
 */
struct content *
content_new_stored(int fd, struct content_file *file, struct span head);
struct content *content_ref(struct content *c);
/* NULL is allowed. */
void content_unref(struct content *c);

/*
 * What the content of a spool takes of memory, whoever holds it: each piece
 * counts from the first content_count() until nobody has it any more. Counted
 * by reference, as a lane may outlive the spool's index.
 */
struct content_budget *content_budget_new(void);
void content_budget_unref(struct content_budget *b);
uint64_t content_budget_bytes(const struct content_budget *b);
/* In memory only. Once counted it stays so; not from two threads at once. */
void content_count(struct content *c, struct content_budget *b);

uint64_t content_size(const struct content *c);
/* All of it, not the head alone. */
bool content_is_in_memory(const struct content *c);
/* What stands in front; empty: nothing. Lives as long as the caller's reference. */
struct span content_head(const struct content *c);
/*
 * In memory only: the up to two pieces that make up bytes from `offset` on.
 * Returns how many. They live as long as the caller's reference.
 */
int
content_pieces(const struct content *c, uint64_t offset, struct span out[2]);
/*
 * Copies up to `len` bytes from `offset`. Blocks when it is in a file (for the
 * pool then). Returns the count, 0 at the end, negative on error.
 */
int64_t content_read(const struct content *c, uint64_t offset, void *dst,
    size_t len, struct err *err);

/* A reading from the beginning to the end; `{0}` is its start. */
struct content_reader {
	uint64_t at;
	uint32_t crc;
	bool now; /* only what needs no waiting for a disk: for a loop */
};
/*
 * The next up to `len` bytes; 0 at the end. The last ones come only when all
 * that was read is what was stored: -EBADMSG if not, so that who passes each
 * piece on never completes a damaged message. -EAGAIN: not without waiting.
 */
int64_t content_next(struct content_reader *r, const struct content *c,
    void *dst, size_t len, struct err *err);
/* Reads all of it, if it has a checksum. 0, -EBADMSG or -errno. Blocks. */
int content_verify(const struct content *c, struct err *err);

#endif
