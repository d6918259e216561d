/*
 * An exchange's way through the pool, and the line before it:
 *
 *        auth_start, auth_step           room                on_done
 *   IDLE --------------------> (LINE -> TURN ->) POOL --------------> IDLE
 *
 * A step that finds no room stands in line, in whatever thread its loop is. Who
 * leaves the pool gives the room to the first in line, by that one's mailbox,
 * as only its own thread may hand work to the pool for its loop. The lock is
 * held over the post, so that an exchange that is closed is either out of the
 * line, or its parcel is under way and frees it.
 */
#include <assert.h>
#include <stdlib.h>

#include "auth_priv.h"
#include "conf/conf.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/work.h"

enum exchange_state {
	EXCHANGE_IDLE,
	EXCHANGE_LINE,
	EXCHANGE_TURN,
	EXCHANGE_POOL
};

struct auth_exchange {
	struct auth *auth; /* borrowed: freed after its exchanges */
	struct loop *loop; /* borrowed: runs until this is closed */
	auth_cb cb;
	void *arg;
	enum exchange_state state; /* LINE and TURN: under the auth's lock */
	bool is_closed;
	struct list node; /* in the line */
	struct parcel parcel; /* TURN */
	struct buf input; /* may be a password: wiped */
	struct mech mech;
	struct mech_step step;
};

/* In the order in which they happen. */
static void on_turn(struct parcel *p);
static void run_step(void *arg);
static void on_done(void *arg);
/* Instead of all that, for a password that was right a moment ago. */
static void on_known(struct parcel *p);

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		mem_wipe(b->data, b->cap);
	buf_clear(b);
}

static void
exchange_free(struct auth_exchange *x)
{
	mech_clear(&x->mech);
	wipe(&x->input);
	buf_clear(&x->step.challenge);
	free(x->step.login);
	free(x);
}

/* The lock is held. */
static void
enter_pool(struct auth_exchange *x)
{
	x->state = EXCHANGE_POOL;
	work_run(x->loop, run_step, on_done, x);
}

static void
begin_step(struct auth_exchange *x, bool has_input, struct span input)
{
	struct auth *a = x->auth;

	assert(x->state == EXCHANGE_IDLE);
	x->step = (struct mech_step){ .has_input = has_input };
	x->input.max = input.len + 1;
	(void)buf_append_span(&x->input, input);
	(void)pthread_mutex_lock(&a->lock);
	if (a->running < a->most) {
		a->running++;
		enter_pool(x);
	} else {
		x->state = EXCHANGE_LINE;
		list_append(&a->line, &x->node);
	}
	(void)pthread_mutex_unlock(&a->lock);
}

/* The lock is held: the room of one that left goes to the next in line. */
static void
leave_pool(struct auth *a)
{
	struct list *node = list_pop(&a->line);
	struct auth_exchange *next;

	if (node == NULL) {
		a->running--;
		return;
	}
	next = LIST_ENTRY(node, struct auth_exchange, node);
	next->state = EXCHANGE_TURN;
	mailbox_post(next->loop, &next->parcel);
}

static void
on_turn(struct parcel *p)
{
	struct auth_exchange *x = LIST_ENTRY(p, struct auth_exchange, parcel);
	struct auth *a = x->auth;

	(void)pthread_mutex_lock(&a->lock);
	if (x->is_closed)
		leave_pool(a);
	else
		enter_pool(x);
	(void)pthread_mutex_unlock(&a->lock);
	if (x->is_closed)
		exchange_free(x);
}

/* On a pool thread. */
static void
run_step(void *arg)
{
	struct auth_exchange *x = arg;

	x->step.input = buf_span(&x->input);
	mech_run(&x->mech, &x->step);
	wipe(&x->input);
}

