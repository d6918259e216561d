/*
 *   standings_set   a row changes, and the version rises
 *   standings_save  a text is made of all rows -> run_write (pool) -> on_written: who
 *                   waited for that version is called; what changed meanwhile is
 *                   written next; after a fault, again in some seconds
 */
#include "standings_io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "io/work.h"

enum {
	FILE_MOST = 16 << 20,
	NAME_MOST = 1024,
	AGAIN_MS = 5000,
};

struct row {
	struct list node; /* in standings.rows */
	char *name; /* owned */
	enum ledger_standing standing;
};

struct waiter {
	struct list node;
	uint64_t version; /* that it waits for */
	ledger_recorded_cb cb;
	void *arg;
};

struct standings {
	char *path, *fresh, *folder; /* owned */
	pthread_mutex_t lock; /* of what comes next */
	struct map by_name;
	struct list rows;
	uint64_t version; /* of the rows */
	/* The loop's: */
	struct loop *loop; /* borrowed; NULL: nothing was saved yet */
	struct deadline *again; /* owned; NULL: there was no fault yet */
	struct list waiters;
	uint64_t saved; /* version that is in the file */
	bool is_writing, has_ended;
	/* The pool's, while it writes: */
	struct buf text;
	uint64_t writing;
	struct err err;
	int rc;
};

static const char head[] = "postern stopped 1\n";
static const struct {
	enum ledger_standing standing;
	const char *word;
} words[] = {
	{ LEDGER_STOPPED, "stopped " },
	{ LEDGER_BRAKED, "braked " },
};

static void run_write(void *arg);
static void on_written(void *arg);

/* --- the text --- */

/* One line of an account. False: it is none. */
static bool
take_line(struct span line, standing_cb each, void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct span word = span_text(words[i].word);
		struct span name = span_from(line, word.len);

		if (!span_starts(line, word) || name.len == 0 ||
		    name.len >= NAME_MOST || span_find(name, '\0') != name.len)
			continue;
		each(name, words[i].standing, arg);
		return true;
	}
	return false;
}

bool
standings_parse(struct span text, standing_cb each, void *arg)
{
	bool is_whole = span_starts(text, span_text(head));
	unsigned long n = 0;
	char end[32];

	if (is_whole)
		text = span_from(text, sizeof head - 1);
	while (!span_is_empty(text)) {
		struct span line = span_cut(&text, '\n');

		if (take_line(line, each, arg)) {
			n++;
			continue;
		}
		/* The last line says how many there are. */
		(void)snprintf(end, sizeof end, "end %lu", n);
		return is_whole && span_is_empty(text) &&
		       span_equal(line, span_text(end));
	}
	return false;
}

static void
write_text(struct standings *s, struct buf *out)
{
	unsigned long n = 0;

	buf_clear(out);
	out->max = FILE_MOST;
	(void)buf_append_text(out, head);
	LIST_FOREACH (node, &s->rows) {
		const struct row *row = LIST_ENTRY(node, struct row, node);

		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (words[i].standing == row->standing)
				(void)buf_printf(
				    out, "%s%s\n", words[i].word, row->name);
		n++;
	}
	(void)buf_printf(out, "end %lu\n", n);
}

/* --- rows --- */

struct standings *
standings_new(const char *path)
{
	struct standings *s = MEM_NEW(struct standings);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	map_init(&s->by_name, seed);
	(void)pthread_mutex_init(&s->lock, NULL);
	list_init(&s->rows);
	list_init(&s->waiters);
	s->path = mem_strdup(path);
	s->fresh = mem_printf("%s.new", path);
	s->folder = span_dup(
	    span_to(span_text(path), span_find_last(span_text(path), '/')));
	return s;
}

static void
remove_row(struct standings *s, struct row *row)
{
	(void)map_remove(&s->by_name, span_text(row->name));
	list_remove(&row->node);
	free(row->name);
	free(row);
}

static void
set(struct standings *s, struct span name, enum ledger_standing standing)
{
	struct row *row = map_get(&s->by_name, name);

	if (row != NULL && standing == LEDGER_IN_ORDER) {
		remove_row(s, row);
		return;
	}
	if (row == NULL && standing != LEDGER_IN_ORDER) {
		row = MEM_NEW(struct row);
		row->name = span_dup(name);
		list_append(&s->rows, &row->node);
		(void)map_put(&s->by_name, span_text(row->name), row);
	}
	if (row != NULL)
		row->standing = standing;
}

void
standings_set(
    struct standings *s, struct span name, enum ledger_standing standing)
{
	/* A line of the file is one name. */
	if (span_find(name, '\n') != name.len || name.len >= NAME_MOST)
		return;
	(void)pthread_mutex_lock(&s->lock);
	set(s, name, standing);
	s->version++;
	(void)pthread_mutex_unlock(&s->lock);
}

/* --- reading --- */

struct reading {
	struct standings *standings;
	standing_cb each;
	void *arg;
};

static void
on_row(struct span name, enum ledger_standing standing, void *arg)
{
	struct reading *r = arg;

	set(r->standings, name, standing);
	r->each(name, standing, r->arg);
}

