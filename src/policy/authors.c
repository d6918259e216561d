/*
 *   authors_review   the fields that name authors, one by one
 *     review_field   each mailbox of one (mail/mailboxes.h): is it the account's?
 *       check_name   and what stands around it, as a person sees it: decoded
 *                    (mail/encoded.h), without what does not show, look-alikes
 *                    of "@" and "." being these; an address in it is one
 *
 * People and programs go by the name as much as by the address, and some programs
 * take an address in a name for the sender's.
 */
#include "policy/authors.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "mail/encoded.h"
#include "mail/header.h"
#include "mail/mailboxes.h"
#include "policy/identity.h"

enum {
	AUTHORS_MOST = 100, /* in one field */
	CHARSETS_MOST = 8, /* that are loaded for a header */
};

static const struct span field_names[AUTHOR_FIELDS] = {
	[AUTHOR_FROM] = { "From", 4 },
	[AUTHOR_SENDER] = { "Sender", 6 },
	[AUTHOR_RESENT_FROM] = { "Resent-From", 11 },
	[AUTHOR_RESENT_SENDER] = { "Resent-Sender", 13 },
};

struct span
author_field_name(enum author_field field)
{
	return field_names[field];
}

/* A verdict on the field that is looked at. */
struct review {
	const struct identity *who;
	struct authors *out;
	enum author_field kind;
	struct span field;
	unsigned charsets; /* that may be loaded yet */
};

/* The first trouble is what is told. */
static void
note(struct review *r, enum authors_verdict verdict, struct span address,
    const char *why)
{
	struct authors *a = r->out;
	size_t len = 0;

	if (a->verdict == AUTHORS_OWN) {
		a->field = r->field;
		a->told = verdict;
		a->why = why;
		for (size_t i = 0; i < address.len && len < ADDRESS_MAX; i++) {
			char c = address.ptr[i];

			a->address[len++] = c > ' ' && c < 0x7f ? c : '?';
		}
		a->address[len] = '\0';
	}
	if (verdict > a->verdict)
		a->verdict = verdict;
	if (verdict > a->of[r->kind])
		a->of[r->kind] = verdict;
}

/* --- names --- */

struct range {
	uint32_t first, last;
};

