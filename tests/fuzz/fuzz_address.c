/*
 * A path: what is taken is inside the input, and is an address again. What is
 * written for it fits, names the same mailbox, and is written the same again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_again(const struct address *a)
{
	struct buf out = { .max = ADDRESS_WRITTEN_MAX }, twice = out;
	struct address again;

	address_write(a, &out);
	assert(!buf_is_over(&out));
	/* Two quotes may have made it longer than what is taken. */
	if (buf_len(&out) <= ADDRESS_MAX) {
		assert(address_parse(buf_span(&out), &again) == ADDRESS_OK);
		assert(address_local_equal_nocase(a->local, again.local));
		assert(span_equal(a->domain, again.domain));
		address_write(&again, &twice);
		assert(span_equal(buf_span(&out), buf_span(&twice)));
	}
	buf_clear(&out);
	buf_clear(&twice);
}

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
	write_again(&a);
	return 0;
}
