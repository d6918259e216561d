/*
 * Who changes something holds the lock of the file `lock`; who reads needs none,
 * because a file is whole at all times.
 *
 *	key_files_add        a new name, which nobody has: link(), not rename()
 *	key_files_set_state  read again under the lock; then renamed over it
 */
#include "sign/key_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/file.h"
#include "base/findings.h"
#include "base/map.h"
#include "base/mem.h"
#include "sign/keyring.h"

enum { KEYS_MAX = 20000 };

static const char ending[] = ".pem";

static bool
is_name_of_ours(const char *name)
{
	return name[0] != '.' &&
	       span_ends_nocase(span_text(name), span_text(ending));
}

static char *
path_of(const char *folder, const struct key *k)
{
	return mem_printf(
	    "%s/%s.%s%s", folder, key_domain(k), key_selector(k), ending);
}

/* --- looking --- */

/* The order in which the folder tells its files must not count. */
static uint64_t
look_at(int folder, const char *name)
{
	static const uint64_t seed[2] = { 0, 0 };
	struct stat st;

	if (fstatat(folder, name, &st, 0) != 0)
		return 1;
	return file_mark(siphash24(seed, name, strlen(name)), &st);
}

uint64_t
key_files_look(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	uint64_t sum = 0;

	if (dir == NULL)
		return (uint64_t)errno;
	while ((e = readdir(dir)) != NULL)
		if (is_name_of_ours(e->d_name))
			sum += look_at(dirfd(dir), e->d_name);
	(void)closedir(dir); /* only read */
	return sum;
}

/* --- reading --- */

static int
read_file(const char *path, struct buf *out, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	int rc = 0;

	if (fd == -1)
		return err_errno(err, "open");
	if (fstat(fd, st) != 0)
		rc = err_errno(err, "stat");
	else if (!S_ISREG(st->st_mode))
		rc = err_set(err, -1, "it is no file");
	if (rc == 0)
		rc = file_read_all(fd, KEY_FILE_MAX, out, err);
	(void)close(fd); /* only read */
	return rc;
}

static void
wipe(struct buf *text)
{
	if (text->data != NULL)
		mem_wipe(text->data, text->cap);
	buf_clear(text);
}

/* The key of a file, whose name must be the key's. */
static struct key *
read_key(const char *path, const char *name, struct stat *st, struct err *err)
{
	struct buf text = { 0 };
	struct key *k = NULL;
	char *want;

	if (read_file(path, &text, st, err) == 0)
		k = key_parse(buf_span(&text), err);
	wipe(&text);
	if (k == NULL)
		return NULL;
	want = mem_printf("%s.%s%s", key_domain(k), key_selector(k), ending);
	if (strcmp(want, name) != 0) {
		(void)err_set(err, -1, "the key in it is that of %s", want);
		key_unref(k);
		k = NULL;
	}
	free(want);
	return k;
}

/* What was known of a file that cannot be read now. */
static struct key *
lend(const struct keyring *before, const char *name)
{
	for (size_t i = 0; before != NULL && i < keyring_count(before); i++) {
		struct key *k = keyring_at(before, i);
		char *own = mem_printf(
		    "%s.%s%s", key_domain(k), key_selector(k), ending);
		bool same = strcmp(own, name) == 0;

		free(own);
		if (same)
			return key_ref(k);
	}
	return NULL;
}

static struct key *
load_one(const char *folder, const char *name, const struct keyring *before,
    struct findings *f)
{
	char *path = mem_printf("%s/%s", folder, name);
	struct stat st = { 0 };
	struct key *k, *old;
	struct err err;

	k = read_key(path, name, &st, &err);
	if (k == NULL) {
		k = lend(before, name);
		findings_add(f, FINDING_ERROR,
		    "%s: %s; %s: mend it, bring it back from a copy, or take "
		    "it away and make new keys (postern dkim add)",
		    path, err.text,
		    k != NULL ? "the key of before is used until the next start"
			      : "nothing is signed with it");
		free(path);
		return k;
	}
	if ((st.st_mode & 077) != 0)
		findings_add(f, FINDING_WARNING,
		    "%s: mode %04o lets others read the key; chmod 600 %s",
		    path, (unsigned)st.st_mode & 07777, path);
	old = before == NULL
		  ? NULL
		  : keyring_get(before, key_domain(k), key_selector(k));
	if (old != NULL)
		key_share_use(k, old);
	free(path);
	return k;
}

