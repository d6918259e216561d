/*
 * What a program hands in through postern-sendmail: lines, and a header. Whatever it is,
 * lines end in CRLF, and each recipient has a domain.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "sendmail/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_lines(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		assert(
		    text.ptr[i] != '\n' || (i > 0 && text.ptr[i - 1] == '\r'));
	assert(text.len == 0 || text.ptr[text.len - 1] == '\n');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct letter_sender sender = { .address = SPAN("a@h.test"),
		.name = SPAN("A \"B\""),
		.hostname = SPAN("h.test") };
	struct letter_lines lines = { .dot_ends = true };
	struct letter_rcpts rcpts = { 0 };
	struct buf text = { .max = 2 * size + 16 },
		   header = { .max = 64 * size + 1024 };
	struct span in, bad = { "", 0 };
	size_t step;

	if (size == 0)
		return 0;
	lines.dot_ends = (data[0] & 1) != 0;
	step = (size_t)(data[0] >> 1) + 1;
	in = span_make((const char *)data + 1, size - 1);
	while (in.len > 0) {
		letter_lines_add(&lines, span_to(in, step), &text);
		in = span_from(in, step);
	}
	letter_lines_end(&lines, &text);
	check_lines(buf_span(&text));
	letter_header_write(buf_span(&text), &sender, &header);
	assert(!buf_is_over(&header));
	check_lines(buf_span(&header));
	(void)letter_header_rcpts(
	    buf_span(&text), sender.hostname, &rcpts, &bad);
	for (size_t i = 0; i < rcpts.n; i++)
		assert(strchr(rcpts.list[i], '@') != NULL);
	letter_rcpts_clear(&rcpts);
	buf_clear(&text);
	buf_clear(&header);
	return 0;
}
