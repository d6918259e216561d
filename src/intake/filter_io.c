/*
 *   filter_start -> on_original   the body, as far as it is on disk, can be read
 *     -> ask                      the next filter:
 *          on_wants_piece         from memory at once, or from disk -> on_read
 *          on_new_body            kept; what is much goes to disk -> on_spilled
 *          on_over                its changes count now, or its refusal
 *            -> on_kept           a large new body can be read -> ask
 *     -> finish -> on_finish      the callback
 *
 * Whatever waits for the pool or the spool is waited for (is_busy), also when the
 * filtering is hurried.
 */
#include "intake/filter_io.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/build.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "draft_priv.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/work.h"
#include "mail/envelope.h"
#include "mail/param.h"
#include "mail/progress.h"
#include "mail/qid.h"
#include "milter/milter.h"
#include "milter/milter_io.h"
#include "milter/packet.h"
#include "smtp/address.h"
#include "spool/content.h"
#include "spool/spool.h"

enum {
	ALL_MS =
	    9 * 60 * 1000, /* a client waits ten minutes (RFC 5321 4.5.3.2) */
	HEADER_SPARE =
	    64 * 1024, /* so much may be added to the largest header */
	REFUSAL_MOST = 512,
};

struct filtering {
	struct parcel parcel; /* to ourselves: see finish() */
	struct filter_options o;
	uint64_t ends; /* monotonic ms */
	size_t next; /* filter of the configuration */
	struct milter_call *call; /* owned; NULL: none is asked */
	struct milter_message message;
	struct milter_rcpt *rcpts; /* owned */
	struct qid qid;
	char version[48];

	/* The body: in memory, or `content` from `base` on. */
	struct content *content; /* a reference; NULL: it is in memory */
	uint64_t base, at; /* `at`: what the filter has had of it */
	char *piece; /* owned: what was read, for the pool */
	int64_t nread;

	/* What a filter makes of it, until its last word. */
	struct buf replaced; /* owned */
	struct spool_entry
	    *scratch; /* owned: the front of a large one; or NULL */
	struct spool_entry *kept; /* the same, of the body as it is now */

	bool is_busy; /* something else has it, and comes back */
	bool is_hurried, is_over;
	bool is_refused;
	char refusal[REFUSAL_MOST];
};

static void
on_original(enum spool_status status, struct content *content, void *arg);
static void ask(struct filtering *f);
static void on_wants_piece(void *arg);
static void on_read(void *arg);
static void on_new_body(struct buf *piece, void *arg);
static void on_spilled(enum spool_status status, void *arg);
static void on_over(void *arg);
static void
on_kept(enum spool_status status, struct content *content, void *arg);
static void finish(struct filtering *f);
static void on_finish(struct parcel *p);

static const char broken[] =
    "451 4.3.0 Message could not be filtered; try again later";

static const struct conf_filter *
filter_of(const struct filtering *f)
{
	return &f->o.draft->conf->filters[f->next];
}

static void
refuse(struct filtering *f, const char *reply)
{
	if (f->is_refused)
		return;
	f->is_refused = true;
	if (f->next < f->o.draft->conf->nfilters)
		f->o.draft->filtered->refused_by = filter_of(f)->name;
	(void)snprintf(f->refusal, sizeof f->refusal, "%s", reply);
}

static void
end_call(struct filtering *f)
{
	if (f->call != NULL)
		milter_call_close(f->call);
	f->call = NULL;
}

static void
drop_replaced(struct filtering *f)
{
	buf_clear(&f->replaced);
	if (f->scratch != NULL)
		spool_entry_drop(f->scratch);
	f->scratch = NULL;
}

/* False: the filtering is being ended, and this was the last thing to wait for. */
static bool
came_back(struct filtering *f)
{
	f->is_busy = false;
	if (f->is_hurried)
		finish(f);
	return !f->is_hurried;
}

static void
give_up(struct filtering *f)
{
	end_call(f);
	refuse(f, broken);
	finish(f);
}

