/*
 * The reader has a fast road for clean text, 16 bytes side by side: what a byte
 * means shows in it and in the one before, and all that is asked of a block is
 * whether there is anything special. The slow road, byte by byte, is for what
 * is, for a bare LF that is mended, and for a CR or a dot in front at the border
 * of two reads. Both keep the same state, so it may be split anywhere.
 */
#include "smtp/dot.h"

#include <string.h>

enum { SIDE_BY_SIDE = 16, BLOCK = 32 };

/* gcc and clang make of it what the processor has: SSE2, NEON. */
typedef unsigned char bytes __attribute__((vector_size(SIDE_BY_SIDE)));

/* Appends the end of a line of content. */
static size_t
emit_line_end(struct dot_reader *r, enum dot_state then, char *emit)
{
	emit[0] = '\r';
	emit[1] = '\n';
	r->state = then;
	return 2;
}

/* A byte that neither ends a line nor could begin to. */
static size_t
emit_in_line(struct dot_reader *r, char c, char *emit)
{
	if (c == '\r') {
		r->state = DOT_CR;
		return 0;
	}
	if (c == '\n' && r->mends)
		return emit_line_end(r, DOT_BEHIND_LF, emit);
	if (c == '\n')
		r->bare = true;
	if (c == '\0')
		r->nul = true;
	if ((unsigned char)c > 127)
		r->has_8bit = true;
	r->state = DOT_IN_LINE;
	emit[0] = c;
	return 1;
}

/* A CR came before: only LF may follow. */
static size_t
emit_behind_cr(struct dot_reader *r, char c, char *emit)
{
	if (c == '\n')
		return emit_line_end(r, DOT_LINE_START, emit);
	r->bare = true;
	emit[0] = '\r';
	return 1 + emit_in_line(r, c, emit + 1);
}

/* A dot at a line's start came before (RFC 5321 4.5.2): it goes, or ends all. */
static size_t
emit_behind_dot(struct dot_reader *r, char c, char *emit)
{
	if (c == '\r') {
		r->state = DOT_DOT_CR;
		return 0;
	}
	if (c == '.')
		r->has_dots = true;
	if (c != '\n' || !r->mends)
		return emit_in_line(r, c, emit);
	/* A dot alone that LF ends was stuffed by nobody. */
	r->has_dots = r->looks_ended = true;
	emit[0] = '.';
	return 1 + emit_line_end(r, DOT_BEHIND_LF, emit + 1);
}

/* The same dot behind a mended LF: it is content, and was emitted. */
static size_t
emit_behind_lf_dot(struct dot_reader *r, char c, char *emit)
{
	if (c == '\r') {
		r->state = DOT_LF_DOT_CR;
		return 0;
	}
	r->looks_ended = c == '\n';
	return emit_in_line(r, c, emit);
}

/*
 * One byte on the slow road. Returns how many bytes of `emit` to append. Apart
 * from the fast road, whose loop keeps all registers then.
 */
__attribute__((noinline)) static size_t
slow_byte(struct dot_reader *r, char c, char emit[3])
{
	r->looks_ended = false;
	switch (r->state) {
	case DOT_LINE_START:
		if (c != '.')
			return emit_in_line(r, c, emit);
		if (r->is_counted) {
			r->has_dots = true;
			return emit_in_line(r, c, emit);
		}
		r->state = DOT_DOT;
		return 0;
	case DOT_BEHIND_LF:
		if (c != '.')
			return emit_in_line(r, c, emit);
		r->has_dots = true;
		r->state = DOT_LF_DOT;
		emit[0] = c;
		return 1;
	case DOT_DOT: return emit_behind_dot(r, c, emit);
	case DOT_DOT_CR:
		if (c != '\n')
			return emit_behind_cr(r, c, emit);
		r->state = DOT_END;
		return 0;
	case DOT_LF_DOT: return emit_behind_lf_dot(r, c, emit);
	case DOT_LF_DOT_CR:
		r->looks_ended = c == '\n';
		return emit_behind_cr(r, c, emit);
	case DOT_CR: return emit_behind_cr(r, c, emit);
	case DOT_IN_LINE:
	case DOT_END: break;
	}
	return emit_in_line(r, c, emit);
}

/* What the slow road has to see: bare CR or LF, NUL, a dot in front. */
static bool
is_special(char before, char c)
{
	return (c == '\n') != (before == '\r') || c == '\0' ||
	       (c == '.' && before == '\n');
}

