/*
 * A fact with any bytes in its fields is one line of text, and one JSON object
 * with the members that it has, its numbers as numbers.
 */
#include <assert.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "facts/fact.h"
#include "facts/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	const struct fact_field fields[] = {
		fact_text("text", text),
		fact_words("words", text),
		fact_address("address", text),
		fact_span("word", text),
		fact_number("n", size),
	};
	const struct fact fact = { FACT_DONE, fields, 5 };
	struct buf line = { .max = 16 << 20 }, out = { .max = 64 << 20 };
	json_t *o;

	fact_write_text(&fact, &line);
	for (size_t i = 0; i < buf_len(&line); i++)
		assert(buf_span(&line).ptr[i] >= ' ' &&
		       buf_span(&line).ptr[i] <= '~');
	fact_write_json(&fact, "now", &out);
	o = json_loadb(buf_span(&out).ptr, buf_len(&out), JSON_ALLOW_NUL, NULL);
	assert(o != NULL && json_object_size(o) == 8);
	assert((size_t)json_integer_value(json_object_get(o, "n")) == size);
	json_decref(o);
	buf_clear(&line);
	buf_clear(&out);
	return 0;
}
