/*
 * What all exchanges share: the accounts, the configuration, the made-up
 * entries. All of it is read by workers and the pool, and replaced by the queue
 * thread; an exchange takes references as it begins and goes on with these.
 */
#include "auth/auth.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "auth_priv.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "io/loop.h"

enum { POOL_DEFAULT = 4, POOL_MOST = 1024 };

static struct accounts *
accounts_read(const char *path, struct stat *st, struct err *err)
{
	struct buf text = { 0 };
	struct users *users = NULL;
	struct accounts *a;

	if (users_load(path, &text, st, err) == 0)
		users = users_parse(buf_span(&text), path, err);
	buf_clear(&text);
	if (users == NULL)
		return NULL;
	a = MEM_NEW(struct accounts);
	a->users = users;
	atomic_init(&a->refs, 1);
	return a;
}

struct accounts *
accounts_ref(struct accounts *a)
{
	if (a != NULL)
		(void)atomic_fetch_add(&a->refs, 1);
	return a;
}

void
accounts_unref(struct accounts *a)
{
	if (a == NULL || atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	users_free(a->users);
	free(a);
}

/* A key derivation must leave room in the pool for the spool's syncs. */
static unsigned
steps_at_once(void)
{
	const char *text = getenv("UV_THREADPOOL_SIZE");
	uint64_t n = POOL_DEFAULT;

	if (text != NULL)
		(void)span_to_u64(span_text(text), POOL_MOST, &n);
	return n / 2 < 2 ? 2 : (unsigned)(n / 2);
}

/* Homes are kept by numbers, which must be the same after a restart. */
static void
open_guessing(struct auth *a)
{
	unsigned char mac[USERS_KEY_LEN];
	uint64_t seed[2];

	if (!hmac_sha256(
		span_make((const char *)a->fake_key, sizeof a->fake_key),
		SPAN("guessing"), mac))
		random_fill(mac, sizeof mac);
	memcpy(seed, mac, sizeof seed);
	mem_wipe(mac, sizeof mac);
	guessing_init(&a->guessing, seed);
}

struct auth *
auth_new(const struct conf *conf, struct err *err)
{
	struct accounts *accounts = NULL;
	struct stat st = { 0 };
	struct auth *a;

	if (conf->backend == AUTH_BACKEND_USERS) {
		accounts = accounts_read(conf->users, &st, err);
		if (accounts == NULL)
			return NULL;
	}
	if (mech_library_open(conf->backend != AUTH_BACKEND_USERS, err) != 0) {
		accounts_unref(accounts);
		return NULL;
	}
	a = MEM_NEW(struct auth);
	a->accounts = accounts;
	a->conf = conf_ref(conf);
	a->seen = st;
	a->wall = wall_now;
	a->told = UINT_MAX; /* it is all news at first */
	random_fill(a->seed, sizeof a->seed);
	(void)pthread_mutex_init(&a->refreshing, NULL);
	(void)pthread_mutex_init(&a->lock, NULL);
	map_init(&a->renewals, a->seed);
	line_init(&a->line, steps_at_once(), a->seed);
	secret_load(conf->state_directory, a->fake_key);
	open_guessing(a);
	kept_init(&a->kept, a->seed);
	oauth_keys_init(&a->oauth_keys);
	remember_init(&a->remember);
	return a;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	accounts_unref(a->accounts);
	conf_unref(a->conf);
	remember_clear(&a->remember);
	guessing_clear(&a->guessing);
	kept_clear(&a->kept);
	oauth_keys_clear(&a->oauth_keys);
	line_clear(&a->line);
	auth_renewals_clear(a);
	mem_wipe(a->fake_key, sizeof a->fake_key);
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_mutex_destroy(&a->refreshing);
	free(a);
	mech_library_close();
}

/* Old ones live on in the exchanges that began with them. */
static void
replace(struct auth *a, struct accounts *accounts, struct conf *conf,
    const struct stat *st)
{
	struct accounts *old_accounts;
	struct conf *old_conf = NULL;

	(void)pthread_mutex_lock(&a->lock);
	old_accounts = a->accounts;
	a->accounts = accounts;
	a->seen = *st;
	a->is_broken = false;
	metric_set(METRIC_USERS_BROKEN, 0);
	if (conf != NULL) {
		old_conf = a->conf;
		a->conf = conf;
		a->renewal_failed = false;
	}
	(void)atomic_fetch_add(&a->generation, 1);
	(void)pthread_mutex_unlock(&a->lock);
	accounts_unref(old_accounts);
	conf_unref(old_conf);
	/* What is remembered is of an entry's keys, so that a changed file can
	   do no harm. */
	if (conf != NULL)
		remember_reset(&a->remember);
}

struct auth_next {
	struct conf *conf; /* owned reference */
	struct accounts *accounts; /* owned reference; NULL: another back end */
	struct stat seen;
	bool is_other; /* the library serves one back end as long as it runs */
};

struct auth_next *
auth_prepare(const struct auth *a, const struct conf *conf, struct err *err)
{
	struct auth_next *next = MEM_NEW(struct auth_next);

	next->is_other = conf->backend != a->conf->backend;
	if (!next->is_other && conf->backend == AUTH_BACKEND_USERS) {
		next->accounts = accounts_read(conf->users, &next->seen, err);
		if (next->accounts == NULL) {
			free(next);
			return NULL;
		}
	}
	next->conf = conf_ref(conf);
	return next;
}

void
auth_take_next(struct auth *a, struct auth_next *next)
{
	if (next->is_other)
		conf_unref(next->conf);
	else
		replace(a, next->accounts, next->conf, &next->seen);
	free(next);
}

void
auth_discard(struct auth_next *next)
{
	if (next == NULL)
		return;
	accounts_unref(next->accounts);
	conf_unref(next->conf);
	free(next);
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mode == b->st_mode &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void
note_broken(struct auth *a, const struct stat *st, const struct err *err)
{
	bool is_news;

	(void)pthread_mutex_lock(&a->lock);
	is_news = !a->is_broken || !is_same_file(&a->seen, st);
	a->is_broken = true;
	a->seen = *st;
	metric_set(METRIC_USERS_BROKEN, 1);
	(void)pthread_mutex_unlock(&a->lock);
	if (is_news)
		FACT(USERS_UNREADABLE, fact_string("why", err->text),
		    fact_string("keeping", "the accounts as they were"));
}

/* From some accounts to none is a slip, unless the file says that it is not. */
static bool
is_emptied(const struct accounts *before, const struct accounts *after)
{
	return before != NULL && users_count(before->users) > 0 &&
	       users_count(after->users) == 0 &&
	       !users_is_empty_on_purpose(after->users);
}

static void
read_again(struct auth *a, const struct conf *conf,
    const struct accounts *before, struct stat *st)
{
	struct err err = { "" };
	struct accounts *accounts = accounts_read(conf->users, st, &err);

	if (accounts != NULL && is_emptied(before, accounts)) {
		accounts_unref(accounts);
		accounts = NULL;
		(void)err_set(&err, -EINVAL,
		    "%s: has no account any more; a reload (SIGHUP) takes it "
		    "as it is",
		    conf->users);
	}
	if (accounts == NULL) {
		note_broken(a, st, &err);
		return;
	}
	FACT(USERS_READ, fact_string("file", conf->users),
	    fact_number("accounts", users_count(accounts->users)));
	replace(a, accounts, NULL, st);
}

static void
refresh(struct auth *a)
{
	struct conf *conf;
	struct accounts *before = auth_take(a, &conf);
	struct stat st = { 0 };
	bool is_seen;

	if (conf->backend == AUTH_BACKEND_USERS) {
		/* A file that is gone looks like no other: all zero. */
		(void)stat(conf->users, &st);
		(void)pthread_mutex_lock(&a->lock);
		is_seen = is_same_file(&a->seen, &st);
		(void)pthread_mutex_unlock(&a->lock);
		if (!is_seen)
			read_again(a, conf, before, &st);
	}
	accounts_unref(before);
	conf_unref(conf);
}

void
auth_refresh(struct auth *a, uint64_t now)
{
	if (atomic_exchange(&a->looked_at, now) == now)
		return;
	(void)pthread_mutex_lock(&a->refreshing);
	refresh(a);
	(void)pthread_mutex_unlock(&a->refreshing);
}

struct accounts *
auth_take(struct auth *a, struct conf **conf)
{
	struct accounts *accounts;

	(void)pthread_mutex_lock(&a->lock);
	accounts = accounts_ref(a->accounts);
	*conf = conf_ref(a->conf);
	(void)pthread_mutex_unlock(&a->lock);
	return accounts;
}

enum auth_standing
auth_standing(struct auth *a, struct span name)
{
	enum auth_standing standing = AUTH_IS_ACTIVE;
	struct conf *conf;
	struct accounts *accounts = auth_take(a, &conf);

	if (accounts != NULL) {
		const struct user *user = users_find(accounts->users, name);

		if (user == NULL && !conf_needs_no_login(conf, name))
			standing = AUTH_IS_ABSENT;
		else if (user != NULL && user->suspended)
			standing = AUTH_IS_SUSPENDED;
	}
	accounts_unref(accounts);
	conf_unref(conf);
	return standing;
}

bool
auth_has_mechanism(struct auth *a, struct span mechanism)
{
	(void)a;
	if (span_ends_nocase(mechanism, SPAN("-PLUS")))
		mechanism = span_to(mechanism, mechanism.len - 5);
	return mech_library_has(mechanism);
}

int
auth_try_tokens(const struct conf *conf, struct err *err)
{
	return conf->oauth == NULL ? 0 : oauth_try(conf->oauth, err);
}

int
auth_try_mechanisms(
    const struct conf *conf, struct buf *missing, struct err *err)
{
	int n = 0;

	if (mech_library_open(conf->backend != AUTH_BACKEND_USERS, err) != 0)
		return -1;
	for (size_t i = 0; i < conf->nmechanisms; i++) {
		if (auth_has_mechanism(NULL, span_text(conf->mechanisms[i])))
			n++;
		else
			(void)buf_printf(missing, " %s", conf->mechanisms[i]);
	}
	mech_library_close();
	return n;
}

static void
fake_bytes(const struct auth *a, const char *what, struct span name,
    unsigned char out[USERS_KEY_LEN])
{
	struct buf text = { .max = 2048 };

	(void)buf_append(&text, what, strlen(what) + 1);
	for (size_t i = 0; i < name.len && i < USERS_LOGIN_MAX + 1; i++)
		(void)buf_append_char(&text, ascii_lower(name.ptr[i]));
	if (!hmac_sha256(
		span_make((const char *)a->fake_key, sizeof a->fake_key),
		buf_span(&text), out))
		memset(out, 0xff, USERS_KEY_LEN);
	buf_clear(&text);
}

void
auth_make_up(const struct auth *a, uint32_t iterations, struct span name,
    struct user *out)
{
	unsigned char salt[USERS_KEY_LEN];

	*out = (struct user){
		.iterations = iterations,
		.salt_len = USERS_SALT_LEN,
	};
	fake_bytes(a, "salt", name, salt);
	memcpy(out->salt, salt, out->salt_len);
	fake_bytes(a, "stored", name, out->stored_key);
	fake_bytes(a, "server", name, out->server_key);
}
