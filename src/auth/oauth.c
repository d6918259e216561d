#include "oauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "io/fetch.h"
#include "io/password_file.h"
#include "token.h"

enum {
	FETCH_S = 10, /* that the pool waits */
	KEYS_S =
	    3600, /* keys of a URL are good so long; a new one is asked for */
	AGAIN_S = 30, /* not sooner, whoever brings what unknown key */
};

void
oauth_keys_init(struct oauth_keys *k)
{
	*k = (struct oauth_keys){ .from = NULL };
	(void)pthread_mutex_init(&k->lock, NULL);
}

void
oauth_keys_clear(struct oauth_keys *k)
{
	jwks_unref(k->keys);
	free(k->from);
	(void)pthread_mutex_destroy(&k->lock);
}

/* --- where keys come from --- */

static struct jwks *
read_keys(const char *file, struct err *err)
{
	struct buf text = { 0 };
	struct jwks *keys = NULL;
	int fd = file_open(file, err);

	if (fd >= 0 && file_read_all(fd, JWKS_MAX, &text, err) == 0)
		keys = jwks_parse(buf_span(&text), err);
	if (fd >= 0)
		(void)close(fd);
	if (keys == NULL)
		(void)err_wrap(err, -EINVAL, "auth.oauth.jwks-file %s", file);
	buf_clear(&text);
	return keys;
}

static struct jwks *
fetch_keys(const char *url, struct err *err)
{
	struct buf text = { .max = JWKS_MAX };
	struct fetch f = { .url = url, .seconds = FETCH_S };
	struct jwks *keys = NULL;

	if (fetch_run(&f, &text, err) == 0) {
		keys = jwks_parse(buf_span(&text), err);
		if (keys == NULL)
			(void)err_wrap(err, -EINVAL, "%s", url);
	}
	buf_clear(&text);
	return keys;
}

/* The lock is held. A reload may name others. */
static void
belong_to(struct oauth_keys *k, const char *from)
{
	if (k->from != NULL && strcmp(k->from, from) == 0)
		return;
	free(k->from);
	k->from = mem_strdup(from);
	jwks_unref(k->keys);
	k->keys = NULL;
	k->seen = 0;
	k->asked = k->had = 0;
}

/* The lock is held. New keys, or a word about those that could not be had. */
static void
take(struct oauth_keys *k, struct jwks *keys, const struct err *err)
{
	if (keys != NULL) {
		jwks_unref(k->keys);
		k->keys = keys;
		return;
	}
	FACT(OAUTH_KEYS, fact_string("why", err->text),
	    fact_string("keeping",
		k->keys == NULL ? "none: tokens get 454 until there are keys"
				: "the keys as they were"));
}

/* The lock is held. */
static void
look_at_file(struct oauth_keys *k, const char *file, struct err *err)
{
	uint64_t seen = file_mark_path(FILE_MARK, file);

	if (k->keys != NULL && seen == k->seen)
		return;
	k->seen = seen;
	take(k, read_keys(file, err), err);
}

/* The lock is held, and let go of while the URL is asked. */
static void
look_at_url(struct oauth_keys *k, const char *url, int64_t now, bool wants_new,
    struct err *err)
{
	bool is_old = k->keys == NULL || wants_new || now - k->had > KEYS_S ||
		      now < k->had;
	struct jwks *keys;

	if (!is_old || k->is_asking ||
	    (k->asked != 0 && now >= k->asked && now - k->asked < AGAIN_S &&
		k->keys != NULL))
		return;
	k->is_asking = true;
	k->asked = now;
	(void)pthread_mutex_unlock(&k->lock);
	keys = fetch_keys(url, err);
	(void)pthread_mutex_lock(&k->lock);
	k->is_asking = false;
	if (keys != NULL)
		k->had = now;
	take(k, keys, err);
}