/* --- the body that is there --- */

struct filtering *
filter_start(const struct filter_options *options)
{
	struct filtering *f = MEM_NEW(struct filtering);
	struct draft *d = options->draft;

	f->o = *options;
	f->ends = loop_now(f->o.loop) + ALL_MS;
	f->qid = qid_format(d->id);
	(void)snprintf(
	    f->version, sizeof f->version, "Postern %s", build_version());
	f->base = d->filtered->body_at;
	if (d->passed == 0) {
		if (d->given != NULL)
			f->content = content_ref(d->given);
		f->is_busy = true;
		f->parcel.open = on_finish; /* which begins */
		mailbox_post(f->o.loop, &f->parcel);
		return f;
	}
	d->passed += buf_len(&d->body);
	d->hashed = 0;
	spool_entry_append_take(f->o.entry, &d->body, NULL, NULL);
	f->is_busy = true;
	spool_entry_read(f->o.entry, on_original, f);
	return f;
}

static void
on_original(enum spool_status status, struct content *content, void *arg)
{
	struct filtering *f = arg;

	f->content = content;
	if (!came_back(f))
		return;
	if (status != SPOOL_OK)
		give_up(f);
	else
		ask(f);
}

/* What is in memory of it. */
static struct span
body_here(const struct filtering *f)
{
	const struct draft *d = f->o.draft;

	return d->filtered->is_body_changed
		   ? buf_span(&d->filtered->new_body)
		   : span_from(buf_span(&d->body), (size_t)f->base);
}

static void
run_read(void *arg)
{
	struct filtering *f = arg;
	struct err err;

	f->nread = content_read(
	    f->content, f->base + f->at, f->piece, PACKET_BODY_MOST, &err);
}

static void
on_wants_piece(void *arg)
{
	struct filtering *f = arg;
	struct span piece;

	if (f->content == NULL) {
		piece = span_to(
		    span_from(body_here(f), (size_t)f->at), PACKET_BODY_MOST);
		f->at += piece.len;
		milter_call_piece(f->call, piece);
		return;
	}
	if (f->piece == NULL)
		f->piece = mem_alloc(PACKET_BODY_MOST);
	f->is_busy = true;
	work_run(f->o.loop, run_read, on_read, f);
}

static void
on_read(void *arg)
{
	struct filtering *f = arg;

	if (!came_back(f))
		return;
	if (f->nread < 0) {
		give_up(f);
		return;
	}
	f->at += (uint64_t)f->nread;
	milter_call_piece(f->call, span_make(f->piece, (size_t)f->nread));
}

/* --- a new one --- */

static void
on_new_body(struct buf *piece, void *arg)
{
	struct filtering *f = arg;

	f->replaced.max = DRAFT_SMALL_MAX + 4 * PACKET_MOST;
	(void)buf_append_span(&f->replaced, buf_span(piece));
	if (buf_len(&f->replaced) < DRAFT_SMALL_MAX) {
		milter_call_taken(f->call);
		return;
	}
	if (f->scratch == NULL)
		f->scratch = spool_entry_again(f->o.entry);
	f->is_busy = true;
	spool_entry_append_take(f->scratch, &f->replaced, on_spilled, f);
}

static void
on_spilled(enum spool_status status, void *arg)
{
	struct filtering *f = arg;

	if (!came_back(f))
		return;
	if (status != SPOOL_OK)
		give_up(f);
	else
		milter_call_taken(f->call);
}

/* --- asking --- */

static void
set_rcpts(struct filtering *f)
{
	const struct draft *d = f->o.draft;

	free(f->rcpts);
	f->rcpts = mem_zalloc(d->nrcpt + 1, sizeof *f->rcpts);
	for (uint32_t i = 0; i < d->nrcpt; i++)
		f->rcpts[i] = (struct milter_rcpt){ draft_rcpt(d, i),
			draft_params(d, i) };
}

/* A user of this machine has no address: it comes from here. */
static struct span
client_of(const struct draft *d)
{
	return span_starts(d->client, SPAN("local:")) ? SPAN("127.0.0.1")
						      : d->client;
}

