/* A path: what is taken is inside the input, and is an address again. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = span_make((const char *)data, size), in = all;
	struct address a, again;

	(void)address_parse(in, &a);
	if (address_parse_path(&in, &a) != ADDRESS_OK)
		return 0;
	assert(in.ptr + in.len == all.ptr + all.len);
	assert(a.text.len <= ADDRESS_MAX);
	if (address_is_null(&a) || span_is_empty(a.domain))
		return 0;
	assert(address_parse(a.text, &again) == ADDRESS_OK);
	assert(span_equal(again.local, a.local));
	assert(span_equal(again.domain, a.domain));
	return 0;
}
