/* posternd: the relay, in the foreground. See posternd(8). */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/build.h"
#include "base/findings.h"
#include "relay.h"

static const char usage[] =
    "usage: posternd [-c FILE] [-V]\n"
    "  -c FILE  configuration (" SYSCONFDIR "/postern/postern.conf)\n"
    "  -V, --version, -h, --help: the version, this text\n"
    "Stays in the foreground; SIGTERM stops it, SIGHUP reloads.\n";

/* A connection is a descriptor; the usual soft limit is 1024. */
static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * Content and TLS buffers come and go in bursts. Few arenas, and what is free
 * at the top of one goes back early: else a burst's memory stays for good.
 */
static void
tame_malloc(void)
{
	(void)mallopt(M_ARENA_MAX, 2);
	(void)mallopt(M_TRIM_THRESHOLD, 2 << 20);
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

/* Each that kept it from starting, and each that may be behind it. */
static void
tell(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->all[i].level == FINDING_ERROR)
			(void)fprintf(stderr, "posternd: %s\n", f->all[i].text);
	for (size_t i = 0; i < f->n; i++)
		if (f->all[i].level == FINDING_WARNING)
			(void)fprintf(
			    stderr, "posternd: warning: %s\n", f->all[i].text);
}

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

int
main(int argc, char **argv)
{
	const char *file = SYSCONFDIR "/postern/postern.conf";
	struct findings findings = { 0 };
	struct relay *relay;
	bool is_fine;
	int option;

	while ((option = getopt_long(argc, argv, "c:Vh", long_options, NULL)) !=
	       -1) {
		switch (option) {
		case 'c': file = optarg; break;
		case 'V':
			(void)printf("posternd %s (commit %s)\n",
			    build_version(), build_commit());
			return EXIT_SUCCESS;
		case 'h': (void)fputs(usage, stdout); return EXIT_SUCCESS;
		default: (void)fputs(usage, stderr); return 2;
		}
	}
	if (optind != argc) {
		(void)fputs(usage, stderr);
		return 2;
	}
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	/* The pool does key derivations and syncs; four would queue. */
	(void)setenv("UV_THREADPOOL_SIZE", "8", 0);
	raise_limits();
	tame_malloc();
	relay = relay_new(file, &findings);
	if (relay == NULL)
		tell(&findings);
	findings_clear(&findings);
	if (relay == NULL)
		return EXIT_FAILURE;
	is_fine = relay_run(relay);
	relay_free(relay);
	return is_fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