/* The same of a whole block: a byte that is not 0, if there is any. */
static inline bytes
special_bytes(const char *block, bytes *any)
{
	bytes special = { 0 }, before, c;

	for (size_t i = 0; i < BLOCK; i += SIDE_BY_SIDE) {
		memcpy(&before, block + i - 1, sizeof before);
		memcpy(&c, block + i, sizeof c);
		special |= (bytes)((c == '\n') ^ (before == '\r')) |
			   (bytes)(c == '\0') |
			   (bytes)((c == '.') & (before == '\n'));
		*any |= c;
	}
	return special;
}

static inline uint64_t
fold(bytes b)
{
	uint64_t halves[2];

	memcpy(halves, &b, sizeof halves);
	return halves[0] | halves[1];
}

/* The length of the whole clean blocks behind in.ptr[-1], which is there. */
static size_t
clean_blocks(struct span in, bool *has_8bit)
{
	bytes seen = { 0 };
	size_t n;

	for (n = 0; n + BLOCK <= in.len; n += BLOCK) {
		bytes any = seen;

		if (fold(special_bytes(in.ptr + n, &any)) != 0)
			break;
		seen = any;
	}
	if ((fold(seen) & UINT64_C(0x8080808080808080)) != 0)
		*has_8bit = true;
	return n;
}

/*
 * The length of what needs no change at the front, within a line or at its
 * start. A CR at its end is left: what it is, the next byte says.
 */
static size_t
clean_run(struct dot_reader *r, struct span in)
{
	unsigned char any;
	size_t n = 1;

	/* A dot that is no first one is no harm on the slow road. */
	if (is_special('\n', in.ptr[0]))
		return 0;
	any = (unsigned char)in.ptr[0];
	n += clean_blocks(span_from(in, n), &r->has_8bit);
	while (n < in.len && !is_special(in.ptr[n - 1], in.ptr[n]))
		any |= (unsigned char)in.ptr[n++];
	r->has_8bit = r->has_8bit || any > 127;
	if (in.ptr[n - 1] == '\r')
		n--;
	if (n == 0)
		return 0;
	r->state = in.ptr[n - 1] == '\n' ? DOT_LINE_START : DOT_IN_LINE;
	r->looks_ended = false;
	return n;
}

/* All as it is; what it would not be otherwise is noted. */
static bool
read_binary(struct dot_reader *r, struct span *in, struct buf *out)
{
	struct span all = *in;

	for (size_t i = 0; i < all.len; i++) {
		char c = all.ptr[i];

		if (c == '\n' ? r->state != DOT_CR : r->state == DOT_CR)
			r->bare = true;
		r->state = c == '\r' ? DOT_CR : DOT_IN_LINE;
		r->nul |= c == '\0';
		r->has_8bit |= (unsigned char)c > 127;
	}
	r->has_dots = true; /* nobody looked */
	*in = span_from(*in, all.len);
	return buf_append_span(out, all);
}

bool
dot_read(struct dot_reader *r, struct span *in, struct buf *out)
{
	bool fits = true;

	if (r->is_binary)
		return read_binary(r, in, out);
	while (in->len > 0 && r->state != DOT_END) {
		char emit[3];
		size_t n = 0;

		if (r->state == DOT_LINE_START || r->state == DOT_IN_LINE ||
		    r->state == DOT_BEHIND_LF)
			n = clean_run(r, *in);
		if (n > 0) {
			fits = buf_append(out, in->ptr, n) && fits;
			*in = span_from(*in, n);
			continue;
		}
		n = slow_byte(r, in->ptr[0], emit);
		fits = buf_append(out, emit, n) && fits;
		*in = span_from(*in, 1);
	}
	return fits;
}

bool
dot_write(struct dot_writer *w, struct span content, struct buf *out)
{
	while (content.len > 0) {
		size_t line;

		if (!w->in_line && content.ptr[0] == '.' &&
		    !buf_append_char(out, '.'))
			return false;
		line = span_find(content, '\n');
		w->in_line = line == content.len;
		line += w->in_line ? 0 : 1;
		if (!buf_append(out, content.ptr, line))
			return false;
		content = span_from(content, line);
	}
	return true;
}

bool
dot_write_end(struct dot_writer *w, struct buf *out)
{
	bool fits = true;

	if (w->in_line)
		fits = buf_append_text(out, "\r\n");
	return buf_append_text(out, ".\r\n") && fits;
}
