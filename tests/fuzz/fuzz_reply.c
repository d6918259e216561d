/* Replies, one behind the other, and their lines. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size), line;
	struct reply r;

	while (reply_parse(&in, &r) == REPLY_OK) {
		assert(r.code >= 200 && r.code <= 599);
		assert(r.text.len >= 4 && r.text.len <= REPLY_MAX + 1);
		assert(r.text.ptr + r.text.len == in.ptr);
		assert(r.enhanced.len <= 9);
		while (reply_next_line(&r.text, &line))
			assert(line.len <= REPLY_LINE_MAX);
	}
	return 0;
}
