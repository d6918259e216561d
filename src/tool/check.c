/*
 * postern check: what the daemon finds at its start, found without taking
 * anything (prepare.h). What a running relay has is its own, and no fault.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/findings.h"
#include "conf/conf.h"
#include "ctl/client.h"
#include "network.h"
#include "trial.h"
#include "prepare/prepare.h"
#include "sign/key.h"
#include "sign/key_files.h"
#include "sign/keyring.h"
#include "tool.h"

/* A relay that serves says how it is in milliseconds. */
enum { STATUS_S = 5 };

/* The process that answers at the control socket; 0: none. */
static long
running(const struct conf *conf)
{
	struct ctl_client *c;
	struct err err;
	json_t *o = NULL;
	long pid;

	c = ctl_client_open(conf->control_socket, &err);
	if (c != NULL)
		ctl_client_set_patience(c, STATUS_S);
	if (c != NULL)
		o = ctl_client_ask(c, json_pack("{s:s}", "do", "status"), &err);
	ctl_client_close(c);
	pid = (long)json_integer_value(json_object_get(o, "pid"));
	json_decref(o);
	return pid;
}

/* A key that cannot be read keeps no relay from starting; its mail goes unsigned. */
static void
look_at_keys(const struct conf *conf, struct findings *f)
{
	struct keyring *r = key_files_load(conf->dkim_directory, NULL, f);
	size_t n = keyring_count(r), active = 0;

	for (size_t i = 0; i < n; i++)
		active += key_state(keyring_at(r, i)) == KEY_ACTIVE;
	if (n > 0)
		findings_add(f, FINDING_OK,
		    "dkim.directory: %zu key%s, %zu active (postern dkim list)",
		    n, n == 1 ? "" : "s", active);
	keyring_unref(r);
}

static void
look(const char *file, const struct network_wish *network, struct findings *f)
{
	struct conf *conf = prepare_read(file, f);
	long pid;

	if (conf == NULL)
		return;
	findings_add(f, FINDING_OK, "configuration %s (hostname %s)", file,
	    conf->hostname);
	pid = running(conf);
	if (pid != 0)
		findings_add(f, FINDING_OK,
		    "posternd runs (process %ld): what it has is not in the "
		    "way",
		    pid);
	if (geteuid() == 0)
		findings_add(f, FINDING_OK,
		    "looked as root: the relay's own user may do less");
	prepare_look(conf, pid, f);
	look_at_keys(conf, f);
	if (network != NULL)
		network_look(conf, network, f);
	conf_unref(conf);
}

static void
print(const struct findings *f)
{
	size_t errors = findings_count(f, FINDING_ERROR);
	size_t warnings = findings_count(f, FINDING_WARNING);

	for (size_t i = 0; i < f->n; i++)
		(void)printf("%s: %s\n", finding_level_name(f->all[i].level),
		    f->all[i].text);
	(void)printf("%zu error%s, %zu warning%s\n", errors,
	    errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

static json_t *
as_json(const struct findings *f)
{
	json_t *all = json_array();

	for (size_t i = 0; i < f->n; i++)
		(void)json_array_append_new(
		    all, json_pack("{s:s, s:s}", "level",
			     finding_level_name(f->all[i].level), "what",
			     f->all[i].text));
	return all;
}

/* --network [DOMAIN] [--send ADDRESS] */
static bool
read_wish(int argc, char **argv, struct network_wish *out)
{
	*out = (struct network_wish){ 0 };
	if (strcmp(argv[0], "--network") != 0)
		return false;
	argc--;
	argv++;
	if (argc > 0 && strncmp(argv[0], "--", 2) != 0) {
		out->domain = argv[0];
		argc--;
		argv++;
	}
	if (argc == 2 && strcmp(argv[0], "--send") == 0) {
		out->send_to = argv[1];
		argc = 0;
	}
	return argc == 0;
}

int
tool_check(struct tool *t, int argc, char **argv)
{
	struct network_wish network;
	struct findings f = { 0 };
	struct err err;
	int rc;

	if (argc > 1 && !read_wish(argc - 1, argv + 1, &network))
		return tool_usage(
		    "check [--network [DOMAIN] [--send ADDRESS]] [--json]");
	if (argc > 1 && network.send_to != NULL &&
	    trial_address(network.send_to, &err) != 0)
		return tool_fail(&err);
	look(t->conf_file, argc > 1 ? &network : NULL, &f);
	rc = findings_count(&f, FINDING_ERROR) > 0 ? EXIT_FAILED : EXIT_OK;
	if (t->json)
		tool_print_json(as_json(&f));
	else
		print(&f);
	findings_clear(&f);
	return rc;
}
