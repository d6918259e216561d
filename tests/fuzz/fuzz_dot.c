/*
 * Content on the wire: cut or whole, the result is the same; and what was
 * clean, or mended, is canonical, goes out and comes back as it was. The first
 * byte is the piece's size, and whether bare LFs are mended.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/dot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads in pieces; returns what stands behind the end. */
static struct span
read_in_pieces(
    struct dot_reader *r, struct span in, size_t piece, struct buf *out)
{
	while (in.len > 0 && r->state != DOT_END) {
		struct span some = span_to(in, piece);
		const char *from = some.ptr;

		assert(dot_read(r, &some, out));
		in = span_from(in, (size_t)(some.ptr - from));
	}
	return in;
}

static void
write_and_read(struct span content, size_t piece)
{
	struct dot_writer w = { 0 };
	struct dot_reader r = { 0 };
	struct buf wire = { .max = 64 << 20 }, back = { .max = 64 << 20 };
	struct span rest = content;

	while (rest.len > 0) {
		assert(dot_write(&w, span_to(rest, piece), &wire));
		rest = span_from(rest, piece);
	}
	assert(dot_write_end(&w, &wire));
	rest = read_in_pieces(&r, buf_span(&wire), wire.tail, &back);
	assert(r.state == DOT_END && rest.len == 0 && !r.bare);
	assert(span_equal(buf_span(&back), content));
	buf_clear(&wire);
	buf_clear(&back);
}

/* Lines that end in CRLF, and `has_dots` when one begins with a dot. */
static void
check_canonical(struct span s, bool has_dots)
{
	for (size_t i = 0; i < s.len; i++) {
		assert(s.ptr[i] != '\r' ||
		       (i + 1 < s.len && s.ptr[i + 1] == '\n'));
		assert(s.ptr[i] != '\n' || (i > 0 && s.ptr[i - 1] == '\r'));
		assert(has_dots || s.ptr[i] != '.' ||
		       (i > 0 && s.ptr[i - 1] != '\n'));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dot_reader one = { 0 }, two = { 0 };
	struct buf whole = { .max = 64 << 20 }, cut = { .max = 64 << 20 };
	struct span in, rest, other;
	size_t piece;

	if (size == 0)
		return 0;
	piece = data[0] % 32 + 1u;
	one.mends = two.mends = data[0] >= 128;
	in = span_make((const char *)data + 1, size - 1);
	rest = read_in_pieces(&one, in, size, &whole);
	other = read_in_pieces(&two, in, piece, &cut);
	assert(span_equal(rest, other) && one.state == two.state);
	assert(one.bare == two.bare && one.nul == two.nul);
	assert(one.has_8bit == two.has_8bit && one.has_dots == two.has_dots);
	assert(span_equal(buf_span(&whole), buf_span(&cut)));
	if (one.state == DOT_END && !one.bare) {
		check_canonical(buf_span(&whole), one.has_dots);
		write_and_read(buf_span(&whole), piece);
	}
	buf_clear(&whole);
	buf_clear(&cut);
	return 0;
}
