/*
 * rows: what a record says of recipients, as bytes and as the index keeps it
 * (README.md has the form). Pure. A row is a list of tagged values; what this
 * version does not know of it is kept as it lies, and written again.
 */
#ifndef SPOOL_ROWS_PRIV_H
#define SPOOL_ROWS_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "mail/progress.h"

struct envelope;
struct reason;
struct tags;

/* What is kept of a recipient beside the address. Zero: nothing has happened.
 */
struct row {
	struct reason *reason; /* a reference; NULL: no words */
	struct tags *other; /* owned; of newer versions; NULL: none */
	uint64_t place; /* of the record that has it (whole_priv.h) */
	/* Numbers, 16 bytes: */
	uint32_t last, due; /* wall s; due is rounded up */
	uint32_t stood;
	uint16_t tries;
	uint8_t step;
	uint8_t state : 6, held : 1, is_mistrusted : 1;
};

/*
 * Takes over the news (not the index), with a reference of its own to all the
 * words that are in memory. Tags that the news have not stay.
 */
void row_set(struct row *row, const struct progress *news);
struct progress row_get(const struct row *row, uint32_t rcpt);
/* Nothing has happened: it needs no row. */
bool row_is_fresh(const struct progress *p);
/* With whole words, as far as they are in memory. */
struct row *rows_copy(const struct row *rows, uint32_t n);
/* Lets go of what they own. */
void rows_clear(struct row *rows, uint32_t n);
/* The same, and frees them. NULL is allowed. */
void rows_free(struct row *rows, uint32_t n);

/*
 * Words are as the rows have them: none of these may be cut while it is written
 * (reason_whole()).
 *
 * Appends how many words there are, then these, then the rows. With an
 * envelope, row i is about its recipient i, and has the address.
 */
void rows_encode(const struct progress *rows, uint32_t n,
    const struct envelope *env, struct buf *out);

/* Whom a message's row is about. */
struct row_who {
	struct span address, attrs; /* borrowed */
};

/* Reading what rows_encode() wrote, here or in an older version. */
struct rows_reader {
	struct span at; /* borrowed: what is not read yet */
	uint8_t version;
	struct reason **words; /* owned, with a reference each */
	uint32_t nwords;
	struct buf other;
};

/* False when it is none; rows_close() it in both cases. */
bool rows_open(struct rows_reader *r, struct span at, uint8_t version);
/*
 * The next row: its spans and its reason are borrowed until the next call. Of a
 * message's row, *who; NULL for news, which say which recipient they mean.
 * False at the end and for what is no row.
 */
bool
rows_next(struct rows_reader *r, struct progress *out, struct row_who *who);
void rows_close(struct rows_reader *r);

/* Takes `len` bytes from the front; false when there are fewer. */
bool rows_take(struct span *at, size_t len, struct span *out);
/* The same for what ends at its NUL in an envelope: there is none inside. */
bool rows_take_text(struct span *at, size_t len, struct span *out);

/* --- older.c: the rows of versions 1 and 2 --- */

bool older_next(struct span *at, struct progress *out, struct span *address,
    struct span *detail);

#endif
