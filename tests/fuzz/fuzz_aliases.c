/* A file of addresses: what is taken from it is found again, and nothing else. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/aliases.h"
#include "smtp/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t seed[2] = { 1, 2 };
	struct span text = span_make((const char *)data, size);
	struct aliases *a;
	struct address address;
	struct err err = { "" };

	a = aliases_parse(text, seed, &err);
	if (a == NULL) {
		assert(err.text[0] != '\0');
		return 0;
	}
	while (!span_is_empty(text)) {
		struct span line = span_trim(span_cut(&text, '\n'));
		struct span first = span_to(line, span_find(line, ' '));

		if (address_parse(first, &address) == ADDRESS_OK)
			assert(!aliases_has(a, &address, SPAN("")));
	}
	aliases_unref(a);
	return 0;
}
