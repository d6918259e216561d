/*
 * The operator's changes. The new text is made of the old one, line by line, so
 * that comments and the order stay; it is written beside the file, synced and
 * renamed over it. A lock file of its own keeps two changes apart: the file
 * itself is another one after each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "auth/user_key.h"
#include "auth_priv.h"
#include "base/file.h"

struct change {
	const char *path; /* borrowed */
	const struct users_change *asked; /* borrowed */
	struct span name; /* borrowed */
	char *key_name; /* owned: of the key that it is about; or NULL */
	struct err *err; /* borrowed */
	size_t others; /* accounts that stay as they are */
	bool is_new; /* there is no file yet */
	struct stat old;
	struct buf before, after;
};

/* With `wait` for who has it now. */
static int
lock_file(const char *path, bool wait, struct err *err)
{
	char *name = mem_printf("%s.lock", path);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd;

	if (fd == -1) {
		rc = err_errno(err, "create %s", name);
	} else if (!wait && flock(fd, LOCK_EX | LOCK_NB) == -1) {
		rc = err_set(err, -EAGAIN, "%s: somebody has it", name);
		(void)close(fd);
	} else if (wait) {
		while (flock(fd, LOCK_EX) == -1 && errno == EINTR)
			continue;
	}
	free(name);
	return rc;
}

/* Whether the key can be added, or is there to be removed. */
static int
check_key(
    const struct change *c, const struct users *users, const struct user *found)
{
	struct span name = span_text(c->key_name);
	const struct user *owner;
	bool is_there = users_find_key(users, name, &owner) != NULL;

	if (c->asked->what == USERS_KEY_REMOVE)
		return is_there ? 0
				: err_set(c->err, -ENOENT,
				      "the account %s has no key %s",
				      found->name, c->asked->label);
	if (is_there)
		return err_set(c->err, -EEXIST,
		    "the account %s has a key %s; remove that one first, or "
		    "choose another label",
		    found->name, c->asked->label);
	if (users_find(users, name) != NULL)
		return err_set(c->err, -EEXIST,
		    "there is an account %s: choose another label",
		    c->key_name);
	if (found->nkeys == USERS_KEYS_MOST)
		return err_set(c->err, -E2BIG,
		    "the account %s has %d keys, which is the most",
		    found->name, USERS_KEYS_MOST);
	return 0;
}

static int
load(struct change *c)
{
	int rc = users_load(c->path, &c->before, &c->old, c->err);
	enum users_change_kind what = c->asked->what;
	const struct user *found;
	struct users *users;

	if (rc == -ENOENT) {
		c->is_new = true;
		rc = 0;
	}
	if (rc != 0)
		return rc;
	users = users_parse(buf_span(&c->before), c->path, c->err);
	if (users == NULL)
		return -EINVAL;
	found = users_find(users, c->name);
	c->others = users_count(users) - (found != NULL ? 1 : 0);
	if (what == USERS_ADD && found != NULL)
		rc = err_set(c->err, -EEXIST, "the account %.*s exists",
		    SPAN_ARG(c->name));
	if (what == USERS_RENEW && found != NULL &&
	    memcmp(found->stored_key, c->asked->was->stored_key,
		sizeof found->stored_key) != 0)
		rc = err_set(c->err, -EAGAIN, "the account %.*s has changed",
		    SPAN_ARG(c->name));
	if (what != USERS_ADD && found == NULL)
		rc = err_set(c->err, -ENOENT, "there is no account %.*s",
		    SPAN_ARG(c->name));
	else if (c->key_name != NULL)
		rc = check_key(c, users, found);
	users_free(users);
	return rc;
}

static int
append_user(struct change *c, struct span name, bool suspended)
{
	struct user u = { 0 };
	int rc = 0;

	if (c->asked->what == USERS_RENEW)
		u = *c->asked->keys;
	else
		rc = user_set_password(
		    &u, c->asked->password, c->asked->iterations, c->err);
	if (rc != 0)
		return rc;
	(void)buf_append_span(&c->after, name);
	(void)buf_append_char(&c->after, ' ');
	user_format(&u, &c->after);
	if (suspended)
		(void)buf_append_text(&c->after, " suspended");
	(void)buf_append_char(&c->after, '\n');
	mem_wipe(&u, sizeof u);
	return 0;
}

/* The account's own line. */
static int
change_line(struct change *c, struct span line)
{
	struct span rest = line, name = span_cut(&rest, ' ');
	struct span keys = span_cut(&rest, ' ');
	enum users_change_kind what = c->asked->what;
	bool suspended = what == USERS_SUSPEND ||
			 (what != USERS_RESUME && !span_is_empty(rest));

	if (what == USERS_REMOVE)
		return 0;
	if (what == USERS_KEY_ADD) {
		(void)buf_append_span(&c->after, line);
		(void)buf_printf(
		    &c->after, "\n%.*s#%s ", SPAN_ARG(name), c->asked->label);
		user_key_format(c->asked->key, &c->after);
		(void)buf_append_char(&c->after, '\n');
		return 0;
	}
	if (what == USERS_PASSWD || what == USERS_RENEW)
		return append_user(c, name, suspended);
	(void)buf_printf(&c->after, "%.*s %.*s%s\n", SPAN_ARG(name),
	    SPAN_ARG(keys), suspended ? " suspended" : "");
	return 0;
}

