/*
 * The reader has a fast road for whole lines (found with memchr, checked, moved
 * in runs) and a slow one, byte by byte, for what is cut at the border of two
 * reads. Both keep the same state, so it may be split anywhere.
 */
#include "smtp/dot.h"

#include <string.h>

static bool
has_high_bit(const char *p, size_t len)
{
	unsigned long word, any = 0;

	for (; len >= sizeof word; len -= sizeof word, p += sizeof word) {
		memcpy(&word, p, sizeof word);
		any |= word;
	}
	for (; len > 0; len--, p++)
		any |= (unsigned char)*p;
	return (any & 0x8080808080808080UL) != 0;
}

/* One byte on the slow road. Returns how many bytes of `emit` to append. */
static size_t
slow_byte(struct dot_reader *r, char c, char emit[3])
{
	size_t n = 0;

	switch (r->state) {
	case DOT_LINE_START:
		if (c == '.') {
			r->state = DOT_DOT;
			return 0;
		}
		break;
	case DOT_DOT:
		if (c == '\r') {
			r->state = DOT_DOT_CR;
			return 0;
		}
		/* RFC 5321 4.5.2: the first dot goes, what follows stays. */
		if (c == '.')
			r->has_dots = true;
		break;
	case DOT_DOT_CR:
		if (c == '\n') {
			r->state = DOT_END;
			return 0;
		}
		emit[n++] = '\r';
		r->bare = true;
		break;
	case DOT_CR:
		emit[n++] = '\r';
		if (c == '\n') {
			emit[n++] = '\n';
			r->state = DOT_LINE_START;
			return n;
		}
		r->bare = true;
		break;
	case DOT_IN_LINE:
	case DOT_END: break;
	}
	if (c == '\r') {
		r->state = DOT_CR;
		return n;
	}
	if (c == '\n')
		r->bare = true;
	if (c == '\0')
		r->nul = true;
	r->state = DOT_IN_LINE;
	emit[n++] = c;
	return n;
}

/*
 * The length of the whole, clean lines at the front that need no change: up to
 * a line that begins with a dot, is not whole, or is not clean.
 */
static size_t
clean_run(struct span in)
{
	size_t done = 0;

	while (done < in.len && in.ptr[done] != '.') {
		const char *start = in.ptr + done;
		const char *cr = memchr(start, '\r', in.len - done);
		size_t len;

		if (cr == NULL)
			break;
		len = (size_t)(cr - start);
		if (done + len + 2 > in.len || cr[1] != '\n' ||
		    memchr(start, '\n', len) != NULL)
			break;
		done += len + 2;
	}
	return done;
}

bool
dot_read(struct dot_reader *r, struct span *in, struct buf *out)
{
	const char *first = in->ptr;
	bool fits = true, check_nul;

	check_nul = in->len > 0 && memchr(in->ptr, '\0', in->len) != NULL;
	while (in->len > 0 && r->state != DOT_END) {
		char emit[3];
		size_t n;

		if (r->state == DOT_LINE_START && !check_nul) {
			n = clean_run(*in);
			if (n > 0) {
				fits = buf_append(out, in->ptr, n) && fits;
				*in = span_from(*in, n);
				continue;
			}
		}
		/*
		 * A line that ends beyond this input: all but its last bytes
		 * need no look each.
		 */
		if (r->state == DOT_IN_LINE && !check_nul) {
			n = 0;
			while (n < in->len && in->ptr[n] != '\r' &&
			       in->ptr[n] != '\n')
				n++;
			if (n > 0) {
				fits = buf_append(out, in->ptr, n) && fits;
				*in = span_from(*in, n);
				continue;
			}
		}
		n = slow_byte(r, in->ptr[0], emit);
		fits = buf_append(out, emit, n) && fits;
		*in = span_from(*in, 1);
	}
	if (!r->has_8bit)
		r->has_8bit = has_high_bit(first, (size_t)(in->ptr - first));
	return fits;
}

bool
dot_write(struct dot_writer *w, struct span content, struct buf *out)
{
	while (content.len > 0) {
		size_t line;

		if (!w->in_line && content.ptr[0] == '.' &&
		    !buf_append_char(out, '.'))
			return false;
		line = span_find(content, '\n');
		w->in_line = line == content.len;
		line += w->in_line ? 0 : 1;
		if (!buf_append(out, content.ptr, line))
			return false;
		content = span_from(content, line);
	}
	return true;
}

bool
dot_write_end(struct dot_writer *w, struct buf *out)
{
	bool fits = true;

	if (w->in_line)
		fits = buf_append_text(out, "\r\n");
	return buf_append_text(out, ".\r\n") && fits;
}
