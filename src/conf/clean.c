/*
 * The pass before libConfuse. It counts a comment's line end twice over, so
 * that every message behind a comment would name the wrong line; and it drops
 * bytes that its rules do not know, so that an unquoted *@example.com would
 * become @example.com; and a file that was cut off in a section is whole for
 * it. Comments are blanked here, and such bytes and ends refused.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf_priv.h"

enum where { PLAIN, WORD, LINE_COMMENT, BLOCK_COMMENT, QUOTED };

struct cleaner {
	char *text; /* owned, changed in place */
	size_t len, at;
	enum where where;
	char quote; /* QUOTED: by which */
	int line, since;
	size_t since_at;
	int depth, opened; /* braces, and the line of the outermost */
	const char *wrong;
};

static const char open_quotes[] =
    "the quotes have no end in this line, expected another quote behind the "
    "value";
static const char no_variable[] =
    "${...} is not replaced here, expected the value itself";

static bool
is_pair(const struct cleaner *c, const char *pair)
{
	return c->len - c->at >= 2 && memcmp(c->text + c->at, pair, 2) == 0;
}

static bool
is_bad_control(char c)
{
	return ((unsigned char)c < ' ' && strchr("\t\r\n", c) == NULL) ||
	       c == '\0' || c == 0x7f;
}

static void
enter(struct cleaner *c, enum where where)
{
	c->where = where;
	c->since = c->line;
	c->since_at = c->at;
}

static void
count_brace(struct cleaner *c, char b)
{
	if (b == '{' && c->depth++ == 0)
		c->opened = c->line;
	if (b == '}' && c->depth > 0)
		c->depth--;
}

/*
 * libConfuse takes the next line's first word for the value then, and the error
 * it finds is another. A list or quotes may begin in a line of their own.
 */
static bool
lacks_value(const struct cleaner *c)
{
	size_t at = c->at + 1;

	while (at < c->len && strchr(" \t\r", c->text[at]) != NULL)
		at++;
	if (at < c->len && c->text[at] == '}')
		return true;
	if (at < c->len && strchr("\n#", c->text[at]) == NULL)
		return false;
	while (
	    at < c->len && c->text[at] == '#') /* comments are not yet blank */
		while (at < c->len && c->text[at] != '\n')
			at++;
	while (at < c->len && strchr(" \t\r\n", c->text[at]) != NULL)
		at++;
	return at == c->len || strchr("{\"'#/", c->text[at]) == NULL;
}

/* Outside quotes and comments. */
static void
clean_plain(struct cleaner *c)
{
	char b = c->text[c->at];

	if (b == '"' || b == '\'') {
		c->quote = b;
		enter(c, QUOTED);
	} else if (b == '#' || (c->where == PLAIN && is_pair(c, "//"))) {
		c->text[c->at] = ' ';
		enter(c, LINE_COMMENT);
	} else if (c->where == PLAIN && is_pair(c, "/*")) {
		c->text[c->at++] = ' ';
		c->text[c->at] = ' ';
		enter(c, BLOCK_COMMENT);
	} else if (b == '*') {
		c->wrong = "a value with * in it needs double quotes: "
			   "\"*@example.com\"";
	} else if (is_pair(c, "${")) {
		c->wrong = no_variable;
	} else {
		if (b == '=' && lacks_value(c))
			c->wrong = "a value is missing behind =, expected NAME "
				   "= VALUE in one line";
		c->where = strchr(" \t\r\n{}=,+()", b) == NULL ? WORD : PLAIN;
		count_brace(c, b);
	}
}

static void
clean_comment(struct cleaner *c)
{
	if (c->where == BLOCK_COMMENT && is_pair(c, "*/")) {
		c->text[c->at++] = ' ';
		c->text[c->at] = ' ';
		enter(c, PLAIN);
	} else if (c->text[c->at] != '\n') {
		c->text[c->at] = ' ';
	} else if (c->where == LINE_COMMENT) {
		enter(c, PLAIN);
	}
}

/* No value has two lines: so the message names where the quotes began. */
static void
end_quotes(struct cleaner *c)
{
	c->line = c->since;
	c->at = c->since_at;
	c->wrong = open_quotes;
}

static void
clean_byte(struct cleaner *c)
{
	char b = c->text[c->at];

	if (is_bad_control(b))
		c->wrong = "a control character, expected text: type the "
			   "line again";
	else if (c->where == PLAIN || c->where == WORD)
		clean_plain(c);
	else if (c->where != QUOTED)
		clean_comment(c);
	else if (b == '\\' && is_pair(c, "\\0"))
		c->wrong = "a NUL in quotes, expected text: write \\\\ for "
			   "one \\";
	else if (b == '\\' && c->at + 1 < c->len)
		c->at++;
	else if (b == '\n')
		end_quotes(c);
	else if (c->quote == '"' && is_pair(c, "${"))
		c->wrong = no_variable;
	else if (b == c->quote)
		enter(c, PLAIN);
}

/* libConfuse takes the file's end for the end of all that is open. */
static void
check_end(struct cleaner *c)
{
	if (c->where == BLOCK_COMMENT) {
		c->line = c->since;
		c->at = c->since_at;
		c->wrong = "the comment has no end, expected */";
	} else if (c->where == QUOTED) {
		end_quotes(c);
	} else if (c->depth > 0) {
		c->line = c->opened;
		c->wrong = "{ has no end, expected } behind the section";
	}
}

static void
check_front(struct cleaner *c)
{
	if (span_starts(span_make(c->text, c->len), SPAN_BYTE_ORDER_MARK))
		c->wrong =
		    "begins with a byte order mark (BOM), expected plain "
		    "UTF-8: save the file without one";
	else if (c->len >= 2 && (memcmp(c->text, "\xff\xfe", 2) == 0 ||
				    memcmp(c->text, "\xfe\xff", 2) == 0))
		c->wrong = "is UTF-16, expected plain UTF-8: save the file as "
			   "that";
}

char *
clean_text(struct span text, const char *file, bool *whole, struct err *err)
{
	struct cleaner c = {
		.text = span_dup(text),
		.len = text.len,
		.line = 1,
	};

	check_front(&c);
	while (c.at < c.len && c.wrong == NULL) {
		clean_byte(&c);
		if (c.wrong != NULL)
			break;
		if (c.at < c.len && c.text[c.at] == '\n')
			c.line++;
		c.at++;
	}
	if (c.wrong == NULL)
		check_end(&c);
	*whole = c.wrong == NULL;
	if (*whole)
		return c.text;
	(void)err_set(err, -1, "%s:%d: %s", file, c.line, c.wrong);
	if (c.at < c.len)
		c.text[c.at] = '\0';
	return c.text;
}
