/*
 * prove_crash: whatever a loss of power leaves, the promise holds.
 *
 * PROVE_STATES (1500) and PROVE_SEED (1) in the environment say how many, and
 * which.
 *
 * Records one workload (accept, defer, deliver, hold, remove, large content,
 * reclaim), then makes states that a loss of power could have left: every
 * prefix of the disk's calls, with all of what was not synced lost, with none
 * of it, and with seeded subsets and torn pieces of it. In each it reads the
 * spool, opens it as a start does, and reads it again:
 *
 *   - what was answered with 250 and not delivered is there, once, unaltered;
 *   - what was delivered, and known to be recorded, is not;
 *   - nothing is there that nobody handed in; progress and holds are kept;
 *   - a start changes nothing of that, and finds no damage.
 *
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "spool/offline.h"
#include "tests/spool/tape.h"

enum {
	MESSAGES = 60,
	STATES = 1500,
	SEGMENT = 32 * 1024,
};

enum mark { MARK_BEGUN, MARK_OK, MARK_DONE, MARK_GONE, MARK_TRIES, MARK_HELD };

/* What is known of a message at some point of the tape. */
struct fact {
	uint64_t id;
	unsigned body;
	bool begun, ok, done, gone, held;
	uint32_t tries;
	/* in the state that is looked at */
	unsigned seen;
};

struct proof {
	struct tape tape;
	struct box box;
	struct fact facts[MESSAGES * 2];
	size_t nfacts;
	uint64_t passed, failed, choices;
	char why[256];
};

static unsigned long long random_now;

static unsigned
draw(unsigned below)
{
	random_now =
	    random_now * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(random_now >> 33) % below;
}

/* --- the workload --- */

static char *
make_body(unsigned n, size_t *len)
{
	/* Some small, some over several pages, some in a file. */
	static const size_t sizes[] = { 40, 300, 2000, 700, 6000, 120, 20000 };
	char *body;

	*len = sizes[n % ARRAY_LEN(sizes)] + n;
	body = mem_alloc(*len + 1);
	for (size_t i = 0; i < *len; i++)
		body[i] = (char)('A' + (n * 7 + i / 3) % 50);
	body[*len] = '\0';
	return body;
}

static uint64_t
accept_one(struct proof *p, unsigned n, bool large)
{
	struct box *b = &p->box;
	struct spool_entry *e = spool_entry_open(b->spool, b->loop);
	uint64_t id = spool_entry_id(e);
	struct answer a = { 0 }, c = { 0 };
	struct envelope *env;
	struct content *content = NULL;
	size_t len;
	char *body = make_body(n, &len);

	tape_mark(&p->tape, MARK_BEGUN, id, n);
	if (large) {
		struct buf chunk = { .max = 1 << 20 };

		(void)buf_append(&chunk, body, len);
		spool_entry_append_take(e, &chunk, on_status, &a);
		box_wait(b, &a);
	} else {
		content = content_of("", body, len);
	}
	env = envelope_of(id, len, 2);
	spool_commit(e, env, content, on_status, &c);
	box_wait(b, &c);
	if (c.status == SPOOL_OK)
		tape_mark(&p->tape, MARK_OK, id, n);
	content_unref(content);
	free(env);
	free(body);
	return id;
}

/* What rode along with a group that is answered is recorded. */
static void
barrier(struct proof *p, uint64_t *gone, size_t *ngone)
{
	for (size_t i = 0; i < *ngone; i++)
		tape_mark(&p->tape, MARK_GONE, gone[i], 0);
	*ngone = 0;
}

static void
news_of(struct proof *p, uint64_t id, unsigned tries)
{
	struct progress row = { .rcpt = 1,
		.tries = tries,
		.last = 5,
		.due = 9,
		.detail = SPAN("451 4.7.1 later") };

	spool_progress(p->box.spool, id, &row, 1);
}

