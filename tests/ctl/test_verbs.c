/* The table of verbs, and the files for shells that are made of it. */
#include "ctl/verbs.h"
#include "tests/lib/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

START_TEST(each_verb_is_found_by_its_name)
{
	const struct verb *v = &verbs[_i];

	ck_assert_uint_eq(verb_find(span_text(v->name)), (unsigned)_i);
	ck_assert_uint_gt(strlen(v->help), 0);
	ck_assert_uint_lt(strlen(v->help), 50);
	ck_assert_uint_le(strlen("usage: postern [-c FILE] ") +
			      strlen(v->name) + 1 + strlen(v->args),
	    79);
	/* Who may lose something by it must say what it is about. */
	if (v->words == WORDS_IDS && v->right == RIGHT_OPERATE) {
		ck_assert(v->must_choose);
		ck_assert_uint_ne(v->options & OPTION_DRY_RUN, 0);
	}
	if (v->words == WORDS_IDS)
		ck_assert_uint_eq(v->options & OPTIONS_FILTER, OPTIONS_FILTER);
}
END_TEST

START_TEST(what_is_no_verb_is_not_found)
{
	ck_assert_uint_eq(verb_find(SPAN("queue")), VERBS);
	ck_assert_uint_eq(verb_find(SPAN("")), VERBS);
	ck_assert_uint_eq(verb_find(SPAN("queue lis")), VERBS);
	ck_assert_ptr_null(verb_option_find(SPAN("--nope")));
	ck_assert_ptr_null(verb_option_find(SPAN("id")));
}
END_TEST

START_TEST(each_option_is_found_by_its_name_and_has_its_own_bit)
{
	unsigned bits = 0;

	for (size_t i = 0; i < VERB_OPTION_ROWS; i++) {
		const struct verb_option_row *o = &verb_options[i];

		ck_assert_ptr_eq(verb_option_find(span_text(o->name)), o);
		ck_assert_uint_eq(bits & o->option, 0);
		bits |= o->option;
	}
	for (size_t i = 0; i < VERBS; i++)
		ck_assert_uint_eq(verbs[i].options & ~bits, 0);
}
END_TEST

/* "queue cat|--id --account ...": a line a verb, in the table's order. */
static void
write_lines(struct buf *out)
{
	for (size_t i = 0; i < VERBS; i++) {
		const char *before = "|";

		(void)buf_append_text(out, verbs[i].name);
		for (size_t k = 0; k < VERB_OPTION_ROWS; k++) {
			if ((verbs[i].options & verb_options[k].option) == 0)
				continue;
			(void)buf_printf(
			    out, "%s%s", before, verb_options[k].name);
			before = " ";
		}
		(void)buf_append_char(out, '\n');
	}
}

static const char *const files[] = { "postern.bash", "_postern" };

/* When this fails, the lines in the file are to be replaced by those it prints. */
START_TEST(shells_complete_what_the_table_has)
{
	const char *top = getenv("top_srcdir");
	struct buf path = { 0 }, text = { 0 }, lines = { 0 };
	char line[1024];
	FILE *f;

	(void)buf_printf(&path, "%s/contrib/completion/%s%c",
	    top == NULL ? "." : top, files[_i], '\0');
	f = fopen(buf_span(&path).ptr, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f) != NULL)
		if (strchr(line, '|') != NULL && line[0] >= 'a' &&
		    line[0] <= 'z')
			(void)buf_append_text(&text, line);
	(void)fclose(f);
	write_lines(&lines);
	if (!span_equal(buf_span(&text), buf_span(&lines)))
		(void)fprintf(stderr, "%.*s", SPAN_ARG(buf_span(&lines)));
	ck_assert(span_equal(buf_span(&text), buf_span(&lines)));
	buf_clear(&path);
	buf_clear(&text);
	buf_clear(&lines);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, each_verb_is_found_by_its_name, 0, VERBS);
	tcase_add_test(tc, what_is_no_verb_is_not_found);
	tcase_add_test(
	    tc, each_option_is_found_by_its_name_and_has_its_own_bit);
	tcase_add_loop_test(tc, shells_complete_what_the_table_has, 0, 2);
}

SUITE_MAIN("verbs", fill)
