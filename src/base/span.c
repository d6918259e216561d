#include "base/span.h"

#include <string.h>

#include "base/mem.h"

struct span
span_make(const char *ptr, size_t len)
{
	return (struct span){ ptr, len };
}

struct span
span_text(const char *text)
{
	return (struct span){ text, text == NULL ? 0 : strlen(text) };
}

bool
span_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] > 127)
			return false;
	return true;
}

bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool
same_nocase(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

bool
span_equal_nocase(struct span a, struct span b)
{
	return a.len == b.len && same_nocase(a.ptr, b.ptr, a.len);
}

bool
span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len &&
	       span_equal(span_to(s, prefix.len), prefix);
}

bool
span_starts_nocase(struct span s, struct span prefix)
{
	return s.len >= prefix.len &&
	       same_nocase(s.ptr, prefix.ptr, prefix.len);
}

bool
span_ends_nocase(struct span s, struct span suffix)
{
	return s.len >= suffix.len &&
	       same_nocase(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len);
}

size_t
span_find(struct span s, char c)
{
	const char *at = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);

	return at == NULL ? s.len : (size_t)(at - s.ptr);
}

size_t
span_find_last(struct span s, char c)
{
	for (size_t i = s.len; i > 0; i--)
		if (s.ptr[i - 1] == c)
			return i - 1;
	return s.len;
}

struct span
span_from(struct span s, size_t at)
{
	if (at >= s.len)
		return (struct span){ s.ptr == NULL ? NULL : s.ptr + s.len, 0 };
	return (struct span){ s.ptr + at, s.len - at };
}

struct span
span_to(struct span s, size_t len)
{
	if (s.len > len)
		s.len = len;
	return s;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct span
span_trim_white(struct span s)
{
	while (s.len > 0 && ascii_is_white(s.ptr[0]))
		s = span_from(s, 1);
	while (s.len > 0 && ascii_is_white(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct span
span_cut(struct span *s, char sep)
{
	size_t at = span_find(*s, sep);
	struct span head = span_to(*s, at);

	*s = span_from(*s, at + 1);
	return head;
}

bool
span_to_u64(struct span s, uint64_t most, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit;

		if (!ascii_is_digit(s.ptr[i]))
			return false;
		digit = (uint64_t)(s.ptr[i] - '0');
		if (digit > most || n > (most - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

char *
span_dup(struct span s)
{
	char *copy = mem_alloc(s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}
