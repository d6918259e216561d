/*
 * fixture: a spool in a folder of its own, a loop that is turned by hand until
 * an answer is there, and a disk whose n-th call fails.
 */
#ifndef TESTS_SPOOL_FIXTURE_H
#define TESTS_SPOOL_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "io/loop.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "spool/content.h"
#include "spool/spool.h"
#include "src/spool/disk_priv.h"
#include "src/spool/journal_priv.h"
#include "src/spool/record_priv.h"
#include "tests/lib/suite.h"
#include "tests/spool/power.h"

/* --- a disk that fails --- */

struct fault {
	struct disk disk; /* counts, and calls the system */
	struct power power;
	atomic_int calls; /* that change something */
	atomic_int fail_at; /* 0: never */
	int fail_for; /* so many calls, from that one on */
	int error;
	bool is_dead; /* failing means that nothing happens at all any more */
	bool is_full; /* statvfs has nothing left */
};

static inline bool
fault_hits(struct fault *f)
{
	int call = atomic_fetch_add(&f->calls, 1) + 1;
	int fail_at = atomic_load(&f->fail_at);

	if (fail_at == 0 || call < fail_at || call >= fail_at + f->fail_for)
		return false;
	errno = f->error;
	return true;
}

static inline int
fault_open(void *arg, int folder, const char *name, int flags)
{
	struct fault *f = arg;
	bool is_new =
	    (flags & O_CREAT) != 0 && faccessat(folder, name, F_OK, 0) != 0;
	int fd;

	if ((flags & O_CREAT) != 0 && fault_hits(f))
		return -1;
	fd = disk_system.open(NULL, folder, name, flags);
	if (fd != -1 && is_new)
		power_made(&f->power, folder, name);
	return fd;
}

/* A write that fails has written some of it, as disks do. */
static inline ssize_t
fault_pwritev(void *arg, int fd, const struct iovec *v, int n, off_t at)
{
	struct fault *f = arg;
	bool hit = fault_hits(f);

	if (hit && f->is_dead)
		return -1;
	power_write(&f->power, fd, v, n, at);
	/* Now and then a write takes only a part, as it may. */
	if (!hit && v[0].iov_len > 1 && atomic_load(&f->calls) % 7 == 3)
		return pwrite(fd, v[0].iov_base, v[0].iov_len / 2, at);
	if (!hit)
		return disk_system.pwritev(NULL, fd, v, n, at);
	(void)!pwrite(fd, v[0].iov_base, v[0].iov_len, at);
	errno = f->error;
	return -1;
}

static inline int
fault_allocate(void *arg, int fd, off_t size)
{
	return fault_hits(arg) ? -1 : disk_system.allocate(NULL, fd, size);
}

static inline int
fault_truncate(void *arg, int fd, off_t size)
{
	return fault_hits(arg) ? -1 : disk_system.truncate(NULL, fd, size);
}

/* A sync that fails has lost the data. */
static inline int
fault_sync(void *arg, int fd)
{
	struct fault *f = arg;
	bool hit = fault_hits(f);

	if (hit && f->is_dead)
		return -1;
	power_sync(&f->power, fd, !hit);
	if (!hit)
		return 0;
	errno = f->error;
	return -1;
}

static inline int
fault_rename(
    void *arg, int folder, const char *from, int to_folder, const char *to)
{
	struct fault *f = arg;

	if (fault_hits(f))
		return -1;
	/* A name that is replaced could not be undone. */
	if (faccessat(to_folder, to, F_OK, 0) == 0)
		(void)power_unlink(&f->power, to_folder, to);
	power_rename(&f->power, folder, from, to);
	return disk_system.rename(NULL, folder, from, to_folder, to);
}

static inline int
fault_unlink(void *arg, int folder, const char *name)
{
	struct fault *f = arg;

	if (fault_hits(f))
		return -1;
	return power_unlink(&f->power, folder, name);
}

static inline int
fault_statvfs(void *arg, int fd, struct statvfs *out)
{
	int rc = disk_system.statvfs(NULL, fd, out);

	if (((struct fault *)arg)->is_full)
		out->f_bavail = 1;
	return rc;
}

