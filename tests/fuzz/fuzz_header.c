/* A header: its end is found at once as it is byte by byte; a field goes. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include "base/mem.h"
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
find_end(struct span text)
{
	size_t scanned = 0, end = 0, again_scanned = 0, again_end = 0;
	enum header_end found = header_find_end(text, &scanned, &end);
	enum header_end again = HEADER_MORE;

	for (size_t n = 0; n <= text.len && again == HEADER_MORE; n++)
		again = header_find_end(
		    span_to(text, n), &again_scanned, &again_end);
	assert(again == found && again_end == end && end <= text.len);
}

static void
remove_field(struct span text)
{
	char *copy = mem_dup(text.ptr, text.len);
	struct header_facts facts;
	size_t len = header_remove(copy, text.len, SPAN("bcc"));

	assert(len <= text.len);
	header_review(span_make(copy, len), &facts);
	assert(!facts.has_bcc);
	len = header_remove_empty(copy, len);
	header_review(span_make(copy, len), &facts);
	assert(!facts.has_empty);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size), rest = text;
	struct header_field f;

	while (header_next(&rest, &f))
		assert(
		    f.raw.len > 0 && f.name.len > 0 && f.value.len < f.raw.len);
	find_end(text);
	remove_field(text);
	return 0;
}