static bool
is_line_of(struct span line, struct span name)
{
	return span_equal_nocase(span_cut(&line, ' '), name);
}

/* A key that goes: by itself, or with its account. */
static bool
is_dropped(const struct change *c, struct span line)
{
	struct span rest = line, name = span_cut(&rest, ' ');
	struct span account, label;

	if (!users_is_key_line(line))
		return false;
	if (c->asked->what == USERS_KEY_REMOVE)
		return span_equal_nocase(name, span_text(c->key_name));
	return c->asked->what == USERS_REMOVE &&
	       user_key_split(name, &account, &label) &&
	       span_equal_nocase(account, c->name);
}

/* What is about a key leaves its account's line as it is. */
static bool
is_changed(const struct change *c, struct span line)
{
	return c->asked->what != USERS_KEY_REMOVE && is_line_of(line, c->name);
}

static int
apply(struct change *c)
{
	struct span left = buf_span(&c->before);
	int rc = 0;

	while (left.len > 0 && rc == 0) {
		struct span line = span_cut(&left, '\n');

		if (span_starts(line, SPAN(USERS_EMPTY)) || is_dropped(c, line))
			continue;
		if (is_changed(c, line)) {
			rc = change_line(c, line);
			continue;
		}
		(void)buf_append_span(&c->after, line);
		(void)buf_append_char(&c->after, '\n');
	}
	/* A file that is empty by accident logs nobody out. */
	if (rc == 0 && c->asked->what == USERS_REMOVE && c->others == 0)
		(void)buf_append_text(
		    &c->after, USERS_EMPTY ": the last account was removed\n");
	if (rc == 0 && c->asked->what == USERS_ADD)
		rc = append_user(c, c->name, false);
	if (rc == 0 && buf_is_over(&c->after))
		rc = err_set(c->err, -EFBIG, "%s: larger than %d bytes",
		    c->path, USERS_FILE_MAX);
	return rc;
}

/* The file belongs to whom it belonged: the daemon must still read it. */
static int
fill_file(struct change *c, int fd, const char *path)
{
	int rc;

	if (fchmod(fd, 0600) == -1)
		return err_errno(c->err, "set the mode of %s", path);
	if (!c->is_new && fchown(fd, c->old.st_uid, c->old.st_gid) == -1)
		return err_errno(c->err, "give %s to its owner", path);
	rc = file_write_all(fd, buf_span(&c->after), path, c->err);
	if (rc == 0 && fsync(fd) == -1)
		rc = err_errno(c->err, "sync %s", path);
	return rc;
}

static int
sync_folder(const char *path, struct err *err)
{
	struct span folder =
	    span_to(span_text(path), span_find_last(span_text(path), '/'));
	char *name;
	int rc;

	if (folder.len == strlen(path))
		folder = SPAN("."); /* no slash at all */
	else if (folder.len == 0)
		folder = SPAN("/");
	name = span_dup(folder);
	rc = file_sync_folder(name, err);
	free(name);
	return rc;
}

static int
publish(struct change *c)
{
	char *fresh = mem_printf("%s.XXXXXX", c->path);
	int fd, rc;

	/* A name that nobody has: no file of the operator's is in the way. */
	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd == -1) {
		rc = err_errno(c->err, "create %s", fresh);
		free(fresh);
		return rc;
	}
	rc = fill_file(c, fd, fresh);
	(void)close(fd); /* synced, or of no use */
	if (rc == 0 && rename(fresh, c->path) == -1)
		rc = err_errno(c->err, "rename %s", fresh);
	if (rc != 0)
		(void)unlink(fresh); /* never published: nobody misses it */
	else
		rc = sync_folder(c->path, c->err);
	free(fresh);
	return rc;
}

static int
check_names(const struct users_change *change, struct err *err)
{
	struct span name = span_text(change->name);

	if (!users_name_is_valid(name))
		return err_set(err, -EINVAL,
		    "an account's name has 1 to 255 bytes without space and "
		    "does not begin with #");
	/* Older files may have some. */
	if (change->what == USERS_ADD && span_find(name, '#') < name.len)
		return err_set(err, -EINVAL,
		    "an account's name has no #: that is for the names of its "
		    "keys (postern user key add)");
	if (change->label != NULL &&
	    !user_key_label_is_valid(span_text(change->label)))
		return err_set(err, -EINVAL,
		    "a key's label has 1 to %d letters, digits, '.', '-' and "
		    "'_'",
		    USER_KEY_LABEL_MAX);
	return 0;
}

int
users_change(
    const char *path, const struct users_change *change, struct err *err)
{
	struct change c = {
		.path = path,
		.asked = change,
		.name = span_text(change->name),
		.err = err,
		.after = { .max = USERS_FILE_MAX },
	};
	int lock, rc;

	rc = check_names(change, err);
	if (rc != 0)
		return rc;
	if (change->label != NULL)
		c.key_name = mem_printf("%s#%s", change->name, change->label);
	lock = lock_file(path, change->what != USERS_RENEW, err);
	rc = lock < 0 ? lock : load(&c);
	if (rc == 0)
		rc = apply(&c);
	if (rc == 0)
		rc = publish(&c);
	buf_clear(&c.before);
	buf_clear(&c.after);
	free(c.key_name);
	if (lock >= 0)
		(void)close(lock);
	return rc;
}
