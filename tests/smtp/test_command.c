#include "tests/lib/suite.h"

#include <string.h>

#include "smtp/command.h"

#define S(lit)                                                                 \
	{                                                                      \
		(lit), sizeof(lit) - 1                                         \
	}

static const struct {
	const char *name;
	struct span in;
	enum command_line_status want;
	const char *line, *rest;
} lines[] = {
	{ "whole", S("NOOP\r\n"), COMMAND_LINE_OK, "NOOP", "" },
	{ "empty", S("\r\n"), COMMAND_LINE_OK, "", "" },
	{ "two", S("A\r\nB\r\n"), COMMAND_LINE_OK, "A", "B\r\n" },
	{ "eight_bit", S("\xff\r\n"), COMMAND_LINE_OK, "\xff", "" },
	{ "none", S(""), COMMAND_LINE_MORE, NULL, "" },
	{ "half", S("NOOP"), COMMAND_LINE_MORE, NULL, "NOOP" },
	{ "cr_only", S("NOOP\r"), COMMAND_LINE_MORE, NULL, "NOOP\r" },
	{ "bare_lf", S("NOOP\nQUIT\r\n"), COMMAND_LINE_BARE, NULL, "QUIT\r\n" },
	{ "lf_alone", S("\nA\r\n"), COMMAND_LINE_BARE, NULL, "A\r\n" },
	{ "bare_cr", S("NO\rOP\r\nA"), COMMAND_LINE_BARE, NULL, "A" },
	{ "two_cr", S("NOOP\r\r\nA"), COMMAND_LINE_BARE, NULL, "A" },
	{ "nul", S("NO\0OP\r\nA"), COMMAND_LINE_BARE, NULL, "A" },
};

START_TEST(line_is_taken)
{
	struct span in = lines[_i].in, line = { NULL, 0 };

	ck_assert_msg(command_take_line(&in, &line) == lines[_i].want, "%s",
	    lines[_i].name);
	ck_assert_msg(
	    span_equal(in, span_text(lines[_i].rest)), "%s", lines[_i].name);
	if (lines[_i].line != NULL)
		ck_assert(span_equal(line, span_text(lines[_i].line)));
}
END_TEST

START_TEST(a_line_has_a_longest_length)
{
	static char text[COMMAND_LINE_MAX + 10];
	struct span in, line;

	memset(text, 'a', sizeof text);
	in = span_make(text, COMMAND_LINE_MAX);
	ck_assert(command_take_line(&in, &line) == COMMAND_LINE_MORE);
	in = span_make(text, COMMAND_LINE_MAX + 1);
	ck_assert(command_take_line(&in, &line) == COMMAND_LINE_TOO_LONG);
	text[COMMAND_LINE_MAX - 1] = '\r';
	text[COMMAND_LINE_MAX] = '\n';
	in = span_make(text, sizeof text);
	ck_assert(command_take_line(&in, &line) == COMMAND_LINE_OK);
	ck_assert_uint_eq(line.len, COMMAND_LINE_MAX - 1);
	text[COMMAND_LINE_MAX - 1] = 'a';
	text[COMMAND_LINE_MAX] = '\r';
	text[COMMAND_LINE_MAX + 1] = '\n';
	in = span_make(text, sizeof text);
	ck_assert(command_take_line(&in, &line) == COMMAND_LINE_TOO_LONG);
}
END_TEST

static const struct {
	const char *line, *verb, *args;
} commands[] = {
	{ "QUIT", "QUIT", "" },
	{ "MAIL FROM:<a@b>", "MAIL", "FROM:<a@b>" },
	{ "MAIL   FROM:<a b>  ", "MAIL", "FROM:<a b>" },
	{ "ehlo \t x", "ehlo", "x" },
	{ "", "", "" },
	{ " QUIT", "", "QUIT" },
	{ "QUIT ", "QUIT", "" },
};

START_TEST(verb_and_arguments_are_cut)
{
	struct command c;

	command_parse(span_text(commands[_i].line), &c);
	ck_assert(span_equal(c.verb, span_text(commands[_i].verb)));
	ck_assert(span_equal(c.args, span_text(commands[_i].args)));
}
END_TEST

/* `want`: the parameters as "KEY=value;" or "KEY;", "!" for what is none. */
static const struct {
	const char *rest, *want;
} params[] = {
	{ "", "" },
	{ "   ", "" },
	{ " SIZE=100", "SIZE=100;" },
	{ " SIZE=100 BODY=8BITMIME SMTPUTF8",
	    "SIZE=100;BODY=8BITMIME;SMTPUTF8;" },
	{ "  SIZE=1   X-A ", "SIZE=1;X-A;" },
	{ " AUTH=<>", "AUTH=<>;" },
	{ " 8X=1", "8X=1;" },
	{ "SIZE=1", "!" },
	{ "x SIZE=1", "!" },
	{ "\tSIZE=1", "!" },
	{ " SIZE=", "!" },
	{ " =1", "!" },
	{ " -X=1", "!" },
	{ " A_B", "!" },
	{ " A=b=c", "!" },
	{ " A=b\tc", "!" },
	{ " A=\xc3\xa4", "A=\xc3\xa4;" },
	{ " A=1 \xc3", "A=1;!" },
	{ " A=\x7f", "!" },
};

START_TEST(parameters_are_cut)
{
	struct span rest = span_text(params[_i].rest);
	char got[200] = "";
	struct command_param p;
	int rc;

	while ((rc = command_next_param(&rest, &p)) == 1) {
		(void)strncat(got, p.keyword.ptr, p.keyword.len);
		if (p.has_value) {
			(void)strcat(got, "=");
			(void)strncat(got, p.value.ptr, p.value.len);
		}
		(void)strcat(got, ";");
	}
	if (rc == -1)
		(void)strcat(got, "!");
	ck_assert_str_eq(got, params[_i].want);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, line_is_taken, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(tc, a_line_has_a_longest_length);
	tcase_add_loop_test(
	    tc, verb_and_arguments_are_cut, 0, (int)ARRAY_LEN(commands));
	tcase_add_loop_test(tc, parameters_are_cut, 0, (int)ARRAY_LEN(params));
}

SUITE_MAIN("command", fill)
