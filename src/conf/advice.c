/*
 * What to do about a text whose form is wrong. libConfuse says what it stumbled
 * over; the line that it stood in tells mostly what was meant.
 */
#include <string.h>

#include "base/mem.h"
#include "conf_priv.h"

enum { WORD_MOST = 40, NAMES_MOST = 64 };

/* --- the nearest name --- */

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t n = a < b ? a : b;

	return n < c ? n : c;
}

static bool
is_same_letter(char a, char b)
{
	return ascii_lower(a) == ascii_lower(b) ||
	       (strchr("-_", a) != NULL && strchr("-_", b) != NULL);
}

/* How many letters must be put in, taken out or changed. */
static size_t
distance(struct span a, struct span b)
{
	size_t row[WORD_MOST + 1];

	if (a.len > WORD_MOST || b.len > WORD_MOST)
		return WORD_MOST;
	for (size_t k = 0; k <= b.len; k++)
		row[k] = k;
	for (size_t i = 0; i < a.len; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < b.len; k++) {
			size_t same =
			    is_same_letter(a.ptr[i], b.ptr[k]) ? 0 : 1;
			size_t next =
			    least(row[k + 1] + 1, row[k] + 1, corner + same);

			corner = row[k + 1];
			row[k + 1] = next;
		}
	}
	return row[b.len];
}

const char *
advice_nearest(struct span word, const char *const *names, size_t n)
{
	size_t best = word.len < 5 ? 2 : 1 + word.len / 3;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, span_text(names[i]));

		/* A name of which no letter is left is not near. */
		if (d >= strlen(names[i]) || d > best ||
		    (d == best && found != NULL))
			continue;
		best = d;
		found = names[i];
	}
	return found;
}

/* --- names that there are --- */

static size_t
names_of(const char *section, const char *names[NAMES_MOST])
{
	size_t n = 0;

	for (size_t i = 0; i < conf_noptions && n < NAMES_MOST; i++)
		if (strcmp(conf_options[i].section, section) == 0)
			names[n++] = conf_options[i].name;
	for (size_t i = 0; i < conf_nsections && n < NAMES_MOST; i++)
		if (conf_sections[i].parent != NULL &&
		    strcmp(conf_sections[i].parent, section) == 0)
			names[n++] = conf_sections[i].name;
	return n;
}

/* The section that has an option, or holds a section, of that name. */
static const char *
home_of(struct span word)
{
	for (size_t i = 0; i < conf_noptions; i++)
		if (span_equal_nocase(word, span_text(conf_options[i].name)))
			return conf_options[i].section;
	for (size_t i = 1; i < conf_nsections; i++)
		if (span_equal_nocase(word, span_text(conf_sections[i].name)))
			return conf_sections[i].parent;
	return NULL;
}

static void
name_another(struct span word, const char *section, struct buf *out)
{
	const char *names[NAMES_MOST] = { NULL };
	const char *near, *home = home_of(word);
	size_t n = names_of(section, names);

	near = advice_nearest(word, names, n);
	if (near != NULL) {
		(void)buf_printf(out, ": did you mean %s?", near);
		return;
	}
	if (home != NULL && home[0] == '\0') {
		(void)buf_printf(out, ": write it outside of all sections");
		return;
	}
	if (home != NULL) {
		(void)buf_printf(
		    out, ": write it into section %s { ... }", home);
		return;
	}
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(out, "%s%s",
		    i == 0 ? ": expected one of " : ", ", names[i]);
}

/* --- the line --- */

static struct span
line_of(struct span text, int line)
{
	struct span found = span_cut(&text, '\n');

	while (--line > 0)
		found = span_cut(&text, '\n');
	return found;
}

/* Whether a word of the line begins what it names: NAME = or NAME [TITLE] {. */
static bool
is_name(struct span line, struct span word)
{
	size_t at = 0;

	while (at + word.len <= line.len &&
	       memcmp(line.ptr + at, word.ptr, word.len) != 0)
		at++;
	if (at + word.len > line.len)
		return true;
	line = span_trim(span_from(line, at + word.len));
	if (line.len > 0 && strchr("={+", line.ptr[0]) != NULL)
		return true;
	(void)span_cut(&line, ' ');
	line = span_trim(line);
	return line.len > 0 && line.ptr[0] == '{';
}

/* Whether a value stands before the word in its line. */
static bool
is_behind_value(struct span line, struct span word)
{
	size_t equals = span_find(line, '=');

	if (equals == line.len)
		return false;
	line = span_trim(span_from(line, equals + 1));
	return line.len >= word.len &&
	       memcmp(line.ptr, word.ptr, word.len) != 0;
}

static void
on_unknown(
    struct span word, const char *section, struct span line, struct buf *out)
{
	if (word.len > 1 && word.ptr[word.len - 1] == ':')
		(void)buf_append_text(
		    out, ": write NAME = VALUE, with = and not with :");
	else if (word.ptr[0] == '[')
		(void)buf_append_text(
		    out, ": a section is NAME { ... }, not [NAME]");
	else if (span_equal(word, SPAN("include")))
		(void)buf_append_text(
		    out, ": write all of it into this one file");
	else if (!is_name(line, word) && is_behind_value(line, word))
		(void)buf_append_text(out,
		    ": expected one word such as 5d or 50mb behind =, or "
		    "quotes around a value with blanks in it");
	else
		name_another(word, section, out);
}

static const struct {
	const char *what, *advice;
} known[] = {
	{ "unexpected token ','", "a list stands in braces: { A, B }" },
	{ "unexpected token '{'", "expected one value, not a list" },
	{ "unexpected token '='",
	    "expected one value behind =, and quotes around a value with = "
	    "in it" },
	{ "unexpected token", "expected a comma between the values of a list" },
	{ "unexpected closing brace",
	    "take it away, or write the { that is missing before" },
	{ "missing equal sign", "write NAME = VALUE" },
	{ "missing opening brace for section 'listen'",
	    "write listen NAME { address = ADDRESS:PORT }" },
	{ "missing opening brace for section 'account'",
	    "write account NAME { ... }, a NAME with @ or blanks in quotes" },
	{ "missing opening brace", "write SECTION { NAME = VALUE }" },
	{ "missing title for section 'listen'",
	    "expected a name before {, such as listen submission { ... }" },
	{ "missing title for section 'route'",
	    "expected a name before {, such as route default { ... }" },
	{ "missing title for section 'account'",
	    "expected a name before {, such as account default { ... }" },
	{ "missing title for section 'sni'",
	    "expected a name before {, such as sni mail.example.net { ... }" },
	{ "missing title",
	    "expected a name before {: write SECTION NAME { ... }" },
	{ "found duplicate title",
	    "expected once: name one of them otherwise, or write both into "
	    "one" },
	{ "premature end",
	    "the last line is not whole, expected NAME = VALUE" },
	{ "attempt to append", "write = instead of +=" },
};

void
advice_on(const char *what, const char *section, struct span text, int line,
    struct buf *out)
{
	static const struct span unknown = { "no such option '", 16 };
	struct span said = span_text(what);

	if (span_starts(said, unknown)) {
		struct span word = span_from(said, unknown.len);

		word.len -= word.len > 0;
		if (word.len > 0)
			on_unknown(word, section, line_of(text, line), out);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!span_starts(said, span_text(known[i].what)))
			continue;
		(void)buf_printf(out, ": %s", known[i].advice);
		return;
	}
}
