/*
 *   report_start -> on_content (the original is at hand) -> in the pool: its
 *   header is read, the report written -> on_written -> on_committed
 *
 * An original that cannot be read still gets its report, without its header.
 */
#include "bounce/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/work.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "mail/param.h"
#include "mail/qid.h"
#include "mail/subject.h"
#include "spool/content.h"
#include "spool/spool.h"

enum {
	HEADER_READ_MAX = 65536,
	FULL_MAX = 3 << 20, /* a larger original is shown by its header */
	REPORT_MAX = 4 << 20,
};

struct report {
	struct spool *spool; /* borrowed: outlives what is in it */
	struct loop *loop; /* borrowed */
	struct dsn dsn; /* its spans point into this struct */
	struct dsn_rcpt *rcpts; /* owned, with their texts */
	char *hostname, *sender; /* owned */
	bool is_full; /* the sender wants the whole original back */
	bool is_8bit; /* the original may be */
	struct qid qid, report_qid;
	struct content *original; /* owned reference; NULL: unreadable */
	struct buf shown, subject, body; /* shown: of the original */
	struct spool_entry *entry; /* owned until committed */
	struct envelope *env; /* owned until handed over */
	struct content *content; /* a reference, while committing */
	report_cb cb;
	void *arg;
};

static void
on_content(enum spool_status status, struct content *content, void *arg);
static void on_written(void *arg);
static void on_committed(enum spool_status status, void *arg);

static void
report_free(struct report *r)
{
	for (size_t i = 0; i < r->dsn.nrcpts; i++) {
		free((void *)(uintptr_t)r->rcpts[i].address.ptr);
		free((void *)(uintptr_t)r->rcpts[i].original.ptr);
		free((void *)(uintptr_t)r->rcpts[i].words.status.ptr);
		free((void *)(uintptr_t)r->rcpts[i].words.host.ptr);
		free((void *)(uintptr_t)r->rcpts[i].words.what.ptr);
		free((void *)(uintptr_t)r->rcpts[i].words.said.ptr);
	}
	free(r->rcpts);
	free(r->hostname);
	free(r->sender);
	free((void *)(uintptr_t)r->dsn.envid.ptr);
	content_unref(r->original);
	content_unref(r->content);
	buf_clear(&r->shown);
	buf_clear(&r->subject);
	buf_clear(&r->body);
	free(r);
}

static struct span
copy(struct span s)
{
	return span_make(span_dup(s), s.len);
}

static void
copy_rcpts(struct report *r, const struct report_request *q)
{
	r->rcpts = mem_zalloc(q->nrcpts, sizeof *r->rcpts);
	for (size_t i = 0; i < q->nrcpts; i++) {
		r->rcpts[i] = q->rcpts[i];
		r->rcpts[i].address = copy(q->rcpts[i].address);
		r->rcpts[i].original = copy(q->rcpts[i].original);
		r->rcpts[i].words = (struct words){
			.status = copy(q->rcpts[i].words.status),
			.host = copy(q->rcpts[i].words.host),
			.what = copy(q->rcpts[i].words.what),
			.said = copy(q->rcpts[i].words.said),
		};
	}
}

/* As much as is shown of it. */
static void
read_original(struct report *r)
{
	uint64_t size = r->original == NULL ? 0 : content_size(r->original);
	size_t most;
	int64_t n = 1;
	struct err err;

	r->is_full = r->is_full && size > 0 && size <= FULL_MAX;
	most = r->is_full || size < HEADER_READ_MAX ? (size_t)size
						    : HEADER_READ_MAX;
	r->shown.max = most + 1;
	while (n > 0 && buf_len(&r->shown) < most) {
		size_t at = buf_len(&r->shown);

		n = content_read(r->original, at,
		    buf_reserve(&r->shown, most - at), most - at, &err);
		if (n > 0)
			buf_added(&r->shown, (size_t)n);
	}
	r->is_full = r->is_full && buf_len(&r->shown) == size;
}

