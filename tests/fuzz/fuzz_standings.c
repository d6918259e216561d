/* A file of who is stopped: what is told of it is names, as many as it says. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "src/intake/standings_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_name(struct span name, enum ledger_standing standing, void *arg)
{
	size_t *n = arg;

	assert(name.len > 0 && span_find(name, '\n') == name.len &&
	       span_find(name, '\0') == name.len);
	assert(standing == LEDGER_STOPPED || standing == LEDGER_BRAKED);
	(*n)++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	size_t n = 0, lines = 0;
	bool is_whole = standings_parse(text, on_name, &n);

	while (!span_is_empty(text)) {
		(void)span_cut(&text, '\n');
		lines++;
	}
	assert(n <= lines);
	assert(!is_whole || n + 2 == lines);
	return 0;
}
