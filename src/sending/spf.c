/*
 * The record of the domain is a frame; `include` puts another one on top of it, and
 * `redirect` puts another one in its place. Terms are gone through in their order:
 *
 *   record of the top frame -> its terms -> [addresses, MX, a name] -> ... -> the
 *   frame's result -> the term below that included it, or the end
 */
#include "spf_priv.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	FRAMES_MOST = SPF_LOOKUPS_MOST + 1, /* each but the first costs one */
	MX_MOST = 10, /* RFC 7208 4.6.4 */
	RECORD_SHOWN = 500,
};

/* What the last question was for. */
enum waits { FOR_RECORD, FOR_ADDRESS, FOR_MX, FOR_MX_ADDRESS, FOR_EXISTENCE };

struct frame {
	char domain[DNS_NAME_MAX];
	char *record; /* owned; NULL: it is not there yet */
	struct span rest; /* of the record: terms to come */
	struct spf_term term; /* the one that is looked at */
	struct span redirect; /* empty: none */
	bool has_all; /* then a redirect says nothing */
};

struct spf {
	char domain[DNS_NAME_MAX], hostname[DNS_NAME_MAX];
	union dns_address address;
	struct frame frames[FRAMES_MOST];
	unsigned nframes, lookups, voids;
	enum waits waits;
	char name[DNS_NAME_MAX]; /* that is asked for */
	char mx[MX_MOST][DNS_NAME_MAX];
	unsigned nmx, mx_at;
	bool is_over, has_ptr;
	enum spf_result result;
	char why[SPF_WHY_SIZE], record[RECORD_SHOWN + 1];
};

enum next { GO_ON, ASK, OVER };

const char *
spf_result_name(enum spf_result r)
{
	static const char *const names[SPF_RESULTS] = { "none", "neutral",
		"pass", "fail", "softfail", "permerror", "temperror" };

	return names[r];
}

static void
copy_name(struct span name, char out[DNS_NAME_MAX])
{
	name = span_to(name, DNS_NAME_MAX - 1);
	memcpy(out, name.ptr, name.len);
	out[name.len] = '\0';
}

struct spf *
spf_new(const struct spf_of *of)
{
	struct spf *s = MEM_NEW(struct spf);

	copy_name(of->domain, s->domain);
	copy_name(of->hostname, s->hostname);
	s->address = *of->address;
	copy_name(of->domain, s->frames[0].domain);
	s->nframes = 1;
	return s;
}

void
spf_free(struct spf *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->nframes; i++)
		free(s->frames[i].record);
	free(s);
}

enum spf_result
spf_result(const struct spf *s)
{
	return s->result;
}

const char *
spf_why(const struct spf *s)
{
	return s->why;
}

const char *
spf_record(const struct spf *s)
{
	return s->record;
}

unsigned
spf_lookups(const struct spf *s)
{
	return s->lookups;
}

/* --- results --- */

static struct frame *
top(struct spf *s)
{
	return &s->frames[s->nframes - 1];
}

/* Text of a record in words: what does not print is a question mark. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

__attribute__((format(printf, 3, 4))) static enum next
end(struct spf *s, enum spf_result result, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(s->why, sizeof s->why, format, ap);
	va_end(ap);
	make_printable(s->why);
	s->result = result;
	s->is_over = true;
	return OVER;
}

static struct span
shown(struct span s)
{
	return span_to(s, 80);
}

/* What the frame comes to: the end, or whether an include covers it. */
static enum next
end_frame(struct spf *s, enum spf_result result)
{
	struct frame *below;

	if (s->nframes == 1) {
		s->result = result;
		s->is_over = true;
		return OVER;
	}
	free(top(s)->record);
	top(s)->record = NULL;
	s->nframes--;
	below = top(s);
	/* RFC 7208 5.2: the table. */
	if (result == SPF_NONE)
		return end(s, SPF_PERMERROR,
		    "\"%.*s\" of %.100s leads to a domain without a record",
		    SPAN_ARG(shown(below->term.whole)), below->domain);
	if (result != SPF_PASS)
		return GO_ON; /* errors have ended all before */
	return end_frame(s, below->term.qualifier);
}

