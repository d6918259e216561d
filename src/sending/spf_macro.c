/*
 * "%{ir}.%{v}._spf.%{d2}": what a letter stands for is cut at delimiters, turned
 * around if an r says so, of its parts the last so many are kept, and they are put
 * together with dots (RFC 7208 7.1).
 */
#include "spf_priv.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
	EXPANDED_MOST = 8192,
	PARTS_MOST = 128,
	NAME_MOST = 253,
	LABEL_MOST = 63,
};

struct macro {
	char letter;
	unsigned parts; /* 0: all */
	bool is_reversed;
	struct span delimiters; /* empty: dots */
};

/* Reads what is between the braces. */
static bool
read_macro(struct span s, struct macro *out)
{
	size_t i = 1;

	/* c, r and t are for explanations only. */
	if (s.len == 0 || s.ptr[0] == '\0' ||
	    strchr("slodiphvSLODIPHV", s.ptr[0]) == NULL)
		return false;
	*out = (struct macro){ .letter = s.ptr[0] };
	for (; i < s.len && ascii_is_digit(s.ptr[i]); i++) {
		out->parts = out->parts * 10 + (unsigned)(s.ptr[i] - '0');
		if (out->parts > PARTS_MOST)
			out->parts = PARTS_MOST;
	}
	if (i > 1 && out->parts == 0)
		return false;
	if (i < s.len && ascii_lower(s.ptr[i]) == 'r') {
		out->is_reversed = true;
		i++;
	}
	out->delimiters = span_from(s, i);
	for (; i < s.len; i++)
		if (strchr(".-+,/_=", s.ptr[i]) == NULL)
			return false;
	return true;
}

/*
 * What stands at the front of *s and is no plain letter: how it is told. False: a
 * percent sign that is none of these.
 */
static bool
take_percent(struct span *s, struct macro *macro, const char **plain)
{
	size_t end;

	*plain = NULL;
	if (s->len < 2)
		return false;
	switch (s->ptr[1]) {
	case '%': *plain = "%"; break;
	case '_': *plain = " "; break;
	case '-': *plain = "%20"; break;
	case '{':
		end = span_find(*s, '}');
		if (end == s->len ||
		    !read_macro(span_from(span_to(*s, end), 2), macro))
			return false;
		*s = span_from(*s, end + 1);
		return true;
	default: return false;
	}
	*s = span_from(*s, 2);
	return true;
}

/* RFC 7208 7.1, toplabel: a letter at least, no hyphen at an end. */
static bool
is_top_label(struct span s)
{
	bool has_letter = false;

	if (s.len == 0 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_alnum(s.ptr[i]) && s.ptr[i] != '-')
			return false;
		has_letter |= !ascii_is_digit(s.ptr[i]);
	}
	return has_letter;
}

bool
spf_is_domain_spec(struct span spec)
{
	struct span rest = spec, tail = spec;
	struct macro macro;
	const char *plain;
	size_t dot;

	while (rest.len > 0) {
		if (rest.ptr[0] != '%') {
			rest = span_from(rest, 1);
			continue;
		}
		if (!take_percent(&rest, &macro, &plain))
			return false;
		tail = rest; /* plain letters up to the end, if any */
	}
	if (tail.len == 0)
		return spec.len > 0;
	if (tail.ptr[tail.len - 1] == '.')
		tail = span_to(tail, tail.len - 1);
	dot = span_find_last(tail, '.');
	return dot < tail.len && is_top_label(span_from(tail, dot + 1));
}

/* --- what letters stand for --- */

static void
write_address(const union dns_address *a, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	char text[INET_ADDRSTRLEN];
	const uint8_t *b;

	if (a->sa.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &a->in.sin_addr, text, sizeof text);
		(void)buf_append_text(out, text);
		return;
	}
	b = a->in6.sin6_addr.s6_addr;
	for (int i = 0; i < 32; i++) {
		if (i > 0)
			(void)buf_append_char(out, '.');
		(void)buf_append_char(
		    out, digits[i % 2 == 0 ? b[i / 2] >> 4 : b[i / 2] & 15]);
	}
}