/* In the pool: a file may have to be read. */
static void
write_report(void *arg)
{
	struct report *r = arg;
	size_t scanned = 0, end = 0;

	read_original(r);
	if (header_find_end(buf_span(&r->shown), &scanned, &end) == HEADER_MORE)
		end = scanned; /* whole lines only */
	if (r->is_full)
		r->dsn.content = buf_span(&r->shown);
	r->dsn.is_8bit = r->is_full && r->is_8bit;
	r->dsn.header = span_to(buf_span(&r->shown), end);
	subject_text(r->dsn.header, &r->subject);
	r->dsn.subject = buf_span(&r->subject);
	r->body.max = REPORT_MAX;
	dsn_write(&r->body, &r->dsn);
}

static void
on_content(enum spool_status status, struct content *content, void *arg)
{
	struct report *r = arg;

	r->original = content;
	if (status != SPOOL_OK)
		log_error("report_without_header qid=%s what=\"the original "
			  "cannot be read from the spool\"",
		    r->qid.text);
	work_run(r->loop, write_report, on_written, r);
}

/* Only its To can want SMTPUTF8; the rest is content. */
static uint32_t
flags_of(const struct dsn *d)
{
	uint32_t flags = ENVELOPE_REPORT;

	if (d->is_8bit || d->is_utf8)
		flags |= ENVELOPE_8BIT;
	if (!span_is_ascii(d->sender))
		flags |= ENVELOPE_UTF8 | ENVELOPE_UTF8_HEADER;
	return flags;
}

static void
on_written(void *arg)
{
	struct report *r = arg;
	struct span rcpt = r->dsn.sender;
	struct envelope_parts parts = {
		.id = spool_entry_id(r->entry),
		.size = buf_len(&r->body),
		.arrived = r->dsn.now,
		.flags = flags_of(&r->dsn),
		.rcpt = &rcpt,
		.nrcpt = 1,
	};
	struct buf none = { 0 };

	r->env = envelope_new(&parts);
	r->content = content_new_take(&none, &r->body);
	spool_commit(r->entry, r->env, r->content, on_committed, r);
}

static void
on_committed(enum spool_status status, void *arg)
{
	struct report *r = arg;
	struct envelope *env = r->env;
	report_cb cb = r->cb;
	void *cb_arg = r->arg;

	if (status != SPOOL_OK) {
		log_error("report_not_stored qid=%s next=later", r->qid.text);
		free(env);
		env = NULL;
	}
	report_free(r);
	cb(env, cb_arg);
}

void
report_start(const struct report_request *q, report_cb cb, void *arg)
{
	struct report *r = MEM_NEW(struct report);

	r->spool = q->spool;
	r->loop = q->loop;
	r->cb = cb;
	r->arg = arg;
	r->entry = spool_entry_open(q->spool, q->loop);
	r->qid = qid_format(q->original->id);
	r->report_qid = qid_format(spool_entry_id(r->entry));
	r->hostname = mem_strdup(q->hostname);
	r->sender = mem_strdup(q->original->sender);
	copy_rcpts(r, q);
	r->is_8bit = (q->original->flags & ENVELOPE_8BIT) != 0;
	r->is_full = q->action == DSN_FAILED &&
		     params_wants_full(envelope_attrs(q->original));
	r->dsn = (struct dsn){
		.action = q->action,
		.hostname = span_text(r->hostname),
		.qid = span_text(r->qid.text),
		.report_qid = span_text(r->report_qid.text),
		.sender = span_text(r->sender),
		.is_utf8 = (q->original->flags & ENVELOPE_UTF8) != 0,
		.envid =
		    copy(attrs_get(envelope_attrs(q->original), ATTR_ENVID)),
		.arrived = q->original->arrived,
		.now = q->now,
		.retry_for = q->retry_for,
		.boundary = q->random,
		.rcpts = r->rcpts,
		.nrcpts = q->nrcpts,
	};
	r->original = spool_content(q->spool, q->original->id);
	if (r->original != NULL) {
		work_run(r->loop, write_report, on_written, r);
	} else {
		spool_fetch(q->spool, q->original->id, q->loop, on_content, r);
	}
}