/* The term covers the address. */
static enum next
match(struct spf *s)
{
	struct frame *f = top(s);
	enum spf_result q = f->term.qualifier;

	if (s->nframes == 1 || q == SPF_PASS)
		(void)snprintf(s->why, sizeof s->why,
		    q == SPF_PASS
			? "\"%.*s\" in the record of %.100s covers it%s"
			: "\"%.*s\" in the record of %.100s: nothing before it "
			  "covers it%s",
		    SPAN_ARG(shown(f->term.whole)), f->domain,
		    s->has_ptr && q != SPF_PASS ? " (ptr is not looked at)"
						: "");
	return end_frame(s, q);
}

static enum next
count_lookup(struct spf *s)
{
	const struct frame *f = top(s);

	if (s->lookups == SPF_LOOKUPS_MOST)
		return end(s, SPF_PERMERROR,
		    "more than %d lookups, at \"%.*s\" of %.100s: receivers "
		    "stop there; name networks (ip4, ip6) instead",
		    SPF_LOOKUPS_MOST, SPAN_ARG(shown(f->term.whole)),
		    f->domain);
	s->lookups++;
	return GO_ON;
}

/* --- addresses --- */

static bool
is_same_address(
    const struct spf *s, const union dns_address *a, const struct spf_term *t)
{
	bool is_v4 = s->address.sa.sa_family == AF_INET;
	const uint8_t *x, *y;
	unsigned bits = is_v4 ? t->bits4 : t->bits6;

	if (a->sa.sa_family != s->address.sa.sa_family)
		return false;
	x = is_v4 ? (const uint8_t *)&a->in.sin_addr : a->in6.sin6_addr.s6_addr;
	y = is_v4 ? (const uint8_t *)&s->address.in.sin_addr
		  : s->address.in6.sin6_addr.s6_addr;
	return memcmp(x, y, bits / 8) == 0 &&
	       (bits % 8 == 0 ||
		   (x[bits / 8] ^ y[bits / 8]) >> (8 - bits % 8) == 0);
}

static bool
is_in_network(const struct spf *s, const struct spf_term *t)
{
	bool is_v4 = s->address.sa.sa_family == AF_INET;

	return is_v4 == (t->kind == SPF_IP4) &&
	       network_contains(&t->network, &s->address.sa);
}

/* --- terms --- */

static enum next
ask(struct spf *s, enum waits waits)
{
	s->waits = waits;
	return ASK;
}

/* The name that the term is about; false: it is none, and nothing is there. */
static bool
name_of(struct spf *s, struct span spec, char out[DNS_NAME_MAX])
{
	struct frame *f = top(s);
	struct spf_macros m = { span_text(s->domain), span_text(f->domain),
		span_text(s->hostname), &s->address };

	if (spec.len == 0) {
		copy_name(span_text(f->domain), out);
		return true;
	}
	return spf_expand(spec, &m, out);
}

/* A frame for the record of s->name, on top or in the place of the top one. */
static enum next
open_frame(struct spf *s)
{
	assert(s->nframes < FRAMES_MOST);
	s->nframes++;
	*top(s) = (struct frame){ .redirect = SPAN("") };
	copy_name(span_text(s->name), top(s)->domain);
	return ask(s, FOR_RECORD);
}

static enum next
redirect(struct spf *s)
{
	struct frame *f = top(s);
	enum next next = count_lookup(s);
	char name[DNS_NAME_MAX];

	if (next == OVER)
		return next;
	if (!name_of(s, f->redirect, name))
		return end(s, SPF_PERMERROR,
		    "\"redirect=%.*s\" of %.100s leads to no name",
		    SPAN_ARG(shown(f->redirect)), f->domain);
	free(f->record);
	*f = (struct frame){ .redirect = SPAN("") };
	copy_name(span_text(name), f->domain);
	copy_name(span_text(name), s->name);
	/* Without a record there it is an error, too: RFC 7208 6.1. */
	return ask(s, FOR_RECORD);
}