static bool
is_in(uint32_t c, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Shows nothing, or is taken away by who shows it. */
static bool
is_invisible(uint32_t c)
{
	static const struct range ranges[] = { { 0, 8 }, { 0x0b, 0x1f },
		{ 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f },
		{ 0x61c, 0x61c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x202a, 0x202e },
		{ 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff9, 0xfffd },
		{ 0xe0000, 0xe0fff } };

	return c == '"' || c == '\\' || is_in(c, ranges, ARRAY_LEN(ranges));
}

/* What it looks like. */
static uint32_t
fold(uint32_t c)
{
	static const struct range blanks[] = { { '\t', '\n' }, { 0xa0, 0xa0 },
		{ 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x2028, 0x2029 },
		{ 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 } };

	if (is_in(c, blanks, ARRAY_LEN(blanks)))
		return ' ';
	if (c >= 0xff01 && c <= 0xff5e)
		return c - 0xfee0;
	switch (c) {
	case 0xfe6b: return '@';
	case 0x2024:
	case 0x3002:
	case 0xfe52:
	case 0xff61: return '.';
	default: return c;
	}
}

/* False: it turns the letters around (bidirectional overrides). */
static bool
flatten(struct span s, struct buf *out)
{
	while (!span_is_empty(s)) {
		uint32_t c = 0, like;
		size_t len = utf8_first(s, &c);

		if (c == 0x202d || c == 0x202e)
			return false;
		if (len > 0 && !is_invisible(c)) {
			like = fold(c);
			if (like == c)
				(void)buf_append(out, s.ptr, len);
			else
				(void)buf_append_char(out, (char)like);
		}
		s = span_from(s, len == 0 ? 1 : len);
	}
	return true;
}

static bool
is_local_letter(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c > 127 ||
	       (c != '\0' && strchr(".!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_domain_letter(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c > 127 || c == '.' ||
	       c == '-' || c == '_';
}

/* "bank.example", "[192.0.2.1]"; not "2.0", nor a word without a dot. */
static bool
looks_like_domain(struct span s)
{
	size_t dot = span_find_last(s, '.');

	if (span_starts(s, SPAN("[")))
		return true;
	if (dot == s.len || dot == 0)
		return false;
	for (size_t i = dot + 1; i < s.len; i++)
		if (!ascii_is_digit(s.ptr[i]))
			return true;
	return false;
}

/* What is around the '@' at `at`, blanks beside it not counted; else empty. */
static struct span
local_before(struct span s, size_t at)
{
	size_t end = at, begin;

	while (end > 0 && s.ptr[end - 1] == ' ')
		end--;
	begin = end;
	while (begin > 0 && is_local_letter(s.ptr[begin - 1]))
		begin--;
	return span_make(s.ptr + begin, end - begin);
}

static struct span
domain_behind(struct span s, size_t at)
{
	size_t n = 0;

	s = span_from(s, at + 1);
	while (s.len > 0 && s.ptr[0] == ' ')
		s = span_from(s, 1);
	if (s.len > 0 && s.ptr[0] == '[')
		return span_to(s, span_find(s, ']') + 1);
	while (n < s.len && is_domain_letter(s.ptr[n]))
		n++;
	while (n > 0 && (s.ptr[n - 1] == '.' || s.ptr[n - 1] == '-'))
		n--;
	return span_to(s, n);
}

static bool
is_own(const struct identity *who, struct span text)
{
	struct address a;

	return address_parse(text, &a) == ADDRESS_OK && identity_owns(who, &a);
}

/* Whether each address in the text is the account's; else *foreign gets one. */
static bool
all_are_own(struct span s, const struct identity *who, struct buf *foreign)
{
	for (size_t i = 0; i < s.len; i++) {
		struct span domain;

		if (s.ptr[i] != '@')
			continue;
		domain = domain_behind(s, i);
		if (!looks_like_domain(domain))
			continue;
		buf_reset(foreign);
		(void)buf_append_span(foreign, local_before(s, i));
		(void)buf_append_char(foreign, '@');
		(void)buf_append_span(foreign, domain);
		if (!is_own(who, buf_span(foreign)))
			return false;
	}
	return true;
}

static const char *
judge_name(struct review *r, struct span text, struct buf *foreign)
{
	struct buf shown = { 0 }, flat = { 0 };
	const char *why = NULL;

	if (!encoded_decode(text, &r->charsets, &shown) ||
	    encoded_looks(buf_span(&shown)))
		why = "a name in it is encoded in a way that is not known here";
	else if (!flatten(buf_span(&shown), &flat))
		why = "a name in it turns the letters around";
	else if (!all_are_own(buf_span(&flat), r->who, foreign))
		why = "it is in a name";
	buf_clear(&shown);
	buf_clear(&flat);
	return why;
}

static bool
has_nothing(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != ' ' && text.ptr[i] != '<')
			return false;
	return true;
}

static bool
check_name(struct review *r, struct span text)
{
	struct buf foreign = { 0 };
	const char *why;
	bool names;

	if (has_nothing(text))
		return true;
	why = judge_name(r, text, &foreign);
	names = buf_len(&foreign) > 0;
	if (why != NULL)
		note(r, names ? AUTHORS_FOREIGN : AUTHORS_UNCLEAR,
		    buf_span(&foreign), why);
	buf_clear(&foreign);
	return why == NULL;
}

/* --- fields --- */

static void
check_address(struct review *r, struct span text)
{
	enum address_status status;
	struct address a;

	if (encoded_looks(text)) {
		note(r, AUTHORS_UNCLEAR, text, "an address in it is encoded");
		return;
	}
	status = address_parse(text, &a);
	if (status != ADDRESS_OK)
		note(r, AUTHORS_UNCLEAR, text, address_status_text(status));
	else if (text.ptr[text.len - 1] == '.')
		note(r, AUTHORS_UNCLEAR, text, "its domain ends in a dot");
	else if (!identity_owns(r->who, &a))
		note(r, AUTHORS_FOREIGN, text, NULL);
}

static void
review_field(struct review *r, struct span value)
{
	struct mailboxes list = mailboxes_of(value);
	bool is_single =
	    r->kind == AUTHOR_SENDER || r->kind == AUTHOR_RESENT_SENDER;
	struct span name = { 0 };
	struct mailbox one;
	unsigned n = 0;

	while (mailboxes_next(&list, &one)) {
		bool fine = check_name(r, one.before);

		fine &= check_name(r, one.after);
		name = fine && one.has_brackets ? one.before : SPAN("");
		if (span_is_empty(one.address))
			continue; /* a group's name */
		check_address(r, one.address);
		/* "ann@own.test <ann@own.test>", without quotes, is common. */
		if (!span_is_empty(one.bare))
			check_address(r, one.bare);
		if (++n > AUTHORS_MOST)
			list.unclear = "it names more than 100 addresses";
	}
	if (list.unclear == NULL && n == 0)
		list.unclear = "it names no address";
	if (list.unclear == NULL && is_single && n > 1)
		list.unclear = "it names more than one address";
	if (list.unclear != NULL)
		note(r, AUTHORS_UNCLEAR, SPAN(""), list.unclear);
	if (r->kind == AUTHOR_FROM)
		r->out->name = n == 1 && list.unclear == NULL ? name : SPAN("");
}

static bool
find_kind(struct span name, enum author_field *kind)
{
	for (int i = 0; i < AUTHOR_FIELDS; i++)
		if (field_names[i].len == name.len &&
		    span_equal_nocase(field_names[i], name)) {
			*kind = (enum author_field)i;
			return true;
		}
	return false;
}

void
authors_review(
    struct span header, const struct identity *who, struct authors *out)
{
	struct review r = { .who = who, .out = out, .charsets = CHARSETS_MOST };
	unsigned seen[AUTHOR_FIELDS] = { 0 };
	struct header_field f;

	*out = (struct authors){ 0 };
	while (header_next(&header, &f)) {
		if (!find_kind(f.name, &r.kind))
			continue;
		r.field = f.name;
		review_field(&r, f.value);
		/* RFC 5322 3.6: once; the resent ones once for each block. */
		if (++seen[r.kind] == 2 && r.kind <= AUTHOR_SENDER)
			note(&r, AUTHORS_UNCLEAR, SPAN(""),
			    "it is there more than once");
	}
}
