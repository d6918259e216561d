/* A header: its subject is UTF-8, short, and has nothing that moves a cursor. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
marks(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == '?';
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = { 0 }, again = { 0 }, header = { 0 };
	struct span got;

	subject_text(span_make((const char *)data, size), &out);
	got = buf_span(&out);
	assert(got.len <= SUBJECT_MOST);
	for (size_t i = 0; i < got.len; i++)
		assert((unsigned char)got.ptr[i] >= ' ' && got.ptr[i] != 0x7f);
	/* It is UTF-8: read again, no letter of it becomes a '?'. */
	(void)buf_append_text(&header, "Subject: ");
	(void)buf_append_span(&header, got);
	(void)buf_append_text(&header, "\r\n");
	subject_text(buf_span(&header), &again);
	if (span_find(got, '=') == got.len)
		assert(marks(buf_span(&again)) <= marks(got));
	buf_clear(&out);
	buf_clear(&again);
	buf_clear(&header);
	return 0;
}