static enum next
end_of_record(struct spf *s)
{
	struct frame *f = top(s);

	if (f->redirect.len > 0 && !f->has_all)
		return redirect(s);
	(void)snprintf(s->why, sizeof s->why,
	    "nothing in the record of %.100s covers it%s", f->domain,
	    s->has_ptr ? " (ptr is not looked at)" : "");
	return end_frame(s, SPF_NEUTRAL);
}

static enum next
do_lookup(struct spf *s)
{
	struct spf_term *t = &top(s)->term;
	enum next next = count_lookup(s);

	if (next == OVER)
		return next;
	if (t->kind == SPF_PTR) {
		s->has_ptr = true;
		return GO_ON;
	}
	if (!name_of(s, t->domain, s->name))
		return t->kind != SPF_INCLUDE
			   ? GO_ON
			   : end(s, SPF_PERMERROR,
				 "\"%.*s\" of %.100s leads to no name",
				 SPAN_ARG(shown(t->whole)), top(s)->domain);
	if (t->kind == SPF_INCLUDE)
		return open_frame(s);
	return ask(s, t->kind == SPF_A	  ? FOR_ADDRESS
		      : t->kind == SPF_MX ? FOR_MX
					  : FOR_EXISTENCE);
}

static enum next
do_term(struct spf *s)
{
	struct frame *f = top(s);

	/* The record was looked at as a whole: it has no wrong term. */
	if (spf_term_next(&f->rest, &f->term) != SPF_TERM)
		return end_of_record(s);
	switch (f->term.kind) {
	case SPF_ALL: return match(s);
	case SPF_IP4:
	case SPF_IP6: return is_in_network(s, &f->term) ? match(s) : GO_ON;
	case SPF_REDIRECT:
	case SPF_EXP: return GO_ON;
	case SPF_INCLUDE:
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS: break;
	}
	return do_lookup(s);
}

/* --- answers --- */

/* What stands anywhere in the record, and counts from its beginning. */
static void
note_terms(struct frame *f)
{
	struct span rest = f->rest;
	struct spf_term t;

	while (spf_term_next(&rest, &t) == SPF_TERM) {
		f->has_all |= t.kind == SPF_ALL;
		if (t.kind == SPF_REDIRECT)
			f->redirect = t.domain;
	}
}

static enum next
take_record(struct spf *s, struct span text)
{
	struct frame *f = top(s);
	struct span bad;

	if (text.len == DNS_TXT_LENGTH)
		return end(s, SPF_PERMERROR, "the record of %.100s is too long",
		    f->domain);
	f->record = span_dup(text);
	f->rest = span_make(f->record + 6, text.len - 6);
	if (s->nframes == 1 && s->record[0] == '\0') {
		(void)snprintf(s->record, sizeof s->record, "%.*s",
		    SPAN_ARG(span_to(text, RECORD_SHOWN)));
		make_printable(s->record);
	}
	if (!spf_is_sound(f->rest, &bad))
		return end(s, SPF_PERMERROR,
		    "\"%.*s\" in the record of %.100s is no term that there is",
		    SPAN_ARG(shown(bad)), f->domain);
	note_terms(f);
	return GO_ON;
}

static enum next
no_record(struct spf *s)
{
	struct frame *f = top(s);

	/* The first frame's domain is another one after a redirect. */
	if (s->nframes > 1)
		return end_frame(s, SPF_NONE);
	if (strcmp(f->domain, s->domain) != 0)
		return end(s, SPF_PERMERROR,
		    "redirect= leads to %.100s, which has no record",
		    f->domain);
	return end(
	    s, SPF_NONE, "%.100s has no TXT record of v=spf1", f->domain);
}

