/*
 * Reads a DNS message (RFC 1035 4.1) in two passes: first every record of the
 * answer and the authority section into a bounded table, then the chain from
 * the name that was asked to the records that were wanted.
 */
#include <ares.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dns_priv.h"

enum { HEADER_LEN = 12, RECORDS_MAX = 128, CHAIN_MAX = 16 };
/* Of no use to who asks. */
enum { TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6 };
enum { NOERROR = 0, NXDOMAIN = 3, FLAG_QR = 0x8000, FLAG_TC = 0x0200 };

struct record {
	char owner[DNS_NAME_MAX];
	bool is_answer; /* else authority */
	uint16_t type;
	uint32_t ttl;
	size_t at, len; /* of the data, in the message */
};

struct reader {
	struct span bytes; /* borrowed */
	size_t at;
	bool bad;
	struct record *records; /* owned */
	unsigned nrecords;
};

static uint32_t
read_bytes(struct reader *r, size_t n)
{
	uint32_t value = 0;

	if (r->bad || r->bytes.len - r->at < n) {
		r->bad = true;
		return 0;
	}
	while (n-- > 0)
		value = value << 8 | (unsigned char)r->bytes.ptr[r->at++];
	return value;
}

static uint16_t
read_u16(struct reader *r)
{
	return (uint16_t)read_bytes(r, 2);
}

/* A name, maybe compressed, in lower case; one that is too long is bad. */
static void
read_name(struct reader *r, char out[DNS_NAME_MAX])
{
	const unsigned char *bytes = (const unsigned char *)r->bytes.ptr;
	char *name = NULL;
	long taken = 0;
	size_t len;

	out[0] = '\0';
	if (r->bad || r->at >= r->bytes.len ||
	    ares_expand_name(bytes + r->at, bytes, (int)r->bytes.len, &name,
		&taken) != ARES_SUCCESS) {
		r->bad = true;
		return;
	}
	len = strlen(name);
	if (len >= DNS_NAME_MAX) {
		r->bad = true;
	} else {
		for (size_t i = 0; i <= len; i++)
			out[i] = ascii_lower(name[i]);
		r->at += (size_t)taken;
	}
	ares_free_string(name);
}

static void
read_records(struct reader *r, unsigned count, bool is_answer)
{
	for (unsigned i = 0; i < count && !r->bad; i++) {
		struct record *rec;

		/* The rest is left out: the table is larger than any use. */
		if (r->nrecords == RECORDS_MAX)
			return;
		rec = &r->records[r->nrecords];
		rec->is_answer = is_answer;
		read_name(r, rec->owner);
		rec->type = read_u16(r);
		(void)read_u16(r); /* class: what was asked, IN */
		rec->ttl = read_bytes(r, 4);
		/* RFC 2181 8: with the top bit set it means zero. */
		if (rec->ttl > INT32_MAX)
			rec->ttl = 0;
		rec->len = read_u16(r);
		rec->at = r->at;
		if (r->bad || rec->len > r->bytes.len - r->at)
			r->bad = true;
		else
			r->at += rec->len;
		r->nrecords += !r->bad;
	}
}

static void
use_ttl(struct dns_answer *out, uint32_t ttl)
{
	if (ttl < out->ttl)
		out->ttl = ttl;
}

/* The name that stands for `name` in the answer. */
static void
follow_cnames(struct reader *r, char name[DNS_NAME_MAX], struct dns_answer *out)
{
	for (int hops = 0; hops < CHAIN_MAX && !r->bad; hops++) {
		const struct record *found = NULL;

		for (unsigned i = 0; i < r->nrecords && found == NULL; i++)
			if (r->records[i].is_answer &&
			    r->records[i].type == TYPE_CNAME &&
			    strcmp(r->records[i].owner, name) == 0)
				found = &r->records[i];
		if (found == NULL)
			return;
		use_ttl(out, found->ttl);
		r->at = found->at;
		read_name(r, name);
	}
	r->bad = true; /* a loop */
}

static void
take_mx(struct reader *r, const struct record *rec, struct dns_answer *out)
{
	struct dns_mx *mx = &out->mx[out->nmx];

	if (out->nmx == DNS_MX_MAX)
		return;
	r->at = rec->at;
	mx->preference =
	    rec->type == DNS_MX ? (uint16_t)read_u16(r) : (uint16_t)0;
	read_name(r, mx->name);
	if (r->at > rec->at + rec->len)
		r->bad = true;
	if (!r->bad)
		out->nmx++;
}

/* Where the next one's text begins. */
static uint16_t
txt_used(const struct dns_answer *a)
{
	const struct dns_txt *last = &a->txt[a->ntxt];

	if (a->ntxt == 0)
		return 0;
	last--;
	return (uint16_t)(last->at + last->len);
}

/* RFC 1035 3.3.14: strings, each behind its length. */
static void
take_txt(struct reader *r, const struct record *rec, struct dns_answer *out)
{
	struct dns_txt *txt = &out->txt[out->ntxt];
	size_t end = rec->at + rec->len;

	if (out->ntxt == DNS_TXT_MAX)
		return;
	*txt = (struct dns_txt){ .at = txt_used(out) };
	if (DNS_TXT_ROOM - txt->at < DNS_TXT_LENGTH)
		return; /* the others have all the room */
	r->at = rec->at;
	while (r->at < end && !r->bad) {
		size_t len = read_bytes(r, 1);
		size_t room = DNS_TXT_LENGTH - txt->len;

		if (len > end - r->at) {
			r->bad = true;
			return;
		}
		memcpy(out->text + txt->at + txt->len, r->bytes.ptr + r->at,
		    len < room ? len : room);
		txt->len = (uint16_t)(txt->len + (len < room ? len : room));
		r->at += len;
	}
	out->ntxt++;
}

