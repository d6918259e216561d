/*
 * The users file: read whole, checked line by line, sorted by name. A message
 * names the file and the line, never what stands there: a key is as good as a
 * password to a server.
 */
#include "auth/users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/user_key.h"
#include "auth_priv.h"
#include "base/file.h"
#include "smtp/base64.h"

struct users {
	struct user *list; /* owned, sorted by name without case */
	size_t n, cap;
	struct user_key *keys; /* owned, sorted by account, then by label */
	size_t nkeys, keys_cap;
	uint32_t usual_iterations;
	bool says_empty;
};

static int
compare_names(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)ascii_lower(a.ptr[i]);
		unsigned char y = (unsigned char)ascii_lower(b.ptr[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}

static int
compare_users(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return compare_names(span_text(x->name), span_text(y->name));
}

bool
users_name_is_valid(struct span name)
{
	/* A line of the file that begins so is not a name's (BOM, comment). */
	if (name.len == 0 || name.len > USERS_NAME_MAX || name.ptr[0] == '#' ||
	    span_starts(name, SPAN_BYTE_ORDER_MARK))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.ptr[i] <= ' ' || name.ptr[i] == 0x7f)
			return false;
	return true;
}

static bool
take_key(struct span text, unsigned char key[USERS_KEY_LEN])
{
	size_t len;

	return base64_decode_into(text, key, USERS_KEY_LEN, &len) &&
	       len == USERS_KEY_LEN;
}

const char *
user_parse_keys(struct span text, struct user *u)
{
	struct span scheme = span_cut(&text, '$');
	struct span salt = span_cut(&text, '$');
	struct span iterations = span_cut(&salt, ':');
	struct span stored = span_cut(&text, ':');
	uint64_t n;

	if (!span_equal(scheme, SPAN(USERS_SCHEME)))
		return "unknown kind of password, expected " USERS_SCHEME;
	if (!span_to_u64(iterations, USERS_ITERATIONS_MOST, &n) ||
	    n < USERS_ITERATIONS_LEAST)
		return "bad iteration count, expected 4096 to 1000000";
	u->iterations = (uint32_t)n;
	if (!base64_decode_into(salt, u->salt, sizeof u->salt, &u->salt_len) ||
	    u->salt_len < USERS_SALT_LEAST)
		return "bad salt, expected 8 to 64 bytes in base64";
	if (!take_key(stored, u->stored_key) || !take_key(text, u->server_key))
		return "bad key, expected 32 bytes in base64";
	return NULL;
}

static const char *
parse_line(struct span line, struct user *u)
{
	struct span name = span_cut(&line, ' ');
	struct span keys = span_cut(&line, ' ');
	const char *wrong;

	if (span_starts(name, SPAN_BYTE_ORDER_MARK))
		return "begins with a byte order mark (BOM), expected plain "
		       "UTF-8: save the file without one";
	if (span_find(line, '\r') < line.len ||
	    span_find(keys, '\r') < keys.len)
		return "a line end of another system (CRLF), expected LF: save "
		       "the file with those";
	if (!users_name_is_valid(name))
		return "bad name, expected up to 255 bytes without space";
	wrong = user_parse_keys(keys, u);
	if (wrong != NULL)
		return wrong;
	if (!span_is_empty(line) && !span_equal(line, SPAN("suspended")))
		return "something behind the password, expected suspended";
	u->suspended = !span_is_empty(line);
	u->name = span_dup(name);
	return NULL;
}

static void
add(struct users *users, const struct user *u)
{
	if (users->n == users->cap) {
		users->cap = users->cap == 0 ? 16 : 2 * users->cap;
		users->list =
		    mem_realloc(users->list, users->cap * sizeof *users->list);
	}
	users->list[users->n++] = *u;
}

static void
add_key(struct users *users, const struct user_key *k)
{
	if (users->nkeys == users->keys_cap) {
		users->keys_cap =
		    users->keys_cap == 0 ? 16 : 2 * users->keys_cap;
		users->keys = mem_realloc(
		    users->keys, users->keys_cap * sizeof *users->keys);
	}
	users->keys[users->nkeys++] = *k;
}