static inline void
fault_init(struct fault *f)
{
	*f = (struct fault){ 0 };
	power_init(&f->power);
	f->disk = disk_system;
	f->disk.open = fault_open;
	f->disk.pwritev = fault_pwritev;
	f->disk.allocate = fault_allocate;
	f->disk.truncate = fault_truncate;
	f->disk.sync = fault_sync;
	f->disk.sync_folder = fault_sync;
	f->disk.rename = fault_rename;
	f->disk.unlink = fault_unlink;
	f->disk.statvfs = fault_statvfs;
	f->disk.arg = f;
	f->fail_for = 1;
	f->error = EIO;
}

/* --- the box --- */

struct loaded {
	struct envelope *env;
	struct progress *rows; /* with references of their own */
	uint32_t flags;
};

struct box {
	char directory[64];
	struct spool_options options;
	struct fault fault;
	struct loop *loop;
	struct spool *spool;
	void (*on_loaded)(int rc, const struct err *err, void *arg);
	struct loaded *loaded;
	size_t nloaded;
	struct err err;
};

/* A reason of one line in our words. */
static inline struct reason *
reason_of(const char *what)
{
	struct words w = { .status = SPAN("4.0.0"), .what = span_text(what) };

	return reason_new(&w);
}

static inline bool
reason_says(const struct reason *r, const char *what)
{
	return span_equal(reason_words(r).what, span_text(what));
}

/* What a callback brought. */
struct answer {
	bool is_there;
	enum spool_status status;
	struct content *content;
};

static inline void
on_load(struct envelope *env, const struct progress *rcpts, uint32_t flags,
    void *arg)
{
	struct box *b = arg;
	struct loaded *l;

	b->loaded =
	    mem_realloc(b->loaded, (b->nloaded + 1) * sizeof *b->loaded);
	l = &b->loaded[b->nloaded++];
	l->env = env;
	l->flags = flags;
	l->rows =
	    env->nrcpt == 0 ? NULL : mem_dup(rcpts, env->nrcpt * sizeof *rcpts);
	for (uint32_t i = 0; i < env->nrcpt; i++)
		(void)reason_ref(l->rows[i].reason);
}

static inline void
box_forget_loaded(struct box *b)
{
	for (size_t i = 0; i < b->nloaded; i++) {
		for (uint32_t k = 0; k < b->loaded[i].env->nrcpt; k++)
			reason_unref(b->loaded[i].rows[k].reason);
		free(b->loaded[i].rows);
		free(b->loaded[i].env);
	}
	free(b->loaded);
	b->loaded = NULL;
	b->nloaded = 0;
}

static inline bool
box_open(struct box *b)
{
	struct spool_events on = {
		.message = on_load, .loaded = b->on_loaded, .arg = b
	};

	box_forget_loaded(b);
	b->spool = journal_open_on(&b->fault.disk, &b->options, &on, &b->err);
	return b->spool != NULL;
}

static inline void
box_close(struct box *b)
{
	if (b->spool != NULL)
		spool_close(b->spool);
	b->spool = NULL;
}

static inline void
box_reopen(struct box *b)
{
	box_close(b);
	ck_assert_msg(box_open(b), "%s", b->err.text);
}

