/*
 * What of logins outlives the relay's run, in state/: when and from where each key
 * was used last, and where accounts are at home (guessing.h). What is new is a note
 * in a list, which the state's thread takes; so no login waits for a disk. A key's
 * use is kept once a minute, or when it comes from another address, a home once a
 * day.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_priv.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "state/state.h"

enum {
	USE_MS = 60000, /* between two notes of a key */
	DAY_MS = 24 * 3600 * 1000,
	/* While nothing can be kept; the oldest go. */
	NOTES_MOST = 65536,
};

/* The last use of a key. */
struct use {
	char *name; /* owned: NAME#LABEL, in lower case; the key in the map */
	int64_t at;
	char client[64];
	int64_t noted_at;
	char noted_client[64];
};

/* What is to be put, or dropped. */
struct note {
	struct list node;
	char *name; /* owned: of a key; NULL: it is a home's */
	char client[64];
	uint64_t home;
	int64_t at; /* 0: dropped */
};

static char *
lower(struct span name)
{
	char *copy = span_dup(name);

	for (char *c = copy; *c != '\0'; c++)
		*c = ascii_lower(*c);
	return copy;
}

void
kept_init(struct kept *k, const uint64_t seed[2])
{
	(void)pthread_mutex_init(&k->lock, NULL);
	map_init(&k->uses, seed);
	list_init(&k->notes);
	list_init(&k->saving);
}

static void
note_free(struct note *n)
{
	free(n->name);
	free(n);
}

static void
drop_notes(struct list *notes)
{
	struct list *node;

	while ((node = list_pop(notes)) != NULL)
		note_free(LIST_ENTRY(node, struct note, node));
}

void
kept_clear(struct kept *k)
{
	struct use *u;
	size_t at = 0;

	while ((u = map_next(&k->uses, &at)) != NULL) {
		free(u->name);
		free(u);
	}
	map_clear(&k->uses);
	drop_notes(&k->notes);
	drop_notes(&k->saving);
	(void)pthread_mutex_destroy(&k->lock);
}

/* The lock is held. */
static void
add_note(struct kept *k, const struct note *what)
{
	struct note *n = mem_dup(what, sizeof *what);

	if (k->nnotes == NOTES_MOST)
		note_free(LIST_ENTRY(list_pop(&k->notes), struct note, node));
	else
		k->nnotes++;
	list_append(&k->notes, &n->node);
}

/* The lock is held. Takes the name. */
static struct use *
get_use(struct kept *k, char *name)
{
	struct use *u = map_get(&k->uses, span_text(name));

	if (u != NULL) {
		free(name);
		return u;
	}
	u = MEM_NEW(struct use);
	u->name = name;
	(void)map_put(&k->uses, span_text(u->name), u);
	return u;
}

/* The lock is held. */
static void
note_use(struct kept *k, struct use *u)
{
	struct note n = { .name = mem_strdup(u->name), .at = u->at };

	(void)snprintf(n.client, sizeof n.client, "%s", u->client);
	(void)snprintf(
	    u->noted_client, sizeof u->noted_client, "%s", u->client);
	u->noted_at = u->at;
	add_note(k, &n);
}

void
kept_key(struct auth *a, const struct user_key *key, const char *client)
{
	struct kept *k = &a->kept;
	bool is_news;
	struct use *u;

	(void)pthread_mutex_lock(&k->lock);
	u = get_use(k, lower(span_text(key->name)));
	u->at = a->wall();
	(void)snprintf(
	    u->client, sizeof u->client, "%s", client == NULL ? "" : client);
	is_news = u->at >= u->noted_at + USE_MS || u->at < u->noted_at ||
		  strcmp(u->client, u->noted_client) != 0;
	if (is_news)
		note_use(k, u);
	(void)pthread_mutex_unlock(&k->lock);
	if (is_news && k->state != NULL)
		state_wake(k->state);
}

void
kept_home(struct auth *a, uint64_t home)
{
	struct kept *k = &a->kept;

	(void)pthread_mutex_lock(&k->lock);
	add_note(k, &(struct note){ .home = home, .at = a->wall() });
	(void)pthread_mutex_unlock(&k->lock);
	if (k->state != NULL)
		state_wake(k->state);
}

/* --- to and from the state, on its thread --- */

static void
put(struct state_batch *b, const struct note *n)
{
	if (n->name == NULL)
		state_put_home(
		    b, &(struct state_home){ .number = n->home, .at = n->at });
	else if (n->at == 0)
		state_drop_key_use(b, span_text(n->name));
	else
		state_put_key_use(
		    b, &(struct state_key_use){ .name = span_text(n->name),
			   .at = n->at,
			   .client = span_text(n->client) });
}

