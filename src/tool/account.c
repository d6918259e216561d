/* postern account: what one has used, how it stands; what waits of it is purged. */
#include <stdio.h>

#include "ctl/client.h"
#include "queue.h"
#include "shows.h"
#include "tool.h"

static void
print_counter(const json_t *c)
{
	const char *frees = json_string_value(json_object_get(c, "frees"));

	(void)printf("  %-15s %10lld of %lld in %s", call_text(c, "name"),
	    call_number(c, "used"), call_number(c, "most"),
	    call_text(c, "window"));
	if (frees != NULL)
		(void)printf("; room again at %s", frees);
	(void)putchar('\n');
}

static const char *
standing(const json_t *o)
{
	if (json_is_true(json_object_get(o, "suspended")))
		return "suspended";
	if (json_is_true(json_object_get(o, "stopped")))
		return "stopped";
	if (json_is_true(json_object_get(o, "braked")))
		return "braked";
	return "in order";
}

/* "spf    fail: ..." */
static void
print_part(const char *name, const json_t *part)
{
	const char *why = call_text(part, "why");

	(void)printf("    %-6s %s%s%s\n", name, call_text(part, "result"),
	    why[0] == '\0' ? "" : ": ", why);
}

void
domain_print(const json_t *o)
{
	json_t *line;
	size_t i;

	(void)printf("  %s  %s%s\n", call_text(o, "domain"),
	    call_text(o, "verdict"),
	    json_is_true(json_object_get(o, "held")) ? ", held" : "");
	print_part("spf", json_object_get(o, "spf"));
	print_part("dkim", json_object_get(o, "dkim"));
	print_part("dmarc", json_object_get(o, "dmarc"));
	if (call_text(o, "held_by")[0] != '\0')
		(void)printf("    %s said: %s\n", call_text(o, "held_by"),
		    call_text(o, "said"));
	json_array_foreach(json_object_get(o, "advice"), i, line)(void)
	    printf("    -> %s\n", json_string_value(line));
}

static void
print_key(const json_t *k)
{
	const char *used = call_text(k, "used");

	(void)printf("  key %-20s %s", call_text(k, "label"),
	    json_is_true(json_object_get(k, "expired")) ? "expired, " : "");
	if (used[0] == '\0')
		(void)puts("not used yet");
	else
		(void)printf("used %s from %s\n", used, call_text(k, "client"));
}

void
account_print(const json_t *o)
{
	json_t *c;
	size_t i;

	(void)printf("%s  %s\n", call_text(o, "name"), standing(o));
	json_array_foreach(json_object_get(o, "counters"), i, c)
	    print_counter(c);
	if (i == 0)
		(void)puts("  no budget");
	if (call_number(o, "held_messages") > 0)
		(void)printf("  %s wait%s, held, until there is room "
			     "(postern queue list --held)\n",
		    COUNT(call_number(o, "held_messages"), "message"),
		    call_number(o, "held_messages") == 1 ? "s" : "");
	json_array_foreach(json_object_get(o, "keys"), i, c) print_key(c);
	json_array_foreach(json_object_get(o, "domains"), i, c) domain_print(c);
}

/* --- purge --- */

enum { SAMPLE = 5 };

struct counted {
	size_t messages;
	long long rcpts;
	json_t *sample; /* owned */
};

static void
count_page(const json_t *page, void *arg)
{
	struct counted *n = arg;
	const json_t *m;
	size_t i;

	json_array_foreach(json_object_get(page, "messages"), i, m)
	{
		const json_t *first =
		    json_array_get(json_object_get(m, "recipients"), 0);

		n->messages++;
		n->rcpts += call_number(m, "rcpts");
		if (json_array_size(n->sample) < SAMPLE)
			(void)json_array_append_new(n->sample,
			    json_pack("{s:O, s:O, s:O, s:O, s:O}", "id",
				json_object_get(m, "id"), "arrived",
				json_object_get(m, "arrived"), "sender",
				json_object_get(m, "sender"), "recipient",
				json_object_get(first, "address"), "rcpts",
				json_object_get(m, "rcpts")));
	}
}

static void
print_counted(const struct counted *n, const char *name)
{
	const json_t *m;
	size_t i;

	(void)printf("%s of %s wait%s, for %s\n", COUNT(n->messages, "message"),
	    name, n->messages == 1 ? "s" : "", COUNT(n->rcpts, "recipient"));
	json_array_foreach(n->sample, i, m)(void)
	    printf("  %s  %s  from <%s> to <%s>%s\n", call_text(m, "id"),
		call_text(m, "arrived"), call_text(m, "sender"),
		call_text(m, "recipient"),
		call_number(m, "rcpts") > 1 ? " and others" : "");
	(void)printf("nothing is done yet; to forget all of them: postern "
		     "account purge %s --yes\n",
	    name);
}

/* Of an account in order nothing is purged, and nothing of it is shown as if. */
static int
ask_whether(struct call *c, struct err *err)
{
	json_t *request = json_copy(c->request), *o;

	(void)json_object_set_new(request, "may", json_true());
	o = ctl_client_ask(c->client, request, err);
	if (o == NULL)
		return -1;
	json_decref(o);
	return 0;
}

static int
show_what_waits(struct call *c, const char *name)
{
	json_t *request = json_pack(
	    "{s:s, s:s, s:b}", "do", "queue list", "account", name, "brief", 1);
	struct counted n = { .sample = json_array() };
	struct err err;
	int rc = EXIT_OK;

	if (ask_whether(c, &err) != 0 ||
	    call_pages(c, request, count_page, &n, &err) != 0)
		rc = tool_fail(&err);
	else if (c->json)
		tool_print_json(json_pack("{s:s, s:b, s:I, s:I, s:O}", "do",
		    "purge", "dry_run", 1, "messages", (json_int_t)n.messages,
		    "recipients", (json_int_t)n.rcpts, "sample", n.sample));
	else
		print_counted(&n, name);
	json_decref(n.sample);
	json_decref(request);
	return rc;
}

struct reached {
	bool json;
	size_t n;
};

/* RFC 4180: in quotes, and a quote twice. */
static void
print_field(const char *text, char behind)
{
	(void)putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)putchar('"');
		(void)putchar(*text);
	}
	(void)putchar('"');
	(void)putchar(behind);
}

static void
reached_page(const json_t *page, void *arg)
{
	struct reached *r = arg;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, "reached"), i, row)
	{
		if (r->json) {
			tool_print_row(row, r->n++);
			continue;
		}
		r->n++;
		print_field(call_text(row, "id"), ',');
		print_field(call_text(row, "recipient"), ',');
		print_field(call_text(row, "time"), ',');
		print_field(call_text(row, "reply"), '\n');
	}
}

static int
show_reached(struct call *c)
{
	struct reached r = { .json = c->json };
	struct err err;

	if (!r.json)
		(void)puts("id,recipient,time,reply");
	if (call_pages(c, NULL, reached_page, &r, &err) != 0)
		return tool_fail(&err);
	if (r.json)
		tool_print_end(r.n);
	return EXIT_OK;
}

int
account_purge(struct call *c)
{
	if (json_is_true(json_object_get(c->request, "reached")))
		return show_reached(c);
	if (json_is_true(json_object_get(c->request, "yes")))
		return queue_steer(c);
	return show_what_waits(c, call_text(c->request, "what"));
}
