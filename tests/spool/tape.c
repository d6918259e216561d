#include "tests/spool/tape.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static const char *const folder_names[] = { "journal", "content" };

/* --- writing down --- */

static struct tape_op *
add(struct tape *t, enum tape_kind kind)
{
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 64;
		t->ops = mem_realloc(t->ops, t->cap * sizeof *t->ops);
	}
	t->ops[t->n] = (struct tape_op){ .kind = kind };
	return &t->ops[t->n++];
}

static uint64_t
inode_of(int fd)
{
	struct stat st = { 0 };

	(void)fstat(fd, &st);
	return st.st_ino;
}

/* By inode, the newest first: numbers come again when a file is gone. */
static int
file_of(struct tape *t, int fd)
{
	uint64_t inode = inode_of(fd);

	for (int i = t->nfiles; i-- > 0;)
		if (t->inodes[i] == inode)
			return i;
	return -1;
}

static int
folder_of(struct tape *t, int fd)
{
	uint64_t inode = inode_of(fd);

	for (int i = 0; i < TAPE_FOLDERS; i++) {
		if (t->folders[i] == 0) {
			char *path =
			    mem_printf("%s/%s", t->directory, folder_names[i]);
			struct stat st;

			if (stat(path, &st) == 0)
				t->folders[i] = st.st_ino;
			free(path);
		}
		if (t->folders[i] == inode)
			return i;
	}
	return -1;
}

static void
set_name(char out[32], const char *name)
{
	(void)snprintf(out, 32, "%s", name);
}

static int
tape_open(void *arg, int folder, const char *name, int flags)
{
	struct tape *t = arg;
	bool is_new =
	    (flags & O_CREAT) != 0 && faccessat(folder, name, F_OK, 0) != 0;
	int fd = disk_system.open(NULL, folder, name, flags);
	struct tape_op *op;

	if (fd == -1 || !is_new)
		return fd;
	(void)pthread_mutex_lock(&t->lock);
	op = add(t, TAPE_MAKE);
	op->folder = folder_of(t, folder);
	set_name(op->name, name);
	op->file = t->nfiles++;
	t->inodes =
	    mem_realloc(t->inodes, (size_t)t->nfiles * sizeof *t->inodes);
	t->inodes[op->file] = inode_of(fd);
	(void)pthread_mutex_unlock(&t->lock);
	return fd;
}

static void
pass_gate(struct tape *t)
{
	(void)pthread_mutex_lock(&t->lock);
	while (t->is_shut && !t->may_pass &&
	       pthread_equal(t->held, pthread_self())) {
		t->somebody_waits = true;
		(void)pthread_cond_broadcast(&t->turn);
		(void)pthread_cond_wait(&t->turn, &t->lock);
	}
	if (pthread_equal(t->held, pthread_self()))
		t->may_pass = false;
	(void)pthread_mutex_unlock(&t->lock);
}

static ssize_t
tape_pwritev(void *arg, int fd, const struct iovec *v, int n, off_t at)
{
	struct tape *t = arg;
	struct tape_op *op;
	uint64_t len = 0;
	ssize_t wrote;

	pass_gate(t);
	wrote = disk_system.pwritev(NULL, fd, v, n, at);
	if (wrote <= 0)
		return wrote;
	(void)pthread_mutex_lock(&t->lock);
	op = add(t, TAPE_WRITE);
	op->file = file_of(t, fd);
	op->at = (uint64_t)at;
	op->data = mem_alloc((size_t)wrote);
	for (int i = 0; i < n && len < (uint64_t)wrote; i++) {
		size_t some = v[i].iov_len;

		if (some > (uint64_t)wrote - len)
			some = (size_t)((uint64_t)wrote - len);
		memcpy(op->data + len, v[i].iov_base, some);
		len += some;
	}
	op->len = len;
	(void)pthread_mutex_unlock(&t->lock);
	return wrote;
}

static void
add_size(struct tape *t, enum tape_kind kind, int fd, off_t size)
{
	struct tape_op *op;

	(void)pthread_mutex_lock(&t->lock);
	op = add(t, kind);
	op->file = file_of(t, fd);
	op->len = (uint64_t)size;
	(void)pthread_mutex_unlock(&t->lock);
}

static int
tape_allocate(void *arg, int fd, off_t size)
{
	int rc = disk_system.allocate(NULL, fd, size);

	add_size(arg, TAPE_SIZE, fd, size);
	return rc;
}

static int
tape_truncate(void *arg, int fd, off_t size)
{
	int rc = disk_system.truncate(NULL, fd, size);

	add_size(arg, TAPE_CUT, fd, size);
	return rc;
}

/* The real sync is left out: the disk of the test never loses its power. */
static int
tape_sync(void *arg, int fd)
{
	struct tape *t = arg;
	struct tape_op *op;

	(void)pthread_mutex_lock(&t->lock);
	op = add(t, TAPE_SYNC);
	op->file = file_of(t, fd);
	(void)pthread_mutex_unlock(&t->lock);
	return 0;
}