struct keyring *
key_files_load(const char *folder, struct keyring *before, struct findings *f)
{
	struct key **keys = NULL, *k;
	size_t n = 0, room = 0;
	struct dirent *e;
	DIR *dir = opendir(folder);

	if (dir == NULL && errno != ENOENT) {
		findings_add(f, FINDING_ERROR,
		    "%s: %s; %s: let the relay's user read this folder "
		    "(dkim.directory)",
		    folder, strerror(errno),
		    before != NULL ? "the keys of before are used until the "
				     "next start"
				   : "nothing is signed");
		if (before != NULL)
			return keyring_ref(before);
	}
	while (dir != NULL && n < KEYS_MAX && (e = readdir(dir)) != NULL) {
		if (!is_name_of_ours(e->d_name))
			continue;
		k = load_one(folder, e->d_name, before, f);
		if (k == NULL)
			continue;
		if (n == room) {
			room = room == 0 ? 8 : room * 2;
			keys = mem_realloc(keys, room * sizeof(struct key *));
		}
		keys[n++] = k;
	}
	if (dir != NULL)
		(void)closedir(dir); /* only read */
	return keyring_new_take(keys, n);
}

/* --- writing --- */

static int
lock_folder(const char *folder, struct err *err)
{
	static const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	char *name = mem_printf("%s/lock", folder);
	int fd = open(name, flags | O_CREAT | O_EXCL, 0600);
	bool is_new = fd != -1;
	int rc;
	struct stat st;

	if (fd == -1 && errno == EEXIST)
		fd = open(name, flags);
	rc = fd;
	if (fd == -1) {
		rc = err_errno(err, "open %s", name);
	} else {
		/* Who comes later may be the relay's user. */
		if (is_new && geteuid() == 0 && stat(folder, &st) == 0 &&
		    fchown(fd, st.st_uid, st.st_gid) != 0)
			rc = err_errno(err, "give %s to its owner", name);
		while (rc >= 0 && flock(fd, LOCK_EX) == -1)
			if (errno != EINTR)
				rc = err_errno(err, "lock %s", name);
		if (rc < 0)
			(void)close(fd);
	}
	free(name);
	return rc;
}

/* Whom a file belongs to: as the one it replaces, or as the folder. */
static int
give_to_owner(
    int fd, const struct stat *like, const char *path, struct err *err)
{
	if (fchmod(fd, 0600) != 0)
		return err_errno(err, "set the mode of %s", path);
	if ((like->st_uid != geteuid() || like->st_gid != getegid()) &&
	    fchown(fd, like->st_uid, like->st_gid) != 0 && geteuid() == 0)
		return err_errno(err, "give %s to its owner", path);
	return 0;
}

/* `is_new`: nobody may have the name yet. */
static int
publish(const char *folder, const struct key *k, const struct stat *like,
    bool is_new, struct err *err)
{
	char *path = path_of(folder, k);
	char *fresh = mem_printf("%s/.key.XXXXXX", folder);
	struct buf text = { .max = KEY_FILE_MAX };
	int fd = -1, rc = key_write(k, &text, err);

	if (rc == 0) {
		fd = mkostemp(fresh, O_CLOEXEC);
		rc = fd == -1 ? err_errno(err, "create %s", fresh)
			      : give_to_owner(fd, like, fresh, err);
	}
	if (rc == 0)
		rc = file_write_all(fd, buf_span(&text), fresh, err);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_errno(err, "sync %s", fresh);
	wipe(&text);
	if (fd != -1)
		(void)close(fd); /* synced, or of no use */
	if (rc == 0 && is_new && link(fresh, path) != 0)
		rc = err_errno(err, "create %s", path);
	else if (rc == 0 && !is_new && rename(fresh, path) != 0)
		rc = err_errno(err, "rename %s", fresh);
	if (fd != -1 && (is_new || rc != 0))
		(void)unlink(fresh); /* a second name, or never published */
	if (rc == 0)
		rc = file_sync_folder(folder, err);
	free(fresh);
	free(path);
	return rc;
}

/* --- a new pair --- */

/* One that is missing belongs to whom the folder above belongs to. */
static int
make_folder(const char *folder, struct stat *st, struct err *err)
{
	struct span path = span_text(folder);
	size_t slash;
	char *above;
	int rc = 0;

	if (stat(folder, st) == 0)
		return S_ISDIR(st->st_mode)
			   ? 0
			   : err_set(err, -1, "%s: is no folder", folder);
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	slash = span_find_last(path, '/');
	above = slash == path.len ? mem_strdup(".")
				  : span_dup(span_to(path, slash + 1));
	if (stat(above, st) != 0)
		rc = err_errno(err, "%s: the folder above", folder);
	else if (mkdir(folder, 0700) != 0)
		rc = err_errno(err, "make %s", folder);
	else if (geteuid() == 0 && chown(folder, st->st_uid, st->st_gid) != 0)
		rc = err_errno(err, "give %s to its owner", folder);
	free(above);
	return rc != 0		       ? rc
	       : stat(folder, st) == 0 ? 0
				       : err_errno(err, "%s", folder);
}

