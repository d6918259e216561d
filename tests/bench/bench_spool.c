/*
 * bench_spool: how fast the journal answers, held against what the machine's
 * own fdatasync does in the same run, and how fast and how large a start is.
 *
 *   bench_spool commit DIRECTORY [SECONDS]
 *   bench_spool start DIRECTORY MESSAGES [PASSED]
 *   bench_spool fill DIRECTORY MESSAGES BYTES DUE AT
 *   bench_spool open DIRECTORY
 *
 * `commit`: K clients, each with one message under way at any time (K = 1, 8,
 * 64, 512), through spool.h as the relay uses it. `start`: fills a spool with
 * so many waiting messages, opens it again in a fresh process, and gives the
 * time and the memory a message, schedule included. With PASSED they stay while
 * so many others pass before that, and it says how much the spool takes
 * meanwhile, at the most: reclaiming is at work then.
 * `fill` leaves so many messages of so many bytes, each to one of 10,000 domains
 * and tried once in vain: the first DUE of them are due at AT (seconds since
 * 1970), the others three hours later. What its host said takes 80 octets, and is
 * another text for each. contrib/bench starts the relay on that; `open` says what
 * the schedule and the spool alone take for it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "dispatch/message.h"
#include "dispatch/queue.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/reason.h"
#include "spool/content.h"
#include "spool/spool.h"
#include "tests/bench/strangers.h"

enum { BODY = 4096, SAMPLES = 1 << 20 };

/* --- the machine's own --- */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median seconds of a 4 KiB write and fdatasync into blocks that are there. */
static double
bare_sync(const char *directory, double seconds)
{
	enum { SIZE = 16 << 20, MOST = 100000 };
	char *path = mem_printf("%s/bare", directory), *block;
	double *took = mem_zalloc(MOST, sizeof *took), end, median;
	size_t n = 0;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	block = mem_zalloc(1, SIZE);
	if (fd == -1 || write(fd, block, SIZE) != SIZE || fsync(fd) != 0) {
		perror(path);
		exit(1);
	}
	end = now() + seconds;
	while (now() < end && n < MOST) {
		double before = now();

		if (pwrite(fd, block, 8192, (off_t)(n * 8192 % SIZE)) != 8192 ||
		    fdatasync(fd) != 0) {
			perror(path);
			exit(1);
		}
		took[n++] = now() - before;
	}
	qsort(took, n, sizeof *took, compare);
	median = took[n / 2];
	(void)close(fd);
	(void)unlink(path);
	free(block);
	free(took);
	free(path);
	return median;
}

/* --- commits --- */

struct run {
	struct spool *spool;
	struct loop *loop;
	double end;
	unsigned clients, under_way;
	uint64_t done, bytes, failed;
	double *took;
};

struct client {
	struct run *run;
	struct envelope *env;
	struct content *content;
	double began;
	unsigned which; /* of those that `fill` makes */
};

static void submit(struct client *c);

static struct envelope *
make_envelope(uint64_t id, uint64_t size, unsigned which)
{
	char *to =
	    mem_printf("somebody.%u@domain%u.example", which, which % 10000);
	struct span rcpt = span_text(to);
	struct envelope_parts parts = {
		.id = id,
		.size = size,
		.arrived = wall_now(),
		.account = SPAN("account@example.com"),
		.sender = SPAN("account@example.com"),
		.rcpt = &rcpt,
		.nrcpt = 1,
	};
	struct envelope *env = envelope_new(&parts);

	free(to);
	return env;
}

static void
on_committed(enum spool_status status, void *arg)
{
	struct client *c = arg;
	struct run *r = c->run;

	if (r->done < SAMPLES)
		r->took[r->done] = now() - c->began;
	r->done++;
	r->bytes += BODY;
	r->failed += status != SPOOL_OK;
	spool_done(r->spool, c->env->id);
	free(c->env);
	content_unref(c->content);
	if (now() < r->end) {
		submit(c);
		return;
	}
	free(c);
	if (--r->under_way == 0)
		loop_stop(r->loop);
}

static struct content *
make_content(void)
{
	struct buf head = { 0 }, body = { 0 };
	char *room = buf_reserve(&body, BODY);

	memset(room, 'x', BODY);
	buf_added(&body, BODY);
	return content_new_take(&head, &body);
}

static void
submit(struct client *c)
{
	struct spool_entry *e = spool_entry_open(c->run->spool, c->run->loop);

	c->began = now();
	c->content = make_content();
	c->env = make_envelope(spool_entry_id(e), BODY, 1);
	spool_commit(e, c->env, c->content, on_committed, c);
}

static void
load_nothing(struct envelope *env, const struct progress *rows, uint32_t flags,
    void *arg)
{
	(void)rows, (void)flags, (void)arg;
	free(env);
}

