/* postern sessions: who is connected, and who is to go. */
#include <stdio.h>

#include "shows.h"

struct listing {
	bool json;
	size_t count;
};

static void
print_row(const json_t *row)
{
	char age[32];

	(void)printf("%-14s %-9s %8s %8lld %-8s %-24s %s%s%s\n",
	    call_text(row, "sid"), call_text(row, "state"),
	    tool_duration(call_number(row, "age"), age),
	    call_number(row, "messages"), call_text(row, "tls"),
	    call_text(row, "client"), call_text(row, "account"),
	    call_text(row, "key")[0] == '\0' ? "" : "#", call_text(row, "key"));
}

static void
take_page(const json_t *page, void *arg)
{
	struct listing *l = arg;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, "sessions"), i, row)
	{
		if (l->json) {
			tool_print_row(row, l->count);
		} else {
			if (l->count == 0)
				(void)printf(
				    "%-14s %-9s %8s %8s %-8s %-24s %s\n", "SID",
				    "STATE", "SINCE", "MESSAGES", "TLS",
				    "CLIENT", "ACCOUNT");
			print_row(row);
		}
		l->count++;
	}
}

int
sessions_show(struct call *c)
{
	struct listing l = { .json = c->json };
	struct err err;

	if (call_pages(c, NULL, take_page, &l, &err) != 0)
		return tool_fail(&err);
	if (l.json)
		tool_print_end(l.count);
	else
		(void)printf("%s\n", COUNT(l.count, "session"));
	return EXIT_OK;
}

int
sessions_end(struct call *c)
{
	struct err err;
	json_t *o = call_ask(c, &err);
	long long n;

	if (o == NULL)
		return tool_fail(&err);
	n = call_number(o, "ended");
	if (c->json) {
		tool_print_json(o);
	} else {
		(void)printf("%lld ended\n", n);
		json_decref(o);
	}
	if (n == 0)
		(void)fputs("postern: no such session\n", stderr);
	return n > 0 ? EXIT_OK : EXIT_FAILED;
}
