/*
 * Parcels to the worker: serve, aliases, look, ask, open, give, withdraw, quit, abort, stop or free.
 * Back: logged in, accepted, closed, asked, answered, too late, ended. A lane's `io`
 * is written and read on the worker only; an attempt that finds it gone goes back untouched.
 */
#include "crew/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "deliver/peers.h"
#include "deliver/signer_io.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/tls.h"
#include "milter/milter_io.h"
#include "policy/aliases.h"

struct worker {
	struct loop *loop; /* owned; or the queue thread's */
	struct loop *queue; /* borrowed: outlives its workers */
	pthread_t thread;
	unsigned number; /* in its thread's name; 0: the queue thread */
	struct submit_worker submit;
	struct deliver_worker deliver;
	struct tls_client *tls; /* owned */
	struct peers *peers; /* owned reference: all workers have the same */
	struct worker_events events;
	uint32_t sessions, lanes; /* the queue thread's count */
};

/* Addresses that a worker remembers something of. */
enum { PEERS_KEPT = 10000 };
/* Sessions whose logins are looked at in one turn of the loop. */
enum { LOOKS_A_TURN = 100 };

/* One kind for all: a parcel is made for each passing anyway. */
struct note {
	struct parcel parcel;
	struct worker *worker;
	struct submit_connection connection;
	char client[64];
	char *account; /* owned: the connection's; NULL: none */
	struct lane *lane;
	uint32_t host;
	struct target *target;
	struct attempt *attempt;
	struct envelope *env;
	char sid[20], *message_id; /* owned */
	bool is_over;
	void *token;
	bool more;
	struct lane_end *end; /* owned */
	struct session_ask *ask; /* owned */
	struct aliases *aliases; /* owned reference */
	uint64_t after; /* look: sessions behind that number */
};

#define NOTE(p) ((struct note *)(void *)(p))

static struct note *
note_new(struct worker *w, void (*open)(struct parcel *p))
{
	struct note *n = MEM_NEW(struct note);

	n->worker = w;
	n->parcel.open = open;
	return n;
}

/* Without a thread of its own. */
static bool
is_guest(const struct worker *w)
{
	return w->loop == w->queue;
}

/* --- on the queue thread: what workers report --- */

static void
open_accepted(struct parcel *p)
{
	struct note *n = NOTE(p);

	n->worker->events.accepted(n->env,
	    &(struct submit_origin){ n->sid, n->message_id, n->is_over },
	    n->worker->events.arg);
	free(n->message_id);
	free(n);
}

static void
open_logged_in(struct parcel *p)
{
	struct note *n = NOTE(p);

	n->worker->events.logged_in(n->token, n->worker->events.arg);
	free(n);
}

static void
open_closed(struct parcel *p)
{
	struct note *n = NOTE(p);

	n->worker->sessions--;
	n->worker->events.closed(n->worker, n->token, n->worker->events.arg);
	free(n);
}

static void
open_answered(struct parcel *p)
{
	struct note *n = NOTE(p);

	n->worker->events.answered(
	    n->lane, n->attempt, n->more, n->worker->events.arg);
	free(n);
}

static void
open_too_late(struct parcel *p)
{
	struct note *n = NOTE(p);

	n->worker->events.too_late(n->lane, n->worker->events.arg);
	free(n);
}

static void
open_ended(struct parcel *p)
{
	struct note *n = NOTE(p);

	n->worker->lanes--;
	n->worker->events.ended(
	    n->lane, n->attempt, n->end, n->worker->events.arg);
	lane_end_clear(n->end);
	free(n->end);
	free(n);
}

/* An attempt came too late for its lane, whose end is under way or told. */
static void
open_returned(struct parcel *p)
{
	struct note *n = NOTE(p);

	n->worker->events.answered(
	    n->lane, n->attempt, false, n->worker->events.arg);
	free(n);
}

/* --- on the worker: what its rooms report --- */

static void
on_accepted(struct envelope *env, const struct submit_origin *from, void *arg)
{
	struct worker *w = arg;
	struct note *n = note_new(w, open_accepted);

	n->env = env;
	(void)snprintf(n->sid, sizeof n->sid, "%s", from->sid);
	n->message_id = mem_strdup(from->message_id);
	n->is_over = from->is_over;
	mailbox_post(w->queue, &n->parcel);
}

static void
on_logged_in(void *token, void *arg)
{
	struct worker *w = arg;
	struct note *n = note_new(w, open_logged_in);

	n->token = token;
	mailbox_post(w->queue, &n->parcel);
}

static void
on_closed(void *token, void *arg)
{
	struct worker *w = arg;
	struct note *n = note_new(w, open_closed);

	n->token = token;
	mailbox_post(w->queue, &n->parcel);
}

