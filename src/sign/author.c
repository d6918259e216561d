/*
 * A mailbox is a bare address or one in angle brackets, after which (and before
 * which) other words may stand. So the text is cut at commas, semicolons and the
 * colon of a group; of each part counts what is in brackets, or else all of it.
 */
#include "sign/author.h"

#include <string.h>

#include "base/buf.h"
#include "smtp/address.h"

/* What is in front of the text's byte; for the walk. */
struct walk {
	struct span left;
	bool bad; /* a string or a comment without an end */
};

static void
skip_string(struct walk *w)
{
	size_t i = 1;

	while (i < w->left.len && w->left.ptr[i] != '"')
		i += w->left.ptr[i] == '\\' ? 2 : 1;
	w->bad |= i >= w->left.len;
	w->left = span_from(w->left, i < w->left.len ? i + 1 : w->left.len);
}

static void
skip_comment(struct walk *w)
{
	size_t i = 0, depth = 0;

	for (; i < w->left.len; i++) {
		char c = w->left.ptr[i];

		if (c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
	}
	w->bad |= i >= w->left.len;
	w->left = span_from(w->left, i < w->left.len ? i + 1 : w->left.len);
}

/* One mailbox being gathered: its letters without blanks and comments. */
struct mailbox {
	struct buf text;
	bool in_brackets, was_in_brackets;
};

static void
begin_mailbox(struct mailbox *m)
{
	buf_reset(&m->text);
	m->in_brackets = m->was_in_brackets = false;
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = ascii_lower(*text);
}

static size_t
add_domain(struct span domain, struct author_domain out[AUTHORS_MAX], size_t n)
{
	struct author_domain *to = &out[n];
	char room[IDN_SIZE];

	domain = idn_to_ascii(domain, room);
	if (n == AUTHORS_MAX || domain.len == 0 || domain.len >= IDN_SIZE ||
	    !domain_is_valid(domain))
		return n;
	memcpy(to->text, domain.ptr, domain.len);
	to->text[domain.len] = '\0';
	lower(to->text);
	for (size_t i = 0; i < n; i++)
		if (strcmp(out[i].text, to->text) == 0)
			return n;
	return n + 1;
}

static size_t
end_mailbox(struct mailbox *m, struct author_domain out[AUTHORS_MAX], size_t n)
{
	struct span text = buf_span(&m->text);
	size_t at = span_find_last(text, '@');

	if (at < text.len && at > 0 && !buf_is_over(&m->text) &&
	    !m->in_brackets)
		n = add_domain(span_from(text, at + 1), out, n);
	begin_mailbox(m);
	return n;
}

/* A quoted local part says that there is one, and nothing more is asked. */
static void
take_string(struct walk *w, struct mailbox *m)
{
	skip_string(w);
	if (!m->was_in_brackets)
		(void)buf_append_char(&m->text, 'q');
}

static void
take_letter(struct walk *w, struct mailbox *m)
{
	char c = w->left.ptr[0];

	w->left = span_from(w->left, 1);
	if (c == '<') {
		begin_mailbox(m);
		m->in_brackets = true;
	} else if (c == '>') {
		m->was_in_brackets = m->in_brackets;
		m->in_brackets = false;
	} else if (c != ' ' && c != '\t' && c != '\r' && c != '\n' &&
		   !m->was_in_brackets) {
		(void)buf_append_char(&m->text, c);
	}
}

size_t
authors_read(struct span value, struct author_domain out[AUTHORS_MAX])
{
	struct walk w = { .left = value };
	struct mailbox m = { .text = { .max = 1024 } };
	size_t n = 0;

	while (w.left.len > 0 && !w.bad) {
		char c = w.left.ptr[0];

		if (c == '"') {
			take_string(&w, &m);
		} else if (c == '(') {
			skip_comment(&w);
		} else if (c == ',' || c == ';') {
			n = end_mailbox(&m, out, n);
			w.left = span_from(w.left, 1);
		} else if (c == ':') {
			/* A group's name, or a route's end (RFC 5322 4.4). */
			buf_reset(&m.text);
			w.left = span_from(w.left, 1);
		} else {
			take_letter(&w, &m);
		}
	}
	if (!w.bad)
		n = end_mailbox(&m, out, n);
	buf_clear(&m.text);
	return w.bad ? 0 : n;
}
