/*
 * One round: what waits becomes one group, one write and one sync, and then
 * part of the index. In a group the order is: cancels, news, messages, copies.
 * News come before the copies that already have them, so that a start which
 * reads both ends with the newest state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "journal_priv.h"
#include "le_priv.h"
#include "mail/envelope.h"
#include "spool/content.h"

/* Bounds how long the clients in a group wait for each other. */
enum { GROUP_MAX = 4 * 1024 * 1024 };

/*
 * Makes sure that the group has room for `need` bytes more. The first record
 * of a group may open a new segment. 1, 0 when it has to wait, or -errno.
 */
static int
make_room(struct journal *j, uint64_t need)
{
	struct group *g = &j->group;
	struct segment *s = j->segments.current;
	int rc;

	if (!group_is_empty(g))
		return g->at + need <= s->size &&
		       g->at + need - g->start <= GROUP_MAX;
	if (s == NULL || s->end + need > s->size) {
		rc = roll(&j->segments, need, atomic_load(&j->base.last_id));
		if (rc != 0)
			return rc;
		s = j->segments.current;
	}
	group_begin(g, j->segments.salt, s->number, s->end,
	    s->started ? NULL : j->segments.front);
	return 1;
}

static int
add_cancels(struct journal *j)
{
	size_t len = j->ncancels * 8;
	int rc = make_room(j, group_record_size(len));
	uint8_t *p;

	if (rc < 0)
		return rc;
	p = group_record(&j->group, RECORD_CANCEL, 0, len);
	for (size_t i = 0; i < j->ncancels; i++)
		le_put64(p + i * 8, j->cancels[i].id);
	(void)group_record_end(&j->group, NULL, 0);
	return 0;
}

/* Returns like make_room(). */
static int
add_lazy(struct journal *j, struct lazy *lazy)
{
	int rc = make_room(j, group_record_size(lazy->length));
	uint8_t *p;

	if (rc <= 0)
		return rc;
	p = group_record(&j->group, lazy->type, lazy->id, lazy->length);
	if (lazy->length > 0)
		memcpy(p, lazy->payload, lazy->length);
	lazy->place = group_record_end(&j->group, NULL, 0);
	return 1;
}

static int
add_message(struct journal *j, const struct record_message *m,
    const struct span *content, int n, struct group_place *place)
{
	struct buf *form = &j->form;
	size_t own, len;
	int rc;

	buf_reset(form);
	record_message_encode(m, form);
	own = len = buf_len(form);
	for (int i = 0; i < n; i++)
		len += content[i].len;
	if (len > UINT32_MAX / 2)
		return -EFBIG;
	rc = make_room(j, group_record_size(len));
	if (rc <= 0)
		return rc;
	memcpy(group_record(&j->group, RECORD_MESSAGE, m->env->id, own),
	    buf_span(form).ptr, own);
	*place = group_record_end(&j->group, content, n);
	return 1;
}

static int
add_commit(struct journal *j, struct journal_entry *e)
{
	struct record_message m = {
		.env = e->env, .rows = e->live->rows, .flags = e->live->flags
	};
	struct span content[2];
	int n = 0;

	if (e->file != NULL) {
		m.stored = e->file->stored;
		content[n++] = journal_entry_head(e);
	} else if (e->content != NULL) {
		n = content_pieces(e->content, 0, content);
	}
	return add_message(j, &m, content, n, &e->place);
}

/* A copy that cannot be made now is made with another group. */
static int
add_copy(struct journal *j, struct copy *c)
{
	struct message_found found;
	struct record_message m;
	int rc;

	if (c->is_stale)
		return 1;
	rc = reclaim_read(j, c, &found);
	if (rc <= 0)
		return rc == -EBADMSG ? 1 : rc;
	rc = reclaim_read_words(j, c);
	if (rc <= 0) {
		message_found_clear(&found);
		return rc;
	}
	m = (struct record_message){ .env = found.env,
		.rows = c->rows,
		.flags = c->flags,
		.stored = found.stored };
	rc = add_message(j, &m, &found.content, 1, &c->place);
	c->added = rc == 1;
	message_found_clear(&found);
	return rc;
}

/* What did not fit goes back to where it came from, in front. */
static void
put_back(struct journal *j, struct list *queue, struct list *rest)
{
	(void)pthread_mutex_lock(&j->lock);
	list_splice(rest, queue);
	list_splice(queue, rest);
	(void)pthread_mutex_unlock(&j->lock);
}

static int
add_lazies(struct journal *j, struct round *r)
{
	struct list waiting, *node;
	int rc = 1;

	list_init(&waiting);
	list_splice(&waiting, &r->lazies);
	while (rc == 1 && (node = list_pop(&waiting)) != NULL) {
		rc = add_lazy(j, LIST_ENTRY(node, struct lazy, node));
		if (rc == 1)
			list_append(&r->lazies, node);
		else
			list_prepend(&waiting, node);
	}
	put_back(j, &j->lazies, &waiting);
	return rc;
}