/* A folder and a loop; nothing is open yet. */
static inline void
box_init(struct box *b)
{
	const char *tmp = getenv("TMPDIR");

	*b = (struct box){ 0 };
	(void)snprintf(b->directory, sizeof b->directory, "%.40s/spool-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	ck_assert(mkdtemp(b->directory) != NULL);
	b->options.directory = b->directory;
	b->options.segment_size = 64 * 1024;
	b->options.lazy_ms = 1;
	fault_init(&b->fault);
	b->loop = loop_new();
}

static inline void
remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char *name;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		name = mem_printf("%s/%s", path, entry->d_name);
		if (unlink(name) != 0)
			remove_tree(name);
		free(name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(path);
}

static inline void
box_clear(struct box *b)
{
	box_close(b);
	box_forget_loaded(b);
	power_clear(&b->fault.power);
	loop_free(b->loop);
	remove_tree(b->directory);
}

static inline const struct loaded *
box_loaded(const struct box *b, uint64_t id)
{
	for (size_t i = 0; i < b->nloaded; i++)
		if (b->loaded[i].env->id == id)
			return &b->loaded[i];
	return NULL;
}

/* The files of a folder of the spool. */
static inline size_t
box_count(const struct box *b, const char *folder)
{
	char *path = mem_printf("%s/%s", b->directory, folder);
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	if (dir != NULL)
		(void)closedir(dir);
	free(path);
	return n;
}

/* Of the file that was made for message `id`; the caller's to free. */
static inline char *
box_content_path(const struct box *b, uint64_t id)
{
	return mem_printf("%s/content/%s", b->directory, qid_format(id).text);
}

/* --- asking and waiting --- */

static inline void
on_status(enum spool_status status, void *arg)
{
	struct answer *a = arg;

	ck_assert(!a->is_there);
	a->is_there = true;
	a->status = status;
}

static inline void
on_content(enum spool_status status, struct content *content, void *arg)
{
	struct answer *a = arg;

	on_status(status, arg);
	a->content = content;
}

static inline void
box_wait(struct box *b, const struct answer *a)
{
	while (!a->is_there)
		(void)uv_run(loop_uv(b->loop), UV_RUN_ONCE);
}

static inline struct content *
content_of(const char *head, const char *body, size_t len)
{
	struct buf h = { .max = SIZE_MAX / 2 }, t = { .max = SIZE_MAX / 2 };

	(void)buf_append_text(&h, head);
	(void)buf_append(&t, body, len);
	return content_new_take(&h, &t);
}

static inline struct envelope *
envelope_of(uint64_t id, uint64_t size, uint32_t nrcpt)
{
	struct span rcpt[8];

	for (uint32_t i = 0; i < nrcpt; i++)
		rcpt[i] = i == 0 ? SPAN("one@example.test")
				 : SPAN("other@example.test");
	return envelope_new(&(struct envelope_parts){
	    .id = id,
	    .size = size,
	    .arrived = 1234567890123,
	    .flags = ENVELOPE_8BIT,
	    .nrcpt = nrcpt,
	    .account = SPAN("ann@example.test"),
	    .sender = SPAN("ann+list@example.test"),
	    .rcpt = rcpt,
	});
}

/* A message under way. */
struct sent {
	struct answer answer;
	struct envelope *env;
	struct content *content;
	uint64_t id;
};

static inline void
box_send(struct box *b, struct sent *s, const char *body, size_t len)
{
	struct spool_entry *e = spool_entry_open(b->spool, b->loop);

	*s = (struct sent){ .id = spool_entry_id(e) };
	s->content = content_of("Received: test\r\n", body, len);
	s->env = envelope_of(s->id, content_size(s->content), 2);
	spool_commit(e, s->env, s->content, on_status, &s->answer);
}

static inline enum spool_status
box_sent(struct box *b, struct sent *s)
{
	box_wait(b, &s->answer);
	content_unref(s->content);
	free(s->env);
	s->content = NULL;
	s->env = NULL;
	return s->answer.status;
}

/* Stores one message; its id, or 0 when it was not taken. */
static inline uint64_t
box_store(struct box *b, const char *body)
{
	struct sent s;

	box_send(b, &s, body, strlen(body));
	return box_sent(b, &s) == SPOOL_OK ? s.id : 0;
}

static inline struct answer
box_fetch(struct box *b, uint64_t id)
{
	struct answer a = { 0 };

	spool_fetch(b->spool, id, b->loop, on_content, &a);
	box_wait(b, &a);
	return a;
}

static inline char *
content_text(const struct content *c)
{
	size_t size = (size_t)content_size(c), at = 0;
	char *text = mem_zalloc(1, size + 1);
	struct err err;

	while (at < size) {
		int64_t n = content_read(c, at, text + at, size - at, &err);

		ck_assert(n > 0);
		at += (size_t)n;
	}
	return text;
}

/* Asserts that the message's content ends with that body. */
static inline void
box_expect(struct box *b, uint64_t id, const char *body)
{
	struct answer a = box_fetch(b, id);
	char *text;

	ck_assert_int_eq(a.status, SPOOL_OK);
	text = content_text(a.content);
	ck_assert_uint_ge(strlen(text), strlen(body));
	ck_assert_str_eq(text + strlen(text) - strlen(body), body);
	content_unref(a.content);
	free(text);
}

#endif
