/* postern: the operator's tool. See postern(1). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/build.h"
#include "base/span.h"
#include "conf/conf.h"
#include "io/hostname.h"
#include "help.h"
#include "tool.h"

/* What is not asked of a running relay. */
static const struct {
	enum verb_id verb;
	tool_fn run;
} alone[] = {
	{ VERB_USER, tool_user },
	{ VERB_CHECK, tool_check },
	{ VERB_DKIM, tool_dkim },
	{ VERB_SPOOL, tool_spool },
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

void
tool_print_row(const json_t *row, size_t n)
{
	(void)fputs(n == 0 ? "[" : ",\n", stdout);
	(void)json_dumpf(row, stdout, JSON_COMPACT);
}

void
tool_print_end(size_t n)
{
	(void)puts(n == 0 ? "[]" : "]");
}

const char *
tool_count(long long n, const char *one, char *out, size_t size)
{
	(void)snprintf(out, size, "%lld %s%s", n, one, n == 1 ? "" : "s");
	return out;
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
	static const char *const names[] = { "--json", "--stdin", "--force" };
	bool *flags[] = { &t->json, &t->from_stdin, &t->force };
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

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	       strcmp(word, "help") == 0;
}

/* A verb is two words or one; *words gets how many. */
static unsigned
find_verb(int argc, char **argv, int *words)
{
	char name[64];
	unsigned verb = VERBS;

	*words = 2;
	if (argc > 1) {
		(void)snprintf(name, sizeof name, "%s %s", argv[0], argv[1]);
		verb = verb_find(span_text(name));
	}
	if (verb == VERBS) {
		*words = 1;
		verb = verb_find(span_text(argv[0]));
	}
	return verb;
}

static int
run_alone(struct tool *t, unsigned verb, int argc, char **argv)
{
	size_t i = 0;

	if (argc > 1 && is_help(argv[1])) {
		help_of_verb(stdout, (enum verb_id)verb);
		return EXIT_OK;
	}
	argc = take_options(t, argc, argv);
	while (alone[i].verb != verb)
		i++;
	return alone[i].run(t, argc, argv);
}

static int
run(struct tool *t, int argc, char **argv)
{
	unsigned verb;
	int words;

	if (argc == 0) {
		help_of_all(stderr);
		return EXIT_USAGE;
	}
	if (is_help(argv[0])) {
		help_of_all(stdout);
		return EXIT_OK;
	}
	verb = find_verb(argc, argv, &words);
	if (verb < VERBS && verbs[verb].right == RIGHT_ALONE)
		return run_alone(t, verb, argc, argv);
	if (verb < VERBS)
		return tool_ask(
		    t, (enum verb_id)verb, argc - words, argv + words);
	if (argc > 1 && is_help(argv[1]) && help_of_group(stdout, argv[0]))
		return EXIT_OK;
	(void)fprintf(stderr, "postern: no such command: %s%s%s\n", argv[0],
	    argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	if (!help_of_group(stderr, argv[0]))
		help_of_all(stderr);
	return EXIT_USAGE;
}

/* What was not written was not said: a full disk, a closed end. */
static int
end_output(int rc)
{
	bool failed = ferror(stdout) != 0;

	failed = fflush(stdout) != 0 || failed;
	if (!failed)
		return rc;
	(void)fprintf(stderr, "postern: standard output: %s\n",
	    errno == 0 ? "not all could be written" : strerror(errno));
	return rc == EXIT_OK ? EXIT_FAILED : rc;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL,
						   'h' },
		{ "version", no_argument, NULL, 'V' }, { 0 } };
	struct tool t = { .conf_file = SYSCONFDIR "/postern/postern.conf" };
	int option;

	while ((option = getopt_long(argc, argv, "+c:Vh", longs, NULL)) != -1) {
		switch (option) {
		case 'c': t.conf_file = optarg; break;
		case 'V':
			(void)printf("postern %s (commit %s)\n",
			    build_version(), build_commit());
			return EXIT_OK;
		case 'h': help_of_all(stdout); return EXIT_OK;
		default: help_of_all(stderr); return EXIT_USAGE;
		}
	}
	return end_output(run(&t, argc - optind, argv + optind));
}