static void
on_answered(void *token, struct attempt *a, bool more, void *arg)
{
	struct worker *w = arg;
	struct note *n = note_new(w, open_answered);

	n->lane = token;
	n->attempt = a;
	n->more = more;
	mailbox_post(w->queue, &n->parcel);
}

static void
on_too_late(void *token, void *arg)
{
	struct worker *w = arg;
	struct note *n = note_new(w, open_too_late);

	n->lane = token;
	mailbox_post(w->queue, &n->parcel);
}

static void
on_ended(void *token, struct attempt *a, const struct lane_end *end, void *arg)
{
	struct worker *w = arg;
	struct note *n = note_new(w, open_ended);

	n->lane = token;
	n->lane->io = NULL;
	n->attempt = a;
	n->end = mem_dup(end, sizeof *end);
	mailbox_post(w->queue, &n->parcel);
}

/* --- on the worker: what the queue thread asks --- */

static void
open_serve(struct parcel *p)
{
	struct note *n = NOTE(p);

	n->connection.client = n->client;
	n->connection.account = n->account;
	session_io_start(&n->worker->submit, &n->connection);
	free(n->account);
	free(n);
}

static void
open_aliases(struct parcel *p)
{
	struct note *n = NOTE(p);
	struct submit_worker *submit = &n->worker->submit;

	aliases_unref(submit->aliases);
	submit->aliases = n->aliases;
	free(n);
}

/* Some a turn: no other session waits for a look at thousands. */
static void
open_look(struct parcel *p)
{
	struct note *n = NOTE(p);
	struct worker *w = n->worker;

	n->after = session_io_look(&w->submit, n->after, LOOKS_A_TURN);
	if (n->after != 0)
		mailbox_post(w->loop, &n->parcel);
	else
		free(n);
}

static void
open_lane(struct parcel *p)
{
	struct note *n = NOTE(p);
	struct lane *lane = n->lane;
	struct lane_io *io = lane_io_start(
	    &n->worker->deliver, n->target, n->host, n->attempt, lane);

	lane->io = io;
	free(n);
}

static void
open_give(struct parcel *p)
{
	struct note *n = NOTE(p);

	if (n->lane->io != NULL) {
		lane_io_give(n->lane->io, n->attempt);
		free(n);
		return;
	}
	n->parcel.open = open_returned;
	mailbox_post(n->worker->queue, &n->parcel);
}

static void
open_quit_lane(struct parcel *p)
{
	struct note *n = NOTE(p);

	if (n->lane->io != NULL)
		lane_io_quit(n->lane->io);
	free(n);
}

static void
open_withdraw(struct parcel *p)
{
	struct note *n = NOTE(p);

	if (n->lane->io != NULL)
		lane_io_withdraw(n->lane->io);
	free(n);
}

static void
open_quit(struct parcel *p)
{
	struct note *n = NOTE(p);

	session_io_shutdown_all(&n->worker->submit);
	lane_io_quit_all(&n->worker->deliver);
	free(n);
}

static void
open_abort(struct parcel *p)
{
	struct note *n = NOTE(p);

	session_io_abort_all(&n->worker->submit);
	lane_io_abort_all(&n->worker->deliver);
	free(n);
}

static void
open_stop(struct parcel *p)
{
	struct note *n = NOTE(p);

	loop_stop(n->worker->loop);
	free(n);
}

static void
open_asked(struct parcel *p)
{
	struct note *n = NOTE(p);
	struct session_ask *ask = n->ask;

	free(n);
	ask->done(ask);
}

static void
open_ask(struct parcel *p)
{
	struct note *n = NOTE(p);
	struct session_ask *ask = n->ask;
	struct worker *w = n->worker;

	if (ask->rows != NULL)
		ask->n = session_io_list(
		    &w->submit, ask->after, ask->rows, ask->most);
	else
		ask->n =
		    session_io_dismiss(&w->submit, ask->number, ask->account);
	n->parcel.open = open_asked;
	mailbox_post(w->queue, &n->parcel);
}

/* --- the queue thread's calls --- */

static void
post(struct worker *w, struct note *n)
{
	mailbox_post(w->loop, &n->parcel);
}

static void *
run_thread(void *arg)
{
	struct worker *w = arg;
	char name[16];

	(void)snprintf(name, sizeof name, "worker %u", w->number % 100000);
	(void)pthread_setname_np(pthread_self(), name);
	loop_run(w->loop);
	return NULL;
}

/* 0, or an errno. */
static int
begin_thread(struct worker *w)
{
	if (!is_guest(w))
		return pthread_create(&w->thread, NULL, run_thread, w);
	w->thread = pthread_self();
	return 0;
}