static int
tape_sync_folder(void *arg, int fd)
{
	struct tape *t = arg;
	struct tape_op *op;

	(void)pthread_mutex_lock(&t->lock);
	op = add(t, TAPE_SYNC_FOLDER);
	op->folder = folder_of(t, fd);
	(void)pthread_mutex_unlock(&t->lock);
	return 0;
}

static int
tape_rename(
    void *arg, int folder, const char *from, int to_folder, const char *to)
{
	struct tape *t = arg;
	int rc = disk_system.rename(NULL, folder, from, to_folder, to);
	struct tape_op *op;

	assert(folder == to_folder);
	(void)pthread_mutex_lock(&t->lock);
	op = add(t, TAPE_RENAME);
	op->folder = folder_of(t, folder);
	set_name(op->name, from);
	set_name(op->to, to);
	(void)pthread_mutex_unlock(&t->lock);
	return rc;
}

static int
tape_unlink(void *arg, int folder, const char *name)
{
	struct tape *t = arg;
	int rc = disk_system.unlink(NULL, folder, name);
	struct tape_op *op;

	if (rc != 0)
		return rc;
	(void)pthread_mutex_lock(&t->lock);
	op = add(t, TAPE_UNLINK);
	op->folder = folder_of(t, folder);
	set_name(op->name, name);
	(void)pthread_mutex_unlock(&t->lock);
	return rc;
}

void
tape_init(struct tape *t, const char *directory)
{
	*t = (struct tape){ .disk = disk_system, .directory = directory };
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_cond_init(&t->turn, NULL);
	t->disk.open = tape_open;
	t->disk.pwritev = tape_pwritev;
	t->disk.allocate = tape_allocate;
	t->disk.truncate = tape_truncate;
	t->disk.sync = tape_sync;
	t->disk.sync_folder = tape_sync_folder;
	t->disk.rename = tape_rename;
	t->disk.unlink = tape_unlink;
	t->disk.arg = t;
}

void
tape_clear(struct tape *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->ops[i].data);
	free(t->ops);
	free(t->inodes);
	(void)pthread_cond_destroy(&t->turn);
	(void)pthread_mutex_destroy(&t->lock);
}

void
tape_mark(struct tape *t, int mark, uint64_t id, uint64_t value)
{
	struct tape_op *op;

	(void)pthread_mutex_lock(&t->lock);
	op = add(t, TAPE_MARK);
	op->mark = mark;
	op->id = id;
	op->value = value;
	(void)pthread_mutex_unlock(&t->lock);
}

void
tape_shut(struct tape *t, pthread_t thread)
{
	(void)pthread_mutex_lock(&t->lock);
	t->held = thread;
	t->is_shut = true;
	t->somebody_waits = false;
	(void)pthread_mutex_unlock(&t->lock);
}

void
tape_wait_for_somebody(struct tape *t)
{
	(void)pthread_mutex_lock(&t->lock);
	while (!t->somebody_waits)
		(void)pthread_cond_wait(&t->turn, &t->lock);
	(void)pthread_mutex_unlock(&t->lock);
}

void
tape_let_one_pass(struct tape *t)
{
	(void)pthread_mutex_lock(&t->lock);
	t->may_pass = true;
	t->somebody_waits = false;
	(void)pthread_cond_broadcast(&t->turn);
	(void)pthread_mutex_unlock(&t->lock);
}

void
tape_open_gate(struct tape *t)
{
	(void)pthread_mutex_lock(&t->lock);
	t->is_shut = false;
	(void)pthread_cond_broadcast(&t->turn);
	(void)pthread_mutex_unlock(&t->lock);
}

/* --- making a state --- */

struct file {
	uint8_t *data; /* owned */
	uint64_t size;
};

struct entry {
	int folder, file; /* file -1: no such name any more */
	char name[32];
};

struct state {
	struct file *files;
	struct entry *names;
	size_t nnames;
	uint64_t random;
	size_t choices;
};

