/* postern queue list, show and cat: what waits in a running relay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ctl/client.h"
#include "smtp/base64.h"
#include "queue.h"
#include "walk.h"

enum { REASON_SHOWN = 160 }; /* of it, in a list */

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

	(void)printf("%-12s %8lld %8s  <%s> -> <%s>", call_text(m, "id"),
	    call_number(m, "size"), tool_duration(call_number(m, "age"), age),
	    call_text(m, "sender"), call_text(first, "address"));
	if (call_number(m, "rcpts") > 1) {
		(void)printf(" and %lld more", call_number(m, "rcpts") - 1);
		print_counts(json_object_get(m, "counts"));
	} else {
		(void)printf("  %s", call_text(first, "now"));
	}
	if (json_object_get(m, "next_in") != NULL)
		(void)printf(
		    " (in %s)", tool_duration(call_number(m, "next_in"), next));
	if (call_text(m, "reason")[0] != '\0')
		(void)printf(": %.*s", REASON_SHOWN, call_text(m, "reason"));
	(void)putchar('\n');
}

struct listing {
	const struct call *call; /* borrowed */
	bool json;
	size_t count, missing;
};

static void
list_one(json_t *m, void *arg)
{
	struct listing *l = arg;

	if (l->json) {
		tool_print_row(m, l->count);
	} else {
		if (l->count == 0)
			(void)printf("%-12s %8s %8s  %s\n", "ID", "BYTES",
			    "AGE", "FROM -> TO");
		print_row(m);
	}
	l->count++;
}

static void
say_missing(const struct call *c, const char *id)
{
	(void)fprintf(stderr, "postern: %s: %s\n", id,
	    c->said_loading
		? "not read yet, or no such message waits; ask again in a "
		  "moment"
		: "no such message waits (delivered, removed, or a wrong id; "
		  "postern trace may know)");
}

/* The ids that were named, and that no message has. */
static void
note_missing(const char *id, void *arg)
{
	struct listing *l = arg;

	say_missing(l->call, id);
	l->missing++;
}

int
queue_list(struct call *c)
{
	struct listing l = { .call = c, .json = c->json };
	struct walk w = { .is_brief = !c->json,
		.each = list_one,
		.missing = note_missing,
		.arg = &l };
	struct err err;

	if (walk_all(c, &w, &err) != 0)
		return tool_fail(&err);
	if (l.json)
		tool_print_end(l.count);
	else if (l.count == 0)
		(void)puts(json_object_size(c->request) > 1 || c->ids != NULL
			       ? "no such message waits"
			       : "nothing waits");
	else
		(void)printf("%zu waiting\n", l.count);
	return l.missing == 0 ? EXIT_OK : EXIT_FAILED;
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

	(void)printf(
	    "  <%s>: %s", call_text(r, "address"), call_text(r, "now"));
	if (call_text(r, "since")[0] != '\0')
		(void)printf(", since %s%s", call_text(r, "since"),
		    json_object_get(r, "next_in") == NULL
			? " (it is being asked, or stands in line)"
			: "; asked again");
	if (json_object_get(r, "next_in") != NULL)
		(void)printf("%s in %s (%s)",
		    call_text(r, "since")[0] == '\0' ? "," : "",
		    tool_duration(call_number(r, "next_in"), next),
		    call_text(r, "next"));
	show_parameters(r, "\n    asks for:");
	(void)printf("\n    attempts: %lld", call_number(r, "tries"));
	if (call_text(r, "last")[0] != '\0')
		(void)printf(", the last at %s", call_text(r, "last"));
	if (call_text(r, "site")[0] != '\0')
		(void)printf("\n    goes to: %s", call_text(r, "site"));
	if (call_text(r, "reason")[0] != '\0')
		(void)printf("\n    because: %s", call_text(r, "reason"));
	(void)putchar('\n');
}

