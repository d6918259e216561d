/* The verbs that a running relay is asked: arguments, the socket, the answer. */
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "conf/conf.h"
#include "ctl/client.h"
#include "help.h"
#include "queue.h"
#include "shows.h"

static int show_explained(struct call *c);
static int show_status(struct call *c);
static int show_reload(struct call *c);
static int show_account(struct call *c);
static int show_domain(struct call *c);

/* Who prints the answer; what a verb is, is in ctl/verbs.c. */
static int (*const shows[VERBS])(struct call *c) = {
	[VERB_STATUS] = show_status,
	[VERB_RELOAD] = show_reload,
	[VERB_SESSIONS] = sessions_show,
	[VERB_SESSIONS_END] = sessions_end,
	[VERB_TRACE] = trace_show,
	[VERB_EXPLAIN] = show_explained,
	[VERB_SUPPRESS_LIST] = suppress_list,
	[VERB_SUPPRESS_ADD] = suppress_change,
	[VERB_SUPPRESS_REMOVE] = suppress_change,
	[VERB_SUPPRESS_IMPORT] = suppress_import,
	[VERB_SUPPRESS_EXPORT] = suppress_list,
	[VERB_ACCOUNT_SHOW] = show_account,
	[VERB_ACCOUNT_STOP] = queue_steer,
	[VERB_ACCOUNT_UNDO] = queue_steer,
	[VERB_ACCOUNT_PURGE] = account_purge,
	[VERB_DOMAIN_LOOK] = show_domain,
	[VERB_DOMAIN_RELEASE] = show_domain,
	[VERB_QUEUE_LIST] = queue_list,
	[VERB_QUEUE_SUMMARY] = queue_summary,
	[VERB_QUEUE_SHOW] = queue_show,
	[VERB_QUEUE_WHY] = queue_show,
	[VERB_QUEUE_CAT] = queue_cat,
	[VERB_QUEUE_RETRY] = queue_steer,
	[VERB_QUEUE_HOLD] = queue_steer,
	[VERB_QUEUE_RELEASE] = queue_steer,
	[VERB_QUEUE_BOUNCE] = queue_steer,
	[VERB_QUEUE_REMOVE] = queue_steer,
};

/* Prints the answer as JSON, or by that. */
static int
ask_and_print(struct call *c, void (*print)(const json_t *o))
{
	struct err err;
	json_t *o = call_ask(c, &err);

	if (o == NULL)
		return tool_fail(&err);
	if (c->json) {
		tool_print_json(o);
		return EXIT_OK;
	}
	print(o);
	json_decref(o);
	return EXIT_OK;
}

static int
show_status(struct call *c)
{
	return ask_and_print(c, status_print);
}

static int
show_account(struct call *c)
{
	return ask_and_print(c, account_print);
}

static int
show_domain(struct call *c)
{
	return ask_and_print(c, domain_print);
}

static void
print_explained(const json_t *o)
{
	json_t *line;
	size_t i;

	json_array_foreach(json_object_get(o, "lines"), i, line)
	{
		const char *because = call_text(line, "because");

		(void)printf("%-10s %s\n", call_text(line, "about"),
		    call_text(line, "says"));
		if (because[0] != '\0')
			(void)printf("%-10s   (%s)\n", "", because);
	}
}

static int
show_explained(struct call *c)
{
	return ask_and_print(c, print_explained);
}

static void
print_reloaded(const json_t *o)
{
	const char *later = json_string_value(json_object_get(o, "later"));

	(void)printf("reloaded%s%s\n", later == NULL ? "" : "; ",
	    later == NULL ? "" : later);
}

static int
show_reload(struct call *c)
{
	return ask_and_print(c, print_reloaded);
}

int
tool_ask(struct tool *t, enum verb_id verb, int argc, char **argv)
{
	struct conf *conf = NULL;
	struct call c;
	struct err err;
	bool help;
	int rc = call_read(&c, verb, argc, argv, &help);

	if (rc == EXIT_OK && help) {
		help_of_verb(stdout, verb);
	} else if (rc == EXIT_OK) {
		conf = tool_conf(t);
		rc = EXIT_FAILED;
	}
	if (conf != NULL) {
		c.client = ctl_client_open(conf->control_socket, &err);
		rc = c.client == NULL ? tool_fail(&err) : shows[verb](&c);
	}
	call_clear(&c);
	conf_unref(conf);
	return rc;
}
