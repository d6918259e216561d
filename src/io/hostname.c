#include "io/hostname.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
hostname_of_system(char *out, size_t size)
{
	struct addrinfo hint = { .ai_flags = AI_CANONNAME }, *ai;

	if (gethostname(out, size) == -1)
		(void)snprintf(out, size, "localhost");
	out[size - 1] = '\0';
	if (strchr(out, '.') == NULL &&
	    getaddrinfo(out, NULL, &hint, &ai) == 0) {
		if (ai->ai_canonname != NULL)
			(void)snprintf(out, size, "%s", ai->ai_canonname);
		freeaddrinfo(ai);
	}
}
