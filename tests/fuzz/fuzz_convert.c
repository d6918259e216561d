/*
 * Content that a host does not take as it is: what is written is what that host
 * takes, of as many parts, and there is nothing left to be done with it.
 */
#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum convert_result
run(struct convert *c, struct span text, size_t step, struct buf *out)
{
	enum convert_result r = CONVERT_MORE;

	while (r == CONVERT_MORE) {
		struct span piece = span_to(text, step);
		bool is_all = text.len <= step;

		text = span_from(text, step);
		r = out == NULL ? convert_look(c, piece, is_all)
				: convert_write(c, piece, is_all, out);
	}
	return r;
}

static void
check(const struct buf *out, enum convert_to to)
{
	struct span text = buf_span(out);

	assert(text.len >= 2 && text.ptr[text.len - 1] == '\n');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		assert(c != '\0');
		assert(to == CONVERT_TO_8BIT || (unsigned char)c <= 127);
		assert(c != '\r' || text.ptr[i + 1] == '\n');
		assert(c != '\n' || (i > 0 && text.ptr[i - 1] == '\r'));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct convert c = { 0 }, again = { 0 };
	struct buf out = { .max = CONVERT_ROOM };
	struct span text;
	size_t step;

	if (size < 2)
		return 0;
	c.to = (data[0] & 1) != 0 ? CONVERT_TO_8BIT : CONVERT_TO_7BIT;
	c.lines_max = (data[0] & 2) != 0 ? CONVERT_LINE_MAX : 0;
	step = data[1] == 255 ? PARTS_ADD_MAX : (size_t)data[1] + 1;
	text = span_make((const char *)data + 2, size - 2);
	if (run(&c, text, step, NULL) == CONVERT_NEEDED &&
	    run(&c, text, step, &out) == CONVERT_DONE) {
		check(&out, c.to);
		again.to = c.to;
		again.lines_max = c.lines_max;
		assert(run(&again, buf_span(&out), PARTS_ADD_MAX, NULL) ==
		       CONVERT_NOT_NEEDED);
		assert(again.nfound == c.nfound);
	}
	buf_clear(&out);
	convert_clear(&c);
	convert_clear(&again);
	return 0;
}
