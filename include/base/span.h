/*
 * span: a pointer and a length, to read bytes that somebody else owns. Nothing
 * here allocates. Case folding and character classes are ASCII and ours: a
 * locale never changes what a mail address is.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *ptr; /* borrowed */
	size_t len;
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MUST_CHECK __attribute__((warn_unused_result))
/* For string literals: the length is known when compiling. */
#define SPAN(lit) ((struct span){ (lit), sizeof(lit) - 1 })
/* What editors of other systems put in front of UTF-8. */
#define SPAN_BYTE_ORDER_MARK SPAN("\xef\xbb\xbf")
/* For printf's "%.*s". */
#define SPAN_ARG(s) (int)(s).len, (s).ptr

struct span span_make(const char *ptr, size_t len);
/* Of a terminated string; NULL makes an empty span. */
struct span span_text(const char *text);

static inline bool
span_is_empty(struct span s)
{
	return s.len == 0;
}

bool span_is_ascii(struct span s);
bool span_equal(struct span a, struct span b);
bool span_equal_nocase(struct span a, struct span b);
bool span_starts(struct span s, struct span prefix);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends_nocase(struct span s, struct span suffix);
/* The index of `c`, or s.len when it is not there. */
size_t span_find(struct span s, char c);
size_t span_find_last(struct span s, char c);
/* From `at` (at most s.len) to the end. */
struct span span_from(struct span s, size_t at);
/* The first `len` bytes (at most s.len). */
struct span span_to(struct span s, size_t len);
/* Without spaces and tabs at both ends. */
struct span span_trim(struct span s);
/* The same without line ends. */
struct span span_trim_white(struct span s);
/*
 * Takes all up to the first `sep` from *s and moves *s behind it. Without a
 * `sep`, takes all that is left.
 */
struct span span_cut(struct span *s, char sep);
/* Decimal digits only, no sign, at most `most`; false for anything else. */
bool span_to_u64(struct span s, uint64_t most, uint64_t *out);
/* A heap copy with a NUL behind it; free() it. */
char *span_dup(struct span s);

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

/* Blanks, and what ends a line. */
static inline bool
ascii_is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Of a hexadecimal digit in either case; -1: it is none. */
static inline int
ascii_hex(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
