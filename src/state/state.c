/*
 * The thread, and what it does about a database that cannot be used:
 *
 *   it fails        told once for each reason; what was to be kept stays with its
 *                   source, and is tried again some seconds later
 *   it is damaged   moved aside with its journal, never deleted; a new one is begun,
 *                   and the sources put what they have into it
 *   it is gone      (somebody deleted the file) the same without the moving
 *   it is newer     left as it is; the relay runs without until somebody moves it
 *
 * A batch waits for company, and for ten times as long as the last one took to
 * write (a fifth of a second at the most): so the thread uses no more than a tenth of
 * a processor while batches are small.
 */
#include "state/state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "state_priv.h"

enum { BATCH_MS = 20, AGAIN_MS = 5000, REST = 10, REST_MOST = 200 };

/* A question. */
struct job {
	struct list node;
	char *name; /* owned: of an account; NULL: it is not about one */
	size_t known_most; /* of those, or of rows */
	int64_t since;
	state_account_cb cb;
	state_name_cb name_cb; /* those that are stopped */
	state_suppressed_cb suppressed;
	state_sending_cb sending;
	state_key_use_cb key_use;
	state_home_cb home;
	void *arg;
};

struct state {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	_Atomic bool is_woken; /* a source has something */
	/* Under the lock. */
	struct list jobs;
	bool stop;
	struct state_source sources[STATE_SOURCES];
	size_t nsources;
	bool works;
	char why[256];
	/* Of the thread alone. */
	struct db db;
	char *directory, *path; /* owned; NULL: in memory */
	unsigned batch_ms, again_ms, pages_most;
	int64_t boot;
	uint64_t flush_at, again_at; /* monotonic ms; 0: not */
	uint64_t rested; /* no batch before */
};

static uint64_t
now_ms(void)
{
	return clock_us() / 1000;
}

/* --- whether it works --- */

static void
set_works(struct state *s, bool works, const char *why)
{
	bool is_news;

	(void)pthread_mutex_lock(&s->lock);
	is_news = works != s->works || strcmp(why, s->why) != 0;
	s->works = works;
	(void)snprintf(s->why, sizeof s->why, "%s", why);
	(void)pthread_mutex_unlock(&s->lock);
	metric_set(METRIC_STATE_BROKEN, works ? 0 : 1);
	if (!is_news)
		return;
	if (works)
		FACT(STATE_OPEN, fact_string("file", s->path));
	else
		FACT(STATE_FAULT, fact_string("file", s->path),
		    fact_string("reason", why),
		    fact_string("means",
			"what accounts have used is kept in memory only"),
		    fact_ms("again", s->again_ms));
}

bool
state_works(struct state *s, char *why, size_t size)
{
	bool works;

	(void)pthread_mutex_lock(&s->lock);
	works = s->works;
	(void)snprintf(why, size, "%s", s->why);
	(void)pthread_mutex_unlock(&s->lock);
	return works;
}

static void
fail(struct state *s, const char *why)
{
	set_works(s, false, why);
	s->again_at = now_ms() + s->again_ms;
}

/* --- opening --- */

static int64_t
boot_of_machine(void)
{
	static const uint64_t key[2] = { 0, 0 };
	char id[64];
	ssize_t n = -1;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd != -1) {
		n = read(fd, id, sizeof id);
		(void)close(fd);
	}
	return n <= 0 ? 0 : (int64_t)siphash24(key, id, (size_t)n);
}

/* The database, its journal and what goes with it, under a name of their own. */
static bool
move_aside(struct state *s, const char *why)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char *kept =
	    mem_printf("%s.damaged-%lld", s->path, (long long)wall_now());
	bool moved = true;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char *from = mem_printf("%s%s", s->path, parts[i]);
		char *to = mem_printf("%s%s", kept, parts[i]);

		if (rename(from, to) != 0 && i == 0)
			moved = false;
		free(from);
		free(to);
	}
	FACT(STATE_DAMAGED, fact_string("file", s->path),
	    fact_string("reason", why),
	    fact_string("kept", moved ? kept : "not: it cannot be moved"),
	    fact_string("means",
		"a new one is begun; what it knew counts from zero, but for "
		"what is in memory"));
	free(kept);
	return moved;
}

