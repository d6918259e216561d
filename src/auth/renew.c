/*
 * What follows from an account's keys beside logging in: whether a login of the
 * past still holds, and new keys when the old ones have too few iterations.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_priv.h"
#include "conf/conf.h"
#include "facts/fact.h"

/* Keys that were exchanged for others of the same password. */
struct renewal {
	uint64_t from, to;
};

static uint64_t
mark_of(const struct auth *a, const struct user *u)
{
	unsigned char all[2 * USERS_KEY_LEN + USERS_SALT_MAX];
	uint64_t mark;

	memcpy(all, u->stored_key, USERS_KEY_LEN);
	memcpy(all + USERS_KEY_LEN, u->server_key, USERS_KEY_LEN);
	memcpy(all + 2 * USERS_KEY_LEN, u->salt, USERS_SALT_MAX);
	mark = siphash24(a->seed, all, sizeof all);
	mem_wipe(all, sizeof all);
	return mark == 0 ? 1 : mark;
}

/* The lock is held. The keys that `mark` stands for by now. */
static uint64_t
follow(const struct auth *a, uint64_t mark)
{
	const struct renewal *r;

	while ((r = map_get_u64(&a->renewals, mark)) != NULL)
		mark = r->to;
	return mark;
}

/*
 * The lock is held. NULL: no such account, suspended, or another password; and no
 * key of it is that one.
 */
static const struct user *
find_same(const struct auth *a, struct span login, uint64_t mark)
{
	const struct user *u = users_find(a->accounts->users, login);

	if (u == NULL || u->suspended)
		return NULL;
	for (size_t i = 0; i < u->nkeys; i++)
		if (mark_of(a, &u->keys[i].scram) == mark)
			return &u->keys[i].scram;
	return mark_of(a, u) == follow(a, mark) ? u : NULL;
}

void
auth_look_again(struct auth *a, const struct user *user,
    const struct user_key *key, uint64_t now, struct mech_step *step)
{
	uint64_t mark;

	if (user == NULL)
		return; /* another back end's */
	auth_refresh(a, now);
	mark = mark_of(a, key != NULL ? &key->scram : user);
	(void)pthread_mutex_lock(&a->lock);
	if (a->accounts == NULL ||
	    find_same(a, span_text(user->name), mark) == NULL)
		step->result = AUTH_BAD;
	step->ticket = (struct auth_ticket){
		.mark = follow(a, mark),
		.generation = atomic_load(&a->generation),
		.expires = key == NULL ? 0 : key->expires,
	};
	(void)pthread_mutex_unlock(&a->lock);
	if (step->result == AUTH_OK)
		return;
	free(step->login);
	free(step->key);
	free(step->send_as);
	step->login = step->key = step->send_as = NULL;
	(void)snprintf(step->detail, sizeof step->detail,
	    "the account has changed meanwhile");
}

bool
auth_still_holds(
    struct auth *a, struct span login, struct auth_ticket *ticket, uint64_t now)
{
	const struct user *u;

	if (ticket->mark == 0)
		return true;
	if (ticket->expires != 0 && a->wall() >= ticket->expires)
		return false;
	auth_refresh(a, now);
	if (atomic_load(&a->generation) == ticket->generation)
		return true;
	(void)pthread_mutex_lock(&a->lock);
	u = a->accounts == NULL ? NULL : find_same(a, login, ticket->mark);
	if (u != NULL) {
		ticket->mark = mark_of(a, u);
		ticket->generation = atomic_load(&a->generation);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return u != NULL;
}

/* When the first key ends whose time is not over. */
static int64_t
next_end(const struct users *users, int64_t wall)
{
	int64_t first = 0;

	for (size_t i = 0; i < users_count(users); i++) {
		const struct user *u = users_at(users, i);

		for (size_t k = 0; k < u->nkeys; k++) {
			int64_t ends = u->keys[k].expires;

			if (ends > wall && (first == 0 || ends < first))
				first = ends;
		}
	}
	return first;
}

bool
auth_has_news(struct auth *a)
{
	unsigned generation = atomic_load(&a->generation);
	struct accounts *accounts;
	struct conf *conf;
	int64_t wall = a->wall();

	if (generation == a->told && (a->next_end == 0 || wall < a->next_end))
		return false;
	a->told = generation;
	accounts = auth_take(a, &conf);
	a->next_end = accounts == NULL ? 0 : next_end(accounts->users, wall);
	accounts_unref(accounts);
	conf_unref(conf);
	return true;
}

bool
auth_vouch(struct auth *a, struct span login, struct buf *name,
    struct auth_ticket *ticket, uint64_t now)
{
	const struct user *u;
	bool may;

	*ticket = (struct auth_ticket){ 0 };
	auth_refresh(a, now);
	(void)pthread_mutex_lock(&a->lock);
	u = a->accounts == NULL ? NULL : users_find(a->accounts->users, login);
	may = a->accounts == NULL || (u != NULL && !u->suspended);
	if (u != NULL)
		*ticket = (struct auth_ticket){
			.mark = mark_of(a, u),
			.generation = atomic_load(&a->generation),
		};
	(void)buf_append_span(name, u == NULL ? login : span_text(u->name));
	(void)pthread_mutex_unlock(&a->lock);
	return may;
}

/* --- more iterations --- */

/* One at a time: each is a file written anew. */
static bool
begin(struct auth *a)
{
	bool may;

	(void)pthread_mutex_lock(&a->lock);
	may = !a->is_renewing && !a->renewal_failed;
	if (may)
		a->is_renewing = true;
	(void)pthread_mutex_unlock(&a->lock);
	return may;
}

/* Before the file shows them: no session may take them for a new password. */
static void
note(struct auth *a, const struct user *from, const struct user *to)
{
	struct renewal *r = MEM_NEW(struct renewal);

	r->from = mark_of(a, from);
	r->to = mark_of(a, to);
	(void)pthread_mutex_lock(&a->lock);
	free(map_put_u64(&a->renewals, r->from, r));
	(void)pthread_mutex_unlock(&a->lock);
}

static void
finish(struct auth *a, const struct user *u, int rc, const struct err *err)
{
	/* The operator's tool is at work, or was: another time. */
	bool failed = rc != 0 && rc != -EAGAIN && rc != -ENOENT;

	(void)pthread_mutex_lock(&a->lock);
	a->is_renewing = false;
	a->renewal_failed = failed;
	(void)pthread_mutex_unlock(&a->lock);
	if (rc == 0)
		FACT(KEY_RENEWED, fact_string("user", u->name));
	else if (failed)
		FACT(KEY_RENEWAL_FAILED, fact_string("user", u->name),
		    fact_string("why", err->text),
		    fact_string(
			"next", "keys stay as they are until the next reload"));
}

void
auth_renew(struct auth *a, const struct conf *conf, const struct user *u,
    struct span password)
{
	struct user fresh = *u;
	struct err err = { "" };
	int rc;

	if (u->iterations >= conf->auth_iterations || !begin(a))
		return;
	rc = user_set_password(&fresh, password, conf->auth_iterations, &err);
	if (rc == 0) {
		note(a, u, &fresh);
		rc = users_change(conf->users,
		    &(struct users_change){ .what = USERS_RENEW,
			.name = u->name,
			.was = u,
			.keys = &fresh },
		    &err);
	}
	finish(a, u, rc, &err);
	mem_wipe(&fresh, sizeof fresh);
}

void
auth_renewals_clear(struct auth *a)
{
	struct renewal *r;
	size_t at = 0;

	while ((r = map_next(&a->renewals, &at)) != NULL)
		free(r);
	map_clear(&a->renewals);
}