void
queue_print(const json_t *m)
{
	char age[32];
	json_t *r;
	size_t i;

	(void)printf("%s  from <%s>, account %s, %lld bytes\n",
	    call_text(m, "id"), call_text(m, "sender"),
	    call_text(m, "account")[0] == '\0' ? "(the relay's own report)"
					       : call_text(m, "account"),
	    call_number(m, "size"));
	(void)printf("  arrived %s, %s ago%s%s\n", call_text(m, "arrived"),
	    tool_duration(call_number(m, "age"), age),
	    !json_is_true(json_object_get(m, "held")) ? ""
	    : strcmp(call_text(m, "held_by"), "stop") == 0
		? "; held: its account is stopped (postern account undo)"
	    : strcmp(call_text(m, "held_by"), "budget") == 0
		? "; held until its account's budget has room (postern "
		  "account show)"
	    : strcmp(call_text(m, "held_by"), "sender") == 0
		? "; held until the time that its sender named (postern queue "
		  "release lets it go now)"
	    : call_text(m, "filter")[0] != '\0'
		? "; held (postern queue release) by filter "
	    : strcmp(call_text(m, "held_by"), "filter") == 0
		? "; held until a filter has seen it (postern queue retry asks "
		  "it now)"
		: "; held by the operator (postern queue release)",
	    call_text(m, "filter"));
	show_parameters(m, "  asks for:");
	if (json_object_get(m, "parameters") != NULL)
		(void)putchar('\n');
	json_array_foreach(json_object_get(m, "recipients"), i, r)
	    print_rcpt(r);
}

/* Ids first, then one by one: the list must not change under the walk. */
struct chosen {
	const struct call *call; /* borrowed */
	json_t *ids; /* owned */
	size_t missing;
};

static void
note_id(json_t *m, void *arg)
{
	struct chosen *chosen = arg;

	(void)json_array_append(chosen->ids, json_object_get(m, "id"));
}

static void
note_no_id(const char *id, void *arg)
{
	struct chosen *chosen = arg;

	say_missing(chosen->call, id);
	chosen->missing++;
}

/* Does it for each message that was chosen. */
static int
for_each(struct call *c, int (*one)(struct call *c, const char *id))
{
	struct chosen chosen = { .call = c, .ids = json_array() };
	struct walk w = { .is_brief = true,
		.each = note_id,
		.missing = note_no_id,
		.arg = &chosen };
	struct err err;
	int rc = EXIT_OK;
	json_t *id;
	size_t i;

	if (walk_all(c, &w, &err) != 0)
		rc = tool_fail(&err);
	json_array_foreach(chosen.ids, i, id)
	{
		int one_rc = one(c, json_string_value(id));

		if (one_rc != EXIT_OK)
			rc = one_rc;
	}
	if (json_array_size(chosen.ids) == 0 && chosen.missing == 0 &&
	    rc == EXIT_OK)
		(void)fputs("postern: no such message waits\n", stderr);
	if (json_array_size(chosen.ids) == 0 || chosen.missing > 0)
		rc = EXIT_FAILED;
	json_decref(chosen.ids);
	return rc;
}

/* Of one an object, of several one a line. */
static int
show_one(struct call *c, const char *id)
{
	struct err err;
	json_t *m = walk_one(c, id, &err);

	if (m == NULL)
		return tool_fail(&err);
	if (c->json) {
		tool_print_json(m);
		return EXIT_OK;
	}
	queue_print(m);
	json_decref(m);
	return EXIT_OK;
}

int
queue_show(struct call *c)
{
	return for_each(c, show_one);
}

/* --- the message itself --- */

static int
cat_one(struct call *c, const char *id)
{
	long long offset = 0, size = 1;
	struct err err;

	while (offset < size) {
		json_t *request = call_request_for(c, id), *o;
		struct buf data = { .max = 4 << 20 };

		(void)json_object_set_new(
		    request, "offset", json_integer(offset));
		o = ctl_client_ask(c->client, request, &err);
		if (o == NULL)
			return tool_fail(&err);
		size = call_number(o, "size");
		if (!base64_decode(span_text(call_text(o, "data")), &data) ||
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

int
queue_cat(struct call *c)
{
	return for_each(c, cat_one);
}