static uint64_t
next_random(struct state *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static void
grow(struct file *f, uint64_t size)
{
	if (size <= f->size)
		return;
	f->data = mem_realloc(f->data, (size_t)size);
	memset(f->data + f->size, 0, (size_t)(size - f->size));
	f->size = size;
}

static void
put(struct file *f, const struct tape_op *op, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	grow(f, op->at + to);
	memcpy(f->data + op->at + from, op->data + from, (size_t)(to - from));
}

/* Whole, not at all, or torn: at a sector or anywhere, one part of it. */
static void
put_maybe(struct state *s, const struct tape_op *op, uint64_t seed)
{
	struct file *f = &s->files[op->file];
	uint64_t cut, r;

	s->choices++;
	if (seed < 2) {
		put(f, op, 0, seed == 1 ? op->len : 0);
		return;
	}
	r = next_random(s);
	cut = next_random(s) % (op->len + 1);
	if (r >> 8 & 1)
		cut -= (op->at + cut) % 512 <= cut ? (op->at + cut) % 512 : 0;
	switch (r & 7) {
	case 0:
	case 1: break;
	case 2:
	case 3:
	case 4: put(f, op, 0, op->len); break;
	case 5:
	case 6: put(f, op, 0, cut); break;
	case 7: put(f, op, cut, op->len); break;
	}
}

/* Done, or not yet. */
static void
cut_maybe(struct state *s, const struct tape_op *op, bool synced, uint64_t seed)
{
	struct file *f = &s->files[op->file];

	if (!synced) {
		s->choices++;
		if (seed == 0 || (seed > 1 && next_random(s) % 2 == 0))
			return;
	}
	if (f->size > op->len)
		f->size = op->len;
}

static struct entry *
find_name(struct state *s, int folder, const char *name)
{
	for (size_t i = 0; i < s->nnames; i++)
		if (s->names[i].folder == folder && s->names[i].file >= 0 &&
		    strcmp(s->names[i].name, name) == 0)
			return &s->names[i];
	return NULL;
}

static void
apply_name(struct state *s, const struct tape_op *op)
{
	struct entry *e = find_name(s, op->folder, op->name), *old;

	switch (op->kind) {
	case TAPE_MAKE:
		e = &s->names[s->nnames++];
		*e = (struct entry){ op->folder, op->file, "" };
		set_name(e->name, op->name);
		break;
	case TAPE_RENAME:
		if (e == NULL)
			break;
		old = find_name(s, op->folder, op->to);
		if (old != NULL)
			old->file = -1;
		set_name(e->name, op->to);
		break;
	case TAPE_UNLINK:
		if (e != NULL)
			e->file = -1;
		break;
	default: break;
	}
}

static bool
is_name(const struct tape_op *op)
{
	return op->kind == TAPE_MAKE || op->kind == TAPE_RENAME ||
	       op->kind == TAPE_UNLINK;
}

/* Where, up to `prefix`, the last sync of that file or folder stands. */
static size_t
last_sync(const struct tape *t, size_t prefix, enum tape_kind kind, int which)
{
	for (size_t i = prefix; i-- > 0;) {
		const struct tape_op *op = &t->ops[i];

		if (op->kind == kind &&
		    (kind == TAPE_SYNC ? op->file : op->folder) == which)
			return i;
	}
	return 0;
}

static void
apply_files(struct state *s, const struct tape *t, const struct tape_choice *c)
{
	size_t *synced = mem_zalloc((size_t)t->nfiles, sizeof *synced);

	for (int i = 0; i < t->nfiles; i++)
		synced[i] = last_sync(t, c->prefix, TAPE_SYNC, i);
	for (size_t i = 0; i < c->prefix; i++) {
		const struct tape_op *op = &t->ops[i];

		if (op->kind == TAPE_SIZE)
			grow(&s->files[op->file], op->len);
		if (op->kind == TAPE_CUT)
			cut_maybe(s, op, i < synced[op->file], c->seed);
		if (op->kind != TAPE_WRITE)
			continue;
		if (i < synced[op->file])
			put(&s->files[op->file], op, 0, op->len);
		else
			put_maybe(s, op, c->seed);
	}
	free(synced);
}

static void
apply_names(struct state *s, const struct tape *t, const struct tape_choice *c)
{
	bool lost[TAPE_FOLDERS] = { false };

	for (size_t i = 0; i < c->prefix; i++) {
		const struct tape_op *op = &t->ops[i];
		size_t synced;

		if (!is_name(op))
			continue;
		synced = last_sync(t, c->prefix, TAPE_SYNC_FOLDER, op->folder);
		if (i > synced || synced == 0) {
			s->choices++;
			if (c->seed == 0 ||
			    (c->seed > 1 && next_random(s) % 4 == 0))
				lost[op->folder] = true;
		}
		if (!lost[op->folder])
			apply_name(s, op);
	}
}

static void
write_files(const struct state *s, const char *directory)
{
	for (size_t i = 0; i < s->nnames; i++) {
		const struct entry *e = &s->names[i];
		char *path;
		FILE *f;

		if (e->file < 0)
			continue;
		path = mem_printf(
		    "%s/%s/%s", directory, folder_names[e->folder], e->name);
		f = fopen(path, "we");
		assert(f != NULL);
		if (s->files[e->file].size > 0)
			(void)fwrite(s->files[e->file].data, 1,
			    (size_t)s->files[e->file].size, f);
		(void)fclose(f);
		free(path);
	}
}

size_t
tape_restore(
    const struct tape *t, const struct tape_choice *c, const char *directory)
{
	struct state s = { .random = c->seed * 0x9e3779b97f4a7c15ULL + 1 };

	s.files = mem_zalloc((size_t)t->nfiles, sizeof *s.files);
	s.names = mem_zalloc(t->n + 1, sizeof *s.names);
	(void)mkdir(directory, 0700);
	for (int i = 0; i < TAPE_FOLDERS; i++) {
		char *path = mem_printf("%s/%s", directory, folder_names[i]);

		(void)mkdir(path, 0700);
		free(path);
	}
	apply_files(&s, t, c);
	apply_names(&s, t, c);
	write_files(&s, directory);
	for (int i = 0; i < t->nfiles; i++)
		free(s.files[i].data);
	free(s.files);
	free(s.names);
	return s.choices;
}
