/*
 * dot: message content on the wire after DATA (RFC 5321 4.5.2), both ways. Only
 * CRLF.CRLF ends it: what one server reads as an end and another does not is how
 * a second message is smuggled in. A bare CR or NUL is reported. A bare LF is
 * reported too, or mended: made CRLF, which ends a line of the content and never
 * takes part in the end of all.
 *
 * Dots behind a mended LF are content as they are, one or more: who stuffs, stuffs
 * behind CRLF (RFC 5321 2.3.8 knows no other line), and most clients that send
 * bare LFs stuff nothing. The writer stuffs them.
 */
#ifndef SMTP_DOT_H
#define SMTP_DOT_H

#include "base/buf.h"
#include "base/span.h"

enum dot_state {
	DOT_LINE_START, /* behind CRLF, or at the beginning */
	DOT_IN_LINE,
	DOT_CR, /* CR seen, LF must follow */
	DOT_DOT, /* a dot at a line's start */
	DOT_DOT_CR, /* CR behind it */
	DOT_BEHIND_LF, /* behind a bare LF that was mended */
	DOT_LF_DOT, /* and a dot, which is content */
	DOT_LF_DOT_CR, /* and a CR */
	DOT_END,
};

/* `{0}` is the beginning of content. */
struct dot_reader {
	enum dot_state state;
	bool mends; /* set by the owner: a bare LF is made CRLF */
	/* The same: BDAT says how much it is; no dot is stuffed or ends it. */
	bool is_counted;
	/* The same: any octet may be in it (RFC 3030 section 3), and stays. */
	bool is_binary;
	bool bare; /* a bare CR was seen, or a bare LF that was not mended */
	bool looks_ended; /* the last line was a dot alone, but not the end */
	bool nul; /* a NUL was seen */
	bool has_8bit; /* a byte above 127 */
	bool has_dots; /* a line (unstuffed) begins with a dot */
};

/*
 * Moves content from *in to `out`, unstuffed. Stops behind the end (state
 * DOT_END) or with *in empty. False when `out` is full: the rest of this input
 * was dropped, the reader still finds the end.
 */
bool dot_read(struct dot_reader *r, struct span *in, struct buf *out);

/* `{0}` is the beginning of content. */
struct dot_writer {
	bool in_line; /* the last byte was not the LF of a line end */
};

/* Appends content, stuffed. False when `out` is full. */
bool dot_write(struct dot_writer *w, struct span content, struct buf *out);
/* The final CRLF (when the content did not end in one), dot and CRLF. */
bool dot_write_end(struct dot_writer *w, struct buf *out);

#endif
