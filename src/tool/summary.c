/* postern queue summary: the pages' groups, added up; the largest first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

enum { TOP = 20, MESSAGES = 0, RCPTS = 1, OLDEST = 2, FIGURES = 3 };

static const char *const groups[] = { "domain", "site", "account", "reason",
	"age" };

static json_int_t
figure(const json_t *row, size_t i)
{
	return json_integer_value(json_array_get(row, i));
}

static void
add_row(json_t *sum, const char *key, const json_t *row)
{
	json_t *mine = json_object_get(sum, key);
	json_int_t old = figure(mine, OLDEST);

	if (mine == NULL) {
		(void)json_object_set_new(sum, key, json_deep_copy(row));
		return;
	}
	for (size_t i = MESSAGES; i <= RCPTS; i++)
		(void)json_array_set_new(
		    mine, i, json_integer(figure(mine, i) + figure(row, i)));
	if (figure(row, OLDEST) > old)
		(void)json_array_set_new(
		    mine, OLDEST, json_integer(figure(row, OLDEST)));
}

static void
add_number(json_t *sum, const json_t *page, const char *key)
{
	(void)json_object_set_new(sum, key,
	    json_integer(call_number(sum, key) + call_number(page, key)));
}

static void
take_page(const json_t *page, void *arg)
{
	json_t *sum = arg, *row;
	const char *key;

	add_number(sum, page, "messages");
	add_number(sum, page, "recipients");
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		json_t *theirs = json_object_get(page, groups[i]);

		if (theirs == NULL)
			continue;
		if (json_object_get(sum, groups[i]) == NULL)
			(void)json_object_set_new(
			    sum, groups[i], json_object());
		json_object_foreach(theirs, key, row)
		    add_row(json_object_get(sum, groups[i]), key, row);
	}
}

struct top {
	const char *key;
	const json_t *row;
};

/* Many recipients first, then the older ones, then by name. */
static int
compare(const void *a, const void *b)
{
	const struct top *x = a, *y = b;

	for (size_t i = RCPTS; i <= OLDEST; i++)
		if (figure(x->row, i) != figure(y->row, i))
			return figure(x->row, i) < figure(y->row, i) ? 1 : -1;
	return strcmp(x->key, y->key);
}

static struct top *
sorted(json_t *group)
{
	struct top *all = calloc(json_object_size(group) + 1, sizeof *all);
	const char *key;
	json_t *row;
	size_t n = 0;

	if (all == NULL)
		abort();
	json_object_foreach(group, key, row) all[n++] =
	    (struct top){ key, row };
	qsort(all, n, sizeof *all, compare);
	return all;
}

static void
print_group(const char *name, json_t *group)
{
	struct top *all = sorted(group);
	size_t n = json_object_size(group);
	char age[32];

	(void)printf("\n%8s %10s %8s  BY %s\n", "MESSAGES", "RECIPIENTS",
	    "OLDEST", name);
	for (size_t i = 0; i < n && i < TOP; i++)
		(void)printf("%8lld %10lld %8s  %s\n",
		    (long long)figure(all[i].row, MESSAGES),
		    (long long)figure(all[i].row, RCPTS),
		    tool_duration(figure(all[i].row, OLDEST), age),
		    all[i].key[0] == '\0' ? "(our own reports)" : all[i].key);
	if (n > TOP)
		(void)printf(
		    "%8s %10s %8s  and %zu more\n", "", "", "", n - TOP);
	free(all);
}

static json_t *
group_json(json_t *group)
{
	struct top *all = sorted(group);
	size_t n = json_object_size(group);
	json_t *rows = json_array();

	for (size_t i = 0; i < n && i < TOP; i++)
		(void)json_array_append_new(
		    rows, json_pack("{s:s, s:I, s:I, s:I}", "name", all[i].key,
			      "messages", figure(all[i].row, MESSAGES),
			      "recipients", figure(all[i].row, RCPTS), "oldest",
			      figure(all[i].row, OLDEST)));
	free(all);
	return json_pack("{s:o, s:I}", "top", rows, "groups", (json_int_t)n);
}

int
queue_summary(struct call *c)
{
	json_t *sum = json_object(), *group;
	struct err err;
	int rc = EXIT_OK;

	if (call_pages(c, NULL, take_page, sum, &err) != 0) {
		json_decref(sum);
		return tool_fail(&err);
	}
	if (!c->json)
		(void)printf("%s, %s\n",
		    COUNT(call_number(sum, "messages"), "message"),
		    COUNT(call_number(sum, "recipients"), "recipient"));
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		group = json_object_get(sum, groups[i]);
		if (group != NULL && c->json)
			(void)json_object_set_new(
			    sum, groups[i], group_json(group));
		else if (group != NULL)
			print_group(groups[i], group);
	}
	if (c->json)
		tool_print_json(sum);
	else
		json_decref(sum);
	return rc;
}
