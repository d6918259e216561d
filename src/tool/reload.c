/* postern reload: a running relay reads its configuration again. */
#include <stdio.h>

#include "conf/conf.h"
#include "ctl/client.h"
#include "tool.h"

int
tool_reload(struct tool *t, int argc, char **argv)
{
	struct ctl_client *c;
	struct conf *conf;
	struct err err;
	json_t *o;

	(void)argv;
	if (argc != 1)
		return tool_usage("reload [--json]");
	conf = tool_conf(t);
	if (conf == NULL)
		return EXIT_FAILED;
	c = ctl_client_open(conf->control_socket, &err);
	o = c == NULL
		? NULL
		: ctl_client_ask(c, json_pack("{s:s}", "do", "reload"), &err);
	ctl_client_close(c);
	conf_unref(conf);
	if (o == NULL)
		return tool_fail(&err);
	if (t->json) {
		tool_print_json(o);
		return EXIT_OK;
	}
	json_decref(o);
	(void)puts("reloaded");
	return EXIT_OK;
}