/* Those that there are stay as they are. */
static size_t
count_sources(struct state *s)
{
	size_t n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->nsources;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

static void
renew(struct state *s)
{
	size_t n = count_sources(s);

	for (size_t i = 0; i < n; i++)
		s->sources[i].renewed(s->sources[i].arg);
	atomic_store(&s->is_woken, true);
}

static void
open_db(struct state *s)
{
	bool is_new;
	enum db_status status;

	s->again_at = 0;
	if (s->directory != NULL)
		(void)mkdir(s->directory, 0700); /* open() says what is wrong */
	status = db_open(&s->db, s->path, s->pages_most, &is_new);
	if (status == DB_DAMAGED && s->path != NULL) {
		char why[sizeof s->db.why];

		memcpy(why, s->db.why, sizeof why);
		db_close(&s->db);
		if (!move_aside(s, why)) {
			fail(s, why);
			return;
		}
		status = db_open(&s->db, s->path, s->pages_most, &is_new);
	}
	if (status != DB_DONE) {
		char why[sizeof s->db.why];

		memcpy(why, s->db.why, sizeof why);
		db_close(&s->db);
		fail(s, why);
		return;
	}
	set_works(s, true, "");
	if (is_new)
		renew(s);
}

static void
begin_anew(struct state *s, bool is_damaged)
{
	char why[sizeof s->db.why];

	memcpy(why, s->db.why, sizeof why);
	db_close(&s->db);
	if (is_damaged && !move_aside(s, why))
		fail(s, why);
	else
		open_db(s);
}

/* After a call that is not done. */
static void
judge(struct state *s, enum db_status status)
{
	switch (status) {
	case DB_DONE: set_works(s, true, ""); break;
	case DB_DAMAGED:
		if (s->path != NULL) {
			begin_anew(s, true);
			break;
		}
		/* fall through */
	case DB_FOREIGN:
	case DB_FAILED: fail(s, s->db.why); break;
	}
}

/* --- what it is woken for --- */

static struct state_batch
batch_now(struct state *s)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (struct state_batch){ .db = &s->db,
		.wall = wall_now(),
		.boot = s->boot,
		.steady = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 };
}

static void
flush(struct state *s)
{
	uint64_t began = now_ms();
	struct state_batch batch;
	enum db_status status;
	uint64_t took;
	size_t n;

	s->flush_at = 0;
	if (s->db.sql == NULL ||
	    (s->path != NULL && !db_is_there(&s->db, s->path))) {
		if (s->db.sql != NULL)
			FACT(STATE_GONE, fact_string("file", s->path));
		begin_anew(s, false);
	}
	if (s->db.sql == NULL)
		return; /* is_woken stays: again_at */
	s->again_at = 0;
	atomic_store(&s->is_woken, false);
	batch = batch_now(s);
	db_begin(&s->db);
	n = count_sources(s);
	for (size_t i = 0; i < n; i++)
		s->sources[i].collect(&batch, s->sources[i].arg);
	status = db_end(&s->db);
	for (size_t i = 0; i < n; i++)
		s->sources[i].collected(status == DB_DONE, s->sources[i].arg);
	if (status != DB_DONE)
		atomic_store(&s->is_woken, true);
	judge(s, status);
	took = now_ms() - began;
	s->rested =
	    began + took + (took * REST < REST_MOST ? took * REST : REST_MOST);
}

static bool
do_job(const struct state_batch *now, const struct job *job)
{
	if (job->suppressed != NULL)
		return suppressed_answer(now, job->suppressed, job->arg);
	if (job->sending != NULL)
		return sending_answer(
		    now, job->known_most, job->sending, job->arg);
	if (job->key_use != NULL)
		return key_uses_answer(now, job->key_use, job->arg);
	if (job->home != NULL)
		return homes_answer(
		    now, job->since, job->known_most, job->home, job->arg);
	if (job->name_cb != NULL)
		return accounts_stopped(now, job->name_cb, job->arg);
	return accounts_answer(
	    now, span_text(job->name), job->known_most, job->cb, job->arg);
}

static void
answer(struct state *s, struct job *job)
{
	struct state_batch now = batch_now(s);

	if (!do_job(&now, job) && s->db.sql != NULL) {
		enum db_status status = s->db.status;

		s->db.status = DB_DONE;
		judge(s, status);
	}
	free(job->name);
	free(job);
}

/* --- the thread --- */