/* The callback may close the exchange: what it is given lives without it. */
static void
answer(struct auth_exchange *x)
{
	struct mech_step step = x->step;
	struct auth_answer a = {
		.result = step.result,
		.challenge = buf_span(&step.challenge),
		.login = span_text(step.login),
		.detail = step.detail[0] == '\0' ? NULL : step.detail,
	};

	x->step = (struct mech_step){ 0 };
	x->cb(&a, x->arg);
	buf_clear(&step.challenge);
	free(step.login);
}

static void
on_done(void *arg)
{
	struct auth_exchange *x = arg;
	struct auth *a = x->auth;

	x->state = EXCHANGE_IDLE;
	(void)pthread_mutex_lock(&a->lock);
	leave_pool(a);
	(void)pthread_mutex_unlock(&a->lock);
	if (x->is_closed)
		exchange_free(x);
	else
		answer(x);
}

static void
on_known(struct parcel *p)
{
	struct auth_exchange *x = LIST_ENTRY(p, struct auth_exchange, parcel);

	x->state = EXCHANGE_IDLE;
	if (x->is_closed)
		exchange_free(x);
	else
		answer(x);
}

/*
 * PLAIN (RFC 4616) with a password that was checked not long ago needs no
 * derivation, so no pool and no library: one MAC on this thread tells. Only the
 * good answer is given here; everything else goes the long way.
 */
static bool
is_known(struct auth_exchange *x, const struct auth_options *o)
{
	struct span rest = o->initial, authzid, name;
	const struct user *u;

	if (!o->has_initial || x->mech.accounts == NULL ||
	    !span_equal(o->mechanism, SPAN("PLAIN")))
		return false;
	authzid = span_cut(&rest, '\0');
	name = span_cut(&rest, '\0');
	if ((!span_is_empty(authzid) && !span_equal(authzid, name)) ||
	    span_is_empty(rest) || rest.len > PASSWORD_MAX ||
	    span_find(rest, '\0') < rest.len)
		return false;
	u = users_find(x->mech.accounts->users, name);
	if (u == NULL || u->suspended ||
	    !remember_check(&x->auth->remember, u, rest))
		return false;
	x->step = (struct mech_step){ .result = AUTH_OK,
		.login = mem_strdup(u->name) };
	return true;
}

struct auth_exchange *
auth_start(struct auth *a, struct loop *loop,
    const struct auth_options *options, auth_cb cb, void *arg)
{
	struct auth_exchange *x = MEM_NEW(struct auth_exchange);
	struct mech *s = &x->mech;

	x->auth = a;
	x->loop = loop;
	x->cb = cb;
	x->arg = arg;
	x->parcel.open = on_turn;
	list_init(&x->node);
	s->auth = a;
	s->accounts = auth_take(a, &s->conf);
	s->mechanism = span_dup(options->mechanism);
	if (options->remote_ip != NULL)
		s->remote_ip = mem_strdup(options->remote_ip);
	if (options->binding_name != NULL) {
		s->binding_name = mem_strdup(options->binding_name);
		(void)buf_append_span(&s->binding, options->binding);
	}
	if (is_known(x, options)) {
		x->state = EXCHANGE_POOL; /* auth_close() leaves it alone */
		x->parcel.open = on_known;
		mailbox_post(loop, &x->parcel);
	} else {
		begin_step(x, options->has_initial, options->initial);
	}
	return x;
}

void
auth_step(struct auth_exchange *x, struct span response)
{
	begin_step(x, true, response);
}

void
auth_close(struct auth_exchange *x)
{
	struct auth *a;
	bool is_idle;

	if (x == NULL)
		return;
	a = x->auth;
	(void)pthread_mutex_lock(&a->lock);
	if (x->state == EXCHANGE_LINE) {
		list_remove(&x->node);
		x->state = EXCHANGE_IDLE;
	}
	is_idle = x->state == EXCHANGE_IDLE;
	x->is_closed = true;
	(void)pthread_mutex_unlock(&a->lock);
	if (is_idle)
		exchange_free(x);
}
