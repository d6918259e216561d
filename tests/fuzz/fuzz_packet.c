/* A name server's answer: the first byte chooses the type that was asked. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "src/dns/dns_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = { DNS_MX, DNS_A, DNS_AAAA, DNS_TXT };
	struct dns_answer *p;

	if (size == 0)
		return 0;
	p = MEM_NEW(struct dns_answer);
	packet_parse(span_make((const char *)data + 1, size - 1), "a.test",
	    types[data[0] % 4], p);
	free(p);
	return 0;
}
