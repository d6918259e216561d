/* What is taken as base64 must come back as the same letters. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct buf plain = { 0 }, again = { 0 };

	if (base64_decode(in, &plain)) {
		assert(base64_encode(buf_span(&plain), &again));
		assert(span_equal(buf_span(&again), in));
	}
	buf_clear(&plain);
	buf_clear(&again);
	return 0;
}
