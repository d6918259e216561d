#include "tests/lib/dialog.h"

#include <check.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FILE_MAX = 1 << 20, VALUE_MAX = 64 << 20, CUTS_MAX = 250 };

size_t
dialog_find(const char *prefix, char ***paths)
{
	const char *top = getenv("top_srcdir");
	char pattern[512];
	glob_t found;
	size_t n;

	(void)snprintf(pattern, sizeof pattern, "%s/tests/dialogs/%s*.dialog",
	    top == NULL ? "." : top, prefix);
	if (glob(pattern, 0, NULL, &found) != 0) {
		(void)fprintf(stderr, "no dialogs: %s\n", pattern);
		exit(EXIT_FAILURE);
	}
	n = found.gl_pathc;
	*paths = mem_zalloc(n, sizeof **paths);
	for (size_t i = 0; i < n; i++)
		(*paths)[i] = mem_strdup(found.gl_pathv[i]);
	globfree(&found);
	return n;
}

void
dialog_fail(const struct dialog *d, const struct dialog_step *step,
    const char *format, ...)
{
	const char *name = strrchr(d->path, '/');
	char what[1500];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	ck_abort_msg("%s:%u: %s", name == NULL ? d->path : name + 1,
	    step == NULL ? 0 : step->line, what);
	abort();
}

static int
hex_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape at the front of *s, which begins with a backslash. */
static bool
take_escape(struct span *s, char *out)
{
	static const char from[] = "rnt0\\", to[] = "\r\n\t\0\\";
	const char *at;

	if (s->len < 2)
		return false;
	at = memchr(from, s->ptr[1], sizeof from - 1);
	if (at != NULL) {
		*out = to[at - from];
		*s = span_from(*s, 2);
		return true;
	}
	if (s->len < 4 || s->ptr[1] != 'x' || hex_digit(s->ptr[2]) < 0 ||
	    hex_digit(s->ptr[3]) < 0)
		return false;
	*out = (char)(hex_digit(s->ptr[2]) << 4 | hex_digit(s->ptr[3]));
	*s = span_from(*s, 4);
	return true;
}

static bool
unescape(struct span s, struct buf *out)
{
	while (!span_is_empty(s)) {
		char c = s.ptr[0];

		if (c != '\\')
			s = span_from(s, 1);
		else if (!take_escape(&s, &c))
			return false;
		(void)buf_append_char(out, c);
	}
	return true;
}

/* "KEY: value" or "KEY*N: value". */
static void
parse_line(struct dialog *d, unsigned number, struct span line)
{
	struct dialog_step step = { .line = number }, *s;
	struct buf one = { .max = FILE_MAX }, all = { .max = VALUE_MAX };
	struct span key = span_cut(&line, ':');
	struct span name = span_cut(&key, '*');
	uint64_t times = 1;

	if (line.len > 0 && line.ptr[0] == ' ')
		line = span_from(line, 1);
	if (name.len == 0 || name.len >= sizeof step.key ||
	    (key.len > 0 && !span_to_u64(key, 10000000, &times)) ||
	    !unescape(line, &one))
		dialog_fail(d, &step, "not a step");
	memcpy(step.key, name.ptr, name.len);
	for (uint64_t i = 0; i < times; i++)
		(void)buf_append_span(&all, buf_span(&one));
	step.len = buf_len(&all);
	(void)buf_append_char(&all, '\0');
	step.value = all.data;
	buf_clear(&one);
	d->steps = mem_realloc(d->steps, (d->nsteps + 1) * sizeof *d->steps);
	s = &d->steps[d->nsteps++];
	*s = step;
}

struct dialog *
dialog_read(const char *path)
{
	struct dialog *d = MEM_NEW(struct dialog);
	struct buf text = { .max = FILE_MAX };
	FILE *file = fopen(path, "re");
	unsigned number = 0;
	struct span rest;
	char chunk[4096];
	size_t n;

	d->path = mem_strdup(path);
	if (file == NULL)
		dialog_fail(d, NULL, "%s", strerror(errno));
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		(void)buf_append(&text, chunk, n);
	(void)fclose(file);
	rest = buf_span(&text);
	while (!span_is_empty(rest)) {
		struct span line = span_cut(&rest, '\n');

		number++;
		if (!span_is_empty(line) && line.ptr[0] != '#')
			parse_line(d, number, line);
	}
	buf_clear(&text);
	return d;
}

void
dialog_free(struct dialog *d)
{
	for (size_t i = 0; i < d->nsteps; i++)
		free(d->steps[i].value);
	free(d->steps);
	free(d->path);
	free(d);
}

struct span
dialog_value(const struct dialog_step *step)
{
	return span_make(step->value, step->len);
}

bool
dialog_is(const struct dialog_step *step, const char *key, const char *value)
{
	return strcmp(step->key, key) == 0 &&
	       (value == NULL || strcmp(step->value, value) == 0);
}

void
dialog_expect_silence(const struct dialog *d, const struct dialog_step *step,
    const struct buf *out)
{
	if (buf_len(out) > 0)
		dialog_fail(d, step, "unexpected: %.*s",
		    SPAN_ARG(span_to(buf_span(out), 300)));
}

void
dialog_expect_line(
    const struct dialog *d, const struct dialog_step *step, struct buf *out)
{
	struct span all = buf_span(out), line;

	if (strcmp(step->value, "(nothing)") == 0) {
		dialog_expect_silence(d, step, out);
		return;
	}
	if (span_is_empty(all))
		dialog_fail(d, step, "nothing came, wanted: %s", step->value);
	line = span_to(all, span_find(all, '\n') + 1);
	if (line.len < 2 || line.ptr[line.len - 2] != '\r')
		dialog_fail(d, step, "a line without CRLF");
	if (!span_equal(span_to(line, line.len - 2), dialog_value(step)))
		dialog_fail(d, step, "wanted: %s\n  came: %.*s", step->value,
		    (int)line.len - 2, line.ptr);
	buf_consume(out, line.len);
}

size_t
dialog_piece(unsigned cut, size_t fed, size_t left)
{
	size_t at = cut < CUT_AT ? 0 : cut - CUT_AT + 1;

	if (cut == CUT_BYTES)
		return 1;
	if (cut >= CUT_AT && fed < at && at - fed < left)
		return at - fed;
	return left;
}

unsigned
dialog_cuts(const struct dialog *d, const char *key)
{
	size_t longest = 0;

	for (size_t i = 0; i < d->nsteps; i++) {
		if (dialog_is(&d->steps[i], "cut", "no"))
			return 0;
		if (dialog_is(&d->steps[i], key, NULL) &&
		    d->steps[i].len > longest)
			longest = d->steps[i].len;
	}
	if (longest > 20000)
		return CUT_AT + 3;
	return CUT_AT + (unsigned)(longest < CUTS_MAX ? longest : CUTS_MAX);
}
