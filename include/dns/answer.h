/*
 * answer: what was said to one question, as values. This header includes and
 * knows nothing else, so that pure code may have it, too.
 */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include <netinet/in.h>
#include <stdint.h>

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12, /* its names are told as `mx`, without a preference */
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	/* Of the private ones (RFC 6895 3.1): our hosts file, no server. */
	DNS_HOSTS_FILE = 65280,
};

enum dns_status {
	DNS_DATA,
	DNS_NONE, /* the name is there, such records are not */
	DNS_NO_NAME, /* NXDOMAIN */
	DNS_FAILED, /* no answer, or one that is worth nothing; `why` */
};

enum { DNS_NAME_MAX = 256, DNS_MX_MAX = 64, DNS_ADDRESSES_MAX = 8 };
enum { DNS_TXT_MAX = 64, DNS_TXT_LENGTH = 2046, DNS_TXT_ROOM = 16384 };

union dns_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct dns_mx {
	uint16_t preference;
	char name[DNS_NAME_MAX]; /* lower case; "" is the root */
};

/* One record: its strings, one behind the other (RFC 1035 3.3.14). */
struct dns_txt {
	uint16_t at; /* in `text`: any bytes, without a NUL behind them */
	uint16_t len; /* what is longer than DNS_TXT_LENGTH is cut there */
};

struct dns_answer {
	enum dns_status status;
	uint32_t ttl; /* s, the least of all records used; UINT32_MAX: unsaid */
	unsigned nmx, naddresses, ntxt;
	union { /* of one question's type */
		struct dns_mx mx[DNS_MX_MAX];
		struct {
			struct dns_txt txt[DNS_TXT_MAX];
			char text[DNS_TXT_ROOM];
		};
	};
	union dns_address addresses[DNS_ADDRESSES_MAX]; /* port 0 */
	const char *why; /* DNS_FAILED: in words; never freed */
};

#endif