static struct spool *
open_spool(const char *directory, spool_load_cb load, void *arg)
{
	struct spool_options o = { .directory = directory };
	struct spool_events on = { .message = load, .arg = arg };
	struct err err;
	struct spool *s = spool_open(&o, &on, &err);

	if (s == NULL) {
		(void)fprintf(stderr, "bench_spool: %s\n", err.text);
		exit(1);
	}
	return s;
}

/* All clients, for so long. */
static void
run_for(struct run *r, double seconds)
{
	r->loop = loop_new();
	r->done = 0;
	r->end = now() + seconds;
	for (unsigned i = 0; i < r->clients; i++) {
		struct client *c = MEM_NEW(struct client);

		c->run = r;
		r->under_way++;
		submit(c);
	}
	loop_run(r->loop);
	loop_free(r->loop);
}

static void
bench_clients(
    const char *directory, unsigned clients, double seconds, double bare)
{
	struct run r = { .clients = clients };
	int64_t groups;
	double began, took;
	size_t n;

	r.spool = open_spool(directory, load_nothing, NULL);
	r.took = mem_zalloc(SAMPLES, sizeof *r.took);
	groups = metric_get(METRIC_COMMITS);
	began = now();
	run_for(&r, seconds);
	took = now() - began;
	groups = metric_get(METRIC_COMMITS) - groups;
	n = r.done < SAMPLES ? r.done : SAMPLES;
	qsort(r.took, n, sizeof *r.took, compare);
	(void)printf("%7u %10.0f %10.1f %12.1f %9.3f %9.3f %9.2f %7" PRIu64
		     "\n",
	    clients, (double)r.done / took, (double)r.bytes / took / 1e6,
	    (double)r.done / (double)(groups == 0 ? 1 : groups),
	    r.took[n / 2] * 1e3, r.took[n * 99 / 100] * 1e3,
	    r.took[n / 2] / bare, r.failed);
	free(r.took);
	spool_close(r.spool);
}

static int
bench_commit(const char *directory, double seconds)
{
	static const unsigned clients[] = { 1, 8, 64, 512 };
	double bare = bare_sync(directory, seconds / 2);

	(void)printf(
	    "bare write and fdatasync: %.3f ms median, %.0f a second\n",
	    bare * 1e3, 1 / bare);
	(void)printf("%7s %10s %10s %12s %9s %9s %9s %7s\n", "clients",
	    "commits/s", "MB/s", "a sync", "p50 ms", "p99 ms", "p50/bare",
	    "failed");
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		bench_clients(directory, clients[i], seconds, bare);
	return 0;
}

/* --- start --- */

static double
resident_mb(void)
{
	long pages = 0, shared = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL || fscanf(f, "%*s %ld %ld", &pages, &shared) != 2)
		pages = 0;
	if (f != NULL)
		(void)fclose(f);
	return (double)(pages - shared) * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

struct filling {
	struct spool *spool;
	struct loop *loop;
	unsigned begun, most, under_way;
	size_t size; /* of a body */
	unsigned due; /* so many of them are due at due_at */
	int64_t due_at; /* wall ms; 0: they were not tried yet */
};

/* As a relay leaves it whose next host does not take it yet. */
static void
put_off(struct filling *f, const struct envelope *env, unsigned which)
{
	char said[81] = "";
	struct words w = { .status = SPAN("4.2.0"),
		.host = SPAN("mx.example"),
		.said = span_make(said, sizeof said - 1),
		.stage = STAGE_RCPT };
	struct progress row = {
		.state = RCPT_QUEUED,
		.tries = 1,
		.step = 1,
		.last = wall_now(),
		.due = f->due_at + (which < f->due ? 0 : 3 * 3600 * 1000),
	};

	if (f->due_at == 0)
		return;
	(void)snprintf(said, sizeof said,
	    "450 4.2.0 Greylisted (case %010u), come again in a quarter of an "
	    "hour or so",
	    which);
	row.reason = reason_new(&w);
	spool_progress(f->spool, env->id, &row, 1);
	reason_unref(row.reason);
}

static struct content *
body_of(size_t size)
{
	struct buf head = { 0 }, body = { 0 };

	(void)buf_append_text(&body, "Subject: x\r\n\r\n");
	while (buf_span(&body).len < size)
		(void)buf_append_text(&body,
		    "The quick brown fox jumps over the lazy dog, twice.\r\n");
	return content_new_take(&head, &body);
}

static void
on_filled(enum spool_status status, void *arg)
{
	struct client *c = arg;
	struct filling *f = (struct filling *)(void *)c->run;

	if (status != SPOOL_OK) {
		(void)fprintf(stderr, "bench_spool: a commit failed\n");
		exit(1);
	}
	if (c->env != NULL)
		put_off(f, c->env, c->which);
	free(c->env);
	content_unref(c->content);
	if (f->begun == f->most) {
		free(c);
		if (--f->under_way == 0)
			loop_stop(f->loop);
		return;
	}
	{
		struct spool_entry *e = spool_entry_open(f->spool, f->loop);

		c->which = f->begun++;
		c->content = body_of(f->size);
		c->env = make_envelope(
		    spool_entry_id(e), content_size(c->content), c->which);
		spool_commit(e, c->env, c->content, on_filled, c);
	}
}

