/* A key's file, and the record in the DNS that is compared with a key. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "sign/key.h"
#include "sign/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char example[] =
    "Postern DKIM key\ndomain: football.example.com\nselector: brisbane\n"
    "state: active\nmade: 1\nsince: 2\n-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	char why[RECORD_WHY_MAX];
	struct buf text = { 0 };
	struct key *k, *again;
	struct err err;

	k = key_parse(in, &err);
	if (k != NULL) {
		assert(key_write(k, &text, &err) == 0);
		again = key_parse(buf_span(&text), &err);
		assert(again != NULL);
		key_unref(again);
		key_unref(k);
	}
	k = key_parse(SPAN(example), &err);
	assert(k != NULL);
	(void)record_judge(k, &in, 1, why);
	key_unref(k);
	buf_clear(&text);
	return 0;
}
