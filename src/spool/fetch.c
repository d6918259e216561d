/*
 * Reading content back. What is still in memory is answered at once. A read in
 * the pool holds the journal and the segment, so that neither a drop nor a
 * close takes the file away meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "io/work.h"
#include "journal_priv.h"
#include "mail/envelope.h"
#include "mail/qid.h"
#include "segments_priv.h"
#include "spool/content.h"

struct fetch {
	struct parcel parcel;
	struct journal *journal; /* a reference */
	struct content_file *file; /* a reference; NULL: all in the record */
	struct segment *segment; /* a reference */
	struct loop *loop;
	uint64_t id;
	uint32_t offset, length;
	bool to_send;
	enum spool_status status;
	struct content *content;
	spool_fetch_cb cb;
	void *arg;
};

/* --- in the pool --- */

/* The record's memory becomes the content's: nothing is copied. */
static struct content *
inline_content(uint8_t *bytes, size_t size, struct span content)
{
	struct buf none = { 0 }, body = { .data = (char *)bytes };

	body.head = (size_t)(content.ptr - body.data);
	body.tail = body.head + content.len;
	body.cap = body.max = size;
	return content_new_take(&none, &body);
}

/* Takes the bytes. */
static struct content *
content_found(const struct journal *j, uint8_t *bytes, size_t size,
    const struct message_found *found, struct content_file *file)
{
	struct content *content = NULL;

	if (found->stored.file == 0)
		return inline_content(bytes, size, found->content);
	if (file != NULL && file->stored.file == found->stored.file)
		content =
		    content_file_open_reader(&j->home, file, found->content);
	free(bytes);
	return content;
}

struct content *
journal_read_content(const struct journal *j, const struct segment *s,
    uint64_t id, uint32_t offset, uint32_t length, struct content_file *file)
{
	struct message_found found;
	struct content *content;
	struct record rec;
	uint8_t *bytes;
	int rc;

	if (segments_read(&j->segments, s, offset, length, &bytes, &rec, &rc) !=
	    RECORD_OK)
		return NULL;
	if (rec.head.id != id || !record_message_decode(&rec, &found)) {
		free(bytes);
		return NULL;
	}
	content = content_found(j, bytes, length, &found, file);
	message_found_clear(&found);
	return content;
}

static bool
is_waiting(struct journal *j, uint64_t id)
{
	struct live *live;
	bool waiting;

	(void)pthread_mutex_lock(&j->lock);
	live = index_get(&j->index, id);
	waiting = live != NULL && !live->done;
	(void)pthread_mutex_unlock(&j->lock);
	return waiting;
}

/*
 * Who sends it may not be the only one: others get the same from memory until
 * the message rests.
 */
static void
keep(struct fetch *f)
{
	struct journal *j = f->journal;
	struct live *live;

	(void)pthread_mutex_lock(&j->lock);
	live = index_get(&j->index, f->id);
	if (live != NULL && !live->done && f->to_send)
		index_hold(&j->index, live, f->content);
	index_count(&j->index, f->content);
	(void)pthread_mutex_unlock(&j->lock);
}

static void
tell_damage(const struct fetch *f)
{
	FACT(SPOOL_DAMAGED, fact_id("qid", f->id),
	    fact_number("segment", f->segment->number),
	    fact_number("offset", f->offset),
	    fact_word("file", f->file == NULL
				  ? "none"
				  : qid_format(f->file->stored.file).text));
}

static void
run(void *arg)
{
	struct fetch *f = arg;
	/*
	 * A file that a start found may have become another message's, if the
	 * disk lost a "done": not one byte of it goes out before all is known.
	 */
	bool first_all = !f->to_send || (f->file != NULL && f->file->is_found);
	struct err err;

	f->content = journal_read_content(
	    f->journal, f->segment, f->id, f->offset, f->length, f->file);
	if (f->content != NULL && first_all &&
	    content_verify(f->content, &err) != 0) {
		content_unref(f->content);
		f->content = NULL;
	}
	if (f->content != NULL) {
		f->status = SPOOL_OK;
		if (content_is_in_memory(f->content))
			keep(f);
	} else if (!is_waiting(f->journal, f->id)) {
		f->status = SPOOL_ABSENT; /* removed while we read */
	} else {
		f->status = SPOOL_DAMAGED;
		tell_damage(f);
	}
	segment_unref(f->segment);
	content_file_unref(f->file);
	journal_unref(f->journal);
}

static void
on_read(void *arg)
{
	struct fetch *f = arg, copy = *f;

	free(f);
	copy.cb(copy.status, copy.content, copy.arg);
}

/* --- at once --- */

struct content *
journal_content(struct spool *s, uint64_t id)
{
	struct journal *j = journal_of(s);
	struct content *content = NULL;
	struct live *live;

	(void)pthread_mutex_lock(&j->lock);
	live = index_get(&j->index, id);
	if (live != NULL && live->held != NULL)
		content = content_ref(live->held);
	(void)pthread_mutex_unlock(&j->lock);
	return content;
}

void
journal_rest(struct spool *s, uint64_t id)
{
	struct journal *j = journal_of(s);
	struct live *live;

	(void)pthread_mutex_lock(&j->lock);
	live = index_get(&j->index, id);
	if (live != NULL)
		index_let_go(live);
	(void)pthread_mutex_unlock(&j->lock);
}

/* --- on the loop's thread, where alone work may be started --- */

static void
on_start(struct parcel *p)
{
	struct fetch *f = (struct fetch *)(void *)p;

	work_run(f->loop, run, on_read, f);
}

/* Under the lock. Returns NULL when `status` and `content` are the answer. */
static struct fetch *
look_up(struct journal *j, uint64_t id, bool to_send, enum spool_status *status,
    struct content **content)
{
	struct live *live = index_get(&j->index, id);
	struct fetch *f;

	*status = SPOOL_ABSENT;
	*content = NULL;
	if (live == NULL || live->done)
		return NULL;
	if (live->held != NULL)
		*content = content_ref(live->held);
	else if (live->file != NULL && to_send)
		*content = content_file_reader(live->file);
	*status = *content != NULL ? SPOOL_OK : SPOOL_DAMAGED;
	if (*content != NULL || live->segment == NULL)
		return NULL;
	f = MEM_NEW(struct fetch);
	if (live->file != NULL)
		f->file = content_file_ref(live->file);
	f->segment = segment_ref(live->segment);
	f->offset = live->offset;
	f->length = live->length;
	f->id = id;
	return f;
}

void
journal_fetch(struct spool *s, uint64_t id, bool to_send, struct loop *loop,
    spool_fetch_cb cb, void *arg)
{
	struct journal *j = journal_of(s);
	enum spool_status status;
	struct content *content;
	struct fetch *f;

	(void)pthread_mutex_lock(&j->lock);
	f = look_up(j, id, to_send, &status, &content);
	(void)pthread_mutex_unlock(&j->lock);
	if (f == NULL) {
		spool_answer_fetch(loop, status, content, cb, arg);
		return;
	}
	journal_ref(j);
	f->parcel.open = on_start;
	f->journal = j;
	f->to_send = to_send;
	f->loop = loop;
	f->cb = cb;
	f->arg = arg;
	mailbox_post(loop, &f->parcel);
}
