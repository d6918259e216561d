/*
 * postern suppress: recipients that are refused to accounts. Export writes CSV, a
 * line each behind a heading; import reads that, or any lines that begin with an
 * address.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/span.h"
#include "base/utf8.h"
#include "ctl/client.h"
#include "shows.h"

enum { ROWS_AT_ONCE = 500, LINE_MAX_SIZE = 4096, COLUMNS = 6 };

static const char *const columns[COLUMNS] = { "address", "account", "since",
	"until", "status", "reply" };

/* --- out --- */

struct listing {
	bool json, csv;
	size_t count;
};

static void
print_quoted(const char *text)
{
	(void)putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)putchar('"');
		(void)putchar(*text);
	}
	(void)putchar('"');
}

static void
print_csv(const json_t *row, size_t n)
{
	for (size_t i = 0; n == 0 && i < COLUMNS; i++)
		(void)printf("%s%s", i == 0 ? "" : ",", columns[i]);
	if (n == 0)
		(void)putchar('\n');
	for (size_t i = 0; i < COLUMNS; i++) {
		if (i > 0)
			(void)putchar(',');
		print_quoted(call_text(row, columns[i]));
	}
	(void)putchar('\n');
}

static void
print_row(const json_t *row)
{
	(void)printf("%-40s %-30s since %.10s until %.10s  %s %s\n",
	    call_text(row, "address"), call_text(row, "account"),
	    call_text(row, "since"), call_text(row, "until"),
	    call_text(row, "status"), call_text(row, "reply"));
}

static void
take_page(const json_t *page, void *arg)
{
	struct listing *l = arg;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, "suppressed"), i, row)
	{
		if (l->json)
			tool_print_row(row, l->count);
		else if (l->csv)
			print_csv(row, l->count);
		else
			print_row(row);
		l->count++;
	}
}

int
suppress_list(struct call *c)
{
	struct listing l = { .json = c->json,
		.csv = c->verb == VERB_SUPPRESS_EXPORT };
	struct err err;

	if (call_pages(c, NULL, take_page, &l, &err) != 0)
		return tool_fail(&err);
	if (l.json)
		tool_print_end(l.count);
	else if (!l.csv)
		(void)printf("%zu suppressed\n", l.count);
	return EXIT_OK;
}

/* --- in --- */

/* The answer of one request: counted, and what it did not take is told. */
static int
take_answer(const json_t *rows, const json_t *o, long long *done)
{
	const json_t *one;
	size_t i;
	int rc = EXIT_OK;

	*done += call_number(o, "done");
	json_array_foreach(json_object_get(o, "not"), i, one)
	{
		const json_t *row =
		    json_array_get(rows, (size_t)call_number(one, "row"));

		if (row != NULL)
			(void)fprintf(stderr,
			    "postern: line %lld: ", call_number(row, "line"));
		else
			(void)fprintf(stderr, "postern: ");
		(void)fprintf(stderr, "not added: %.200s: %s\n",
		    call_text(one, "address"), call_text(one, "why"));
		rc = EXIT_FAILED;
	}
	return rc;
}

static void
say_done(const struct call *c, long long done)
{
	if (c->json)
		(void)printf("{\"done\":%lld}\n", done);
	else
		(void)printf("%lld done\n", done);
}

int
suppress_change(struct call *c)
{
	struct err err;
	json_t *o = call_ask(c, &err);
	long long done = 0;
	int rc;

	if (o == NULL)
		return tool_fail(&err);
	rc = take_answer(NULL, o, &done);
	json_decref(o);
	say_done(c, done);
	return rc;
}

/* The next column: quoted, or up to a comma, a tab or a blank. */
static bool
take_column(struct span *rest, struct buf *out)
{
	bool quoted = rest->len > 0 && rest->ptr[0] == '"';
	size_t i = quoted ? 1 : 0;

	buf_reset(out);
	if (rest->len == 0)
		return false;
	for (; i < rest->len; i++) {
		char ch = rest->ptr[i];

		if (quoted && ch == '"') {
			if (i + 1 == rest->len || rest->ptr[i + 1] != '"')
				break;
			i++;
		} else if (!quoted && strchr(",\t ;", ch) != NULL) {
			break;
		}
		(void)buf_append_char(out, ch);
	}
	i += quoted && i < rest->len;
	*rest = span_from(*rest, i + (i < rest->len));
	return true;
}

/* "2026-11-27T23:51:50Z" as ms; false: it is no such time. */
static bool
read_time(const char *text, json_int_t *ms)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end == NULL)
		return false;
	*ms = (json_int_t)timegm(&tm) * 1000;
	return true;
}

/* NULL: there is nothing in that line. */
static json_t *
read_row(struct span line)
{
	json_t *row = json_object();
	struct buf text = { 0 };
	json_int_t ms;

	line = span_trim(line);
	for (size_t i = 0; i < COLUMNS && take_column(&line, &text); i++) {
		(void)buf_append_char(&text, '\0');
		if (i == 1)
			continue; /* the account is the one that was named */
		if (i != 2 && i != 3)
			(void)json_object_set_new(
			    row, columns[i], json_string(buf_span(&text).ptr));
		else if (read_time(buf_span(&text).ptr, &ms))
			(void)json_object_set_new(
			    row, columns[i], json_integer(ms));
	}
	buf_clear(&text);
	if (call_text(row, "address")[0] != '\0' &&
	    call_text(row, "address")[0] != '#' &&
	    strcmp(call_text(row, "address"), "address") != 0)
		return row;
	json_decref(row);
	return NULL;
}

/* Takes the rest of one that is too long; NULL: it can be read. */
static const char *
line_wrong(const char *line)
{
	size_t len = strlen(line);
	int ch = '\n';

	if (len + 1 == LINE_MAX_SIZE && line[len - 1] != '\n') {
		do
			ch = getchar();
		while (ch != '\n' && ch != EOF);
		return "it is too long";
	}
	return utf8_is_valid(span_text(line)) ? NULL : "it is not UTF-8";
}

static int
send_rows(struct call *c, json_t *rows, long long *done)
{
	json_t *request = json_copy(c->request), *o;
	struct err err;
	int rc;

	(void)json_object_set(request, "rows", rows);
	o = ctl_client_ask(c->client, request, &err);
	if (o == NULL)
		return tool_fail(&err);
	rc = take_answer(rows, o, done);
	json_decref(o);
	(void)json_array_clear(rows);
	return rc;
}

int
suppress_import(struct call *c)
{
	char line[LINE_MAX_SIZE];
	json_t *rows = json_array(), *row;
	long long done = 0, n = 0;
	int rc = EXIT_OK;

	while (fgets(line, sizeof line, stdin) != NULL) {
		const char *wrong = line_wrong(line);

		n++;
		line[strcspn(line, "\r\n")] = '\0';
		row = wrong != NULL ? NULL : read_row(span_text(line));
		if (wrong != NULL) {
			(void)fprintf(stderr,
			    "postern: line %lld: not added: %s\n", n, wrong);
			rc = EXIT_FAILED;
		}
		if (row != NULL) {
			(void)json_object_set_new(row, "line", json_integer(n));
			(void)json_array_append_new(rows, row);
		}
		if (json_array_size(rows) == ROWS_AT_ONCE)
			rc |= send_rows(c, rows, &done);
	}
	if (json_array_size(rows) > 0)
		rc |= send_rows(c, rows, &done);
	json_decref(rows);
	say_done(c, done);
	return rc;
}
