/*
 * A start. The segments that count are read in order, then content files are
 * compared with the messages that have one. What is damaged is kept for people,
 * told, and otherwise left out: the rest goes on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "content_file_priv.h"
#include "damaged_priv.h"
#include "home_priv.h"
#include "index_priv.h"
#include "recover_priv.h"
#include "segments_priv.h"

static void
tell_wounds(struct recovery *r)
{
	struct wound *w;
	size_t at = 0;

	while ((w = map_next(&r->wounds, &at)) != NULL) {
		bool is_lost;

		/* An older record of it may have been whole. */
		(void)pthread_mutex_lock(r->lock);
		is_lost = index_get(r->index, w->id) == NULL;
		(void)pthread_mutex_unlock(r->lock);
		if (is_lost) {
			(*r->set_aside)++;
			FACT(SPOOL_DAMAGED, fact_id("qid", w->id),
			    fact_number("segment", w->segment->number),
			    fact_number("offset", w->from),
			    fact_number("length", ((w->to - w->from))));
			damaged_keep(r->home, w->segment, w->from, w->to);
		}
		free(w);
	}
	map_clear(&r->wounds);
}

/* --- segments --- */

static struct segment *
take_link(struct recovery *r, struct link *l)
{
	struct segment *s = segment_new(l->fd, l->number, l->size);

	l->fd = -1;
	s->started = true;
	list_append(&r->segments->all, &s->node);
	r->segments->count++;
	r->segments->used_bytes += s->size;
	return s;
}

/*
 * What was read may be in the system's cache only, when the last process died
 * between its write and its sync. From here on it counts, so it has to stay.
 */
static int
keep_last(struct recovery *r)
{
	struct segment *s;

	if (list_is_empty(&r->segments->all) || r->home->read_only)
		return 0;
	s = LIST_ENTRY(r->segments->all.prev, struct segment, node);
	if (r->home->disk->sync(r->home->disk->arg, s->fd) != 0)
		return err_errno(r->err, "sync journal/%08llu",
		    (unsigned long long)s->number);
	return 0;
}

/* The next of the chain that counts, from `at` on; NULL: there is none. */
static struct link *
next_link(struct recovery *r, size_t *at)
{
	while (*at < r->chain.n) {
		struct link *l = &r->chain.links[(*at)++];

		if (l->counts)
			return l;
	}
	return NULL;
}

int
recover_begin(struct recovery *r)
{
	struct link *l;
	size_t at = 0;
	int rc;

	random_fill(&r->segments->salt, sizeof r->segments->salt);
	r->segments->next_number = 1;
	rc = chain_read(r);
	while (rc == 0 && (l = next_link(r, &at)) != NULL) {
		l->segment = take_link(r, l);
		r->nsegments++;
	}
	return rc;
}

static int
each_content(
    struct recovery *r, void (*see)(struct recovery *r, const char *name))
{
	int fd =
	    openat(r->home->contents, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return err_errno(r->err, "open content");
	}
	while ((entry = readdir(dir)) != NULL)
		see(r, entry->d_name);
	(void)closedir(dir);
	return 0;
}

/* A file may be of a message that was never finished, and newer than all. */
static void
see_id(struct recovery *r, const char *name)
{
	uint64_t id;

	if (qid_parse(span_text(name), &id))
		spool_id_seen(r->ids, id);
}

int
recover_tail(struct recovery *r)
{
	struct link *l, *last = NULL;
	size_t at = 0;
	int rc = 0;

	while ((l = next_link(r, &at)) != NULL)
		last = l;
	r->is_probe = true;
	if (last != NULL)
		rc = replay(r, last->segment, last, &r->segments->before);
	r->is_probe = false;
	if (rc == 0)
		rc = each_content(r, see_id);
	r->last_id = atomic_load(&r->ids->last_id);
	return rc != 0 ? rc : keep_last(r);
}

int
recover_read(struct recovery *r)
{
	struct link *l = next_link(r, &r->next);
	struct tail end;
	int rc;

	if (l == NULL)
		return 0;
	rc = replay(r, l->segment, l, &end);
	if (rc != 0)
		return rc;
	r->nread++;
	return 1;
}

/* --- content files --- */

/* Ids say when a message began to come in, not when it got its file. */
static bool
is_behind(const struct live *a, const struct live *b)
{
	return a->segment->number != b->segment->number
		   ? a->segment->number > b->segment->number
		   : a->offset > b->offset;
}

/*
 * Who has which file. Two can only name the same when the "done" of the one
 * that had it first was lost to damage: every record of the other is behind
 * that, so what is in the file is of the record that comes last.
 */
static void
map_file(struct recovery *r, struct live *live)
{
	struct live *other;

	if (live->file == NULL)
		return;
	other = map_put_u64(&r->files, live->file->stored.file, live);
	if (other != NULL && is_behind(other, live))
		(void)map_put_u64(&r->files, other->file->stored.file, other);
}

/* Of one segment after the other, so that nobody waits long for the lock. */
static void
map_files(struct recovery *r)
{
	struct link *l;
	size_t at = 0;

	while ((l = next_link(r, &at)) != NULL) {
		(void)pthread_mutex_lock(r->lock);
		LIST_FOREACH (node, &l->segment->live)
			map_file(r, LIST_ENTRY(node, struct live, node));
		(void)pthread_mutex_unlock(r->lock);
	}
}

