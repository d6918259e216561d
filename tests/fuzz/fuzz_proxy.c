/* What is read of a balancer's header, cut anywhere, is an address, or nothing. */
#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	enum proxy_status got = PROXY_MORE;
	unsigned char bytes[16];
	struct proxy p;
	size_t n = 0;

	/* As it is read: never an octet more than the header has. */
	while (got == PROXY_MORE && n <= size) {
		got = proxy_parse(span_to(in, n), &p);
		if (got == PROXY_MORE) {
			assert(p.length > n);
			n = p.length;
		}
	}
	if (got == PROXY_CLIENT) {
		assert(p.length == n && n <= PROXY_V2_MOST);
		assert(inet_pton(AF_INET, p.client, bytes) == 1 ||
		       inet_pton(AF_INET6, p.client, bytes) == 1);
	}
	return 0;
}
