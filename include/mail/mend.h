/*
 * mend: the header section as careless programs hand it in, found and made one
 * that every host reads as it was meant: lines of mbox files, a byte order mark
 * or blank lines in front, lines in the middle that are no field. What follows a
 * header without a blank line is text, unless it can only be more header: in
 * doubt it is text, where a person reads it.
 *
 * A header without flaw is found as it is, and costs a look at each line.
 */
#ifndef MAIL_MEND_H
#define MAIL_MEND_H

#include "base/buf.h"
#include "base/span.h"

/* How far behind an odd line it is looked for what that line is. */
enum { MEND_LOOK_MAX = 4096 };

/* How far it has been looked; `{0}` is the start. The finder's own but is_odd. */
struct mend_scan {
	size_t at; /* lines before are the header's */
	size_t field; /* where the last field begins */
	uint64_t seen; /* names that may come once, a bit each, of the */
	size_t noted; /* lines before this one */
	bool has_field;
	bool is_odd; /* the header is to be written by mend_write() */
};

enum mend_end {
	MEND_MORE, /* the end is not in what is here */
	MEND_BLANK, /* *end is behind the blank line */
	MEND_NO_BLANK, /* *end is where a blank line is missing */
	MEND_INDENTED, /* white space in front of the fields: nobody can tell */
};

/*
 * Where the header section ends in `text`, which grows from the front by calls
 * with the same scan; `is_all`: it will grow no more.
 */
enum mend_end mend_find_end(
    struct span text, bool is_all, struct mend_scan *scan, size_t *end);

/*
 * Writes a header of whole lines that was found to be odd (all before *end), mended: fields,
 * their continuations, and the blank line at its end if it has one. Mbox lines
 * become X-Mailbox-Line fields; a stray line continues the field before it when
 * that is how it came about, or becomes an X-Unparsed-Line field.
 */
void mend_write(struct span header, struct buf *out);

#endif