static void
take_address(struct reader *r, const struct record *rec, struct dns_answer *out)
{
	union dns_address *a = &out->addresses[out->naddresses];
	const char *data = r->bytes.ptr + rec->at;

	if (out->naddresses == DNS_ADDRESSES_MAX)
		return;
	*a = (union dns_address){ 0 };
	if (rec->type == DNS_A && rec->len == sizeof a->in.sin_addr) {
		a->in.sin_family = AF_INET;
		memcpy(&a->in.sin_addr, data, rec->len);
	} else if (rec->type == DNS_AAAA &&
		   rec->len == sizeof a->in6.sin6_addr) {
		a->in6.sin6_family = AF_INET6;
		memcpy(&a->in6.sin6_addr, data, rec->len);
	} else {
		r->bad = true;
		return;
	}
	out->naddresses++;
}

/* RFC 2308 5: a negative answer may be kept as long as the SOA says. */
static bool
take_soa(struct reader *r, struct dns_answer *out)
{
	for (unsigned i = 0; i < r->nrecords; i++) {
		const struct record *rec = &r->records[i];

		if (rec->type != TYPE_SOA || rec->is_answer || rec->len < 22)
			continue;
		r->at = rec->at + rec->len - 4;
		use_ttl(out, rec->ttl);
		use_ttl(out, read_bytes(r, 4));
		return true;
	}
	return false;
}

/* RFC 2308 2.2: no answer, no SOA, but name servers: ask those instead. */
static bool
is_referral(const struct reader *r)
{
	for (unsigned i = 0; i < r->nrecords; i++)
		if (r->records[i].is_answer)
			return false;
	for (unsigned i = 0; i < r->nrecords; i++)
		if (r->records[i].type == TYPE_NS)
			return true;
	return false;
}

static enum dns_status
bad(struct dns_answer *out, const char *why)
{
	out->why = why;
	return DNS_FAILED;
}

/* The records are read: what do they say? */
static enum dns_status
judge(struct reader *r, unsigned code, const char *asked, uint16_t type,
    struct dns_answer *out)
{
	char name[DNS_NAME_MAX];
	bool found = false;

	for (size_t i = 0; i < sizeof name; i++) {
		name[i] = ascii_lower(asked[i]);
		if (asked[i] == '\0')
			break;
	}
	follow_cnames(r, name, out);
	for (unsigned i = 0; i < r->nrecords && !r->bad; i++) {
		const struct record *rec = &r->records[i];

		if (!rec->is_answer || rec->type != type ||
		    strcmp(rec->owner, name) != 0)
			continue;
		found = true;
		use_ttl(out, rec->ttl);
		if (type == DNS_MX || type == DNS_PTR)
			take_mx(r, rec, out);
		else if (type == DNS_TXT)
			take_txt(r, rec, out);
		else
			take_address(r, rec, out);
	}
	if (r->bad)
		return bad(out, "malformed answer");
	if (code == NXDOMAIN) {
		(void)take_soa(r, out);
		return DNS_NO_NAME;
	}
	if (found)
		return DNS_DATA;
	if (!take_soa(r, out) && is_referral(r))
		return bad(out, "a referral instead of an answer");
	return DNS_NONE;
}

static enum dns_status
parse(
    struct span bytes, const char *name, uint16_t type, struct dns_answer *out)
{
	struct reader r = { .bytes = bytes };
	unsigned flags, questions, answers, authorities;
	enum dns_status status;

	*out = (struct dns_answer){ .ttl = UINT32_MAX };
	if (bytes.len < HEADER_LEN || bytes.len > UINT16_MAX ||
	    strlen(name) >= DNS_NAME_MAX)
		return bad(out, "malformed answer");
	(void)read_u16(&r); /* id: c-ares has compared it */
	flags = read_u16(&r);
	questions = read_u16(&r);
	answers = read_u16(&r);
	authorities = read_u16(&r);
	(void)read_u16(&r);
	if (!(flags & FLAG_QR) || (flags & FLAG_TC))
		return bad(out, "truncated answer");
	if ((flags & 0xf) != NOERROR && (flags & 0xf) != NXDOMAIN)
		return bad(out, "an error code");
	for (unsigned i = 0; i < questions && !r.bad; i++) {
		char ignored[DNS_NAME_MAX];

		read_name(&r, ignored);
		(void)read_bytes(&r, 4);
	}
	r.records = mem_zalloc(RECORDS_MAX, sizeof *r.records);
	read_records(&r, answers, true);
	read_records(&r, authorities, false);
	status = r.bad ? bad(out, "malformed answer")
		       : judge(&r, flags & 0xf, name, type, out);
	free(r.records);
	return status;
}

void
packet_parse(
    struct span bytes, const char *name, uint16_t type, struct dns_answer *out)
{
	out->status = parse(bytes, name, type, out);
}
