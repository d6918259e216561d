/*
 * fake_dns: a name server on a UDP port of loopback that the system chose, on
 * the test's own loop. It answers from a script: a row a question.
 */
#ifndef TESTS_DNS_FAKE_DNS_H
#define TESTS_DNS_FAKE_DNS_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

enum {
	FAKE_A = 1,
	FAKE_CNAME = 5,
	FAKE_SOA = 6,
	FAKE_MX = 15,
	FAKE_TXT = 16,
	FAKE_AAAA = 28,
};
enum { FAKE_SILENT = 100, FAKE_GARBAGE, FAKE_CUT, FAKE_REFERRAL };

/*
 * `records`: "MX 10 mx.test 300;A 192.0.2.1 60;CNAME other.test 60;TXT one|two 60",
 * a TXT record's strings being parted by bars.
 */
struct fake_row {
	const char *name;
	int type;
	int code; /* DNS code, or one of the above */
	const char *records;
};

struct fake_dns {
	uv_udp_t udp;
	const struct fake_row *rows;
	size_t nrows;
	unsigned asked;
	char text[64]; /* address:port */
	char buf[2048];
};

struct fake_packet {
	unsigned char data[4096];
	size_t len;
};

static inline void
fake_put(struct fake_packet *p, const void *data, size_t len)
{
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

static inline void
fake_put_number(struct fake_packet *p, uint32_t n, int bytes)
{
	while (bytes-- > 0)
		p->data[p->len++] = (unsigned char)(n >> (8 * bytes));
}

static inline void
fake_put_name(struct fake_packet *p, const char *name)
{
	while (*name != '\0' && strcmp(name, ".") != 0) {
		size_t n = strcspn(name, ".");

		fake_put_number(p, (uint32_t)n, 1);
		fake_put(p, name, n);
		name += n + (name[n] == '.');
	}
	fake_put_number(p, 0, 1);
}

static inline int
fake_type(const char *name)
{
	return strcmp(name, "MX") == 0	    ? FAKE_MX
	       : strcmp(name, "TXT") == 0   ? FAKE_TXT
	       : strcmp(name, "A") == 0	    ? FAKE_A
	       : strcmp(name, "AAAA") == 0  ? FAKE_AAAA
	       : strcmp(name, "CNAME") == 0 ? FAKE_CNAME
					    : FAKE_SOA;
}

/* Its length goes in front of the data. */
static inline void
fake_put_data(struct fake_packet *p, int type, const char *data, unsigned pref)
{
	struct fake_packet d = { .len = 0 };
	unsigned char address[16];

	switch (type) {
	case FAKE_A:
		(void)inet_pton(AF_INET, data, address);
		fake_put(&d, address, 4);
		break;
	case FAKE_AAAA:
		(void)inet_pton(AF_INET6, data, address);
		fake_put(&d, address, 16);
		break;
	case FAKE_TXT:
		while (*data != '\0') {
			size_t n = strcspn(data, "|");

			fake_put_number(&d, (uint32_t)n, 1);
			fake_put(&d, data, n);
			data += n + (data[n] == '|');
		}
		break;
	case FAKE_SOA:
		fake_put_name(&d, "ns.test");
		fake_put_name(&d, "root.test");
		for (int i = 0; i < 4; i++)
			fake_put_number(&d, 1, 4);
		fake_put_number(&d, pref, 4);
		break;
	default:
		if (type == FAKE_MX)
			fake_put_number(&d, pref, 2);
		fake_put_name(&d, data);
	}
	fake_put_number(p, (uint32_t)d.len, 2);
	fake_put(p, d.data, d.len);
}

/* The owner is the name asked for, or the last CNAME's target. */
static inline unsigned
fake_put_records(struct fake_packet *p, const char *asked, const char *records,
    bool authority)
{
	char copy[2048], owner[256], *save = NULL;
	unsigned n = 0;

	(void)snprintf(owner, sizeof owner, "%s", asked);
	(void)snprintf(copy, sizeof copy, "%s", records);
	for (char *r = strtok_r(copy, ";", &save); r != NULL;
	     r = strtok_r(NULL, ";", &save)) {
		char type[16], data[1024];
		unsigned pref = 0, ttl = 0;

		if (sscanf(r, "MX %u %1023s %u", &pref, data, &ttl) == 3)
			(void)strcpy(type, "MX");
		else if (sscanf(r, "SOA %u %u", &pref, &ttl) == 2)
			(void)strcpy(type, "SOA");
		else if (sscanf(r, "%15s %1023s %u", type, data, &ttl) != 3)
			abort();
		if ((fake_type(type) == FAKE_SOA) != authority)
			continue;
		fake_put_name(p, owner);
		fake_put_number(p, (uint32_t)fake_type(type), 2);
		fake_put_number(p, 1, 2);
		fake_put_number(p, ttl, 4);
		fake_put_data(p, fake_type(type), data, pref);
		if (fake_type(type) == FAKE_CNAME)
			(void)snprintf(owner, sizeof owner, "%.255s", data);
		n++;
	}
	return n;
}

static inline const struct fake_row *
fake_find(const struct fake_dns *d, const char *name, int type)
{
	static const struct fake_row none = { "", 0, 3, "" };

	for (size_t i = 0; i < d->nrows; i++)
		if (strcasecmp(d->rows[i].name, name) == 0 &&
		    d->rows[i].type == type)
			return &d->rows[i];
	return &none;
}

static inline void
fake_build(struct fake_packet *p, const unsigned char *in,
    const struct fake_row *row, const char *name, int type)
{
	unsigned an, ns = 0;

	fake_put(p, in, 2);
	fake_put_number(
	    p, 0x8180 | (row->code < 16 ? (unsigned)row->code : 0), 2);
	fake_put_number(p, 1, 2);
	fake_put_number(p, 0, 4);
	fake_put_number(p, 0, 2);
	fake_put_name(p, name);
	fake_put_number(p, (uint32_t)type, 2);
	fake_put_number(p, 1, 2);
	an = fake_put_records(p, name, row->records, false);
	ns = fake_put_records(p, name, row->records, true);
	if (row->code == FAKE_REFERRAL) {
		fake_put_name(p, "test");
		fake_put_number(p, 2, 2);
		fake_put_number(p, 1, 2);
		fake_put_number(p, 60, 4);
		fake_put_data(p, FAKE_CNAME, "ns.test", 0);
		ns++;
	}
	p->data[7] = (unsigned char)an;
	p->data[9] = (unsigned char)ns;
	if (row->code == FAKE_CUT)
		p->len -= 3;
}

static inline void
fake_on_packet(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
    const struct sockaddr *from, unsigned flags)
{
	struct fake_dns *d = udp->data;
	const unsigned char *in = (const unsigned char *)buf->base;
	struct fake_packet out = { .len = 0 };
	const struct fake_row *row;
	char name[256] = "";
	size_t at = 12;
	uv_buf_t reply;
	int type;

	(void)flags;
	if (n < 17 || from == NULL)
		return;
	d->asked++;
	while (in[at] != 0) {
		(void)strncat(name, (const char *)in + at + 1, in[at]);
		at += in[at] + 1u;
		if (in[at] != 0)
			(void)strcat(name, ".");
	}
	type = in[at + 1] << 8 | in[at + 2];
	row = fake_find(d, name, type);
	if (row->code == FAKE_SILENT)
		return;
	fake_build(&out, in, row, name, type);
	if (row->code == FAKE_GARBAGE)
		memset(out.data + at + 5, 0xc1, out.len - at - 5);
	reply = uv_buf_init((char *)out.data, (unsigned)out.len);
	(void)uv_udp_try_send(udp, &reply, 1, from);
}

static inline void
fake_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct fake_dns *d = handle->data;

	(void)size;
	*buf = uv_buf_init(d->buf, sizeof d->buf);
}

static inline void
fake_dns_open(struct fake_dns *d, uv_loop_t *loop, const struct fake_row *rows,
    size_t nrows)
{
	struct sockaddr_in a;
	int len = sizeof a;

	d->rows = rows;
	d->nrows = nrows;
	(void)uv_udp_init(loop, &d->udp);
	d->udp.data = d;
	(void)uv_ip4_addr("127.0.0.1", 0, &a);
	if (uv_udp_bind(&d->udp, (const struct sockaddr *)&a, 0) != 0)
		abort();
	(void)uv_udp_getsockname(&d->udp, (struct sockaddr *)&a, &len);
	(void)snprintf(
	    d->text, sizeof d->text, "127.0.0.1:%d", ntohs(a.sin_port));
	(void)uv_udp_recv_start(&d->udp, fake_alloc, fake_on_packet);
}

static inline void
fake_dns_close(struct fake_dns *d)
{
	if (!uv_is_closing((uv_handle_t *)&d->udp))
		uv_close((uv_handle_t *)&d->udp, NULL);
}

#endif