static void
work(struct proof *p)
{
	uint64_t waiting[MESSAGES], gone[MESSAGES], told[MESSAGES];
	size_t nwaiting = 0, ngone = 0, ntold = 0;

	for (unsigned n = 0; n < MESSAGES; n++) {
		uint64_t id = accept_one(p, n, n % 9 == 4);

		barrier(p, gone, &ngone);
		for (size_t i = 0; i < ntold; i++)
			tape_mark(&p->tape, MARK_TRIES, told[i], 1);
		ntold = 0;
		waiting[nwaiting++] = id;
		/* The first few stay for good: reclaiming must copy them. */
		if (n % 3 == 1 && nwaiting > 6) {
			size_t which = 4 + draw((unsigned)nwaiting - 4);

			spool_done(p->box.spool, waiting[which]);
			tape_mark(&p->tape, MARK_DONE, waiting[which], 0);
			gone[ngone++] = waiting[which];
			waiting[which] = waiting[--nwaiting];
		}
		if (n % 4 == 2) {
			news_of(p, waiting[n % 3], 1);
			told[ntold++] = waiting[n % 3];
		}
		if (n == 20)
			spool_set_flags(p->box.spool, waiting[1], MESSAGE_HELD);
		if (n == 21)
			tape_mark(&p->tape, MARK_HELD, waiting[1], 0);
		if (n > 30 && nwaiting > 5) {
			uint64_t last = waiting[--nwaiting];

			spool_done(p->box.spool, last);
			tape_mark(&p->tape, MARK_DONE, last, 0);
			gone[ngone++] = last;
		}
	}
}

static void
record(struct proof *p)
{
	struct box *b = &p->box;

	box_init(b);
	b->options.segment_size = SEGMENT;
	b->options.inline_max = 4000;
	tape_init(&p->tape, b->directory);
	b->spool =
	    journal_open_on(&p->tape.disk, &b->options, on_load, b, &b->err);
	if (b->spool == NULL) {
		(void)fprintf(stderr, "prove_crash: %s\n", b->err.text);
		exit(1);
	}
	work(p);
	box_close(b);
}

/* --- what must be true --- */

static struct fact *
fact_of(struct proof *p, uint64_t id)
{
	for (size_t i = 0; i < p->nfacts; i++)
		if (p->facts[i].id == id)
			return &p->facts[i];
	return NULL;
}

static void
learn(struct proof *p, size_t prefix)
{
	p->nfacts = 0;
	for (size_t i = 0; i < p->tape.n; i++) {
		const struct tape_op *op = &p->tape.ops[i];
		struct fact *f;

		if (op->kind != TAPE_MARK)
			continue;
		f = fact_of(p, op->id);
		if (f == NULL) {
			f = &p->facts[p->nfacts++];
			*f = (struct fact){ .id = op->id };
		}
		/* Done may be on disk before the workload's next word. */
		if (op->mark == MARK_DONE)
			f->done |= i <= prefix + 40;
		if (i >= prefix)
			continue;
		switch ((enum mark)op->mark) {
		case MARK_BEGUN:
			f->begun = true;
			f->body = (unsigned)op->value;
			break;
		case MARK_OK: f->ok = true; break;
		case MARK_GONE: f->gone = true; break;
		case MARK_TRIES: f->tries = (uint32_t)op->value; break;
		case MARK_HELD: f->held = true; break;
		case MARK_DONE: break;
		}
	}
}

