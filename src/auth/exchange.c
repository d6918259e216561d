/*
 * An exchange's way through the pool, and what is before it:
 *
 *    auth_start, auth_step      due           room               on_done
 *   IDLE --------------> (WAIT ----> LINE -> TURN ->) POOL -----------> IDLE
 *
 * Once the name is known a login may have to wait for what others did with it,
 * or from its address: guessing.h says how long. A step that finds no room
 * stands in line, in whatever thread its loop is. Who leaves the pool gives the
 * room to the next in line, by that one's mailbox, as only its own thread may
 * hand work to the pool for its loop. The lock is held over the post, so that
 * an exchange that is closed is either out of the line, or its parcel is under
 * way and frees it.
 *
 * A back end that does not answer is given STEP_MS; then the asker is told so,
 * and what the pool says later is heard by nobody.
 */
#include <assert.h>
#include <stdlib.h>

#include "auth_priv.h"
#include "conf/conf.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/work.h"
#include "name.h"

enum {
	STEP_MS = 30000,
	/* Who may not even wait is not told so at once: he would come again. */
	NEVER_MS = 10000,
};

enum exchange_state {
	EXCHANGE_IDLE,
	EXCHANGE_WAIT,
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
	bool is_late; /* the asker was told that it takes too long */
	struct deadline *deadline; /* owned; NULL: none was needed */
	struct list node; /* in the line */
	struct parcel parcel; /* TURN */
	unsigned messages; /* of the client, so far */
	bool has_waited; /* a login waits once */
	uint32_t waited; /* ms */
	char *name; /* owned: as the client gave it; NULL: unknown */
	struct guess guess;
	struct buf input; /* may be a password: wiped */
	struct mech mech;
	struct mech_step step;
};

/* In the order in which they happen. */
static void on_deadline(void *arg);
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
	deadline_close(x->deadline);
	mech_clear(&x->mech);
	wipe(&x->input);
	buf_clear(&x->step.challenge);
	free(x->step.login);
	free(x->step.key);
	free(x->step.send_as);
	free(x->name);
	free(x);
}

/* The callback may close the exchange: what it is given lives without it. */
static void
answer(struct auth_exchange *x)
{
	struct mech_step step = x->step;
	char *name = x->name == NULL ? NULL : mem_strdup(x->name);
	struct auth_answer a = {
		.result = step.result,
		.challenge = buf_span(&step.challenge),
		.login = span_text(step.login),
		.key = span_text(step.key),
		.send_as = span_text(step.send_as),
		.name = span_text(name),
		.detail = step.detail[0] == '\0' ? NULL : step.detail,
		.tried = x->guess.tried,
		.waited = x->waited,
		.ticket = step.ticket,
	};

	x->step = (struct mech_step){ 0 };
	x->cb(&a, x->arg);
	buf_clear(&step.challenge);
	free(step.login);
	free(step.key);
	free(step.send_as);
	free(name);
}

/* --- before the pool --- */

/* The lock is held. */
static void
enter_pool(struct auth_exchange *x)
{
	x->state = EXCHANGE_POOL;
	work_run(x->loop, run_step, on_done, x);
}

static void
enter_line(struct auth_exchange *x)
{
	struct auth *a = x->auth;

	(void)pthread_mutex_lock(&a->lock);
	if (line_enter(&a->line, x->guess.peer.host, &x->node))
		enter_pool(x);
	else
		x->state = EXCHANGE_LINE;
	(void)pthread_mutex_unlock(&a->lock);
	deadline_set(x->deadline, STEP_MS);
}

/*
 * A key's name counts as its account's: who guesses keys guesses, whatever labels
 * he makes up for it.
 */
static struct span
account_of(struct span name)
{
	return span_to(name, span_find_last(name, '#'));
}

/* Who it is, if this message says so. */
static enum name_found
note_message(struct auth_exchange *x, struct span message)
{
	struct guessing *g = &x->auth->guessing;
	struct span name, password;
	enum name_found found = name_find(span_text(x->mech.mechanism),
	    x->messages++, message, &name, &password);

	if (found == NAME_FOUND) {
		free(x->name);
		x->name = span_dup(name);
		x->guess.name = guessing_name(g, account_of(name));
	}
	if (x->name != NULL && !span_is_empty(password))
		x->guess.tried =
		    guessing_tried(g, span_text(x->name), password);
	return found;
}

