/*
 *   signer_ask -> [known: at once] -> a job in its account's line -> a place in the
 *   pool takes it by turns -> everybody who asked is told, each on the own loop
 *
 * A place (at the most PLACES of them) is one piece of work for the pool, which takes
 * job after job. After some it stands at the end of the pool's line again, because
 * logins and reads wait there, too.
 *
 * What is signed is the header as it leaves, and the body by its hash: that which was
 * taken as the message came in, or else it is taken here.
 */
#include "deliver/signer_io.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/work.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "sched/turns.h"
#include "sign/author.h"
#include "sign/body.h"
#include "sign/fields.h"
#include "sign/keyring.h"
#include "sign/keys.h"
#include "sign/signature.h"
#include "spool/content.h"

enum {
	PLACES = 2,
	AT_A_TIME = 16, /* jobs, before others of the pool have their turn */
	KEPT_MS = 60 * 1000, /* for the message's other transactions */
	KEPT_MOST = 1000,
	HEADER_MAX = 32 << 20,
	READ = 16 * 1024,
	BODY_READ = 64 * 1024,
};

/* Who waits for a job. */
struct asker {
	struct parcel parcel;
	struct list node; /* in the job's askers */
	struct loop *loop; /* borrowed: the asker's */
	signer_cb cb;
	void *arg;
	struct signature *signature; /* owned reference, when it is told */
};

struct job {
	struct turn turn;
	struct list node; /* in the signer's kept ones */
	struct list askers;
	uint64_t id;
	char *account; /* owned */
	struct content *content; /* owned reference, until it is done */
	unsigned char hash[BODY_HASH_SIZE]; /* of the body */
	bool has_hash;
	bool is_shared; /* the message may leave in several transactions */
	bool is_converted;
	bool is_done;
	struct signature *signature; /* owned reference; NULL: unsigned */
	uint32_t generation; /* of the keys */
	uint64_t done_at; /* ms */
};

struct signer {
	struct keys *keys; /* borrowed: outlive it */
	pthread_mutex_t lock; /* of all that follows */
	struct turns turns;
	/* By the message's id: as it came, and as it was converted. */
	struct map jobs[2];
	struct list kept; /* those that are done, the oldest first */
	unsigned nkept;
	unsigned places; /* in use */
};

struct place {
	struct signer *signer;
	struct loop *loop; /* where it was begun */
	bool goes_on; /* there may be more */
};

static void take_jobs(void *arg);
static void on_taken(void *arg);

struct signer *
signer_new(struct keys *keys)
{
	struct signer *s = MEM_NEW(struct signer);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	s->keys = keys;
	(void)pthread_mutex_init(&s->lock, NULL);
	turns_init(&s->turns);
	map_init(&s->jobs[false], seed);
	map_init(&s->jobs[true], seed);
	list_init(&s->kept);
	return s;
}

struct keys *
signer_keys(struct signer *s)
{
	return s == NULL ? NULL : s->keys;
}

static void
job_free(struct job *j)
{
	content_unref(j->content);
	signature_unref(j->signature);
	free(j->account);
	free(j);
}