static void wrong(struct proof *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
wrong(struct proof *p, const char *format, ...)
{
	va_list ap;

	if (p->why[0] != '\0')
		return;
	va_start(ap, format);
	(void)vsnprintf(p->why, sizeof p->why, format, ap);
	va_end(ap);
}

static int
on_visit(const struct envelope *env, const struct progress *rows,
    uint32_t flags, const struct content *content, void *arg)
{
	struct proof *p = arg;
	struct fact *f = fact_of(p, env->id);
	char *text, *body;
	size_t len;

	if (f == NULL || !f->begun) {
		wrong(p, "%" PRIx64 " was never handed in", env->id);
		return 0;
	}
	f->seen++;
	text = content_text(content);
	body = make_body(f->body, &len);
	if (content_size(content) != len || memcmp(text, body, len) != 0)
		wrong(p, "%" PRIx64 " was altered", env->id);
	if (strcmp(env->sender, "ann+list@example.test") != 0 ||
	    env->nrcpt != 2)
		wrong(p, "%" PRIx64 " has another envelope", env->id);
	if (f->tries > rows[1].tries)
		wrong(p, "%" PRIx64 " forgot an attempt", env->id);
	if (f->held && (flags & MESSAGE_HELD) == 0)
		wrong(p, "%" PRIx64 " is not held any more", env->id);
	if (f->gone)
		wrong(p, "%" PRIx64 " rose again", env->id);
	free(text);
	free(body);
	return 0;
}

static void
look(struct proof *p, const char *directory, const char *when)
{
	struct spool_summary s;
	struct err err;

	for (size_t i = 0; i < p->nfacts; i++)
		p->facts[i].seen = 0;
	if (spool_inspect(directory, on_visit, p, &s, &err) != 0) {
		wrong(p, "%s: %s", when, err.text);
		return;
	}
	if (s.damaged != 0)
		wrong(p, "%s: %" PRIu64 " damaged", when, s.damaged);
	for (size_t i = 0; i < p->nfacts; i++) {
		const struct fact *f = &p->facts[i];

		if (f->ok && !f->done && f->seen == 0)
			wrong(p, "%s: %" PRIx64 " is lost", when, f->id);
		if (f->seen > 1)
			wrong(p, "%s: %" PRIx64 " is there twice", when, f->id);
	}
}

static void
start_and_stop(struct proof *p, const char *directory)
{
	struct box b = { .options = p->box.options };
	struct spool_health h;

	b.options.directory = directory;
	b.spool = journal_open(&b.options, on_load, &b, &b.err);
	if (b.spool == NULL) {
		wrong(p, "start: %s", b.err.text);
		return;
	}
	spool_health(b.spool, &h);
	if (h.set_aside != 0)
		wrong(p, "start: %" PRIu64 " set aside", h.set_aside);
	spool_close(b.spool);
	box_forget_loaded(&b);
}

static void
try_state(struct proof *p, size_t prefix, uint64_t seed)
{
	char *directory = mem_printf("%s.state", p->box.directory);
	struct tape_choice c = { prefix, seed };

	p->why[0] = '\0';
	learn(p, prefix);
	p->choices += tape_restore(&p->tape, &c, directory);
	look(p, directory, "before");
	start_and_stop(p, directory);
	look(p, directory, "after");
	if (p->why[0] == '\0') {
		p->passed++;
	} else {
		if (p->failed++ < 20)
			(void)printf("# call %zu, seed %" PRIu64 ": %s\n",
			    prefix, seed, p->why);
	}
	remove_tree(directory);
	free(directory);
}

static uint64_t
from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

START_TEST(every_state_after_a_loss_of_power_keeps_the_promise)
{
	uint64_t states = from_environment("PROVE_STATES", STATES), each;
	uint64_t seed = from_environment("PROVE_SEED", 1);
	static struct proof p;

	random_now = seed;
	record(&p);
	each = states / p.tape.n + 1;
	for (size_t prefix = 0; prefix <= p.tape.n; prefix++) {
		/* A mark changes nothing on disk. */
		if (prefix > 0 && prefix < p.tape.n &&
		    p.tape.ops[prefix - 1].kind == TAPE_MARK &&
		    p.tape.ops[prefix].kind == TAPE_MARK)
			continue;
		for (uint64_t i = 0; i < each + 1; i++)
			try_state(&p, prefix,
			    i < 2 ? i : seed * 1000003 + prefix * 101 + i);
	}
	(void)printf("# crash states: %zu calls recorded, %" PRIu64
		     " unsynced ones chosen from: %" PRIu64 " passed, %" PRIu64
		     " failed\n",
	    p.tape.n, p.choices, p.passed, p.failed);
	(void)fflush(stdout);
	ck_assert_uint_eq(p.failed, 0);
	ck_assert_uint_gt(p.passed, states / 2);
	tape_clear(&p.tape);
	box_clear(&p.box);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_set_timeout(tc, 3600);
	tcase_add_test(tc, every_state_after_a_loss_of_power_keeps_the_promise);
}

SUITE_MAIN("prove_crash", fill)
