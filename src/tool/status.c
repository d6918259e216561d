/* postern status: a running relay in one page. */
#include <stdio.h>

#include "shows.h"
#include "tool.h"

static long long
number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void
print_spool(const json_t *spool)
{
	bool fine = json_is_true(json_object_get(spool, "accepting")) &&
		    json_is_true(json_object_get(spool, "recording"));

	(void)printf(
	    "spool      %s; %lld bytes of messages in %lld bytes, %s\n",
	    fine ? "fine" : "NOT WELL", number(spool, "live_bytes"),
	    number(spool, "used_bytes"),
	    COUNT(number(spool, "segments"), "segment"));
	if (!fine)
		(void)printf("           %s\n",
		    json_string_value(json_object_get(spool, "why")));
	if (json_is_true(json_object_get(spool, "loading")))
		(void)printf("           still reading what was there at the "
			     "start: %lld of %lld segments\n",
		    number(spool, "segments_read"),
		    number(spool, "segments_to_read"));
}

static void
print_state(const json_t *state)
{
	if (json_is_true(json_object_get(state, "works")))
		return;
	(void)printf("state      NOT WELL: what accounts have used is kept in "
		     "memory only\n           %s\n",
	    json_string_value(json_object_get(state, "why")));
}

static void
print_resolver(const json_t *resolver)
{
	(void)printf("resolver   %s under way, %lld waiting to be asked; "
		     "%s known\n",
	    COUNT(number(resolver, "questions"), "question"),
	    number(resolver, "waiting"),
	    COUNT(number(resolver, "domains"), "domain"));
}

static void
print_trace(const json_t *trace)
{
	const char *since = json_string_value(json_object_get(trace, "since"));

	(void)printf("trace      %s known%s%s\n",
	    COUNT(number(trace, "entries"), "event"),
	    since == NULL ? "" : ", since ", since == NULL ? "" : since);
}

static void
print_sites(const json_t *sites)
{
	char wait[32];
	json_t *s;
	size_t i;

	json_array_foreach(sites, i, s)
	{
		(void)printf("site       %s: %lld in line, %lld of %lld "
			     "connections",
		    json_string_value(json_object_get(s, "site")),
		    number(s, "waiting"), number(s, "connections"),
		    number(s, "connections_max"));
		if (number(s, "closed_for") > 0)
			(void)printf("; closed for %s: %s",
			    tool_duration(number(s, "closed_for"), wait),
			    json_string_value(json_object_get(s, "reason")));
		(void)putchar('\n');
	}
}

void
status_print(const json_t *o)
{
	const json_t *n = json_object_get(o, "counters");
	char up[32];

	(void)printf("postern    %s, process %lld, up %s\n",
	    json_string_value(json_object_get(o, "version")), number(o, "pid"),
	    tool_duration(number(o, "uptime"), up));
	(void)printf("waiting    %s\n", COUNT(number(o, "waiting"), "message"));
	print_spool(json_object_get(o, "spool"));
	print_state(json_object_get(o, "state"));
	(void)printf("sessions   %lld now, %lld since the start; logins %lld, "
		     "failed %lld\n",
	    number(n, "sessions"), number(n, "connections"),
	    number(n, "logins"), number(n, "login_failures"));
	(void)printf("accepted   %s; refused %lld\n",
	    COUNT(number(n, "accepted"), "message"), number(n, "refused"));
	(void)printf("delivered  %s; put off %lld, failed %lld, "
		     "reports %lld\n",
	    COUNT(number(n, "delivered"), "recipient"), number(n, "deferred"),
	    number(n, "failed"), number(n, "bounces"));
	print_trace(json_object_get(o, "trace"));
	print_resolver(json_object_get(o, "resolver"));
	print_sites(json_object_get(o, "sites"));
	if (number(o, "sites_more") > 0)
		(void)printf("           and %s more\n",
		    COUNT(number(o, "sites_more"), "site"));
}
