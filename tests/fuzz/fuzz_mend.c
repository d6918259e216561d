/*
 * A client's header: its end is found at once as it is in pieces; and what is
 * written for it is a header section of fields alone, with nothing in front. The
 * first byte is the piece's size.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/header.h"
#include "mail/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As the content's reader leaves it: lines that end in CRLF, the last too. */
static void
make_lines(struct span raw, struct buf *out)
{
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '\r')
			continue;
		if (raw.ptr[i] == '\n')
			(void)buf_append_char(out, '\r');
		(void)buf_append_char(out, raw.ptr[i]);
	}
	if (buf_len(out) > 0 && out->data[out->tail - 1] != '\n')
		(void)buf_append_text(out, "\r\n");
}

static enum mend_end
find(struct span text, size_t piece, struct mend_scan *scan, size_t *end)
{
	enum mend_end found = MEND_MORE;

	for (size_t n = piece; n < text.len && found == MEND_MORE; n += piece)
		found = mend_find_end(span_to(text, n), false, scan, end);
	return found == MEND_MORE ? mend_find_end(text, true, scan, end)
				  : found;
}

static void
check_header(struct span header, enum mend_end found, bool is_odd)
{
	struct buf out = { .max = 64 << 20 };
	size_t scanned = 0, end = 0;

	if (is_odd)
		mend_write(header, &out);
	else
		(void)buf_append_span(&out, header);
	if (found == MEND_NO_BLANK)
		(void)buf_append_text(&out, "\r\n");
	assert(header_find_end(buf_span(&out), &scanned, &end) == HEADER_BLANK);
	assert(end == buf_len(&out));
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mend_scan one = { 0 }, two = { 0 };
	struct buf lines = { .max = 64 << 20 };
	size_t end = 0, again = 0;
	enum mend_end found;
	struct span text;

	if (size == 0)
		return 0;
	make_lines(span_make((const char *)data + 1, size - 1), &lines);
	text = buf_span(&lines);
	found = find(text, text.len + 1, &one, &end);
	assert(found != MEND_MORE);
	assert(find(text, data[0] + 1u, &two, &again) == found);
	if (found != MEND_INDENTED) {
		assert(again == end && end <= text.len);
		assert(one.is_odd == two.is_odd);
		check_header(span_to(text, end), found, one.is_odd);
	}
	buf_clear(&lines);
	return 0;
}
