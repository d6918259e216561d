/*
 * What is kept of the table. On the queue thread a row that changed is noted, as a
 * copy; the state's thread collects the copies. At the start rows come the other way,
 * as copies in one parcel.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "domains_parts_io.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "mail/attrs.h"

enum { READ_MOST = 4 * DOMAINS_MOST, DAY_MS = 24 * 3600 * 1000 };
/* Of a site's words: numbers in files. */
enum { SAID_HOST = 1, SAID_STATUS = 2, SAID_TEXT = 3 };

/* All rows that there were, or that all is to be put again. */
struct reader {
	struct parcel parcel;
	struct domains *table; /* borrowed: freed after the loop's end */
	struct list rows; /* struct kept */
	bool is_renewed;
};

static struct kept *
kept_new(const struct state_sending *row, bool is_dropped)
{
	size_t n = row->domain.len + row->name.len + row->said.len;
	struct kept *k = MEM_NEW(struct kept);
	char *to = mem_alloc(n + 1);

	k->row = *row;
	k->texts = to;
	k->is_dropped = is_dropped;
	memcpy(to, row->domain.ptr, row->domain.len);
	k->row.domain.ptr = to;
	to += row->domain.len;
	if (row->name.len > 0)
		memcpy(to, row->name.ptr, row->name.len);
	k->row.name.ptr = to;
	to += row->name.len;
	if (row->said.len > 0)
		memcpy(to, row->said.ptr, row->said.len);
	k->row.said.ptr = to;
	return k;
}

static void
kept_free(struct kept *k)
{
	free(k->texts);
	free(k);
}

static void
kept_free_all(struct list *all)
{
	struct list *node;

	while ((node = list_pop(all)) != NULL)
		kept_free(LIST_ENTRY(node, struct kept, node));
}

void
kept_put(struct domains *d, const struct state_sending *row, bool is_dropped)
{
	struct kept *k;

	if (d->state == NULL)
		return;
	k = kept_new(row, is_dropped);
	(void)pthread_mutex_lock(&d->lock);
	list_append(&d->keeping, &k->node);
	(void)pthread_mutex_unlock(&d->lock);
	state_wake(d->state);
}

/* --- the state's thread --- */

static void
collect(struct state_batch *b, void *arg)
{
	struct domains *d = arg;
	struct list *node;

	(void)pthread_mutex_lock(&d->lock);
	while ((node = list_pop(&d->keeping)) != NULL) {
		struct kept *k = LIST_ENTRY(node, struct kept, node);

		if (k->is_dropped)
			state_drop_sending(b, &k->row);
		else
			state_put_sending(b, &k->row);
		list_append(&d->saving, &k->node);
	}
	(void)pthread_mutex_unlock(&d->lock);
}

static void
collected(bool is_kept, void *arg)
{
	struct domains *d = arg;

	(void)pthread_mutex_lock(&d->lock);
	if (is_kept) {
		kept_free_all(&d->saving);
	} else { /* those that changed since then are newer */
		list_splice(&d->saving, &d->keeping);
		list_splice(&d->keeping, &d->saving);
	}
	(void)pthread_mutex_unlock(&d->lock);
}

/* --- back on the queue thread --- */

static char *
part(struct span said, uint16_t tag)
{
	return span_dup(attrs_get(said, tag));
}

static void
take_site(struct domains *d, struct domain *of, const struct state_sending *row)
{
	struct domain_site s = { .site = span_dup(row->name),
		.host = part(row->said, SAID_HOST),
		.status = part(row->said, SAID_STATUS),
		.said = part(row->said, SAID_TEXT),
		.since = row->at };

	(void)d;
	domains_add_site(of, &s);
	free(s.site);
	free(s.host);
	free(s.status);
	free(s.said);
}

static void
take_found(
    struct domains *d, struct domain *of, const struct state_sending *row)
{
	int64_t passed = wall_now() - row->at;
	struct sending s;

	if (of->looked != 0 || !sending_read(row->said, &s))
		return;
	of->looked = row->at;
	of->found = mem_dup(row->said.ptr, row->said.len);
	of->nfound = row->said.len;
	free(of->mail_from);
	of->mail_from = mem_strdup(s.mail_from);
	domains_set_verdict(of, s.verdict);
	if (passed < 0 || passed > DAY_MS)
		passed = DAY_MS;
	/* Not all at once after a long stop. */
	domains_schedule(
	    d, of, (uint64_t)(DAY_MS - passed) + random_u32() % (60 * 1000));
}

static void
take_row(struct domains *d, const struct state_sending *row)
{
	struct domain *of;

	if (row->domain.len == 0 || row->domain.len >= SENDING_NAME_SIZE ||
	    (row->said.len > 0 && !attrs_are_valid(row->said)))
		return;
	of = domains_make(d, row->domain);
	switch (row->kind) {
	case STATE_DOMAIN: take_found(d, of, row); break;
	case STATE_DOMAIN_ACCOUNT: domains_make_pair(d, of, row->name); break;
	case STATE_DOMAIN_HOLD: take_site(d, of, row); break;
	}
}

static void
on_rows(struct parcel *p)
{
	struct reader *r = (struct reader *)(void *)p;
	struct domains *d = r->table;
	struct list *node;

	if (!d->is_closed && r->is_renewed)
		domains_put_all(d);
	while ((node = list_pop(&r->rows)) != NULL) {
		struct kept *k = LIST_ENTRY(node, struct kept, node);

		if (!d->is_closed)
			take_row(d, &k->row);
		kept_free(k);
	}
	free(r);
}

static struct reader *
reader_new(struct domains *d, bool is_renewed)
{
	struct reader *r = MEM_NEW(struct reader);

	r->parcel.open = on_rows;
	r->table = d;
	r->is_renewed = is_renewed;
	list_init(&r->rows);
	return r;
}

/* The state's thread sleeps outside of a loop. */
static void
post(struct reader *r)
{
	mailbox_post(r->table->loop, &r->parcel);
	mailbox_flush();
}

static void
on_row(const struct state_sending *row, void *arg)
{
	struct reader *r = arg;

	if (row != NULL)
		list_append(&r->rows, &kept_new(row, false)->node);
	else
		post(r);
}

static void
renewed(void *arg)
{
	struct domains *d = arg;

	post(reader_new(d, true));
}

void
kept_open(struct domains *d)
{
	struct state_source source = { collect, collected, renewed, d };

	(void)pthread_mutex_init(&d->lock, NULL);
	list_init(&d->keeping);
	list_init(&d->saving);
	if (d->state == NULL)
		return;
	state_add_source(d->state, &source);
	state_ask_sending(d->state, READ_MOST, on_row, reader_new(d, false));
}

void
kept_close(struct domains *d)
{
	kept_free_all(&d->keeping);
	kept_free_all(&d->saving);
	(void)pthread_mutex_destroy(&d->lock);
}

void
domains_put_site(struct domains *d, const struct domain *of,
    const struct domain_site *site, bool is_dropped)
{
	struct buf said = { 0 };

	attrs_put(&said, SAID_HOST, span_text(site->host));
	attrs_put(&said, SAID_STATUS, span_text(site->status));
	attrs_put(&said, SAID_TEXT, span_text(site->said));
	kept_put(d,
	    &(struct state_sending){ STATE_DOMAIN_HOLD, span_text(of->name),
		span_text(site->site), buf_span(&said), site->since },
	    is_dropped);
	buf_clear(&said);
}
