/*
 * A change is taken when the files stood still from one look to the next: who
 * renews writes the certificate and its key one after the other.
 */
#include "certificates.h"

#include "acceptor.h"
#include "base/file.h"
#include "conf/conf.h"
#include "facts/fact.h"
#include "io/tls.h"
#include "reload.h"

enum {
	LOOK_MS = 5 * 1000,
	WARN_MS = 24 * 60 * 60 * 1000,
	DAYS_ENOUGH = 14,
};

/* One number for all files: it changes when any of them does. */
static uint64_t
look_of(const struct conf *conf)
{
	uint64_t sum = FILE_MARK;

	for (size_t i = 0; i < conf->ncertificates; i++) {
		sum = file_mark_path(sum, conf->certificates[i].certificate);
		sum = file_mark_path(sum, conf->certificates[i].key);
	}
	return sum;
}

static void
take(struct rooms *r)
{
	struct acceptor_next *next = NULL;
	struct buf trouble = { 0 };
	struct tls_server *tls;
	struct err err;

	tls = tls_server_new(r->conf, &err);
	if (tls != NULL)
		next = acceptor_prepare(r->acceptor, r->conf, tls, &err);
	if (next == NULL) {
		FACT(CERTIFICATE_REFUSED, fact_string("what", err.text),
		    fact_string("next",
			"the one of before is used until it is mended"));
		tls_server_unref(tls);
		return;
	}
	acceptor_take(r->acceptor, next, &trouble);
	buf_clear(&trouble); /* all ports are kept */
	tls_server_unref(r->tls);
	r->tls = tls;
	FACT(CERTIFICATE_TAKEN,
	    fact_number("days", (uint64_t)tls_server_days_left(tls)));
}

static void
warn_of_end(struct certificates *c, const struct rooms *r, uint64_t now)
{
	int days = tls_server_days_left(r->tls);

	if (days >= DAYS_ENOUGH)
		return;
	if (c->warned_at != 0 && now - c->warned_at < WARN_MS)
		return;
	/* The first one was in what the start had found. */
	if (c->warned_at != 0)
		FACT(CERTIFICATE_ENDS, fact_number("days", (uint64_t)days),
		    fact_string("what", "renew it: it is taken up by itself"));
	c->warned_at = now;
}

void
certificates_note(struct certificates *c, const struct rooms *r)
{
	c->taken = c->seen = look_of(r->conf);
}

void
certificates_look(struct certificates *c, struct rooms *r, uint64_t now)
{
	uint64_t look;

	if (c->looked_at != 0 && now - c->looked_at < LOOK_MS)
		return;
	c->looked_at = now;
	warn_of_end(c, r, now);
	look = look_of(r->conf);
	if (look != c->taken && look == c->seen) {
		c->taken = look; /* a bad one is told once */
		take(r);
	}
	c->seen = look;
}
