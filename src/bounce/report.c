/*
 *   report_start -> on_content (the original is at hand) -> in the pool: its
 *   header is read, the report written -> on_written -> on_stored
 *
 * An original that cannot be read still gets its report, without its header.
 */
#include "bounce/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "intake/draft.h"
#include "intake/intake_io.h"
#include "io/loop.h"
#include "io/work.h"
#include "mail/attrs.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "mail/param.h"
#include "mail/qid.h"
#include "mail/subject.h"
#include "mail/wishes.h"
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
	struct buf shown, subject; /* shown: of the original */
	struct draft draft; /* the report itself */
	struct intake intake;
	report_cb cb;
	void *arg;
};

static void
on_content(enum spool_status status, struct content *content, void *arg);
static void on_written(void *arg);
static void on_stored(const struct intake_answer *answer, void *arg);

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
	draft_clear(&r->draft);
	buf_clear(&r->shown);
	buf_clear(&r->subject);
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
	r->draft.body.max = REPORT_MAX;
	dsn_write(&r->draft.body, &r->dsn);
}

static void
on_content(enum spool_status status, struct content *content, void *arg)
{
	struct report *r = arg;

	r->original = content;
	if (status != SPOOL_OK)
		FACT(REPORT_WITHOUT_HEADER, fact_word("qid", r->qid.text),
		    fact_string(
			"what", "the original cannot be read from the spool"));
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
	struct intake_answer now;

	r->draft.flags = flags_of(&r->dsn);
	draft_note_written(&r->draft);
	(void)draft_run(&r->draft, DRAFT_ENDS);
	if (intake_do(&r->intake, &r->draft, &now))
		on_stored(&now, r);
}

static void
on_stored(const struct intake_answer *answer, void *arg)
{
	struct report *r = arg;
	report_cb cb = r->cb;
	void *cb_arg = r->arg;
	char *message_id = r->draft.message_id;

	if (answer->env == NULL)
		FACT(REPORT_NOT_STORED, fact_word("qid", r->qid.text),
		    fact_word("next", "later"));
	r->draft.message_id = NULL;
	report_free(r);
	cb(answer->env, message_id == NULL ? "" : message_id, cb_arg);
	free(message_id);
}

/* To the sender, from nobody (RFC 3461 6.1). */
static void
begin_draft(struct report *r, const struct report_request *q)
{
	struct intake_answer now;

	r->draft.origin = DRAFT_REPORT;
	r->draft.wants_hash = true;
	r->draft.now = q->now;
	/* RFC 8689 5: what protects the message protects what is said of it. */
	if (wishes_tls(envelope_attrs(q->original)))
		attrs_put(&r->draft.attrs, ATTR_REQUIRETLS, SPAN("yes"));
	draft_set_written_sender(&r->draft, SPAN(""));
	draft_add_written(&r->draft, span_text(q->original->sender), SPAN(""));
	(void)draft_run(&r->draft, DRAFT_BEGINS);
	(void)intake_do(&r->intake, &r->draft, &now); /* at once */
	(void)draft_answered(&r->draft, now.refusal);
}

void
report_start(const struct report_request *q, report_cb cb, void *arg)
{
	struct report *r = MEM_NEW(struct report);
	struct deliver_by by;

	r->spool = q->spool;
	r->loop = q->loop;
	r->cb = cb;
	r->arg = arg;
	intake_init(&r->intake, q->spool, q->loop, on_stored, r);
	begin_draft(r, q);
	by = wishes_by(envelope_attrs(q->original));
	r->qid = qid_format(q->original->id);
	r->report_qid = qid_format(r->draft.id);
	r->hostname = mem_strdup(q->hostname);
	r->sender = mem_strdup(q->original->sender);
	copy_rcpts(r, q);
	r->is_8bit = (q->original->flags & ENVELOPE_8BIT) != 0;
	r->is_full = q->action == DSN_FAILED &&
		     params_wants_full(envelope_attrs(q->original)) &&
		     (q->original->flags & ENVELOPE_BINARY) == 0 &&
		     !wishes_tls(envelope_attrs(q->original));
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
		.is_by = by.is_asked && (by.traces || !by.returns),
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
