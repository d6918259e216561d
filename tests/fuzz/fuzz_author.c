/* A header: what is signed of it is lines, and a From names domains in bounds. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sign/author.h"
#include "sign/fields.h"
#include "smtp/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at_authors(struct span from)
{
	struct author_domain got[AUTHORS_MAX];
	size_t n = authors_read(from, got);

	assert(n <= AUTHORS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct span domain = span_text(got[i].text);

		assert(domain_is_valid(domain) && span_is_ascii(domain));
		for (size_t k = 0; k < domain.len; k++)
			assert(ascii_lower(domain.ptr[k]) == domain.ptr[k]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct fields f;
	struct span names;

	look_at_authors(in);
	if (fields_read(in, &f)) {
		look_at_authors(f.from);
		names = buf_span(&f.names);
		while (names.len > 0)
			assert(span_cut(&names, ':').len > 0);
		assert(span_find(buf_span(&f.names), ';') == buf_len(&f.names));
		assert(buf_len(&f.canonical) <= size + 2 * FIELDS_MAX);
	}
	fields_clear(&f);
	return 0;
}