/* How long it has to wait; asked once, when it is known who it is. */
static uint32_t
ask_wait(struct auth_exchange *x)
{
	struct auth *a = x->auth;
	uint32_t wait;

	if (x->has_waited)
		return 0;
	x->has_waited = true;
	(void)pthread_mutex_lock(&a->lock);
	wait = guessing_wait(&a->guessing, &x->guess, loop_now(x->loop));
	(void)pthread_mutex_unlock(&a->lock);
	return x->mech.conf->auth_delay ? wait : 0;
}

static void
begin_step(struct auth_exchange *x, bool has_input, struct span input)
{
	uint32_t wait = 0;

	assert(x->state == EXCHANGE_IDLE);
	x->step = (struct mech_step){ .has_input = has_input };
	x->input.max = input.len + 1;
	(void)buf_append_span(&x->input, input);
	if (x->deadline == NULL)
		x->deadline = deadline_new(x->loop, on_deadline, x);
	if (has_input && note_message(x, input) != NAME_NONE)
		wait = ask_wait(x);
	if (wait == 0) {
		enter_line(x);
		return;
	}
	x->state = EXCHANGE_WAIT;
	x->waited = wait == GUESSING_NEVER ? 0 : wait;
	x->is_late = wait == GUESSING_NEVER;
	deadline_set(x->deadline, x->is_late ? NEVER_MS : x->waited);
}

/* The asker hears it now; the step itself may still be in the pool. */
static void
give_up(struct auth_exchange *x, const char *why)
{
	struct auth_answer a = {
		.result = AUTH_TEMPORARY,
		.name = span_text(x->name),
		.detail = why,
		.waited = x->waited,
	};

	x->is_late = true;
	x->cb(&a, x->arg);
}

static void
on_deadline(void *arg)
{
	struct auth_exchange *x = arg;
	struct auth *a = x->auth;

	if (x->state == EXCHANGE_WAIT) {
		if (!x->is_late) {
			enter_line(x);
			return;
		}
		x->state = EXCHANGE_IDLE;
		give_up(x, "too many logins from this address wait already");
		return;
	}
	(void)pthread_mutex_lock(&a->lock);
	if (x->state == EXCHANGE_LINE) {
		line_quit(&a->line, x->guess.peer.host, &x->node);
		x->state = EXCHANGE_IDLE;
	}
	(void)pthread_mutex_unlock(&a->lock);
	give_up(x, "the check of the password takes too long");
}

/* The lock is held: the room of one that left goes to the next in line. */
static void
leave_pool(struct auth_exchange *x)
{
	struct list *node = line_leave(&x->auth->line, x->guess.peer.host);
	struct auth_exchange *next;

	if (node == NULL)
		return;
	next = LIST_ENTRY(node, struct auth_exchange, node);
	next->state = EXCHANGE_TURN;
	mailbox_post(next->loop, &next->parcel);
}

static void
on_turn(struct parcel *p)
{
	struct auth_exchange *x = LIST_ENTRY(p, struct auth_exchange, parcel);
	struct auth *a = x->auth;
	bool is_wanted = !x->is_closed && !x->is_late;

	(void)pthread_mutex_lock(&a->lock);
	if (is_wanted) {
		enter_pool(x);
	} else {
		leave_pool(x);
		x->state = EXCHANGE_IDLE;
	}
	(void)pthread_mutex_unlock(&a->lock);
	if (x->is_closed)
		exchange_free(x);
}

/* --- the pool, and after it --- */

static void
run_step(void *arg)
{
	struct auth_exchange *x = arg;

	x->step.input = buf_span(&x->input);
	mech_run(&x->mech, &x->step);
	wipe(&x->input);
}

/*
 * What it counts for. One that was closed meanwhile is a login that nobody had: the
 * relay may be about to end.
 */
