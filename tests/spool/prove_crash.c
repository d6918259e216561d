/*
 * prove_crash: whatever a loss of power leaves, the promise holds.
 *
 * PROVE_STATES (1500) and PROVE_SEED (1) in the environment say how many, and
 * which.
 *
 * Records one workload, then makes states that a loss of power could have left:
 * every prefix of the disk's calls, with all of what was not synced lost, with
 * none of it, and with seeded subsets and torn pieces of it. In each it reads
 * the spool, opens it as a start does, and reads it again:
 *
 *   - what was answered with 250 and not delivered is there, once, unaltered;
 *   - what was delivered, and known to be recorded, is not;
 *   - nothing is there that nobody handed in; attempts and holds are kept, and
 *     none is there that nobody asked for;
 *   - a message that was replaced is there in one form: the new one, envelope,
 *     content, flags and rows, once that was answered, and one of the two before;
 *   - a start changes nothing of that, and finds no damage.
 *
 * The workload goes in turns. In each some transactions are open at once, small
 * ones and such with a file, and old messages are deferred, held, let go,
 * replaced, delivered and removed. In most turns the committer is held up (tape_shut())
 * until all of that waits for it, so that it becomes one group; in the others
 * it finds what it finds. A few messages stay for good, which makes reclaiming
 * copy them, in the same groups. The files of what is done serve again.
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
	MESSAGES = 100,
	AT_ONCE = 6, /* transactions */
	AGAIN_AT_ONCE = 2, /* messages that are replaced, beside those */
	FORMS = 5, /* that a message may have, one after the other */
	FORM_STEP =
	    101, /* from the number of one form's body to the next one's */
	STAY = 4, /* messages that nobody delivers */
	STATES = 1500,
	SEGMENT = 32 * 1024,
	INLINE = 4000, /* larger content is in a file */
};

/* ASKED: right before the call. RECORDED: a later group was answered. */
enum mark {
	MARK_BEGUN,
	MARK_OK,
	MARK_DONE_ASKED,
	MARK_DONE_RECORDED,
	MARK_TRIES_ASKED,
	MARK_TRIES_RECORDED,
	MARK_FLAGS_ASKED,
	MARK_FLAGS_RECORDED,
	MARK_FORM_ASKED,
	MARK_FORM_OK,
};

/* What is known of a message at some point of the tape. */
struct fact {
	uint64_t id;
	unsigned body;
	bool begun, ok, done, gone;
	uint32_t tries, most_tries;
	uint32_t flags, changes; /* `changes`: of flags, not known recorded */
	uint32_t form, last_form; /* answered, and asked for */
	/* in the state that is looked at */
	unsigned seen;
};

/* News that are on their way to the disk. */
struct pending {
	enum mark mark; /* once they are recorded */
	uint64_t id, value;
};

/* A message that waits, as the workload knows it. */
struct waiting {
	uint64_t id;
	uint32_t tries, form;
	unsigned n;
};

struct proof {
	struct tape tape;
	struct box box;
	struct fact facts[MESSAGES * 2];
	size_t nfacts;
	struct waiting waiting[MESSAGES];
	size_t nwaiting;
	struct pending pending[MESSAGES];
	size_t npending,
	    nsure; /* the first of them are recorded with a commit */
	size_t groups, most_in_group; /* that were laid ready */
	size_t larges, files; /* contents in files, and files made for them */
	size_t cuts; /* of files that were much too long */
	size_t replaced, old_forms,
	    new_forms; /* seen while that was not answered */
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
	/* Whose file is cut when it serves one of 6000. */
	if (n % 14 == 6)
		*len += 100 * 1000;
	body = mem_alloc(*len + 1);
	for (size_t i = 0; i < *len; i++)
		body[i] = (char)('A' + (n * 7 + i / 3) % 50);
	body[*len] = '\0';
	return body;
}

/* A transaction. */
struct open_one {
	struct spool_entry *entry;
	uint64_t id;
	unsigned n;
	uint32_t form; /* 0: as it comes in; else it replaces the one before */
	struct progress gone; /* who is taken out with it */
	bool large;
	char *body; /* owned; all owned until it is answered */
	size_t len;
	struct envelope *env;
	struct content *content;
	struct answer appended, answer;
};

