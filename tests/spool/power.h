/*
 * power: a disk that keeps only what was synced. Every write, rename and unlink
 * is done at once, and its undoing written down until a sync covers it. When
 * the power goes, what is still written down is undone, each with a chance.
 */
#ifndef TESTS_SPOOL_POWER_H
#define TESTS_SPOOL_POWER_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "src/spool/disk_priv.h"

struct undo {
	struct list node;
	int fd; /* of the file, or of the folder; owned */
	ino_t inode;
	off_t at; /* of a write */
	size_t len;
	char *before; /* owned; NULL: a name */
	char *from, *to; /* owned; `to` NULL: it was made */
};

struct power {
	pthread_mutex_t lock;
	struct list undos; /* newest first */
	atomic_uint trash; /* numbers for what was unlinked */
};

static inline void
power_init(struct power *p)
{
	(void)pthread_mutex_init(&p->lock, NULL);
	list_init(&p->undos);
	atomic_init(&p->trash, 0);
}

static inline ino_t
inode_of(int fd)
{
	struct stat st = { 0 };

	(void)fstat(fd, &st);
	return st.st_ino;
}

static inline struct undo *
undo_new(int fd)
{
	struct undo *u = MEM_NEW(struct undo);

	u->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	u->inode = inode_of(fd);
	return u;
}

static inline void
undo_free(struct undo *u)
{
	list_remove(&u->node);
	(void)close(u->fd);
	free(u->before);
	free(u->from);
	free(u->to);
	free(u);
}

static inline void
undo_add(struct power *p, struct undo *u)
{
	(void)pthread_mutex_lock(&p->lock);
	list_prepend(&p->undos, &u->node);
	(void)pthread_mutex_unlock(&p->lock);
}

static inline void
undo_apply(const struct undo *u)
{
	if (u->before != NULL)
		(void)!pwrite(u->fd, u->before, u->len, u->at);
	else if (u->to != NULL)
		(void)renameat(u->fd, u->to, u->fd, u->from);
	else
		(void)unlinkat(u->fd, u->from, 0);
}

/* What the next pwritev() there will overwrite. */
static inline void
power_write(struct power *p, int fd, const struct iovec *v, int n, off_t at)
{
	struct undo *u = undo_new(fd);
	ssize_t got;

	for (int i = 0; i < n; i++)
		u->len += v[i].iov_len;
	u->at = at;
	u->before = mem_zalloc(1, u->len + 1);
	got = pread(fd, u->before, u->len, at);
	(void)got; /* behind the end there are zeros */
	undo_add(p, u);
}

static inline void
power_rename(struct power *p, int folder, const char *from, const char *to)
{
	struct undo *u = undo_new(folder);

	u->from = mem_strdup(from);
	u->to = mem_strdup(to);
	undo_add(p, u);
}

static inline void
power_made(struct power *p, int folder, const char *name)
{
	struct undo *u = undo_new(folder);

	u->from = mem_strdup(name);
	undo_add(p, u);
}

/* Instead of an unlink; the file waits under a name that means nothing. */
static inline int
power_unlink(struct power *p, int folder, const char *name)
{
	char trash[32];

	(void)snprintf(
	    trash, sizeof trash, ".trash-%u", atomic_fetch_add(&p->trash, 1));
	if (renameat(folder, name, folder, trash) != 0)
		return -1;
	power_rename(p, folder, name, trash);
	return 0;
}

/* A sync of that file or folder: done, or failed and the data gone. */
static inline void
power_sync(struct power *p, int fd, bool ok)
{
	ino_t inode = inode_of(fd);

	(void)pthread_mutex_lock(&p->lock);
	LIST_FOREACH_SAFE (node, tmp, &p->undos) {
		struct undo *u = LIST_ENTRY(node, struct undo, node);

		if (u->inode != inode)
			continue;
		/* Names stay in the cache, and the next sync may save them. */
		if (!ok && u->before == NULL)
			continue;
		if (!ok)
			undo_apply(u);
		undo_free(u);
	}
	(void)pthread_mutex_unlock(&p->lock);
}

/*
 * The power goes. Names are lost newest first, up to some point: file systems
 * keep their order. Of the writes any may be lost.
 */
static inline void
power_cut(struct power *p, unsigned chance)
{
	bool kept_name = false;

	LIST_FOREACH_SAFE (node, tmp, &p->undos) {
		struct undo *u = LIST_ENTRY(node, struct undo, node);
		bool keep;

		chance = chance * 1103515245u + 12345u;
		keep = (chance >> 16 & 1) != 0;
		if (u->before == NULL)
			kept_name = keep = keep || kept_name;
		if (!keep)
			undo_apply(u);
		undo_free(u);
	}
}

/* Forgets without undoing: the disk was well all the time. */
static inline void
power_clear(struct power *p)
{
	LIST_FOREACH_SAFE (node, tmp, &p->undos)
		undo_free(LIST_ENTRY(node, struct undo, node));
	(void)pthread_mutex_destroy(&p->lock);
}

#endif
