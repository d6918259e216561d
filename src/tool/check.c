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
#include "prepare/prepare.h"
#include "sign/key.h"
#include "sign/key_files.h"
#include "sign/keyring.h"
#include "tool.h"

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
look(
    const char *file, bool with_network, const char *domain, struct findings *f)
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
	if (with_network)
		network_look(conf, domain, f);
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

int
tool_check(struct tool *t, int argc, char **argv)
{
	bool with_network = argc > 1 && strcmp(argv[1], "--network") == 0;
	struct findings f = { 0 };
	int rc;

	if (argc > (with_network ? 3 : 1))
		return tool_usage("check [--network [DOMAIN]] [--json]");
	look(t->conf_file, with_network, argc == 3 ? argv[2] : NULL, &f);
	rc = findings_count(&f, FINDING_ERROR) > 0 ? EXIT_FAILED : EXIT_OK;
	if (t->json)
		tool_print_json(as_json(&f));
	else
		print(&f);
	findings_clear(&f);
	return rc;
}