static enum next
on_record(struct spf *s, const struct dns_answer *a)
{
	struct span found = SPAN("");
	unsigned n = 0;

	for (unsigned i = 0; a->status == DNS_DATA && i < a->ntxt; i++) {
		struct span text =
		    span_make(a->text + a->txt[i].at, a->txt[i].len);

		if (!spf_is_record(text))
			continue;
		found = text;
		n++;
	}
	if (n > 1)
		return end(s, SPF_PERMERROR,
		    "%.100s has %u records of v=spf1, and may have one",
		    top(s)->domain, n);
	return n == 0 ? no_record(s) : take_record(s, found);
}

static bool
has_address(
    const struct spf *s, const struct dns_answer *a, const struct spf_term *t)
{
	for (unsigned i = 0; a->status == DNS_DATA && i < a->naddresses; i++)
		if (is_same_address(s, &a->addresses[i], t))
			return true;
	return false;
}

/* The next host of an `mx`. */
static enum next
ask_mx(struct spf *s)
{
	if (s->mx_at == s->nmx)
		return GO_ON;
	copy_name(span_text(s->mx[s->mx_at++]), s->name);
	return ask(s, FOR_MX_ADDRESS);
}

static enum next
on_mx(struct spf *s, const struct dns_answer *a)
{
	s->nmx = s->mx_at = 0;
	if (a->status != DNS_DATA)
		return GO_ON;
	if (a->nmx > MX_MOST)
		return end(s, SPF_PERMERROR,
		    "\"%.*s\" of %.100s has more than %d hosts",
		    SPAN_ARG(shown(top(s)->term.whole)), top(s)->domain,
		    MX_MOST);
	for (unsigned i = 0; i < a->nmx; i++)
		if (a->mx[i].name[0] != '\0')
			copy_name(span_text(a->mx[i].name), s->mx[s->nmx++]);
	return ask_mx(s);
}

static enum next
on_answer(struct spf *s, const struct dns_answer *a)
{
	struct spf_term *t = &top(s)->term;

	if (a->status == DNS_FAILED)
		return end(s, SPF_TEMPERROR,
		    "the name servers do not answer for %.120s: %.100s",
		    s->name, a->why == NULL ? "" : a->why);
	if (s->waits == FOR_RECORD)
		return on_record(s, a);
	if ((a->status == DNS_NO_NAME || a->status == DNS_NONE) &&
	    s->voids++ == SPF_VOIDS_MOST)
		return end(s, SPF_PERMERROR,
		    "more than %d lookups find nothing, at \"%.*s\" of %.100s",
		    SPF_VOIDS_MOST, SPAN_ARG(shown(t->whole)), top(s)->domain);
	switch (s->waits) {
	case FOR_RECORD: break;
	case FOR_ADDRESS: return has_address(s, a, t) ? match(s) : GO_ON;
	case FOR_MX: return on_mx(s, a);
	case FOR_MX_ADDRESS: return has_address(s, a, t) ? match(s) : ask_mx(s);
	case FOR_EXISTENCE:
		return a->status == DNS_DATA && a->naddresses > 0 ? match(s)
								  : GO_ON;
	}
	return GO_ON;
}

static void
write_question(const struct spf *s, struct spf_question *out)
{
	bool is_v4 = s->address.sa.sa_family == AF_INET;

	out->name = s->name;
	switch (s->waits) {
	case FOR_RECORD: out->type = DNS_TXT; break;
	case FOR_MX: out->type = DNS_MX; break;
	case FOR_EXISTENCE: out->type = DNS_A; break; /* RFC 7208 5.7 */
	case FOR_ADDRESS:
	case FOR_MX_ADDRESS: out->type = is_v4 ? DNS_A : DNS_AAAA; break;
	}
}

bool
spf_step(
    struct spf *s, const struct dns_answer *answer, struct spf_question *next)
{
	enum next now;

	if (answer == NULL) {
		copy_name(span_text(s->domain), s->name);
		now = ask(s, FOR_RECORD);
	} else {
		now = s->is_over ? OVER : on_answer(s, answer);
	}
	while (now == GO_ON)
		now = do_term(s);
	if (now == ASK)
		write_question(s, next);
	return now == ASK;
}
