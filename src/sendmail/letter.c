#include "sendmail/letter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/ascii_field.h"
#include "mail/header.h"
#include "mail/mailboxes.h"

/* --- lines --- */

/* A dot at the front of a line is kept back until more of the line comes. */
static bool
keeps_dot(const struct letter_lines *l)
{
	return l->dot_ends && l->at == 1 && l->is_dot;
}

static void
end_line(struct letter_lines *l, struct buf *out)
{
	if (keeps_dot(l))
		l->is_ended = true;
	else
		(void)buf_append_text(out, "\r\n");
	l->at = 0;
}

static void
add_to_line(struct letter_lines *l, char c, struct buf *out)
{
	if (keeps_dot(l))
		(void)buf_append_char(out, '.');
	if (l->at++ == 0)
		l->is_dot = c == '.';
	if (!keeps_dot(l))
		(void)buf_append_char(out, c);
}

/* A CR that no LF follows stays: the relay says what is wrong with it. */
static void
let_go_cr(struct letter_lines *l, struct buf *out)
{
	if (l->has_cr)
		add_to_line(l, '\r', out);
	l->has_cr = false;
}

static void
add_octet(struct letter_lines *l, char c, struct buf *out)
{
	if (c == '\n') {
		l->has_cr = false;
		end_line(l, out);
		return;
	}
	let_go_cr(l, out);
	if (c == '\r')
		l->has_cr = true;
	else
		add_to_line(l, c, out);
}

void
letter_lines_add(struct letter_lines *l, struct span octets, struct buf *out)
{
	for (size_t i = 0; i < octets.len && !l->is_ended; i++)
		add_octet(l, octets.ptr[i], out);
}

void
letter_lines_end(struct letter_lines *l, struct buf *out)
{
	if (l->is_ended)
		return;
	let_go_cr(l, out);
	if (l->at > 0)
		end_line(l, out);
}

/* --- recipients --- */

void
letter_rcpts_clear(struct letter_rcpts *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->list[i]);
	free(r->list);
	*r = (struct letter_rcpts){ 0 };
}

static bool
has_domain(struct span address)
{
	return span_find_last(address, '@') < address.len;
}

/* A NUL would cut it, and a line end would be a command's. */
static bool
has_control(struct span address)
{
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.ptr[i] < ' ' ||
		    address.ptr[i] == 127)
			return true;
	return false;
}

enum letter_status
letter_rcpts_add(struct letter_rcpts *r, struct span text, struct span hostname)
{
	struct mailboxes all = mailboxes_of(text);
	struct mailbox m;

	while (mailboxes_next(&all, &m)) {
		if (span_is_empty(m.address))
			continue; /* a group's name */
		if (has_control(m.address))
			return LETTER_UNCLEAR;
		if (r->n == LETTER_RCPTS_MAX)
			return LETTER_TOO_MANY;
		if (r->n == r->cap) {
			r->cap = r->cap == 0 ? 8 : r->cap * 2;
			r->list = mem_realloc(r->list, r->cap * sizeof(char *));
		}
		r->list[r->n++] =
		    has_domain(m.address)
			? span_dup(m.address)
			: mem_printf("%.*s@%.*s", SPAN_ARG(m.address),
			      SPAN_ARG(hostname));
	}
	return all.unclear == NULL ? LETTER_OK : LETTER_UNCLEAR;
}

static bool
is_named(const struct header_field *f, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_equal_nocase(f->name, span_text(names[i])))
			return true;
	return false;
}

static const char *const to_names[] = { "To", "Cc", "Bcc" };
static const char *const resent_names[] = { "Resent-To", "Resent-Cc",
	"Resent-Bcc" };

static struct span
without_mbox_line(struct span header)
{
	while (span_starts(header, SPAN("From ")) ||
	       span_starts(header, SPAN(">From ")))
		header = span_from(header, span_find(header, '\n') + 1);
	return header;
}

static bool
has_any(struct span header, const char *const *names, size_t n)
{
	struct header_field f;

	while (header_next(&header, &f))
		if (is_named(&f, names, n))
			return true;
	return false;
}

enum letter_status
letter_header_rcpts(struct span header, struct span hostname,
    struct letter_rcpts *out, struct span *bad)
{
	const char *const *names = to_names;
	struct header_field f;

	header = without_mbox_line(header);
	if (has_any(header, resent_names, ARRAY_LEN(resent_names)))
		names = resent_names;
	while (header_next(&header, &f)) {
		enum letter_status status;

		if (!is_named(&f, names, ARRAY_LEN(to_names)))
			continue;
		status = letter_rcpts_add(out, f.value, hostname);
		*bad = f.name;
		if (status != LETTER_OK)
			return status;
	}
	return LETTER_OK;
}

/* --- the header --- */

/* What is no list of addresses stays as it is. */
static void
write_addresses(
    const struct header_field *f, struct span hostname, struct buf *out)
{
	struct mailboxes all = mailboxes_of(f->value);
	size_t start = buf_len(out);
	const char *done = f->raw.ptr;
	const char *end = f->raw.ptr + f->raw.len;
	struct mailbox m;

	while (mailboxes_next(&all, &m)) {
		const char *behind = m.address.ptr + m.address.len;

		if (span_is_empty(m.address) || has_domain(m.address))
			continue;
		(void)buf_append(out, done, (size_t)(behind - done));
		(void)buf_append_char(out, '@');
		(void)buf_append_span(out, hostname);
		done = behind;
	}
	if (all.unclear != NULL) {
		buf_truncate(out, start);
		done = f->raw.ptr;
	}
	(void)buf_append(out, done, (size_t)(end - done));
}

/* `"Name" <address>`, the name in ASCII. */
static void
write_from(const struct letter_sender *sender, struct buf *out)
{
	struct buf line = { 0 };
	struct header_field f;
	struct span rest;

	(void)buf_append_text(&line, "From: ");
	if (!span_is_empty(sender->name)) {
		(void)buf_append_char(&line, '"');
		for (size_t i = 0; i < sender->name.len; i++) {
			char c = sender->name.ptr[i];

			if (c == '"' || c == '\\')
				(void)buf_append_char(&line, '\\');
			if (c != '\r' && c != '\n' && c != '\0')
				(void)buf_append_char(&line, c);
		}
		(void)buf_append_text(&line, "\" ");
	}
	(void)buf_append_char(&line, '<');
	(void)buf_append_span(&line, sender->address);
	(void)buf_append_text(&line, ">\r\n");
	rest = buf_span(&line);
	if (span_is_ascii(rest) || !header_next(&rest, &f) ||
	    !ascii_field_write(&f, out))
		(void)buf_append_span(out, buf_span(&line));
	buf_clear(&line);
}

void
letter_header_write(
    struct span header, const struct letter_sender *sender, struct buf *out)
{
	static const char *const from[] = { "From" };
	struct header_field f;

	header = without_mbox_line(header);
	if (!has_any(header, from, ARRAY_LEN(from)))
		write_from(sender, out);
	while (header_next(&header, &f))
		if (header_has_addresses(f.name))
			write_addresses(&f, sender->hostname, out);
		else
			(void)buf_append_span(out, f.raw);
	(void)buf_append_span(out, header);
	if (!span_ends_nocase(header, SPAN("\r\n")))
		(void)buf_append_text(out, "\r\n");
}