/* When the next batch is due; UINT64_MAX: not before it is woken. */
static uint64_t
next_time(struct state *s)
{
	if (s->again_at != 0)
		return s->again_at;
	if (!atomic_load(&s->is_woken))
		return UINT64_MAX;
	if (s->flush_at == 0)
		s->flush_at = now_ms() + s->batch_ms;
	return s->flush_at > s->rested ? s->flush_at : s->rested;
}

/* Under the lock. */
static void
wait_until(struct state *s, uint64_t at)
{
	struct timespec until = { .tv_sec = (time_t)(at / 1000),
		.tv_nsec = (long)(at % 1000) * 1000000 };

	if (at == UINT64_MAX)
		(void)pthread_cond_wait(&s->wake, &s->lock);
	else
		(void)pthread_cond_timedwait(&s->wake, &s->lock, &until);
}

static void *
run(void *arg)
{
	struct state *s = arg;

	(void)pthread_setname_np(pthread_self(), "state");
	open_db(s);
	(void)pthread_mutex_lock(&s->lock);
	for (;;) {
		struct list *first = list_pop(&s->jobs);
		uint64_t at = next_time(s);

		if (first == NULL && s->stop)
			break;
		if (first == NULL && at > now_ms()) {
			wait_until(s, at);
			continue;
		}
		(void)pthread_mutex_unlock(&s->lock);
		if (first != NULL)
			answer(s, LIST_ENTRY(first, struct job, node));
		else
			flush(s);
		(void)pthread_mutex_lock(&s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (atomic_load(&s->is_woken))
		flush(s);
	db_close(&s->db);
	return NULL;
}

static void
state_free(struct state *s)
{
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->directory);
	free(s->path);
	free(s);
}

struct state *
state_open(const struct state_options *o, struct err *err)
{
	struct state *s = MEM_NEW(struct state);
	pthread_condattr_t attr;
	int rc;

	list_init(&s->jobs);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	s->batch_ms = o->batch_ms == 0 ? BATCH_MS : o->batch_ms;
	s->again_ms = o->again_ms == 0 ? AGAIN_MS : o->again_ms;
	s->pages_most = o->pages_most;
	s->boot = boot_of_machine();
	if (o->directory != NULL) {
		s->directory = mem_strdup(o->directory);
		s->path = mem_printf("%s/state.db", o->directory);
	}
	rc = pthread_create(&s->thread, NULL, run, s);
	if (rc == 0)
		return s;
	(void)err_set(err, -rc, "start the thread for state: %s", strerror(rc));
	state_free(s);
	return NULL;
}

void
state_add_source(struct state *s, const struct state_source *source)
{
	(void)pthread_mutex_lock(&s->lock);
	assert(s->nsources < STATE_SOURCES);
	s->sources[s->nsources++] = *source;
	(void)pthread_mutex_unlock(&s->lock);
}

void
state_wake(struct state *s)
{
	if (atomic_load_explicit(&s->is_woken, memory_order_relaxed) ||
	    atomic_exchange(&s->is_woken, true))
		return;
	(void)pthread_mutex_lock(&s->lock);
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
add_job(struct state *s, const struct job *what)
{
	struct job *job = mem_dup(what, sizeof *what);

	(void)pthread_mutex_lock(&s->lock);
	list_append(&s->jobs, &job->node);
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

void
state_ask_stopped(struct state *s, state_name_cb cb, void *arg)
{
	add_job(s, &(struct job){ .name_cb = cb, .arg = arg });
}

void
state_ask_suppressed(struct state *s, state_suppressed_cb cb, void *arg)
{
	add_job(s, &(struct job){ .suppressed = cb, .arg = arg });
}

void
state_ask_sending(struct state *s, size_t most, state_sending_cb cb, void *arg)
{
	add_job(
	    s, &(struct job){ .sending = cb, .known_most = most, .arg = arg });
}

void
state_ask_key_uses(struct state *s, state_key_use_cb cb, void *arg)
{
	add_job(s, &(struct job){ .key_use = cb, .arg = arg });
}

void
state_ask_homes(
    struct state *s, int64_t since, size_t most, state_home_cb cb, void *arg)
{
	add_job(s,
	    &(struct job){
		.home = cb, .since = since, .known_most = most, .arg = arg });
}

void
state_ask_account(struct state *s, struct span name, size_t known_most,
    state_account_cb cb, void *arg)
{
	add_job(s, &(struct job){ .name = span_dup(name),
		       .known_most = known_most,
		       .cb = cb,
		       .arg = arg });
}

void
state_close(struct state *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	state_free(s);
}
