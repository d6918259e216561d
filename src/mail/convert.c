/*
 * The first walk counts, for each entity in the order of their headers, octets
 * beyond ASCII and what is binary: NUL, CR and LF that are no line's end, lines
 * beyond the bound. From these numbers choose() makes the way in which the entity's
 * body will leave. The second walk meets the same entities in the same order.
 *
 * What is neither header nor body (delimiters, and text before and behind parts,
 * which nobody is shown) loses octets that may not pass.
 */
#include "mail/convert.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "mail/ascii_field.h"
#include "mail/header.h"
#include "mail/transfer.h"

/* What octets are like, in pieces of any length. */
struct tally {
	uint64_t octets, high; /* high: above 127 */
	uint64_t line; /* octets in the line so far */
	bool has_nul, has_bare, has_long, has_cr; /* has_cr: the last one */
	bool is_no_utf8;
	char letter[4]; /* of a character whose end has not come */
	size_t nletter;
};

/* An entity, after the first walk. */
struct convert_part {
	uint8_t way; /* enum transfer_way */
	bool names_charset; /* its header needs a Content-Type */
	bool is_utf8; /* the charset to name */
};

/* The walk under way. */
struct convert_pass {
	struct part part; /* the last header's */
	struct tally tally; /* of its body; in the second walk not used */
	struct transfer transfer;
	bool has_body; /* a body is under way */
	bool is_last_lf; /* of what was written before */
};

void
convert_clear(struct convert *c)
{
	parts_clear(&c->parts);
	free(c->found);
	free(c->pass);
	*c = (struct convert){ .to = c->to, .lines_max = c->lines_max };
}

/* --- counting --- */

static void
count_letter(struct tally *t, char c)
{
	uint32_t letter;
	size_t n;

	if (t->is_no_utf8)
		return;
	t->letter[t->nletter++] = c;
	n = utf8_first(span_make(t->letter, t->nletter), &letter);
	if (n == t->nletter)
		t->nletter = 0;
	else if (t->nletter == 4 || (unsigned char)c <= 127)
		t->is_no_utf8 = true;
}

static void
count_octet(struct tally *t, char c, uint64_t lines_max)
{
	if (t->has_cr && c != '\n')
		t->has_bare = true;
	if (c == '\n' && !t->has_cr)
		t->has_bare = true;
	t->has_cr = c == '\r';
	t->has_nul |= c == '\0';
	if (c == '\n')
		t->line = 0;
	else if (++t->line > lines_max + 1 && lines_max > 0)
		t->has_long = true; /* the CR may be one of them */
	if ((unsigned char)c > 127)
		t->high++;
	if ((unsigned char)c > 127 || t->nletter > 0)
		count_letter(t, c);
}

static void
count(struct tally *t, struct span text, uint64_t lines_max)
{
	t->octets += text.len;
	for (size_t i = 0; i < text.len; i++)
		count_octet(t, text.ptr[i], lines_max);
}

static void
count_end(struct tally *t, uint64_t lines_max)
{
	t->has_bare |= t->has_cr;
	t->has_long |= lines_max > 0 && t->line > lines_max;
	t->is_no_utf8 |= t->nletter > 0;
}

static bool
is_binary(const struct tally *t)
{
	return t->has_nul || t->has_bare || t->has_long;
}

/* Whether the host may not have it as it is. */
static bool
is_beyond(const struct convert *c, const struct tally *t)
{
	return is_binary(t) || (c->to == CONVERT_TO_7BIT && t->high > 0);
}

static bool
has_ascii_headers(const struct convert *c)
{
	return c->to != CONVERT_TO_8BIT;
}

/* --- the first walk --- */

static enum convert_result
give_up(struct convert *c, const char *what, const char *why)
{
	(void)snprintf(c->why, sizeof c->why, "%s %s", what, why);
	return CONVERT_IMPOSSIBLE;
}

