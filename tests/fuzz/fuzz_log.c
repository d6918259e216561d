/*
 * Lines for the log: any text, quoted, becomes a member of a JSON object. The
 * text unquoted, as a whole line, becomes some object, too.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <string.h>

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	struct buf line = { .max = 16 << 20 }, out = { .max = 64 << 20 };
	json_t *o;

	(void)buf_printf(&line, "event what=%s n=1", log_quote(text));
	(void)buf_append_char(&line, '\0');
	log_to_json(LOG_INFO, "now", buf_span(&line).ptr, &out);
	o = json_loadb(buf_span(&out).ptr, buf_len(&out), 0, NULL);
	assert(o != NULL);
	assert(strcmp(json_string_value(json_object_get(o, "n")), "1") == 0);
	json_decref(o);
	buf_reset(&line);
	buf_reset(&out);
	(void)buf_append_span(&line, text);
	(void)buf_append_char(&line, '\0');
	log_to_json(LOG_INFO, "now", buf_span(&line).ptr, &out);
	o = json_loadb(buf_span(&out).ptr, buf_len(&out), 0, NULL);
	assert(o != NULL);
	json_decref(o);
	buf_clear(&line);
	buf_clear(&out);
	return 0;
}
