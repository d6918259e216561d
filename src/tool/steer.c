/* postern queue retry and the like: what was done, what was not, and why. */
#include <stdio.h>
#include <string.h>

#include "queue.h"

/* So few are named one by one. */
enum { NAMED = 20 };

struct told {
	json_t *done, *undone; /* owned */
};

static void
take_page(const json_t *page, void *arg)
{
	struct told *told = arg;

	(void)json_array_extend(told->done, json_object_get(page, "done"));
	(void)json_array_extend(told->undone, json_object_get(page, "not"));
}

static void
print_not(const json_t *one)
{
	const json_t *late = json_object_get(one, "addresses"), *address;
	const char *id = call_text(one, "id");
	size_t i;

	if (late == NULL)
		(void)printf("%s: not done, %s: %s\n", id,
		    call_text(one, "why"), call_text(one, "text"));
	json_array_foreach(late, i, address)(void)
	    printf("%s: too late for <%s>: %s\n", id,
		json_string_value(address), call_text(one, "text"));
}

static void
print(const struct told *told, const char *verb, bool is_dry)
{
	size_t n = json_array_size(told->done), i;
	const json_t *one;

	if (n <= NAMED) {
		json_array_foreach(told->done, i, one)(void)
		    printf("%s: %s%s\n", json_string_value(one),
			is_dry ? "would be done: " : "", verb);
	}
	json_array_foreach(told->undone, i, one) print_not(one);
	if (n + json_array_size(told->undone) != 1)
		(void)printf("%s: %zu %s, %zu not\n", verb, n,
		    is_dry ? "would be done" : "done",
		    json_array_size(told->undone));
}

/* What became of the account, beside its messages; nothing for a queue's verb. */
static void
print_account(const struct call *c, bool is_dry)
{
	static const char *const texts[VERBS] = {
		[VERB_ACCOUNT_STOP] =
		    "stopped: no login, no session, nothing of "
		    "it goes out until postern account undo",
		[VERB_ACCOUNT_UNDO] = "neither stopped nor braked",
	};

	if (texts[c->verb] != NULL)
		(void)printf("%s: %s%s\n", call_text(c->request, "what"),
		    is_dry ? "would be " : "", texts[c->verb]);
}

/* "done" and "not_done" are numbers; "ids" and "not" have who that is. */
static void
print_json(const struct told *told, const char *verb, bool is_dry)
{
	tool_print_json(json_pack("{s:s, s:b, s:I, s:I, s:O, s:O}", "do", verb,
	    "dry_run", is_dry, "done", (json_int_t)json_array_size(told->done),
	    "not_done", (json_int_t)json_array_size(told->undone), "ids",
	    told->done, "not", told->undone));
}

/* Too late is no mistake of who asked: the mail is on its way. */
static bool
is_refused(const struct told *told)
{
	const json_t *one;
	size_t i;

	json_array_foreach(told->undone, i,
	    one) if (json_object_get(one, "addresses") == NULL) return true;
	return false;
}

int
queue_steer(struct call *c)
{
	const char *verb = strchr(verbs[c->verb].name, ' ') + 1;
	bool is_dry = json_is_true(json_object_get(c->request, "dry_run"));
	struct told told = { json_array(), json_array() };
	struct err err;
	int rc = EXIT_OK;

	if (call_pages(c, NULL, take_page, &told, &err) != 0)
		rc = tool_fail(&err);
	/* What was done before it broke off is told, too. */
	if (c->json)
		print_json(&told, verb, is_dry);
	else
		print(&told, verb, is_dry);
	if (!c->json && rc == EXIT_OK)
		print_account(c, is_dry);
	if (is_refused(&told))
		rc = EXIT_FAILED;
	json_decref(told.done);
	json_decref(told.undone);
	return rc;
}