/* Text is quoted, so that people can read it, unless that is the longer way. */
static enum transfer_way
choose(const struct tally *t, const struct part *part)
{
	switch (part->encoding) {
	case ENCODING_QUOTED_PRINTABLE: return TRANSFER_MEND_QUOTED;
	case ENCODING_BASE64: return TRANSFER_MEND_BASE64;
	case ENCODING_NONE:
	case ENCODING_OTHER: break;
	}
	if (part->is_text && t->high <= t->octets / 4 && !t->has_nul)
		return TRANSFER_QUOTED_PRINTABLE;
	return TRANSFER_BASE64;
}

static struct convert_part *
last_found(struct convert *c)
{
	return &c->found[c->nfound - 1];
}

/* The body of the last entity is over; false: it cannot be converted. */
static bool
judge_body(struct convert *c)
{
	struct convert_pass *pass = c->pass;
	struct tally *t = &pass->tally;

	if (!pass->has_body)
		return true;
	pass->has_body = false;
	count_end(t, c->lines_max);
	if (!is_beyond(c, t))
		return true;
	c->is_needed = true;
	if (pass->part.form == PART_SEALED) {
		(void)give_up(c, pass->part.why_sealed,
		    "has octets that the host does not take");
		return false;
	}
	/* Lines that an encoding has made too long are what they are. */
	if (pass->part.encoding == ENCODING_OTHER) {
		(void)give_up(c, "a part in an unknown transfer encoding",
		    "has octets that the host does not take");
		return false;
	}
	last_found(c)->way = (uint8_t)choose(t, &pass->part);
	last_found(c)->names_charset = !pass->part.has_type;
	last_found(c)->is_utf8 = !t->is_no_utf8;
	return true;
}

static bool
note_header(struct convert *c, const struct parts_item *item)
{
	struct tally t = { 0 };

	if (c->nfound == CONVERT_PARTS_MAX) {
		(void)give_up(c, "a message of more than 100000 parts",
		    "is not converted");
		return false;
	}
	if (c->nfound == c->cap) {
		c->cap = c->cap == 0 ? 8 : c->cap * 2;
		c->found = mem_realloc(c->found, c->cap * sizeof *c->found);
	}
	c->found[c->nfound++] = (struct convert_part){ 0 };
	c->pass->part = item->part;
	c->pass->tally = (struct tally){ 0 };
	c->pass->has_body =
	    item->part.form == PART_LEAF || item->part.form == PART_SEALED;
	count(&t, item->text, 0);
	count_end(&t, 0);
	c->is_needed |= is_binary(&t) || (has_ascii_headers(c) && t.high > 0);
	return true;
}

static bool
look_at(struct convert *c, enum parts_what what, const struct parts_item *item)
{
	struct tally t = { 0 };

	switch (what) {
	case PARTS_HEADER: return judge_body(c) && note_header(c, item);
	case PARTS_BODY:
		count(&c->pass->tally, item->text, c->lines_max);
		break;
	case PARTS_BETWEEN:
		count(&t, item->text, 0);
		c->is_needed |= is_beyond(c, &t);
		return judge_body(c);
	case PARTS_END: return judge_body(c);
	case PARTS_MORE:
	case PARTS_FAULT: break;
	}
	return true;
}

static void
begin_pass(struct convert *c)
{
	if (c->pass == NULL)
		c->pass = MEM_NEW(struct convert_pass);
}

enum convert_result
convert_look(struct convert *c, struct span piece, bool is_all)
{
	struct parts_item item;
	enum parts_what what;

	begin_pass(c);
	parts_add(&c->parts, piece);
	do {
		what = parts_next(&c->parts, is_all, &item);
		if (what == PARTS_FAULT)
			return give_up(c, "a part whose header is too long",
			    "is not converted");
		if (!look_at(c, what, &item))
			return CONVERT_IMPOSSIBLE;
	} while (what != PARTS_MORE && what != PARTS_END);
	if (what == PARTS_MORE)
		return CONVERT_MORE;
	parts_clear(&c->parts);
	*c->pass = (struct convert_pass){ 0 };
	return c->is_needed ? CONVERT_NEEDED : CONVERT_NOT_NEEDED;
}