static void
fill_in(struct filling *f)
{
	f->loop = loop_new();
	for (unsigned i = 0; i < 512 && i < f->most; i++) {
		struct client *c = MEM_NEW(struct client);

		c->run = (struct run *)(void *)f;
		f->under_way++;
		c->env = NULL;
		on_filled(SPOOL_OK, c);
	}
	loop_run(f->loop);
	loop_free(f->loop);
}

static void
fill(const char *directory, struct filling *f)
{
	f->spool = open_spool(directory, load_nothing, NULL);
	fill_in(f);
	spool_close(f->spool);
}

/* The queue and its times, as dispatch has them. */
struct waiting {
	struct queue *queue;
	struct heap heap;
	struct leg_options options;
};

static void
load_queue(struct envelope *env, const struct progress *rows, uint32_t flags,
    void *arg)
{
	struct waiting *w = arg;
	struct message *m =
	    message_new(env, rows, flags, &w->options, 1000, wall_now());

	queue_add_take(w->queue, m);
	m->due.at = 1000;
	heap_set(&w->heap, queue_rest(m), message_next_time(m));
}

static void
churn(const char *directory, unsigned stay, unsigned messages)
{
	struct run r = { .clients = 64 };
	struct filling f = { .most = stay };
	struct spool_health h;
	uint64_t most = 0, passed = 0;
	double began;

	r.spool = f.spool = open_spool(directory, load_nothing, NULL);
	r.took = mem_zalloc(SAMPLES, sizeof *r.took);
	fill_in(&f);
	began = now();
	/* In slices, so that the spool can be looked at in between. */
	while (passed < messages) {
		run_for(&r, 0.2);
		passed += r.done;
		spool_health(r.spool, &h);
		most = h.used_bytes > most ? h.used_bytes : most;
	}
	(void)printf("%llu messages passed in %.1f s while %u stayed: at most "
		     "%.1f MB used, %.3f MB live, %llu segments at the end\n",
	    (unsigned long long)passed, now() - began, stay, (double)most / 1e6,
	    (double)h.live_bytes / 1e6, (unsigned long long)h.segments);
	(void)fflush(stdout);
	spool_close(r.spool);
	free(r.took);
}

static int
bench_open(const char *directory)
{
	static const uint32_t waits[] = { 60 };
	struct waiting w = { .options = { .backoff = { waits, 1 },
				 .expire = 432000000 } };
	struct spool *s;
	double before, began;
	size_t n;

	w.queue = queue_new();
	before = resident_mb();
	began = now();
	s = open_spool(directory, load_queue, &w);
	n = queue_count(w.queue);
	(void)printf("%zu messages: start %.3f s, %.0f bytes of memory a "
		     "message\n",
	    n, now() - began,
	    (resident_mb() - before) * 1e6 / (double)(n == 0 ? 1 : n));
	spool_close(s);
	queue_free(w.queue);
	heap_clear(&w.heap);
	return 0;
}

static int
bench_start(const char *directory, unsigned messages, unsigned passed)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct filling f = { .most = messages };

		if (passed > 0)
			churn(directory, messages, passed);
		else
			fill(directory, &f);
		_exit(0);
	}
	if (waitpid(child, &status, 0) == -1 || status != 0)
		return 1;
	return bench_open(directory);
}

static int
bench_fill(char **argv)
{
	struct filling f = {
		.most = (unsigned)atoi(argv[3]),
		.size = (size_t)atol(argv[4]),
		.due = (unsigned)atoi(argv[5]),
		.due_at = (int64_t)atoll(argv[6]) * 1000,
	};

	fill(argv[2], &f);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "commit") == 0)
		return bench_commit(argv[2], argc > 3 ? atof(argv[3]) : 3);
	if (argc >= 4 && strcmp(argv[1], "start") == 0)
		return bench_start(argv[2], (unsigned)atoi(argv[3]),
		    argc > 4 ? (unsigned)atoi(argv[4]) : 0);
	if (argc == 7 && strcmp(argv[1], "fill") == 0)
		return bench_fill(argv);
	if (argc == 3 && strcmp(argv[1], "open") == 0)
		return bench_open(argv[2]);
	(void)fprintf(stderr, "usage: bench_spool commit DIRECTORY [SECONDS] | "
			      "start DIRECTORY MESSAGES [PASSED] |\n"
			      "       fill DIRECTORY MESSAGES BYTES DUE AT | "
			      "open DIRECTORY\n");
	return 2;
}
