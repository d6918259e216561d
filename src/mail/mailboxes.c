/*
 * An element of the list is lexed up to its comma: quoted strings, comments and
 * brackets are passed over whole, and what stands outside of them is either the
 * name in front of a bracket or, without a bracket, one bare address.
 */
#include "mail/mailboxes.h"

/* One element, while it is read. */
struct element {
	size_t open, close; /* of its brackets; open == 0 && !has: none */
	bool has_brackets;
	size_t word, word_end; /* the first word outside; behind the last */
	bool has_word, has_gap; /* a blank or comment between two words */
	bool has_at; /* a word has one, outside of quotes */
	bool is_behind; /* the last byte was a blank or comment */
};

struct mailboxes
mailboxes_of(struct span value)
{
	return (struct mailboxes){ .rest = value };
}

/* Behind the quoted string at `at`; 0: it is not closed. */
static size_t
skip_quoted(struct span s, size_t at)
{
	for (size_t i = at + 1; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Behind the comment at `at`, those inside it counted; 0: it is not closed. */
static size_t
skip_comment(struct span s, size_t at)
{
	size_t depth = 0;

	for (size_t i = at; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '(')
			depth++;
		else if (s.ptr[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* Behind the bracket that closes the one at `at`; 0: there is none. */
static size_t
skip_brackets(struct span s, size_t at)
{
	for (size_t i = at + 1; i < s.len; i++) {
		if (s.ptr[i] == '"') {
			i = skip_quoted(s, i);
			if (i == 0)
				return 0;
			i--; /* the loop moves on */
		} else if (s.ptr[i] == '>') {
			return i + 1;
		} else if (s.ptr[i] == '<') {
			return 0;
		}
	}
	return 0;
}

static size_t
skip_literal(struct span s, size_t at)
{
	size_t n = span_find(span_from(s, at), ']');

	return at + n == s.len ? 0 : at + n + 1;
}

static bool
stop(struct mailboxes *m, const char *why)
{
	m->unclear = why;
	return false;
}

/* Words, from `at` to `end`. */
static bool
add_word(struct mailboxes *m, struct element *e, size_t at, size_t end)
{
	if (end == 0)
		return stop(m, "a quote or bracket is not closed");
	if (e->has_brackets)
		return stop(m, "there is text behind the address in brackets");
	if (!e->has_word)
		e->word = at;
	e->has_gap = e->has_gap || (e->has_word && e->is_behind);
	e->has_word = true;
	e->has_at |= m->rest.ptr[at] == '@';
	e->is_behind = false;
	e->word_end = end;
	return true;
}

static bool
add_brackets(struct mailboxes *m, struct element *e, size_t at)
{
	size_t end = skip_brackets(m->rest, at);

	if (end == 0)
		return stop(m, "brackets are not closed, or stand in others");
	if (e->has_brackets)
		return stop(m, "there are two addresses in one place");
	e->has_brackets = true;
	e->open = at;
	e->close = end - 1;
	return true;
}

/* Up to `end`, which is at a comma, a semicolon, a colon or the end. */
static bool
read_element(struct mailboxes *m, struct element *e, size_t *end)
{
	struct span s = m->rest;
	size_t i = 0, next;

	for (; i < s.len; i = next) {
		char c = s.ptr[i];

		next = i + 1;
		if (c == ',' || c == ';' || c == ':')
			break;
		if (ascii_is_white(c)) {
			e->is_behind = true;
		} else if (c == '(') {
			next = skip_comment(s, i);
			if (next == 0)
				return stop(m, "a comment is not closed");
			e->is_behind = true;
		} else if (c == '<') {
			if (!add_brackets(m, e, i))
				return false;
			next = e->close + 1;
		} else if (c == '"' || c == '[') {
			next =
			    c == '"' ? skip_quoted(s, i) : skip_literal(s, i);
			if (!add_word(m, e, i, next))
				return false;
		} else if (c == '>' || c == ')' || c == '\\' || c == ']') {
			return stop(m, "a bracket or backslash stands alone");
		} else if ((unsigned char)c < ' ' || c == 0x7f) {
			return stop(m, "it has a control character");
		} else if (!add_word(m, e, i, next)) {
			return false;
		}
	}
	*end = i;
	return true;
}

/* A blank inside, a comment or a route: what programs make of it differs. */
static bool
check_address(struct mailboxes *m, struct span address)
{
	bool is_quoted = false;

	if (span_is_empty(address))
		return stop(m, "brackets are empty");
	if (address.ptr[0] == '@')
		return stop(m, "an address has a route");
	for (size_t i = 0; i < address.len; i++) {
		char c = address.ptr[i];

		if (c == '"')
			is_quoted = !is_quoted;
		else if (ascii_is_white(c) || c == '(' || c == ')' ||
			 c == '\\' || c == '<' || c == ',' || c == ';' ||
			 (is_quoted && (c == '@' || c == ':')))
			return stop(m, "an address has a blank, a comment or a "
				       "quoted sign in it");
	}
	return true;
}

/* The element up to `end`. */
static bool
take_element(struct mailboxes *m, const struct element *e, size_t end,
    struct mailbox *out)
{
	struct span all = span_to(m->rest, end);

	*out = (struct mailbox){ .has_brackets = e->has_brackets };
	if (e->has_brackets) {
		out->before = span_to(all, e->open);
		if (e->has_at && e->has_gap)
			return stop(m, "an @ stands in a name without quotes");
		if (e->has_at)
			out->bare =
			    span_make(all.ptr + e->word, e->word_end - e->word);
		out->address = span_trim_white(
		    span_make(all.ptr + e->open + 1, e->close - e->open - 1));
		out->after = span_from(all, e->close + 1);
		return check_address(m, out->address);
	}
	if (!e->has_word)
		return stop(m, "there is a comment without an address");
	if (e->has_gap)
		return stop(m, "there are words without an address: a name "
			       "with a comma stands in quotes");
	out->before = span_to(all, e->word);
	out->address = span_make(all.ptr + e->word, e->word_end - e->word);
	out->after = span_from(all, e->word_end);
	return check_address(m, out->address);
}

/* "name:", or a colon that is none. */
static bool
begin_group(struct mailboxes *m, const struct element *e, size_t end,
    struct mailbox *out)
{
	if (m->in_group || e->has_brackets || !e->has_word)
		return stop(m, "a colon stands where no group begins");
	*out = (struct mailbox){ .before = span_to(m->rest, end) };
	m->in_group = true;
	m->rest = span_from(m->rest, end + 1);
	return true;
}

static bool
is_empty(const struct mailboxes *m, const struct element *e, size_t end)
{
	return !e->has_word && !e->has_brackets &&
	       span_is_empty(span_trim_white(span_to(m->rest, end)));
}

bool
mailboxes_next(struct mailboxes *m, struct mailbox *out)
{
	while (m->unclear == NULL && !span_is_empty(m->rest)) {
		struct element e = { 0 };
		bool nothing, fine;
		size_t end;
		char at;

		if (!read_element(m, &e, &end))
			return false;
		at = end < m->rest.len ? m->rest.ptr[end] : ',';
		if (at == ':')
			return begin_group(m, &e, end, out);
		if (at == ';' && !m->in_group)
			return stop(
			    m, "a semicolon stands where a comma belongs");
		nothing = is_empty(m, &e, end);
		fine = nothing || take_element(m, &e, end, out);
		if (!fine)
			return false;
		if (at == ';')
			m->in_group = false;
		m->rest = span_from(m->rest, end + 1);
		if (!nothing)
			return true;
	}
	if (m->unclear == NULL && m->in_group)
		return stop(m, "a group is not closed");
	return false;
}
