/* countries_look -> read_file, in the pool -> on_read: it is told */
#include "countries.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "io/countries.h"
#include "io/work.h"
#include "reload.h"

enum { LOOK_MS = 60000 };

/* One look, and all that it needs in the pool. */
struct job {
	struct country_watch *watch; /* borrowed: the relay outlives its loop */
	char *path; /* owned; or NULL */
	uint64_t seen, sees;
	bool failed; /* `err` says why */
	struct err err;
};

static void
read_file(void *arg)
{
	struct job *j = arg;

	j->sees = countries_mark(j->path);
	if (j->sees != j->seen)
		j->failed =
		    countries_open(j->watch->countries, j->path, &j->err) != 0;
}

static void
on_read(void *arg)
{
	struct job *j = arg;
	struct country_watch *w = j->watch;

	w->is_reading = false;
	w->seen = j->sees; /* a bad one is told once */
	if (j->failed)
		FACT(COUNTRIES_UNREADABLE, fact_string("why", j->err.text),
		    fact_string("keeping", "what was there before"));
	else if (j->sees != j->seen)
		FACT(COUNTRIES_READ,
		    fact_string("file", j->path == NULL ? "" : j->path));
	free(j->path);
	free(j);
}

void
countries_note(struct country_watch *w)
{
	w->looked_at = 0;
}

void
countries_look(struct country_watch *w, uint64_t now)
{
	const char *path = w->rooms->conf->countries;
	struct job *j;

	if (w->is_reading ||
	    (w->looked_at != 0 && now - w->looked_at < LOOK_MS))
		return;
	w->looked_at = now;
	j = MEM_NEW(struct job);
	j->watch = w;
	j->path = path == NULL ? NULL : mem_strdup(path);
	j->seen = w->seen;
	w->is_reading = true;
	work_run(w->loop, read_file, on_read, j);
}