static void
set_message(struct filtering *f)
{
	const struct draft *d = f->o.draft;

	set_rcpts(f);
	f->message = (struct milter_message){
		.hostname = span_text(d->conf->hostname),
		.version = span_text(f->version),
		.daemon_name = d->filtered->place.listener,
		.daemon_address = d->filtered->place.address,
		.daemon_port = d->filtered->place.port,
		.client = client_of(d),
		.client_port = d->filtered->place.client_port,
		.helo = d->helo,
		.tls_version = d->tls_version,
		.tls_cipher = d->tls_cipher,
		.mechanism = d->filtered->place.mechanism,
		.account = d->account,
		.qid = span_text(f->qid.text),
		.sender = span_text(d->sender),
		.sender_params = draft_params(d, DRAFT_MAIL),
		.rcpts = f->rcpts,
		.nrcpts = d->nrcpt,
		.header = buf_span(&d->filtered->fields),
	};
}

static void
ask(struct filtering *f)
{
	const struct draft *d = f->o.draft;
	struct milter_limits limits = {
		.header = (size_t)d->conf->limits.header + HEADER_SPARE,
		.line = d->conf->limits.line,
		.body = d->conf->max_message,
		.rcpts = d->conf->limits.recipients,
	};
	struct milter_events events = { on_wants_piece, on_new_body, on_over,
		f };

	while (
	    f->next < d->conf->nfilters && filter_of(f)->when != draft_when(d))
		f->next++;
	if (f->next == d->conf->nfilters || f->is_refused ||
	    d->filtered->is_discarded) {
		finish(f);
		return;
	}
	f->at = 0;
	set_message(f);
	f->call = milter_call_start(f->o.ways, filter_of(f), d->account,
	    &f->message, &limits, f->ends, &events);
}

/* --- what a filter wants --- */

static void
tell(struct filtering *f, const char *did, struct span why)
{
	struct fact_field qid = fact_id("qid", f->o.draft->id);
	struct fact_field name = fact_word("filter", filter_of(f)->name);

	if (span_is_empty(why))
		FACT(FILTERED, qid, name, fact_word("did", did));
	else
		FACT(FILTERED, qid, name, fact_word("did", did),
		    fact_text("reason", why));
}

static void
hold(struct filtering *f, const char *why)
{
	struct draft *d = f->o.draft;

	d->message_flags |= MESSAGE_QUARANTINED;
	if (buf_len(&d->filtered->held_by) == 0)
		(void)buf_printf(
		    &d->filtered->held_by, "%s: %s", filter_of(f)->name, why);
}

/* It could not be asked: what then is the configuration's to say. */
static void
be_without(struct filtering *f, const char *why)
{
	const struct conf_filter *filter = filter_of(f);
	static const char *const words[] = { [AWAY_TEMPFAIL] = "refused",
		[AWAY_ACCEPT] = "passed",
		[AWAY_HOLD] = "held" };
	const char *word = words[filter->away];
	char text[REFUSAL_MOST];

	/* One that was accepted is refused to nobody: its filter is asked again. */
	if (filter->away == AWAY_TEMPFAIL && filter->when == WHEN_AFTER)
		word = "waits";
	FACT(FILTER_AWAY, fact_id("qid", f->o.draft->id),
	    fact_word("filter", filter->name), fact_string("reason", why),
	    fact_word("message", word));
	switch (filter->away) {
	case AWAY_TEMPFAIL:
		(void)snprintf(text, sizeof text,
		    "451 4.7.1 Filter %s cannot be asked now; try again later",
		    filter->name);
		refuse(f, text);
		break;
	case AWAY_ACCEPT: break;
	case AWAY_HOLD:
		(void)snprintf(
		    text, sizeof text, "could not be asked: %.200s", why);
		hold(f, text);
		break;
	}
}

