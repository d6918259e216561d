/*
 *   aliases_look: the file looks otherwise than before
 *     -> read_file, in the pool -> on_read: the workers get what is in it
 */
#include "aliases.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "crew/crew.h"
#include "facts/fact.h"
#include "io/work.h"
#include "policy/aliases.h"
#include "prepare/alias_file.h"
#include "reload.h"

enum { LOOK_MS = 3000 };

/* One reading, and all that it needs in the pool. */
struct job {
	struct alias_watch *watch; /* borrowed: the relay outlives its loop */
	char *path; /* owned */
	struct aliases *aliases; /* owned reference; NULL: `err` says why */
	struct err err;
};

static uint64_t
look_of(const struct conf *conf)
{
	return conf->aliases == NULL ? 0
				     : file_mark_path(FILE_MARK, conf->aliases);
}

void
aliases_note(struct alias_watch *w)
{
	w->seen = look_of(w->rooms->conf);
	if (*w->crew != NULL)
		crew_set_aliases(*w->crew, w->rooms->aliases);
}

static void
read_file(void *arg)
{
	struct job *j = arg;

	j->aliases = alias_file_read(j->path, &j->err);
}

/* A reload may have come between, with another file. */
static bool
is_current(const struct job *j)
{
	const struct conf *conf = j->watch->rooms->conf;

	return conf->aliases != NULL && strcmp(conf->aliases, j->path) == 0;
}

static void
on_read(void *arg)
{
	struct job *j = arg;
	struct rooms *rooms = j->watch->rooms;

	j->watch->is_reading = false;
	if (j->aliases == NULL) {
		FACT(ALIASES_UNREADABLE, fact_string("why", j->err.text),
		    fact_string("keeping", "the addresses as they were"));
	} else if (*j->watch->crew != NULL && is_current(j)) {
		FACT(ALIASES_READ, fact_string("file", j->path),
		    fact_number("addresses", aliases_count(j->aliases)));
		crew_set_aliases(*j->watch->crew, j->aliases);
		aliases_unref(rooms->aliases);
		rooms->aliases = aliases_ref(j->aliases);
	}
	aliases_unref(j->aliases);
	free(j->path);
	free(j);
}

void
aliases_look(struct alias_watch *w, uint64_t now)
{
	uint64_t look;
	struct job *j;

	if (w->is_reading || now - w->looked_at < LOOK_MS)
		return;
	w->looked_at = now;
	look = look_of(w->rooms->conf);
	if (look == w->seen)
		return;
	w->seen = look; /* a bad one is told once */
	if (look == 0)
		return;
	j = MEM_NEW(struct job);
	j->watch = w;
	j->path = mem_strdup(w->rooms->conf->aliases);
	w->is_reading = true;
	work_run(w->loop, read_file, on_read, j);
}