/* The lock is held; so it is for all that takes a job out. */
static void
forget(struct signer *s, struct job *j)
{
	list_remove(&j->node);
	s->nkept--;
	(void)map_remove_u64(&s->jobs[j->is_converted], j->id);
	job_free(j);
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	assert(s->places == 0);
	LIST_FOREACH_SAFE (node, next, &s->kept)
		forget(s, LIST_ENTRY(node, struct job, node));
	for (int i = 0; i < 2; i++) {
		assert(s->jobs[i].count == 0);
		map_clear(&s->jobs[i]);
	}
	turns_clear(&s->turns);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

void
signer_sweep(struct signer *s, uint64_t now)
{
	uint32_t generation = keys_generation(s->keys);

	(void)pthread_mutex_lock(&s->lock);
	LIST_FOREACH_SAFE (node, next, &s->kept) {
		struct job *j = LIST_ENTRY(node, struct job, node);

		if (j->generation != generation || now - j->done_at > KEPT_MS)
			forget(s, j);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

/* --- asking --- */

/* The lock is held. The job of that message, unless its keys are not in force. */
static struct job *
find(struct signer *s, const struct signer_request *r)
{
	struct job *j = map_get_u64(&s->jobs[r->is_converted], r->env->id);

	if (j == NULL || !j->is_done ||
	    j->generation == keys_generation(s->keys))
		return j;
	forget(s, j);
	return NULL;
}

static void
add_asker(struct job *j, struct loop *loop, signer_cb cb, void *arg)
{
	struct asker *a = MEM_NEW(struct asker);

	a->loop = loop;
	a->cb = cb;
	a->arg = arg;
	list_append(&j->askers, &a->node);
}

static void
take_hash(struct job *j, const struct envelope *env)
{
	struct span hash = attrs_get(envelope_attrs(env), ATTR_BODY_HASH);

	j->has_hash = hash.len == BODY_HASH_SIZE;
	if (j->has_hash)
		memcpy(j->hash, hash.ptr, BODY_HASH_SIZE);
}

static struct job *
add_job(struct signer *s, const struct signer_request *r)
{
	const struct envelope *env = r->env;
	struct job *j = MEM_NEW(struct job);

	list_init(&j->node);
	list_init(&j->askers);
	j->id = env->id;
	j->account = mem_strdup(env->account);
	j->content = content_ref(r->content);
	j->is_shared = env->nrcpt > 1;
	j->is_converted = r->is_converted;
	/* That of the body as it came in says nothing of another one. */
	if (!r->is_converted)
		take_hash(j, env);
	(void)map_put_u64(&s->jobs[r->is_converted], j->id, j);
	turns_join(&s->turns, &j->turn, span_text(j->account), TURN_FIRST);
	return j;
}

static void
open_place(struct signer *s, struct loop *loop)
{
	struct place *p = MEM_NEW(struct place);

	p->signer = s;
	p->loop = loop;
	work_run(loop, take_jobs, on_taken, p);
}

bool
signer_ask(struct signer *s, const struct signer_request *r, struct loop *loop,
    signer_cb cb, void *arg, struct signature **now)
{
	bool is_done, wants_place = false;
	struct job *j;

	*now = NULL;
	if (s == NULL || !keys_are_active(s->keys))
		return true;
	(void)pthread_mutex_lock(&s->lock);
	j = find(s, r);
	if (j == NULL) {
		j = add_job(s, r);
		wants_place = s->places < PLACES;
		s->places += wants_place;
	}
	is_done = j->is_done;
	if (!is_done)
		add_asker(j, loop, cb, arg);
	else if (j->signature != NULL)
		*now = signature_ref(j->signature);
	(void)pthread_mutex_unlock(&s->lock);
	if (wants_place)
		open_place(s, loop);
	return is_done;
}

/* --- telling --- */

static void
open_answer(struct parcel *p)
{
	struct asker *a = (struct asker *)(void *)p;
	struct asker copy = *a;

	free(a);
	copy.cb(copy.signature, copy.arg);
}

/* The lock is held: nobody else may ask for it meanwhile. */
static void
tell_all(struct job *j)
{
	LIST_FOREACH_SAFE (node, next, &j->askers) {
		struct asker *a = LIST_ENTRY(node, struct asker, node);

		list_remove(&a->node);
		a->parcel.open = open_answer;
		if (j->signature != NULL)
			a->signature = signature_ref(j->signature);
		mailbox_post(a->loop, &a->parcel);
	}
}

static void
finish(struct signer *s, struct job *j)
{
	j->is_done = true;
	j->done_at = clock_us() / 1000;
	content_unref(j->content);
	j->content = NULL;
	tell_all(j);
	if (!j->is_shared) {
		(void)map_remove_u64(&s->jobs[j->is_converted], j->id);
		job_free(j);
		return;
	}
	list_append(&s->kept, &j->node);
	if (++s->nkept > KEPT_MOST)
		forget(s, LIST_ENTRY(s->kept.next, struct job, node));
}

/* --- in the pool: one job --- */

/* Content as a verifier will see it, and where its header ends. */
struct text {
	struct buf header; /* all that was read of the front */
	size_t end;
};

static const char *
read_header(const struct job *j, struct text *t, struct err *err)
{
	uint64_t size = content_size(j->content);
	size_t scanned = 0;
	enum header_end found = HEADER_MORE;

	t->header.max = HEADER_MAX;
	while (found == HEADER_MORE) {
		size_t at = buf_len(&t->header);
		char *to = buf_reserve(&t->header, READ);
		int64_t n;

		if (at >= size)
			return "its header has no end";
		if (to == NULL)
			return "its header is too long";
		n = content_read(j->content, at, to, READ, err);
		if (n <= 0)
			return n < 0 ? err->text : "its content is cut short";
		buf_added(&t->header, (size_t)n);
		found =
		    header_find_end(buf_span(&t->header), &scanned, &t->end);
	}
	return found == HEADER_BLANK ? NULL : "its header is none";
}

/* Of a message that came in before there were keys. */
static const char *
hash_body(struct job *j, const struct text *t, struct err *err)
{
	struct body_hash *h = body_hash_new();
	char *piece = mem_alloc(BODY_READ);
	uint64_t at = t->end;
	int64_t n;

	do {
		n = content_read(j->content, at, piece, BODY_READ, err);
		if (n > 0)
			body_hash_add(h, span_make(piece, (size_t)n));
		at += n > 0 ? (uint64_t)n : 0;
	} while (n > 0);
	free(piece);
	j->has_hash = n == 0 && body_hash_end(h, j->hash);
	body_hash_free(h);
	return j->has_hash ? NULL : n < 0 ? err->text : "OpenSSL failed";
}

/* RFC 5322 3.6.2: of several authors, the first for whom there is a key. */
static unsigned
find_keys(const struct keyring *ring, struct span from,
    struct key *out[KEYRING_SIGNERS_MAX])
{
	struct author_domain authors[AUTHORS_MAX];
	size_t n = authors_read(from, authors);
	unsigned nkeys = 0;

	for (size_t i = 0; i < n && nkeys == 0; i++)
		nkeys = keyring_signers(ring, authors[i].text, out);
	return nkeys;
}

/* NULL: signed, or nobody has a key for it. */
static const char *
sign(struct signer *s, struct job *j, const struct keyring *ring,
    struct text *t, struct fields *f, struct err *err)
{
	struct signature_request r = { .fields = f, .body_hash = j->hash };
	const char *fault = read_header(j, t, err);

	if (fault != NULL)
		return fault;
	if (!fields_read(span_to(buf_span(&t->header), t->end), f))
		return "its header has no From, or too many fields";
	r.nkeys = find_keys(ring, f->from, r.keys);
	if (r.nkeys == 0)
		return NULL;
	if (!j->has_hash)
		fault = hash_body(j, t, err);
	if (fault != NULL)
		return fault;
	r.now = wall_now() / 1000;
	r.expires = r.now + keys_lifetime(s->keys);
	j->signature = signature_make(&r, err);
	return j->signature == NULL ? err->text : NULL;
}

static void
run(struct signer *s, struct job *j)
{
	struct text t = { 0 };
	struct fields f = { 0 };
	struct keyring *ring;
	const char *fault;
	struct err err;

	/* Keys that change from here on make this signature an old one. */
	j->generation = keys_generation(s->keys);
	ring = keys_take(s->keys);
	fault = sign(s, j, ring, &t, &f, &err);
	if (fault != NULL)
		FACT(NOT_SIGNED, fact_id("qid", j->id),
		    fact_string("why", fault),
		    fact_string("next", "it leaves without a signature"));
	else if (j->signature != NULL)
		FACT(SIGNED, fact_id("qid", j->id),
		    fact_word("domain", signature_domain(j->signature)),
		    fact_string(
			"selectors", signature_selectors(j->signature)));
	fields_clear(&f);
	buf_clear(&t.header);
	keyring_unref(ring);
}

/* --- a place in the pool --- */

/* The next job, whosever turn it is; without one the place is given back. */
static struct job *
next_job(struct place *p)
{
	static const struct turns_place any = { 0 };
	struct signer *s = p->signer;
	struct turn *turn;

	(void)pthread_mutex_lock(&s->lock);
	turn = turns_take(&s->turns, &any);
	if (turn == NULL) {
		p->goes_on = false;
		s->places--;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return turn == NULL ? NULL : LIST_ENTRY(turn, struct job, turn);
}

static void
take_jobs(void *arg)
{
	struct place *p = arg;
	struct signer *s = p->signer;
	struct job *j;

	p->goes_on = true;
	for (int i = 0; i < AT_A_TIME; i++) {
		j = next_job(p);
		if (j == NULL)
			return;
		run(s, j);
		(void)pthread_mutex_lock(&s->lock);
		finish(s, j);
		(void)pthread_mutex_unlock(&s->lock);
	}
}

static void
on_taken(void *arg)
{
	struct place *p = arg;

	if (p->goes_on)
		work_run(p->loop, take_jobs, on_taken, p);
	else
		free(p);
}