static void
worker_free(struct worker *w)
{
	tls_client_free(w->tls);
	peers_unref(w->peers);
	aliases_unref(w->submit.aliases);
	milter_ways_unref(w->submit.ways);
	if (!is_guest(w))
		loop_free(w->loop);
	free(w);
}

static struct peers *
make_peers(void)
{
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	return peers_new(PEERS_KEPT, seed);
}

struct worker *
worker_start(const struct worker *like, const struct worker_shared *shared,
    const struct worker_events *events, struct err *err)
{
	struct worker *w = MEM_NEW(struct worker);
	int rc;

	w->number = like == NULL ? 0 : like->number + 1;
	w->queue = shared->queue;
	w->loop = like == NULL ? shared->queue : loop_new();
	w->events = *events;
	w->submit = (struct submit_worker){ .loop = w->loop,
		.spool = shared->spool,
		.auth = shared->auth,
		.ledger = shared->ledger,
		.suppressor = shared->suppressor,
		.keys = signer_keys(shared->signer),
		.ways = milter_ways_new(w->loop, shared->workers),
		.accepted = on_accepted,
		.logged_in = on_logged_in,
		.closed = on_closed,
		.arg = w };
	list_init(&w->submit.sessions);
	w->peers = like == NULL ? make_peers() : peers_ref(like->peers);
	w->tls = tls_client_new(like == NULL ? NULL : like->tls, err);
	w->deliver = (struct deliver_worker){ .loop = w->loop,
		.spool = shared->spool,
		.tls = w->tls,
		.peers = w->peers,
		.signer = shared->signer,
		.answered = on_answered,
		.too_late = on_too_late,
		.ended = on_ended,
		.arg = w };
	list_init(&w->deliver.lanes);
	if (w->tls == NULL) {
		worker_free(w);
		return NULL;
	}
	rc = begin_thread(w);
	if (rc != 0) {
		(void)err_set(
		    err, -rc, "start a worker thread: %s", strerror(rc));
		worker_free(w);
		return NULL;
	}
	return w;
}

void
worker_quit(struct worker *w)
{
	post(w, note_new(w, open_quit));
}

void
worker_abort(struct worker *w)
{
	post(w, note_new(w, open_abort));
}

static void
open_free(struct parcel *p)
{
	struct note *n = NOTE(p);

	worker_free(n->worker);
	free(n);
}

void
worker_join(struct worker *w)
{
	/* What was posted before is still to be opened. */
	if (is_guest(w)) {
		post(w, note_new(w, open_free));
		return;
	}
	post(w, note_new(w, open_stop));
	mailbox_flush();
	(void)pthread_join(w->thread, NULL);
	worker_free(w);
}

void
worker_serve(struct worker *w, const struct submit_connection *c)
{
	struct note *n = note_new(w, open_serve);

	n->connection = *c;
	(void)snprintf(n->client, sizeof n->client, "%s", c->client);
	if (c->account != NULL)
		n->account = mem_strdup(c->account);
	w->sessions++;
	post(w, n);
}

void
worker_set_aliases(struct worker *w, struct aliases *aliases)
{
	struct note *n = note_new(w, open_aliases);

	n->aliases = aliases;
	post(w, n);
}

void
worker_look_at_logins(struct worker *w)
{
	post(w, note_new(w, open_look));
}

void
session_ask_free(struct session_ask *ask)
{
	free(ask->rows);
	free(ask->account);
	free(ask);
}

void
worker_ask_sessions(struct worker *w, struct session_ask *ask)
{
	struct note *n = note_new(w, open_ask);

	n->ask = ask;
	post(w, n);
}

uint32_t
worker_load(const struct worker *w)
{
	return w->sessions + w->lanes;
}

uint64_t
worker_ran_ns(const struct worker *w)
{
	struct timespec t = { 0 };
	clockid_t clock;

	if (pthread_getcpuclockid(w->thread, &clock) == 0)
		(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void
worker_open_lane(struct worker *w, struct lane *lane, struct target *target,
    uint32_t host, struct attempt *a)
{
	struct note *n = note_new(w, open_lane);

	lane->worker = w;
	n->lane = lane;
	n->target = target;
	n->host = host;
	n->attempt = a;
	w->lanes++;
	post(w, n);
}

void
worker_give(struct lane *lane, struct attempt *a)
{
	struct note *n = note_new(lane->worker, open_give);

	n->lane = lane;
	n->attempt = a;
	post(lane->worker, n);
}

void
worker_quit_lane(struct lane *lane)
{
	struct note *n = note_new(lane->worker, open_quit_lane);

	n->lane = lane;
	post(lane->worker, n);
}

void
worker_withdraw(struct lane *lane)
{
	struct note *n = note_new(lane->worker, open_withdraw);

	n->lane = lane;
	post(lane->worker, n);
}