static void
bring_body(struct proof *p, struct open_one *o)
{
	unsigned n = o->n + o->form * FORM_STEP;
	struct span front;
	char *head;

	o->id = spool_entry_id(o->entry);
	o->large = n % 9 == 4;
	o->body = make_body(n, &o->len);
	o->env = envelope_of(o->id, o->len, 2 + o->form);
	p->larges += o->large || o->len > INLINE;
	front = span_to(span_make(o->body, o->len), n % 4 * 100);
	head = span_dup(front);
	if (o->large) {
		struct buf some = { .max = 1 << 20 }, rest = some;
		size_t half = front.len + (o->len - front.len) / 2;

		(void)buf_append(&some, o->body + front.len, half - front.len);
		(void)buf_append(&rest, o->body + half, o->len - half);
		spool_entry_append_take(o->entry, &some, NULL, NULL);
		spool_entry_append_take(
		    o->entry, &rest, on_status, &o->appended);
		o->content = content_of(head, "", 0);
	} else {
		o->content =
		    content_of(head, o->body + front.len, o->len - front.len);
	}
	free(head);
}

static void
begin_one(struct proof *p, struct open_one *o, unsigned n)
{
	*o = (struct open_one){ .n = n };
	o->entry = spool_entry_open(p->box.spool, p->box.loop);
	tape_mark(&p->tape, MARK_BEGUN, spool_entry_id(o->entry), n);
	bring_body(p, o);
}

/* Each form has a recipient more, and is without the first one. */
static void
begin_again(struct proof *p, struct open_one *o, struct waiting *w)
{
	*o = (struct open_one){ .n = w->n,
		.form = ++w->form,
		.gone = { .rcpt = 0, .state = RCPT_REMOVED } };
	o->entry = spool_entry_replace(p->box.spool, p->box.loop, w->id);
	tape_mark(&p->tape, MARK_FORM_ASKED, w->id, o->form);
	bring_body(p, o);
}

static void
commit_one(struct open_one *o)
{
	if (o->form == 0)
		spool_commit(
		    o->entry, o->env, o->content, on_status, &o->answer);
	else
		spool_commit_again(o->entry, o->env, o->content,
		    &(struct spool_again){
			.news = &o->gone, .n = 1, .set = MESSAGE_QUARANTINED },
		    on_status, &o->answer);
}

static bool
is_waiting(const struct proof *p, uint64_t id)
{
	for (size_t i = 0; i < p->nwaiting; i++)
		if (p->waiting[i].id == id)
			return true;
	return false;
}

static void
end_one(struct proof *p, struct open_one *o)
{
	box_wait(&p->box, &o->answer);
	if (o->answer.status == SPOOL_ABSENT && o->form != 0)
		ck_assert(!is_waiting(p, o->id));
	else
		ck_assert_int_eq(o->answer.status, SPOOL_OK);
	if (o->form == 0) {
		tape_mark(&p->tape, MARK_OK, o->id, o->n);
		p->waiting[p->nwaiting++] =
		    (struct waiting){ .id = o->id, .n = o->n };
	} else if (o->answer.status == SPOOL_OK) {
		tape_mark(&p->tape, MARK_FORM_OK, o->id, o->form);
		p->replaced++;
	}
	content_unref(o->content);
	free(o->env);
	free(o->body);
}

static void
drop(struct proof *p, struct open_one *o)
{
	if (o->large)
		box_wait(&p->box, &o->appended);
	spool_entry_drop(o->entry);
	content_unref(o->content);
	free(o->env);
	free(o->body);
}

/*
 * A client that went away with its message half sent, and a message that was to be
 * replaced, and is not.
 */
static void
drop_some(struct proof *p)
{
	struct open_one o;

	begin_one(p, &o, 4);
	drop(p, &o);
	if (p->nwaiting > 0) {
		struct waiting w = p->waiting[draw((unsigned)p->nwaiting)];

		if (w.form == FORMS)
			return;
		begin_again(p, &o, &w);
		drop(p, &o);
	}
}

static void
pend(struct proof *p, enum mark mark, uint64_t id, uint64_t value)
{
	ck_assert_uint_lt(p->npending, MESSAGES);
	p->pending[p->npending++] = (struct pending){ mark, id, value };
}

static void
put_off(struct proof *p, struct waiting *w)
{
	struct progress row = { .rcpt = 1,
		.tries = ++w->tries,
		.last = 5,
		.due = 9,
		.reason = reason_of("451 4.7.1 later") };

	tape_mark(&p->tape, MARK_TRIES_ASKED, w->id, w->tries);
	spool_progress(p->box.spool, w->id, &row, 1);
	reason_unref(row.reason);
	pend(p, MARK_TRIES_RECORDED, w->id, w->tries);
}

