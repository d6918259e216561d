#include "prepare/alias_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "conf/conf.h"
#include "io/loop.h"
#include "policy/aliases.h"
#include "prepare_priv.h"

enum { FILE_MOST = 64 << 20 };

/* A pipe or a device would keep us waiting. */
static int
read_all(int fd, struct buf *text, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_errno(err, "stat");
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "is no file");
	return file_read_all(fd, FILE_MOST, text, err);
}

static struct aliases *
parse(struct span text, struct err *err)
{
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	return aliases_parse(text, seed, err);
}

struct aliases *
alias_file_read(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct aliases *a = NULL;
	struct buf text = { 0 };

	if (fd == -1) {
		(void)err_errno(err, "%s", path);
		return NULL;
	}
	if (read_all(fd, &text, err) == 0)
		a = parse(buf_span(&text), err);
	(void)close(fd);
	buf_clear(&text);
	if (a == NULL)
		(void)err_wrap(err, -EINVAL, "%s", path);
	return a;
}

void
look_at_aliases(const struct look *l)
{
	struct aliases *a;
	char why[WHY_SIZE];
	struct err err;

	if (l->conf->aliases == NULL)
		return;
	a = alias_file_read(l->conf->aliases, &err);
	if (a == NULL)
		look_option(l, FINDING_ERROR, "auth.aliases",
		    "%s%s; mend it, or leave the key out", err.text,
		    why_denied(l->conf->aliases, why, sizeof why));
	else
		look_found(l, FINDING_OK, "auth.aliases", 0,
		    "%s: %zu address%s", l->conf->aliases, aliases_count(a),
		    aliases_count(a) == 1 ? "" : "es");
	aliases_unref(a);
}
