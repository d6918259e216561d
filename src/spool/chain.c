/*
 * Which files count. The newest one with a header is where the journal ended;
 * each header names the one before. Files that no header names are rolls that
 * never came to a first group, unless nobody is left who could name them.
 *
 *   01 <- 02 <- 03    05(names 03)    06(no header)
 *   counts            04: void        void: a roll that was cut short
 *
 * A header that is not valid is damage when records of that number follow it;
 * then the next lower file is taken for the one before.
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
#include "home_priv.h"
#include "keeper_priv.h"
#include "record_priv.h"
#include "recover_priv.h"
#include "segments_priv.h"

static void
add_link(struct chain *c, uint64_t number)
{
	if (c->n == c->cap) {
		c->cap = c->cap * 2 + 64;
		c->links = mem_realloc(c->links, c->cap * sizeof *c->links);
	}
	c->links[c->n++] =
	    (struct link){ .number = number, .fd = -1, .status = HEADER_BAD };
}

void
chain_clear(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->links[i].fd != -1)
			(void)close(c->links[i].fd);
	free(c->links);
	*c = (struct chain){ 0 };
}

/* A spare of another size, or with holes, is none. */
static bool
found_spare(struct recovery *r, const char *name)
{
	char spare[SPARE_NAME];
	struct stat st;

	for (int i = 0; i < SPARES; i++) {
		spare_name(i, spare);
		if (strcmp(name, spare) != 0)
			continue;
		if (fstatat(r->home->folder, name, &st, 0) != 0 ||
		    (uint64_t)st.st_size != r->home->segment_size ||
		    (uint64_t)st.st_blocks * 512 < r->home->segment_size)
			return false;
		keeper_found_spare(r->keeper, i);
		return true;
	}
	return false;
}

static void
found_segment(struct recovery *r, const char *name)
{
	uint64_t number;

	if (segment_name_parse(span_text(name), &number))
		add_link(&r->chain, number);
}

static void
found_other(struct recovery *r, const char *name)
{
	uint64_t number;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    segment_name_parse(span_text(name), &number) ||
	    found_spare(r, name))
		return;
	if (strcmp(name, "new") == 0 || strcmp(name, "fresh") == 0 ||
	    span_starts(span_text(name), SPAN("spare-"))) {
		if (r->home->read_only)
			return;
		(void)r->home->disk->unlink(
		    r->home->disk->arg, r->home->folder, name);
		return;
	}
	FACT(SPOOL_FOREIGN_FILE, fact_string("name", name));
}

static int
by_number(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int
each_name(
    struct recovery *r, void (*found)(struct recovery *r, const char *name))
{
	int fd =
	    openat(r->home->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd == -1)
		return err_errno(r->err, "open journal");
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return err_errno(r->err, "open journal");
	}
	while ((entry = readdir(dir)) != NULL)
		found(r, entry->d_name);
	(void)closedir(dir);
	return 0;
}

static int
read_header(struct recovery *r, struct link *l)
{
	const struct disk *d = r->home->disk;
	uint8_t page[SEGMENT_FIRST];
	char name[SEGMENT_NAME];
	struct stat st;
	int64_t n;

	segment_name(l->number, name);
	l->fd = d->open(d->arg, r->home->folder, name,
	    r->home->read_only ? O_RDONLY : O_RDWR);
	if (l->fd == -1 || fstat(l->fd, &st) != 0)
		return err_errno(r->err, "open journal/%s", name);
	l->size = (uint64_t)st.st_size;
	n = disk_read(d, l->fd, page, sizeof page, 0);
	l->status = n < 0 ? HEADER_BAD
			  : segment_header_decode(
				page, (size_t)n, l->number, &l->header);
	if (l->status == HEADER_NEWER)
		return err_set(r->err, -EPROTO,
		    "journal/%s was written by a newer Postern", name);
	return 0;
}

static bool
has_records(struct recovery *r, const struct link *l)
{
	struct record_area area;

	replay_load(r, l->fd, l->number, l->size);
	area = (struct record_area){ .bytes = r->bytes,
		.size = (size_t)l->size,
		.salt = r->segments->salt,
		.segment = l->number };
	return l->size > SEGMENT_FIRST &&
	       record_seek(&area, SEGMENT_FIRST) < area.size;
}

static struct link *
find(struct chain *c, uint64_t number)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->links[i].number == number)
			return &c->links[i];
	return NULL;
}

static void
complain(const struct link *l, const char *what)
{
	FACT(SPOOL_DAMAGED, fact_number("segment", l->number),
	    fact_string("reason", what));
}

/* The one before `l`, with what is known of its end; NULL: there is none. */
static struct link *
before(struct recovery *r, struct link *l)
{
	struct chain *c = &r->chain;
	struct link *lower = l > c->links ? l - 1 : NULL, *named;

	if (l->status != HEADER_OK) {
		complain(l, "its header cannot be read");
		(*r->set_aside)++;
		return lower;
	}
	if (l->header.before.number == 0)
		return NULL; /* the first: what is below came to nothing */
	named = find(c, l->header.before.number);
	if (named == NULL && lower != NULL) {
		/* Dropped segments leave nothing below them. */
		complain(l, "the segment before it is missing");
		(*r->set_aside)++;
		return lower;
	}
	if (named != NULL) {
		named->limited = true;
		named->limit = l->header.before;
	}
	return named;
}

static void
choose(struct recovery *r)
{
	struct chain *c = &r->chain;
	struct link *l = c->n == 0 ? NULL : &c->links[c->n - 1];

	while (l != NULL && l->status == HEADER_BAD && !has_records(r, l))
		l = l > c->links ? l - 1 : NULL;
	for (; l != NULL; l = before(r, l))
		l->counts = true;
}

static int
remove_void(struct recovery *r)
{
	const struct disk *d = r->home->disk;
	char name[SEGMENT_NAME];

	for (size_t i = 0; i < r->chain.n; i++) {
		const struct link *l = &r->chain.links[i];

		if (l->counts)
			continue;
		segment_name(l->number, name);
		if (d->unlink(d->arg, r->home->folder, name) != 0)
			return err_errno(r->err, "remove journal/%s", name);
		FACT(SPOOL_UNUSED, fact_number("segment", l->number));
	}
	return 0;
}

int
chain_read(struct recovery *r)
{
	struct chain *c = &r->chain;
	int rc = each_name(r, found_segment);

	if (c->n > 1)
		qsort(c->links, c->n, sizeof *c->links, by_number);
	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		struct link *l = &c->links[i];

		rc = read_header(r, l);
		if (rc != 0 || l->status != HEADER_OK)
			continue;
		r->segments->salt = l->header.salt;
		spool_id_seen(r->ids, l->header.last_id);
	}
	if (rc != 0)
		return rc;
	if (c->n > 0)
		r->segments->next_number = c->links[c->n - 1].number + 1;
	choose(r);
	return 0;
}

int
chain_find_spares(struct recovery *r)
{
	return each_name(r, found_other);
}

int
chain_clean(struct recovery *r)
{
	return r->home->read_only ? 0 : remove_void(r);
}
