#include "options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

static int
refuse(const char *what, const char *then)
{
	(void)fprintf(stderr, "postern-sendmail: %s; %s\n", what, then);
	return EX_USAGE;
}

/* -bX */
static int
read_mode(char mode, struct options *out)
{
	switch (mode) {
	case 'm': out->mode = MODE_SEND; return 0;
	case 's': out->mode = MODE_SMTP; return 0;
	case 'p':
		return refuse("-bp: nothing waits in this program",
		    "postern queue list shows what waits in the relay");
	case 'd':
	case 'D':
		return refuse("-bd: this program is no server",
		    "posternd is (systemctl start postern)");
	case 'i':
		return refuse("-bi: there is no database of aliases",
		    "auth.aliases of postern.conf is read as it is");
	default:
		return refuse("-b: no such mode",
		    "-bm sends a message, -bs speaks SMTP on standard input");
	}
}

/* "never", or some of "success,failure,delay" (RFC 3461 4.1). */
static bool
is_notify(const char *text)
{
	static const char *const words[] = { "success", "failure", "delay" };

	if (strcasecmp(text, "never") == 0)
		return true;
	for (;;) {
		size_t n = strcspn(text, ",");
		bool is_word = false;

		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			is_word |= strlen(words[i]) == n &&
				   strncasecmp(text, words[i], n) == 0;
		if (!is_word)
			return false;
		if (text[n] == '\0')
			return true;
		text += n + 1;
	}
}

static int
read_dsn(int c, const char *value, struct options *out)
{
	if (c == 'N') {
		out->notify = value;
		return is_notify(value)
			   ? 0
			   : refuse("-N: what to tell of is not clear",
				 "never, or some of success,failure,delay");
	}
	if (c == 'V') {
		out->envid = value;
		return strlen(value) <= 100
			   ? 0
			   : refuse("-V: too long", "100 characters at most");
	}
	out->ret = strcasecmp(value, "full") == 0   ? "FULL"
		   : strcasecmp(value, "hdrs") == 0 ? "HDRS"
						    : NULL;
	return out->ret != NULL ? 0
				: refuse("-R: how much comes back is not clear",
				      "full or hdrs");
}

static int
read_one(int c, const char *value, struct options *out)
{
	switch (c) {
	case 'b': return read_mode(value[0], out);
	case 'C': out->conf = value; return 0;
	case 'F': out->name = value; return 0;
	case 'f':
	case 'r': out->sender = strcmp(value, "<>") == 0 ? "" : value; return 0;
	case 'i': out->ignores_dots = true; return 0;
	case 'o':
		/* -oi; the others are about a sendmail's own queue. */
		if (strcmp(value, "i") == 0 || strcmp(value, "itrue") == 0)
			out->ignores_dots = true;
		return 0;
	case 'N':
	case 'R':
	case 'V': return read_dsn(c, value, out);
	case 'q': out->mode = MODE_NOTHING; return 0;
	case 't': out->takes_recipients = true; return 0;
	case 'v': out->is_verbose = true; return 0;
	case '?': return EX_USAGE;
	default: return 0; /* -A, -B, -h, -L, -m, -n and their kin */
	}
}

int
options_read(int argc, char *argv[], struct options *out)
{
	int c, rc = 0;

	*out = (struct options){ .mode = MODE_SEND };
	if (argc == 2 && (strcmp(argv[1], "--version") == 0)) {
		out->mode = MODE_VERSION;
		return 0;
	}
	while (rc == 0 && (c = getopt(argc, argv,
			       "A:B:b:C:cd:e:F:f:Gh:IiL:M:mN:nO:o:p:q::R:r:"
			       "sTtUV:vX:x")) != -1)
		rc = read_one(c, optarg, out);
	out->rcpts = argv + optind;
	out->nrcpts = argc - optind;
	return rc;
}
