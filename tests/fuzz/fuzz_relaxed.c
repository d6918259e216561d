/* A body gives the same canonical form however it is cut, and that form stays. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "src/sign/relaxed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_bytes(struct span bytes, void *arg)
{
	(void)buf_append_span(arg, bytes);
}

static struct buf
relax(struct span in, size_t piece)
{
	struct buf out = { .max = in.len * 2 + 16 };
	struct relaxed_body b = { .sink = on_bytes, .arg = &out };

	for (size_t at = 0; at < in.len; at += piece)
		relaxed_body_add(&b, span_to(span_from(in, at), piece));
	relaxed_body_end(&b);
	assert(!buf_is_over(&out));
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct buf whole = relax(in, size + 1), cut, again, field = { 0 };

	for (size_t piece = 1; piece < 5; piece++) {
		cut = relax(in, piece);
		assert(span_equal(buf_span(&whole), buf_span(&cut)));
		buf_clear(&cut);
	}
	again = relax(buf_span(&whole), 3);
	assert(span_equal(buf_span(&whole), buf_span(&again)));
	relaxed_field(in, &field);
	buf_clear(&field);
	buf_clear(&whole);
	buf_clear(&again);
	return 0;
}