bool
standings_read(struct standings *s, standing_cb each, void *arg)
{
	struct reading r = { s, each, arg };
	struct buf text = { 0 };
	bool is_whole = false;
	struct err err = { "it is not whole" };
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 && errno == ENOENT)
		return false;
	if (fd == -1)
		(void)err_errno(&err, "open");
	else if (file_read_all(fd, FILE_MOST, &text, &err) == 0)
		is_whole = standings_parse(buf_span(&text), on_row, &r);
	if (fd != -1)
		(void)close(fd);
	buf_clear(&text);
	if (!is_whole)
		FACT(STOPS_DAMAGED, fact_string("file", s->path),
		    fact_string("reason", err.text),
		    fact_string("means",
			"look with postern account show who is stopped still"));
	return is_whole;
}

/* --- writing --- */

static int
write_file(struct standings *s)
{
	int fd = open(s->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc;

	if (fd == -1)
		return err_errno(&s->err, "make %s", s->fresh);
	rc = file_write_all(fd, buf_span(&s->text), s->fresh, &s->err);
	if (rc == 0 && fsync(fd) == -1)
		rc = err_errno(&s->err, "sync %s", s->fresh);
	if (close(fd) == -1 && rc == 0)
		rc = err_errno(&s->err, "close %s", s->fresh);
	if (rc == 0 && rename(s->fresh, s->path) == -1)
		rc = err_errno(&s->err, "rename to %s", s->path);
	return rc == 0 ? file_sync_folder(s->folder, &s->err) : rc;
}

static void
run_write(void *arg)
{
	struct standings *s = arg;

	s->rc = write_file(s);
}

static void
prepare(struct standings *s)
{
	(void)pthread_mutex_lock(&s->lock);
	write_text(s, &s->text);
	s->writing = s->version;
	(void)pthread_mutex_unlock(&s->lock);
}

static void
start(struct standings *s)
{
	s->is_writing = true;
	prepare(s);
	work_run(s->loop, run_write, on_written, s);
}

/* Those who wait for that version, or an older one. */
static void
call_back(struct standings *s, uint64_t version, bool is_recorded)
{
	struct list called;

	list_init(&called);
	LIST_FOREACH_SAFE (node, next, &s->waiters) {
		if (LIST_ENTRY(node, struct waiter, node)->version > version)
			continue;
		list_remove(node);
		list_append(&called, node);
	}
	LIST_FOREACH_SAFE (node, next, &called) {
		struct waiter w = *LIST_ENTRY(node, struct waiter, node);

		free(LIST_ENTRY(node, struct waiter, node));
		w.cb(is_recorded, w.arg);
	}
}

static void
on_again(void *arg)
{
	struct standings *s = arg;

	if (!s->is_writing)
		start(s);
}

/* What became of the text that was tried. */
static void
note(struct standings *s)
{
	if (s->rc == 0) {
		s->saved = s->writing;
		return;
	}
	FACT(STOPS_NOT_KEPT, fact_string("file", s->path),
	    fact_string("reason", s->err.text),
	    fact_string(
		"means", "a restart may forget which accounts are stopped"));
}

/* At the end: on the loop's thread, which has nothing else to do then. */
static void
write_rest(struct standings *s)
{
	if (s->saved == s->version)
		return;
	prepare(s);
	run_write(s);
	note(s);
}

static void
on_written(void *arg)
{
	struct standings *s = arg;
	uint64_t tried = s->writing, now;
	bool is_recorded = s->rc == 0;

	s->is_writing = false;
	note(s);
	if (s->has_ended) {
		write_rest(s);
		return;
	}
	if (!is_recorded) {
		if (s->again == NULL)
			s->again = deadline_new(s->loop, on_again, s);
		deadline_set(s->again, AGAIN_MS);
	}
	(void)pthread_mutex_lock(&s->lock);
	now = s->version;
	(void)pthread_mutex_unlock(&s->lock);
	if (tried != now)
		start(s);
	call_back(s, tried, is_recorded);
}

void
standings_save(
    struct standings *s, struct loop *loop, ledger_recorded_cb cb, void *arg)
{
	struct waiter *w;

	assert(!s->has_ended);
	s->loop = loop;
	if (cb != NULL) {
		w = MEM_NEW(struct waiter);
		w->cb = cb;
		w->arg = arg;
		(void)pthread_mutex_lock(&s->lock);
		w->version = s->version;
		(void)pthread_mutex_unlock(&s->lock);
		list_append(&s->waiters, &w->node);
	}
	if (!s->is_writing)
		start(s);
}

void
standings_end(struct standings *s)
{
	s->has_ended = true;
	if (s->again != NULL)
		deadline_close(s->again);
	s->again = NULL;
	/* The pool writes what was set before it began; nobody sets any more. */
	if (!s->is_writing)
		write_rest(s);
	call_back(s, s->version, s->saved == s->version);
}

void
standings_free(struct standings *s)
{
	if (s == NULL)
		return;
	LIST_FOREACH_SAFE (node, next, &s->rows)
		remove_row(s, LIST_ENTRY(node, struct row, node));
	map_clear(&s->by_name);
	buf_clear(&s->text);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s->fresh);
	free(s->folder);
	free(s);
}