/* --- the second walk: headers --- */

/* What is no line's end, and may not pass, stands as a question mark. */
static void
write_clean(bool is_ascii, struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char octet = text.ptr[i];
		bool is_bare =
		    (octet == '\r' &&
			(i + 1 == text.len || text.ptr[i + 1] != '\n')) ||
		    (octet == '\n' && (i == 0 || text.ptr[i - 1] != '\r'));

		if (is_bare || octet == '\0' ||
		    (is_ascii && (unsigned char)octet > 127))
			octet = '?';
		(void)buf_append_char(out, octet);
	}
}

/* In a header, a LF ends a line also where it is bare, and a CR is white. */
static void
write_header_clean(const struct convert *c, struct span text, struct buf *out)
{
	while (text.len > 0) {
		struct span line = span_to(text, span_find(text, '\n') + 1);
		size_t end = line.len;

		text = span_from(text, line.len);
		if (line.ptr[line.len - 1] == '\n')
			end -= span_ends_nocase(line, SPAN("\r\n")) ? 2 : 1;
		for (size_t i = 0; i < end; i++) {
			char octet = line.ptr[i];

			write_clean(has_ascii_headers(c),
			    octet == '\r' ? SPAN(" ") : span_make(&octet, 1),
			    out);
		}
		if (end < line.len)
			(void)buf_append_text(out, "\r\n");
	}
}

/* Whether the encoding that the header names is another one from now on. */
static bool
is_encoded_anew(const struct convert_part *found)
{
	return found->way == TRANSFER_BASE64 ||
	       found->way == TRANSFER_QUOTED_PRINTABLE;
}

/* What is made of parts is what these are (RFC 2045 6.4). */
static void
write_encoding_of_parts(
    const struct convert *c, const struct header_field *f, struct buf *out)
{
	bool is_binary = span_equal_nocase(f->value, SPAN("binary"));
	bool is_8bit = span_equal_nocase(f->value, SPAN("8bit"));

	if (is_binary || (is_8bit && c->to == CONVERT_TO_7BIT))
		(void)buf_printf(out, "%.*s: %s\r\n", SPAN_ARG(f->name),
		    c->to == CONVERT_TO_7BIT ? "7bit" : "8bit");
	else
		write_header_clean(c, f->raw, out);
}

/* False: c->why says why it cannot be. */
static bool
write_field(struct convert *c, const struct header_field *f, struct buf *out)
{
	struct buf ascii = { .max = CONVERT_ROOM };
	struct tally t = { 0 };
	bool ok = true;

	count(&t, f->raw, 0);
	if (!has_ascii_headers(c) || t.high == 0) {
		write_header_clean(c, f->raw, out);
		return true;
	}
	ok = ascii_field_write(f, &ascii);
	if (ok) {
		write_header_clean(c, buf_span(&ascii), out);
	} else {
		c->is_address = true;
		(void)snprintf(c->why, sizeof c->why,
		    "the field %.*s has an address beyond ASCII, which the "
		    "host does not take (SMTPUTF8)",
		    SPAN_ARG(span_to(f->name, 60)));
	}
	buf_clear(&ascii);
	return ok;
}

static bool
is_encoding_field(const struct header_field *f)
{
	return span_equal_nocase(f->name, SPAN("Content-Transfer-Encoding"));
}

/* A Content-Type that says nothing would contradict the one that is added. */
static bool
is_replaced(const struct convert_part *found, const struct header_field *f)
{
	if (!is_encoded_anew(found))
		return false;
	return is_encoding_field(f) ||
	       (found->names_charset &&
		   span_equal_nocase(f->name, SPAN("Content-Type")));
}