bool
users_is_key_line(struct span line)
{
	(void)span_cut(&line, ' ');
	return span_starts(line, SPAN(USER_KEY_SCHEME "$"));
}

/* NULL: it was taken. */
static const char *
take_line(struct users *users, struct span line)
{
	struct user_key k;
	struct user u = { 0 };
	const char *wrong;

	if (users_is_key_line(line)) {
		struct span name = span_cut(&line, ' ');

		wrong = user_key_parse(name, line, &k);
		if (wrong == NULL)
			add_key(users, &k);
		return wrong;
	}
	wrong = parse_line(line, &u);
	if (wrong == NULL)
		add(users, &u);
	return wrong;
}

static struct span
account_of(const struct user_key *k)
{
	return span_make(k->name, (size_t)(k->label - k->name - 1));
}

static int
compare_keys(const void *a, const void *b)
{
	const struct user_key *x = a, *y = b;
	int by_account = compare_names(account_of(x), account_of(y));

	return by_account != 0
		   ? by_account
		   : compare_names(span_text(x->label), span_text(y->label));
}

/* Gives each key to its account. */
static int
link_key(
    struct users *users, struct user_key *k, const char *path, struct err *err)
{
	struct span account = account_of(k);
	struct user *u = (struct user *)(uintptr_t)users_find(users, account);

	if (u == NULL)
		return err_set(err, -EINVAL,
		    "%s: the key %s is of no account that is there", path,
		    k->name);
	if (users_find(users, span_text(k->name)) != NULL)
		return err_set(err, -EINVAL, "%s: %s is an account and a key",
		    path, k->name);
	if (u->nkeys > 0 && compare_keys(k - 1, k) == 0)
		return err_set(err, -EINVAL,
		    "%s: the key %s is there twice, "
		    "expected once: take one of its lines out",
		    path, k->name);
	if (u->nkeys == USERS_KEYS_MOST)
		return err_set(err, -EINVAL,
		    "%s: the account %s has more than %d keys", path, u->name,
		    USERS_KEYS_MOST);
	if (u->nkeys == 0)
		u->keys = k;
	u->nkeys++;
	return 0;
}

static int
link_keys(struct users *users, const char *path, struct err *err)
{
	int rc = 0;

	if (users->nkeys > 0)
		qsort(users->keys, users->nkeys, sizeof *users->keys,
		    compare_keys);
	for (size_t i = 0; i < users->nkeys && rc == 0; i++)
		rc = link_key(users, &users->keys[i], path, err);
	return rc;
}

/* Sorted, the same name twice stands side by side. */
static int
sort(struct users *users, const char *path, struct err *err)
{
	if (users->n > 0)
		qsort(
		    users->list, users->n, sizeof *users->list, compare_users);
	for (size_t i = 1; i < users->n; i++)
		if (compare_users(&users->list[i - 1], &users->list[i]) == 0)
			return err_set(err, -EINVAL,
			    "%s: the account %s is there twice, expected "
			    "once: take one of its lines out",
			    path, users->list[i].name);
	return 0;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The longest run of equal ones, when they are sorted. */
static uint32_t
most_frequent(const struct users *users)
{
	uint32_t *all = mem_zalloc(users->n + 1, sizeof *all), best = 0;
	size_t run = 0, longest = 0;

	for (size_t i = 0; i < users->n; i++)
		all[i] = users->list[i].iterations;
	if (users->n > 0)
		qsort(all, users->n, sizeof *all, compare_numbers);
	for (size_t i = 0; i < users->n; i++) {
		run = i > 0 && all[i] == all[i - 1] ? run + 1 : 1;
		if (run >= longest) {
			longest = run;
			best = all[i];
		}
	}
	free(all);
	return best;
}

struct users *
users_parse(struct span text, const char *path, struct err *err)
{
	struct users *users = MEM_NEW(struct users);
	int rc = 0, n = 0;

	while (text.len > 0 && rc == 0) {
		struct span line = span_cut(&text, '\n');
		const char *wrong;

		n++;
		if (span_starts(line, SPAN(USERS_EMPTY)))
			users->says_empty = true;
		if (span_is_empty(span_trim(line)) || line.ptr[0] == '#')
			continue;
		wrong = take_line(users, line);
		if (wrong != NULL)
			rc = err_set(err, -EINVAL, "%s:%d: %s", path, n, wrong);
	}
	if (rc == 0)
		rc = sort(users, path, err);
	if (rc == 0)
		rc = link_keys(users, path, err);
	if (rc == 0) {
		users->usual_iterations = most_frequent(users);
		return users;
	}
	users_free(users);
	return NULL;
}

static int
check_file(int fd, const char *path, struct stat *st, struct err *err)
{
	if (fstat(fd, st) == -1)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st->st_mode))
		return err_set(err, -EINVAL,
		    "%s: not a file, expected one of accounts", path);
	if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, -EACCES,
		    "%s: mode is %04o, expected 0600: nobody else may read it",
		    path, st->st_mode & 07777);
	if (st->st_size > USERS_FILE_MAX)
		return err_set(err, -EFBIG, "%s: larger than %d bytes", path,
		    USERS_FILE_MAX);
	return 0;
}