static void
set_flags(struct proof *p, const struct waiting *w, uint32_t flags)
{
	if (w->form > 0)
		flags |= MESSAGE_QUARANTINED;
	tape_mark(&p->tape, MARK_FLAGS_ASKED, w->id, flags);
	spool_set_flags(p->box.spool, w->id, flags);
	pend(p, MARK_FLAGS_RECORDED, w->id, flags);
}

/* Delivered or removed: to the spool that is the same. */
static void
finish_some(struct proof *p, size_t which)
{
	uint64_t id = p->waiting[which].id;

	tape_mark(&p->tape, MARK_DONE_ASKED, id, 0);
	spool_done(p->box.spool, id);
	pend(p, MARK_DONE_RECORDED, id, 0);
	p->waiting[which] = p->waiting[--p->nwaiting];
}

/* Of those that wait any may be put off or held, but the first few stay. */
static void
give_news(struct proof *p, unsigned turn)
{
	if (p->nwaiting == 0)
		return;
	put_off(p, &p->waiting[draw((unsigned)p->nwaiting)]);
	if (turn % 3 != 0)
		set_flags(p, &p->waiting[draw((unsigned)p->nwaiting)],
		    turn % 3 == 1 ? MESSAGE_HELD : 0);
	for (unsigned i = draw(4); i > 0 && p->nwaiting > STAY + 2; i--)
		finish_some(p, STAY + draw((unsigned)p->nwaiting - STAY));
}

/* What was asked for before a group's last commit is recorded with it. */
static void
know_recorded(struct proof *p)
{
	size_t n = p->nsure;

	for (size_t i = 0; i < n; i++)
		tape_mark(&p->tape, (int)p->pending[i].mark, p->pending[i].id,
		    p->pending[i].value);
	p->npending -= n;
	memmove(p->pending, p->pending + n, p->npending * sizeof *p->pending);
}

static uint64_t
segment_of(struct proof *p, uint64_t id)
{
	struct journal *j = journal_of(p->box.spool);
	uint64_t number;

	(void)pthread_mutex_lock(&j->lock);
	number = index_get(&j->index, id)->segment->number;
	(void)pthread_mutex_unlock(&j->lock);
	return number;
}

static size_t
committer_has(struct journal *j)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&j->lock);
	LIST_FOREACH (it, &j->commits)
		n++;
	(void)pthread_mutex_unlock(&j->lock);
	return n;
}

static void
commit_all(struct proof *p, struct open_one *ones, size_t n, unsigned turn)
{
	for (size_t i = 0; i < n; i++) {
		/* Between two commits, too. */
		if (i == n / 2)
			give_news(p, turn);
		commit_one(&ones[i]);
	}
	p->nsure = p->npending;
}

/* While they are being replaced: not recorded before another group is. */
static void
give_news_meanwhile(struct proof *p, const struct open_one *ones, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; ones[i].form > 0 && k < p->nwaiting; k++)
			if (p->waiting[k].id == ones[i].id)
				put_off(p, &p->waiting[k]);
}

/*
 * The committer is caught at a write of news, and finds all of the turn when it
 * comes back.
 */
static void
commit_as_one(struct proof *p, struct open_one *ones, size_t n, unsigned turn)
{
	struct journal *j = journal_of(p->box.spool);

	tape_shut(&p->tape, j->committer);
	put_off(p, &p->waiting[0]);
	tape_wait_for_somebody(&p->tape);
	commit_all(p, ones, n, turn);
	while (committer_has(j) < n)
		(void)uv_run(loop_uv(p->box.loop), UV_RUN_NOWAIT);
	tape_let_one_pass(&p->tape);
	tape_wait_for_somebody(&p->tape);
	give_news_meanwhile(p, ones, n);
	tape_open_gate(&p->tape);
	p->groups++;
	if (n > p->most_in_group)
		p->most_in_group = n;
}

static bool
is_among(const struct open_one *ones, unsigned n, uint64_t id)
{
	for (unsigned i = 0; i < n; i++)
		if (ones[i].id == id)
			return true;
	return false;
}

