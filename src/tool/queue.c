/* postern queue: what waits in a running relay, over the control socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "ctl/client.h"
#include "smtp/base64.h"
#include "tool.h"
#include "walk.h"

enum { REASON_SHOWN = 160 }; /* of it, in a list */

static const char usage[] =
    "queue list | show ID | why ID | retry ID|--all | hold ID | release ID | "
    "bounce ID | remove ID | cat ID   [--json]";

typedef int (*queue_fn)(const struct tool *t, struct ctl_client *c,
    const char *verb, const char *id);

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

static long long
number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

/* --- listing --- */

/* "3 waiting, 1 held": what recipients of a message do. */
static void
print_counts(json_t *counts)
{
	const char *key, *before = "  ";
	json_t *n;

	json_object_foreach(counts, key, n)
	{
		(void)printf(
		    "%s%lld ", before, (long long)json_integer_value(n));
		for (const char *p = key; *p != '\0'; p++)
			(void)putchar(*p == '_' ? ' ' : *p);
		before = ", ";
	}
}

/* Of one recipient its own words, of many how many do what. */
static void
print_row(const json_t *m)
{
	const json_t *first =
	    json_array_get(json_object_get(m, "recipients"), 0);
	char age[32], next[32];

	(void)printf("%-12s %8lld %8s  <%s> -> <%s>", text(m, "id"),
	    number(m, "size"), tool_duration(number(m, "age"), age),
	    text(m, "sender"), text(first, "address"));
	if (number(m, "rcpts") > 1) {
		(void)printf(" and %lld more", number(m, "rcpts") - 1);
		print_counts(json_object_get(m, "counts"));
	} else {
		(void)printf("  %s", text(first, "now"));
	}
	if (json_object_get(m, "next_in") != NULL)
		(void)printf(
		    " (in %s)", tool_duration(number(m, "next_in"), next));
	if (text(m, "reason")[0] != '\0')
		(void)printf(": %.*s", REASON_SHOWN, text(m, "reason"));
	(void)putchar('\n');
}

struct listing {
	bool json;
	size_t count;
};

static void
list_one(json_t *m, void *arg)
{
	struct listing *l = arg;

	if (l->json) {
		(void)fputs(l->count == 0 ? "[" : ",\n", stdout);
		(void)json_dumpf(m, stdout, JSON_COMPACT);
	} else {
		if (l->count == 0)
			(void)printf("%-12s %8s %8s  %s\n", "ID", "BYTES",
			    "AGE", "FROM -> TO");
		print_row(m);
	}
	l->count++;
}

static int
do_list(const struct tool *t, struct ctl_client *c, const char *verb,
    const char *id)
{
	struct listing l = { .json = t->json };
	struct err err;

	(void)verb, (void)id;
	if (walk_all(c, !t->json, list_one, &l, &err) != 0)
		return tool_fail(&err);
	if (l.json)
		(void)puts(l.count == 0 ? "[]" : "]");
	else if (l.count == 0)
		(void)puts("nothing waits");
	else
		(void)printf("%zu waiting\n", l.count);
	return EXIT_OK;
}

/* --- one message --- */

/* The parameters of MAIL or RCPT that it came with. */
static void
show_parameters(const json_t *o, const char *before)
{
	json_t *all = json_object_get(o, "parameters"), *value;
	const char *key;

	if (all != NULL)
		(void)printf("%s", before);
	json_object_foreach(all, key, value)(void)
	    printf(" %s=%s", key, json_string_value(value));
}

static void
print_rcpt(const json_t *r)
{
	char next[32];

	(void)printf("  <%s>: %s", text(r, "address"), text(r, "now"));
	if (json_object_get(r, "next_in") != NULL)
		(void)printf(", in %s (%s)",
		    tool_duration(number(r, "next_in"), next), text(r, "next"));
	show_parameters(r, "\n    asks for:");
	(void)printf("\n    attempts: %lld", number(r, "tries"));
	if (text(r, "last")[0] != '\0')
		(void)printf(", the last at %s", text(r, "last"));
	if (text(r, "site")[0] != '\0')
		(void)printf("\n    goes to: %s", text(r, "site"));
	if (text(r, "reason")[0] != '\0')
		(void)printf("\n    because: %s", text(r, "reason"));
	(void)putchar('\n');
}

static int
do_show(const struct tool *t, struct ctl_client *c, const char *verb,
    const char *id)
{
	struct err err;
	json_t *m = walk_one(c, id, &err);
	char age[32];
	json_t *r;
	size_t i;

	(void)verb;
	if (m == NULL)
		return tool_fail(&err);
	if (t->json) {
		tool_print_json(m);
		return EXIT_OK;
	}
	(void)printf("%s  from <%s>, account %s, %lld bytes\n", text(m, "id"),
	    text(m, "sender"),
	    text(m, "account")[0] == '\0' ? "(the relay's own report)"
					  : text(m, "account"),
	    number(m, "size"));
	(void)printf("  arrived %s, %s ago%s\n", text(m, "arrived"),
	    tool_duration(number(m, "age"), age),
	    json_is_true(json_object_get(m, "held"))
		? "; held by the operator (postern queue release)"
		: "");
	show_parameters(m, "  asks for:");
	if (json_object_get(m, "parameters") != NULL)
		(void)putchar('\n');
	json_array_foreach(json_object_get(m, "recipients"), i, r)
	    print_rcpt(r);
	json_decref(m);
	return EXIT_OK;
}

