/* postern: the operator's tool. See postern(1). */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "conf/conf.h"
#include "io/hostname.h"
#include "config.h"
#include "tool.h"

static const char usage[] =
    "usage: postern [-c FILE] COMMAND ...\n"
    "  user add|passwd|suspend|resume|remove NAME   accounts (--stdin: the\n"
    "  user list [--json]                           password is one line "
    "there)\n"
    "  check [--network [DOMAIN]]  the configuration and what it names\n"
    "  status [--json]           a running relay in one page\n"
    "  reload                    its configuration is read again\n"
    "  queue list [--json]       what waits\n"
    "  queue show|why ID [--json]\n"
    "  queue retry ID|--all      now, instead of when it is due\n"
    "  queue hold|release ID     stop and go on\n"
    "  queue bounce ID           give it back to its sender\n"
    "  queue remove ID           forget it; nobody is told\n"
    "  queue cat ID              the message itself\n"
    "  spool check [--json]      every record and checksum; without a daemon\n"
    "  spool export|import DIR   waiting messages as files, and back\n"
    "  -c FILE  configuration (" SYSCONFDIR "/postern/postern.conf)\n"
    "  -V       print the version\n";

static const struct {
	const char *name;
	tool_fn run;
} commands[] = {
	{ "user", tool_user },
	{ "check", tool_check },
	{ "queue", tool_queue },
	{ "spool", tool_spool },
	{ "status", tool_status },
	{ "reload", tool_reload },
};

int
tool_fail(const struct err *err)
{
	(void)fprintf(stderr, "postern: %s\n", err->text);
	return EXIT_FAILED;
}

int
tool_usage(const char *text)
{
	(void)fprintf(stderr, "usage: postern [-c FILE] %s\n", text);
	return EXIT_USAGE;
}

struct conf *
tool_conf(struct tool *t)
{
	char name[256];
	struct buf warnings = { 0 };
	struct conf *conf;
	struct err err;

	hostname_of_system(name, sizeof name);
	conf = conf_read(t->conf_file, name, &warnings, &err);
	buf_clear(&warnings);
	if (conf == NULL)
		(void)tool_fail(&err);
	return conf;
}

void
tool_print_json(json_t *o)
{
	(void)json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	(void)putchar('\n');
	json_decref(o);
}

const char *
tool_duration(long long s, char out[32])
{
	if (s >= 86400)
		(void)snprintf(
		    out, 32, "%lldd%lldh", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		(void)snprintf(out, 32, "%lldh%lldm", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		(void)snprintf(out, 32, "%lldm%llds", s / 60, s % 60);
	else
		(void)snprintf(out, 32, "%llds", s);
	return out;
}

/* Takes the options that may stand anywhere; returns the new count. */
static int
take_options(struct tool *t, int argc, char **argv)
{
	static const char *const names[] = { "--json", "--stdin", "--all" };
	bool *flags[] = { &t->json, &t->from_stdin, &t->all };
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(names) && strcmp(argv[i], names[k]) != 0)
			k++;
		if (k < ARRAY_LEN(names))
			*flags[k] = true;
		else
			argv[kept++] = argv[i];
	}
	return kept;
}

int
main(int argc, char **argv)
{
	struct tool t = { .conf_file = SYSCONFDIR "/postern/postern.conf" };
	int option;

	while ((option = getopt(argc, argv, "+c:Vh")) != -1) {
		switch (option) {
		case 'c': t.conf_file = optarg; break;
		case 'V': (void)puts("postern " VERSION); return EXIT_OK;
		case 'h': (void)fputs(usage, stdout); return EXIT_OK;
		default: (void)fputs(usage, stderr); return EXIT_USAGE;
		}
	}
	argc = take_options(&t, argc - optind, argv + optind);
	argv += optind;
	for (size_t i = 0; argc > 0 && i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(&t, argc, argv);
	(void)fputs(usage, stderr);
	return EXIT_USAGE;
}
