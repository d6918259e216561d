/* Lines, commands and parameters, as long as there are some. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
parse(struct span line)
{
	struct command_param p;
	struct command c;

	command_parse(line, &c);
	assert(c.verb.len + c.args.len <= line.len);
	while (command_next_param(&c.args, &p) == 1)
		assert(p.keyword.len > 0 && p.has_value == (p.value.len > 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size), line;

	parse(in);
	for (;;) {
		size_t before = in.len;

		switch (command_take_line(&in, &line)) {
		case COMMAND_LINE_OK:
			assert(span_find(line, '\r') == line.len);
			parse(line);
			break;
		case COMMAND_LINE_BARE: break;
		case COMMAND_LINE_MORE:
		case COMMAND_LINE_TOO_LONG: return 0;
		}
		assert(in.len < before);
	}
}
