/* postern trace: what happened to a message, and what it waits for. */
#include <stdio.h>

#include "queue.h"
#include "shows.h"
#include "walk.h"

/* What stands behind an event, in this order, if it is there. */
static const struct {
	const char *key, *says;
} fields[] = {
	{ "recipient", "to" },
	{ "sender", "from" },
	{ "account", "account" },
	{ "sid", "sid" },
	{ "message_id", "message-id" },
	{ "host", "host" },
	{ "tls", "tls" },
	{ "reply", "reply" },
	{ "did", "did" },
	{ "user", "user" },
};

static const char *const numbers[] = { "recipients", "size", "tries",
	"next_in" };

static void
print_entry(const json_t *e)
{
	(void)printf("%s %s %s", call_text(e, "at"), call_text(e, "id"),
	    call_text(e, "event"));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (call_text(e, fields[i].key)[0] != '\0')
			(void)printf(" %s=%s", fields[i].says,
			    call_text(e, fields[i].key));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (json_object_get(e, numbers[i]) != NULL)
			(void)printf(
			    " %s=%lld", numbers[i], call_number(e, numbers[i]));
	(void)putchar('\n');
}

/* What of it waits is described as `queue show` does; it may go meanwhile. */
static json_t *
waiting_of(struct call *c, const json_t *o)
{
	json_t *ids = json_object_get(o, "waiting"), *all = json_array(), *id;
	enum verb_id verb = c->verb;
	struct err err;
	size_t i;

	c->verb = VERB_QUEUE_SHOW;
	json_array_foreach(ids, i, id)
	{
		json_t *m = walk_one(c, json_string_value(id), &err);

		if (m != NULL)
			(void)json_array_append_new(all, m);
	}
	c->verb = verb;
	return all;
}

int
trace_show(struct call *c)
{
	json_t *o, *waiting, *one;
	struct err err;
	size_t i;

	o = call_ask(c, &err);
	if (o == NULL)
		return tool_fail(&err);
	waiting = waiting_of(c, o);
	(void)json_object_set_new(o, "waiting", waiting);
	if (c->json) {
		tool_print_json(o);
		return EXIT_OK;
	}
	if (json_is_true(json_object_get(o, "cut")))
		(void)puts("(older ones are left out)");
	json_array_foreach(json_object_get(o, "entries"), i, one)
	    print_entry(one);
	json_array_foreach(waiting, i, one) queue_print(one);
	json_decref(o);
	return EXIT_OK;
}
