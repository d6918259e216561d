#include "mail/transfer.h"

#include "smtp/base64.h"

enum {
	LINE_MOST = 76, /* RFC 2045 6.7 (5), 6.8 */
	TRIPLES_A_LINE = LINE_MOST / 4,
};

/* --- quoted-printable --- */

static void
put(struct transfer *t, const char *text, size_t len, struct buf *out)
{
	/* One place is kept for the "=" of a soft line end. */
	if (t->way == TRANSFER_QUOTED_PRINTABLE &&
	    t->column + len > LINE_MOST - 1) {
		(void)buf_append_text(out, "=\r\n");
		t->column = 0;
	}
	(void)buf_append(out, text, len);
	t->column += len;
}

static void
put_escaped(struct transfer *t, char c, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;
	const char text[3] = { '=', digits[byte >> 4], digits[byte & 15] };

	put(t, text, 3, out);
}

static void
end_line(struct transfer *t, struct buf *out)
{
	(void)buf_append_text(out, "\r\n");
	t->column = 0;
}

/*
 * One that no line end follows. A dot, and the F of "From ", are written so that
 * no host and no mailbox changes a line that begins with them; a dash, so that no
 * line of ours can be a delimiter.
 */
static void
put_quoted(struct transfer *t, char c, struct buf *out)
{
	bool is_plain = (c >= ' ' && c <= '~' && c != '=') || c == '\t';
	bool folds = t->column + 1 > LINE_MOST - 1;

	if ((t->column == 0 || folds) && (c == '.' || c == 'F'))
		is_plain = false;
	if (folds && c == '-')
		is_plain = false;
	if (is_plain)
		put(t, &c, 1, out);
	else
		put_escaped(t, c, out);
}

/* Blanks at a line's end, and a CR that nothing shows to be one, are kept back. */
static void
let_go(struct transfer *t, struct buf *out)
{
	for (size_t i = 0; i < t->nkept; i++)
		put_quoted(t, t->kept[i], out);
	t->nkept = 0;
}

static void
quote_line_end(struct transfer *t, struct buf *out)
{
	/* The last one kept is the CR. */
	for (size_t i = 0; i + 1 < t->nkept; i++)
		put_escaped(t, t->kept[i], out);
	t->nkept = 0;
	end_line(t, out);
}

static void
quote(struct transfer *t, char c, struct buf *out)
{
	bool has_cr = t->nkept > 0 && t->kept[t->nkept - 1] == '\r';

	if (c == '\n' && has_cr) {
		quote_line_end(t, out);
		return;
	}
	if (c == '\r' && !has_cr) {
		t->kept[t->nkept++] = c;
		return;
	}
	let_go(t, out);
	if (c == ' ' || c == '\t' || c == '\r')
		t->kept[t->nkept++] = c;
	else
		put_quoted(t, c, out);
}

enum { FOLD_AT = 900 }; /* what claims to be quoted has lines of 76 */

/*
 * What stands there is quoted already: nothing is folded but what no host would
 * take, and never inside of an escape.
 */
static void
put_mended(struct transfer *t, char c, struct buf *out)
{
	if (t->column > FOLD_AT && t->nescape == 0) {
		(void)buf_append_text(out, "=\r\n");
		t->column = 0;
	}
	t->nescape = c == '=' ? 2 : t->nescape > 0 ? t->nescape - 1 : 0;
	if ((unsigned char)c > 127 || c == '\0' || c == '\r' ||
	    (c == '-' && t->column == 0))
		put_escaped(t, c, out);
	else
		(void)buf_append_char(out, c);
	t->column++;
}

static void
mend_quoted(struct transfer *t, char c, struct buf *out)
{
	bool has_cr = t->nkept > 0;

	t->nkept = 0;
	if (c == '\n') {
		t->nescape = 0;
		end_line(t, out);
		return;
	}
	if (has_cr)
		put_mended(t, '\r', out);
	if (c == '\r')
		t->kept[t->nkept++] = c;
	else
		put_mended(t, c, out);
}

/* --- base64 --- */

static void
put_base64(struct transfer *t, struct span octets, struct buf *out)
{
	if (t->column == LINE_MOST)
		end_line(t, out);
	(void)base64_encode(octets, out);
	t->column += BASE64_ENCODED_LEN(octets.len);
}

static void
add_base64(struct transfer *t, struct span octets, struct buf *out)
{
	while (octets.len > 0 && t->nkept > 0) {
		t->kept[t->nkept++] = octets.ptr[0];
		octets = span_from(octets, 1);
		if (t->nkept < 3)
			continue;
		put_base64(t, span_make(t->kept, 3), out);
		t->nkept = 0;
	}
	while (octets.len >= 3) {
		size_t room = (LINE_MOST - t->column) / 4, n = octets.len / 3;

		if (room == 0)
			room = TRIPLES_A_LINE;
		if (n > room)
			n = room;
		put_base64(t, span_to(octets, 3 * n), out);
		octets = span_from(octets, 3 * n);
	}
	for (size_t i = 0; i < octets.len; i++)
		t->kept[t->nkept++] = octets.ptr[i];
}

static bool
is_of_base64(char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '/' || c == '=';
}

/* The letters alone, in lines of ours. */
static void
mend_base64(struct transfer *t, struct span octets, struct buf *out)
{
	for (size_t i = 0; i < octets.len; i++) {
		char c = octets.ptr[i];

		if (!is_of_base64(c))
			continue;
		if (t->column == LINE_MOST)
			end_line(t, out);
		(void)buf_append_char(out, c);
		t->column++;
	}
}

/* --- both --- */

void
transfer_add(struct transfer *t, struct span octets, struct buf *out)
{
	switch (t->way) {
	case TRANSFER_AS_IT_IS: (void)buf_append_span(out, octets); break;
	case TRANSFER_QUOTED_PRINTABLE:
		for (size_t i = 0; i < octets.len; i++)
			quote(t, octets.ptr[i], out);
		break;
	case TRANSFER_BASE64: add_base64(t, octets, out); break;
	case TRANSFER_MEND_QUOTED:
		for (size_t i = 0; i < octets.len; i++)
			mend_quoted(t, octets.ptr[i], out);
		break;
	case TRANSFER_MEND_BASE64: mend_base64(t, octets, out); break;
	}
}

void
transfer_end(struct transfer *t, struct buf *out)
{
	switch (t->way) {
	case TRANSFER_AS_IT_IS:
	case TRANSFER_MEND_BASE64: break;
	case TRANSFER_MEND_QUOTED:
	case TRANSFER_QUOTED_PRINTABLE:
		/* Blanks at the end of all are at a line's end. */
		for (size_t i = 0; i < t->nkept; i++)
			put_escaped(t, t->kept[i], out);
		break;
	case TRANSFER_BASE64:
		if (t->nkept > 0)
			put_base64(t, span_make(t->kept, t->nkept), out);
		break;
	}
	t->nkept = 0;
}