/* Behind the `n` that come in; how many there are then. */
static unsigned
begin_some_again(struct proof *p, struct open_one *ones, unsigned n)
{
	for (unsigned i = 0; i < AGAIN_AT_ONCE && p->nwaiting > 0; i++) {
		/* Those that stay are copied by reclaiming, too. */
		size_t most =
		    draw(4) == 0 && p->nwaiting > STAY ? STAY : p->nwaiting;
		struct waiting *w = &p->waiting[draw((unsigned)most)];

		if (w->form < FORMS && !is_among(ones, n, w->id))
			begin_again(p, &ones[n++], w);
	}
	return n;
}

/* Among the others, not behind them. */
static void
mix(struct open_one *ones, unsigned n)
{
	for (unsigned i = n; i > 1; i--) {
		unsigned k = draw(i);
		struct open_one one = ones[i - 1];

		ones[i - 1] = ones[k];
		ones[k] = one;
	}
}

static unsigned
take_turn(struct proof *p, unsigned turn, unsigned n)
{
	struct open_one ones[AT_ONCE + AGAIN_AT_ONCE];
	unsigned come = 1 + draw(AT_ONCE), count;

	if (come > MESSAGES - n)
		come = MESSAGES - n;
	for (unsigned i = 0; i < come; i++)
		begin_one(p, &ones[i], n + i);
	count = begin_some_again(p, ones, come);
	if (turn % 5 == 2)
		drop_some(p);
	for (unsigned i = 0; i < count; i++)
		if (ones[i].large)
			box_wait(&p->box, &ones[i].appended);
	mix(ones, count);
	if (turn % 4 != 0 && p->nwaiting > 0)
		commit_as_one(p, ones, count, turn);
	else
		commit_all(p, ones, count, turn);
	for (unsigned i = 0; i < count; i++)
		end_one(p, &ones[i]);
	know_recorded(p);
	return come;
}

static void
work(struct proof *p)
{
	unsigned n = 0;

	for (unsigned turn = 0; n < MESSAGES; turn++)
		n += take_turn(p, turn, n);
	/* The oldest did not stay where it was. */
	ck_assert_uint_gt(segment_of(p, p->waiting[0].id), 1);
}

static void
record(struct proof *p)
{
	struct box *b = &p->box;
	struct spool_events on = { .message = on_load, .arg = b };

