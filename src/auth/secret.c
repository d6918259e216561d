/*
 * The key that made-up entries, and the numbers of homes (guessing.h), are derived
 * from. It is kept beside the spool: with a new one after each start, two looks at
 * an account's salt would tell whether there is such an account, and nobody would be
 * at home any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth_priv.h"
#include "facts/fact.h"
#include "io/loop.h"

static int
read_key(
    int fd, unsigned char key[USERS_KEY_LEN], const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size != USERS_KEY_LEN)
		return err_set(err, -EINVAL,
		    "%s: not a file of %d bytes; remove it, and the next start "
		    "makes a new one",
		    path, USERS_KEY_LEN);
	if (read(fd, key, USERS_KEY_LEN) != USERS_KEY_LEN)
		return err_errno(err, "read %s", path);
	return 0;
}

/* Whole or not at all: under another name first. */
static int
make_key(
    const char *path, const unsigned char key[USERS_KEY_LEN], struct err *err)
{
	char *fresh = mem_printf("%s.XXXXXX", path);
	int fd, rc = 0;

	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd == -1) {
		rc = err_errno(err, "create %s", fresh);
		free(fresh);
		return rc;
	}
	if (write(fd, key, USERS_KEY_LEN) != USERS_KEY_LEN || fsync(fd) == -1 ||
	    rename(fresh, path) == -1)
		rc = err_errno(err, "write %s", path);
	(void)close(fd); /* synced, or of no use */
	if (rc != 0)
		(void)unlink(fresh);
	free(fresh);
	return rc;
}

void
secret_load(const char *directory, unsigned char key[USERS_KEY_LEN])
{
	char *path = mem_printf("%s/login-key", directory);
	struct err err = { "" };
	int fd, rc;

	random_fill(key, USERS_KEY_LEN);
	(void)mkdir(directory, 0700); /* what is wrong with it, open() says */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd != -1) {
		rc = read_key(fd, key, path, &err);
		(void)close(fd);
	} else if (errno == ENOENT) {
		rc = make_key(path, key, &err);
	} else {
		rc = err_errno(&err, "%s", path);
	}
	if (rc != 0)
		FACT(LOGIN_KEY_NOT_KEPT, fact_string("why", err.text),
		    fact_string("what", "who asks before and after a restart "
					"can tell which accounts exist"));
	free(path);
}