static void
see_file(struct recovery *r, const char *name)
{
	struct live *live = NULL;
	struct stat st;
	uint64_t id;

	if (name[0] == '.')
		return;
	if (qid_parse(span_text(name), &id)) {
		if (id > r->last_id)
			return; /* it came since */
		live = map_get_u64(&r->files, id);
	}
	if (live != NULL) {
		/* It may be longer: it had another content before. */
		live->seen = fstatat(r->home->contents, name, &st, 0) == 0 &&
			     (uint64_t)st.st_size >= live->file->stored.size;
		if (!live->seen)
			damaged_move(r->home, name);
	} else if (*r->set_aside > 0) {
		/* Perhaps of a message whose record could not be read. */
		damaged_move(r->home, name);
	} else if (!r->home->read_only) {
		(void)r->home->disk->unlink(
		    r->home->disk->arg, r->home->contents, name);
	}
}

static int
see_files(struct recovery *r)
{
	int rc;

	map_files(r);
	rc = each_content(r, see_file);
	map_clear(&r->files);
	return rc;
}

/* Under the lock. */
static void
leave_out(struct recovery *r, struct live *live)
{
	FACT(SPOOL_DAMAGED, fact_id("qid", live->id),
	    fact_id("file", live->file->stored.file),
	    fact_string(
		"reason", "its content file is missing, cut, or another's"));
	(*r->set_aside)++;
	free(live->env);
	live->env = NULL;
	content_file_unref(index_remove(r->index, live));
}

int
recover_end(struct recovery *r)
{
	int rc = chain_clean(r);

	tell_wounds(r);
	return rc != 0 ? rc : see_files(r);
}

/* --- to the schedule --- */

static const struct progress *
fill_rows(struct rows_room *room, const struct live *live)
{

	if (live->nrcpt > room->cap) {
		room->cap = live->nrcpt;
		room->rows =
		    mem_realloc(room->rows, room->cap * sizeof *room->rows);
	}
	for (uint32_t i = 0; i < live->nrcpt; i++)
		room->rows[i] = row_get(&live->rows[i], i);
	return room->rows;
}

static int
by_id(const void *a, const void *b)
{
	const struct live *x = *(struct live *const *)a;
	const struct live *y = *(struct live *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

/*
 * Each finds its place in the schedule at the end. In the journal old ones that
 * reclaiming copied are behind young ones.
 */
struct live **
recover_order(struct recovery *r, size_t *n)
{
	struct live **all = NULL;
	bool sorted = true;
	size_t at = 0, cap = 0;
	struct link *l;

	*n = 0;
	while ((l = next_link(r, &at)) != NULL) {
		(void)pthread_mutex_lock(r->lock);
		if (*n + l->segment->count > cap) {
			cap = (*n + l->segment->count) * 2;
			all = mem_realloc(all, cap * sizeof *all);
		}
		LIST_FOREACH (node, &l->segment->live) {
			all[*n] = LIST_ENTRY(node, struct live, node);
			if (*n > 0 && all[*n]->id < all[*n - 1]->id)
				sorted = false;
			++*n;
		}
		(void)pthread_mutex_unlock(r->lock);
	}
	if (!sorted)
		qsort(all, *n, sizeof *all, by_id);
	return all;
}

void
recover_hand(struct recovery *r, struct live *live, struct rows_room *room,
    spool_load_cb load, void *arg)
{
	const struct progress *rows = NULL;
	struct envelope *env = NULL;
	uint32_t flags = 0;

	(void)pthread_mutex_lock(r->lock);
	if (live->file != NULL && !live->seen) {
		leave_out(r, live);
	} else {
		env = live->env;
		live->env = NULL;
		rows = fill_rows(room, live);
		flags = live->flags;
	}
	(void)pthread_mutex_unlock(r->lock);
	/* Nobody else knows the message yet: its rows stay what they are. */
	if (env != NULL)
		load(env, rows, flags, arg);
}

void
recover_drop(struct recovery *r)
{
	struct link *l;
	size_t at = 0;

	(void)pthread_mutex_lock(r->lock);
	while ((l = next_link(r, &at)) != NULL)
		LIST_FOREACH (node, &l->segment->live) {
			struct live *live = LIST_ENTRY(node, struct live, node);

			free(live->env);
			live->env = NULL;
		}
	(void)pthread_mutex_unlock(r->lock);
}

void
recover_clear(struct recovery *r)
{
	struct wound *w;
	size_t at = 0;

	while ((w = map_next(&r->wounds, &at)) != NULL)
		free(w);
	map_clear(&r->wounds);
	map_clear(&r->files);
	chain_clear(&r->chain);
	free(r->bytes);
}

/* All at once. */
int
recover(struct recovery *r, spool_load_cb load, void *arg)
{
	struct rows_room room = { 0 };
	struct live **all;
	size_t n;
	int rc = recover_begin(r);

	if (rc == 0)
		rc = recover_tail(r);
	while (rc == 0 && (rc = recover_read(r)) > 0)
		rc = 0;
	if (rc == 0)
		rc = chain_find_spares(r);
	if (rc == 0)
		rc = recover_end(r);
	if (rc != 0) {
		recover_drop(r);
		recover_clear(r);
		return rc;
	}
	all = recover_order(r, &n);
	for (size_t i = 0; i < n; i++)
		recover_hand(r, all[i], &room, load, arg);
	free(all);
	free(room.rows);
	recover_clear(r);
	return 0;
}
