/*
 * Words as the spool has them, also an older one's: what is read is written and
 * read the same, and a report made of them is 7-bit lines with its four parts.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/dsn.h"
#include "mail/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char boundary[] = "\r\n--postern-";

static void
report(const struct words *w)
{
	struct dsn_rcpt r = {
		.address = w->host, .words = *w, .is_expired = true
	};
	struct dsn d = { .action = DSN_FAILED, .rcpts = &r, .nrcpts = 1 };
	struct buf out = { 0 };
	struct span rest;
	size_t parts = 0;

	dsn_write(&out, &d);
	rest = buf_span(&out);
	for (size_t i = 0; i + sizeof boundary <= rest.len; i++)
		parts +=
		    memcmp(rest.ptr + i, boundary, sizeof boundary - 1) == 0;
	assert(parts == 4);
	while (!span_is_empty(rest)) {
		struct span line = span_cut(&rest, '\n');

		assert(line.len > 0 && line.len < 999);
		for (size_t i = 0; i + 1 < line.len; i++)
			assert((line.ptr[i] >= ' ' && line.ptr[i] <= '~') ||
			       line.ptr[i] == '\t');
	}
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words w = words_read(span_make((const char *)data, size));
	struct buf out = { 0 };
	struct words again;
	char *kept;

	words_write(&out, &w);
	again = words_read(buf_span(&out));
	assert(again.status.len == w.status.len);
	assert(again.host.len == w.host.len);
	assert(again.what.len == w.what.len);
	assert(again.said.len == w.said.len);
	report(&again);
	kept = words_keep(w.said);
	assert(strlen(kept) <= WORDS_SAID_MAX && strlen(kept) <= w.said.len);
	free(kept);
	buf_clear(&out);
	return 0;
}
