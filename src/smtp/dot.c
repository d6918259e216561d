/*
 * The reader has a fast road for whole clean lines, 64 bytes at a time: each
 * byte that means something is a bit of a mask, and what a line end is or a
 * dot in front, shifts and ANDs of masks tell for all of them at once. The slow
 * one, byte by byte, is for what is cut at the border of two reads or not
 * clean. Both keep the same state, so it may be split anywhere.
 */
#include "smtp/dot.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { BLOCK = 64 };

/* Bit i is about byte i of a block. */
struct marks {
	uint64_t cr, lf, dot, nul, high;
};

#if defined(__SSE2__)
static uint64_t
bits_of(__m128i a, __m128i b, __m128i c, __m128i d)
{
	return (uint64_t)_mm_movemask_epi8(a) |
	       (uint64_t)_mm_movemask_epi8(b) << 16 |
	       (uint64_t)_mm_movemask_epi8(c) << 32 |
	       (uint64_t)_mm_movemask_epi8(d) << 48;
}

static struct marks
mark(const char *p)
{
	const __m128i *at = (const __m128i *)(const void *)p;
	__m128i a = _mm_loadu_si128(at), b = _mm_loadu_si128(at + 1),
		c = _mm_loadu_si128(at + 2), d = _mm_loadu_si128(at + 3);

#define WHERE(byte)                                                            \
	bits_of(_mm_cmpeq_epi8(a, _mm_set1_epi8(byte)),                        \
	    _mm_cmpeq_epi8(b, _mm_set1_epi8(byte)),                            \
	    _mm_cmpeq_epi8(c, _mm_set1_epi8(byte)),                            \
	    _mm_cmpeq_epi8(d, _mm_set1_epi8(byte)))
	return (struct marks){ .cr = WHERE('\r'),
		.lf = WHERE('\n'),
		.dot = WHERE('.'),
		.nul = WHERE('\0'),
		.high = bits_of(a, b, c, d) };
#undef WHERE
}
#else
static struct marks
mark(const char *p)
{
	struct marks m = { 0 };

	for (int i = 0; i < BLOCK; i++) {
		unsigned char c = (unsigned char)p[i];

		m.cr |= (uint64_t)(c == '\r') << i;
		m.lf |= (uint64_t)(c == '\n') << i;
		m.dot |= (uint64_t)(c == '.') << i;
		m.nul |= (uint64_t)(c == '\0') << i;
		m.high |= (uint64_t)(c >> 7) << i;
	}
	return m;
}
#endif

/* One byte on the slow road. Returns how many bytes of `emit` to append. */
static size_t
slow_byte(struct dot_reader *r, char c, char emit[3])
{
	size_t n = 0;

	switch (r->state) {
	case DOT_LINE_START:
		if (c == '.') {
			r->state = DOT_DOT;
			return 0;
		}
		break;
	case DOT_DOT:
		if (c == '\r') {
			r->state = DOT_DOT_CR;
			return 0;
		}
		/* RFC 5321 4.5.2: the first dot goes, what follows stays. */
		if (c == '.')
			r->has_dots = true;
		break;
	case DOT_DOT_CR:
		if (c == '\n') {
			r->state = DOT_END;
			return 0;
		}
		emit[n++] = '\r';
		r->bare = true;
		break;
	case DOT_CR:
		emit[n++] = '\r';
		if (c == '\n') {
			emit[n++] = '\n';
			r->state = DOT_LINE_START;
			return n;
		}
		r->bare = true;
		break;
	case DOT_IN_LINE:
	case DOT_END: break;
	}
	if (c == '\r') {
		r->state = DOT_CR;
		return n;
	}
	if (c == '\n')
		r->bare = true;
	if (c == '\0')
		r->nul = true;
	if ((unsigned char)c > 127)
		r->has_8bit = true;
	r->state = DOT_IN_LINE;
	emit[n++] = c;
	return n;
}

/*
 * The length of the whole, clean lines at the front that need no change: up to
 * a line that begins with a dot, is not whole, or is not clean. Looks for high
 * bits in what it has passed.
 */
static size_t
clean_run(struct dot_reader *r, struct span in)
{
	uint64_t after_cr = 0, after_lf = 1;
	size_t done = 0;

	for (size_t at = 0; at < in.len; at += BLOCK) {
		size_t n = in.len - at < BLOCK ? in.len - at : BLOCK;
		uint64_t valid =
		    n == BLOCK ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
		char padded[BLOCK] = { 0 };
		uint64_t wrong, before, ends;
		struct marks m;

		if (n < BLOCK)
			memcpy(padded, in.ptr + at, n);
		m = mark(n < BLOCK ? padded : in.ptr + at);
		/* LF where there was no CR, or none where there was one. */
		wrong = m.lf ^ (m.cr << 1 | after_cr);
		wrong |= m.nul | (m.dot & (m.lf << 1 | after_lf));
		wrong &= valid;
		before = ((wrong & -wrong) - 1) & valid; /* all, if none */
		r->has_8bit = r->has_8bit || (m.high & before) != 0;
		ends = m.lf & before;
		if (ends != 0)
			done = at + BLOCK - (size_t)__builtin_clzll(ends);
		if (wrong != 0)
			break;
		after_cr = m.cr >> (BLOCK - 1);
		after_lf = m.lf >> (BLOCK - 1);
	}
	return done;
}

/* What stands before the next byte that means something inside a line. */
static size_t
plain_run(struct dot_reader *r, struct span in)
{
	unsigned char any = 0;
	size_t n = 0;

	while (n < in.len && in.ptr[n] != '\r' && in.ptr[n] != '\n' &&
	       in.ptr[n] != '\0')
		any |= (unsigned char)in.ptr[n++];
	r->has_8bit = r->has_8bit || any > 127;
	return n;
}

bool
dot_read(struct dot_reader *r, struct span *in, struct buf *out)
{
	bool fits = true;

	while (in->len > 0 && r->state != DOT_END) {
		char emit[3];
		size_t n = 0;

		if (r->state == DOT_LINE_START)
			n = clean_run(r, *in);
		else if (r->state == DOT_IN_LINE)
			n = plain_run(r, *in);
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