/* "20261127-x4kq-rsa": when, which, of what kind. */
static int
make_selectors(
    int64_t now, char out[KEY_ALGORITHMS][KEY_SELECTOR_MAX], struct err *err)
{
	/* Without letters that look like digits. */
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
	unsigned char random[4];
	char some[5] = "";
	time_t t = (time_t)now;
	struct tm tm;

	if (RAND_bytes(random, (int)sizeof random) != 1 ||
	    gmtime_r(&t, &tm) == NULL)
		return err_set(err, -1, "no name could be made");
	for (size_t i = 0; i < sizeof random; i++)
		some[i] = letters[random[i] % (sizeof letters - 1)];
	for (int i = 0; i < KEY_ALGORITHMS; i++)
		(void)snprintf(out[i], KEY_SELECTOR_MAX, "%04d%02d%02d-%s-%s",
		    (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday,
		    some, key_record_name((enum key_algorithm)i));
	return 0;
}

/* The newest pair is the one that was made last, in the same second, too. */
static int64_t
next_time(const char *folder, const char *domain, int64_t now)
{
	struct findings ignored = { 0 };
	struct keyring *r = key_files_load(folder, NULL, &ignored);

	for (size_t i = 0; i < keyring_count(r); i++) {
		const struct key *k = keyring_at(r, i);

		if (strcmp(key_domain(k), domain) == 0 && key_made(k) >= now)
			now = key_made(k) + 1;
	}
	findings_clear(&ignored);
	keyring_unref(r);
	return now;
}

static int
add_pair(const char *folder, const char *domain, int64_t now,
    const struct stat *like, struct key *made[KEY_ALGORITHMS], struct err *err)
{
	char selectors[KEY_ALGORITHMS][KEY_SELECTOR_MAX];
	int rc = make_selectors(now, selectors, err);

	for (int i = 0; i < KEY_ALGORITHMS && rc == 0; i++) {
		made[i] = key_make((enum key_algorithm)i, span_text(domain),
		    span_text(selectors[i]), now, err);
		rc = made[i] == NULL ? -1 : 0;
	}
	for (int i = 0; i < KEY_ALGORITHMS && rc == 0; i++)
		rc = publish(folder, made[i], like, true, err);
	return rc;
}

int
key_files_add(const char *folder, const char *domain, int64_t now,
    struct key *made[KEY_ALGORITHMS], struct err *err)
{
	struct stat st;
	int lock, rc;

	memset(made, 0, KEY_ALGORITHMS * sizeof *made);
	if (strlen(domain) + KEY_SELECTOR_MAX + 12 > KEY_DOMAIN_MAX)
		return err_set(
		    err, -1, "%s: too long for a key's name", domain);
	rc = make_folder(folder, &st, err);
	if (rc != 0)
		return rc;
	lock = lock_folder(folder, err);
	if (lock < 0)
		return lock;
	rc = add_pair(
	    folder, domain, next_time(folder, domain, now), &st, made, err);
	(void)close(lock);
	for (int i = 0; i < KEY_ALGORITHMS && rc != 0; i++) {
		key_unref(made[i]);
		made[i] = NULL;
	}
	return rc;
}

/* --- another state --- */

static int
change(const char *folder, const struct key *key, enum key_state to,
    int64_t now, struct err *err)
{
	char *path = path_of(folder, key);
	struct key *k, *next;
	struct stat st;
	int rc = 0;

	k = read_key(path, path + strlen(folder) + 1, &st, err);
	if (k == NULL) {
		rc = err_wrap(err, -1, "%s", path);
	} else if (key_state(k) != to && key_state(k) == key_state(key)) {
		next = key_in_state(k, to, now);
		rc = publish(folder, next, &st, false, err);
		key_unref(next);
	}
	key_unref(k);
	free(path);
	return rc;
}

int
key_files_set_state(const char *folder, const struct key *key,
    enum key_state to, int64_t now, struct err *err)
{
	int lock = lock_folder(folder, err), rc;

	if (lock < 0)
		return lock;
	rc = change(folder, key, to, now, err);
	(void)close(lock);
	return rc;
}