	box_init(b);
	b->options.segment_size = SEGMENT;
	b->options.inline_max = INLINE;
	tape_init(&p->tape, b->directory);
	b->spool = journal_open_on(&p->tape.disk, &b->options, &on, &b->err);
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
learn_one(struct fact *f, const struct tape_op *op)
{
	switch ((enum mark)op->mark) {
	case MARK_BEGUN:
		f->begun = true;
		f->body = (unsigned)op->value;
		break;
	case MARK_OK: f->ok = true; break;
	case MARK_DONE_ASKED: f->done = true; break;
	case MARK_DONE_RECORDED: f->gone = true; break;
	case MARK_TRIES_ASKED: f->most_tries = (uint32_t)op->value; break;
	case MARK_TRIES_RECORDED: f->tries = (uint32_t)op->value; break;
	case MARK_FLAGS_ASKED: f->changes++; break;
	case MARK_FLAGS_RECORDED:
		f->changes--;
		f->flags = (uint32_t)op->value;
		break;
	case MARK_FORM_ASKED: f->last_form = (uint32_t)op->value; break;
	case MARK_FORM_OK: f->form = (uint32_t)op->value; break;
	}
}

static void
learn(struct proof *p, size_t prefix)
{
	p->nfacts = 0;
	for (size_t i = 0; i < prefix; i++) {
		const struct tape_op *op = &p->tape.ops[i];
		struct fact *f;

		if (op->kind != TAPE_MARK)
			continue;
		f = fact_of(p, op->id);
		if (f == NULL) {
			f = &p->facts[p->nfacts++];
			*f = (struct fact){ .id = op->id };
		}
		learn_one(f, op);
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

/* Which of its forms it has, and whether all of it is of that one. */
static void
look_at_form(struct proof *p, const struct fact *f, const struct envelope *env,
    const struct progress *rows, uint32_t flags, const struct content *content)
{
	uint32_t form = env->nrcpt - 2;
	size_t len;
	char *body = make_body(f->body + form * FORM_STEP, &len);
	char *text = content_text(content);

	if (form < f->form)
		wrong(p, "%" PRIx64 " is an older one again", env->id);
	if (form > f->last_form)
		wrong(p, "%" PRIx64 " has another envelope", env->id);
	if (content_size(content) != len || memcmp(text, body, len) != 0)
		wrong(p, "%" PRIx64 " was altered", env->id);
	if ((rows[0].state == RCPT_REMOVED) != (form > 0))
		wrong(p, "%" PRIx64 " has a row of another form", env->id);
	if (form > 0 && (flags & MESSAGE_QUARANTINED) == 0)
		wrong(p, "%" PRIx64 " lost a flag of its form", env->id);
	for (uint32_t i = 2; i < env->nrcpt; i++)
		if (rows[i].tries != 0 || rows[i].state != RCPT_QUEUED)
			wrong(p, "%" PRIx64 " has a row too many", env->id);
	if (f->form != f->last_form) {
		p->old_forms += form == f->form;
		p->new_forms += form != f->form;
	}
	free(text);
	free(body);
}

static int
on_visit(const struct envelope *env, const struct progress *rows,
    uint32_t flags, const struct content *content, void *arg)
{
	struct proof *p = arg;
	struct fact *f = fact_of(p, env->id);

	if (f == NULL || !f->begun) {
		wrong(p, "%" PRIx64 " was never handed in", env->id);
		return 0;
	}
	f->seen++;
	if (strcmp(env->sender, "ann+list@example.test") != 0 ||
	    env->nrcpt < 2) {
		wrong(p, "%" PRIx64 " has another envelope", env->id);
		return 0;
	}
	look_at_form(p, f, env, rows, flags, content);
	if (f->tries > rows[1].tries)
		wrong(p, "%" PRIx64 " forgot an attempt", env->id);
	if (rows[1].tries > f->most_tries || rows[0].tries != 0)
		wrong(p, "%" PRIx64 " has an attempt too many", env->id);
	if (rows[1].tries > 0 &&
	    !reason_says(rows[1].reason, "451 4.7.1 later"))
		wrong(p, "%" PRIx64 " has another answer", env->id);
	if (f->changes == 0 && ((f->flags ^ flags) & MESSAGE_HELD) != 0)
		wrong(p, "%" PRIx64 " has other flags", env->id);
	if (f->gone)
		wrong(p, "%" PRIx64 " rose again", env->id);
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
	struct spool_events on = { .message = on_load, .arg = &b };
	struct spool_health h;

	b.options.directory = directory;
	b.spool = spool_open(&b.options, &on, &b.err);
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
	size_t calls = 0;
	static struct proof p;

	random_now = seed;
	record(&p);
	for (size_t i = 0; i < p.tape.n; i++) {
		calls += p.tape.ops[i].kind != TAPE_MARK;
		p.cuts += p.tape.ops[i].kind == TAPE_CUT;
		p.files += p.tape.ops[i].kind == TAPE_MAKE &&
			   p.tape.ops[i].folder == TAPE_CONTENT;
	}
	each = states / calls + 1;
	for (size_t prefix = 0; prefix <= p.tape.n; prefix++) {
		/* A mark changes nothing on disk. */
		if (prefix > 0 && prefix < p.tape.n &&
		    p.tape.ops[prefix - 1].kind == TAPE_MARK &&
		    p.tape.ops[prefix].kind == TAPE_MARK)
			continue;
		for (uint64_t i = 0; i < each; i++)
			try_state(&p, prefix,
			    i < 2 ? i : seed * 1000003 + prefix * 101 + i);
	}
	(void)printf(
	    "# crash states: %zu calls recorded, %zu groups laid ready "
	    "of up to %zu messages, %zu large contents in %zu files, cut %zu "
	    "times, %zu messages replaced (seen meanwhile: %zu old, %zu new), "
	    "%" PRIu64 " unsynced calls chosen from: %" PRIu64
	    " passed, %" PRIu64 " failed\n",
	    calls, p.groups, p.most_in_group, p.larges, p.files, p.cuts,
	    p.replaced, p.old_forms, p.new_forms, p.choices, p.passed,
	    p.failed);
	(void)fflush(stdout);
	ck_assert_uint_eq(p.failed, 0);
	ck_assert_uint_gt(p.passed, states / 2);
	ck_assert_uint_ge(p.most_in_group, AT_ONCE / 2);
	/* Some served twice. */
	ck_assert_uint_lt(p.files, p.larges);
	ck_assert_uint_gt(p.cuts, 0);
	/* Both are seen: a cut falls on each side of the record. */
	ck_assert_uint_gt(p.replaced, MESSAGES / 4);
	ck_assert_uint_gt(p.old_forms, 0);
	ck_assert_uint_gt(p.new_forms, 0);
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