static void
count_result(struct auth_exchange *x)
{
	struct auth *a = x->auth;
	struct guessing *g = &a->guessing;
	uint64_t now = loop_now(x->loop), home = guessing_home(g, &x->guess);
	bool is_news = false;

	(void)pthread_mutex_lock(&a->lock);
	if (x->step.result == AUTH_BAD)
		guessing_failed(g, &x->guess, now);
	else if (x->step.result == AUTH_OK)
		is_news = guessing_succeeded(g, &x->guess, now);
	(void)pthread_mutex_unlock(&a->lock);
	if (x->step.result != AUTH_OK || x->is_closed)
		return;
	if (is_news)
		kept_home(a, home);
	if (x->mech.key != NULL)
		kept_key(a, x->mech.key, x->mech.remote_ip);
}

static void
on_done(void *arg)
{
	struct auth_exchange *x = arg;
	struct auth *a = x->auth;

	deadline_cancel(x->deadline);
	if (x->step.result == AUTH_OK)
		auth_look_again(
		    a, x->mech.user, x->mech.key, loop_now(x->loop), &x->step);
	x->state = EXCHANGE_IDLE;
	(void)pthread_mutex_lock(&a->lock);
	leave_pool(x);
	(void)pthread_mutex_unlock(&a->lock);
	count_result(x);
	if (x->is_closed)
		exchange_free(x);
	else if (!x->is_late)
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
 * PLAIN (RFC 4616) with a key, or with a password that was checked not long ago,
 * needs no derivation, so no pool and no library: a digest or a MAC on this thread
 * tells. Only the good answer is given here; everything else goes the long way.
 */
static bool
is_known(struct auth_exchange *x, const struct auth_options *o)
{
	struct span rest = o->initial, authzid, name;
	struct mech *m = &x->mech;

	if (!o->has_initial || x->mech.accounts == NULL ||
	    !span_equal(o->mechanism, SPAN("PLAIN")))
		return false;
	authzid = span_cut(&rest, '\0');
	name = span_cut(&rest, '\0');
	if ((!span_is_empty(authzid) && !span_equal(authzid, name)) ||
	    span_is_empty(rest) || rest.len > PASSWORD_MAX ||
	    span_find(rest, '\0') < rest.len)
		return false;
	mech_note_name(m, name);
	if (!mech_check_key(m, rest) &&
	    (m->user == NULL || m->named != NULL || m->user->suspended ||
		!remember_check(&x->auth->remember, m->user, rest)))
		return false;
	(void)note_message(x, o->initial);
	x->step = (struct mech_step){ .result = AUTH_OK };
	mech_give_login(m, &x->step);
	auth_look_again(x->auth, m->user, m->key, loop_now(x->loop), &x->step);
	if (x->step.result == AUTH_OK)
		count_result(x);
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
	/* An account that was made a moment ago can log in. */
	auth_refresh(a, loop_now(loop));
	s->auth = a;
	s->accounts = auth_take(a, &s->conf);
	s->mechanism = span_dup(options->mechanism);
	if (options->remote_ip != NULL) {
		s->remote_ip = mem_strdup(options->remote_ip);
		x->guess.peer = peer_of(options->remote_ip);
	}
	if (options->binding_name != NULL) {
		s->binding_name = mem_strdup(options->binding_name);
		(void)buf_append_span(&s->binding, options->binding);
		(void)buf_append_span(&s->end_point, options->end_point);
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

const char *
auth_name(const struct auth_exchange *x)
{
	return x->name;
}

const char *
auth_mechanism(const struct auth_exchange *x)
{
	return x->mech.mechanism;
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
		line_quit(&a->line, x->guess.peer.host, &x->node);
		x->state = EXCHANGE_IDLE;
	}
	is_idle = x->state == EXCHANGE_IDLE || x->state == EXCHANGE_WAIT;
	x->is_closed = true;
	(void)pthread_mutex_unlock(&a->lock);
	if (x->deadline != NULL)
		deadline_cancel(x->deadline);
	if (is_idle)
		exchange_free(x);
}