/* `saving` is this thread's alone: nobody waits while it is written. */
static void
collect(struct state_batch *b, void *arg)
{
	struct auth *a = arg;
	struct kept *k = &a->kept;
	int64_t now = a->wall();
	struct list *node;

	(void)pthread_mutex_lock(&k->lock);
	while ((node = list_pop(&k->notes)) != NULL)
		list_append(&k->saving, node);
	k->nnotes = 0;
	(void)pthread_mutex_unlock(&k->lock);
	LIST_FOREACH (one, &k->saving)
		put(b, LIST_ENTRY(one, struct note, node));
	if (now - k->swept < DAY_MS && k->swept <= now)
		return;
	k->swept = now;
	state_drop_homes(b, now - GUESSING_HOME_MS);
}

/* What was not kept comes before what is new by now. */
static void
collected(bool is_kept, void *arg)
{
	struct auth *a = arg;
	struct kept *k = &a->kept;
	struct list *node;

	if (is_kept) {
		drop_notes(&k->saving);
		return;
	}
	(void)pthread_mutex_lock(&k->lock);
	while ((node = list_pop(&k->notes)) != NULL)
		list_append(&k->saving, node);
	k->nnotes = 0;
	while ((node = list_pop(&k->saving)) != NULL) {
		struct note *n = LIST_ENTRY(node, struct note, node);

		add_note(k, n);
		free(n); /* its copy has the name */
	}
	(void)pthread_mutex_unlock(&k->lock);
}

/* Homes come by themselves, with the next login from there. */
static void
renewed(void *arg)
{
	struct auth *a = arg;
	struct kept *k = &a->kept;
	struct use *u;
	size_t at = 0;

	(void)pthread_mutex_lock(&k->lock);
	while ((u = map_next(&k->uses, &at)) != NULL)
		note_use(k, u);
	(void)pthread_mutex_unlock(&k->lock);
}

static bool
has_key(struct auth *a, struct span name)
{
	struct conf *conf;
	struct accounts *accounts = auth_take(a, &conf);
	const struct user *owner;
	bool has = accounts != NULL &&
		   users_find_key(accounts->users, name, &owner) != NULL;

	accounts_unref(accounts);
	conf_unref(conf);
	return has;
}

/* What was used since the start is newer; of a key that is gone nothing stays. */
static void
on_key_use(const struct state_key_use *read, void *arg)
{
	struct auth *a = arg;
	struct kept *k = &a->kept;
	bool is_there;

	if (read == NULL)
		return;
	is_there = has_key(a, read->name);
	(void)pthread_mutex_lock(&k->lock);
	if (is_there) {
		struct use *u = get_use(k, lower(read->name));

		if (u->at < read->at) {
			u->at = u->noted_at = read->at;
			(void)snprintf(u->client, sizeof u->client, "%.*s",
			    SPAN_ARG(read->client));
			memcpy(u->noted_client, u->client, sizeof u->client);
		}
	} else {
		add_note(k, &(struct note){ .name = span_dup(read->name) });
	}
	(void)pthread_mutex_unlock(&k->lock);
	if (!is_there)
		state_wake(k->state);
}

static void
on_home(const struct state_home *home, void *arg)
{
	struct auth *a = arg;

	if (home == NULL)
		return;
	(void)pthread_mutex_lock(&a->lock);
	guessing_restore_home(&a->guessing, home->number, a->wall() - home->at,
	    clock_us() / 1000);
	(void)pthread_mutex_unlock(&a->lock);
}

void
auth_keep(struct auth *a, struct state *state)
{
	struct state_source source = { collect, collected, renewed, a };

	a->kept.state = state;
	state_add_source(state, &source);
	state_ask_key_uses(state, on_key_use, a);
	state_ask_homes(state, a->wall() - GUESSING_HOME_MS,
	    GUESSING_COUNTS_MOST, on_home, a);
}

/* --- for people --- */

void
auth_each_key(struct auth *a, struct span name, auth_key_cb each, void *arg)
{
	struct conf *conf;
	struct accounts *accounts = auth_take(a, &conf);
	const struct user *user =
	    accounts == NULL ? NULL : users_find(accounts->users, name);

	for (size_t i = 0; user != NULL && i < user->nkeys; i++) {
		const struct user_key *key = &user->keys[i];
		char *low = lower(span_text(key->name));
		struct auth_key view = { .key = key };
		const struct use *u;

		(void)pthread_mutex_lock(&a->kept.lock);
		u = map_get(&a->kept.uses, span_text(low));
		/* An earlier one was of another key with that label. */
		if (u != NULL && u->at >= key->made) {
			view.used = u->at;
			memcpy(view.client, u->client, sizeof view.client);
		}
		(void)pthread_mutex_unlock(&a->kept.lock);
		free(low);
		each(&view, arg);
	}
	accounts_unref(accounts);
	conf_unref(conf);
}