/* The new body is the body. */
static void
adopt_body(struct filtering *f)
{
	struct draft *d = f->o.draft;

	d->filtered->is_changed = d->filtered->is_body_changed = true;
	content_unref(f->content);
	f->content = NULL;
	f->base = 0;
	if (f->kept != NULL)
		spool_entry_drop(f->kept);
	f->kept = f->scratch;
	f->scratch = NULL;
	buf_clear(&d->filtered->new_body);
	if (f->kept == NULL)
		d->filtered->new_body = buf_take(&f->replaced);
	else
		spool_entry_append_take(f->kept, &f->replaced, NULL, NULL);
}

static void
apply(struct filtering *f, const struct milter_outcome *o)
{
	struct draft *d = f->o.draft;
	const char *wrong = changes_wrong(d, o);

	if (wrong != NULL) {
		be_without(f, wrong);
		return;
	}
	changes_make(d, o);
	if (o->is_header_changed) {
		buf_clear(&d->filtered->fields);
		d->filtered->fields = buf_take(milter_call_new_header(f->call));
		d->filtered->is_changed = true;
	}
	if (o->body_has_8bit)
		d->flags |= ENVELOPE_8BIT;
	if (o->quarantine != NULL)
		hold(f, o->quarantine);
	if (o->is_body_changed)
		adopt_body(f);
	tell(f,
	    o->quarantine != NULL ? "held"
	    : o->is_header_changed || o->is_body_changed || o->nchanges > 0
		? "changed"
		: "passed",
	    o->quarantine != NULL ? span_text(o->quarantine) : SPAN(""));
}

static void
take_outcome(struct filtering *f, const struct milter_outcome *o)
{
	switch (o->verdict) {
	case MILTER_PASSED: apply(f, o); break;
	case MILTER_REFUSED:
		tell(f, "refused", span_text(o->reply));
		refuse(f, o->reply);
		break;
	case MILTER_DISCARDED:
		tell(f, "discarded", SPAN(""));
		f->o.draft->filtered->is_discarded = true;
		break;
	case MILTER_FAILED: be_without(f, o->why); break;
	}
}

static void
on_over(void *arg)
{
	struct filtering *f = arg;
	struct spool_entry *before = f->kept;

	take_outcome(f, milter_call_outcome(f->call));
	end_call(f);
	drop_replaced(f);
	f->next++;
	if (f->kept != NULL && f->kept != before) {
		f->is_busy = true;
		spool_entry_read(f->kept, on_kept, f);
		return;
	}
	ask(f);
}

static void
on_kept(enum spool_status status, struct content *content, void *arg)
{
	struct filtering *f = arg;

	f->content = content;
	if (!came_back(f))
		return;
	if (status != SPOOL_OK)
		give_up(f);
	else
		ask(f);
}

/* --- the end --- */

/* From the loop: so the callback comes in no call of the owner's. */
static void
finish(struct filtering *f)
{
	if (f->is_over)
		return;
	f->is_over = true;
	f->parcel.open = on_finish;
	mailbox_post(f->o.loop, &f->parcel);
}

static void
on_finish(struct parcel *p)
{
	struct filtering *f = (struct filtering *)(void *)p;
	struct draft *d = f->o.draft;

	if (!f->is_over) { /* it begins */
		if (came_back(f))
			ask(f);
		return;
	}
	if (d->filtered->is_changed && f->content != NULL) {
		d->filtered->rest = f->content;
		d->filtered->rest_at = f->base;
	}
	f->o.cb(f->is_refused ? f->refusal : NULL, f->o.arg);
}

void
filter_hurry(struct filtering *f)
{
	if (f->is_hurried || f->is_over)
		return;
	f->is_hurried = true;
	end_call(f);
	refuse(f, broken);
	if (!f->is_busy)
		finish(f);
}

void
filter_end(struct filtering *f)
{
	assert(f->call == NULL);
	drop_replaced(f);
	content_unref(f->content);
	if (f->kept != NULL)
		spool_entry_drop(f->kept);
	free(f->piece);
	free(f->rcpts);
	free(f);
}
