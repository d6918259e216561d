/* The configuration's text: whatever it says, an answer and no leak. */
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf warnings = { 0 };
	struct err err;
	struct conf *conf = conf_parse(span_make((const char *)data, size),
	    "fuzz.conf", "host.test", &warnings, &err);

	conf_unref(conf);
	buf_clear(&warnings);
	return 0;
}