static void
write_value(char letter, const struct spf_macros *m, struct buf *out)
{
	switch (ascii_lower(letter)) {
	case 's':
		(void)buf_append_text(out, "postmaster@");
		(void)buf_append_span(out, m->sender_domain);
		break;
	case 'l': (void)buf_append_text(out, "postmaster"); break;
	case 'o': (void)buf_append_span(out, m->sender_domain); break;
	case 'd': (void)buf_append_span(out, m->domain); break;
	case 'i': write_address(m->address, out); break;
	case 'p': (void)buf_append_text(out, "unknown"); break; /* 5.5 */
	case 'h': (void)buf_append_span(out, m->hostname); break;
	default: /* v */
		(void)buf_append_text(out,
		    m->address->sa.sa_family == AF_INET ? "in-addr" : "ip6");
		break;
	}
}

static bool
is_delimiter(char c, struct span delimiters)
{
	return delimiters.len == 0 ? c == '.'
				   : span_find(delimiters, c) < delimiters.len;
}

static size_t
cut_parts(
    struct span value, struct span delimiters, struct span parts[PARTS_MOST])
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i <= value.len && n < PARTS_MOST; i++) {
		if (i < value.len && !is_delimiter(value.ptr[i], delimiters))
			continue;
		parts[n++] = span_make(value.ptr + at, i - at);
		at = i + 1;
	}
	return n;
}

/* A capital letter's value is written as in a URL. */
static void
write_part(struct span s, bool is_url, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (is_url && !ascii_is_alnum(c) && strchr("-._~", c) == NULL)
			(void)buf_printf(out, "%%%02X", (unsigned char)c);
		else
			(void)buf_append_char(out, c);
	}
}

static void
write_macro(
    const struct macro *macro, const struct spf_macros *m, struct buf *out)
{
	bool is_url = ascii_lower(macro->letter) != macro->letter;
	struct buf value = { 0 };
	struct span parts[PARTS_MOST];
	size_t n, first;

	write_value(macro->letter, m, &value);
	n = cut_parts(buf_span(&value), macro->delimiters, parts);
	first = macro->parts == 0 || macro->parts > n ? 0 : n - macro->parts;
	for (size_t i = first; i < n; i++) {
		/* The last ones, of what was turned around. */
		size_t at = macro->is_reversed ? n - 1 - i : i;

		if (i > first)
			(void)buf_append_char(out, '.');
		write_part(parts[at], is_url, out);
	}
	buf_clear(&value);
}

/* --- the name --- */

static bool
is_name(struct span s)
{
	if (s.len == 0)
		return false;
	while (s.len > 0) {
		struct span label = span_cut(&s, '.');

		if (label.len == 0 || label.len > LABEL_MOST)
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (label.ptr[i] < 0x21 || label.ptr[i] > 0x7e ||
			    label.ptr[i] == '\\')
				return false;
	}
	return true;
}

bool
spf_expand(struct span spec, const struct spf_macros *m, char out[DNS_NAME_MAX])
{
	struct buf text = { .max = EXPANDED_MOST };
	struct span name;
	bool fine = true;

	while (spec.len > 0 && fine) {
		struct macro macro;
		const char *plain;

		if (spec.ptr[0] != '%') {
			fine = buf_append_char(&text, spec.ptr[0]);
			spec = span_from(spec, 1);
			continue;
		}
		fine = take_percent(&spec, &macro, &plain);
		if (fine && plain != NULL)
			(void)buf_append_text(&text, plain);
		else if (fine)
			write_macro(&macro, m, &text);
	}
	name = buf_span(&text);
	if (name.len > 0 && name.ptr[name.len - 1] == '.')
		name = span_to(name, name.len - 1);
	/* RFC 7208 7.3: labels go from the left until it fits. */
	while (name.len > NAME_MOST)
		(void)span_cut(&name, '.');
	fine = fine && !buf_is_over(&text) && is_name(name);
	for (size_t i = 0; fine && i < name.len; i++)
		out[i] = ascii_lower(name.ptr[i]);
	out[fine ? name.len : 0] = '\0';
	buf_clear(&text);
	return fine;
}