/* What was asked for, and for whom it came too late. */
static void
say_done(const json_t *o)
{
	const json_t *late = json_object_get(o, "too_late"), *address;
	size_t i;

	(void)printf("%s: %s\n", text(o, "id"), text(o, "ok"));
	json_array_foreach(late, i, address)(void)
	    printf("%s: too late for <%s>: its host has the message, "
		   "or is taking it\n",
		text(o, "id"), json_string_value(address));
	if (json_is_false(json_object_get(o, "recorded")))
		(void)printf("%s: not recorded yet (postern status says why "
			     "the spool cannot be written)\n",
		    text(o, "id"));
}

static int
steer(const struct tool *t, struct ctl_client *c, const char *verb,
    const char *id)
{
	struct err err;
	json_t *o = ctl_client_ask(
	    c, json_pack("{s:s, s:s}", "do", verb, "id", id), &err);

	if (o == NULL)
		return tool_fail(&err);
	if (t->json) {
		tool_print_json(o);
		return EXIT_OK;
	}
	say_done(o);
	json_decref(o);
	return EXIT_OK;
}

/* Ids first, then the orders: the list must not change under the walk. */
static void
note_id(json_t *m, void *arg)
{
	(void)json_array_append(arg, json_object_get(m, "id"));
}

static int
do_retry(const struct tool *t, struct ctl_client *c, const char *verb,
    const char *id)
{
	json_t *ids, *one;
	struct err err;
	size_t i, n = 0;

	if (!t->all)
		return steer(t, c, verb, id);
	ids = json_array();
	if (walk_all(c, true, note_id, ids, &err) != 0) {
		json_decref(ids);
		return tool_fail(&err);
	}
	json_array_foreach(ids, i, one)
	{
		json_t *o = ctl_client_ask(
		    c, json_pack("{s:s, s:O}", "do", verb, "id", one), &err);

		n += o != NULL; /* else it was delivered meanwhile */
		json_decref(o);
	}
	json_decref(ids);
	if (t->json)
		tool_print_json(json_pack("{s:I}", "retried", (json_int_t)n));
	else
		(void)printf("%zu retried\n", n);
	return EXIT_OK;
}

static int
do_cat(const struct tool *t, struct ctl_client *c, const char *verb,
    const char *id)
{
	long long offset = 0, size = 1;
	struct err err;

	(void)t;
	while (offset < size) {
		json_t *o = ctl_client_ask(c,
		    json_pack("{s:s, s:s, s:I}", "do", verb, "id", id, "offset",
			(json_int_t)offset),
		    &err);
		struct buf data = { .max = 4 << 20 };

		if (o == NULL)
			return tool_fail(&err);
		size = number(o, "size");
		if (!base64_decode(span_text(text(o, "data")), &data) ||
		    (buf_len(&data) == 0 && size > 0)) {
			(void)err_set(&err, -1,
			    "%s: the answer ended at "
			    "%lld of %lld bytes",
			    id, offset, size);
			json_decref(o);
			return tool_fail(&err);
		}
		(void)fwrite(buf_span(&data).ptr, 1, buf_len(&data), stdout);
		offset += (long long)buf_len(&data);
		buf_clear(&data);
		json_decref(o);
	}
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static const struct {
	const char *name;
	bool wants_id;
	queue_fn run;
} verbs[] = {
	{ "list", false, do_list },
	{ "show", true, do_show },
	{ "why", true, do_show },
	{ "retry", true, do_retry },
	{ "hold", true, steer },
	{ "release", true, steer },
	{ "bounce", true, steer },
	{ "remove", true, steer },
	{ "cat", true, do_cat },
};

static int
run(struct tool *t, size_t which, const char *id)
{
	struct conf *conf = tool_conf(t);
	struct ctl_client *c;
	struct err err;
	int rc;

	if (conf == NULL)
		return EXIT_FAILED;
	c = ctl_client_open(conf->control_socket, &err);
	rc = c == NULL ? tool_fail(&err)
		       : verbs[which].run(t, c, verbs[which].name, id);
	ctl_client_close(c);
	conf_unref(conf);
	return rc;
}

int
tool_queue(struct tool *t, int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++) {
		bool with_id =
		    verbs[i].wants_id && !(t->all && verbs[i].run == do_retry);

		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		if (argc != (with_id ? 3 : 2))
			break;
		return run(t, i, with_id ? argv[2] : NULL);
	}
	return tool_usage(usage);
}