static int
add_commits(struct journal *j, struct round *r)
{
	struct list waiting, *node;
	int rc = 1;

	list_init(&waiting);
	list_splice(&waiting, &r->commits);
	while (rc == 1 && (node = list_pop(&waiting)) != NULL) {
		rc =
		    add_commit(j, LIST_ENTRY(node, struct journal_entry, node));
		/* One that cannot be written at all must not come again. */
		if (rc != 0)
			list_append(&r->commits, node);
		else
			list_prepend(&waiting, node);
	}
	put_back(j, &j->commits, &waiting);
	return rc;
}

static int
fill(struct journal *j, struct round *r)
{
	int rc = r->resume ? add_cancels(j) : 0;

	if (rc < 0) {
		put_back(j, &j->lazies, &r->lazies);
		return rc;
	}
	rc = add_lazies(j, r);
	if (rc < 0) {
		put_back(j, &j->commits, &r->commits);
		return rc;
	}
	if (rc == 0)
		reclaim_clear(r); /* they have news that is not in yet */
	rc = add_commits(j, r);
	for (size_t i = 0; rc == 1 && i < r->ncopies; i++)
		rc = add_copy(j, &r->copies[i]);
	return rc < 0 ? rc : 0;
}

void
round_init(struct round *r)
{
	*r = (struct round){ 0 };
	list_init(&r->lazies);
	list_init(&r->commits);
	list_init(&r->freed);
}

int
round_write(struct journal *j, struct round *r)
{
	struct iovec *pieces;
	uint64_t at;
	size_t n;
	int rc;

	group_begin(&j->group, 0, 0, 0, NULL);
	rc = fill(j, r);
	if (rc != 0 || group_is_empty(&j->group))
		return rc;
	metric_add(METRIC_COMMIT_RECORDS, (int64_t)j->group.nheads);
	pieces = group_finish(&j->group, &n, &at);
	rc = direct_write(&j->segments, pieces, n, at);
	if (rc == 0)
		metric_add(METRIC_COMMITS, 1);
	return rc;
}

/* --- into the index --- */

static void
settle_progress(struct journal *j, const struct lazy *lazy)
{
	struct live *live = index_get(&j->index, lazy->id);

	if (live != NULL)
		index_settle_rows(&j->index, live, place_pending(lazy->serial),
		    place_of(j->segments.current, lazy->place.offset));
}

static void
settle_lazy(struct journal *j, struct lazy *lazy, struct list *freed)
{
	struct content_file *file = NULL;
	struct live *live = NULL;

	if (lazy->type == RECORD_PROGRESS)
		settle_progress(j, lazy);
	if (lazy->type == RECORD_DONE)
		live = index_get(&j->index, lazy->id);
	if (live != NULL)
		file = index_remove(&j->index, live);
	if (file != NULL)
		list_append(freed, &file->node);
	news_answer(lazy, SPOOL_OK);
	free(lazy);
}

static void
settle_commit(struct journal *j, struct journal_entry *e)
{
	struct live *live = e->live;

	e->live = NULL;
	live->segment = j->segments.current;
	live->offset = e->place.offset;
	live->length = e->place.length;
	live->file = e->file;
	e->file = NULL;
	if (live->file != NULL)
		content_file_keep_head(live->file, journal_entry_head(e));
	index_add_take(&j->index, live);
	if (e->is_done)
		index_mark_done(&j->index, live);
	index_settle_rows(
	    &j->index, live, 0, place_of(j->segments.current, live->offset));
	if (live->file != NULL)
		index_keep_warm(&j->index, live);
	if (e->base.appended == 0 && e->content != NULL &&
	    content_is_in_memory(e->content))
		index_hold(&j->index, live, e->content);
}

/*
 * Those that replace others, before news: what of these came before them is in their
 * records.
 */
static void
settle_again(struct journal *j, struct round *r)
{
	LIST_FOREACH (it, &r->commits) {
		struct journal_entry *e =
		    LIST_ENTRY(it, struct journal_entry, node);
		struct content_file *file;

		if (!e->base.replaces)
			continue;
		file = again_settle(j, e);
		if (file != NULL)
			list_append(&r->freed, &file->node);
		settle_commit(j, e);
	}
}

static void
start_segment(struct journal *j, struct segment *s)
{
	if (s->started)
		return;
	s->started = true;
	list_append(&j->segments.all, &s->node);
	j->segments.count++;
	j->segments.used_bytes += s->size;
}

void
round_settle(struct journal *j, struct round *r)
{
	struct list *node;

	if (group_is_empty(&j->group) && r->ncopies == 0)
		return;
	(void)pthread_mutex_lock(&j->lock);
	if (!group_is_empty(&j->group)) {
		start_segment(j, j->segments.current);
		j->segments.current->end = round_up(j->group.at, GROUP_ALIGN);
	}
	settle_again(j, r);
	while ((node = list_pop(&r->lazies)) != NULL)
		settle_lazy(j, LIST_ENTRY(node, struct lazy, node), &r->freed);
	LIST_FOREACH (it, &r->commits)
		if (!LIST_ENTRY(it, struct journal_entry, node)->base.replaces)
			settle_commit(
			    j, LIST_ENTRY(it, struct journal_entry, node));
	reclaim_settle(j, r);
	reclaim_drop_empty(j);
	(void)pthread_mutex_unlock(&j->lock);
	while ((node = list_pop(&r->freed)) != NULL)
		content_file_release_take(&j->files,
		    LIST_ENTRY(node, struct content_file, node), true);
}