int
users_load(const char *path, struct buf *text, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd == -1)
		return err_errno(err, "%s", path);
	rc = check_file(fd, path, st, err);
	if (rc == 0) {
		rc = file_read_all(fd, USERS_FILE_MAX, text, err);
		if (rc != 0)
			(void)err_wrap(err, rc, "%s", path);
	}
	(void)close(fd);
	return rc;
}

struct users *
users_read(const char *path, struct err *err)
{
	struct buf text = { 0 };
	struct users *users = NULL;
	struct stat st;

	if (users_load(path, &text, &st, err) == 0)
		users = users_parse(buf_span(&text), path, err);
	buf_clear(&text);
	return users;
}

void
users_free(struct users *u)
{
	if (u == NULL)
		return;
	for (size_t i = 0; i < u->n; i++) {
		free(u->list[i].name);
		mem_wipe(&u->list[i], sizeof u->list[i]);
	}
	for (size_t i = 0; i < u->nkeys; i++)
		user_key_clear(&u->keys[i]);
	free(u->list);
	free(u->keys);
	free(u);
}

size_t
users_count(const struct users *u)
{
	return u->n;
}

const struct user *
users_at(const struct users *u, size_t i)
{
	return &u->list[i];
}

bool
users_is_empty_on_purpose(const struct users *u)
{
	return u->n == 0 && u->says_empty;
}

uint32_t
users_usual_iterations(const struct users *u)
{
	return u->usual_iterations;
}

static int
compare_key(const void *key, const void *entry)
{
	const struct user *u = entry;

	return compare_names(*(const struct span *)key, span_text(u->name));
}

const struct user *
users_find(const struct users *u, struct span name)
{
	if (u->n == 0)
		return NULL;
	return bsearch(&name, u->list, u->n, sizeof *u->list, compare_key);
}

const struct user_key *
users_find_key(
    const struct users *u, struct span name, const struct user **owner)
{
	struct span account, label;

	*owner = NULL;
	if (!user_key_split(name, &account, &label))
		return NULL;
	*owner = users_find(u, account);
	for (size_t i = 0; *owner != NULL && i < (*owner)->nkeys; i++) {
		const struct user_key *k = &(*owner)->keys[i];

		if (span_equal_nocase(label, span_text(k->label)))
			return k;
	}
	*owner = NULL;
	return NULL;
}

void
user_format(const struct user *u, struct buf *out)
{
	(void)buf_printf(out, USERS_SCHEME "$%u:", u->iterations);
	(void)base64_encode(span_make((const char *)u->salt, u->salt_len), out);
	(void)buf_append_char(out, '$');
	(void)base64_encode(
	    span_make((const char *)u->stored_key, USERS_KEY_LEN), out);
	(void)buf_append_char(out, ':');
	(void)base64_encode(
	    span_make((const char *)u->server_key, USERS_KEY_LEN), out);
}
