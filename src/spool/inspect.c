/*
 * Reads a spool as a start does, with home.read_only set: recover() then
 * removes, moves and syncs nothing. Content is read back message by message.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "journal_priv.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "record_priv.h"
#include "recover_priv.h"
#include "spool/content.h"
#include "spool/offline.h"

struct inspection {
	struct journal *journal; /* a reference */
	spool_visit_cb visit;
	void *arg;
	struct spool_summary *summary; /* borrowed: the caller's */
	int rc; /* of the first visit that wanted to end */
};

static int
open_folders(struct journal *j, struct err *err)
{
	j->home.root =
	    open(j->home.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->home.root == -1)
		return err_errno(err, "open");
	j->home.folder =
	    openat(j->home.root, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->home.folder == -1)
		return err_errno(err, "open journal");
	j->home.contents =
	    openat(j->home.root, "content", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->home.contents == -1)
		return err_errno(err, "open content");
	return 0;
}

/* A daemon would write under our eyes. Without a lock file none ever ran. */
static int
take_lock(struct journal *j, struct err *err)
{
	j->lock_file = openat(j->home.root, "lock", O_RDONLY | O_CLOEXEC);
	if (j->lock_file == -1)
		return errno == ENOENT ? 0 : err_errno(err, "open lock");
	if (flock(j->lock_file, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return err_set(err, -EBUSY,
	    "in use by a running posternd; stop it "
	    "first");
}

static void
on_message(struct envelope *env, const struct progress *rcpts, uint32_t flags,
    void *arg)
{
	struct inspection *in = arg;
	struct live *live = index_get(&in->journal->index, env->id);
	struct content *content = NULL;
	struct err err;

	if (in->rc == 0)
		content = journal_read_content(in->journal, live->segment,
		    env->id, live->offset, live->length, live->file);
	if (content != NULL && content_verify(content, &err) != 0) {
		content_unref(content);
		content = NULL;
	}
	if (content != NULL) {
		in->summary->messages++;
		in->summary->recipients += env->nrcpt;
		in->summary->content_bytes += content_size(content);
		in->rc = in->visit(env, rcpts, flags, content, in->arg);
	} else if (in->rc == 0) {
		in->summary->damaged++;
		FACT(SPOOL_DAMAGED, fact_id("qid", env->id),
		    fact_string("reason", "its content cannot be read"));
	}
	content_unref(content);
	free(env);
}

static int
read_all(struct inspection *in, struct err *err)
{
	struct recovery r;

	journal_recovery(in->journal, &r, err);
	return recover(&r, on_message, in);
}

int
spool_inspect(const char *directory, spool_visit_cb visit, void *arg,
    struct spool_summary *out, struct err *err)
{
	/* Nobody could ask for words that were cut. */
	struct spool_options options = { .directory = directory,
		.words_max = SIZE_MAX };
	struct journal *j = journal_new(&disk_system, &options);
	struct inspection in = {
		.journal = j, .visit = visit, .arg = arg, .summary = out
	};
	int rc;

	*out = (struct spool_summary){ 0 };
	j->home.read_only = true;
	rc = open_folders(j, err);
	if (rc == 0)
		rc = take_lock(j, err);
	if (rc == 0)
		rc = read_all(&in, err);
	out->segments = j->segments.count;
	out->segment_bytes = j->segments.used_bytes;
	out->damaged += j->set_aside;
	if (j->lock_file != -1)
		(void)close(j->lock_file); /* only read */
	j->lock_file = -1;
	journal_unref(j);
	if (rc != 0)
		return err_wrap(err, rc, "spool %s", directory);
	if (in.rc != 0)
		return err_set(
		    err, in.rc, "spool %s: the reading was ended", directory);
	return 0;
}