/* A reference; NULL and `err`. */
static struct jwks *
keys_now(struct oauth_keys *k, const struct conf_oauth *rules, int64_t now,
    bool wants_new, struct err *err)
{
	struct jwks *keys;

	(void)err_set(err, -ENOENT, "the keys are being asked for");
	(void)pthread_mutex_lock(&k->lock);
	belong_to(
	    k, rules->jwks_file != NULL ? rules->jwks_file : rules->jwks_url);
	if (rules->jwks_file != NULL)
		look_at_file(k, rules->jwks_file, err);
	else
		look_at_url(k, rules->jwks_url, now, wants_new, err);
	keys = k->keys == NULL ? NULL : jwks_ref(k->keys);
	(void)pthread_mutex_unlock(&k->lock);
	return keys;
}

static enum oauth_verdict
check_signed(struct oauth_keys *k, const struct conf_oauth *rules,
    struct span token, int64_t now, char **account, struct err *why)
{
	enum token_verdict verdict = TOKEN_UNKNOWN_KEY;

	/* A key that nobody knew may be the newest one. */
	for (int i = 0; i < 2 && verdict == TOKEN_UNKNOWN_KEY; i++) {
		struct jwks *keys = keys_now(k, rules, now, i > 0, why);

		if (keys == NULL)
			return OAUTH_NOBODY_KNOWS;
		verdict = token_check(token, keys, rules, now, account, why);
		jwks_unref(keys);
	}
	return verdict == TOKEN_GOOD ? OAUTH_GOOD : OAUTH_BAD;
}

/* --- the authorization server itself (RFC 7662) --- */

/* As a form has it: all but the letters that every URL may have. */
static void
write_escaped(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (ascii_is_alnum(c) || c == '-' || c == '.' || c == '_')
			(void)buf_append_char(out, c);
		else
			(void)buf_printf(out, "%%%02X", (unsigned char)c);
	}
}

static int
ask_server(const struct conf_oauth *rules, struct span token, struct buf *out,
    struct err *err)
{
	struct buf form = { .max = 4 * 16 * 1024 };
	struct secret password = { 0 };
	struct fetch f = { .url = rules->introspection_url,
		.seconds = FETCH_S };
	int rc = 0;

	(void)buf_append_text(&form, "token_type_hint=access_token&token=");
	write_escaped(token, &form);
	(void)buf_append_char(&form, '\0');
	f.form = buf_span(&form).ptr;
	if (rules->client_secret_file != NULL)
		rc = password_file_read(
		    rules->client_secret_file, &password, err);
	if (rc == 0) {
		f.user = rules->client_id;
		f.password = password.data;
		rc = fetch_run(&f, out, err);
	}
	secret_clear(&password);
	mem_wipe(form.data, form.cap);
	buf_clear(&form);
	return rc;
}

static enum oauth_verdict
check_asked(const struct conf_oauth *rules, struct span token, int64_t now,
    char **account, struct err *why)
{
	struct buf answer = { .max = JWKS_MAX };
	enum oauth_verdict verdict = OAUTH_NOBODY_KNOWS;

	if (ask_server(rules, token, &answer, why) == 0)
		verdict = token_check_introspected(buf_span(&answer), rules,
			      now, account, why) == TOKEN_GOOD
			      ? OAUTH_GOOD
			      : OAUTH_BAD;
	else
		FACT(OAUTH_KEYS, fact_string("why", why->text),
		    fact_string("keeping", "none: tokens get 454"));
	buf_clear(&answer);
	return verdict;
}

enum oauth_verdict
oauth_check(struct oauth_keys *keys, const struct conf_oauth *rules,
    struct span token, int64_t now, char **account, struct err *why)
{
	*account = NULL;
	return rules->introspection_url != NULL
		   ? check_asked(rules, token, now, account, why)
		   : check_signed(keys, rules, token, now, account, why);
}

int
oauth_try(const struct conf_oauth *rules, struct err *err)
{
	struct secret password = { 0 };
	struct jwks *keys;
	int rc = 0;

	if (rules->jwks_file != NULL) {
		keys = read_keys(rules->jwks_file, err);
		rc = keys == NULL ? -EINVAL : 0;
		jwks_unref(keys);
		return rc;
	}
	if (rules->client_secret_file != NULL)
		rc = password_file_read(
		    rules->client_secret_file, &password, err);
	secret_clear(&password);
	if (rc != 0)
		return err_wrap(err, rc, "auth.oauth.client-secret-file");
	return fetch_try(err);
}