/* What the header lacks for its new encoding. */
static void
write_additions(
    const struct convert_part *found, const struct part *part, struct buf *out)
{
	if (part->is_message && !part->has_mime_version)
		(void)buf_append_text(out, "MIME-Version: 1.0\r\n");
	if (found->names_charset)
		(void)buf_printf(out,
		    "Content-Type: text/plain; charset=%s\r\n",
		    found->is_utf8 ? "utf-8" : "unknown-8bit");
	(void)buf_printf(out, "Content-Transfer-Encoding: %s\r\n",
	    found->way == TRANSFER_BASE64 ? "base64" : "quoted-printable");
}

static bool
write_header(struct convert *c, const struct parts_item *item, struct buf *out)
{
	const struct convert_part *found = &c->found[c->at++];
	const struct part *part = &item->part;
	bool has_parts =
	    part->form == PART_MULTIPART || part->form == PART_MESSAGE;
	struct span rest = item->text;
	struct header_field f;

	while (header_next(&rest, &f)) {
		if (is_replaced(found, &f))
			continue;
		if (is_encoding_field(&f) && has_parts)
			write_encoding_of_parts(c, &f, out);
		else if (!write_field(c, &f, out))
			return false;
	}
	if (is_encoded_anew(found))
		write_additions(found, part, out);
	/* What follows may get fields of its own. */
	if (!part->has_blank &&
	    (is_encoded_anew(found) || part->form == PART_MESSAGE))
		(void)buf_append_text(out, "\r\n");
	write_header_clean(c, rest, out); /* the blank line */
	return true;
}

/* --- the second walk: bodies --- */

static void
end_body(struct convert *c, struct buf *out)
{
	transfer_end(&c->pass->transfer, out);
	c->pass->transfer = (struct transfer){ 0 };
}

/* DATA has content end with a line; quoted, that one is none of the text's. */
static void
end_all(struct convert *c, struct buf *out)
{
	bool is_quoted = c->pass->transfer.way == TRANSFER_QUOTED_PRINTABLE;
	struct span text;

	end_body(c, out);
	text = buf_span(out);
	if (text.len > 0)
		c->pass->is_last_lf = text.ptr[text.len - 1] == '\n';
	if (!c->pass->is_last_lf)
		(void)buf_append_text(out, is_quoted ? "=\r\n" : "\r\n");
}

static bool
write_item(struct convert *c, enum parts_what what,
    const struct parts_item *item, struct buf *out)
{
	switch (what) {
	case PARTS_HEADER:
		end_body(c, out);
		assert(c->at < c->nfound);
		c->pass->transfer.way = c->found[c->at].way;
		return write_header(c, item, out);
	case PARTS_BODY:
		transfer_add(&c->pass->transfer, item->text, out);
		break;
	case PARTS_BETWEEN:
		end_body(c, out);
		write_clean(c->to == CONVERT_TO_7BIT, item->text, out);
		break;
	case PARTS_END: end_all(c, out); break;
	case PARTS_MORE:
	case PARTS_FAULT: break;
	}
	return true;
}

enum convert_result
convert_write(
    struct convert *c, struct span piece, bool is_all, struct buf *out)
{
	struct parts_item item;
	enum parts_what what;

	assert(c->is_needed && c->pass != NULL);
	parts_add(&c->parts, piece);
	do {
		what = parts_next(&c->parts, is_all, &item);
		assert(what != PARTS_FAULT); /* the first walk met none */
		if (!write_item(c, what, &item, out))
			return CONVERT_IMPOSSIBLE;
	} while (what != PARTS_MORE && what != PARTS_END);
	if (buf_is_over(out))
		return give_up(c, "a header beyond ASCII is too long", "");
	if (buf_len(out) > 0)
		c->pass->is_last_lf =
		    buf_span(out).ptr[buf_len(out) - 1] == '\n';
	return what == PARTS_END ? CONVERT_DONE : CONVERT_MORE;
}
