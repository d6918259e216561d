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
	int depth, opened; /* braces, and the line of the outermost */
	const char *wrong;
};

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
}

static void
count_brace(struct cleaner *c, char b)
{
	if (b == '{' && c->depth++ == 0)
		c->opened = c->line;
	if (b == '}' && c->depth > 0)
		c->depth--;
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
		c->wrong = "a value with * in it needs double quotes";
	} else {
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

static void
clean_byte(struct cleaner *c)
{
	char b = c->text[c->at];

	if (is_bad_control(b))
		c->wrong = "a control character, expected text";
	else if (c->where == PLAIN || c->where == WORD)
		clean_plain(c);
	else if (c->where != QUOTED)
		clean_comment(c);
	else if (b == '\\' && is_pair(c, "\\0"))
		c->wrong = "a NUL in quotes, expected text";
	else if (b == '\\' && c->at + 1 < c->len && c->text[c->at + 1] != '\n')
		c->at++;
	else if (b == c->quote)
		enter(c, PLAIN);
}

/* libConfuse takes the file's end for the end of all that is open. */
static void
check_end(struct cleaner *c)
{
	if (c->where == BLOCK_COMMENT) {
		c->line = c->since;
		c->wrong = "the comment has no end, expected */";
	} else if (c->where == QUOTED) {
		c->line = c->since;
		c->wrong = "the quotes have no end";
	} else if (c->depth > 0) {
		c->line = c->opened;
		c->wrong = "{ has no end, expected }";
	}
}

char *
clean_text(struct span text, const char *file, struct err *err)
{
	struct cleaner c = {
		.text = span_dup(text),
		.len = text.len,
		.line = 1,
	};

	for (; c.at < c.len && c.wrong == NULL; c.at++) {
		clean_byte(&c);
		if (c.at < c.len && c.text[c.at] == '\n')
			c.line++;
	}
	if (c.wrong == NULL)
		check_end(&c);
	if (c.wrong == NULL)
		return c.text;
	(void)err_set(err, -1, "%s:%d: %s", file, c.line, c.wrong);
	free(c.text);
	return NULL;
}
