/*
 * A change is put into the set, and noted; the state is woken, and asks for what was
 * noted (collect). What could not be kept is noted again.
 */
#include "intake/suppressor_io.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "facts/fact.h"
#include "mail/trace.h"
#include "smtp/mailbox_key.h"
#include "state/state.h"

enum { NAME_MOST = 1024 };

/* One that is to be put, or dropped: what the set says when it is asked. */
struct change {
	struct list node;
	char *account, *address; /* owned */
};

struct suppressor {
	pthread_mutex_t lock;
	struct state *state; /* borrowed; NULL: none */
	struct suppression *set; /* owned */
	struct list changes, saving; /* struct change */
	bool is_loaded;
};

/* The names as the set has them. */
struct key {
	char account[NAME_MOST], address[MAILBOX_KEY_SIZE];
	struct span of, to;
};

static bool
make_key(struct key *k, struct span account, struct span address)
{
	struct address a;

	account = span_to(account, sizeof k->account);
	for (size_t i = 0; i < account.len; i++)
		k->account[i] = ascii_lower(account.ptr[i]);
	k->of = span_make(k->account, account.len);
	if (address_parse(address, &a) != ADDRESS_OK)
		return false;
	k->to = mailbox_key(&a, k->address);
	return !span_is_empty(k->to);
}

/* --- to and from the state, on its thread --- */

static void
note(struct suppressor *s, struct span account, struct span address)
{
	struct change *c;

	if (s->state == NULL)
		return;
	c = MEM_NEW(struct change);
	c->account = span_dup(account);
	c->address = span_dup(address);
	list_append(&s->changes, &c->node);
}

static void
put(struct state_batch *b, const struct suppressed *one)
{
	struct state_suppressed kept = {
		.account = one->account,
		.address = one->address,
		.since = one->since,
		.until = one->until,
		.status = one->status,
		.reply = one->reply,
	};

	state_put_suppressed(b, &kept);
}

static void
collect(struct state_batch *b, void *arg)
{
	struct suppressor *s = arg;
	struct list *node;

	(void)pthread_mutex_lock(&s->lock);
	while ((node = list_pop(&s->changes)) != NULL) {
		struct change *c = LIST_ENTRY(node, struct change, node);
		struct span account = span_text(c->account);
		struct span address = span_text(c->address);
		const struct suppressed *one =
		    suppression_find(s->set, account, address, INT64_MIN);

		if (one != NULL)
			put(b, one);
		else
			state_drop_suppressed(b, account, address);
		list_append(&s->saving, &c->node);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

static void
change_free(struct change *c)
{
	free(c->account);
	free(c->address);
	free(c);
}

static void
collected(bool is_kept, void *arg)
{
	struct suppressor *s = arg;
	struct list *node;

	(void)pthread_mutex_lock(&s->lock);
	while ((node = list_pop(&s->saving)) != NULL) {
		if (is_kept)
			change_free(LIST_ENTRY(node, struct change, node));
		else
			list_append(&s->changes, node);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

static void
renewed(void *arg)
{
	struct suppressor *s = arg;
	struct span account = SPAN(""), address = SPAN("");
	const struct suppressed *one;

	(void)pthread_mutex_lock(&s->lock);
	while ((one = suppression_next(s->set, account, address)) != NULL) {
		account = one->account;
		address = one->address;
		note(s, account, address);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

static bool
is_changed(const struct suppressor *s, const struct state_suppressed *kept)
{
	LIST_FOREACH (node, &s->changes) {
		const struct change *c = LIST_ENTRY(node, struct change, node);

		if (span_equal(span_text(c->account), kept->account) &&
		    span_equal(span_text(c->address), kept->address))
			return true;
	}
	return false;
}

/* What was changed since the start is newer. */
static void
on_read(const struct state_suppressed *kept, void *arg)
{
	struct suppressor *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	if (kept == NULL)
		s->is_loaded = true;
	else if (!is_changed(s, kept))
		(void)suppression_put(
		    s->set, &(struct suppressed){ .account = kept->account,
				.address = kept->address,
				.since = kept->since,
				.until = kept->until,
				.status = kept->status,
				.reply = kept->reply });
	(void)pthread_mutex_unlock(&s->lock);
}

struct suppressor *
suppressor_new(struct state *state)
{
	struct suppressor *s = MEM_NEW(struct suppressor);
	struct state_source source = { collect, collected, renewed, s };

	(void)pthread_mutex_init(&s->lock, NULL);
	list_init(&s->changes);
	list_init(&s->saving);
	s->set = suppression_new();
	s->state = state;
	if (state == NULL)
		return s;
	state_add_source(state, &source);
	state_ask_suppressed(state, on_read, s);
	return s;
}

void
suppressor_free(struct suppressor *s)
{
	struct list *node;

	if (s == NULL)
		return;
	while ((node = list_pop(&s->changes)) != NULL)
		change_free(LIST_ENTRY(node, struct change, node));
	suppression_free(s->set);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- from every thread --- */

bool
suppressor_refuses(struct suppressor *s, struct span account,
    struct span address, int64_t now, struct buf *reply)
{
	const struct suppressed *one;
	char since[DATE_SIZE];
	struct key k;

	if (!make_key(&k, account, address))
		return false;
	(void)pthread_mutex_lock(&s->lock);
	one = suppression_find(s->set, k.of, k.to, now);
	if (one != NULL) {
		date_format(one->since, since);
		(void)buf_printf(reply,
		    "550 5.1.1 <%.*s> is suppressed for this account since "
		    "%.16s: %s%.*s",
		    SPAN_ARG(span_to(k.to, 200)), since,
		    span_is_empty(one->reply) ? "the operator said so"
					      : "its host said ",
		    SPAN_ARG(span_to(one->reply, 200)));
	}
	(void)pthread_mutex_unlock(&s->lock);
	return one != NULL;
}

static void
wake(struct suppressor *s)
{
	if (s->state != NULL)
		state_wake(s->state);
}

bool
suppressor_add(struct suppressor *s, const struct suppressed *one)
{
	struct suppressed as_kept = *one;
	struct key k;
	bool fits;

	if (!make_key(&k, one->account, one->address))
		return false;
	as_kept.account = k.of;
	as_kept.address = k.to;
	(void)pthread_mutex_lock(&s->lock);
	fits = suppression_put(s->set, &as_kept);
	if (fits)
		note(s, k.of, k.to);
	(void)pthread_mutex_unlock(&s->lock);
	wake(s);
	return fits;
}

bool
suppressor_remove(
    struct suppressor *s, struct span account, struct span address)
{
	struct key k;
	bool was_there;

	if (!make_key(&k, account, address))
		return false;
	(void)pthread_mutex_lock(&s->lock);
	was_there = suppression_remove(s->set, k.of, k.to);
	if (was_there)
		note(s, k.of, k.to);
	(void)pthread_mutex_unlock(&s->lock);
	wake(s);
	return was_there;
}

bool
suppressor_list(struct suppressor *s, struct buf *account, struct buf *address,
    size_t most, void (*each)(const struct suppressed *one, void *arg),
    void *arg)
{
	const struct suppressed *one;
	size_t n = 0;

	(void)pthread_mutex_lock(&s->lock);
	do {
		one = suppression_next(
		    s->set, buf_span(account), buf_span(address));
		if (one == NULL)
			break;
		each(one, arg);
		buf_reset(account);
		buf_reset(address);
		(void)buf_append_span(account, one->account);
		(void)buf_append_span(address, one->address);
	} while (++n < most);
	(void)pthread_mutex_unlock(&s->lock);
	return one != NULL;
}
